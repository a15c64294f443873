"""The page in a browser, over a small library: what a person sees, does and gets."""

from __future__ import annotations

import json
import shutil
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Route, expect

from support.browser import Seen, chromium, served
from support.colours import shared_colours
from support.gestures import DROP, GALLERY, PASTE

EVIL = "<img src=x onerror=window.ran=1>"
WORDS = ("title", "text", "tags", "name", "words", "interest", "detail", "hint", "aspect")
"""Fields of answers that may hold what strangers wrote."""
MOST_TILES = 200
MANY = 100_000
SLOWEST_MS = 500
SCREENS = ("library", "search?text=green", "feed/carla", "albums", "albums/colour", "item/clip")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser; its absence skips before anything is indexed."""
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def address(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The service over a library that the tests of this module share, and change."""
    folder = tmp_path_factory.mktemp("page") / "w"
    with served(Path(shutil.copytree(shared_colours(tmp_path_factory), folder))) as where:
        yield where


@pytest.fixture
def seen(browser: Browser, address: str) -> Iterator[Seen]:
    """A new visitor."""
    visitor = Seen(browser, address)
    yield visitor
    visitor.close()


def get(seen: Seen, path: str) -> Any:
    with urllib.request.urlopen(f"{seen.address}{path}", timeout=30) as answer:
        return json.load(answer)


def found(seen: Seen, asked: dict[str, Any]) -> list[str]:
    request = urllib.request.Request(
        f"{seen.address}/v1/search",
        json.dumps({"n": 200, **asked}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return [item["item_id"] for item in json.load(answer)["items"]]


def cluster(seen: Seen, name: str) -> dict[str, Any]:
    clusters = get(seen, "/v1/views/colour")["clusters"]
    one: dict[str, Any] = next(one for one in clusters if one["name"] == name)
    return one


def members(seen: Seen, name: str) -> set[str]:
    path = f"/v1/views/colour/clusters/{cluster(seen, name)['cluster_id']}/items?n=100"
    return {item["item_id"] for item in get(seen, path)["items"]}


def test_words_find_and_the_keyboard_leads_on(seen: Seen) -> None:
    page = seen.go()
    page.keyboard.press("/")
    page.keyboard.type("something green", delay=5)
    page.wait_for_url("**/#/search?text=something+green")
    expect(page.locator(".result-line")).to_contain_text("result")
    assert seen.tiles() == found(seen, {"text": "something green"})
    first, second = seen.tiles()[:2]

    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".tile:focus-within")).to_have_attribute("data-id", second)
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("w")
    window = page.get_by_role("dialog")
    expect(window).to_contain_text("relevance")
    page.keyboard.press("Escape")
    expect(window).to_have_count(0)

    page.keyboard.press("s")
    page.wait_for_url(f"**/#/similar/{first}")
    expect(page.locator(f'.tile[data-id="{first}"]')).to_have_count(0)
    assert len(seen.tiles()) > 1
    page.keyboard.press("Escape")
    page.wait_for_url("**/#/search?text=something+green")
    expect(page.locator(".tile:focus-within")).to_have_attribute("data-id", first)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/#/item/{first}")


@pytest.mark.parametrize("how", ["drop", "paste"])
def test_a_picture_finds_its_like(seen: Seen, how: str) -> None:
    page = seen.go()
    picture = "/v1/items/red0/media/0"
    if how == "drop":
        page.evaluate(DROP, [picture, "search", "mine.png"])
    else:
        page.evaluate(PASTE, picture)
    page.wait_for_url("**/#/search?drop=*")
    expect(page.locator(".asked-part")).to_contain_text("mine.png" if how == "drop" else "pasted")
    assert seen.tiles()[0] == "red0"

    page.reload()
    expect(page.get_by_text("The dropped file is gone")).to_be_visible()


