"""Reads pages that were written and checks that they are well formed; makes items to show there."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

from sensorium.reports import Glimpse

HOSTILE = "\"><script>alert('x')</script><img src=x onerror=alert(1)>&amp;"
VOID = {"meta", "img", "link", "br", "hr", "input", "source"}


class Page(HTMLParser):
    """Every element of a page, with a check that they nest."""

    def __init__(self, path: Path) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"an attribute twice in <{tag}>: {names}"
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def values(self, *names: str) -> list[str]:
        return [attrs[name] for _, attrs in self.elements for name in names if name in attrs]

    def tags(self, tag: str) -> list[dict[str, str]]:
        return [attrs for name, attrs in self.elements if name == tag]


def glimpse(**changes: object) -> Glimpse:
    """What is shown of an item: a still without a picture unless said otherwise."""
    plain: dict[str, object] = {
        "item_id": "a/b",
        "title": "",
        "kind": "image",
        "uri": "",
        "text": "",
        "modality_weights": {"image": 1.0},
        "thumbnail": b"",
    }
    return Glimpse(**{**plain, **changes})  # type: ignore[arg-type]
