"""Choose a ranker's settings on held-out events: ``sensorium train ranker --sweep``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any

from ranking.ranker_fit import Content, fit_ranker
from sensorium.options import UsageError

if TYPE_CHECKING:
    from ranking.held_out import HeldOut
    from ranking.ranker_settings import RankerSettings
    from ray_jobs.stage import RunOptions
    from ray_jobs.sweeps import Tried
    from sensorium.evaluate import Show


@dataclass(frozen=True, slots=True, kw_only=True)
class RankerTrial:
    """Learns with some settings and says how well held-out events are found; travels to workers."""

    held_out: HeldOut
    """What is learnt from, and what judges."""
    content: Content | None
    """Of the items."""

    def __call__(self, settings: Mapping[str, Any], epochs: int) -> float:
        """Give the best ndcg at 10 within so many rounds."""
        from ranking.ranker_settings import RankerSettings

        chosen = replace(RankerSettings(**settings), epochs=epochs)
        return fit_ranker(self.held_out, chosen, self.content).progress.best.ndcg_at_10


def sweep_ranker(
    held_out: HeldOut,
    content: Content | None,
    candidates: Sequence[RankerSettings],
    options: RunOptions | None,
    show: Show,
) -> tuple[RankerSettings, list[Tried]]:
    """Find the best of some settings.

    Args:
        held_out: what is learnt from, and what judges.
        content: of the items.
        candidates: settings, one or more, of as many rounds each.
        options: where Ray is; None to stay in this process.
        show: told how far it is.

    Returns:
        The best settings, and every trial; see ``ray_jobs.sweeps.halving``.
    """
    from ray_jobs.sweeps import sweep

    trial = RankerTrial(held_out=held_out, content=content)
    plain = [asdict(candidate) for candidate in candidates]
    named = different(plain)

    def shown(share: float, tried: Tried) -> None:
        words = ", ".join(f"{name} {tried.settings[name]}" for name in named)
        show(share, f"{words}: {tried.reached:.4f} in {tried.epochs} rounds at most")

    found = sweep(trial, plain, candidates[0].epochs, options, shown)
    winner = next(n for n, settings in enumerate(plain) if settings == found[0].settings)
    return candidates[winner], found


def different(settings: Sequence[Mapping[str, Any]]) -> list[str]:
    """Names of the settings in which some differ."""
    return [name for name in settings[0] if len({str(one[name]) for one in settings}) > 1]


def grid_of(text: str) -> list[dict[str, str]]:
    """Read ``width=64,128 dropped_ratio=0.2,0.4`` as every combination, by name.

    Raises:
        UsageError: a part has no name or no value.
    """
    axes = []
    for part in text.split():
        name, _, values = part.partition("=")
        some = [value for value in values.split(",") if value]
        if not name or not some:
            raise UsageError(f"--sweep {part}: nothing to try", "write --sweep 'width=64,128'")
        axes.append([(name, value) for value in some])
    return [dict(combination) for combination in product(*axes)]
