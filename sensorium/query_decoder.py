"""Files to search by, decoded in worker processes that stay at hand."""

from __future__ import annotations

from collections.abc import Sequence

from ingest.decoded import Decoded
from ingest.errors import DecodeError
from ingest.item import Medium
from ray_jobs.pool import WorkerPool
from ray_jobs.stage import Failure
from sensorium.assemble import query_task


class QueryDecoder:
    """Decodes for a ``QueryEncoder``; what crashes or hangs takes a worker down, and no more.

    Args:
        pool: the workers.
    """

    def __init__(self, pool: WorkerPool) -> None:
        self.pool = pool

    def __call__(self, media: Sequence[Medium]) -> list[Decoded]:
        """Decode files, one after the other.

        Raises:
            DecodeError: a file cannot be decoded.
            BusyError: too many wait already.
        """
        found = []
        for medium in media:
            decoded: Decoded | Failure = self.pool.call(query_task(medium))
            if isinstance(decoded, Failure):
                raise DecodeError(decoded.code, decoded.message)
            found.append(decoded)
        return found

    def close(self) -> None:
        """End the workers."""
        self.pool.close()
