"""Profiles of a library's people as a signal: those in the store, or written afresh."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from ingest.histories import History
from ranking.profile_fit import Describer
from ranking.profile_model import ProfileSignal
from ranking.profile_store import ProfileStore
from sensorium.profile_writing import encoded, encoder_of, summariser_of, words_of
from sensorium.ranker_store import content_space, open_profiles

if TYPE_CHECKING:
    from ranking.signals import Deeds, Floats
    from sensorium.library import Library
    from sensorium.shelf import Stock

PEOPLE = 64
"""People whose profiles are at hand while pages are made for them."""


def open_profile_signal(library: Library, stock: Stock) -> tuple[ProfileSignal | None, str]:
    """Open what was learnt of profiles, over those in the store.

    Returns:
        The signal, or None with what a person should know; the note is empty where all is well.
    """
    generation = library.workspace.active
    assert generation is not None, "the library has been opened"
    model, note = open_profiles(library.workspace, generation, stock.shelf.vectors)
    if model is None:
        return None, note
    store, space = ProfileStore(library.workspace.engine), content_space(generation)

    @lru_cache(maxsize=PEOPLE)
    def at_the_moment(user_id: str, _asked_us: int) -> Floats | None:
        return encoded(store.of(user_id), space)

    def known(deeds: Deeds) -> Floats | None:
        return at_the_moment(deeds.user_id, deeds.asked_us) if deeds.user_id else None

    return ProfileSignal(model=model, known=known), ""


def written_afresh(library: Library, stock: Stock, signal: ProfileSignal) -> ProfileSignal:
    """The same, of profiles that are written of what had happened by the moment of asking.

    Those in the store may tell of what happened later.

    Raises:
        ProfileError: nobody is to write, or nobody can.
    """
    config, ids = library.config, stock.shelf.item_ids
    words = words_of(library.workspace.catalogue.get(set(ids)))
    describe = Describer(
        {number: words[item_id] for number, item_id in enumerate(ids) if item_id in words},
        summariser_of(config),
        encoder_of(library.family),
        config.profiles,
    )

    def known(deeds: Deeds) -> Floats | None:
        liked = np.array([config.events.is_positive(kind) for kind in deeds.types], np.bool_)
        if not liked.any():
            return None
        history = History(
            items=deeds.items[liked], times_us=deeds.times_us[liked], asked_us=deeds.asked_us
        )
        found: Floats = describe([history])[0]
        return found

    return replace(signal, known=known)
