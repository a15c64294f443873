"""Seeds of planted worlds that are learnt from.

One world tells right from wrong, so a default run learns in one; the others, run with ``-m slow``,
show that it was not luck.
"""

from __future__ import annotations

import pytest

SEEDS = [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))]
