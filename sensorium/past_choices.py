"""What people of a library chose last, and what was known before it: what weights learn from.

The choices are those that rankers are judged by and never learnt from.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ranking.held_out import hold_out
from ranking.preferences import Preferences
from ranking.sequences import Sequences
from ranking.user_states import UserStates
from sensorium.evaluate import read_logged

if TYPE_CHECKING:
    from ingest.histories import Histories
    from ranking.held_out import HeldOut
    from ranking.user_state import UserState
    from sensorium.evaluate import Show
    from sensorium.library import Library
    from sensorium.shelf import Stock

MOST_QUESTIONS = 1_000
"""Users whose last liking is asked for, at most."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PastChoices:
    """The last likings of some users."""

    histories: Histories
    """Likings of everybody, these among them."""
    held_out: HeldOut
    """The same cut into what comes before and what is asked for."""
    last_us: dict[str, int]
    """When each user asked had the last liking, microseconds since 1970."""

    def walk(self, library: Library, stock: Stock, show: Show) -> Iterator[tuple[UserState, int]]:
        """Give what was known of each person the moment before, and the item then liked.

        Args:
            library: the library.
            stock: its items; what was liked of others is passed over.
            show: told how far it is.
        """
        config, workspace = library.config, library.workspace
        states = UserStates(
            workspace.event_log,
            Preferences(workspace.engine),
            stock.shelf,
            config.events,
            config.user_state,
        )
        cases, number_of = self.held_out.part.cases, stock.shelf.number_of
        for number, case in enumerate(cases):
            user = self.histories.users[case.user]
            item_id = self.histories.item_ids[int(case.targets[0])]
            if item_id in number_of:
                yield states.past(user, self.last_us[user] - 1), number_of[item_id]
            show(number / len(cases), "what people chose")


def past_choices(library: Library, show: Show) -> PastChoices:
    """Read the last likings of the users of a library's log, as many as are asked for.

    Args:
        library: indexed, with events in its log.
        show: told how far it is.
    """
    config = library.config
    histories = read_logged(library.workspace.event_log, config.events, show)
    held_out = hold_out(Sequences(histories=histories), config.ranker.seed, MOST_QUESTIONS)
    ends = ((case.user, histories.offsets[case.user + 1] - 1) for case in held_out.part.cases)
    last_us = {histories.users[user]: int(histories.times_us[end]) for user, end in ends}
    return PastChoices(histories=histories, held_out=held_out, last_us=last_us)
