"""A click changes the next feed, for the reason that it states: from files to pages and back."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ingest.event import Event
from ranking.page import Page, Pick
from ranking.preferences import MUTED, NEUTRAL
from sensorium.feed import FeedRequest, Recommender, open_recommender
from sensorium.library import Library
from sensorium.people import erase
from support.cli import rows, sensorium
from support.colours import COLOURS, shared_colours
from support.library import CONFIG

SIZE = 6


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with stills of three colours, a clip, a sound, a text, and a view by colour."""
    return Path(
        shutil.copytree(shared_colours(tmp_path_factory), tmp_path_factory.mktemp("own") / "w")
    )


@pytest.fixture
def recommender(indexed: Path, tmp_path: Path) -> Recommender:
    """The same for a test that changes it."""
    copied = Path(shutil.copytree(indexed, tmp_path / "w"))
    return open_recommender(Library(copied, CONFIG, create=False))


class Visit:
    """What a person sees and does, a minute between one and the next."""

    def __init__(self, recommender: Recommender, user_id: str = "anna") -> None:
        self.recommender, self.user_id = recommender, user_id
        self.now = datetime.now(UTC)

    def see(self, at: datetime | None = None, **asked: object) -> Page:
        self.now += timedelta(minutes=1)
        request = {"user_id": self.user_id, "limit": SIZE, "asked_at": at or self.now, **asked}
        return self.recommender.page(FeedRequest(**request))  # type: ignore[arg-type]

    def click(self, page: Page, item_id: str) -> None:
        self.now += timedelta(minutes=1)
        ids = [pick.item_id for pick in page.picks]
        event = Event(
            user_id=self.user_id,
            item_id=item_id,
            event_type="click",
            occurred_at=self.now,
            recommendation_id=page.recommendation_id,
            position=ids.index(item_id),
        )
        self.recommender.library.workspace.event_log.append([event])

    def say(self, interest: str, factor: float) -> None:
        interests = self.recommender.stock.shelf.interests
        assert interests is not None
        number = interests.cluster_ids[interests.names.index(interest)]
        self.recommender.states.preferences.set(self.user_id, interests.view, number, factor)


def ids(page: Page) -> list[str]:
    return [pick.item_id for pick in page.picks]


def interests(page: Page) -> list[str]:
    return [pick.reason.interest for pick in page.picks]


def names(pick: Pick, clicked: str) -> bool:
    """Whether a pick's reason is the clicked item, or its interest."""
    named = clicked if pick.reason.history_item else "green"
    return pick.reason.history_item in ("", clicked) and named in pick.reason.text


def a_green_one(page: Page) -> str:
    return next(item_id for item_id in ids(page) if item_id.startswith("green"))


def test_a_click_changes_the_next_feed_for_the_reason_it_states(recommender: Recommender) -> None:
    anna, bob = Visit(recommender), Visit(recommender, "bob")
    cold, others = anna.see(), bob.see()
    assert len(cold.picks) == len(others.picks) == SIZE
    assert set(interests(cold)) == set(COLOURS)
    assert any("anna has liked nothing yet" in note for note in cold.notes)
    assert not any(pick.reason.history_item for pick in cold.picks)

    clicked = a_green_one(cold)
    anna.click(cold, clicked)
    page = anna.see()

    assert ids(page) != ids(cold)
    assert clicked not in ids(page)
    first = page.picks[0]
    assert first.item_id.startswith("green")
    assert names(first, clicked)
    assert first.reason.interest == "green"
    assert "similar" in first.sources
    assert first.score == pytest.approx(sum(first.parts.values()))
    assert interests(page).count("green") > interests(cold).count("green") - 1
    assert ids(bob.see(bob.now)) == ids(others)


def test_what_was_shown_and_recorded_makes_room_for_others(recommender: Recommender) -> None:
    anna = Visit(recommender)
    first = anna.see(record=True)
    second = anna.see()
    assert not set(ids(first)) & set(ids(second))
    [event] = recommender.library.workspace.event_log.tail("anna", 10)
    assert (event.event_type, event.impressions) == ("impression", tuple(ids(first)))
    assert event.recommendation_id == first.recommendation_id
    recommender.record(first)
    assert len(recommender.library.workspace.event_log.tail("anna", 10)) == 1


def test_a_muted_interest_is_gone_until_that_is_taken_back(recommender: Recommender) -> None:
    anna = Visit(recommender)
    cold = anna.see()
    anna.click(cold, a_green_one(cold))
    before = anna.see()

    anna.say("green", MUTED)
    muted = anna.see(anna.now)
    anna.say("green", NEUTRAL)
    after = anna.see(anna.now - timedelta(minutes=1))

    assert "green" in interests(before)
    assert "green" not in interests(muted)
    assert {"red", "blue"} <= set(interests(muted))
    assert [step.removed for step in muted.trace if step.name == "muted"] != [0]
    assert ids(after) == ids(before)


def test_who_is_erased_gets_the_page_of_a_stranger(recommender: Recommender) -> None:
    anna = Visit(recommender)
    cold = anna.see()
    moment = anna.now
    anna.click(cold, a_green_one(cold))
    anna.say("red", MUTED)
    assert ids(anna.see()) != ids(cold)

    receipt = erase(recommender.library.workspace, "anna")

    assert receipt.clean
    again = open_recommender(recommender.library)
    assert ids(Visit(again).see(moment)) == ids(cold)


def test_the_command_line_says_the_same(recommender: Recommender, tmp_path: Path) -> None:
    anna = Visit(recommender)
    cold = anna.see()
    anna.click(cold, a_green_one(cold))
    moment = anna.now + timedelta(minutes=1)
    asked = ("recommend", "anna", "-w", recommender.library.workspace.path, "-n", str(SIZE))
    words = (*asked, "--at", moment.isoformat())

    done = sensorium(*words, "--json", "--explain", "--html", tmp_path / "feed.html")
    table = sensorium(*words, "--explain").stdout
    filtered = rows(sensorium(*words, "--json", "--filter", "has_audio"))

    *picks, steps = rows(done)
    again = Visit(open_recommender(recommender.library)).see(moment)
    assert [row["item_id"] for row in picks] == ids(again)
    assert picks[0]["reason"]["text"] == again.picks[0].reason.text
    assert {step["name"] for step in steps["trace"]} >= {"sources", "seen", "ranking", "choice"}
    assert "no ranker learnt yet" in done.stderr
    assert again.picks[0].reason.text in table
    assert "what scores are made of" in table
    assert again.picks[0].reason.text in (tmp_path / "feed.html").read_text()
    assert {row["item_id"] for row in filtered} <= {"clip", "tone"}


def test_mistakes_get_one_sentence(indexed: Path, tmp_path: Path) -> None:
    asked = ("recommend", "anna", "-w", indexed)
    assert "did you mean colour?" in sensorium(*asked, "--view", "color", code=1).stderr
    assert "is no time" in sensorium(*asked, "--at", "yesterday", code=2).stderr
    assert "did you mean" in sensorium(*asked, "--filter", "widht > 3", code=1).stderr
    assert "there is no workspace" in sensorium("recommend", "anna", "-w", tmp_path, code=1).stderr
    Library(tmp_path / "empty", CONFIG, create=True)
    assert "is empty" in sensorium("recommend", "a", "-w", tmp_path / "empty", code=1).stderr
