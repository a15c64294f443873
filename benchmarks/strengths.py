"""What a feed finds on places, by the strengths that are installed and by those that were learnt.

``benchmarks/stack.py`` asks the same on films. Places (Yelp) are those of
``benchmarks/content.py``: leave-one-out of 8,000 users, sequences without times. Every fourth
question of the test is asked, and strengths are learnt from every eighth of validation, with seed
0. Gaps, 95 %, are of the learnt strengths above each other row, bootstrapped over users.

    python benchmarks/strengths.py --yelp DIR --cache DIR
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.content import YELP_USERS, leave_one_out, some_users
from benchmarks.content_sets import places
from benchmarks.environment import environment, write_result
from benchmarks.stack import Bench, ask_new, best_neighbours, ranked, scored
from benchmarks.stack_figures import Answers, answers_in, report
from benchmarks.stack_parts import BASE, Parts, Questions, shelf_of
from benchmarks.stack_variants import Stack, two_stages
from ranking.feed_config import FeedConfig
from ranking.strengths import with_strengths

COMMAND = "python benchmarks/strengths.py --yelp DIR --cache DIR"
SEEDS = (0, 1, 2)
EVERY = {"validation": 8, "test": 4}
Strengths = Mapping[str, Mapping[str, float]]


class PlaceParts(Parts):
    """Learnt with what ``benchmarks/content.py`` has found for places."""

    base = replace(BASE, length=50, batch_size=128, epochs=30, patience=4)
    rankers: ClassVar = {"both": {"dropped_ratio": 0.2, "id_dropped_ratio": 0.5}}


def systems(bench: Bench, strengths: Strengths) -> dict[str, Callable[[], Answers]]:
    """All that is asked, by name."""
    questions, two = bench.questions, two_stages("both")
    weighed = replace(two, config=with_strengths(two.config, strengths["two stages"]))
    whole = Stack(config=FeedConfig())
    learnt = replace(whole, config=with_strengths(whole.config, strengths["whole"]))
    return {
        "item neighbours": lambda: scored(questions, bench.parts.neighbours),
        "sequence model, whole catalogue": lambda: ranked(questions, bench.worth),
        "neighbours, ranked by content and ids": partial(bench.pages, two),
        "the same, places of neighbours count": partial(bench.pages, weighed),
        "whole, as installed": partial(bench.pages, whole),
        "whole": partial(bench.pages, learnt),
    }


def main() -> None:
    """Ask everything, and write."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--yelp", type=Path, required=True)
    options.add_argument("--cache", type=Path, required=True)
    args = options.parse_args()
    torch.set_num_threads(1)
    data = some_users(places(args.yelp, args.cache), YELP_USERS)
    shelf = shelf_of(data, args.cache, "cuisine")
    validation, test = leave_one_out(data.histories)
    before = Questions(validation, shelf, EVERY["validation"])
    questions, neighbours = Questions(test, shelf, EVERY["test"]), best_neighbours(before)
    earlier = Bench(PlaceParts(data, shelf, before, neighbours, args.cache), 0)
    strengths = {
        "two stages": earlier.strengths(two_stages("both")),
        "whole": earlier.strengths(Stack(config=FeedConfig())),
    }
    print(strengths, flush=True)
    parts = PlaceParts(data, shelf, questions, neighbours, args.cache)
    files = [args.cache / f"strengths-{seed}.npz" for seed in SEEDS]
    for seed, file in zip(SEEDS, files, strict=True):
        bench = Bench(parts, seed)
        ask_new(bench, systems(bench, strengths), file)
    result = {
        "environment": {
            **environment(("numpy", "torch", "onnxruntime")),
            "command": COMMAND,
        },
        "sizes": {
            "items": len(data.content),
            "events to learn from": len(questions.part.fit.items),
            "questions": len(questions),
            "users asked": len(np.unique(questions.users)),
        },
        "neighbours": asdict(neighbours),
        "strengths": strengths,
        "systems": report([answers_in(file) for file in files], questions, data),
    }
    write_result("strengths", result)


if __name__ == "__main__":
    main()
