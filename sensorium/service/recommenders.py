"""Recommenders of one state of a library: one for each view that interests are read from."""

from __future__ import annotations

import threading
from collections import OrderedDict

from sensorium.feed import FeedParts, Recommender

MOST_VIEWS = 8
"""Recommenders at hand; each keeps states of people in memory."""


class Recommenders:
    """Recommenders by view, made when first asked for; several threads may ask at once.

    Args:
        parts: what pages are made of, shared by all of them.
    """

    def __init__(self, parts: FeedParts) -> None:
        self._parts = parts
        self._made: OrderedDict[str, Recommender] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, view: str = "") -> Recommender:
        """Give the recommender with interests of a view, empty for the one made last.

        Raises:
            ViewError: there is no such view.
        """
        with self._lock:
            made = self._made.get(view)
            if made is None:
                made = self._made[view] = self._parts.recommender(view)
            self._made.move_to_end(view)
            while len(self._made) > MOST_VIEWS:
                self._made.popitem(last=False)
            return made

    def forget(self, user_id: str) -> int:
        """Drop somebody's states; give how many were at hand."""
        with self._lock:
            return sum(one.states.forget(user_id) for one in self._made.values())
