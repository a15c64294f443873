"""The files of the page: what is served, how it is kept, and that it asks nobody else."""

from __future__ import annotations

import re

import pytest
from fastapi.testclient import TestClient

from sensorium.service.page import FOLDER, MEDIA_TYPES, assets

OUTSIDE = re.compile(r"""(?:https?:|["'(=]\s*)//[\w.-]+""")
NAMESPACE = "http://www.w3.org/2000/svg"
PARSING = ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "DOMParser", "eval(")
MOST_SCRIPT_LINES = 300
PAIRS = (
    ("ink", "ground"), ("ink", "surface"), ("ink", "sunk"), ("muted", "ground"),
    ("muted", "surface"), ("muted", "sunk"), ("accent", "ground"), ("accent", "surface"),
    ("accent", "tint"), ("on-accent", "accent"), ("danger", "surface"), ("danger", "sunk"),
)  # fmt: skip


def texts(*suffixes: str) -> dict[str, str]:
    return {
        name: asset.content.decode()
        for name, asset in assets().items()
        if name.endswith(suffixes or tuple(MEDIA_TYPES))
    }


def test_the_page_comes_with_a_policy_that_lets_nothing_else_in(client: TestClient) -> None:
    answer = client.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_every_file_that_the_page_names_is_served(client: TestClient) -> None:
    named = set(re.findall(r'(?:href|src)="(/assets/[^"]+)"', client.get("/").text))
    assert {f"/assets/{name}" for name in assets()} - named == {"/assets/index.html"}
    for path in named:
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert answer.headers["content-type"] == MEDIA_TYPES[path[path.rindex(".") :]]


def test_modules_import_what_is_there() -> None:
    for name, text in texts(".js").items():
        for imported in re.findall(r'from "\./([^"]+)"', text):
            assert imported in assets(), f"{name} imports {imported}"


def test_a_browser_that_has_a_file_is_not_sent_it_again(client: TestClient) -> None:
    first = client.get("/assets/style.css")
    assert first.headers["cache-control"] == "no-cache"
    tag = first.headers["etag"]
    again = client.get("/assets/style.css", headers={"If-None-Match": f'"other", {tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    changed = client.get("/assets/style.css", headers={"If-None-Match": '"other"'})
    assert (changed.status_code, changed.content) == (200, first.content)
    assert client.get("/assets/app.js").headers["etag"] != tag


@pytest.mark.parametrize("name", ["nothing.js", "index.html", "..%2f..%2fconfig.py", "%2e%2e"])
def test_other_files_are_not_served(client: TestClient, name: str) -> None:
    answer = client.get(f"/assets/{name}")
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


def test_no_file_asks_another_host() -> None:
    found = {
        name: match.group()
        for name, text in texts().items()
        if (match := OUTSIDE.search(text.replace(NAMESPACE, "")))
    }
    assert found == {}


def test_nothing_parses_words_as_markup() -> None:
    found = {
        (name, word) for name, text in texts(".js").items() for word in PARSING if word in text
    }
    assert found == set()


def test_the_page_has_no_inline_script_or_style() -> None:
    page = texts("index.html")["index.html"]
    assert re.search(r"<style|\sstyle=|\son\w+=", page) is None
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", page))


def test_modules_are_short() -> None:
    long = {
        path.name: lines
        for path in FOLDER.glob("*.js")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > MOST_SCRIPT_LINES
    }
    assert long == {}


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_words_stand_out_from_what_is_behind_them(theme: int) -> None:
    style = texts("style.css")["style.css"]
    tokens = {
        name: shades[theme]
        for name, *shades in re.findall(r"--([\w-]+): light-dark\((#\w+), (#\w+)\)", style)
    }
    low = {pair: contrast(tokens[pair[0]], tokens[pair[1]]) for pair in PAIRS}
    assert {pair: ratio for pair, ratio in low.items() if ratio < 4.5} == {}
    assert contrast(tokens["edge"], tokens["surface"]) >= 3


def contrast(one: str, other: str) -> float:
    """The ratio of WCAG 2."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(shade: str) -> float:
    channels = (int(shade[start : start + 2], 16) / 255 for start in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
