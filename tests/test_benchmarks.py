"""What benchmarks take from each other is there: nothing else runs them all."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"
TREES = {path.stem: ast.parse(path.read_text(encoding="utf-8")) for path in FOLDER.glob("*.py")}


def defined(tree: ast.Module) -> set[str]:
    """Names that a module has at its top level."""
    names = {alias.asname or alias.name for name in ast.walk(tree) for alias in aliases(name)}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {one.id for of in targets for one in ast.walk(of) if isinstance(one, ast.Name)}
    return names


def aliases(node: ast.AST) -> list[ast.alias]:
    return node.names if isinstance(node, ast.ImportFrom | ast.Import) else []


@pytest.mark.parametrize("name", sorted(TREES))
def test_what_is_imported_is_there(name: str) -> None:
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.ImportFrom) and node.module:
            module = node.module.removeprefix("benchmarks.")
            if module in TREES:
                missing = {alias.name for alias in node.names} - defined(TREES[module])
                assert not missing, f"{name} takes {missing} from {module}"
