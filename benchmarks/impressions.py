"""Which of several items shown together is clicked: a hybrid of views and of long and short taste.

What is asked, and of whom, is said in ``impression_sets``; the systems in ``impression_systems``.
All learn alike: four items drawn anew for each click and round, Adam, the best round by validation
AUC. Each system chooses its learning rate on the validation of the first set with the first seed,
and has it on the other sets, too. Results of a run are kept in the cache as soon as they are there,
so a run that was killed, or another process beside, does nothing twice.

    python benchmarks/impressions.py --goodreads DIR --yelp DIR --mind DIR --cache DIR

Figures are AUC, MRR, nDCG@5 and nDCG@10, means over impressions of the test; intervals, 95 %, are
bootstrapped over impressions, of the mean over seeds of what the hybrid is above another.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.environment import RESULTS, environment, write_result
from benchmarks.impression_sets import SETS, ImpressionSet
from benchmarks.impression_systems import SYSTEMS, Catalogue, build
from ranking.click_training import ClickData, ClickTraining, train_clicks
from ranking.impression_metrics import FIGURES, bootstrap, impression_figures
from ranking.impressions import Impressions

COMMAND = "python benchmarks/impressions.py --goodreads DIR --yelp DIR --mind DIR --cache DIR"
SEEDS = (0, 1, 2)
RATES = (1e-3, 3e-3)
"""That each system chooses from, with the first seed."""
LIKE = {"NRMS, all views": "NRMS", "hybrid, padding read": "hybrid"}
"""Systems that show what one part does take the rate of the system that they are held against."""
TRAINING = ClickTraining(epochs=10, patience=2, batch_size=128)
OURS = ("hybrid", "hybrid by attention")
Run = Mapping[str, NDArray[Any]]


def learnt(
    data: ImpressionSet, system: str, config: ClickTraining, cache: Path
) -> dict[str, NDArray[Any]]:
    """Figures of one run on each test impression, with and without persons; kept in the cache."""
    path = cache / f"{data.name}-{system}-{config.learning_rate:g}-{config.seed}.npz".replace(
        " ", "_"
    )
    if not path.exists():
        catalogue = Catalogue(
            content_widths=tuple(rows.shape[1] for rows in data.views.contents),
            num_labels=data.num_labels,
            num_users=data.num_users,
        )
        network = build(system, catalogue, config.seed)
        known = ClickData(views=data.views, fit=data.fit, validation=data.validation)
        started = time.monotonic()
        checkpoint = path.with_suffix(".safetensors")
        progress = train_clicks(known, network, config, checkpoint)
        checkpoint.unlink()
        found = {f"known {name}": of for name, of in _figures(network, data, data.test).items()}
        hidden = _figures(network, data, data.test.strangers())
        found |= {f"hidden {name}": of for name, of in hidden.items()}
        seconds = time.monotonic() - started
        told = {"validation": progress.best, "epoch": progress.best_epoch, "seconds": seconds}
        np.savez(path, **found, **told)
        print(data.name, system, config.learning_rate, config.seed, told, flush=True)
    with np.load(path) as kept:
        return dict(kept)


def _figures(network: Any, data: ImpressionSet, test: Impressions) -> Run:
    return impression_figures(network.scores(data.views, test), test.clicked, test.offsets)


def compared(
    data: ImpressionSet, systems: Sequence[str], rates: dict[str, float], cache: Path
) -> dict[str, Any]:
    """All systems on one set; ``rates`` are those that were chosen on another, and are added to."""
    new = data.test.users == 0
    runs: dict[str, list[Run]] = {}
    result: dict[str, Any] = {"sizes": _sizes(data), "systems": {}}
    for system in systems:
        tried = _tried(data, system, cache) if system not in rates else {}
        rates.setdefault(system, max(tried, key=lambda rate: tried[rate], default=0))
        config = replace(TRAINING, learning_rate=rates[system])
        runs[system] = [learnt(data, system, replace(config, seed=seed), cache) for seed in SEEDS]
        result["systems"][system] = {
            "learning rate": rates[system],
            "validation": [float(run["validation"]) for run in runs[system]],
            "tried": {f"{rate:g}": reached for rate, reached in tried.items()},
            "best rounds": [int(run["epoch"]) for run in runs[system]],
            "seconds": [round(float(run["seconds"]), 1) for run in runs[system]],
            "all": _over_seeds(runs[system], "known", np.ones_like(new)),
            "persons hidden": _over_seeds(runs[system], "hidden", np.ones_like(new)),
            "known persons": _over_seeds(runs[system], "known", ~new),
            "known persons hidden": _over_seeds(runs[system], "hidden", ~new),
            "new persons": _over_seeds(runs[system], "known", new),
        }
    for ours in OURS:
        if ours in runs:
            result[f"{ours} above"] = {
                system: _gaps(runs[ours], runs[system]) for system in systems if system != ours
            }
    if "hybrid" in runs:
        told = runs["hybrid"]
        result["hybrid with persons above hidden"] = _gaps(told, told, "hidden")
    result["order of the file"] = _constant(data.test)
    return result


def _tried(data: ImpressionSet, system: str, cache: Path) -> dict[float, float]:
    """What each rate reaches on validation with the first seed."""
    name = LIKE.get(system, system)
    return {
        rate: float(learnt(data, name, replace(TRAINING, learning_rate=rate), cache)["validation"])
        for rate in RATES
    }


def _over_seeds(runs: Sequence[Run], which: str, kept: NDArray[np.bool_]) -> dict[str, Any]:
    """Mean and standard deviation of every figure over seeds."""
    found = {}
    for name in FIGURES:
        means = [float(run[f"{which} {name}"][kept].mean()) for run in runs]
        found[name] = {"mean": float(np.mean(means)), "sd": float(np.std(means, ddof=1))}
    return found


def _gaps(ours: Sequence[Run], others: Sequence[Run], which: str = "known") -> dict[str, Any]:
    """How much better ours is: mean, its interval, and the mean of each seed."""
    found = {}
    for name in FIGURES:
        each = np.array(
            [
                one[f"known {name}"] - other[f"{which} {name}"]
                for one, other in zip(ours, others, strict=True)
            ]
        )
        found[name] = {
            "mean": float(each.mean()),
            "interval": bootstrap(each.mean(axis=0)),
            "seeds": each.mean(axis=1).tolist(),
        }
    return found


def _constant(test: Impressions) -> dict[str, float]:
    """Figures of scores that are all the same."""
    found = impression_figures(np.zeros(len(test.items)), test.clicked, test.offsets)
    return {name: float(of.mean()) for name, of in found.items()}


def _sizes(data: ImpressionSet) -> dict[str, Any]:
    return {
        "items": len(data.views),
        "labels": data.num_labels,
        "persons learnt of": len(np.unique(data.fit.users)),
        "impressions learnt from": len(data.fit),
        "clicks learnt from": int(data.fit.clicked.sum()),
        "impressions of validation": len(data.validation),
        "impressions of the test": len(data.test),
        "of new persons": int((data.test.users == 0).sum()),
        "items shown together": float(np.diff(data.test.offsets).mean()),
        "clicks known before": float(np.diff(data.test.known).mean()),
    }


def main() -> None:
    """Measure what is not yet measured, and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in SETS:
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--only", nargs="*", default=list(SYSTEMS), help="Systems to compare.")
    args = parser.parse_args()
    torch.set_num_threads(1)
    args.cache.mkdir(parents=True, exist_ok=True)
    where = {
        "environment": {**environment(("numpy", "torch", "onnxruntime")), "command": COMMAND},
        "learning": asdict(TRAINING),
    }
    rates: dict[str, float] = {}
    for name, read in SETS.items():
        if getattr(args, name):
            data = read(getattr(args, name), args.cache)
            keep(name, {**where, **compared(data, args.only, rates, args.cache)})


def keep(name: str, found: dict[str, Any]) -> None:
    """Write the figures of one set beside those of the others."""
    path = RESULTS / "impressions.json"
    known: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    write_result("impressions", {**known, name: found})


if __name__ == "__main__":
    main()
