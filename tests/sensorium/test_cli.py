"""The command line as a person uses it, on a small library of made media."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from support.cli import Done, rows, sensorium, start
from support.media import picture, write_image, write_sound, write_video


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``media`` of every kind and a workspace ``w`` that indexes it."""
    folder = tmp_path_factory.mktemp("library")
    media = folder / "media"
    for number in range(6):
        write_image(media / "stills" / f"{number}.png", picture(number, (160, 120)))
    copy = media / "stills" / "copy.jpg"
    write_image(copy, picture(3, (160, 120)), quality=98, subsampling=0)
    write_video(media / "walk.mp4", seed=5, seconds=12.0)
    (media / "walk.txt").write_text("A walk by the sea\n\nGulls, wind and an old lighthouse.")
    (media / "walk.json").write_text('{"tags": ["beach"], "lang": "en", "attrs": {"rating": 4}}')
    for hz in (220, 880):
        write_sound(media / f"tone{hz}.wav", float(hz), 3.0)
    (media / "soup.txt").write_text("Lentil soup\n\nLentils, carrots, cumin; simmer for an hour.")
    sensorium("index", media, "-w", folder / "w", "--local", "--quiet", "--json")
    return folder


def found(library: Path, *words: str | Path) -> list[str]:
    return [row["item_id"] for row in rows(search(library, *words))]


def search(library: Path, *words: str | Path) -> Done:
    return sensorium("search", *words, "-w", library / "w", "--json")


def test_words_find_words(library: Path) -> None:
    assert found(library, "recipe for a soup", "--in", "text")[0] == "soup"


def test_a_row_says_all_that_programs_need(library: Path) -> None:
    [row, *_] = rows(search(library, "a lighthouse by the sea", "--in", "text"))
    assert row["item_id"] == "walk"
    assert set(row) == {
        "item_id", "uri", "score", "relevance", "modality_weights", "title", "segment"
    }  # fmt: skip
    assert row["uri"].endswith("media/walk.mp4")
    assert row["title"] == "A walk by the sea"
    assert 0.0 <= row["relevance"] <= 1.0
    assert set(row["modality_weights"]) == {"video", "audio", "text"}
    assert sum(row["modality_weights"].values()) == pytest.approx(1.0, abs=1e-3)


def test_a_picture_finds_itself_and_its_copy(library: Path) -> None:
    ids = found(library, "--image", library / "media" / "stills" / "3.png", "--duplicates")
    assert ids[0] == "stills/3"
    assert "stills/copy" in ids


def test_repeats_are_hidden_unless_asked_for(library: Path) -> None:
    ids = found(library, "--image", library / "media" / "stills" / "3.png")
    assert len({"stills/3", "stills/copy"} & set(ids)) == 1


def test_a_sound_finds_itself(library: Path) -> None:
    assert found(library, "--audio", library / "media" / "tone880.wav")[0] == "tone880"


def test_a_clip_finds_itself_and_its_moments(library: Path) -> None:
    clip = library / "media" / "walk.mp4"
    assert found(library, "--video", clip)[0] == "walk"
    moments = ("--moments", "--in", "video", "--min-relevance", "0")
    [row, *_] = rows(search(library, "--video", clip, *moments))
    assert row["item_id"] == "walk"
    assert 0.0 <= row["segment"]["start_seconds"] < row["segment"]["end_seconds"] <= 12.5


def test_like_leaves_the_item_itself_out(library: Path) -> None:
    ids = found(library, "--like", "stills/2", "--min-relevance", "0")
    assert "stills/2" not in ids
    assert len(ids) >= 5


