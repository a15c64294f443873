"""The ways of indexing that are compared; each runs in processes of its own.

- ``plain`` is what one writes first: for each file decord (exact frames, evenly spread, as many as
  Sensorium takes), Pillow or soundfile, then the encoders; vectors are kept in memory.
- ``plain-same-decode`` is the same loop over Sensorium's own decoder, so its vectors must agree
  with Sensorium's; so must those of the two ``ray-data`` pipelines.
- ``sensorium`` and ``sensorium-ray`` are the command line on a new workspace, with all it does:
  hashing, bookkeeping, thumbnails, Milvus, the mirror, near duplicates, calibration.

The encoders are the same classes everywhere, with their default of every core for the windows of a
sound or the frames of a clip; ``plain-one-thread`` gives them one. The module is
imported, never run as a script, since workers must find its functions by name.
"""

from __future__ import annotations

import itertools
import logging
import pickle
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encoders.family import Family, FamilyConfig
from ingest.decode import DecodeOptions, decode
from ingest.decoded import Waveform
from ingest.item import Medium, Modality
from ingest.scan import RejectedRow, Scan
from sensorium.assemble import decode_options, with_family
from sensorium.config import Config, load_config

Vectors = dict[str, NDArray[np.float32]]
CORES = 2
BATCH_SIZE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One way of indexing."""

    decoding: str
    """Which decoder it uses, in words."""
    run: Callable[[Path], Vectors] | None = None
    """Indexes a folder; none for the command line."""
    arguments: tuple[str, ...] = ()
    """What the command line is given besides folder and workspace."""


def config() -> Config:
    """The settings in force, with the bundled encoders."""
    return with_family(load_config(None, {}).config, "bundled")


def media(folder: Path) -> Iterator[Medium]:
    """Every file of a corpus, hashed."""
    for item in Scan(folder):
        if not isinstance(item, RejectedRow):
            yield from item.media


def named(content_hash: str, embeddings: Any) -> Vectors:
    """Vectors of a content by name; an error is raised."""
    if isinstance(embeddings, Exception):
        raise embeddings
    return {f"{content_hash} {e.source}": e.vector for e in embeddings}


def plain(folder: Path, threads: int) -> Vectors:
    """One file after the other, with the usual libraries."""
    family = Family(replace(config().encoders, threads=threads))
    vectors: Vectors = {}
    for medium in media(folder):
        for source, vector in _looked_and_heard(medium, family):
            vectors[f"{medium.content_hash} {source}"] = vector
    return vectors


def _looked_and_heard(medium: Medium, family: Family) -> Iterator[tuple[str, NDArray[np.float32]]]:
    towers, path = family.towers, str(medium.uri)
    match medium.modality:
        case Modality.IMAGE:
            yield "frames", towers.image.encode([_still(path)])[0]
        case Modality.VIDEO:
            mean = towers.image.encode(_frames(path)).mean(axis=0)
            yield "frames", mean / np.linalg.norm(mean)
            yield "sound", towers.sound.encode([_track(path)])[0]
        case Modality.AUDIO:
            yield "sound", towers.sound.encode([_sound(path)])[0]


def _still(path: str) -> NDArray[np.uint8]:
    from PIL import Image

    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def _frames(path: str) -> list[NDArray[np.uint8]]:
    import decord

    reader = decord.VideoReader(path)
    wanted = DecodeOptions().sampling.num_frames
    middles = [int((place + 0.5) * len(reader) / wanted) for place in range(wanted)]
    return list(reader.get_batch(middles).asnumpy())


def _track(path: str) -> Waveform:
    import decord

    rate = FamilyConfig().sample_rate_hz
    samples = decord.AudioReader(path, sample_rate=rate, mono=True)[:].asnumpy()[0]
    return Waveform(samples=samples, sample_rate_hz=rate)


def _sound(path: str) -> Waveform:
    import soundfile
    import torch
    from torchaudio.functional import resample

    samples, own_rate = soundfile.read(path, dtype="float32", always_2d=True)
    rate = FamilyConfig().sample_rate_hz
    mono = resample(torch.from_numpy(samples.mean(axis=1)), own_rate, rate).numpy()
    return Waveform(samples=mono, sample_rate_hz=rate)


def plain_same_decode(folder: Path) -> Vectors:
    """One file after the other, with Sensorium's decoder."""
    settings = config()
    family, options = Family(settings.encoders), decode_options(settings)
    vectors: Vectors = {}
    for medium in media(folder):
        (embeddings,) = family.embed([decode(medium, options)])
        vectors |= named(medium.content_hash, embeddings)
    return vectors


