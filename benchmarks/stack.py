"""The whole feed against recall by item neighbours and a ranking, and what each part is worth.

Films (MovieLens latest-small) as in ``benchmarks/content.py``: everything before a moment is learnt
from, later events are questions, of which every second one is asked here. Pages of ten are made by
the product's own feed. What is chosen (neighbours, strengths, weights of sources) is chosen on
validation with seed 0, by ndcg at 10, from the same grid for the two stages and the whole; then one
part is taken out at a time, and nothing is chosen anew.

- *pool*: share of the questions whose answer was among the at most 500 candidates that were ranked.
  Of scorers that rank the whole catalogue it is the share among their first 500.
- *coverage*: share of the catalogue that stands on any page; *diversity*: mean of 1 - cosine of the
  films of a page, by their joint vectors.
- Signals beside the ranker are those of ``stack_signals.py``; related films those of
  ``stack_relations.py``.
- *content everywhere* and *ids everywhere* also leave out the learnt vectors, which know both.
- Intervals, 95 %: the mean over seeds of whole less part, bootstrapped over the users.

What was learnt and answered is kept, so a run that was killed goes on, and seeds may run side by
side:

    python benchmarks/stack.py --ratings DIR --posters DIR --plots DIR --cache DIR --seeds 0
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from itertools import product
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.content import by_time
from benchmarks.content_sets import ContentSet, films
from benchmarks.environment import environment, write_result
from benchmarks.stack_figures import (
    PAGE,
    Answers,
    answers_in,
    by_case,
    figures,
    keep_answers,
    report,
)
from benchmarks.stack_learning import SIGNALS, FilmWords
from benchmarks.stack_parts import KeptSource, Knows, Parts, Questions, WatchedRanker, shelf_of
from benchmarks.stack_relations import same_director
from benchmarks.stack_signals import SignalBench
from ranking.baselines import NEIGHBOURS
from ranking.feed import Feed
from ranking.feed_config import FeedConfig, VarietyConfig
from ranking.feed_ranker import Ranker
from ranking.shelf import Shelf
from retrieval.metrics import ENDED
from retrieval.neighbours import ItemNeighbours, NeighbourConfig
from retrieval.popular import Popular
from retrieval.scoring import ItemScorer, top_k
from retrieval.source import Source

COMMAND = "python benchmarks/stack.py --ratings DIR --posters DIR --plots DIR --cache DIR"
SEEDS = (0, 1, 2)
EVERY = {"validation": 4, "test": 2}
"""One of so many questions is asked."""
POOL, BATCH = 500, 256
SOURCES = ("neighbours", "interests", "similar", "popular", "fresh", "explore")
RELATED = "relations"
Ranking = Knows | Literal["blend", "long_short"]
LEAN = FeedConfig(
    agreement=0.0,
    interest=0.0,
    explore=0.0,
    variety=VarietyConfig(alike=0.0, most_share=1.0, least_interests=0),
)
"""Two stages and nothing else: candidates, and the order of the ranker."""
STRENGTHS = tuple(
    {"ranker": ranker, "agreement": agreement}
    for ranker, agreement in product((0.5, 1.0), (0.2, 1.0, 3.0))
)
WEIGHTS: tuple[tuple[str, ...], ...] = ((), ("neighbours:3",), ("neighbours:10",))


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """What a feed is made of."""

    config: FeedConfig
    sources: tuple[str, ...] = SOURCES
    ranker: Ranking = "both"
    signals: tuple[str, ...] = ()
    view: bool = True


def two_stages(ranker: Knows) -> Stack:
    """Recall by item neighbours, and the order of a sequence model."""
    return Stack(config=LEAN, sources=("neighbours",), ranker=ranker, view=False)


def less(whole: Stack, *sources: str) -> Stack:
    """The whole without some sources."""
    return replace(whole, sources=tuple(one for one in SOURCES if one not in sources))


def taken_out(whole: Stack) -> dict[str, Stack]:
    """The whole without one part at a time."""
    config, variety = whole.config, whole.config.variety

    def varied(**changes: Any) -> FeedConfig:
        return replace(config, variety=replace(variety, **changes))

    return {
        "sequence ranker (blend instead)": replace(whole, ranker="blend"),
        "content in the ranker": replace(whole, ranker="ids"),
        "content everywhere": replace(
            less(whole, "similar", "interests"),
            ranker="ids",
            view=False,
            config=varied(alike=0.0),
        ),
        "source neighbours": less(whole, "neighbours"),
        "source interests": less(whole, "interests"),
        "source similar": less(whole, "similar"),
        "source popular": less(whole, "popular"),
        "sources fresh and explore": less(whole, "fresh", "explore"),
        "agreement of sources": replace(whole, config=replace(config, agreement=0.0)),
        "view (taste and quotas)": replace(whole, view=False),
        "quotas of the view": replace(whole, config=varied(most_share=1.0, least_interests=0)),
        "marginal relevance": replace(whole, config=varied(alike=0.0)),
        "ids in the ranker": replace(whole, ranker="content"),
        "ids everywhere": replace(less(whole, "neighbours", "interests"), ranker="content"),
    }


def added(whole: Stack) -> dict[str, Stack]:
    """The whole with one part more, or with another ranker."""
    return {
        **{f"with signal {name}": replace(whole, signals=(name,)) for name in SIGNALS},
        "with all signals": replace(whole, signals=tuple(SIGNALS)),
        "with source relations": replace(whole, sources=(*SOURCES, RELATED)),
        "ranked by long_short": replace(whole, ranker="long_short"),
    }


class Bench:
    """Everything that is asked with one seed.

    Args:
        parts: sources and rankers.
        seed: of what is learnt.
        signals: may stand beside the ranker.
        related: source of related films.
    """

    def __init__(
        self,
        parts: Parts,
        seed: int,
        signals: SignalBench | None = None,
        related: Source | None = None,
    ) -> None:
        self.parts, self.seed, self.questions = parts, seed, parts.questions
        self.signals, self._related = signals, related
        self._rankers: dict[str, WatchedRanker] = {}

    def pages(self, stack: Stack) -> Answers:
        """Make a page for each question."""
        ranker, questions = self.ranker(stack.ranker), self.questions
        shelf = self.parts.shelf if stack.view else self.parts.bare_shelf
        sources = [self._sources[name] for name in stack.sources]
        feed = Feed(shelf, sources, self._beside(ranker, stack.signals), stack.config)
        lists = np.full((len(questions), PAGE), ENDED)
        pooled = np.zeros(len(questions), np.bool_)
        states = questions.states if stack.view else questions.bare
        for row, (state, target) in enumerate(zip(states, questions.targets, strict=True)):
            picks = [shelf.number_of[pick.item_id] for pick in feed.page(state).picks]
            lists[row, : len(picks)], pooled[row] = picks, target in ranker.asked
        return Answers(lists=lists, pooled=pooled)

    def ranker(self, kind: Ranking) -> WatchedRanker:
        """A ranker, learnt where it was not before."""
        if kind not in self._rankers:
            parts = self.parts
            match kind:
                case "blend":
                    self._rankers[kind] = parts.blend()
                case "long_short":
                    self._rankers[kind] = parts.long_short(self.seed)
                case _:
                    self._rankers[kind] = parts.ranker(kind, self.seed)
        return self._rankers[kind]

    def _beside(self, ranker: WatchedRanker, signals: tuple[str, ...]) -> Ranker:
        if not signals:
            return ranker
        assert self.signals is not None
        return self.signals.beside(ranker, signals)

    def worth(self, rows: slice) -> NDArray[np.float32]:
        """What the sequence model gives the whole catalogue after some questions, (B, N)."""
        worth = self.ranker("both").worth
        assert worth is not None
        return worth[rows].copy()

    @cached_property
    def _sources(self) -> dict[str, Source]:
        related = {RELATED: KeptSource(self._related, {})} if self._related else {}
        return {**self.parts.plain, "interests": self.parts.vectors(self.seed), **related}


def ranked(questions: Questions, scores_of: Callable[[slice], NDArray[np.float32]]) -> Answers:
    """Rank the whole catalogue for each question.

    Args:
        questions: whom for.
        scores_of: gives the scores of some questions, (B, N), which may be written into.
    """
    found = []
    for start in range(0, len(questions), BATCH):
        rows = slice(start, start + BATCH)
        scores = scores_of(rows)
        for line, history in zip(scores, questions.histories[rows], strict=True):
            line[history.items] = -np.inf
        found.append(top_k(scores, POOL))
    best = np.concatenate(found)
    pooled = (best == questions.targets[:, None]).any(axis=1)
    return Answers(lists=best[:, :PAGE], pooled=pooled)


def scored(questions: Questions, scorer: ItemScorer) -> Answers:
    """Rank the whole catalogue by a scorer."""
    return ranked(questions, lambda rows: scorer.score(questions.histories[rows]))


def systems(bench: Bench, chosen: Mapping[str, FeedConfig]) -> dict[str, Callable[[], Answers]]:
    """All that is asked, by name."""
    questions = bench.questions
    best_two = replace(two_stages("both"), config=chosen["two stages"])
    whole = Stack(config=chosen["whole"])
    stacks = {
        "neighbours, ranked by ids": two_stages("ids"),
        "neighbours, ranked by content and ids": two_stages("both"),
        "the same, places of neighbours count": best_two,
        "whole, as installed": Stack(config=FeedConfig()),
        "whole": whole,
        **{f"without {name}": stack for name, stack in taken_out(whole).items()},
        **added(whole),
    }
    return {
        "popular": lambda: scored(questions, Popular.fit(questions.part.fit)),
        "item neighbours": lambda: scored(questions, bench.parts.neighbours),
        "sequence model, whole catalogue": lambda: ranked(questions, bench.worth),
        **{name: partial(bench.pages, stack) for name, stack in stacks.items()},
    }


def chosen_on_validation(data: ContentSet, shelf: Shelf, cache: Path) -> dict[str, Any]:
    """Choose neighbours, then strengths and weights, on validation; known ones are read."""
    path = cache / "stack-chosen.json"
    if not path.exists():
        questions = Questions(by_time(data.histories)[0], shelf, EVERY["validation"])
        neighbours = _best_neighbours(questions)
        bench = Bench(Parts(data, shelf, questions, neighbours, cache), 0)
        tried = {
            "two stages": _tried(bench, LEAN, False),
            "whole": _tried(bench, FeedConfig(), True),
        }
        chosen = {"neighbours": asdict(neighbours), "questions": len(questions), **tried}
        path.write_text(json.dumps(chosen, indent=1))
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def _best_neighbours(questions: Questions) -> NeighbourConfig:
    reached = []
    for config in NEIGHBOURS:
        answers = scored(questions, ItemNeighbours.fit(questions.part.fit, config))
        reached.append(by_case(answers, questions.targets)["ndcg@10"].mean())
    return NEIGHBOURS[int(np.argmax(reached))]


def _tried(bench: Bench, base: FeedConfig, whole: bool) -> list[dict[str, Any]]:
    """Settings and what they reach, the best first."""
    tried = []
    for strengths, weights in product(STRENGTHS, WEIGHTS if whole else WEIGHTS[:1]):
        config = config_of(base, {**strengths, "weights": weights})
        stack = Stack(config=config) if whole else replace(two_stages("both"), config=config)
        found = by_case(bench.pages(stack), bench.questions.targets)
        reached = float(found["ndcg@10"].mean())
        tried.append({**strengths, "weights": list(weights), "ndcg@10": reached})
        print(tried[-1], flush=True)
    return sorted(tried, key=lambda one: -one["ndcg@10"])


def config_of(base: FeedConfig, tried: Mapping[str, Any]) -> FeedConfig:
    """Settings with what was tried."""
    return replace(
        base,
        ranker=tried["ranker"],
        agreement=tried["agreement"],
        weights=tuple(tried["weights"]),
    )


def ask_seed(bench: Bench, chosen: Mapping[str, Any], path: Path) -> None:
    """Ask with one seed all that was not asked before, and keep each answer as it comes."""
    configs = {
        "two stages": config_of(LEAN, chosen["two stages"][0]),
        "whole": config_of(FeedConfig(), chosen["whole"][0]),
    }
    known, started, parts = answers_in(path), time.monotonic(), bench.parts
    for name, ask in systems(bench, configs).items():
        if name in known:
            continue
        known[name] = ask()
        keep_answers(path, known)
        found = figures(known[name], parts.questions.targets, parts.data)
        told = {figure: round(value, 4) for figure, value in found.items()}
        print(bench.seed, name, told, f"{time.monotonic() - started:.0f} s", flush=True)
    if bench.signals is not None and (learnt := bench.signals.told()):
        signals_at(path).write_text(json.dumps(learnt, indent=1))


def signals_at(answers: Path) -> Path:
    """Where what signals counted and cost is kept beside the answers of a seed."""
    return answers.with_suffix(".json")


def main() -> None:
    """Ask the seeds that are wanted; write ``results/stack.json`` of all that were asked."""
    options = argparse.ArgumentParser(description=__doc__)
    for name in ("ratings", "posters", "plots"):
        options.add_argument(f"--{name}", type=Path, required=True)
    options.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "content")
    options.add_argument("--seeds", type=int, nargs="*", default=SEEDS)
    args = options.parse_args()
    torch.set_num_threads(1)
    args.cache.mkdir(parents=True, exist_ok=True)
    data = films(args.ratings, args.posters, args.plots, args.cache)
    shelf = shelf_of(data, args.cache)
    chosen = chosen_on_validation(data, shelf, args.cache)
    validation, test = by_time(data.histories)
    questions = Questions(test, shelf, EVERY["test"])
    files = {seed: args.cache / f"stack-{seed}.npz" for seed in {*SEEDS, *args.seeds}}
    neighbours = NeighbourConfig(**chosen["neighbours"])
    parts = Parts(data, shelf, questions, neighbours, args.cache)
    before = Questions(validation, shelf, EVERY["validation"])
    earlier = Parts(data, shelf, before, neighbours, args.cache)
    words = FilmWords.read(args.ratings, data.histories.item_ids)
    related = same_director(args.ratings, args.plots, data.histories.item_ids)
    for seed in args.seeds:
        signals = SignalBench(parts, earlier, words, seed)
        ask_seed(Bench(parts, seed, signals, related), chosen, files[seed])
    asked = [seed for seed in SEEDS if files[seed].exists()]
    if len(asked) > 1:
        assert shelf.interests is not None
        where = environment(("numpy", "torch", "onnxruntime"))
        write_result(
            "stack",
            {
                "environment": {**where, "command": COMMAND},
                "sizes": {
                    "items": len(data.content),
                    "events to learn from": len(questions.part.fit.items),
                    "questions": len(questions),
                    "users asked": len(np.unique(questions.users)),
                    "interests of the view": list(shelf.interests.names),
                    "films related by their director": int(
                        (np.diff(related.table.offsets) > 0).sum()
                    ),
                },
                "chosen on validation": chosen,
                "seeds": asked,
                "signals": {
                    seed: json.loads(signals_at(files[seed]).read_text()) for seed in asked
                },
                "systems": report([answers_in(files[seed]) for seed in asked], questions, data),
            },
        )


if __name__ == "__main__":
    main()
