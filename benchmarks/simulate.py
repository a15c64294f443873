"""What fatigue does to pages and clicks, whether muting mutes, and whether reasons are true.

Run as ``python benchmarks/simulate.py``. People with planted tastes look at ten pages in a row,
with fatigue and without, in worlds where they never tire, tire slowly and tire fast; luck is the
same for both feeds, and clicks are counted as the sum of their chances. A reason is checked by
taking the item that it names out of the log and asking again: the pick must have fallen.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.environment import environment, write_result
from benchmarks.feed_world import Visit, World, WorldConfig, shares
from ranking.feed import Feed
from ranking.feed_config import FatigueConfig, FeedConfig, VarietyConfig
from ranking.feed_ranker import Blend

PAGES = 10
FREE = VarietyConfig(most_share=1.0, least_interests=0)
"""Without quotas, so that what fatigue does alone is seen."""


def feed_of(world: World, config: FeedConfig) -> Feed:
    """The feed with the ranker that needs no learning."""
    return Feed(world.shelf, world.sources(), Blend(shelf=world.shelf), config)


def visits(world: World, config: FeedConfig) -> dict[str, Any]:
    """Let everybody look at ten pages: clicks, and the share of their favourite topic by page."""
    feed, clicks, favourite = feed_of(world, config), 0.0, []
    for person in range(world.config.people):
        visit, pages = Visit(world=world, person=person), []
        for _ in range(PAGES):
            pages.append(feed.page(visit.state()))
            clicks += visit.look(pages[-1])
        favourite.append(shares(pages, world, int(world.taste[person].argmax())))
    return {"clicks": clicks, "favourite_share": np.mean(favourite, axis=0)}


def fatigue(boredom: float, variety: VarietyConfig, seeds: Sequence[int]) -> dict[str, Any]:
    """Set feeds with and without fatigue side by side in one kind of world."""
    config = FeedConfig(variety=variety)
    rested = replace(config, fatigue=FatigueConfig(strength=0.0))
    ratios, with_it, without = [], [], []
    for seed in seeds:
        world = World(seed, WorldConfig(boredom=boredom))
        on, off = visits(world, config), visits(world, rested)
        ratios.append(on["clicks"] / off["clicks"])
        with_it.append(on["favourite_share"])
        without.append(off["favourite_share"])
    return {
        "boredom": boredom,
        "quotas": variety is not FREE,
        "clicks_on_over_off": round(float(np.mean(ratios)), 4),
        "clicks_on_over_off_by_seed": [round(float(ratio), 4) for ratio in ratios],
        "favourite_share_by_page_on": np.mean(with_it, axis=0).round(3).tolist(),
        "favourite_share_by_page_off": np.mean(without, axis=0).round(3).tolist(),
    }


def muting(seeds: Sequence[int]) -> dict[str, Any]:
    """Mute everybody's favourite interest after a page, and look at the three next."""
    before, after = np.zeros(2), np.zeros(2)
    for seed in seeds:
        world = World(seed, WorldConfig())
        feed = feed_of(world, FeedConfig())
        for person in range(world.config.people):
            topic, visit = int(world.taste[person].argmax()), Visit(world=world, person=person)
            before += looked_at(feed, visit, topic, 1)
            visit.boost = np.ones(world.config.topics, np.float32)
            visit.boost[topic] = 0
            after += looked_at(feed, visit, topic, 3)
    removed = 1 - after / before
    return {
        "removed_by_interest": round(float(removed[0]), 4),
        "removed_by_true_topic": round(float(removed[1]), 4),
        "misplaced_by_the_view": WorldConfig().misplaced,
    }


def looked_at(feed: Feed, visit: Visit, topic: int, pages: int) -> NDArray[np.float64]:
    """Look at some pages: the share of items that the view has in a topic, and that are in it."""
    world, items = visit.world, []
    for _ in range(pages):
        page = feed.page(visit.state())
        visit.look(page)
        items += [world.shelf.number_of[pick.item_id] for pick in page.picks]
    return np.array([(owner[items] == topic).mean() for owner in (world.placed, world.topic)])


def reasons(seeds: Sequence[int]) -> dict[str, Any]:
    """Take out what each reason names, and in its stead another of the latest likes."""
    kinds, cited, others = Counter[str](), list[bool](), list[bool]()
    for seed in seeds:
        world, draw = World(seed, WorldConfig()), np.random.default_rng(seed)
        feed = feed_of(world, FeedConfig())
        for person in range(world.config.people):
            visit = Visit(world=world, person=person)
            state = visit.state()
            liked = [world.shelf.item_ids[item] for item in np.unique(state.liked.items)]
            page = feed.page(state, explain=True)
            kinds.update(pick.reason.kind for pick in page.picks)
            ranks = {"": ranked(feed, visit, "")}
            for pick in page.picks:
                named = pick.reason.history_item
                if not named:
                    continue
                other = str(draw.choice([one for one in liked if one != named]))
                for gone, fell in ((named, cited), (other, others)):
                    if gone not in ranks:
                        ranks[gone] = ranked(feed, visit, gone)
                    last = len(ranks[gone])
                    now = ranks[gone].get(pick.item_id, last)
                    fell.append(now > ranks[""][pick.item_id])
    picks = sum(kinds.values())
    return {
        "picks": picks,
        "kinds": {kind: round(count / picks, 4) for kind, count in kinds.most_common()},
        "reasons_that_name_an_item": len(cited),
        "fell_without_the_named_item": round(float(np.mean(cited)), 4),
        "fell_without_another_liked_item": round(float(np.mean(others)), 4),
    }


def ranked(feed: Feed, visit: Visit, without: str) -> dict[str, int]:
    """Rank of each candidate by id, had the person never met an item; that item is not counted."""
    found = feed.candidates(visit.state(without))
    ids = [feed.shelf.item_ids[item] for item in found.ranked]
    return {item_id: rank for rank, item_id in enumerate(one for one in ids if one != without)}


def main() -> None:
    """Measure and write ``results/simulate.json``."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options.add_argument("--boredom", type=float, nargs="+", default=[0.0, 0.04, 0.08])
    chosen = options.parse_args()
    result: dict[str, Any] = {
        "environment": environment(("numpy",)),
        "seeds": chosen.seeds,
        "world": asdict(WorldConfig()),
        "feed": asdict(FeedConfig()),
        "muting": muting(chosen.seeds),
        "reasons": reasons(chosen.seeds),
        "fatigue": [
            fatigue(boredom, variety, chosen.seeds)
            for variety in (VarietyConfig(), FREE)
            for boredom in chosen.boredom
        ],
    }
    print(json.dumps(result, indent=1))
    write_result("simulate", result)


if __name__ == "__main__":
    main()
