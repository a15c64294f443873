"""The house keeps its shape: sizes, rooms in the wheel, light start, no machine's own paths."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MOST_MODULE_LINES = 400
MOST_FUNCTION_LINES = 60
HEAVY = (
    "ctranslate2", "decord", "faiss", "onnxruntime", "open_clip", "pyarrow", "pymilvus", "ray",
    "sqlalchemy", "torch", "torchaudio", "transformers",
)  # fmt: skip
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
ROOMS = SETTINGS["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]


def modules(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_modules_are_short() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in modules(*ROOMS, "tests", "benchmarks", "scripts", "examples")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > MOST_MODULE_LINES
    }
    assert long == {}


def test_functions_are_short() -> None:
    long = {
        f"{path.relative_to(ROOT)}:{node.name}": node.end_lineno - node.lineno + 1
        for path in modules(*ROOMS, "tests", "benchmarks", "scripts", "examples")
        for node in functions(path)
        if node.end_lineno and node.end_lineno - node.lineno + 1 > MOST_FUNCTION_LINES
    }
    assert long == {}


def test_every_room_is_in_the_wheel_and_under_every_tool() -> None:
    found = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert set(ROOMS) == found
    assert set(SETTINGS["tool"]["mypy"]["files"]) == found | {"tests"}
    assert set(SETTINGS["tool"]["importlinter"]["root_packages"]) == found
    layers = next(c for c in SETTINGS["tool"]["importlinter"]["contracts"] if c["type"] == "layers")
    assert set(layers["layers"]) == found
    sources = SETTINGS["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    assert {f"/{room}" for room in found} <= set(sources)


def test_no_path_of_one_machine_is_written_down() -> None:
    own = re.compile("/(?:" + "|".join(("home", "root", "Users", "work")) + r")/\w")
    suffixes = {".py", ".md", ".toml", ".json", ".css", ".svg", ".txt", ""}
    folders = [*ROOMS, "tests", "benchmarks", "scripts", "examples", "docs", ".ci"]
    files = [path for folder in folders for path in (ROOT / folder).rglob("*")]
    files += [*ROOT.glob("*.md"), ROOT / "Makefile", ROOT / "pyproject.toml"]
    found = {
        str(path.relative_to(ROOT)): match.group()
        for path in files
        if path.is_file() and path.suffix in suffixes and "__pycache__" not in path.parts
        if (match := own.search(path.read_text(encoding="utf-8", errors="replace")))
    }
    assert found == {}


@pytest.mark.parametrize("module", ["sensorium.cli", "sensorium.config"])
def test_the_command_line_starts_without_heavy_imports(module: str) -> None:
    code = f"import sys, {module}; print(*sorted({{n.split('.')[0] for n in sys.modules}}))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert sorted(set(HEAVY) & set(done.stdout.split())) == []
