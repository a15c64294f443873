"""How well the baselines recommend on public sets; every later model is measured beside these.

- Amazon Beauty (2014, 5-core) and MovieLens-1M (as released with gSASRec), leave-one-out; sequences
  without times, so popularity has no window.
- MovieLens latest-small, time split; every rating counts as liking, as is usual.
- Every item is ranked, what a user has is left out, settings are chosen on validation.

    python benchmarks/baselines.py --beauty Beauty.txt --movielens-1m ml1m/ --movielens ratings.csv

MovieLens-1M is released in parts: train/input.txt, val/ and test/. For most users the last event
but one is not among them, so histories lack it; the last one is what is asked for.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.environment import environment, write_result
from ingest.event_files import EventFile
from ingest.event_rules import EventRules
from sensorium.evaluate import EvaluationRequest, evaluate_baselines, read_liked

COMMAND = (
    "python benchmarks/baselines.py --beauty Beauty.txt --movielens-1m ml1m/ "
    "--movielens ratings.csv"
)
RULES = EventRules(positives=("rating", "click"))


def rows_of(path: Path) -> list[list[str]]:
    """Words of each line."""
    return [line.split() for line in path.read_text().splitlines()]


def join_parts(folder: Path, made: Path) -> Path:
    """Put the parts of a release together: one line per user, items in order."""
    inputs, outputs = rows_of(folder / "val/input.txt"), rows_of(folder / "val/output.txt")
    # The training part of a user of validation ends one item before the input of validation does.
    after = {tuple(seen[:-1]): seen[-1:] + last for seen, last in zip(inputs, outputs, strict=True)}
    trained, tested = rows_of(folder / "train/input.txt"), rows_of(folder / "test/output.txt")
    with made.open("w") as stream:
        for user, (seen, last) in enumerate(zip(trained, tested, strict=True)):
            items = [*seen, *after.get(tuple(seen), []), *last]
            stream.write(f"{user} {' '.join(items)}\n")
    return made


def measure(file: Path, layout: str, request: EvaluationRequest) -> dict[str, Any]:
    """Evaluate on one file."""
    histories = read_liked(EventFile(str(file), layout), RULES, lambda _share, _words: None)

    def show(share: float, words: str) -> None:
        print(f"{share:.0%} {words}", file=sys.stderr)

    report = asdict(evaluate_baselines(histories, request, show))
    for row in report["rows"]:
        print(row["model"], {name: round(value, 4) for name, value in row["figures"].items()})
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {**report, "peak_mb_so_far": round(peak / 1e6)}


def main() -> None:
    """Measure and write ``results/baselines.json``."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--beauty", type=Path, required=True, help="Beauty.txt")
    options.add_argument("--movielens-1m", type=Path, required=True, help="train/, val/, test/")
    options.add_argument("--movielens", type=Path, required=True, help="ratings.csv")
    chosen = options.parse_args()
    result: dict[str, Any] = {
        "environment": {**environment(("numpy", "scipy")), "command": COMMAND}
    }
    by_time = EvaluationRequest(protocol="time")
    result["movielens-latest-small, time"] = measure(chosen.movielens, "movielens", by_time)
    one_out = EvaluationRequest()
    result["amazon-beauty, leave-one-out"] = measure(chosen.beauty, "sequences", one_out)
    with tempfile.TemporaryDirectory() as folder:
        joined = join_parts(chosen.movielens_1m, Path(folder) / "sequences.txt")
        result["movielens-1m, leave-one-out"] = measure(joined, "sequences", one_out)
    write_result("baselines", result)


if __name__ == "__main__":
    main()
