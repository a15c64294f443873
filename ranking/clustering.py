"""Partition a library under a stated aspect: words propose, the catalogue decides.

1. Proxies: every item gets a mixture of candidate words, fused with its own vector by how well the
   two agree; the fused vectors are partitioned by k-means. Proxies and the gates of the fusion can
   be trained (``proxy_training.py``), which costs time and has not paid on the sets of
   ``docs/models.md``; untrained, the gates are closed.
2. Consensus: items that are alike are made to agree (``consensus.py``); what comes out is a linear
   map that also takes new items.
3. Names: each cluster takes the candidate that fits its items best and others least.

Everything is learnt on a sample of bounded size; all items are then assigned in blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from encoders.base import unit
from ingest.errors import SensoriumError
from ranking.base import Partition, Readout
from ranking.consensus import Consensus, ConsensusConfig, softmax
from ranking.kmeans import choose_num_clusters, kmeans
from ranking.proxy_config import PARTS, ProxyConfig, ProxyTraining
from ranking.space import AspectSpace, ItemViews
from ranking.temperature import mixed_share, proxy_temperature

Array = NDArray[np.float32]
OF_TRAINING = ("refresh", "interest", "concept")
"""Ablations of what only happens in training."""
Ablation = Literal[
    "proxies", "refresh", "interest", "concept", "gates", "text", "visual", "consensus"
]
OnProgress = Callable[[str, float], None]

BLOCK = 8_192
"""Items assigned at once."""
COLLAPSED = 0.05
"""Share of their first variance below which trained proxies tell items apart no more."""
ALIKE = "training made the proxies all alike; group without --epochs, or with fewer"
CRUMB_SHARE = 0.005
"""Share of the items below which a cluster is dissolved, where the number of clusters is chosen."""
PIN_WEIGHT = 3.0
"""How many items a pinned one counts for when the map to clusters is learnt."""


class ClusterError(SensoriumError):
    """Items that cannot be partitioned as asked."""

    code = "cluster"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterConfig:
    """How a library is partitioned."""

    training: ProxyTraining = field(default_factory=ProxyTraining)
    """How proxies are learnt."""
    consensus: ConsensusConfig = field(default_factory=ConsensusConfig)
    """How hard items are made to agree."""
    most_items: int = 20_000
    """Items that are learnt from; a larger library is sampled."""
    seed: int = 0
    """Of the sample, the training and k-means."""
    ablate: tuple[Ablation, ...] = ()
    """Parts left out, for comparison: all proxies, candidate refresh, interest or concept
    constraint, gates, the text or the visual side, consensus."""

    def __post_init__(self) -> None:
        idle = [part for part in self.ablate if part in OF_TRAINING]
        if idle and self.training.epochs == 0:
            raise ClusterError(
                f"{idle[0]} is part of training, and proxies are not trained",
                "train them with --epochs 40, or leave out another part",
            )


def partition(
    views: ItemViews,
    words: Sequence[str],
    vectors: Mapping[str, Array],
    num_clusters: int | None,
    config: ClusterConfig,
    on_progress: OnProgress = lambda *_: None,
) -> Partition:
    """Partition items under the aspect that the words spell out.

    Args:
        views: stored vectors of N items.
        words: P candidates.
        vectors: unit vectors (P, D_field) of the candidates by field.
        num_clusters: K; None to choose it.
        config: how.
        on_progress: takes the stage's name and the share of it that is done.

    Raises:
        ClusterError: fewer items than clusters, or no field that items and words share.
    """
    least = num_clusters or 2
    if views.num_items < max(least, 2):
        raise ClusterError(
            f"{views.num_items} items cannot make {least} clusters",
            "index more, widen the filter, or ask for fewer clusters",
        )
    sample = _sample(views, config)
    try:
        space = AspectSpace.fit(sample, vectors)
    except ValueError as error:
        raise ClusterError(
            "words cannot be compared with these items", "index them with the encoders in use"
        ) from error
    items = space.items(sample)
    fused, number, note = _fused(items, space, num_clusters, config, on_progress)
    on_progress("clusters", 0.0)
    labels, _ = kmeans(fused, number, config.seed)
    consensus = Consensus(items, config.consensus)
    if "consensus" in config.ablate:
        readout = consensus.learn(np.eye(number, dtype=np.float32)[labels])
    else:
        readout = consensus.settle(labels, number)
        if num_clusters is None:
            readout = _without_crumbs(consensus, readout)
    number = readout.weights.shape[1]
    every, confidence = _assigned(views, space, readout, on_progress)
    if "consensus" in config.ablate and len(labels) == len(every):
        every = labels
    fits = _fits(views, space, every, number)
    return Partition(
        labels=every,
        confidence=confidence,
        names=_names(words, fits),
        fits=fits,
        readout=readout,
        space=space,
        note=note,
    )


def refit(
    views: ItemViews,
    space: AspectSpace,
    labels: NDArray[np.int64],
    num_clusters: int,
    pinned: NDArray[np.bool_],
    config: ClusterConfig,
) -> Readout:
    """Learn the map to known clusters anew, after items were moved or came in.

    Args:
        views: stored vectors of N items.
        space: where the map applies.
        labels: cluster of each item, (N,); -1 for one that has none yet.
        num_clusters: K.
        pinned: items whose cluster a person chose, (N,); each counts as much as its cluster's
            share needs to keep it.
        config: how.
    """
    items = space.items(views)
    shares = np.zeros((len(items), num_clusters), np.float32)
    known = np.flatnonzero(labels >= 0)
    shares[known, labels[known]] = np.where(pinned[known], PIN_WEIGHT, 1.0)
    return Consensus(items, config.consensus).learn(shares)


def _sample(views: ItemViews, config: ClusterConfig) -> ItemViews:
    if views.num_items <= config.most_items:
        return views
    drawn = np.random.default_rng(config.seed).permutation(views.num_items)[: config.most_items]
    return views.part(np.sort(drawn))


def _fused(
    items: Array,
    space: AspectSpace,
    num_clusters: int | None,
    config: ClusterConfig,
    on_progress: OnProgress,
) -> tuple[Array, int, str]:
    """Vectors to be clustered, how many clusters to make of them, and what to know of that."""
    if "proxies" in config.ablate:
        chosen = num_clusters or choose_num_clusters(items, len(space.words), config.seed)
        return items, chosen, ""
    scores = items @ space.anchors.T
    training = _ablated(replace(config.training, seed=config.seed), config.ablate)
    number = num_clusters
    if number is None:
        start = first_proxies(items, space, _at_temperature(training, scores, None).network)
        number = choose_num_clusters(start, len(space.words), config.seed)
    training = _at_temperature(training, scores, number)
    if training.epochs == 0:
        return first_proxies(items, space, training.network), number, ""
    from ranking.proxy_training import train_proxies

    found = train_proxies(
        items, space, number, training, lambda share: on_progress("proxies", share)
    )
    collapsed = found.spread_kept < COLLAPSED
    return found.fused, number, ALIKE if collapsed else ""


def _at_temperature(
    training: ProxyTraining, scores: Array, num_clusters: int | None
) -> ProxyTraining:
    if training.network.tau_proxy is not None:
        return training
    found = proxy_temperature(scores, mixed_share(num_clusters))
    return replace(training, network=replace(training.network, tau_proxy=found))


def first_proxies(items: Array, space: AspectSpace, config: ProxyConfig) -> Array:
    """Fuse proxies and items before any training, with all gates closed.

    Args:
        items: unit rows of the space, (N, D).
        space: where items and candidates meet.
        config: temperatures, that of the proxies among them, and which side is left out.

    Returns:
        Vectors in the span of the R directions of the words, (N, R); (N, 2 R) where sides are
        joined end to end.
    """
    basis = space.span
    visual = items @ basis
    assert config.tau_proxy is not None
    shares = softmax(items @ space.anchors.T / config.tau_proxy)
    text = unit(shares @ (space.words @ basis))
    if "gates" in config.without:
        return np.hstack([text, visual])
    if "text" in config.without:
        return visual
    if "visual" in config.without:
        return text
    agreement = (text * unit(visual)).sum(axis=1, keepdims=True)
    share = 1 / (1 + np.exp(-agreement / config.tau))
    return unit(share * text + (1 - share) * visual)


def _without_crumbs(consensus: Consensus, readout: Readout) -> Readout:
    """Dissolve clusters of a few items, which nobody asked for, one after the other."""
    least = max(2, CRUMB_SHARE * len(consensus.items))
    while readout.weights.shape[1] > 2:
        scores = readout.scores(consensus.items)
        sizes = np.bincount(scores.argmax(axis=1), minlength=scores.shape[1])
        smallest = int(sizes.argmin())
        if sizes[smallest] >= least:
            break
        labels = np.delete(scores, smallest, axis=1).argmax(axis=1)
        readout = consensus.settle(labels, scores.shape[1] - 1)
    return readout


def _ablated(training: ProxyTraining, ablate: Sequence[Ablation]) -> ProxyTraining:
    parts = tuple(part for part in PARTS if part in ablate)
    network = replace(
        training.network,
        without=parts,
        interest=0.0 if "interest" in ablate else training.network.interest,
        concept=0.0 if "concept" in ablate else training.network.concept,
    )
    refreshes = 0 if "refresh" in ablate else training.refreshes
    return replace(training, network=network, refreshes=refreshes)


def _assigned(
    views: ItemViews, space: AspectSpace, readout: Readout, on_progress: OnProgress
) -> tuple[NDArray[np.int64], Array]:
    labels = np.empty(views.num_items, np.int64)
    confidence = np.empty(views.num_items, np.float32)
    for start in range(0, views.num_items, BLOCK):
        rows = np.arange(start, min(start + BLOCK, views.num_items))
        labels[rows], confidence[rows] = readout.assign(space.items(views.part(rows)))
        on_progress("assign", (int(rows[-1]) + 1) / views.num_items)
    return labels, confidence


def _fits(
    views: ItemViews, space: AspectSpace, labels: NDArray[np.int64], num_clusters: int
) -> Array:
    """How much better each candidate fits a cluster's items than all items, (K, P)."""
    sums = np.zeros((num_clusters, space.width), np.float64)
    counts = np.bincount(labels, minlength=num_clusters)
    for start in range(0, views.num_items, BLOCK):
        rows = np.arange(start, min(start + BLOCK, views.num_items))
        np.add.at(sums, labels[rows], space.items(views.part(rows)))
    means = sums / np.maximum(counts, 1)[:, None]
    overall = sums.sum(axis=0) / max(counts.sum(), 1)
    return np.asarray((means - overall) @ space.anchors.T, np.float32)


def _names(words: Sequence[str], fits: Array) -> tuple[str, ...]:
    """The best candidate per cluster, each given once; the surest cluster chooses first."""
    names: dict[int, str] = {}
    free = np.array(fits, np.float64)
    if free.shape[1] < len(free):
        free = np.hstack([free, np.full((len(free), len(free)), -1e9)])
    for _ in range(len(free)):
        cluster, word = (int(n) for n in np.unravel_index(int(np.argmax(free)), free.shape))
        names[cluster] = words[word] if word < len(words) else f"other {cluster + 1}"
        free[cluster], free[:, word] = -np.inf, -np.inf
    return tuple(names[cluster] for cluster in range(len(free)))
