"""The page of answers: safe, self-contained, and readable without a picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from sensorium.cards import Card
from sensorium.contact_sheet import Section, write_contact_sheet
from sensorium.previews import peaks_of, thumbnail_of
from support.media import picture, write_image, write_sound
from support.page import HOSTILE, Page, glimpse


def card(segment: tuple[float, float] | None = None, **changes: object) -> Card:
    return Card(item=glimpse(**changes), score=0.5, segment=segment)


def page_of(folder: Path, *cards: Card, title: str = "Answers") -> Page:
    write_contact_sheet(folder / "page.html", "Sheet", [Section(title=title, cards=cards)])
    return Page(folder / "page.html")


@pytest.mark.parametrize("kind", ["video", "image", "audio", "text"])
def test_what_a_user_wrote_stays_text(tmp_path: Path, kind: str) -> None:
    hostile = card(
        item_id=HOSTILE,
        title=HOSTILE,
        kind=kind,
        text=HOSTILE,
        uri=f"{tmp_path}/{HOSTILE}.mp4",
        thumbnail=b"jpeg" if kind != "text" else b"",
    )

    section = Section(
        title=HOSTILE, note=HOSTILE, cards=[hostile], asked_with=(tmp_path / f"{HOSTILE}.jpg",)
    )
    write_contact_sheet(tmp_path / "page.html", HOSTILE, [section, section])
    page = Page(tmp_path / "page.html")

    assert page.open == []
    assert not page.tags("script")
    assert not [name for _, attrs in page.elements for name in attrs if name.startswith("on")]
    assert "".join(page.words).count("alert('x')") >= 5
    assert {image["src"] for image in page.tags("img")} & {"x"} == set()


@pytest.mark.parametrize(
    "uri",
    ["javascript:alert(1)", "data:text/html,x", "s3://bucket/key.mp4", "relative.mp4", ""],
)
def test_no_other_scheme_becomes_a_link(tmp_path: Path, uri: str) -> None:
    page = page_of(tmp_path, card(uri=uri, kind="video"), card(uri=uri), card(uri=uri, kind="text"))

    assert page.values("href", "src", "action", "srcset") == []


def test_nothing_is_requested_from_elsewhere(tmp_path: Path) -> None:
    jpeg = write_image(tmp_path / "still.jpg", picture(1)).read_bytes()
    sound = write_sound(tmp_path / "tone.wav")

    page = page_of(
        tmp_path,
        card(uri="https://example.org/clip.mp4", kind="video", thumbnail=jpeg),
        card(uri="http://example.org/sound.mp3", kind="audio"),
        card(uri=str(sound), kind="audio"),
        card(uri=str(tmp_path / "still.jpg"), thumbnail=jpeg),
    )

    fetched = page.values("src", "poster", "srcset", "data")
    assert len(fetched) == 3
    assert all(
        value.startswith("data:image/jpeg;base64,") or value == "tone.wav" for value in fetched
    )
    assert all(attrs["preload"] == "none" for attrs in page.tags("audio") + page.tags("video"))
    assert not page.tags("link")
    style = (tmp_path / "page.html").read_text().split("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style


def test_files_beside_the_page_are_linked_so_that_the_folder_can_move(tmp_path: Path) -> None:
    inside = tmp_path / "media" / "a b#1?.jpg"
    outside = tmp_path.parent / "über.jpg"

    page = page_of(tmp_path, card(uri=str(inside)), card(uri=str(outside)))

    first, second = (attrs["href"] for attrs in page.tags("a"))
    assert first == "media/a%20b%231%3F.jpg"
    assert second == outside.as_uri()


def test_a_reader_without_pictures_is_told_everything(tmp_path: Path) -> None:
    jpeg = write_image(tmp_path / "still.jpg", picture(1)).read_bytes()

    page = page_of(
        tmp_path,
        card(title="A red boat", thumbnail=jpeg, modality_weights={"image": 0.75, "text": 0.25}),
        card(kind="video", uri=str(tmp_path / "x.mp4"), title="A race", segment=(3.0, 7.5)),
        title="“boats”",
    )

    words = "".join(page.words)
    assert page.tags("html")[0]["lang"] == "en"
    assert "“boats”" in words
    assert "image 75%, text 25%" in words
    assert "3.0 to 7.5 s" in words
    assert all(attrs["alt"] for attrs in page.tags("img"))
    assert page.tags("video")[0]["aria-label"] == "Clip A race"
    assert page.tags("video")[0]["src"].endswith("x.mp4#t=3.00,7.50")


def test_no_answer_is_said_in_words(tmp_path: Path) -> None:
    page = page_of(tmp_path)

    assert "No good match" in "".join(page.words)


def test_long_words_are_shortened(tmp_path: Path) -> None:
    page = page_of(tmp_path, card(kind="text", text="word " * 500))

    assert 20 < "".join(page.words).count("word ") < 60


def test_a_picture_asked_with_is_in_the_page(tmp_path: Path) -> None:
    asked = write_image(tmp_path / "asked.png", picture(2))
    files = (asked, tmp_path / "a.wav", tmp_path / "a.mp4")
    section = Section(title="asked.png", cards=[], asked_with=files)

    write_contact_sheet(tmp_path / "page.html", "Sheet", [section])
    page = Page(tmp_path / "page.html")

    assert page.tags("img")[0]["src"].startswith("data:image/jpeg;base64,")
    assert page.tags("audio")[0]["src"] == "a.wav"
    assert page.tags("video")[0]["src"] == "a.mp4"
    assert thumbnail_of(asked, side=20)[:2] == b"\xff\xd8"
    assert thumbnail_of(tmp_path / "absent.png") == b""


def test_the_shape_of_a_sound_follows_its_loudness(tmp_path: Path) -> None:
    ramp = np.sin(np.arange(48_000) / 5.0) * np.linspace(0.0, 0.5, 48_000)
    soundfile.write(tmp_path / "ramp.wav", ramp, 16_000)
    soundfile.write(tmp_path / "still.wav", np.zeros(16_000), 16_000)

    peaks = peaks_of(str(tmp_path / "ramp.wav"), bars=10)

    assert peaks == tuple(sorted(peaks))
    assert peaks[0] == pytest.approx(0.1, abs=0.01)
    assert peaks[-1] == 1.0
    assert peaks_of((tmp_path / "ramp.wav").as_uri(), bars=10) == peaks
    assert peaks_of(str(tmp_path / "still.wav")) == ()
    assert peaks_of(str(tmp_path / "absent.wav")) == ()
    assert peaks_of("s3://bucket/sound.wav") == ()
