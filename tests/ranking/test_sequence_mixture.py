"""A mixture of chances: between its parts, each part at the ends, finite where nobody knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from ingest.histories import History
from ranking.sequence_mixture import Mixture
from ranking.sequences import Floats
from support.histories import histories_of

HISTORIES = histories_of("abcde", "eb")
NOTHING = History(items=np.zeros(0, np.int64), times_us=np.zeros(0, np.int64), asked_us=0)
USERS = [HISTORIES.history(1), NOTHING]


@dataclass(frozen=True)
class Fixed:
    """The same scores after every history."""

    values: tuple[float, ...]

    def score(self, histories: Sequence[History]) -> Floats:
        return np.tile(np.array(self.values, np.float32), (len(histories), 1))


LOGITS, COUNTS = Fixed((1.0, 0.0, 3.0, -2.0, 9.0)), Fixed((0.0, 2.0, 1.0, 3.0, 0.0))


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_chances_add_up_as_their_shares_say(share: float) -> None:
    found = Mixture(logits=LOGITS, counts=COUNTS, share=share).score(USERS)
    logits = np.exp(np.array([1.0, 3.0, -2.0]))
    counts = np.array([0.0, 1.0, 3.0])
    expected = (1 - share) * logits / logits.sum() + share * counts / counts.sum()
    np.testing.assert_allclose(np.exp(found[0, [0, 2, 3]]), expected, rtol=1e-5, atol=1e-12)
    assert (found[0, [1, 4]] < -60).all()
    assert np.isfinite(found).all()


def test_where_the_second_says_nothing_the_first_decides() -> None:
    silent = Mixture(logits=LOGITS, counts=Fixed((0.0,) * 5), share=0.5).score(USERS)
    assert np.argsort(-silent[1]).tolist() == [4, 2, 0, 1, 3]
    assert Mixture(logits=LOGITS, counts=COUNTS).score([]).shape == (0, 5)
