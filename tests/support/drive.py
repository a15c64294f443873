"""A driver to be interrupted and killed: ``python -m support.drive local|cluster``.

It runs slow tasks without end and prints the name of each that ended. After an interrupt it leaves
with status 130 and says nothing.
"""

from __future__ import annotations

import itertools
import sys
from contextlib import closing

from ray_jobs import cluster, local
from ray_jobs.stage import RunOptions
from support.stages import decode_stage, encode_stage


def main() -> int:
    """Run until interrupted."""
    run = {"local": local.run, "cluster": cluster.run}[sys.argv[1]]
    tasks = ((f"task-{i}", ("slow", 0.02)) for i in itertools.count())
    stages = [decode_stage(workers=2), encode_stage(batch_size=4)]
    try:
        with closing(run(stages, tasks, RunOptions(), None)) as outcomes:
            for outcome in outcomes:
                sys.stdout.write(f"{outcome.key}\n")
                sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
