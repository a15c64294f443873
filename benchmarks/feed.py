"""How long a page of recommendations takes, what it spends its time on, and what states weigh.

Run as ``python benchmarks/feed.py``. The library is made (``benchmarks/feed_library.py``): speed
goes by sizes alone. It is opened as ``sensorium recommend`` opens one and asked for pages of ten in
this process, one after the other: for people who were not asked for before, of the same once more,
and once more after each of them has clicked. Both rankers are measured: the blend, and a sequence
model of width 64 over all items, untrained, as what it has learnt makes no difference to its speed.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.environment import environment, write_result
from benchmarks.feed_library import Sizes, make_library, open_made, user_name
from ingest.event import Event
from ranking.ranker import SequenceNetwork
from ranking.ranker_config import RankerConfig
from ranking.sequence_recommender import SequenceRecommender
from ranking.sequences import ItemRows
from sensorium.feed import FeedRequest, Recommender, open_recommender
from sensorium.library import Library
from sensorium.ranker_store import RANKER, keep, learnt_folder

SIZE = 10
WARM_UP = 20
SINGLE, BATCHES, BATCH = 500, 20, 1_000
"""Events appended one by one; batches, and events in each."""


def anonymous_bytes() -> int:
    """Memory of this process that is not mapped from files."""
    status = Path("/proc/self/status").read_text().splitlines()
    [line] = [line for line in status if line.startswith("RssAnon:")]
    return int(line.split()[1]) * 1024


def percentiles(seconds: Sequence[float]) -> dict[str, float]:
    """Median and 95th percentile, in milliseconds."""
    p50, p95 = np.percentile(np.array(seconds) * 1000, [50, 95]).tolist()
    return {"p50_ms": round(p50, 2), "p95_ms": round(p95, 2)}


def asked(
    recommender: Recommender, users: Sequence[str], explain: bool
) -> tuple[dict[str, Any], dict[str, float]]:
    """Ask for a page of each user.

    Returns:
        Times of a whole page, and the median milliseconds of each of its steps.
    """
    spent, cpu, steps = [], [], defaultdict(list)
    for user in users:
        started, used = time.perf_counter(), time.process_time()
        page = recommender.page(FeedRequest(user_id=user, limit=SIZE, explain=explain))
        cpu.append(time.process_time() - used)
        spent.append(time.perf_counter() - started)
        assert len(page.picks) == SIZE
        for step in page.trace:
            steps[step.name].append(step.seconds)
        steps["state and the rest"].append(spent[-1] - sum(s.seconds for s in page.trace))
    median = {name: round(float(np.median(t)) * 1000, 3) for name, t in steps.items()}
    return percentiles(spent) | {"cpu_ms": round(float(np.mean(cpu)) * 1000, 2)}, median


def click(recommender: Recommender, users: Sequence[str]) -> None:
    """Let everybody click on an item."""
    now, ids = datetime.now(UTC), recommender.stock.shelf.item_ids
    recommender.library.workspace.event_log.append(
        Event(user_id=user, item_id=ids[97 * n % len(ids)], event_type="click", occurred_at=now)
        for n, user in enumerate(users)
    )


def pages(library: Library, sizes: Sizes, repeats: int) -> dict[str, Any]:
    """Measure pages with the ranker that the library has."""
    before = anonymous_bytes()
    started = time.perf_counter()
    recommender = open_recommender(library)
    opened = time.perf_counter() - started
    held = anonymous_bytes() - before
    everybody = [user_name(number) for number in range(sizes.users)]
    for user in everybody[:WARM_UP]:
        recommender.page(FeedRequest(user_id=user, limit=SIZE))
    users = everybody[WARM_UP : WARM_UP + repeats]
    first, steps = asked(recommender, users, explain=False)
    again, _ = asked(recommender, users, explain=False)
    click(recommender, users)
    clicked, _ = asked(recommender, users, explain=False)
    explained, explained_steps = asked(recommender, users, explain=True)
    states = recommender.states
    return {
        "ranker": recommender.feed.ranker.name,
        "open_seconds": round(opened, 2),
        "open_bytes_per_item": round(held / sizes.items),
        "first_page": first,
        "once_more": again,
        "after_a_click": clicked,
        "with_items_as_reasons": explained,
        "median_ms_of_first_page": steps,
        "reasons_ms": explained_steps["reasons"],
        "state_bytes": round(states.size_bytes / max(len(states), 1)),
    }


def untrained(library: Library, sizes: Sizes) -> None:
    """Keep a sequence model over all items in the library."""
    from sensorium.shelf import open_shelf

    shelf = open_shelf(library)
    config = RankerConfig(num_ids=sizes.items, content_width=sizes.width, width=64)
    keep(
        library.workspace,
        RANKER,
        SequenceRecommender(
            network=SequenceNetwork(config).eval(),
            item_ids=shelf.item_ids,
            rows=ItemRows(id_rows=np.arange(sizes.items), content=shelf.vectors),
            weights=np.ones(1, np.float32),
        ),
    )


def appends(library: Library) -> dict[str, Any]:
    """Append events, each call on the disk before it returns."""
    log, moment = library.workspace.event_log, datetime.now(UTC)

    def events(start: int, number: int) -> list[Event]:
        return [
            Event(
                user_id=user_name(count % 1000),
                item_id=f"item{count % 5000:07}",
                event_type="click",
                occurred_at=moment + timedelta(milliseconds=count),
            )
            for count in range(start, start + number)
        ]

    def spent(start: int, number: int) -> float:
        made = events(start, number)
        started = time.perf_counter()
        log.append(made)
        return time.perf_counter() - started

    one = [spent(number, 1) for number in range(SINGLE)]
    many = [spent(SINGLE + BATCH * number, BATCH) for number in range(BATCHES)]
    return {
        "one_by_one": percentiles(one) | {"events_per_second": round(SINGLE / sum(one))},
        f"by_{BATCH}": percentiles(many)
        | {"events_per_second": round(BATCH * BATCHES / sum(many))},
    }


def figures(folder: Path, sizes: Sizes, repeats: int) -> dict[str, Any]:
    """Measure a library, which is made where it is not there."""
    if not (folder / "made").exists():
        # In a process of its own, so that what making it took is not counted as memory.
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=spawn) as pool:
            pool.submit(make_library, folder, sizes).result()
        (folder / "made").touch()
    library = open_made(folder)
    (learnt_folder(library.workspace, RANKER) / f"{RANKER}.safetensors").unlink(missing_ok=True)
    blend = pages(library, sizes, repeats)
    untrained(library, sizes)
    sequence = pages(library, sizes, repeats)
    return {"pages": [blend, sequence], "appends": appends(library)}


def main() -> None:
    """Measure and write ``results/feed.json``."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--items", type=int, default=100_000)
    options.add_argument("--groups", type=int, default=50)
    options.add_argument("--users", type=int, default=10_000)
    options.add_argument("--events", type=int, default=200, help="Of each user.")
    options.add_argument("--repeats", type=int, default=500, help="Users who are asked for.")
    options.add_argument("--folder", type=Path, help="Keep the made library here.")
    chosen = options.parse_args()
    sizes = Sizes(
        items=chosen.items, groups=chosen.groups, users=chosen.users, events=chosen.events
    )
    place = nullcontext(chosen.folder) if chosen.folder else tempfile.TemporaryDirectory()
    with place as folder:
        found = figures(Path(folder), sizes, chosen.repeats)
    measured = {"items": sizes.items, "groups": sizes.groups, "users": sizes.users}
    measured["events"] = sizes.users * sizes.events
    result = {"environment": environment(("numpy", "torch", "faiss-cpu")), **measured, **found}
    print(json.dumps(result, indent=1))
    write_result("feed", result)


if __name__ == "__main__":
    main()
