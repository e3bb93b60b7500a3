"""What a bench is doing, told on stderr while it does it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

Progress = Callable[[str], AbstractContextManager]


@contextmanager
def silent(_: str) -> Iterator[None]:
    """Tells nothing."""
    yield


@contextmanager
def told(what: str) -> Iterator[None]:
    """A spinner on a terminal, one line with the seconds it took elsewhere."""
    import time

    from rich.console import Console

    console = Console(stderr=True)
    begin = time.perf_counter()
    with console.status(what):
        yield
    console.print(f"[dim]{what}: {time.perf_counter() - begin:.1f} s[/dim]")
