"""Write titles for groups of a library's readers; see ``ranking.titles``.

Writing holds nothing: an index run or a search may go on meanwhile. Doing it again writes only what
is new: another item, other words, another group, another writer.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from encoders.family import Family
from ingest.catalogue import batches
from ingest.histories import Histories, logged_histories
from ranking.language_model import LanguageModelConfig, LanguageModelError, language_model
from ranking.title_matches import (
    FEWEST_PAIRS,
    best_groups,
    matches_of,
    pairs_of,
    worth_of,
)
from ranking.title_store import TitleStore
from ranking.title_writers import ExtractiveWriter, PromptedWriter
from ranking.titles import Audience, Brief, TitleConfig, Writer
from ranking.user_groups import tastes_of
from ray_jobs.stage import Outcome, RunOptions
from ray_jobs.titles import TitleReport, title_stage, write_titles
from retrieval.base import JOINT
from sensorium import assemble
from sensorium.item_facts import facts_of
from sensorium.models import ensure_models
from sensorium.progress import bar_progress, stage_progress
from sensorium.shelf import Stock, stock_of, with_interests
from sensorium.title_groups import (
    Readers,
    directions,
    on_shelf,
    readers_by_interest,
    readers_by_taste,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from rich.console import Console

    from encoders.family import FamilyConfig
    from ranking.match_network import MatchNetwork
    from ranking.title_matches import Pairs
    from sensorium.library import Library

MOST_READERS = 65_536
"""Readers that groups and matches are learnt from, drawn where there are more."""
BATCH = 16
"""Briefs that a writer is given at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TitleRequest:
    """What to write; how is a matter of settings."""

    view: str = ""
    """View whose interests are the groups; empty for the one made last."""
    limit: int | None = None
    """Most titles to write in this run; None for all."""
    anew: bool = False
    """Whether groups by taste are learnt anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TitleOutcome:
    """What a run did."""

    grouping: str
    """Name of the division of readers."""
    groups: int
    """How many groups it has."""
    readers: int
    """Readers that it was made of."""
    items: int
    """Items that may be shown."""
    matched_by: str
    """What items and groups were matched by."""
    pairs: int
    """Items times groups."""
    chosen: int
    """Those of them that titles are written for."""
    unchanged: int
    """Those that had a title before."""
    dropped: int
    """Titles that were taken away, as nothing asks for them any more."""
    writer: str
    """Who wrote."""
    report: TitleReport
    """What was written, and what it cost."""
    left: int
    """Titles that a limit left for another run."""


def write_library_titles(
    library: Library, request: TitleRequest, console: Console, quiet: bool
) -> TitleOutcome:
    """Write what is missing.

    Args:
        library: it must have been indexed.
        request: what to write.
        console: writes to stderr.
        quiet: show no progress.

    Raises:
        ViewError: there is no view, or there are no tastes, to group readers by.
        LanguageModelError: the settings ask for a language model and name none, or it fails; what
            it wrote before is kept.
    """
    config = library.config.titles
    build, writer = writer_of(library)
    ensure_models(library.config, console)
    with bar_progress(console, quiet) as show:
        desk = _desk(library, request, show)
    store, grouping = TitleStore(library.workspace.engine), desk.readers.grouping
    known, every = store.known(grouping), desk.briefs(config.groups_per_item)
    dropped = store.drop_pairs(grouping, known.keys() - {one.key for one in every})
    briefs = [one for one in every if known.get(one.key) != (writer, one.digest)]
    wanted = briefs[: request.limit]
    with stage_progress(console, len(wanted), quiet) as progress:
        stage = title_stage(build, batch_size=BATCH)

        def run(tasks: Iterable[tuple[str, Brief]]) -> Generator[Outcome, None, None]:
            options = RunOptions(ray_address=library.config.run.ray_address)
            if wanted and assemble.uses_ray(library.config, len(wanted)):
                from ray_jobs import cluster

                yield from cluster.run([stage], tasks, options, progress)
            elif wanted:
                from ray_jobs import local

                yield from local.run([stage], tasks, options, progress)

        report = write_titles(store, writer, wanted, run)
    return TitleOutcome(
        grouping=grouping,
        groups=len(desk.readers.ids),
        readers=desk.num_readers,
        items=len(desk.items),
        matched_by=desk.matched_by,
        pairs=len(desk.items) * len(desk.readers.ids),
        chosen=len(every),
        unchanged=len(every) - len(briefs),
        dropped=dropped + store.drop_gone(),
        writer=writer,
        report=report,
        left=len(briefs) - len(wanted),
    )


def writer_of(library: Library) -> tuple[Callable[[], Writer], str]:
    """What makes the writer that the settings ask for, and its name.

    Raises:
        LanguageModelError: they ask for a language model and name none.
    """
    config, model = library.config.titles, library.config.language_model
    if config.writer == "extractive":
        digest = library.family.fingerprints["text"].digest
        build = partial(_extractive, library.family.config, config.most_words, digest)
        return build, build().name
    if language_model(model) is None:
        raise LanguageModelError(
            "titles.writer is language_model, but there is none",
            "set language_model.url and model, or language_model.local=smollm2",
        )
    prompted = partial(_prompted, model, config.most_words)
    return prompted, prompted().name


def _extractive(encoders: FamilyConfig, most_words: int, digest: str) -> Writer:
    family = Family(encoders)
    return ExtractiveWriter(lambda texts: family.query_text(texts)[JOINT], most_words, digest)


def _prompted(config: LanguageModelConfig, most_words: int) -> Writer:
    model = language_model(config)
    assert model is not None, "the settings name one"
    return PromptedWriter(model, config.model or config.local, most_words)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Desk:
    """All that briefs are made of."""

    library: Library
    readers: Readers
    num_readers: int
    directions: NDArray[np.float32]
    items: tuple[int, ...]
    item_ids: tuple[str, ...]
    worth: NDArray[np.float32]
    matched_by: str

    def briefs(self, groups_per_item: int) -> list[Brief]:
        """A brief for each item and the groups that it matches best, in order of items."""
        best = best_groups(self.worth, groups_per_item)
        rows, briefs = {key: row for row, key in enumerate(self.item_ids)}, list[Brief]()
        workspace, audiences = self.library.workspace, self._audiences()
        for batch in batches(self.item_ids):
            for key, facts in facts_of(workspace, workspace.catalogue.get(batch).values()).items():
                row = rows[key]
                briefs += [
                    Brief(facts=facts, audience=audiences[g], match=float(self.worth[row, g]))
                    for g in best[row].tolist()
                ]
        return briefs

    def _audiences(self) -> list[Audience]:
        readers = self.readers
        told = zip(readers.ids, readers.names, readers.words, self.directions, strict=True)
        return [
            Audience(
                grouping=readers.grouping, group_id=number, name=name, words=words, towards=towards
            )
            for number, name, words, towards in told
        ]


def _desk(library: Library, request: TitleRequest, show: Callable[[float, str], None]) -> _Desk:
    config, by_interest = library.config.titles, library.config.titles.groups == "interests"
    stock = stock_of(library, library.serving())
    if by_interest:
        stock = with_interests(library, stock, request.view or None)
    shelf = stock.shelf
    show(0.0, "reading events")
    histories = on_shelf(_some_readers(library, config.seed), stock)
    tastes = tastes_of(histories, shelf.vectors, shelf.interests)
    readers = (
        readers_by_interest(library, stock, tastes)
        if by_interest
        else readers_by_taste(library, stock, tastes, config, request.anew)
    )
    items = np.flatnonzero(~shelf.hidden)
    vectors = np.asarray(shelf.vectors[items])
    network, matched_by = _network(stock, histories, readers, config, show)
    return _Desk(
        library=library,
        readers=readers,
        num_readers=int((tastes.vectors.any(axis=1)).sum()),
        directions=directions(library.family, readers),
        items=tuple(items.tolist()),
        item_ids=tuple(shelf.item_ids[number] for number in items.tolist()),
        worth=worth_of(matches_of(vectors, readers.groups, network), readers.groups),
        matched_by=matched_by,
    )


def _network(
    stock: Stock,
    histories: Histories,
    readers: Readers,
    config: TitleConfig,
    show: Callable[[float, str], None],
) -> tuple[MatchNetwork | None, str]:
    """What matches, and how it is called."""
    pairs: Pairs = pairs_of(histories, stock.shelf.vectors)
    if len(pairs) < FEWEST_PAIRS or not config.match_epochs:
        return None, "cosine"
    from ranking.match_network import MatchTraining, learn_matches

    training = MatchTraining(epochs=config.match_epochs, seed=config.seed)
    network = learn_matches(pairs, stock.shelf.vectors, readers.groups, training, show)
    if network is None:
        return None, f"cosine, which {len(pairs):,} likings did not better"
    return network, f"what {len(pairs):,} likings taught"


def _some_readers(library: Library, seed: int) -> Histories:
    """What readers liked; of some, where there are many."""
    histories = logged_histories(library.workspace.event_log, library.config.events)
    if len(histories) <= MOST_READERS:
        return histories
    drawn = np.zeros(len(histories), np.bool_)
    drawn[np.random.default_rng(seed).permutation(len(histories))[:MOST_READERS]] = True
    return histories.only(drawn[histories.user_of_event])
