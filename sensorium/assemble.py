"""The one place where rooms are wired together: from settings to encoders, stages and stores."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from encoders.base import Embedding
from encoders.family import Family
from fusion.gated import gated_fusion
from ingest.decode import DecodeOptions, decode
from ingest.decoded import Decoded
from ingest.errors import DecodeError
from ingest.item import Medium, Modality
from ray_jobs.recipe import Recipe, digest_of
from ray_jobs.stage import Failure, Outcome, RunOptions, Stage, StageProgress
from ray_jobs.stages import ContentTask, decode_stage, encode_stage
from ray_jobs.write import Fusion
from retrieval.base import SEGMENTS, SPACE_FIELDS
from retrieval.relevance import Calibration, calibrated_fields, null_phrases
from sensorium.settings import without_password

if TYPE_CHECKING:
    from ray_jobs.index import Runner
    from ray_jobs.pool import WorkerPool
    from retrieval.milvus import MilvusIndex
    from retrieval.mirror import Mirror
    from sensorium.config import Config
    from sensorium.workspace import Generation, Workspace

CALIBRATION_RECORDS = 400
"""Records per field whose scores with unrelated queries are looked at."""
SPACE_TOWERS = ("frames", "sound", "text")
"""Sources whose towers make the joint space; heard and read words use that of text."""
LITE_FILE = "milvus.db"
"""Milvus Lite's store inside a workspace."""


def with_family(config: Config, name: Literal["bundled", "hub"]) -> Config:
    """The settings with the family of encoders decided."""
    return replace(config, family=name, encoders=replace(config.encoders, name=name))


def hub_answers(timeout_seconds: float = 2.0) -> bool:
    """Whether the model hub that this machine is set up for can be reached now."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return False
    address = urlsplit(constants.ENDPOINT)
    port = address.port or (443 if address.scheme == "https" else 80)
    try:
        with socket.create_connection((address.hostname or "", port), timeout_seconds):
            return True
    except OSError:
        return False


def decode_options(config: Config) -> DecodeOptions:
    """Decode options that suit the encoders in use."""
    return replace(
        config.decode,
        sample_rate_hz=config.encoders.sample_rate_hz,
        page_frames=config.encoders.screen,
    )


def family(config: Config, alignment_folder: Path | None) -> Family:
    """The encoders, with maps learnt from the library's own titles where it has some."""
    if config.encoders.alignment_dir or alignment_folder is None:
        return Family(config.encoders)
    return Family(replace(config.encoders, alignment_dir=str(alignment_folder)))


