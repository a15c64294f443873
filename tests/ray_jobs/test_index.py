"""The index run as a resume: nothing twice, nothing lost, whatever is cut off and when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from encoders.base import Embedding, unit
from encoders.cache import EmbeddingCache
from fusion.mean import MaskedMean
from ingest.catalogue import Catalogue
from ingest.database import open_database
from ingest.decoded import Decoded
from ingest.item import Item, Medium, Modality
from ray_jobs.index import IndexReport, plan, run
from ray_jobs.manifest import Manifest
from ray_jobs.recipe import Recipe, content_hashes
from ray_jobs.stage import Failure, Outcome
from ray_jobs.stages import ContentTask, EncodedContent
from ray_jobs.write import Fusion, ItemWriter, Stores
from support.index import DictIndex

TOWERS = {
    Modality.VIDEO: {"frames": "picture/1", "sound": "sound/1"},
    Modality.IMAGE: {"frames": "picture/1"},
    Modality.AUDIO: {"sound": "sound/1"},
    Modality.TEXT: {"text": "words/1"},
}


class CutOffError(Exception):
    """The run ends here, as if killed."""


@dataclass
class Worker:
    """Encodes any content as a vector drawn from its hash; counts what it was asked for."""

    broken: dict[str, str] = field(default_factory=dict)
    cut_after: int | None = None
    asked: Counter[str] = field(default_factory=Counter)
    sources: dict[str, frozenset[str]] = field(default_factory=dict)

    def __call__(self, tasks: Iterable[tuple[str, ContentTask]]) -> Generator[Outcome, None, None]:
        for number, (key, task) in enumerate(tasks):
            if number == self.cut_after:
                raise CutOffError
            name = key.partition(":")[0]
            self.asked[name] += 1
            self.sources[name] = task.sources
            if name in self.broken:
                failure = Failure(code=self.broken[name], message=f"{name} is broken")
                yield Outcome(key=key, value=failure, stage="decode")
            else:
                yield Outcome(key=key, value=encoded(key, task), stage="encode")


def encoded(key: str, task: ContentTask) -> EncodedContent:
    modality = task.medium.modality if task.medium else Modality.TEXT
    random = np.random.default_rng(list(key.encode()))
    parts = tuple(
        Embedding(
            modality=Modality.AUDIO if source == "sound" else modality,
            source=source,
            fingerprint=TOWERS_NOW[modality][source],
            vector=unit(random.normal(size=4)),
            segment_vectors=np.zeros((0, 4), np.float32),
            segment_bounds=np.zeros((0, 2)),
        )
        for source in sorted(task.sources)
    )
    decoded = Decoded(content_hash=key, text=task.text, width=8, height=6)
    return EncodedContent(decoded=decoded, embeddings=parts)


TOWERS_NOW = dict(TOWERS)


@pytest.fixture(autouse=True)
def _towers() -> None:
    TOWERS_NOW.clear()
    TOWERS_NOW.update(TOWERS)


class World:
    """A workspace in a folder, opened anew for every run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.index = DictIndex()

    def writer(self, generation: str = "g1") -> ItemWriter:
        engine = open_database(f"sqlite:///{self.folder / 'catalogue.db'}")
        stores = Stores(
            catalogue=Catalogue(engine),
            cache=EmbeddingCache(engine),
            manifest=Manifest(engine, "decode/1"),
            index=self.index,
            generation=generation,
        )
        fusion = Fusion(fuser=MaskedMean(), align=_same, native_field={"frames": "image_native"})
        return ItemWriter(stores, Recipe(sources=dict(TOWERS_NOW), space="space/1"), fusion)

    def put(self, items: list[Item]) -> None:
        catalogue = self.writer().stores.catalogue
        with catalogue.engine.begin() as connection:
            named = {item.item_id: (item, content_hashes(item)) for item in items}
            assert catalogue.put(connection, named, "here", 1) == {}


