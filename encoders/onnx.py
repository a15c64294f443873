"""ONNX models with int8 weights, one input at a time on several threads.

The bundled models quantise activations with one scale per tensor, so a batch shares its scale and
an image's vector would depend on its neighbours (cosine down to .95 between batches of 1 and of
16). One input per call keeps vectors independent of the batch. It costs nothing: threads that each
run their own input use no more processor time per input than one session spread over all cores.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from encoders.weights import locate
from encoders.wheels import ModelUnavailableError

ItemT = TypeVar("ItemT")
Feed = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Threads:
    """How much of the machine one encoder may use."""

    count: int = 0
    """Inputs worked on at once, each on one thread; 0 for every core this process may use."""

    def __post_init__(self) -> None:
        if self.count < 0:
            raise ValueError(f"expected 0 or more threads, got {self.count = }")

    @property
    def number(self) -> int:
        """The count with 0 resolved."""
        return self.count or len(os.sched_getaffinity(0))


class OnnxModel:
    """One packaged model; its file is read at the first run.

    Args:
        weights: name in ``encoders.weight_table``.
        threads: how many inputs run at once.
    """

    def __init__(self, weights: str, threads: Threads) -> None:
        self.weights = weights
        self.threads = threads

    def run_each(
        self, items: Sequence[ItemT], prepare: Callable[[ItemT], Feed], output: str
    ) -> list[NDArray[np.float32]]:
        """Run the model on each item alone.

        Args:
            items: B inputs.
            prepare: makes the named input arrays of one item, with a leading axis of 1; it runs
                on the threads, too.
            output: name of the output to take.

        Returns:
            The output of each item with its leading axis of 1, in order.

        Raises:
            ModelUnavailableError: the weights are not in the cache, or are damaged.
        """
        session = self._session

        def run(item: ItemT) -> NDArray[np.float32]:
            return np.asarray(session.run([output], dict(prepare(item)))[0])

        if len(items) < 2 or self.threads.number < 2:
            return [run(item) for item in items]
        return list(self._pool.map(run, items))

    @cached_property
    def _session(self) -> Any:
        path = locate(self.weights) / "model.onnx"
        import onnxruntime
        from onnxruntime.capi import onnxruntime_pybind11_state as failures

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        try:
            return onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except (failures.Fail, failures.InvalidGraph, failures.InvalidProtobuf) as error:
            raise ModelUnavailableError(
                f"the weights of {self.weights} cannot be loaded from {path}",
                f"fetch them again with sensorium models pull {self.weights}",
            ) from error

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self.threads.number, thread_name_prefix=self.weights)
