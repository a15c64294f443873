"""Stages refuse settings that make no sense."""

from __future__ import annotations

import pytest

from support.stages import decode_stage


@pytest.mark.parametrize(
    "changes", [{"batch_size": 0}, {"workers": 0}, {"timeout_seconds": 0.0}, {"num_gpus": -1.0}]
)
def test_a_stage_checks_its_settings(changes: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(changes))):
        decode_stage(**changes)
