"""What ranks the items of a library, as its settings say and as far as it has been learnt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ranking.feed_ranker import Blend
from sensorium.ranker_store import open_ranker

if TYPE_CHECKING:
    from ranking.feed_ranker import Ranker
    from sensorium.library import Library
    from sensorium.shelf import Stock


def ranker_of(library: Library, stock: Stock) -> tuple[Ranker, tuple[str, ...]]:
    """Give what ranks the items of a stock, without signals, and what a person should know of it.

    Args:
        library: it must have been indexed.
        stock: its items.
    """
    shelf, generation = stock.shelf, library.workspace.active
    assert generation is not None, "the library has been opened"
    opened = (library.workspace, generation, shelf.item_ids, shelf.vectors)
    if library.config.feed.ranked_by == "long_short":
        from ranking.long_short_ranker import LongShortRanker
        from sensorium.long_short_training import open_long_short

        taste, note = open_long_short(*opened)
        return (LongShortRanker(recommender=taste), ()) if taste else (Blend(shelf=shelf), (note,))
    learnt, note = open_ranker(*opened)
    if learnt is None:
        return Blend(shelf=shelf), (note,)
    from ranking.sequence_ranker import SequenceRanker

    return SequenceRanker(recommender=learnt.weighed(library.config.events)), ()
