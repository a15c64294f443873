"""How long ``sensorium --help`` takes, from the shell's point of view.

Run as ``python benchmarks/start.py``. Each start is a fresh process; the first ones warm the file
cache and are not counted. The target is half a second.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.environment import environment, write_result

COMMAND = (sys.executable, "-m", "sensorium", "--help")


def start_seconds() -> float:
    """Wall time of one start."""
    started = time.perf_counter()
    subprocess.run(COMMAND, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


def main() -> None:
    """Measure and write ``results/start.json``."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--repeats", type=int, default=20)
    chosen = options.parse_args()
    for _ in range(3):
        start_seconds()
    spent = sorted(start_seconds() for _ in range(chosen.repeats))
    result = {
        "median_seconds": round(median(spent), 3),
        "slowest_seconds": round(spent[-1], 3),
        "repeats": chosen.repeats,
    }
    print(result)
    write_result("start", {"environment": environment(("rich", "typer")), "help": result})


if __name__ == "__main__":
    main()