def test_likes_and_skips_change_the_next_page(seen: Seen) -> None:
    page = seen.go("feed/anna")
    shown = seen.tiles()
    assert page.locator(".reason").count() == len(shown)
    liked = next(one for one in shown if one.startswith("green"))
    skipped = next(one for one in shown if one.startswith("blue"))

    page.locator(f'[data-id="{liked}"]').hover()
    page.locator(f'[data-id="{liked}"] [data-act="like"]').click()
    expect(page.locator(f'[data-id="{liked}"] [data-act="like"]')).to_have_attribute(
        "aria-pressed", "true"
    )
    page.locator(f'[data-id="{skipped}"] .tile-link').focus()
    page.keyboard.press("x")
    expect(page.locator(f'[data-id="{skipped}"]')).to_have_count(0)
    expect(page.locator(".feed-foot")).to_contain_text("1 like and 1 skip")
    events = get(seen, "/v1/users/anna/events")["events"]
    done = {(one["event_type"], one["item_id"]) for one in events}
    assert {("like", liked), ("skip", skipped)} <= done
    impression = next(one for one in events if one["event_type"] == "impression")
    assert set(shown) <= set(impression["impressions"])

    page.get_by_role("button", name="Next page").click()
    expect(page.locator(".feed-foot")).to_contain_text("Like or skip something")
    after = seen.tiles()
    assert after != shown
    assert not {liked, skipped} & set(after)
    expect(page.locator(".reason", has_text=liked).first).to_be_visible()
    page.locator(".reason", has_text=liked).first.hover()
    page.locator('.tile:hover [data-act="why"]').click()
    expect(page.get_by_role("dialog")).to_contain_text("What its score is the sum of")


def test_who_has_no_name_gets_one_that_stays(seen: Seen) -> None:
    page = seen.go("feed")
    expect(page.get_by_role("heading", name="For you")).to_be_visible()
    visitor = page.evaluate("localStorage.getItem('sensorium.visitor')")
    assert visitor.startswith("visitor-")
    first = seen.tiles()[0]
    page.locator(f'[data-id="{first}"] .tile-link').focus()
    page.keyboard.press("l")
    expect(page.locator(f'[data-id="{first}"] [aria-pressed="true"]')).to_have_count(1)
    page.reload()
    seen.settle()
    assert page.evaluate("localStorage.getItem('sensorium.visitor')") == visitor
    assert ("like", first) in {
        (event["event_type"], event["item_id"])
        for event in get(seen, f"/v1/users/{visitor}/events")["events"]
    }


def test_an_item_shows_its_moments_and_what_it_is_made_of(seen: Seen) -> None:
    page = seen.go("item/clip")
    shares = get(seen, "/v1/items/clip")["modality_weights"]
    assert page.locator(".bars li").count() == len([one for one in shares.values() if one > 0])
    moments = page.get_by_role("group", name="Moments").get_by_role("button")
    assert moments.count() == len(get(seen, "/v1/items/clip")["segments"])
    moments.first.click()
    expect(page.locator("video")).to_have_attribute("src", "/v1/items/clip/media/0")
    seen.go("item/tone")
    expect(page.locator(".waveform rect").first).to_be_attached()
    seen.go("item/note")
    expect(page.locator(".reading")).to_contain_text("Lentils and cumin")


def test_clips_follow_the_pointer_and_sounds_play_in_their_tiles(seen: Seen) -> None:
    page = seen.go()
    clip = page.locator('[data-id="clip"] .picture')
    box = clip.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 8, box["y"] + 100)
    expect(clip.locator("video.scrub")).to_be_attached()
    page.mouse.move(box["x"] + 0.75 * box["width"], box["y"] + 100)
    expect(clip.locator(".scrub-time")).to_have_text("0:01")
    assert clip.locator("video").evaluate("clip => clip.currentTime") == pytest.approx(1.5, abs=0.2)
    page.mouse.move(0, 0)
    expect(clip.locator("video.scrub")).to_have_count(0)

    seen.go("library?kind=audio")
    page.get_by_role("button", name="Play tone").click()
    expect(page.get_by_role("button", name="Pause tone")).to_be_visible()
    page.get_by_role("button", name="Pause tone").click()
    expect(page.get_by_role("button", name="Play tone")).to_be_visible()