def test_not_moves_an_answer_down(library: Path) -> None:
    everything = ("--min-relevance", "0", "--in", "text")
    with_soup = found(library, "something to read", *everything)
    without = found(library, "something to read", "--not", "lentil soup", *everything)
    assert without.index("soup") >= with_soup.index("soup")
    assert without[-1] == "soup"


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ('"beach" in tags and lang == "en"', {"walk"}),
        ("attrs.rating >= 4", {"walk"}),
        ("duration_seconds > 2 and duration_seconds < 5", {"tone220", "tone880"}),
        ("has_text and not has_video", {"soup"}),
    ],
)
def test_filters_choose(library: Path, where: str, expected: set[str]) -> None:
    everything = ("--min-relevance", "0", "--duplicates")
    assert set(found(library, "anything", "--filter", where, *everything)) == expected


def test_nonsense_answers_with_nothing(library: Path) -> None:
    assert found(library, "zxqv wplk grbn") == []


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--image", "no-such-file.jpg"), 1, "no-such-file.jpg"),
        (("--filter", "durration < 3", "x"), 1, "did you mean"),
        (("--like", "nobody"), 1, "nobody"),
        (("--in", "smell", "x"), 1, "video, image, audio, text"),
        ((), 1, "nothing to search by"),
        (("--weights", "text=a", "x"), 2, "not a number"),
        (("--no-such-option",), 2, "No such option"),
    ],
)
def test_mistakes_get_one_sentence(
    library: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    done = sensorium("search", *words, "-w", library / "w", code=code)
    assert said in done.stderr
    assert done.stdout == ""


def test_errors_are_objects_for_programs(library: Path) -> None:
    done = sensorium("search", "x", "--filter", "nope < 1", "-w", library / "w", "--json", code=1)
    assert json.loads(done.stderr)["error"]["code"] == "filter"


def test_a_page_of_pictures_is_written(library: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    search(library, "--image", library / "media" / "stills" / "1.png", "--html", page)
    text = page.read_text()
    assert "stills/1" in text
    assert "data:image/jpeg;base64," in text


def test_status_plan_and_a_second_run_agree_that_all_is_done(library: Path) -> None:
    [status] = rows(sensorium("status", "-w", library / "w", "--json"))
    assert status["states"] == {"ready": 11}
    [plan] = rows(sensorium("plan", library / "media", "-w", library / "w", "--json"))
    assert (plan["items"], plan["to_write"], plan["to_decode"]) == (11, 0, {})
    words = ("index", library / "media", "-w", library / "w", "--json")
    [report] = rows(sensorium(*words))
    assert (report["encoded"], report["indexed"], report["unchanged"]) == (0, 0, 11)


def test_rename_and_delete(library: Path, tmp_path: Path) -> None:
    media = tmp_path / "media"
    shutil.copytree(library / "media", media)
    shutil.copytree(library / "w", tmp_path / "w")
    (media / "extra").mkdir()
    (media / "tone220.wav").rename(media / "extra" / "low.wav")
    words = ("index", media, "-w", tmp_path / "w", "--local", "--json")
    [first] = rows(sensorium(*words, "--prefix", "n/"))
    assert first["encoded"] == 0
    (media / "extra" / "low.wav").unlink()
    [second] = rows(sensorium(*words, "--prefix", "n/", "--prune"))
    assert second["pruned"] == 1
    ids = [
        row["item_id"]
        for row in rows(
            sensorium("search", "x", "-w", tmp_path / "w", "--min-relevance", "0", "--json",
                      "-n", "100", "--duplicates")
        )
    ]  # fmt: skip
    assert "n/extra/low" not in ids
    assert "soup" in ids


def test_a_second_source_cannot_take_the_ids_of_the_first(library: Path, tmp_path: Path) -> None:
    write_image(tmp_path / "media" / "walk.png", 77)
    shutil.copytree(library / "w", tmp_path / "w")
    words = ("index", tmp_path / "media", "-w", tmp_path / "w", "--local", "--json")
    [report] = rows(sensorium(*words, code=3))
    assert report["rejected"][0]["where"] == "walk"
    assert "--prefix" in report["rejected"][0]["reason"]
    [report] = rows(sensorium(*words, "--prefix", "more/"))
    assert report["indexed"] == 1


def test_another_model_is_refused_planned_and_built_beside(library: Path, tmp_path: Path) -> None:
    shutil.copytree(library / "w", tmp_path / "w")
    words = (library / "media", "-w", tmp_path / "w", "--set", "decode.sampling.num_frames=4")
    done = sensorium("index", *words, "--local", code=1)
    assert "--reembed" in done.stderr
    [plan] = rows(sensorium("plan", *words, "--json"))
    assert plan["model_changes"]
    assert plan["to_decode"]["video"] == 1
    [report] = rows(sensorium("index", *words, "--local", "--reembed", "--json"))
    assert report["indexed"] == 11
    [status] = rows(sensorium("status", "-w", tmp_path / "w", "--json"))
    assert (status["generation"], status["building"]) == ("g2", "")
    assert rows(
        sensorium("search", "soup", "-w", tmp_path / "w", "--json", *words[3:], "--in", "text")
    )


def test_export_writes_every_item(library: Path, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    sensorium("export", tmp_path / "items.parquet", "-w", library / "w")
    sensorium("export", tmp_path / "items.jsonl", "-w", library / "w")
    table = pq.read_table(tmp_path / "items.parquet")
    lines = [json.loads(line) for line in (tmp_path / "items.jsonl").read_text().splitlines()]
    assert table.column("item_id").to_pylist() == sorted(line["item_id"] for line in lines)
    assert table.schema.field("vector").type.list_size == 384
    assert str(table.schema.field("vector").type.value_type) == "halffloat"
    assert len(lines) == 11
    done = sensorium("export", tmp_path / "items.xls", "-w", library / "w", code=1)
    assert ".parquet" in done.stderr


def test_an_open_workspace_refuses_a_second_writer_but_answers(library: Path) -> None:
    import fcntl

    with (library / "w" / "workspace.lock").open("a+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = sensorium("index", library / "media", "-w", library / "w", code=1)
        assert "is being written by" in done.stderr
        assert found(library, "soup", "--in", "text")


def test_a_missing_workspace_says_how_to_make_one(tmp_path: Path) -> None:
    done = sensorium("search", "x", "-w", tmp_path / "none", code=1)
    assert "sensorium index" in done.stderr


def test_an_interrupted_run_says_how_to_go_on(tmp_path: Path) -> None:
    import signal
    import time

    for number in range(200):
        write_image(tmp_path / "media" / f"{number}.jpg", number)
    driver = start("index", tmp_path / "media", "-w", tmp_path / "w", "--local")
    until = time.monotonic() + 60
    while not list((tmp_path / "w").glob("catalogue.db*")) and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(0.5)  # It is under way then.
    driver.send_signal(signal.SIGINT)
    _, stderr = driver.communicate(timeout=60)
    assert driver.returncode == 130
    assert "run the same command again" in stderr
    assert "Traceback" not in stderr


def test_other_models_cannot_be_asked(library: Path) -> None:
    words = ("search", "x", "-w", library / "w", "--set", "encoders.text_model=bge-small-en")
    done = sensorium(*words, code=1)
    assert "was made with" in done.stderr
    assert "minilm" in done.stderr


def test_options_have_environment_names(library: Path) -> None:
    everything = ("search", "x", "-w", library / "w", "--json", "--min-relevance", "0")
    assert len(rows(sensorium(*everything, SENSORIUM_SEARCH_LIMIT="3"))) == 3


def test_a_lost_store_is_written_again_without_inference(library: Path, tmp_path: Path) -> None:
    shutil.copytree(library / "w", tmp_path / "w")
    shutil.rmtree(tmp_path / "w" / "milvus.db")
    shutil.rmtree(tmp_path / "w" / "mirror")
    words = ("index", library / "media", "-w", tmp_path / "w", "--local", "--json")
    [report] = rows(sensorium(*words))
    assert (report["encoded"], report["indexed"]) == (0, 11)
    found_again = sensorium("search", "soup", "-w", tmp_path / "w", "--in", "text", "--json")
    assert rows(found_again)[0]["item_id"] == "soup"
