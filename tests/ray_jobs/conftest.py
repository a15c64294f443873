"""One Ray for all tests of this room that want it, and the runners as a parameter."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ray_jobs import cluster, local
from ray_jobs.stage import RunOptions
from support.stages import Run, decode_stage


@pytest.fixture(scope="session")
def ray_session() -> Iterator[None]:
    """A Ray on this machine, started once."""
    with cluster.connected([decode_stage(workers=4, num_cpus=1.0)], RunOptions()):
        yield


@pytest.fixture
def run(request: pytest.FixtureRequest) -> Run:
    """``local.run`` or ``cluster.run``, as the test's parameter says."""
    if request.param == "cluster":
        request.getfixturevalue("ray_session")
        return cluster.run
    return local.run