def _row_decode(row: dict[str, Any]) -> dict[str, Any]:
    return {"decoded": decode(row["medium"], decode_options(config()))}


class RowEncoder:
    """The encoders as a class for Ray Data's actors."""

    def __init__(self, threads: int) -> None:
        self.family = Family(replace(config().encoders, threads=threads))

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Encode a batch of decoded contents."""
        contents = list(batch["decoded"])
        found = zip(contents, self.family.embed(contents), strict=True)
        return {"vectors": [pickle.dumps(named(c.content_hash, e)) for c, e in found]}


def ray_data(folder: Path, threads: int, actors: int) -> Vectors:
    """A Ray Data pipeline of the same functions.

    With one actor, decoding has the other core. Ray Data fuses steps of equal needs into one
    process: with an actor per core that is what is wanted, with one it would end the overlap.
    """
    logging.disable(logging.ERROR)
    import ray

    ray.init(num_cpus=CORES, include_dashboard=False, log_to_driver=False, logging_level="error")
    ray.data.DataContext.get_current().enable_progress_bars = False
    data = (
        ray.data.from_items([{"medium": medium} for medium in media(folder)])
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
        vectors |= pickle.loads(row["vectors"])
    ray.shutdown()
    return vectors


def kept_vectors(workspace: Path) -> Vectors:
    """The native vectors that a workspace keeps of its contents."""
    from ray_jobs.recipe import content_hashes
    from sensorium.library import Library

    library = Library(workspace, config(), create=False)
    vectors: Vectors = {}
    for page in library.workspace.catalogue.pages():
        found = library.workspace.cache.get(
            itertools.chain.from_iterable(map(content_hashes, page)),
            library.workspace.manifest.decode_digest,
            library.recipe.fingerprints,
        )
        for content_hash, embeddings in found.items():
            vectors |= named(content_hash.partition(":")[0], embeddings)
    return vectors


USUAL_DECODING = "decord get_batch, Pillow, soundfile: exact frames"
SENSORIUM_DECODING = "Sensorium's: keyframes first"
SIDES = {
    "plain": Side(decoding=USUAL_DECODING, run=partial(plain, threads=0)),
    "plain-one-thread": Side(decoding=USUAL_DECODING, run=partial(plain, threads=1)),
    "plain-same-decode": Side(decoding=SENSORIUM_DECODING, run=plain_same_decode),
    "ray-data": Side(decoding=SENSORIUM_DECODING, run=partial(ray_data, threads=0, actors=1)),
    "ray-data-fused": Side(decoding=SENSORIUM_DECODING, run=partial(ray_data, threads=1, actors=2)),
    "sensorium": Side(decoding=SENSORIUM_DECODING, arguments=("--local",)),
    "sensorium-ray": Side(decoding=SENSORIUM_DECODING, arguments=("--ray", "here")),
}


def main(arguments: Iterable[str]) -> None:
    """Run one side on a folder and keep its vectors in a file."""
    side, folder, target = arguments
    run = SIDES[side].run
    if run is None:
        sys.exit(f"{side} is run by the command line")
    np.savez(target, **run(Path(folder)))  # type: ignore[arg-type]
