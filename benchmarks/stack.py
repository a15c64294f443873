"""The whole feed against recall by item neighbours and a ranking, and what each part is worth.

Films (MovieLens latest-small) as in ``benchmarks/content.py``: everything before a moment is learnt
from, later events are questions, of which every second one is asked here. Pages of ten are made by
the product's own feed. Neighbours are chosen on validation by ndcg at 10; what parts of a score
count is learnt there with seed 0, as ``sensorium train strengths`` learns it, for the two stages
and for the whole beside each kind of ranker. Then one part is taken out at a time, and nothing is
learnt anew.

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
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.content import by_time
from benchmarks.content_sets import films
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
from benchmarks.stack_learning import FilmWords
from benchmarks.stack_parts import KeptSource, Parts, Questions, WatchedRanker, shelf_of
from benchmarks.stack_relations import same_director
from benchmarks.stack_signals import SignalBench
from benchmarks.stack_variants import (
    LEAN,
    RELATED,
    WHOLES,
    Ranking,
    Stack,
    added,
    taken_out,
    two_stages,
)
from ranking.baselines import NEIGHBOURS
from ranking.feed import Feed
from ranking.feed_config import FeedConfig
from ranking.feed_ranker import Ranker
from ranking.strengths import choice, fit_strengths, parts_of, with_strengths
from ranking.strengths import whole as unweighed
from ranking.user_state import UserState
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What validation decides."""

    neighbours: NeighbourConfig
    """How films become neighbours."""
    questions: int
    """That were asked."""
    strengths: Mapping[str, Mapping[str, float]]
    """What parts count, for the two stages and for the whole by its ranker."""


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
        feed, ranker, questions = self._feed(stack), self.ranker(stack.ranker), self.questions
        lists = np.full((len(questions), PAGE), ENDED)
        pooled = np.zeros(len(questions), np.bool_)
        for row, (state, target) in enumerate(self._asked(stack)):
            picks = [feed.shelf.number_of[pick.item_id] for pick in feed.page(state).picks]
            lists[row, : len(picks)], pooled[row] = picks, target in ranker.asked
        return Answers(lists=lists, pooled=pooled)

    def strengths(self, stack: Stack) -> dict[str, float]:
        """Learn what the parts of a feed count, from the questions whose answer is ranked."""
        feed = self._feed(replace(stack, config=unweighed(stack.config)))
        parts = parts_of(stack.sources)
        asked = (
            choice(feed.candidates(state), parts, target) for state, target in self._asked(stack)
        )
        questions = [one for one in asked if one is not None]
        return fit_strengths(questions, parts)

    def _feed(self, stack: Stack) -> Feed:
        shelf = self.parts.shelf if stack.view else self.parts.bare_shelf
        sources = [self._sources[name] for name in stack.sources]
        ranker = self._beside(self.ranker(stack.ranker), stack.signals)
        return Feed(shelf, sources, ranker, stack.config)

    def _asked(self, stack: Stack) -> Iterator[tuple[UserState, int]]:
        states = self.questions.states if stack.view else self.questions.bare
        return zip(states, self.questions.targets.tolist(), strict=True)

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


def systems(
    bench: Bench, chosen: Mapping[str, Mapping[str, float]]
) -> dict[str, Callable[[], Answers]]:
    """All that is asked, by name; ``chosen`` are strengths."""
    questions = bench.questions
    best_two = replace(two_stages("both"), config=with_strengths(LEAN, chosen["two stages"]))
    whole, blend, long_short = (
        Stack(config=with_strengths(FeedConfig(), chosen[kind]), ranker=kind) for kind in WHOLES
    )
    stacks = {
        "neighbours, ranked by ids": two_stages("ids"),
        "neighbours, ranked by content and ids": two_stages("both"),
        "the same, places of neighbours count": best_two,
        "whole, as installed": Stack(config=FeedConfig()),
        "whole": whole,
        "without sequence ranker (blend instead)": blend,
        **{f"without {name}": stack for name, stack in taken_out(whole).items()},
        **added(whole),
        "ranked by long_short": long_short,
    }
    return {
        "popular": lambda: scored(questions, Popular.fit(questions.part.fit)),
        "item neighbours": lambda: scored(questions, bench.parts.neighbours),
        "sequence model, whole catalogue": lambda: ranked(questions, bench.worth),
        **{name: partial(bench.pages, stack) for name, stack in stacks.items()},
    }


def chosen_on_validation(earlier: Questions, make: Callable[[NeighbourConfig], Parts]) -> Chosen:
    """Choose neighbours, then learn strengths, on validation; known ones are read.

    Args:
        earlier: its questions.
        make: gives sources and rankers for them.
    """
    neighbours = best_neighbours(earlier)
    bench = Bench(make(neighbours), 0)
    path = bench.parts.cache / "stack-chosen.json"
    if not path.exists():
        stacks: dict[str, Stack] = {
            "two stages": two_stages("both"),
            **{kind: Stack(config=FeedConfig(), ranker=kind) for kind in WHOLES},
        }
        chosen = {name: bench.strengths(stack) for name, stack in stacks.items()}
        path.write_text(json.dumps(chosen, indent=1))
    strengths: dict[str, dict[str, float]] = json.loads(path.read_text())
    return Chosen(neighbours=neighbours, questions=len(earlier), strengths=strengths)


def best_neighbours(questions: Questions) -> NeighbourConfig:
    """Choose how films become neighbours."""
    reached = []
    for config in NEIGHBOURS:
        answers = scored(questions, ItemNeighbours.fit(questions.part.fit, config))
        reached.append(by_case(answers, questions.targets)["ndcg@10"].mean())
    return NEIGHBOURS[int(np.argmax(reached))]


def ask_new(bench: Bench, systems: Mapping[str, Callable[[], Answers]], path: Path) -> None:
    """Ask with one seed all that was not asked before, and keep each answer as it comes."""
    known, started, parts = answers_in(path), time.monotonic(), bench.parts
    for name, ask in systems.items():
        if name in known:
            continue
        known[name] = ask()
        keep_answers(path, known)
        found = figures(known[name], parts.questions.targets, parts.data)
        told = {figure: round(value, 4) for figure, value in found.items()}
        print(bench.seed, name, told, f"{time.monotonic() - started:.0f} s", flush=True)


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
    validation, test = by_time(data.histories)
    before = Questions(validation, shelf, EVERY["validation"])
    chosen = chosen_on_validation(before, lambda n: Parts(data, shelf, before, n, args.cache))
    questions = Questions(test, shelf, EVERY["test"])
    files = {seed: args.cache / f"stack-{seed}.npz" for seed in {*SEEDS, *args.seeds}}
    parts = Parts(data, shelf, questions, chosen.neighbours, args.cache)
    earlier = Parts(data, shelf, before, chosen.neighbours, args.cache)
    words = FilmWords.read(args.ratings, data.histories.item_ids)
    related = same_director(args.ratings, args.plots, data.histories.item_ids)
    for seed in args.seeds:
        signals = SignalBench(parts, earlier, words, seed)
        bench = Bench(parts, seed, signals, related)
        ask_new(bench, systems(bench, chosen.strengths), files[seed])
        if learnt := signals.told():
            signals_at(files[seed]).write_text(json.dumps(learnt, indent=1))
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
                "chosen on validation": asdict(chosen),
                "seeds": asked,
                "signals": {
                    seed: json.loads(signals_at(files[seed]).read_text()) for seed in asked
                },
                "systems": report([answers_in(files[seed]) for seed in asked], questions, data),
            },
        )


if __name__ == "__main__":
    main()
