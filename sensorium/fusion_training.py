"""Learn, from a library's own items and what people did with them, how views become one vector."""

from __future__ import annotations

import shutil
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fusion.engagement import co_engaged
from fusion.stored import StoredViews, write_views
from fusion.views import Tokens, item_tokens
from ingest.errors import DecodeError
from ingest.event_files import EventFile
from ingest.event_recognition import EventFileError
from ingest.event_rules import EventRules
from ingest.files import absolute
from ingest.manifest_file import read_rows
from ray_jobs.recipe import content_hashes
from sensorium import assemble
from sensorium.models import ensure_models
from sensorium.progress import bar_progress
from sensorium.training import TrainingError
from sensorium.training_records import Measured, TrainingRecord, remember_training
from sensorium.workspace import FUSION

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from fusion.train import TrainReport
    from fusion.weights import FusionWeights, NetworkConfig
    from sensorium.library import Library

FEWEST_ITEMS = 50
"""Items with two views below which held-out ones cannot tell fusers apart."""
FEWEST_PAIRS = 200
"""Pairs of items liked together below which they are left aside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FusionRequest:
    """What to learn from, and how."""

    events: str = ""
    """File of events; empty for those that were imported."""
    epochs: int = 20
    """Most rounds."""
    seed: int = 0
    """Decides everything random."""
    apply: bool = False
    """Fuse every item anew afterwards."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FusionOutcome:
    """What learning gave, on items that it had not seen."""

    items: int
    """Items with a vector."""
    several: int
    """Items among them with two or more kinds of view."""
    pairs: int
    """Pairs of items liked together that were learnt from."""
    judged_by: str
    """engagement, or agreement of views where there are no pairs."""
    before: float
    """Mean reciprocal rank with equal shares."""
    after: float
    """The same with what is kept."""
    words_before: float
    """Recall at ten by an item's own words, from its other views, before."""
    words_after: float
    """The same with what is kept."""
    epochs: int
    """Rounds run."""
    kept: str
    """learnt, or mean where learning found nothing better."""
    applied: int
    """Items fused anew."""
    next_step: str
    """What to do to use it."""


def train_fusion(
    library: Library, request: FusionRequest, console: Console, quiet: bool
) -> FusionOutcome:
    """Learn a fuser, keep it in the workspace, and apply it where asked to.

    Args:
        library: an indexed library.
        request: what to learn from.
        console: writes to stderr.
        quiet: show no progress.

    Raises:
        TrainingError: too little to learn from.
        WorkspaceError: another process writes.
        DecodeError: the file of events cannot be read.
    """
    ensure_models(library.config, console)
    newest = library.newest()
    folder = newest.workspace.path / "fusion"
    with newest.workspace.exclusive():
        ids: dict[str, int] = {}
        shape = library.config.fusion.shape(library.family.space_width)
        views = write_views(folder / "views", _tokens(newest, ids, shape.num_tokens))
        pairs = _pairs(newest, request.events, ids)
        several = int((views.present.sum(axis=1) > 1).sum()) if len(views) else 0
        if several < FEWEST_ITEMS and not len(pairs):
            raise TrainingError(
                f"only {several} items have two kinds of view, and no events say what is liked",
                f"index at least {FEWEST_ITEMS} clips with sound, or files with words beside them, "
                "or give --events FILE",
            )
        weights, report = _learn(views, pairs, (request, shape), folder, (console, quiet))
        if report.best_epoch:
            _keep(newest, weights, folder, _record(len(views), len(pairs), report))
        shutil.rmtree(folder / "views")  # The checkpoint stays: the same run again costs nothing.
    applied = library.newest().fuse_anew(console, quiet) if _applies(request, report) else 0
    return FusionOutcome(
        items=len(views),
        several=several,
        pairs=len(pairs),
        judged_by="engagement" if len(pairs) else "agreement",
        before=report.before.value,
        after=report.after.value,
        words_before=report.before.words,
        words_after=report.after.words,
        epochs=report.epochs,
        kept="learnt" if report.best_epoch else "mean",
        applied=applied,
        next_step=_next_step(report, applied),
    )


def _learn(
    views: StoredViews,
    pairs: NDArray[np.int64],
    how: tuple[FusionRequest, NetworkConfig],
    folder: Path,
    shown: tuple[Console, bool],
) -> tuple[FusionWeights, TrainReport]:
    from fusion.progress import Progress
    from fusion.train import TrainConfig, start_of, train

    request, shape = how
    config = TrainConfig(epochs=request.epochs, seed=request.seed)
    with bar_progress(*shown) as show:

        def told(progress: Progress) -> None:
            words = (
                f"round {progress.epoch}, {progress.first.value:.3f} → {progress.best.value:.3f}"
            )
            show(progress.epoch / config.epochs, words)

        return train(
            views,
            pairs,
            config,
            folder / "checkpoint.safetensors",
            told,
            start_of(shape, config.seed),
        )


