"""People who like something of a group every seventh day, and settings that learn it quickly."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ingest.event import EPOCH, MICROSECOND
from ranking.intent_config import DAY_US

DAYS, USERS, GROUPS = 90, 40, 4
QUICK = (
    "--set", "intent.bin_days=1", "--set", "intent.length=14", "--set", "intent.scales=1,7",
    "--set", "intent.epochs=3", "--set", "intent.width=8", "--set", "intent.num_layers=1",
    "--set", "intent.learning_rate=0.02",
)  # fmt: skip


KINDS = (
    "cluster", "--by", "kind", "--words", "one,two,three,four", "--ablate", "proxies",
    "-k", str(GROUPS), "--name", "kinds",
)  # fmt: skip
"""Makes a view of the groups; a few words that mean nothing need few drawings, and lead nobody."""


def write_habits(path: Path) -> Path:
    """Each user likes something of one group every seventh day; an item's group is its number."""
    draw = np.random.default_rng(0)
    lines = ["user_id,item_id,event_type,timestamp"]
    for user in range(USERS):
        for group in draw.permutation(GROUPS)[:2].tolist():
            for day in range(int(draw.integers(7)), DAYS, 7):
                item = group + GROUPS * int(draw.integers(10))
                when = EPOCH + (day * DAY_US + DAY_US // 2) * MICROSECOND
                lines.append(f"u{user},{item:03},like,{when.isoformat()}")
    path.write_text("\n".join(lines) + "\n")
    return path
