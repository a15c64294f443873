"""Learn the maps that the package ships: from CLIP's image space into each sentence space.

CLIP's image tower reads: a picture of written words lies near the pictures of what they name. So
the training pairs are phrases drawn as pictures, and nothing but words is needed:

- the phrases come from ``picture_words``, a vocabulary and grammar of this repository;
- the fonts are those given (DejaVu, Bitstream Vera licence; Liberation, SIL OFL 1.1): no font and
  no picture is part of what is learnt;
- the image tower and the sentence encoders are the bundled ones (MIT, and Apache-2.0 or MIT).

Sounds need no learning: the map goes through the names of YAMNet's classes.

    python scripts/train_shipped_alignment.py --fonts /usr/share/fonts/truetype
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from picture_words import phrases
from PIL import Image, ImageDraw, ImageFont

from encoders.alignment import IDENTITY, Alignment, class_bridge, fit_ridge
from encoders.audio import YamnetEncoder
from encoders.base import Encoder, unit
from encoders.image import ClipImageEncoder
from encoders.multilingual import MultilingualEncoder
from encoders.text import BGE_SMALL, MINILM, OnnxTextEncoder

SIDE = 224
MARGIN = 8
SENTENCE_WORDS = 5
"""Phrases of so many words give the mean of the text side: titles are sentences, not nouns."""
STRENGTH = 1.0
"""Of the ridge. Chosen with MINILM among 0.3, 1, 3 on the stamps of tuxpaint-stamps-default."""
SOUND_TEMPLATES = ("the sound of {}", "{}", "a recording of {}")
FONTS = ("DejaVuS*.ttf", "LiberationS*.ttf")


def drawn(phrase: str, fonts: list[Path], chooser: random.Random) -> NDArray[np.uint8]:
    """The phrase as a picture (224, 224, 3), as large as fits, in a random font and colour."""
    ground = tuple(chooser.randrange(256) for _ in range(3))
    ink = (0, 0, 0) if sum(ground) > 3 * 128 else (255, 255, 255)
    image = Image.new("RGB", (SIDE, SIDE), ground)
    canvas = ImageDraw.Draw(image)
    path = chooser.choice(fonts)
    for size in range(56, 12, -2):
        font = ImageFont.truetype(str(path), size)
        lines = _wrapped(phrase, canvas, font)
        widest = max(canvas.textlength(line, font) for line in lines)
        if widest <= SIDE - 2 * MARGIN and len(lines) * size * 1.2 <= SIDE - MARGIN:
            break
    top = (SIDE - len(lines) * size * 1.2) / 2
    for row, line in enumerate(lines):
        left = (SIDE - canvas.textlength(line, font)) / 2
        canvas.text((left, top + row * size * 1.2), line, font=font, fill=ink)
    return np.asarray(image)


def _wrapped(phrase: str, canvas: ImageDraw.ImageDraw, font: ImageFont.FreeTypeFont) -> list[str]:
    lines = [""]
    for word in phrase.split():
        longer = f"{lines[-1]} {word}".strip()
        if canvas.textlength(longer, font) <= SIDE - 2 * MARGIN or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def natives(texts: list[str], fonts: list[Path], cache: Path, seed: int) -> NDArray[np.float32]:
    """Native vectors (P, 512) of the drawn phrases, kept in a file as they come."""
    chooser = random.Random(seed)  # noqa: S311
    encoder = ClipImageEncoder()
    done = np.load(cache) if cache.exists() else np.zeros((0, encoder.width), np.float32)
    for start in range(0, len(texts), 250):
        pictures = [drawn(text, fonts, chooser) for text in texts[start : start + 250]]
        if start >= len(done):
            done = np.concatenate([done, encoder.encode(pictures)])
            np.save(cache, done)
    return done[: len(texts)]


def main() -> None:
    """Learn and write every shipped map."""
    parser = argparse.ArgumentParser(description="Learn the maps that the package ships.")
    parser.add_argument("--fonts", type=Path, required=True, help="folder searched for fonts")
    parser.add_argument("--phrases", type=int, default=2500, help="how many are drawn")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cache", type=Path, default=Path("drawn-phrases.npy"))
    parser.add_argument("--out", type=Path, default=Path("encoders/data"))
    args = parser.parse_args()
    fonts = sorted(path for pattern in FONTS for path in args.fonts.rglob(pattern))
    texts = phrases(args.phrases, args.seed)
    native = natives(texts, fonts, args.cache, args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    encoders: dict[str, Encoder[str]] = {
        model.weights: OnnxTextEncoder(model) for model in (MINILM, BGE_SMALL)
    }
    encoders[MultilingualEncoder.weights] = MultilingualEncoder()
    for name, encoder in encoders.items():
        words = encoder.encode(texts)
        sentences = np.array([len(text.split()) >= SENTENCE_WORDS for text in texts])
        text_map = IDENTITY.centred(words[sentences].mean(axis=0))
        image_map = fit_ridge(native, text_map.apply(words), STRENGTH)
        sound_map = _sound_map(encoder, text_map)
        for tower, alignment in (
            (name, text_map),
            ("clip-vit-b16", image_map),
            ("yamnet", sound_map),
        ):
            alignment.save(args.out / f"{tower}-to-{name}.safetensors")


def _sound_map(encoder: Encoder[str], text_map: Alignment) -> Alignment:
    classes = [name.lower() for name in YamnetEncoder().class_names]
    views = [
        encoder.encode([template.format(heard) for heard in classes])
        for template in SOUND_TEMPLATES
    ]
    names = text_map.apply(unit(np.sum(views, axis=0)))
    return class_bridge(names, YamnetEncoder.width)


if __name__ == "__main__":
    main()