def test_albums_are_renamed_mended_and_merged(seen: Seen) -> None:
    page = seen.go("albums/colour")
    moved = sorted(members(seen, "blue"))[0]
    page.get_by_role("button", name="Rename red").click()
    page.get_by_role("dialog").get_by_label("Name").fill("crimson")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="crimson")).to_be_visible()

    tile = page.locator(f'.shelf [data-id="{moved}"]')
    tile.drag_to(page.get_by_role("region", name="crimson").locator(".shelf-head"))
    crimson = page.get_by_role("region", name="crimson")
    expect(crimson.locator(f'[data-id="{moved}"] .pin')).to_be_visible()
    assert moved in members(seen, "crimson")

    tile = page.locator(f'.shelf [data-id="{moved}"]')
    tile.hover()
    tile.locator('[data-act="move"]').click()
    page.get_by_role("dialog").get_by_role("button", name="green", exact=True).click()
    green = page.get_by_role("region", name="green")
    expect(green.locator(f'[data-id="{moved}"] .pin')).to_be_visible()

    together = members(seen, "green") | members(seen, "blue")
    page.get_by_label("Choose green").check()
    page.get_by_label("Choose blue").check()
    page.get_by_role("button", name="Merge").click()
    page.get_by_role("dialog").get_by_role("combobox").fill("cool")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="cool")).to_be_visible()
    assert members(seen, "cool") == together


def test_an_aspect_becomes_albums_while_one_watches(seen: Seen) -> None:
    page = seen.go("albums")
    page.get_by_label("Group by").fill("brightness")
    page.get_by_text("Use my own words").click()
    page.get_by_label("Names of the groups").fill("dark, bright")
    page.get_by_role("button", name="Group", exact=True).click()
    expect(page.locator(".job .state")).to_be_visible()
    expect(page.get_by_role("progressbar")).to_be_visible()
    page.wait_for_url("**/#/albums/brightness", timeout=60_000)
    expect(page.locator(".shelf")).to_have_count(2)


def test_interests_are_muted_and_boosted(seen: Seen) -> None:
    page = seen.go("interests/bea")
    name = get(seen, "/v1/users/bea/interests?view=colour")["interests"][0]["name"]
    seen.go("interests/bea?view=colour")
    choices = page.get_by_role("group", name=f"How much of {name}")
    choices.get_by_role("button", name="Mute").click()
    expect(choices.get_by_role("button", name="Mute")).to_have_attribute("aria-pressed", "true")
    rows = get(seen, "/v1/users/bea/interests?view=colour")["interests"]
    assert {row["name"]: row["factor"] for row in rows}[name] == 0
    more = choices.get_by_role("button", name="More", exact=True)
    more.click()
    expect(more).to_have_attribute("aria-pressed", "true")
    expect(more).to_be_focused()
    rows = get(seen, "/v1/users/bea/interests?view=colour")["interests"]
    assert {row["name"]: row["factor"] for row in rows}[name] == 2


def test_files_are_added_and_unreadable_ones_tried_again(seen: Seen, tmp_path: Path) -> None:
    page = seen.go("activity")
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture at all")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Add files").click()
    chooser.value.set_files([broken])
    expect(page.locator("#notices")).to_contain_text("1 file received")
    page.evaluate(DROP, ["/v1/items/red0/media/0", "add", "copy.png"])
    expect(page.locator(".quarantine li")).to_have_count(1, timeout=60_000)
    expect(page.locator(".quarantine .code")).to_have_text("mismatch")
    page.get_by_role("button", name="Try all again").click()
    expect(page.locator(".job", has_text="Trying files again")).to_be_visible()
    running = page.locator('.state[data-state="running"], .state[data-state="queued"]')
    expect(running).to_have_count(0, timeout=60_000)
    uploads = [one for one in get(seen, "/v1/items?n=100")["items"] if "uploads" in one["item_id"]]
    assert {one["title"] for one in uploads} >= {"broken", "copy"}


