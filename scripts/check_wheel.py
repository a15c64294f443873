"""Check that the wheel in a folder holds every file of every room, and nothing else.

Usage: python scripts/check_wheel.py DIST
"""

from __future__ import annotations

import sys
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def rooms() -> list[str]:
    """Names of the packages that the wheel promises."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = settings["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    return [str(name) for name in packages]


def expected() -> set[str]:
    """Files of the rooms in the tree, as paths below the root."""
    return {
        path.relative_to(ROOT).as_posix()
        for room in rooms()
        for path in (ROOT / room).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def main() -> None:
    """Compare the one wheel of the folder with the tree."""
    [wheel] = Path(sys.argv[1]).glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    lost, foreign = sorted(expected() - held), sorted(held - expected())
    if lost or foreign:
        sys.exit(f"{wheel.name}: missing {lost}, not of this tree {foreign}")


if __name__ == "__main__":
    main()
