"""A small library of real files, indexed: stills of three colours, a clip, a sound and a text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from support.cli import sensorium
from support.media import plain, write_image, write_sound, write_video
from support.shared import made_once

COLOURS = {"red": (215, 25, 30), "green": (30, 165, 45), "blue": (25, 50, 205)}
PER_COLOUR = 5


def shared_colours(factory: pytest.TempPathFactory) -> Path:
    """The workspace of ``index_colours``, made once; whoever opens it takes a copy.

    Opening alone lets SQLite write files beside the database, which another process may be copying.
    """
    return made_once(factory, "colours", index_colours) / "w"


def paint(folder: Path, colour: str, numbers: range) -> None:
    """Write pictures of one colour, each of its own shade and grain."""
    for number in numbers:
        random = np.random.default_rng([number, len(colour)])
        own = np.clip(np.array(COLOURS[colour]) + random.integers(-20, 20, 3), 0, 255)
        grain = random.integers(-12, 12, (64, 96, 3))
        image = np.clip(plain(tuple(own.tolist())) + grain, 0, 255).astype(np.uint8)
        write_image(folder / f"{colour}{number}.png", image)


def index_colours(folder: Path) -> Path:
    """Index them and group them by colour.

    Args:
        folder: where media and workspace are put.

    Returns:
        The workspace, with a view named ``colour``; items are ``red0`` and so on, ``clip``,
        ``tone`` and ``note``.
    """
    media, workspace = folder / "media", folder / "w"
    for colour in COLOURS:
        paint(media, colour, range(PER_COLOUR))
    write_video(media / "clip.mp4", seed=3)
    write_sound(media / "tone.wav")
    (media / "note.txt").write_text("Lentil soup\n\nLentils and cumin; simmer for an hour.")
    sensorium("index", media, "-w", workspace, "--local", "--quiet")
    words = ("--by", "colour", "--words", "red,green,blue", "--ablate", "proxies", "-k", "3")
    sensorium("cluster", *words, "-w", workspace, "--quiet")
    return workspace
