"""Sets of pictures that have two true partitions each."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from planted_pictures import planted_pictures

Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Truth:
    """One aspect of a set with its true partition."""

    name: str
    aspect: str
    names: list[str]
    labels: Labels


@dataclass(frozen=True)
class PictureSet:
    """Pictures with two true partitions."""

    name: str
    pictures: Callable[[], Iterator[NDArray[np.uint8]]]
    truths: list[Truth]
    groups: list[str] | None = None
    """Pictures of one group are never in training and test at once; None for none."""


def truth(name: str, aspect: str, values: Sequence[str]) -> Truth:
    """A true partition from one label per picture."""
    names, labels = np.unique(values, return_inverse=True)
    return Truth(name, aspect, names.tolist(), labels.astype(np.int64))


def opened(files: Sequence[Path]) -> Callable[[], Iterator[NDArray[np.uint8]]]:
    """Pictures of files, one at a time."""

    def pictures() -> Iterator[NDArray[np.uint8]]:
        for file in files:
            with Image.open(file) as picture:
                yield np.asarray(picture.convert("RGBA").convert("RGB"))

    return pictures


def flower(folder: Path) -> PictureSet:
    """533 photographs of flowers."""
    with (folder / "flower" / "labels.csv").open() as file:
        rows = list(csv.DictReader(file))
    files = [folder / "flower" / "img" / row["file"] for row in rows]
    species = truth("species", "flower", [row["species"] for row in rows])
    return PictureSet(
        "flower", opened(files), [species, truth("colour", "colour", [r["color"] for r in rows])]
    )


def cards(folder: Path) -> PictureSet:
    """2,496 playing cards of 48 decks."""
    ranks = dict(zip(map(str, range(1, 14)), RANKS, strict=True))
    with (folder / "cards_labels.csv").open() as file:
        rows = list(csv.DictReader(file))
    files = [folder / "cards" / row["file"] for row in rows]
    suits = truth("suits", "suit", [row["suit"] for row in rows])
    rank = truth("rank", "rank", [ranks[row["rank"]] for row in rows])
    return PictureSet("cards", opened(files), [suits, rank], [row["deck"] for row in rows])


def cifar(folder: Path) -> PictureSet:
    """10,000 small pictures of ten classes, which decide type and environment."""
    files = sorted(folder.glob("test/*/*"))
    kinds = [file.parent.name for file in files]
    where = {"airplane": "air", "bird": "air", "ship": "water"}
    return PictureSet(
        "cifar10-test",
        opened(files),
        [
            truth(
                "type", "type of thing", ["animal" if k in ANIMALS else "vehicle" for k in kinds]
            ),
            truth("environment", "environment", [where.get(kind, "land") for kind in kinds]),
        ],
    )


def planted(_: Path) -> PictureSet:
    """720 drawn shapes."""
    pictures, shapes, colours = planted_pictures(720, seed=1)
    return PictureSet(
        "planted",
        lambda: iter(pictures),
        [truth("shape", "shape", shapes), truth("colour", "colour", colours)],
    )


RANKS = [
    "ace", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "jack", "queen",
    "king",
]  # fmt: skip
ANIMALS = frozenset(("bird", "cat", "deer", "dog", "frog", "horse"))
