"""Embeddings keyed by content hash, decode options and model fingerprint: nothing is encoded twice.

Vectors are kept in the tower's own space as float16 (cosine to the float32 vector above 0.99999):
a new alignment or a new fuser re-reads them and touches neither decoder nor encoder.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    Column,
    Connection,
    Engine,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    select,
)

from encoders.base import Embedding, unit
from ingest.catalogue import batches, upsert
from ingest.item import Modality

METADATA = MetaData()

embeddings_table = Table(
    "embeddings",
    METADATA,
    Column("content_hash", String, primary_key=True),
    Column("decode_digest", String, primary_key=True),
    Column("source", String, primary_key=True),
    Column("fingerprint", String, primary_key=True),
    Column("modality", String, nullable=False),
    Column("vector", LargeBinary, nullable=False),
    Column("segment_vectors", LargeBinary, nullable=False),
    Column("segment_bounds", LargeBinary, nullable=False),
    Column("words", Text, nullable=False),
)


class EmbeddingCache:
    """The embeddings of one workspace.

    Args:
        engine: from ``ingest.database.open_database``.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        METADATA.create_all(engine)

    def put(
        self,
        connection: Connection,
        content_hash: str,
        decode_digest: str,
        embeddings: Sequence[Embedding],
    ) -> None:
        """Keep the embeddings of one content, replacing older ones of the same key."""
        rows = [
            {
                "content_hash": content_hash,
                "decode_digest": decode_digest,
                "source": embedding.source,
                "fingerprint": embedding.fingerprint,
                "modality": str(embedding.modality),
                "vector": embedding.vector.astype(np.float16).tobytes(),
                "segment_vectors": embedding.segment_vectors.astype(np.float16).tobytes(),
                "segment_bounds": embedding.segment_bounds.astype(np.float64).tobytes(),
                "words": embedding.words,
            }
            for embedding in embeddings
        ]
        upsert(connection, embeddings_table, rows)

    def get(
        self, content_hashes: Iterable[str], decode_digest: str, fingerprints: Iterable[str]
    ) -> dict[str, list[Embedding]]:
        """Give the embeddings of these contents that today's towers made.

        Args:
            content_hashes: contents; unknown ones are left out.
            decode_digest: digest of the decode options.
            fingerprints: digests of the towers in use.

        Returns:
            Embeddings per content hash, ordered by source.
        """
        table = embeddings_table
        found: dict[str, list[Embedding]] = defaultdict(list)
        wanted = list(fingerprints)
        with self.engine.connect() as connection:
            for batch in batches(sorted(set(content_hashes))):
                query = (
                    select(table)
                    .where(
                        table.c.content_hash.in_(batch),
                        table.c.decode_digest == decode_digest,
                        table.c.fingerprint.in_(wanted),
                    )
                    .order_by(table.c.content_hash, table.c.source)
                )
                for row in connection.execute(query):
                    found[row.content_hash].append(_from_row(row))
        return dict(found)


def _from_row(row: Any) -> Embedding:
    vector = _vectors(row.vector)
    bounds = np.frombuffer(row.segment_bounds, dtype=np.float64).reshape(-1, 2)
    return Embedding(
        modality=Modality(row.modality),
        source=row.source,
        fingerprint=row.fingerprint,
        vector=unit(vector),
        segment_vectors=unit(_vectors(row.segment_vectors).reshape(len(bounds), len(vector))),
        segment_bounds=bounds,
        words=row.words,
    )


def _vectors(blob: bytes) -> NDArray[np.float32]:
    return np.frombuffer(blob, dtype=np.float16).astype(np.float32)
