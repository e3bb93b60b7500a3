"""Where a service is, as somebody types it."""

from urllib.parse import urlsplit


class AddressRefused(ValueError):
    """No address of a service; the message says what one looks like."""


def service_address(text: str) -> str:
    """`text` as http[s]://host[:port][/path]; without http:// that is taken. AddressRefused where it is neither."""
    url = text.strip() if "://" in text else f"http://{text.strip()}"
    try:
        parts = urlsplit(url)
        there = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and " " not in url
    except ValueError:  # a port that is no number, or beyond 65535
        there = False
    if not there:
        raise AddressRefused(
            f"--url: expected http://HOST:PORT, found {text!r}; unless told otherwise `streamrank serve` is at "
            f"http://127.0.0.1:3000"
        )
    return url.rstrip("/")
