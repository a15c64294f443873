"""What today's settings make of a content: towers per kind of content, and digests of it all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ingest.item import Item, Modality


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Two equal recipes make the same vectors of the same content."""

    sources: Mapping[Modality, Mapping[str, str]]
    """Fingerprint digest of the tower per source of view, for each kind of content."""
    space: str
    """Digest of decode options, alignments and fuser: what an item vector depends on besides."""

    @property
    def digest(self) -> str:
        """Sixteen hex digits that stand for the whole recipe."""
        return digest_of([self.space, {str(k): dict(v) for k, v in self.sources.items()}])

    @property
    def fingerprints(self) -> frozenset[str]:
        """Digests of all towers in use."""
        return frozenset(value for towers in self.sources.values() for value in towers.values())

    def towers(self, items: Sequence[Item]) -> dict[str, Mapping[str, str]]:
        """Give source and fingerprint digest of every tower that each content needs, by hash."""
        towers = {
            medium.content_key: self.sources[medium.modality]
            for item in items
            for medium in item.media
        }
        for item in items:
            if item.words:
                towers[words_hash(item.words)] = self.sources[Modality.TEXT]
        return towers

    def wanted(self, items: Sequence[Item]) -> dict[str, frozenset[str]]:
        """Give the fingerprint digests that each content needs, by hash."""
        return {key: frozenset(value.values()) for key, value in self.towers(items).items()}

    def item_digest(self, item: Item, broken: Iterable[str]) -> str:
        """Give sixteen hex digits for everything an item's vectors and scalars depend on.

        Args:
            item: what the source says.
            broken: hashes of quarantined contents, of this item or others.
        """
        hashes = content_hashes(item)
        return digest_of(
            [
                self.digest,
                hashes,
                sorted(set(broken) & set(hashes)),
                item.title,
                item.tags,
                str(item.created_at),
                item.creator_id,
                item.lang,
                dict(item.attrs),
            ]
        )


def words_hash(words: str) -> str:
    """Content hash of an item's own words."""
    return hashlib.blake2b(b"words\0" + words.encode(), digest_size=20).hexdigest()


def content_hashes(item: Item) -> list[str]:
    """Keys of everything that gives an item a view: its files, then its words."""
    hashes = [medium.content_key for medium in item.media]
    return hashes + ([words_hash(item.words)] if item.words else [])


def digest_of(value: Any) -> str:
    """Sixteen hex digits that stand for a JSON-like value."""
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
