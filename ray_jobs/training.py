"""Learn one ranker in several processes of a Ray cluster: each takes its share of every step.

Ray Train starts the processes and lets them find each other; gradients are added up by gloo on
processors and by NCCL on GPUs (``ranking.team``). What is learnt lies in the run's checkpoint, from
which the caller takes it, so a killed run goes on, with as many processes as one likes. That file
must be on a disk that caller and workers share; on one machine it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import torch
from torch import Tensor

from ranking.ranker import SequenceNetwork
from ranking.ranker_config import RankerConfig
from ranking.sequence_draws import SequenceTraining
from ranking.sequence_progress import Progress
from ranking.sequence_training import SequenceData, train_ranker
from ray_jobs.cluster import connected, room
from ray_jobs.stage import RunOptions, StageError

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What every process of a run is given."""

    data: SequenceData
    """Events and items."""
    shape: RankerConfig
    """Of the network."""
    weights: dict[str, Tensor]
    """With which it starts."""
    training: SequenceTraining
    """How it learns."""
    checkpoint: str
    """Path of the file that the run goes on from."""


def train_together(
    data: SequenceData,
    network: SequenceNetwork,
    config: SequenceTraining,
    checkpoint: Path,
    workers: int,
    options: RunOptions | None = None,
) -> Progress:
    """Learn a ranker; see ``ranking.sequence_training.train_ranker``.

    Args:
        data: events and items.
        network: at its start; it ends in the best state.
        config: how; ``cuda`` takes one GPU per process.
        checkpoint: file that a killed run goes on from, on a disk that all share.
        workers: processes.
        options: where Ray is; see ``ray_jobs.cluster.run``.

    Raises:
        StageError: the cluster cannot be reached, or a process failed.
    """
    weights = {name: value.detach().cpu() for name, value in network.state_dict().items()}
    job = Job(
        data=data,
        shape=network.config,
        weights=weights,
        training=config,
        checkpoint=str(checkpoint.absolute()),
    )
    with connected([room(workers + 1)], options or RunOptions()), TemporaryDirectory() as folder:
        _fit(job, workers, folder)
    # The run is over: the same call finds its end in the checkpoint, and learns nothing more.
    return train_ranker(data, network, config, checkpoint, lambda _progress: None)


def _fit(job: Job, workers: int, folder: str) -> None:
    import ray
    from ray.train import RunConfig, ScalingConfig
    from ray.train.torch import TorchConfig, TorchTrainer

    on_gpu = job.training.device == "cuda"
    trainer = TorchTrainer(
        _learn,
        train_loop_config={"job": ray.put(job)},
        scaling_config=ScalingConfig(num_workers=workers, use_gpu=on_gpu),
        torch_config=TorchConfig(backend="nccl" if on_gpu else "gloo"),
        run_config=RunConfig(storage_path=folder, name="ranker"),
    )
    try:
        trainer.fit()
    except Exception as error:  # Ray Train raises errors of its own and those of workers
        raise StageError(
            f"learning on Ray failed: {error}",
            "what was learnt until then is kept, and the same command goes on; or learn without "
            "--ray",
        ) from error


def _learn(given: dict[str, Any]) -> None:
    """Run in every process."""
    import ray

    job: Job = ray.get(given["job"])
    torch.set_num_threads(1)
    network = SequenceNetwork(job.shape)
    network.load_state_dict(job.weights)
    path = Path(job.checkpoint)
    train_ranker(job.data, network, job.training, path, lambda _progress: None, Joined())


class Joined:
    """This process among those that ``torch.distributed`` has joined."""

    def __init__(self) -> None:
        from torch import distributed

        self._distributed = distributed
        self.size, self.place = distributed.get_world_size(), distributed.get_rank()

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its sum over the team, in one exchange."""
        flat = torch.cat([tensor.flatten() for tensor in tensors])
        self._distributed.all_reduce(flat)
        start = 0
        for tensor in tensors:
            tensor.copy_(flat[start : start + tensor.numel()].view_as(tensor))
            start += tensor.numel()

    def ask_first(self, make: Callable[[], T]) -> T:
        """Give to all what the first one makes."""
        box = [make() if self.place == 0 else None]
        self._distributed.broadcast_object_list(box, src=0)
        return box[0]  # type: ignore[return-value]
