"""One family's encoders for many threads at once, with the vectors of words kept at hand.

What holds of the encoders underneath: the packaged text models may run in several threads once they
are loaded, the tokenizers of a model hub may not; the sound model keeps a copy of itself per
thread, and pictures take every core already. Therefore:
- words are encoded side by side by the packaged family, in turns by the other and while loading;
- media are encoded in turns, on one thread that stays, in turns with words where that is needed.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from encoders.base import Embedding
    from encoders.family import Family
    from ingest.decoded import Decoded
    from ingest.errors import DecodeError

Vectors = Mapping[str, NDArray[np.float32]]
ENTRY_BYTES = 700
"""Memory of an entry beside its words and vectors: the objects that hold them."""


class SharedEncoders:
    """Encodes for several threads.

    Args:
        family: the encoders.
        cache_bytes: most memory for vectors of words; 0 to keep none.
    """

    def __init__(self, family: Family, cache_bytes: int) -> None:
        self.family = family
        self.kept = WordVectors(cache_bytes)
        self._turns = threading.Lock()
        self._loaded = False
        self._media = ThreadPoolExecutor(1, thread_name_prefix="embed")

    def query_text(self, texts: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Encode words; see ``Family.query_text``.

        Args:
            texts: B of them, at least one.
        """
        found = {text: self.kept.get(text) for text in texts}
        unknown = [text for text, vectors in found.items() if vectors is None]
        if unknown:
            with self._words():
                rows = self.family.query_text(unknown)
                self._loaded = True
            for number, text in enumerate(unknown):
                found[text] = _row(rows, number)
                self.kept.put(text, found[text] or {})
        held = [found[text] or {} for text in texts]
        return {name: np.stack([vectors[name] for vectors in held]) for name in held[0]}

    def embed(self, contents: Sequence[Decoded]) -> list[list[Embedding] | DecodeError]:
        """Encode media; see ``Family.embed``."""
        return self._media.submit(self._embed, contents).result()

    def count_tokens(self, texts: Sequence[str]) -> int:
        """Count the tokens of texts as the sentence encoder cuts them."""
        with self._words():
            return self.family.towers.text.count_tokens(texts)

    def _embed(self, contents: Sequence[Decoded]) -> list[list[Embedding] | DecodeError]:
        with self._turns if self._alone else nullcontext():
            return self.family.embed(contents)

    def _words(self) -> AbstractContextManager[object]:
        return nullcontext() if self._loaded and not self._alone else self._turns

    @property
    def _alone(self) -> bool:
        """Whether words may not be encoded in two threads at once."""
        return self.family.config.name == "hub"


class WordVectors:
    """Vectors by text, the least lately used dropped first; several threads may ask at once.

    Args:
        most_bytes: most memory.
    """

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self.size_bytes = 0
        self._entries: OrderedDict[str, tuple[Vectors, int]] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """How many texts are at hand."""
        return len(self._entries)

    def get(self, text: str) -> Vectors | None:
        """Vectors (D_field,) by field; None where they are not at hand."""
        with self._lock:
            entry = self._entries.get(text)
            if entry is None:
                return None
            self._entries.move_to_end(text)
            return entry[0]

    def put(self, text: str, vectors: Vectors) -> None:
        """Keep the vectors of a text, as long as there is room."""
        own = {id(vector): vector.nbytes for vector in vectors.values()}
        size = sum(own.values()) + 4 * len(text) + ENTRY_BYTES
        with self._lock:
            self._drop(text)
            self._entries[text] = (vectors, size)
            self.size_bytes += size
            while self.size_bytes > self.most_bytes:
                self._drop(next(iter(self._entries)))

    def _drop(self, text: str) -> None:
        _, size = self._entries.pop(text, ({}, 0))
        self.size_bytes -= size


def _row(rows: Vectors, number: int) -> Vectors:
    """One text's vectors, copied out of the batch; fields of one space share one copy."""
    copies = {id(matrix): matrix[number].copy() for matrix in rows.values()}
    return {name: copies[id(matrix)] for name, matrix in rows.items()}
