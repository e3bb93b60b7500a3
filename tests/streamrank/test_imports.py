"""No two modules of a room know each other, not even for the sake of a type: each is read without those above it."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from streamrank.environment import CHECKOUT

ROOMS = ("streamrank", "catalog", "models", "validation", "pipelines", "bentos", "cli")


def module(path: Path) -> str:
    parts = path.relative_to(CHECKOUT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(path: Path, modules: set[str]) -> set[str]:
    """The modules among `modules` that the file imports at its top, for types alone too; not within functions."""
    found: set[str] = set()
    for node in at_the_top(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {f"{node.module}.{name.name}" for name in node.names} | {node.module}
    return (found & modules) - {module(path)}


def at_the_top(tree: ast.AST):
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
            yield from at_the_top(node)


@pytest.mark.parametrize("room", ROOMS)
def test_imports_make_no_circle(room):
    files = [path for path in (CHECKOUT / room).rglob("*.py") if path.stat().st_size]
    plain = {module(path) for path in files if path.name != "__init__.py"}
    graph = {module(path): imported(path, plain) for path in files if module(path) in plain}
    assert tuple(TopologicalSorter(graph).static_order())  # CycleError names a circle
    assert sum(map(len, graph.values())) > len(graph) / 2