def _same(_part: Embedding, rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return rows


def item(name: str, *contents: str, modality: Modality = Modality.IMAGE, **words: str) -> Item:
    media = tuple(
        Medium(uri=f"/{name}/{value}", modality=modality, content_hash=value, size_bytes=1)
        for value in contents
    )
    return Item(item_id=name, media=media, **words)  # type: ignore[arg-type]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def run_of(world: World, items: list[Item], worker: Worker, generation: str = "g1") -> IndexReport:
    world.put(items)
    return run(world.writer(generation), items, worker)


def test_every_item_is_indexed_once_and_a_second_run_does_nothing(world: World) -> None:
    items = [item(f"i{n:03d}", f"h{n}", title=f"number {n}") for n in range(600)]
    first = run_of(world, items, worker := Worker())
    assert (first.items, first.encoded, first.indexed) == (600, 1200, 600)
    assert world.index.items == {i.item_id for i in items}
    assert max(worker.asked.values()) == 1
    second = run_of(world, items, again := Worker())
    assert (second.encoded, second.indexed, second.unchanged) == (0, 0, 600)
    assert not again.asked


def test_the_same_bytes_are_encoded_once(world: World) -> None:
    items = [item("a", "same"), item("b", "same"), item("c", "same")]
    run_of(world, items, worker := Worker())
    assert worker.asked == {"same": 1}
    assert world.index.items == {"a", "b", "c"}


def test_a_renamed_file_costs_no_inference(world: World) -> None:
    run_of(world, [item("old", "h")], Worker())
    report = run_of(world, [item("new", "h")], worker := Worker())
    assert not worker.asked
    assert report.indexed == 1
    np.testing.assert_array_equal(
        world.index.records["old"].vectors["joint"], world.index.records["new"].vectors["joint"]
    )


def test_changed_words_encode_the_words_alone(world: World) -> None:
    run_of(world, [item("a", "h", title="before")], Worker())
    run_of(world, [item("a", "h", title="after")], worker := Worker())
    assert [sorted(sources) for sources in worker.sources.values()] == [["text"]]


def test_changed_tags_write_scalars_without_pictures(world: World) -> None:
    run_of(world, [item("a", "h")], Worker())
    changed = Item(item_id="a", media=item("a", "h").media, creator_id="someone")
    report = run_of(world, [changed], worker := Worker())
    assert not worker.asked
    assert report.indexed == 1
    assert world.index.records["a"].scalars["creator_id"] == "someone"


def test_a_new_sound_model_costs_no_picture(world: World) -> None:
    clip = item("clip", "h", modality=Modality.VIDEO)
    run_of(world, [clip], Worker())
    TOWERS_NOW[Modality.VIDEO] = {"frames": "picture/1", "sound": "sound/2"}
    run_of(world, [clip], worker := Worker(), generation="g2")
    assert worker.sources == {"h": frozenset({"sound"})}


def test_a_broken_file_is_set_aside_with_its_code(world: World) -> None:
    items = [item("good", "g"), item("bad", "b"), item("half", "b", "g2")]
    report = run_of(world, items, Worker(broken={"b": "truncated"}))
    assert report.failed == {"truncated": 1}
    assert world.index.items == {"good", "half"}
    marks = world.writer().stores.manifest.indexed("g1", ["good", "bad", "half"])
    states = {name: mark.state for name, mark in marks.items()}
    assert states == {"good": "ready", "bad": "quarantined", "half": "partial"}
    run_of(world, items, worker := Worker())
    assert not worker.asked


def test_a_misnamed_copy_does_not_take_the_good_file_along(world: World) -> None:
    still = item("still", "same")
    named_as_video = item("wrong", "same", modality=Modality.VIDEO)

    def encode(tasks: Iterable[tuple[str, ContentTask]]) -> Generator[Outcome, None, None]:
        for key, task in tasks:
            if task.medium is not None and task.medium.modality is Modality.VIDEO:
                failure = Failure(code="mismatch", message="the bytes are a still")
                yield Outcome(key=key, value=failure, stage="decode")
            else:
                yield Outcome(key=key, value=encoded(key, task), stage="encode")

    for items in ([still, named_as_video], [named_as_video, still]):
        world.put(items)
        run(world.writer(), items, encode)
        assert world.index.items == {"still"}


def test_released_contents_are_tried_again_and_complete_their_items(world: World) -> None:
    items = [item("bad", "b"), item("half", "b", "g")]
    run_of(world, items, Worker(broken={"b": "timeout"}))
    assert world.writer().stores.manifest.release("crash") == []
    assert world.writer().stores.manifest.release("timeout") == ["b:image"]
    run_of(world, items, worker := Worker())
    assert worker.asked == {"b": 1}
    marks = world.writer().stores.manifest.indexed("g1", ["bad", "half"])
    assert {mark.state for mark in marks.values()} == {"ready"}
    assert world.index.items == {"bad", "half"}


def test_attempts_are_counted(world: World) -> None:
    items = [item("bad", "b")]
    for attempt in (1, 2, 3):
        run_of(world, items, Worker(broken={"b": "corrupt"}))
        [entry] = world.writer().stores.manifest.quarantined().values()
        assert (entry.code, entry.uri, entry.attempts) == ("corrupt", "/bad/b", attempt)
        assert world.writer().stores.manifest.release() == ["b:image"]


@pytest.mark.parametrize("cut_after", [0, 1, 63, 64, 65, 150, 299])
def test_a_run_cut_off_anywhere_goes_on_without_loss(world: World, cut_after: int) -> None:
    items = [item(f"i{n:03d}", f"h{n}") for n in range(300)]
    world.put(items)
    worker = Worker(cut_after=cut_after)
    with pytest.raises(CutOffError):
        run(world.writer(), items, worker)
    report = run_of(world, items, again := Worker())
    assert world.index.items == {i.item_id for i in items}
    assert not worker.asked.keys() & again.asked.keys()
    assert report.unchanged + report.indexed == 300


def test_the_index_is_written_before_the_mark(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = [item("a", "h")]

    def refuse(_records: object) -> None:
        raise CutOffError

    world.put(items)
    writer = world.writer()
    with monkeypatch.context() as patch:
        patch.setattr(world.index, "upsert", refuse)
        with pytest.raises(CutOffError):
            run(writer, items, Worker())
    run_of(world, items, again := Worker())
    assert not again.asked
    assert world.index.items == {"a"}


def test_a_plan_counts_what_a_run_then_does(world: World) -> None:
    items = [
        item("clip", "v", modality=Modality.VIDEO, title="a clip"),
        item("a", "h"),
        item("b", "h"),
    ]
    world.put(items)
    expected = plan(world.writer(), items)
    assert expected.to_decode == {"video": 1, "image": 1, "text": 1}
    assert expected.to_encode == {"frames": 2, "sound": 1, "text": 1}
    assert expected.to_write == 3
    report = run_of(world, items, worker := Worker())
    assert sum(expected.to_decode.values()) == sum(worker.asked.values()) == report.encoded
    after = plan(world.writer(), items)
    assert (after.to_write, after.to_decode, after.to_encode) == (0, {}, {})


def test_removed_items_leave_index_and_catalogue_but_not_the_cache(world: World) -> None:
    items = [item("a", "h"), item("b", "h2")]
    run_of(world, items, Worker())
    assert world.writer().remove(["a"]) == 1
    assert world.index.items == {"b"}
    assert world.writer().stores.catalogue.ids() == ["b"]
    run_of(world, items, worker := Worker())
    assert not worker.asked
    assert world.index.items == {"a", "b"}