def _keep(library: Library, weights: FusionWeights, folder: Path, record: TrainingRecord) -> None:
    known = replace(weights, space=assemble.space_digest(library.family))
    path = folder / f"{known.fingerprint}.safetensors"
    known.save(path)
    library.workspace.learn(FUSION, path)
    named = replace(record, fingerprint=known.fingerprint, space=known.space)
    remember_training(library.workspace, FUSION, named)


def _record(items: int, pairs: int, report: TrainReport) -> TrainingRecord:
    judged_by = "engagement" if pairs else "agreement of views"
    before, after = report.before, report.after
    return TrainingRecord(
        fingerprint="",
        events=pairs,
        items=items,
        measured=(
            Measured(
                figure=f"mean reciprocal rank by {judged_by}",
                value=after.value,
                beside={"equal shares": before.value},
            ),
            Measured(
                figure="recall@10 by words",
                value=after.words,
                beside={"equal shares": before.words},
            ),
        ),
    )


def _applies(request: FusionRequest, report: TrainReport) -> bool:
    return request.apply and report.best_epoch > 0


def _next_step(report: TrainReport, applied: int) -> str:
    if not report.best_epoch:
        return "nothing better than equal shares was found; nothing was changed"
    if applied:
        return f"{applied} items were fused anew; searches use it now"
    return "use it with: sensorium index PATH --reembed, or learn with --apply (nothing is encoded)"


def _tokens(library: Library, ids: dict[str, int], most: int) -> Iterator[list[Tokens]]:
    """Give the tokens of every item that has a cached vector, and number these items."""
    workspace, recipe = library.workspace, library.recipe
    for page in workspace.catalogue.pages():
        hashes = [key for item in page for key in content_hashes(item)]
        known = workspace.cache.get(hashes, workspace.manifest.decode_digest, recipe.fingerprints)
        parts = {
            item.item_id: [part for key in content_hashes(item) for part in known.get(key, [])]
            for item in page
        }
        found = {item_id: one for item_id, one in parts.items() if one}
        ids |= {item_id: len(ids) + place for place, item_id in enumerate(found)}
        yield item_tokens(found, library.fusion.align, most)


def _pairs(library: Library, file: str, ids: Mapping[str, int]) -> NDArray[np.int64]:
    """Pairs of items that one person liked, from a file or from the log; none where too few."""
    rules = library.config.events
    histories = (
        _histories_of_file(file, rules)
        if file
        else (liked for _, liked in library.workspace.event_log.histories(rules))
    )
    users, items = array("q"), array("q")
    for user, liked in enumerate(histories):
        known = [ids[item_id] for item_id, _ in liked if item_id in ids]
        users.extend([user] * len(known))
        items.extend(known)
    pairs = co_engaged(np.array(users, np.int64), np.array(items, np.int64))
    if file and len(pairs) < FEWEST_PAIRS:
        raise TrainingError(
            f"{file} gives {len(pairs)} pairs of items of this library liked by one person",
            f"{FEWEST_PAIRS} are needed, from columns user_id and item_id with the ids that "
            "sensorium export lists",
        )
    return pairs if len(pairs) >= FEWEST_PAIRS else pairs[:0]


def _histories_of_file(file: str, rules: EventRules) -> Iterator[Sequence[tuple[str, float]]]:
    """What each person of a file liked, with times, earliest first."""
    try:
        events = sorted(
            (event.user_id, event.occurred_at.timestamp(), event.item_id)
            for row in EventFile(file)
            for event in row.events
            if rules.is_positive(event.event_type, event.value)
        )
    except EventFileError:
        events = sorted(_bare_rows(file, rules))
    for _, liked in groupby(events, key=itemgetter(0)):
        yield [(item_id, seconds) for _, seconds, item_id in liked]


def _bare_rows(file: str, rules: EventRules) -> Iterator[tuple[str, float, str]]:
    """User, place and item of each row of a file that does not say when, or what was done.

    A row without a type says that the item was liked.
    """
    for line, row in read_rows(absolute(file)):
        if isinstance(row, DecodeError) or not (row.get("user_id") and row.get("item_id")):
            continue
        event_type = row.get("event_type")
        if not event_type or rules.is_positive(str(event_type)):
            yield str(row["user_id"]), float(line), str(row["item_id"])
