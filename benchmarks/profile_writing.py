"""Let the packaged language model write profiles of some users, for ``benchmarks/profiles.py``.

What is written is kept by the hash of its prompt, so that a run that is ended goes on. Users are
drawn once; those whose two profiles are whole are compared later.

    python benchmarks/profile_writing.py --office DIR --cache DIR --users 200 --seconds 480
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.profile_sets import ProfileSet, films, office
from ranking.local_model import LocalModel
from ranking.profile_writers import ModelSummariser, prompt_hash
from ranking.profiles import Horizon, ProfileSettings, Telling, Written, tellings_of

MOST_TOKENS, AT_ONCE = 110, 8
WRITER = f"smollm2 {MOST_TOKENS}"


def drawn(data: ProfileSet, most: int) -> list[int]:
    """Some users, in the order in which they are written for."""
    return [int(one) for one in np.random.default_rng(0).permutation(len(data.train))[:most]]


def told(data: ProfileSet, user: int) -> dict[Horizon, Telling]:
    """What profiles of a user are written from."""
    return tellings_of(data.choices[user], ProfileSettings())


def known(cache: Path, name: str) -> dict[str, Written]:
    """What has been written so far, by prompt hash."""
    path = cache / f"{name}-smollm2.jsonl"
    if not path.exists():
        return {}
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return {row.pop("prompt"): Written(**row) for row in rows}


def write(data: ProfileSet, cache: Path, users: int, seconds: float) -> None:
    """Write until all is written or time is up."""
    model = LocalModel("smollm2", "cpu")
    model.complete("Hello.", 1)
    summariser = ModelSummariser(model, "smollm2", MOST_TOKENS)
    done = known(cache, data.name)
    wanted: dict[str, Telling] = {}
    for user in drawn(data, users):
        for telling in told(data, user).values():
            wanted.setdefault(prompt_hash(WRITER, telling), telling)
    waiting = [(key, telling) for key, telling in wanted.items() if key not in done]
    started = time.monotonic()
    with (cache / f"{data.name}-smollm2.jsonl").open("a", encoding="utf-8") as file:
        for start in range(0, len(waiting), AT_ONCE):
            if time.monotonic() - started > seconds:
                break
            batch = waiting[start : start + AT_ONCE]
            texts = summariser.write([telling for _, telling in batch])
            for (key, _), text in zip(batch, texts, strict=True):
                file.write(json.dumps({"prompt": key, **asdict(text)}) + "\n")
            file.flush()
    print(data.name, len(known(cache, data.name)), "of", len(wanted), "texts", flush=True)


def main() -> None:
    """Write."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("office", "films"):
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--users", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=480)
    args = parser.parse_args()
    torch.set_num_threads(1)
    args.cache.mkdir(parents=True, exist_ok=True)
    if args.office:
        write(office(args.office), args.cache, args.users, args.seconds)
    if args.films:
        write(films(args.films), args.cache, args.users, args.seconds)


if __name__ == "__main__":
    main()
