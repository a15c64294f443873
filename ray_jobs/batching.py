"""Batch sizes that adapt: out of memory halves them, and the size found is remembered.

The file is a plain JSON object, ``{"model fingerprint @ device": size}``: whoever moves to a larger
GPU of the same name, or freed memory, deletes the line or the file.
"""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path


class BatchMemory:
    """Batch sizes found in earlier runs.

    Args:
        path: JSON file; none remembers nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = threading.Lock()

    def get(self, key: str) -> int | None:
        """Size found for a key; none where there is none or the file cannot be read."""
        return self._read().get(key) if key else None

    def put(self, key: str, size: int) -> None:
        """Remember a size; a file that cannot be written is passed over."""
        if self._path is None or not key:
            return
        with self._lock:
            text = json.dumps(self._read() | {key: size}, indent=2, sort_keys=True)
            draft = self._path.with_name(f"{self._path.name}.{os.getpid()}")
            try:
                draft.write_text(text + "\n")
                draft.replace(self._path)
            except OSError:
                # A read-only workspace costs the next run one halving, never this run.
                draft.unlink(missing_ok=True)

    def _read(self) -> dict[str, int]:
        if self._path is None:
            return {}
        try:
            found = json.loads(self._path.read_text())
        except (OSError, ValueError):
            return {}
        if not isinstance(found, dict):
            return {}
        return {str(k): v for k, v in found.items() if isinstance(v, int) and v > 0}


class BatchSizer:
    """The batch size of one stage now; its workers share it.

    Args:
        size: size to start with, where no smaller one is remembered.
        key: model fingerprint and device; empty remembers nothing.
        memory: sizes of earlier runs.
    """

    def __init__(self, size: int, key: str, memory: BatchMemory) -> None:
        self._key = key
        self._memory = memory
        self._lock = threading.Lock()
        self._size = min(size, memory.get(key) or size)

    @property
    def size(self) -> int:
        """Most tasks per batch, at least 1."""
        return self._size

    def halve(self, failed: int) -> int:
        """Note that a batch of ``failed`` tasks did not fit; give the size to go on with."""
        with self._lock:
            if self._size > max(1, failed // 2):
                self._size = max(1, failed // 2)
                self._memory.put(self._key, self._size)
            return self._size
