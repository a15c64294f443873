"""Who writes profiles: a template that needs no model, or a language model.

- A prompt holds the choices told and nothing else of the person, not even an id; its hash is what
  an answer is kept by.
- A model's answer is one paragraph of ``SHORTEST`` to ``LONGEST`` characters. What has another
  length is asked for once more with a word about it, as greedy models repeat themselves otherwise;
  then the template writes. A last sentence that was cut off is left out.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from ranking.language_model import LanguageModel, complete_all
from ranking.profiles import Choice, Telling, Written

SHORTEST, LONGEST = 200, 700
"""Characters of an answer that is taken."""
MOST_TOKENS = 150
"""Where an answer is cut off."""
ABOUT, TITLE = 80, 90
"""Most characters of what is told of one choice."""
THEMES = 5
"""Most themes that a template names."""
NAMED = 6
"""Most titles in a long profile by template."""

_QUESTIONS = {
    "short": (
        "This is what one person chose, oldest first; the last {latest} count most. In one "
        "paragraph of 300 to 500 characters, describe what kinds of things this person is "
        "interested in lately, and mention some of them by name."
    ),
    "long": (
        "This is what one person chose, oldest first. In one paragraph of 300 to 500 characters, "
        "describe what kinds of things this person has liked over the whole time, and mention some "
        "of them by name."
    ),
}
_AGAIN = "Your last answer had {length} characters. Write between 300 and 500."


class TemplateSummariser:
    """Puts themes and titles into sentences: the same choices always give the same text."""

    name = "template 1"

    def write(self, tellings: Sequence[Telling]) -> list[Written]:
        """Write a profile for each telling, in order."""
        return [Written(text=template_text(telling), writer=self.name) for telling in tellings]


class ModelSummariser:
    """Lets a language model write.

    Args:
        model: answers prompts.
        name: which model it is.
        most_tokens: where an answer is cut off.
    """

    def __init__(self, model: LanguageModel, name: str, most_tokens: int = MOST_TOKENS) -> None:
        self._model, self._most_tokens = model, most_tokens
        self._instead = TemplateSummariser()
        self.name = f"{name} {most_tokens}"

    def write(self, tellings: Sequence[Telling]) -> list[Written]:
        """Write a profile for each telling, in order; see ``ranking.profiles.Summariser``."""
        started = time.monotonic()
        prompts = [prompt_of(telling) for telling in tellings]
        tries = [
            [(prompt, answer)] for prompt, answer in zip(prompts, self._ask(prompts), strict=True)
        ]
        again = [asked for asked in tries if not fits(asked[0][1])]
        second = [f"{asked[0][0]}\n{_AGAIN.format(length=len(asked[0][1]))}" for asked in again]
        for asked, prompt, answer in zip(again, second, self._ask(second), strict=True):
            asked.append((prompt, answer))
        seconds = (time.monotonic() - started) / max(len(tellings), 1)
        return [
            self._written(telling, asked, seconds)
            for telling, asked in zip(tellings, tries, strict=True)
        ]

    def _ask(self, prompts: Sequence[str]) -> list[str]:
        answers = complete_all(self._model, prompts, self._most_tokens) if prompts else []
        return [_paragraph(answer) for answer in answers]

    def _written(self, telling: Telling, asked: list[tuple[str, str]], seconds: float) -> Written:
        """The last answer where it is taken, else the template's text; with what was spent."""
        taken = fits(asked[-1][1])
        return Written(
            text=asked[-1][1] if taken else template_text(telling),
            writer=self.name if taken else self._instead.name,
            calls=len(asked),
            refused=sum(not fits(answer) for _, answer in asked),
            characters_read=sum(len(prompt) for prompt, _ in asked),
            characters_written=sum(len(answer) for _, answer in asked),
            seconds=seconds,
        )


def fits(answer: str) -> bool:
    """Whether an answer has a length that is taken."""
    return SHORTEST <= len(answer) <= LONGEST


def prompt_of(telling: Telling) -> str:
    """What a language model is asked; it depends on the telling alone."""
    lines = [_line(choice) for choice in telling.choices]
    question = _QUESTIONS[telling.horizon].format(latest=min(telling.latest, len(lines)))
    return "\n".join((*lines, "", question))


def prompt_hash(writer: str, telling: Telling) -> str:
    """Thirty-two hex digits for an answer: of who writes and what is asked."""
    asked = f"{writer}\0{prompt_of(telling)}"
    return hashlib.blake2b(asked.encode(), digest_size=16).hexdigest()


def template_text(telling: Telling) -> str:
    """Say themes and titles of what is told."""
    return _lately(telling) if telling.horizon == "short" else _lasting(telling)


def _lately(telling: Telling) -> str:
    latest = telling.choices[-telling.latest :]
    before = telling.choices[: -telling.latest]
    parts = [f"Lately this person has been after {_titles(latest[::-1])}."]
    parts += _sentence("These are about {}.", _themes(latest))
    parts += _sentence("Shortly before it was {}.", _titles(before[:-4:-1]))
    return _cut(" ".join(parts), LONGEST)


def _lasting(telling: Telling) -> str:
    choices = telling.choices
    named = choices if len(choices) <= NAMED else choices[:: -(-len(choices) // NAMED)]
    over = _span(choices[0].chosen_at, choices[-1].chosen_at)
    parts = [f"{over}this person's taste has shown in {_titles(named)}."]
    parts += _sentence("What comes back again and again is {}.", _themes(choices))
    return _cut(" ".join(parts), LONGEST)


def _themes(choices: Sequence[Choice]) -> str:
    """The commonest labels, parts of ``about`` between commas, most common first."""
    labels = [label.strip() for choice in choices for label in choice.about.split(",")]
    counts = Counter(label for label in labels if label)
    common = sorted(counts, key=lambda label: (-counts[label], labels.index(label)))
    return _joined([_cut(label, ABOUT) for label in common[:THEMES]])


def _titles(choices: Sequence[Choice]) -> str:
    return _joined(list(dict.fromkeys(_cut(one.title, TITLE) for one in choices if one.title)))


def _sentence(form: str, filled: str) -> list[str]:
    return [form.format(filled)] if filled else []


def _joined(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def _span(first: datetime | None, last: datetime | None) -> str:
    """How the time between is said at the beginning of a sentence."""
    if first is None or last is None:
        return "So far "
    months = 12 * (last.year - first.year) + last.month - first.month
    number, unit = (round(months / 12), "year") if months >= 12 else (months, "month")
    return f"Over {number} {unit}{'s' if number > 1 else ''} " if number else "So far "


def _line(choice: Choice) -> str:
    about = f" ({_cut(choice.about, ABOUT)})" if choice.about else ""
    when = f"{choice.chosen_at:%Y-%m} " if choice.chosen_at else ""
    return f"{when}{_cut(choice.title, TITLE)}{about}"


def _cut(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    return f"{text[: most - 1].rpartition(' ')[0] or text[: most - 1]}…"


def _paragraph(answer: str) -> str:
    """An answer on one line, without a last sentence that was cut off."""
    text = " ".join(answer.split())
    whole = max(text.rfind(mark) for mark in (". ", "! ", "? "))
    return text if text.endswith((".", "!", "?")) or whole < SHORTEST else text[: whole + 1]
