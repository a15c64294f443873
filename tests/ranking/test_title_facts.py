"""What the facts of an item say, and that everything else in a title is found and named."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ingest.item import Item
from ranking.title_facts import Facts, stem_of, tokens

FACTS = Facts(
    item_id="heist",
    title="The Long Robbery (1999)",
    texts=(
        "John Brown, a retired sailor, has two sons. Will Smith robs 1,200 banks with 3 friends, "
        "and Zoë doesn't help them.",
        "The crew's boat leaves at 10:30.",
    ),
    tags=("crime", "at sea"),
)


@pytest.mark.parametrize(
    "title",
    [
        "The Long Robbery (1999): a retired sailor",
        "The Long Robbery: John Brown and his 2 sons",
        "Two sons of a sailor in The Long Robbery",
        "THE LONG ROBBERY: RETIRED SAILOR, TWO SONS",
        "Robbing banks, 1200 banks",
        "Long robberies; a bank is robbed by friends",
        "Zoe doesn\u2019t help",
        "A boat leaves at 10:30, and the crew with it",
        "Crime at sea",
        "",
    ],
)
def test_what_the_facts_say_in_other_forms_is_no_invention(title: str) -> None:
    assert FACTS.invented(title) == ()


@pytest.mark.parametrize(
    ("title", "invented"),
    [
        ("The Long Robbery: a pirate's tale", ("pirate's", "tale")),
        ("The Long Robbery (1998)", ("1998",)),
        ("Mary Brown robs a bank", ("Mary",)),
        ("A sailor and his four sons", ("four", "four sons")),
        ("Zoë does not help", ("not",)),
        ("Banks robbed without friends", ("without",)),
        ("3 sons", ("3 sons",)),
        ("John Smith robs banks", ("John Smith",)),
        ("award-winning, award-winning crime", ("award", "winning")),
    ],
)
def test_what_they_do_not_say_is_named(title: str, invented: tuple[str, ...]) -> None:
    assert FACTS.invented(title) == invented


def test_words_heard_and_tags_are_facts_and_change_the_digest() -> None:
    item = Item(
        item_id="clip", media=(), title="Clip", text="A dog.", tags=("park",),
        created_at=datetime(2025, 1, 1, tzinfo=UTC),
    )  # fmt: skip
    silent, heard = Facts.of(item), Facts.of(item, ["somebody whistles"])
    assert silent.invented("A dog whistles in the park") == ("whistles",)
    assert heard.invented("A dog whistles in the park") == ()
    assert silent.digest == Facts.of(item).digest != heard.digest


def test_an_item_without_words_says_nothing() -> None:
    empty = Facts(item_id="x", title="")
    assert empty.invented("the") == ()
    assert empty.invented("A horse") == ("horse",)


def test_tokens_know_where_they_stand() -> None:
    found = list(tokens("Well-known cast: 10 Men. Out"))
    assert [one.spelt for one in found] == ["Well", "known", "cast", "10", "Men", "Out"]
    assert [one.breaks for one in found] == [True, False, False, True, False, True]
    assert [one.starts for one in found] == [True, False, False, True, False, True]
    assert [one.is_number for one in found] == [False, False, False, True, False, False]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("robs", "robbed"), ("chases", "chasing"), ("Families", "family"), ("tried", "try"),
        ("hippie", "hippies"), ("Café's", "cafe"), ("1,200", "1200"), ("Seven", "7"),
        ("kisses", "kissed"), ("falls", "falling"),
    ],
)  # fmt: skip
def test_inflection_changes_no_stem(one: str, other: str) -> None:
    assert stem_of(one) == stem_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("king", "kin"), ("bed", "b"), ("bus", "bu"), ("1200", "12"), ("lass", "las"), ("red", "r")],
)
def test_other_words_keep_their_own(one: str, other: str) -> None:
    assert stem_of(one) != stem_of(other)
