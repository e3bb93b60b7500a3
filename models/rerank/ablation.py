"""Which steps to run to learn what each of them does to a list."""

from collections.abc import Sequence

from models.rerank.step import Step

NONE, ALL = "no step", "all steps"


def choices(steps: Sequence[Step]) -> dict[str, tuple[Step, ...]]:
    """Name -> the steps to run: none, each alone, and all."""
    return {NONE: ()} | {f"only {step.name}": (step,) for step in steps} | {ALL: tuple(steps)}
