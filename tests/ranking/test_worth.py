"""What showing an item is worth follows gains and losses, and bears being added to."""

from __future__ import annotations

import numpy as np

from ranking.worth import log_worth


def test_the_logarithm_of_worth_rises_with_gain_and_falls_with_loss() -> None:
    gain, loss = np.linspace(0.1, 5, 20), np.linspace(0, 50, 20)
    np.testing.assert_allclose(log_worth(gain, np.zeros(20)), np.log(gain))
    assert (np.diff(log_worth(np.ones(20), loss)) < 0).all()
    assert (np.diff(log_worth(gain, np.full(20, 7.0))) > 0).all()
