"""Which weights the settings need, and fetching them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from encoders.weights import pull, status
from sensorium.progress import download_progress

if TYPE_CHECKING:
    from rich.console import Console

    from sensorium.config import Config


def needed_models(config: Config) -> list[str]:
    """Names of the bundled weights that these settings use."""
    return list(config.encoders.weights)


def pull_models(names: Sequence[str], everything: bool, config: Config, console: Console) -> None:
    """Fetch weights that are not here yet.

    Args:
        names: models by name; empty for those the settings need.
        everything: fetch every bundled model.
        config: the settings in force.
        console: writes to stderr.

    Raises:
        ModelUnavailableError: a model cannot be fetched, or its bytes are not the pinned ones.
    """
    known = {model.name: model for model in status()}
    wanted = list(known) if everything else list(names) or needed_models(config)
    absent = [name for name in wanted if name not in known or not known[name].present]
    if names or absent:
        # A model that was named is looked at byte by byte, and fetched anew where one differs.
        with download_progress(console) as progress:
            pull(names or absent, progress)
    console.print(f"models are here: {', '.join(wanted)}", markup=False, highlight=False)


def ensure_models(config: Config, console: Console) -> None:
    """Fetch the weights that the settings need, where any is missing; say nothing otherwise."""
    known = {model.name: model for model in status()}
    absent = [name for name in needed_models(config) if not known[name].present]
    if absent:
        with download_progress(console) as progress:
            pull(absent, progress)
