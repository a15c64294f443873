"""A trial whose outcome is known beforehand; importable, so that workers of a cluster find it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def learns_more_slowly(settings: Mapping[str, Any], epochs: int) -> float:
    """A wide one is worse at first and better in the end."""
    width = float(settings["width"])
    return min(epochs / 10, 1.0) * width - width / 40