def fusion(encoders: Family, weights: Path | None) -> Fusion:
    """How embeddings become item vectors, with what was learnt where it fits these encoders."""

    def align(part: Embedding, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        return encoders.align(part.source, rows)

    fuser = gated_fusion(weights, space_digest(encoders))
    return Fusion(fuser=fuser, align=align, native_field=encoders.towers.native_field)


def word_vectors(encoders: Family, phrases: list[list[str]]) -> dict[str, NDArray[np.float32]]:
    """Candidate words of an aspect, as vectors to lay beside those of items.

    Args:
        encoders: the family that made the items' vectors.
        phrases: per word (P of them) its phrases, at least one.

    Returns:
        Unit vectors (P, D_field) by field of the index.
    """
    return encoders.word_fields(phrases)


def space_digest(encoders: Family) -> str:
    """Sixteen hex digits for the joint space: what is learnt in one means nothing in another."""
    towers = {source: encoders.fingerprints[source].digest for source in SPACE_TOWERS}
    return digest_of([towers, encoders.alignment_digest])


def recipe(config: Config, encoders: Family, how: Fusion) -> Recipe:
    """What today's settings make of a content."""
    prints = {source: value.digest for source, value in encoders.fingerprints.items()}
    views = {
        Modality.VIDEO: ("frames", "sound", "speech", "screen"),
        Modality.IMAGE: ("frames", "screen"),
        Modality.AUDIO: ("sound", "speech"),
        Modality.TEXT: ("text",),
    }
    return Recipe(
        sources={
            modality: {source: prints[source] for source in sources if source in prints}
            for modality, sources in views.items()
        },
        space=digest_of(
            [
                decode_options(config).digest,
                encoders.alignment_digest,
                how.fuser.fingerprint,
                config.store.milvus_uri,
            ]
        ),
    )


def made_by(config: Config, encoders: Family, how: Fusion) -> dict[str, str]:
    """The parts of the recipe in words, for a person to compare."""
    parts = {
        source: f"{value.model} ({value.digest})" for source, value in encoders.fingerprints.items()
    }
    return {
        **parts,
        "decode options": decode_options(config).digest,
        "alignment": encoders.alignment_digest,
        "fusion": how.fuser.fingerprint,
        "store": without_password(config.store.milvus_uri or "Milvus Lite"),
    }


def runner(
    config: Config,
    workspace: Path,
    num_contents: int,
    on_progress: Callable[[Sequence[StageProgress]], None],
) -> Runner:
    """Choose where decode and encode run, and make the function that runs them.

    Args:
        config: the settings in force.
        workspace: the library's folder.
        num_contents: how much there is to do.
        on_progress: takes the stages' counters.
    """
    stages = _stages(config)
    options = RunOptions(
        batch_memory=workspace / "batch-sizes.json", ray_address=config.run.ray_address
    )

    def go(tasks: Iterable[tuple[str, ContentTask]]) -> Generator[Outcome, None, None]:
        if not num_contents:
            yield from _drained(tasks)
        elif uses_ray(config, num_contents):
            from ray_jobs import cluster

            yield from cluster.run(stages, tasks, options, on_progress)
        else:
            from ray_jobs import local

            yield from local.run(stages, tasks, options, on_progress)

    return go


def decode_files(config: Config, media: Sequence[Medium]) -> list[Decoded]:
    """Decode files to search by; clips and sounds in a process of their own.

    Raises:
        DecodeError: a file cannot be decoded; one that takes the decoder down is named, too.
    """
    from ray_jobs import local

    if all(medium.modality is Modality.IMAGE for medium in media):
        return [decode(medium, decode_options(config)) for medium in media]
    tasks = ((medium.uri, query_task(medium)) for medium in media)
    [stage, _] = _stages(config)
    with closing(local.run([replace(stage, workers=1)], tasks)) as outcomes:
        found = {outcome.key: outcome.value for outcome in outcomes}
    for value in found.values():
        if isinstance(value, Failure):
            raise DecodeError(value.code, value.message)
    return [found[medium.uri] for medium in media]


def decode_pool(config: Config, workers: int) -> WorkerPool:
    """Worker processes that decode files to search by, for a service; none is started yet."""
    from ray_jobs.pool import WorkerPool

    [stage, _] = _stages(config)
    return WorkerPool(replace(stage, workers=workers))


def query_task(medium: Medium) -> ContentTask:
    """Ask for everything that a file to search by holds."""
    sources = frozenset({"frames", "sound", "speech", "screen"})
    return ContentTask(content_hash=medium.uri, sources=sources, medium=medium)


def uses_ray(config: Config, num_contents: int) -> bool:
    """Whether Ray pays for its start, or was asked for."""
    if config.run.backend != "auto":
        return config.run.backend == "ray"
    if config.run.ray_address:
        return True
    return num_contents >= config.run.ray_from and _cores() > 4


def milvus(
    config: Config, workspace: Workspace, generation: Generation, encoders: Family
) -> MilvusIndex:
    """The durable index of a generation."""
    from retrieval.milvus import MilvusIndex

    towers = encoders.towers
    by_source = {"frames": towers.image.width, "sound": towers.sound.width}
    widths = dict.fromkeys((*SPACE_FIELDS, SEGMENTS), encoders.space_width)
    widths |= {
        name: by_source.get(source, towers.text.width)
        for source, name in towers.native_field.items()
    }
    return MilvusIndex(
        config.store.milvus_uri or str(workspace.path / LITE_FILE),
        f"{workspace.name}_{generation.name}" if config.store.milvus_uri else generation.name,
        widths,
        token=config.store.milvus_token,
    )


def calibrate(
    workspace: Workspace, generation: Generation, mirror: Mirror, encoders: Family
) -> None:
    """Learn what unrelated pairs score in this catalogue, and remember it with its state."""
    if workspace.manifest.recall(_calibrated_name(generation)) == mirror.version:
        return
    samples = {name: mirror.sample(name, CALIBRATION_RECORDS) for name in calibrated_fields()}
    phrases = encoders.query_text(null_phrases())
    found = Calibration.fit(samples, phrases)
    workspace.manifest.remember(_calibration_name(generation), found.to_json())
    workspace.manifest.remember(_calibrated_name(generation), mirror.version)


def calibration(workspace: Workspace, generation: Generation) -> Calibration:
    """What ``calibrate`` remembered."""
    return Calibration.from_json(workspace.manifest.recall(_calibration_name(generation), []))


def _calibration_name(generation: Generation) -> str:
    return f"calibration_{generation.name}"


def _calibrated_name(generation: Generation) -> str:
    return f"calibrated_version_{generation.name}"


def _stages(config: Config) -> list[Stage]:
    options = decode_options(config)
    gpus = config.run.gpus_per_encoder if _has_gpu(config) else 0.0
    return [
        decode_stage(
            partial(_build_decoder, options),
            workers=config.run.decode_workers or _cores(),
            timeout_seconds=options.timeout_seconds,
        ),
        encode_stage(
            partial(Family, config.encoders),
            workers=config.run.encode_workers,
            batch_size=config.run.batch_size,
            batch_key=f"{config.encoders.name} on {'cuda' if gpus else 'cpu'}",
            num_gpus=gpus,
        ),
    ]


def _build_decoder(options: DecodeOptions) -> Callable[[Medium], Decoded]:
    return partial(decode, options=options)


def _has_gpu(config: Config) -> bool:
    if config.encoders.name == "bundled" or config.encoders.device == "cpu":
        return False
    import torch

    return torch.cuda.is_available()


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def _drained(tasks: Iterable[tuple[str, ContentTask]]) -> Generator[Outcome, None, None]:
    """Look at every item where no content needs work: no worker is started."""
    for key, _ in tasks:
        raise AssertionError(f"{key} needs work that the plan did not count")
    yield from ()
