"""The ways of indexing that are compared; each runs in a process of its own.

``main([SIDE, CORPUS, COUNT, VECTORS])`` does the first COUNT files, writes one vector per content
and source to VECTORS, and prints one JSON object. The module is imported, never run as a script,
since workers must find its functions by name.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encoders.family import Family, FamilyConfig
from ingest.decode import DecodeOptions, decode
from ingest.item import Medium
from ingest.sampling import VideoSampling
from ingest.scan import RejectedRow, Scan

Vectors = dict[str, NDArray[np.float32]]
CORES = 2
BATCH_SIZE = 8


def media(corpus: Path, count: int) -> Iterator[Medium]:
    """The first files of a corpus, hashed."""
    items = (item for item in Scan(corpus) if not isinstance(item, RejectedRow))
    for item in itertools.islice(items, count):
        yield from item.media


def named(content_hash: str, embeddings: Iterable[Any]) -> Vectors:
    """Vectors of a content by name."""
    return {f"{content_hash} {e.source}": e.vector for e in embeddings}


def decode_options(exact: bool = False) -> DecodeOptions:
    """The defaults, or the middle of every slot decoded as decord does it by itself."""
    if not exact:
        return DecodeOptions()
    return DecodeOptions(sampling=VideoSampling(keyframes_first=False, num_threads=CORES))


def plain(corpus: Path, count: int, threads: int, exact: bool = False) -> Vectors:
    """One file after the other: decode it, encode it."""
    family, options = Family(FamilyConfig(threads=threads)), decode_options(exact)
    vectors: Vectors = {}
    for medium in media(corpus, count):
        (embeddings,) = family.embed([decode(medium, options)])
        vectors |= named(medium.content_hash, _good(embeddings))
    return vectors


def _good(embeddings: Any) -> Any:
    if isinstance(embeddings, Exception):
        raise embeddings
    return embeddings


def _row_decode(row: dict[str, Any]) -> dict[str, Any]:
    return {"decoded": decode(row["medium"], decode_options())}


class RowEncoder:
    """The encoders as a class for Ray Data's actors."""

    def __init__(self, threads: int) -> None:
        self.family = Family(FamilyConfig(threads=threads))

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Encode a batch of decoded contents."""
        contents = list(batch["decoded"])
        rows = [
            json.dumps({n: v.tolist() for n, v in named(c.content_hash, _good(e)).items()})
            for c, e in zip(contents, self.family.embed(contents), strict=True)
        ]
        return {"vectors": rows}


def ray_data(corpus: Path, count: int, threads: int, actors: int) -> Vectors:
    """A Ray Data pipeline of the same functions.

    With one actor, decoding has the other core. Ray Data fuses steps of equal needs into one
    process: with an actor per core that is what is wanted, with one it would end the overlap.
    """
    import ray

    ray.init(num_cpus=CORES, include_dashboard=False, log_to_driver=False, logging_level="error")
    ray.data.DataContext.get_current().enable_progress_bars = False
    data = (
        ray.data.from_items([{"medium": medium} for medium in media(corpus, count)])
        .map(_row_decode, num_cpus=1.0)
        .map_batches(
            RowEncoder,
            fn_constructor_args=(threads,),
            batch_size=BATCH_SIZE,
            compute=ray.data.ActorPoolStrategy(size=actors),
            num_cpus=1.0 if actors == CORES else 0.99,
        )
    )
    vectors: Vectors = {}
    for row in data.iter_rows():
        vectors |= {
            name: np.asarray(vector, np.float32)
            for name, vector in json.loads(row["vectors"]).items()
        }
    ray.shutdown()
    return vectors


def _build_decode(exact: bool) -> Any:
    return partial(decode, options=decode_options(exact))


def _build_family(threads: int) -> Family:
    return Family(FamilyConfig(threads=threads))


def stages(
    corpus: Path, count: int, threads: int, workers: tuple[int, int], exact: bool = False
) -> Vectors:
    """The stages alone on the local runner: no catalogue, no index."""
    from ray_jobs import local
    from ray_jobs.stage import RunOptions
    from ray_jobs.stages import ContentTask, decode_stage, encode_stage

    steps = [
        decode_stage(partial(_build_decode, exact), workers[0], 60.0),
        encode_stage(partial(_build_family, threads), workers[1], BATCH_SIZE, 0.0),
    ]
    sources = frozenset(("frames", "sound", "text"))
    tasks = (
        (m.content_hash, ContentTask(content_hash=m.content_hash, sources=sources, medium=m))
        for m in media(corpus, count)
    )
    vectors: Vectors = {}
    with closing(local.run(steps, tasks, RunOptions())) as outcomes:
        for outcome in outcomes:
            vectors |= named(outcome.key, outcome.value.embeddings)
    return vectors


SIDES: dict[str, Callable[[Path, int], Vectors]] = {
    "plain": partial(plain, threads=0),
    "plain-1-thread": partial(plain, threads=1),
    "plain-exact-frames": partial(plain, threads=0, exact=True),
    "ray-data": partial(ray_data, threads=0, actors=1),
    "ray-data-2-actors": partial(ray_data, threads=1, actors=2),
    "stages": partial(stages, threads=0, workers=(1, 1)),
    "stages-2-encoders": partial(stages, threads=1, workers=(1, 2)),
    "stages-2-decoders": partial(stages, threads=0, workers=(2, 1)),
    "stages-exact-frames": partial(stages, threads=0, workers=(2, 1), exact=True),
}


def main(arguments: Sequence[str]) -> None:
    """Run one side and report."""
    side, corpus, count, target = arguments
    started = time.perf_counter()
    vectors = SIDES[side](Path(corpus), int(count))
    seconds = time.perf_counter() - started
    np.savez(target, **vectors)  # type: ignore[arg-type]
    print(json.dumps({"seconds": seconds, "vectors": len(vectors)}))
