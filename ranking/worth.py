"""What showing an item is worth, as a logarithm, so that other logarithms can be added to it.

An item may be worth less than nothing, which has no logarithm. What speaks for it is therefore
multiplied by its share of all that speaks: log(gain) where nothing is lost, falling all the way as
losses grow.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def log_worth(gain: NDArray[np.floating], loss: NDArray[np.floating]) -> NDArray[np.float64]:
    """Put what speaks for each item together with what speaks against it.

    Args:
        gain: 0 or more, (...).
        loss: 0 or more, (...).
    """
    least = np.maximum(gain, np.finfo(np.float64).tiny, dtype=np.float64)
    worth: NDArray[np.float64] = 2 * np.log(least) - np.log(least + loss)
    return worth
