"""RecTools' SASRec on histories given as arrays: ``train.py`` runs it where RecTools is.

Reads arrays (users and items in order) and settings, learns, and prints one line of JSON: seconds,
and the ten best items of each user after what was learnt from and after what is given for the test.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from importlib import metadata
from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import torch
from rectools import Columns  # type: ignore[import-not-found]
from rectools.dataset import Dataset  # type: ignore[import-not-found]
from rectools.models import SASRecModel  # type: ignore[import-not-found]


def interactions(users: Any, items: Any) -> pd.DataFrame:
    """Events as RecTools takes them; a day between any two of a user."""
    place = pd.Series(users).groupby(users).cumcount()
    return pd.DataFrame(
        {
            Columns.User: users,
            Columns.Item: items,
            Columns.Weight: 1,
            Columns.Datetime: pd.Timestamp("2000-01-01") + pd.to_timedelta(place, unit="D"),
        }
    )


def main() -> None:
    """Learn and recommend."""
    warnings.simplefilter("ignore")
    arrays, settings = np.load(sys.argv[1]), json.loads(sys.argv[2])
    torch.set_num_threads(1)
    torch.manual_seed(settings["seed"])
    model = SASRecModel(
        n_blocks=settings["num_layers"],
        n_heads=1,
        n_factors=settings["width"],
        dropout_rate=settings["dropped_ratio"],
        session_max_len=settings["length"],
        loss="sampled_softmax",
        n_negatives=settings["num_drawn"],
        batch_size=settings["batch_size"],
        lr=settings["learning_rate"],
        epochs=settings["epochs"],
        recommend_torch_device="cpu",
    )
    learnt = Dataset.construct(interactions(arrays["learnt_users"], arrays["learnt_items"]))
    started, used = time.perf_counter(), time.process_time()
    model.fit(learnt)
    seconds = time.perf_counter() - started, time.process_time() - used
    given = Dataset.construct(interactions(arrays["given_users"], arrays["given_items"]))
    print(
        json.dumps(
            {
                "version": metadata.version("rectools"),
                "seconds": seconds[0],
                "processor_seconds": seconds[1],
                "validation": ten_best(model, learnt, np.unique(arrays["learnt_users"])),
                "test": ten_best(model, given, np.unique(arrays["given_users"])),
            }
        )
    )


def ten_best(model: Any, given: Any, users: Any) -> dict[str, list[int]]:
    """The ten best items of each user that they do not have yet."""
    found = model.recommend(users, given, k=10, filter_viewed=True, on_unsupported_targets="ignore")
    lists = found.groupby(Columns.User)[Columns.Item].agg(list)
    return {str(user): list(map(int, items)) for user, items in lists.items()}


if __name__ == "__main__":
    main()
