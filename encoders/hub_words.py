"""A map between two text towers, fitted from words alone.

Each tower of the hub family speaks a space of its own, and each space has a text tower: the same
words said in both give pairs without any media. The map is made at first use, in about a second;
what it depends on is known before that, and is its fingerprint.
"""

from __future__ import annotations

import hashlib
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from encoders.alignment import Alignment, fit_ridge
from encoders.base import Fingerprint
from encoders.towers import WordEncoder

STRENGTH = 1.0
"""Of the ridge, in pairs."""

_TEMPLATES = ("{}", "a photo of {}", "the sound of {}", "a video about {}")
_THINGS = """
a dog|a cat|a horse|a cow|a sheep|a bird|a duck|a chicken|a fish|a frog|a snake|an insect|a bee|
an elephant|a lion|a bear|a wolf|a monkey|a mouse|a whale|a baby|a child|a woman|a man|a crowd|
a family|a wedding|a birthday party|a football match|a basketball game|a swimmer|a runner|a cyclist|
a skateboarder|a surfer|a skier|a dancer|a singer|a choir|an orchestra|a guitar|a piano|a violin|
drums|a trumpet|a flute|electronic music|rock music|a concert|a speech|a conversation|laughter|
crying|applause|cheering|whispering|shouting|footsteps|a door closing|a bell|a clock|an alarm|
a telephone|a keyboard|a computer|a robot|a television|a camera|a car|a truck|a bus|a motorcycle|
a bicycle|a train|an aeroplane|a helicopter|a rocket|a ship|a sailing boat|a siren|an engine|
traffic|a city street|a skyscraper|a bridge|a church|a castle|a house|a kitchen|a bedroom|an office|
a school|a hospital|a shop|a market|a restaurant|a factory|a farm|a garden|a park|a forest|a tree|
flowers|grass|a mountain|a desert|a beach|the sea|waves|a river|a waterfall|a lake|rain|thunder|
wind|snow|ice|fire|smoke|fireworks|an explosion|a gunshot|the sun|the moon|stars|clouds|a sunset|
night|bread|a cake|a pizza|fruit|vegetables|meat|coffee|tea|wine|cooking|frying|a knife|a hammer|
a saw|a drill|glass breaking|water running|a vacuum cleaner|a washing machine|a book|a newspaper|
a map|a chart|handwriting|a painting|a statue|a toy|a game|a video game|money|a clock tower|a watch|
shoes|a dress|a hat|a suit|make-up|a hair cut|a doctor|a soldier|a police officer|a firefighter|
a politician|a teacher|a scientist|an athlete|science|history|mathematics|politics|business|
medicine|travel|fashion|sport|nature|religion|a joke|an interview|the news|an advertisement|
a lesson|how to repair something|silence|noise|red|blue|green|yellow|black and white|one|many|
something small|something huge|happiness|sadness|anger|fear|surprise|love|war|peace
"""


def vocabulary() -> tuple[str, ...]:
    """The phrases that are said in both spaces."""
    things = [part.strip() for part in "".join(_THINGS.splitlines()).split("|")]
    return tuple(template.format(thing) for template in _TEMPLATES for thing in things)


class WordsAligner:
    """Brings one tower's space into another through words said in both.

    Args:
        native: words into the tower's own space.
        joint: words into the joint space.
        made_by: fingerprints of both text towers.
    """

    def __init__(
        self, native: WordEncoder, joint: WordEncoder, made_by: tuple[Fingerprint, Fingerprint]
    ) -> None:
        self._native = native
        self._joint = joint
        self._made_by = made_by

    @property
    def fingerprint(self) -> str:
        """Sixteen hex digits for both towers, the phrases and the strength."""
        parts = [*(print_.digest for print_ in self._made_by), str(STRENGTH), *vocabulary()]
        return hashlib.blake2b("\n".join(parts).encode(), digest_size=8).hexdigest()

    def apply(self, native: NDArray[np.floating]) -> NDArray[np.float32]:
        """Bring rows (B, D_m) into the joint space as unit rows (B, D)."""
        return self._alignment.apply(native)

    @cached_property
    def _alignment(self) -> Alignment:
        phrases = vocabulary()
        return fit_ridge(self._native(phrases), self._joint(phrases), STRENGTH)
