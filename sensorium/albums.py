"""Albums of a library: group it by an aspect, and edit what came of that.

Whoever writes holds the workspace, as an index run does, so that neither misses what the other did.
An edit first brings the view up to date, then does what it says, then learns from it how to place
what comes later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, get_args

import numpy as np
from numpy.typing import NDArray

from ranking import view_edits
from ranking.base import Partition
from ranking.candidates import Candidates, candidates_for, phrases
from ranking.language_model import language_model
from ranking.preferences import Preferences, regroup
from ranking.view_assignment import admitted, stored_views
from ranking.view_store import Beside, ViewStore
from ranking.views import Cluster, Learnt, Members, View, ViewError, Watch, meant, view_name
from sensorium import assemble
from sensorium.album_upkeep import Upkeep, upkeep_of
from sensorium.models import ensure_models

if TYPE_CHECKING:
    from rich.console import Console

    from ranking.clustering import ClusterConfig
    from sensorium.library import Library

WORDS_ASKED = 40
"""Candidates that a language model is asked for."""
BEST_WORDS = 3
"""Candidates that are kept of each cluster."""

OnProgress = Callable[[str, float], None]
Edit = Callable[[Upkeep, View, Members], tuple[View, Members]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterRequest:
    """A view to be made."""

    by: str
    """The aspect to group by."""
    name: str = ""
    """Name of the view; empty for one made of the aspect."""
    num_clusters: int | None = None
    """How many clusters; None to let the items decide."""
    words: tuple[str, ...] = ()
    """The user's own candidates; empty for those of a model or the vocabulary."""
    where: str | None = None
    """Filter expression that items must pass."""
    seed: int = 0
    """Of everything random."""
    ablate: tuple[str, ...] = ()
    """Parts of the method to leave out."""
    epochs: int = 0
    """Passes that proxies are trained for; 0 leaves them where the words put them."""
    replace: bool = False
    """Whether to take the place of a view of that name."""


