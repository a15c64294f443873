"""A mirror on disk: plain arrays that are mapped, not read, and one pointer that says which.

Each save writes a folder of its own, and then replaces the pointer file in one step; whoever dies
in between leaves the earlier snapshot as it was. Folders that no pointer names are removed at the
next save; a process that has mapped one keeps its pages.
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.base import IndexUnavailableError
from retrieval.columns import Column, GrowingArray, Vocabulary
from retrieval.space import Space, map_graph, write_graph
from retrieval.table import Table

LAYOUT = 2
"""Counts up when what is written changes; another layout is not read."""
POINTER = "current.json"
_PARTS = ("numbers", "flags", "codes", "tag_codes", "tag_rows")


def write_snapshot(folder: Path, tables: Sequence[Table], version: int) -> None:
    """Write tables and switch to them.

    Raises:
        IndexUnavailableError: the folder cannot be written.
    """
    name = f"{version}-{uuid.uuid4().hex[:8]}"
    try:
        (folder / name).mkdir(parents=True)
        described = [_write_table(folder / name / str(i), table) for i, table in enumerate(tables)]
        _write_json(folder / name / "tables.json", described)
        _write_json(folder / f"{name}.json", {"layout": LAYOUT, "version": version, "name": name})
        (folder / f"{name}.json").replace(folder / POINTER)
    except (OSError, RuntimeError) as error:  # faiss reports a full disk as a RuntimeError
        shutil.rmtree(folder / name, ignore_errors=True)
        with suppress(OSError):
            (folder / f"{name}.json").unlink()
        raise IndexUnavailableError(
            f"the search snapshot cannot be written to {folder}: {str(error).splitlines()[0]}",
            "free some space or choose a folder that can be written; what is stored is safe",
        ) from error
    for stale in folder.iterdir():
        if stale.is_dir() and stale.name != name:
            shutil.rmtree(stale, ignore_errors=True)
        elif stale.suffix == ".json" and stale.name != POINTER:
            stale.unlink(missing_ok=True)


def read_snapshot(folder: Path, tables: Sequence[Table], version: int | None) -> int | None:
    """Fill empty tables from the current snapshot.

    Args:
        folder: where it was written.
        tables: empty tables, in the order in which they were written.
        version: the stamp it must carry; none for any.

    Returns:
        Its stamp; none where there is no readable snapshot with this stamp.
    """
    try:
        pointer = json.loads((folder / POINTER).read_text())
        if pointer["layout"] != LAYOUT or version not in (None, pointer["version"]):
            return None
        described = json.loads((folder / pointer["name"] / "tables.json").read_text())
        for i, table in enumerate(tables):
            _read_table(folder / pointer["name"] / str(i), table, described[i])
        return int(pointer["version"])
    except (OSError, ValueError, KeyError, RuntimeError):
        return None


def snapshot_name(folder: Path) -> str:
    """Name of the current snapshot, another one after each save; empty where there is none."""
    try:
        return str(json.loads((folder / POINTER).read_text())["name"])
    except (OSError, ValueError, KeyError):
        return ""


def _write_table(folder: Path, table: Table) -> dict[str, Any]:
    folder.mkdir()
    _write_array(folder / "alive.npy", table.alive)
    _write_json(folder / "keys.json", table.keys)
    columns = []
    for i, (name, column) in enumerate(table.columns.items()):
        held = {part: getattr(column, part) for part in _PARTS}
        for part, array in held.items():
            if array is not None:
                _write_array(folder / f"column{i}.{part}.npy", array.values)
        columns.append(
            {
                "name": name,
                "parts": [part for part, array in held.items() if array is not None],
                "words": column.vocabulary.words,
            }
        )
    spaces = []
    for i, (name, space) in enumerate(table.spaces.items()):
        _write_array(folder / f"space{i}.matrix.npy", space.matrix)
        _write_array(folder / f"space{i}.rows.npy", space.rows)
        graph = space.graph
        if graph is not None:
            write_graph(graph, folder / f"space{i}.graph")
        width = graph.width if graph else None
        size = graph.size if graph else 0
        spaces.append({"name": name, "graph_size": size, "graph_width": width})
    return {"columns": columns, "spaces": spaces}


def _read_table(folder: Path, table: Table, described: dict[str, Any]) -> None:
    alive = np.load(folder / "alive.npy")
    table.keys = json.loads((folder / "keys.json").read_text())
    for i, about in enumerate(described["columns"]):
        column = Column(len(alive))
        column.vocabulary = Vocabulary(about["words"])
        for part in about["parts"]:
            setattr(column, part, GrowingArray(np.load(folder / f"column{i}.{part}.npy")))
        table.columns[about["name"]] = column
    for i, about in enumerate(described["spaces"]):
        matrix = np.load(folder / f"space{i}.matrix.npy", mmap_mode="r")
        rows = np.load(folder / f"space{i}.rows.npy")
        size = about["graph_size"]
        graph = map_graph(folder / f"space{i}.graph", size, about["graph_width"]) if size else None
        table.spaces[about["name"]] = Space(GrowingArray(matrix), GrowingArray(rows), graph)
    table.alive = alive


def _write_array(path: Path, array: NDArray[Any]) -> None:
    with path.open("wb") as file:
        np.save(file, array)
        _settle(file)


def _write_json(path: Path, value: object) -> None:
    with path.open("w") as file:
        json.dump(value, file)
        _settle(file)


def _settle(file: Any) -> None:
    """Bytes are on the disk before the pointer names them."""
    file.flush()
    os.fsync(file.fileno())