def test_words_of_strangers_stay_words(seen: Seen) -> None:
    def hostile(value: Any, name: str = "") -> Any:
        if isinstance(value, dict):
            return {key: hostile(one, key) for key, one in value.items()}
        if isinstance(value, list):
            return [hostile(one, name) for one in value]
        return EVIL if isinstance(value, str) and name in WORDS else value

    def answer(route: Route) -> None:
        real = route.fetch()
        if "json" in real.headers.get("content-type", ""):
            route.fulfill(response=real, json=hostile(real.json()))
        else:
            route.fulfill(response=real)

    page = seen.page
    page.route("**/v1/**", answer)
    for route in (*SCREENS, "item/note", "similar/red0", "interests/anna", "activity"):
        seen.go(route)
        if route != "activity":
            expect(page.get_by_text(EVIL).first).to_be_attached()
        assert page.locator('img[src="x"]').count() == 0
    assert page.evaluate("window.ran") is None


def test_a_hundred_thousand_items_scroll_with_few_in_the_page(seen: Seen) -> None:
    page = seen.go()
    measured = page.evaluate(GALLERY, MANY)
    assert measured["most"] < MOST_TILES
    assert measured["focused"] == f"Item {MANY - 1}"
    assert measured["jump"] < SLOWEST_MS, measured
    assert measured["filled"] < SLOWEST_MS, measured


def test_going_back_finds_the_place_where_one_was(seen: Seen) -> None:
    page = seen.go("library")
    page.set_viewport_size({"width": 700, "height": 420})
    page.evaluate("scrollTo(0, 500)")
    page.locator("#main .tile-link").nth(4).evaluate("link => link.click()")
    page.locator(".item-side").wait_for()
    page.go_back()
    page.locator("#main .gallery").wait_for()
    assert page.evaluate("scrollY") == 500


def test_themes_help_and_focus(seen: Seen) -> None:
    page = seen.go()
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.get_by_role("button", name="Light or dark").click()
    dark = page.evaluate(ground)
    assert dark != light
    page.reload()
    assert page.evaluate(ground) == dark
    page.locator("#main .screen").wait_for()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    outlined = "getComputedStyle(document.activeElement).outlineStyle"
    assert page.evaluate(outlined) != "none"
    unnamed = page.eval_on_selector_all(
        "button, a, input, select",
        "all => all.filter(one => !one.ariaLabel && !one.textContent.trim() && !one.labels?.length)"
        ".map(one => one.outerHTML)",
    )
    assert unnamed == []


@pytest.mark.parametrize("width", [360, 2400])
def test_nothing_sticks_out_at_any_width(browser: Browser, address: str, width: int) -> None:
    seen = Seen(browser, address, (width, 800))
    for route in (*SCREENS, "interests/carla", "activity"):
        page = seen.go(route)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, route
        assert page.locator("#main img:not([alt])").count() == 0, route
    seen.close()


def test_a_key_is_asked_for_once_and_kept_in_the_tab(seen: Seen) -> None:
    def guard(route: Route) -> None:
        if route.request.headers.get("x-api-key") == "secret":
            route.continue_()
        else:
            body = json.dumps({"code": "unauthenticated", "detail": "send a key", "hint": ""})
            route.fulfill(status=401, content_type="application/problem+json", body=body)

    page = seen.page
    page.route("**/v1/**", guard)
    page.goto(seen.address)
    window = page.get_by_role("dialog")
    window.get_by_label("API key").fill("wrong")
    page.keyboard.press("Enter")
    expect(window).to_contain_text("The last key was not accepted")
    window.get_by_label("API key").fill("secret")
    page.keyboard.press("Enter")
    expect(page.locator("#main .tile img.seen").first).to_be_visible()
    source = page.locator("#main .tile img.seen").first.get_attribute("src")
    assert (source or "").startswith(f"blob:{seen.address}")
    page.reload()
    expect(page.locator("#main .tile img.seen").first).to_be_visible()
    assert page.evaluate("[sessionStorage.length]")[0] == 1
    assert "secret" not in page.evaluate("JSON.stringify(localStorage)")


def test_problems_are_told_with_their_way_out(seen: Seen) -> None:
    page = seen.go("item/nowhere")
    expect(page.get_by_role("alert")).to_contain_text("There is no item 'nowhere'")
    seen.go("search?text=red&filter=widht+%3E+3")
    expect(page.get_by_role("alert")).to_contain_text("Did you mean width?")
    seen.go("elsewhere")
    expect(page.get_by_text("There is no such page")).to_be_visible()