class Albums:
    """The views of one library.

    Args:
        library: the library.
    """

    def __init__(self, library: Library) -> None:
        self.library = library
        self.store = ViewStore(library.workspace.engine)

    def create(
        self, request: ClusterRequest, console: Console, on_progress: OnProgress
    ) -> tuple[str, tuple[str, ...]]:
        """Group a library by an aspect, and keep the groups.

        Args:
            request: what to make.
            console: writes to stderr.
            on_progress: takes a stage's name and the share of it that is done.

        Returns:
            The view's name, and what a person should know of it.

        Raises:
            ViewError: there is a view of this name, or a name that cannot be.
            AspectError: there are no words for the aspect.
            ClusterError: the items cannot be partitioned as asked.
            FilterError: the filter is wrong.
        """
        from ranking.clustering import partition

        name = view_name(request.name, request.by)
        self._refuse_taken(name, request.replace)
        candidates = candidates_for(
            request.by,
            request.words,
            WORDS_ASKED,
            language_model(self.library.config.language_model),
        )
        config = _config(request.seed, request.ablate, request.epochs)
        with self._upkeep(console) as upkeep:
            rows = admitted(upkeep.table, request.where)
            on_progress("words", 0.0)
            vectors = assemble.word_vectors(self.library.family, phrases(candidates))
            made = partition(
                stored_views(upkeep.table, list(rows.values())),
                candidates.words,
                vectors,
                request.num_clusters,
                config,
                on_progress,
            )
            view = _view(name, request, candidates, made, upkeep)
            learnt = Learnt(space=made.space, readout=made.readout)
            said = self._regrouped(name, self._of_same_name(view))
            self.store.write(view, learnt, _members(made, list(rows), upkeep.digests), said)
        return name, tuple(filter(None, (candidates.note, made.note)))

    def delete(self, name: str) -> None:
        """Forget a view; its items stay in the library.

        Raises:
            ViewError: there is none of this name.
        """
        with self.library.workspace.exclusive():
            self.store.delete(name, self._regrouped(name, {}))

    def rename(self, name: str, old: str, new: str) -> None:
        """Call a cluster something else; see ``ranking.view_edits`` for this and the others."""
        with self.library.workspace.exclusive():
            view = view_edits.rename(self.store.view(name), old, new)
            self.store.update(replace(view, updated_at=datetime.now(UTC)))

    def merge(self, name: str, clusters: Sequence[str], new: str, console: Console) -> None:
        """Make one cluster of several; who muted one of them is shown nothing of the whole."""

        def change(_upkeep: Upkeep, view: View, who: Members) -> tuple[View, Members]:
            return view_edits.merge(view, who, clusters, new)

        self._edit(name, console, change, of=next(iter(clusters), ""))

    def split(self, name: str, cluster: str, num_parts: int, console: Console) -> None:
        """Make several clusters of one; what people said of it holds for each."""

        def change(upkeep: Upkeep, view: View, who: Members) -> tuple[View, Members]:
            parts, named = self._parts(upkeep, view, who, view.cluster(cluster), num_parts)
            return view_edits.split(view, who, cluster, parts, named)

        self._edit(name, console, change, of=cluster)

    def pin(self, name: str, item_id: str, cluster: str, console: Console) -> None:
        """Put an item into a cluster and hold it there."""
        self._edit(
            name,
            console,
            lambda _, view, who: (view, view_edits.pin(view, who, item_id, cluster)),
        )

    def unpin(self, name: str, item_id: str, console: Console) -> None:
        """Let an item go where the view puts it."""
        self._edit(name, console, lambda _, view, who: (view, view_edits.unpin(view, who, item_id)))

    def refit(self, name: str, console: Console) -> None:
        """Learn a view anew from its members, and place all but the pinned ones by that."""
        self._edit(name, console, lambda _, view, who: (view, who), settled=False)

    def _edit(
        self, name: str, console: Console, change: Edit, settled: bool = True, of: str = ""
    ) -> None:
        """Change a view and learn from it.

        Args:
            name: the view.
            console: writes to stderr.
            change: gives the view and its members as they should be.
            settled: whether those whom the change does not speak of keep their places.
            of: cluster that is divided, or the first of those that become one; empty where clusters
                stay as they are.
        """
        with self._upkeep(console) as upkeep:
            upkeep.refresh(self.store.view(name))
            view = self.store.view(name)
            space = self.store.learnt(view).space
            edited, members = change(upkeep, view, self.store.members(view))
            rows = admitted(upkeep.table, edited.where)
            found = upkeep.learn(edited, space, members, rows, np.full(len(members), settled))
            if of:
                parts = view_edits.parts_of(view, edited, of)
                self.store.write(*found, self._regrouped(name, parts))
            else:
                self.store.write(*found)

    def _parts(
        self, upkeep: Upkeep, view: View, members: Members, cluster: Cluster, num_parts: int
    ) -> tuple[NDArray[np.int64], list[Cluster]]:
        """Partition one cluster; give the part of each of its members, and what they are called."""
        from ranking.clustering import partition

        taken = {c.name.casefold() for c in view.clusters}
        free = tuple(word for word in view.candidates.words if word.casefold() not in taken)
        candidates = replace(view.candidates, words=free if len(free) > 1 else cluster.words)
        rows = admitted(upkeep.table, view.where)
        ids = np.array(members.item_ids)[members.clusters == cluster.cluster_id]
        at = np.array([rows[key] for key in ids.tolist()], np.int64)
        order = np.argsort(at)
        made = partition(
            stored_views(upkeep.table, at[order]),
            candidates.words,
            assemble.word_vectors(self.library.family, phrases(candidates)),
            num_parts,
            _config(view.seed, view.ablate),
        )
        parts = np.empty(len(at), np.int64)
        parts[order] = made.labels
        return parts, _clusters(made, candidates.words)

    @contextmanager
    def _upkeep(self, console: Console) -> Iterator[Upkeep]:
        """Hold the workspace, with what views are held against."""
        library = self.library
        ensure_models(library.config, console)
        generation, mirror, _ = library.asking()
        with library.workspace.exclusive():
            yield upkeep_of(library, generation, mirror)

    def _of_same_name(self, view: View) -> dict[int, tuple[int, ...]]:
        """Clusters of the view that is replaced, by the number of the one that has their name."""
        if view.name not in self.store.names():
            return {}
        old = {c.name.casefold(): c.cluster_id for c in self.store.view(view.name).clusters}
        named = {cluster.cluster_id: cluster.name.casefold() for cluster in view.clusters}
        return {number: (old[name],) for number, name in named.items() if name in old}

    def _regrouped(self, name: str, parts: Mapping[int, tuple[int, ...]]) -> Beside:
        """Takes along what people said of a view's clusters; see ``preferences.regroup``."""
        Preferences(self.store.engine)  # its table is there from now on
        return lambda connection: regroup(connection, name, parts)

    def _refuse_taken(self, name: str, may_replace: bool) -> None:
        if not may_replace and name in self.store.names():
            raise ViewError(
                f"there is a view {name!r} already",
                "replace it with --replace, or call the new one something else with --name",
            )


def _config(seed: int, ablate: Sequence[str] = (), epochs: int = 0) -> ClusterConfig:
    from ranking.clustering import Ablation, ClusterConfig
    from ranking.proxy_config import ProxyTraining

    known = get_args(Ablation)
    for part in ablate:
        if part not in known:
            raise ViewError(f"no part {part!r} can be left out", meant(part, known, "the parts"))
    training = ProxyTraining(epochs=epochs)
    return ClusterConfig(
        seed=seed,
        ablate=tuple(ablate),  # type: ignore[arg-type]
        training=training,
    )


def _clusters(made: Partition, words: Sequence[str]) -> list[Cluster]:
    best = np.argsort(-made.fits, axis=1, kind="stable")[:, :BEST_WORDS]
    return [
        Cluster(cluster_id=number, name=name, words=tuple(words[at] for at in row))
        for number, (name, row) in enumerate(zip(made.names, best, strict=True), start=1)
    ]


def _view(
    name: str, request: ClusterRequest, candidates: Candidates, made: Partition, upkeep: Upkeep
) -> View:
    now = datetime.now(UTC)
    return View(
        name=name,
        candidates=candidates,
        where=request.where,
        seed=request.seed,
        ablate=request.ablate,
        clusters=tuple(_clusters(made, candidates.words)),
        next_id=made.num_clusters + 1,
        generation=upkeep.generation,
        watch=Watch.start(made.confidence, upkeep.drift),
        created_at=now,
        updated_at=now,
    )


def _members(made: Partition, ids: Sequence[str], digests: Mapping[str, str]) -> Members:
    return Members(
        item_ids=tuple(ids),
        clusters=made.labels + 1,
        confidence=made.confidence,
        pinned=np.zeros(len(ids), np.bool_),
        digests=tuple(digests.get(key, "") for key in ids),
    )
