"""Films by one director as related items, for the whole feed of ``benchmarks/stack.py``.

Directors are known of the films that the files of plots tell of; others are related to nothing.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

from benchmarks.content_sets import described
from ingest.relations import Relation
from retrieval.source_relations import RelatedConfig, RelatedSource
from sensorium.relation_store import known_table

SAME = "same director as"


def same_director(ratings: Path, plots: Path, item_ids: Sequence[str]) -> RelatedSource:
    """Give the source of films that share a director.

    Args:
        ratings: links.csv.
        plots: .jsonl files with imdbId and Director.
        item_ids: films of the shelf, in its order.
    """
    told = described(plots, "Director")
    with (ratings / "links.csv").open(encoding="utf-8") as file:
        imdb = {row["movieId"]: row["imdbId"].zfill(7) for row in csv.DictReader(file)}
    films_of = dict[str, list[str]]()
    for item_id in item_ids:
        for director in filter(None, told.get(imdb[item_id], "").split(", ")):
            films_of.setdefault(director, []).append(item_id)
    pairs = [pair for films in films_of.values() for pair in combinations(films, 2)]
    number_of = {item_id: number for number, item_id in enumerate(item_ids)}
    table = known_table([Relation(one, SAME, other) for one, other in pairs], number_of)
    return RelatedSource(table, RelatedConfig(use="known"), number_of)
