"""A small world in which people click items of the topics that they clicked before."""

from __future__ import annotations

import numpy as np
import torch

from fusion.attentive import AttentiveViews, ItemViews, ViewsConfig
from ingest.histories import Histories, gather_histories
from ranking.click_network import ClickNetwork
from ranking.impressions import Construction, Impressions, constructed
from ranking.long_short import LongShort, LongShortConfig

TOPICS, PER_TOPIC, USERS, CLICKS = 5, 12, 60, 6
CONTENT_WIDTH = 8


def topical_histories(seed: int = 0) -> Histories:
    """Each person clicks six items of one topic; item ``i07`` is of topic ``7 % 5``."""
    random = np.random.default_rng(seed)
    return gather_histories(
        (f"u{user:02}", f"i{TOPICS * item + user % TOPICS:02}", place)
        for user in range(USERS)
        for place, item in enumerate(random.permutation(PER_TOPIC)[:CLICKS].tolist())
    )


def topical_views(histories: Histories) -> ItemViews:
    """A content view with the topic in it, and the topic as a label for every second item."""
    random = np.random.default_rng(1)
    topics = np.array([int(name[1:]) % TOPICS for name in histories.item_ids])
    directions = random.normal(size=(TOPICS, CONTENT_WIDTH))
    content = directions[topics] + 0.3 * random.normal(size=(len(topics), CONTENT_WIDTH))
    labels = np.where(np.arange(len(topics)) % 2, topics + 1, 0)[:, None]
    return ItemViews(contents=(content.astype(np.float32),), labels=labels)


def topical_impressions(histories: Histories) -> tuple[Impressions, Impressions]:
    """Impressions of all clicks but the first and the last of each person, and of the last."""
    left = histories.places_from_end
    first = np.zeros(len(left), bool)
    first[histories.offsets[:-1]] = True
    counts = np.bincount(histories.items[left > 0], minlength=histories.num_items)
    config = Construction(shown=10, window=40)
    fit, last = (
        constructed(histories, np.flatnonzero(chosen), counts, config)
        for chosen in ((left > 0) & ~first, left == 0)
    )
    return fit, last


def small_network(seed: int = 0, width: int = 16) -> ClickNetwork:
    """Attention over the two views, and long beside short."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        views = ViewsConfig(content_widths=(CONTENT_WIDTH,), num_labels=(TOPICS,), width=width)
        persons = LongShortConfig(num_users=USERS, width=width, user_width=width)
        return ClickNetwork(AttentiveViews(views), LongShort(persons), persons.length)
