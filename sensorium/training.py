"""Learn, from the titles of a library's own items, how its words meet its pictures and sounds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from encoders.alignment import Alignment
from encoders.alignment_fit import FEWEST_ITEMS, FitReport, fit, fit_centre
from encoders.base import unit
from ingest.errors import SensoriumError
from ingest.item import Item
from ray_jobs.recipe import content_hashes, digest_of
from sensorium.models import ensure_models
from sensorium.training_records import Measured, TrainingRecord, remember_training
from sensorium.workspace import ALIGNMENT

if TYPE_CHECKING:
    from rich.console import Console

    from sensorium.library import Library

TITLES_PER_ITEM = 5
"""Most titles taken of one item: its title, then the lines of its text."""


class TrainingError(SensoriumError):
    """There is too little to learn from."""

    code = "training"


@dataclass(frozen=True, slots=True, kw_only=True)
class TowerReport:
    """What learning gained for one tower."""

    tower: str
    """frames or sound."""
    pairs: int
    """Items with a title."""
    before: float
    """Recall at ten of held-out titles among held-out items, before."""
    after: float
    """The same, after."""
    kept: str
    """learnt, or shipped where learning found nothing better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingReport:
    """What a training run learnt."""

    rows: tuple[TowerReport, ...]
    """One per tower that has titled items."""
    next_step: str
    """What to do to use it."""


def train_alignments(library: Library, console: Console) -> TrainingReport:
    """Learn maps into the joint space from titled items, and keep them in the workspace.

    Args:
        library: an indexed library of the bundled family.
        console: writes to stderr.

    Raises:
        TrainingError: too few items have both a title and a picture or sound.
    """
    ensure_models(library.config, console)
    if library.config.encoders.name != "bundled":
        raise TrainingError(
            "only the bundled encoders are aligned by learning", "hub models share a space already"
        )
    pairs = {source: _Pairs() for source in ("frames", "sound")}
    for item in _titled(library):
        _collect(library, item, pairs)
    aligners = library.family.towers.aligners
    words = [title for found in pairs.values() for title in found.titles]
    if not any(len(found.native) >= FEWEST_ITEMS for found in pairs.values()):
        raise TrainingError(
            f"fewer than {FEWEST_ITEMS} items have both a title and a picture or sound",
            "add titles: a .txt or .json beside a file, or a manifest with a title column",
        )
    titles = library.family.towers.text.encode(words)
    text_map = fit_centre(titles, _as_alignment(aligners["text"]))
    vectors = text_map.apply(titles)
    start, maps, rows = 0, {"text": text_map}, []
    for source, found in pairs.items():
        mine = vectors[start : start + len(found.titles)]
        start += len(found.titles)
        maps[source] = _as_alignment(aligners[source])
        if found.native:
            maps[source], gained = fit(
                np.stack(found.native), mine, np.array(found.owners), maps[source]
            )
            rows.append(_row(source, gained))
    return TrainingReport(rows=tuple(rows), next_step=_keep(library, maps, rows))


class _Pairs:
    """Native vectors of items and the titles that belong to them."""

    def __init__(self) -> None:
        self.native: list[NDArray[np.float32]] = []
        self.titles: list[str] = []
        self.owners: list[int] = []


def _titled(library: Library) -> Iterator[Item]:
    for page in library.workspace.catalogue.pages():
        yield from (item for item in page if item.media and (item.title or item.text))


def _collect(library: Library, item: Item, pairs: dict[str, _Pairs]) -> None:
    workspace = library.workspace
    known = workspace.cache.get(
        content_hashes(item), workspace.manifest.decode_digest, library.recipe.fingerprints
    )
    parts = [part for found in known.values() for part in found]
    lines = [item.title, *item.text.splitlines()]
    titles = list(dict.fromkeys(line.strip() for line in lines if line.strip()))[:TITLES_PER_ITEM]
    for source, found in pairs.items():
        vectors = [part.vector for part in parts if part.source == source]
        if vectors:
            found.titles += titles
            found.owners += [len(found.native)] * len(titles)
            found.native.append(unit(np.mean(vectors, axis=0)))


def _keep(library: Library, maps: dict[str, Alignment], rows: list[TowerReport]) -> str:
    if all(row.kept == "shipped" for row in rows):
        return "nothing better than the shipped alignment was found; nothing was changed"
    workspace = library.workspace
    name = digest_of({source: found.fingerprint for source, found in maps.items()})
    folder = workspace.path / "alignment" / name
    with workspace.exclusive():
        folder.mkdir(parents=True, exist_ok=True)
        for source, found in maps.items():
            found.save(folder / f"{source}.safetensors")
        workspace.learn(ALIGNMENT, folder)
        remember_training(workspace, ALIGNMENT, _record(name, rows))
    return "use it with: sensorium index PATH --reembed (vectors are mapped anew, not encoded)"


def _record(name: str, rows: list[TowerReport]) -> TrainingRecord:
    return TrainingRecord(
        fingerprint=name,
        items=max(row.pairs for row in rows),
        measured=tuple(
            Measured(
                figure=f"recall@10 of titles by {row.tower}",
                value=row.after,
                beside={"shipped map": row.before},
            )
            for row in rows
        ),
    )


def _as_alignment(aligner: object) -> Alignment:
    assert isinstance(aligner, Alignment)
    return aligner


def _row(source: str, gained: FitReport) -> TowerReport:
    return TowerReport(
        tower=source,
        pairs=gained.num_items,
        before=gained.recall_before,
        after=gained.recall_after,
        kept="learnt" if np.isfinite(gained.strength) else "shipped",
    )
