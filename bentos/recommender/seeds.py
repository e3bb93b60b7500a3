"""What follows from a request's id alone: what is drawn for it, and whether all of it is logged."""

import hashlib


def seed_of(request_id: str) -> int:
    """The seed of what is drawn for a request, an int64."""
    return _number(f"seed {request_id}") >> 1


def in_sample(request_id: str, rate: float) -> bool:
    """Whether a request is among the share `rate` that is logged with all its candidates."""
    return _number(request_id) < rate * 2**64


def _number(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())
