"""Settings: layers, origins, and errors that say what to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest

from sensorium.settings import ConfigError, flatten, load, without_password


@dataclass(frozen=True, kw_only=True)
class Inner:
    width: int = 4
    ratio: float = 0.5
    on: bool = False
    mode: Literal["a", "b"] = "a"
    place: Path | None = None
    names: tuple[str, ...] = ()
    api_token: str = ""

    def __post_init__(self) -> None:
        if self.width < 1:
            raise ValueError(f"expected at least 1: {self.width = }")


@dataclass(frozen=True, kw_only=True)
class Outer:
    inner: Inner = field(default_factory=Inner)
    depth: int = 2


def toml(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "s.toml"
    path.write_text(text)
    return path


def test_later_layers_win_and_are_named(tmp_path: Path) -> None:
    file = toml(tmp_path, 'depth = 3\n[inner]\nwidth = 5\nratio = 2\nmode = "b"\n')
    loaded = load(
        Outer,
        file,
        {"SENSORIUM_INNER__WIDTH": "6", "SENSORIUM_INNER__ON": "yes", "HOME": "/"},
        {"inner.width": 7, "depth": None},
    )
    assert loaded.config == Outer(depth=3, inner=Inner(width=7, ratio=2.0, on=True, mode="b"))
    assert loaded.origins["inner.width"] == "flag"
    assert loaded.origins["inner.on"] == "SENSORIUM_INNER__ON"
    assert loaded.origins["depth"] == str(file)
    assert loaded.origins["inner.place"] == "default"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("depht = 3", r"unknown setting depht .*did you mean depth"),
        ("[inner]\nwidht = 3", r"did you mean inner\.width"),
        ("depth = 'deep'", r"depth = 'deep' .* not a valid int"),
        ("depth = 2.5", r"depth = 2\.5 .* not a valid int"),
        ("depth = true", r"depth = True .* not a valid int"),
        ("[inner]\nmode = 'c'", r"inner\.mode = 'c' .* not one of a, b"),
        ("[inner]\nwidth = 0", r"at least 1: self\.width = 0"),
        ("[inner]\non = 'perhaps'", r"not a valid bool"),
        ("depth = ", r"not valid TOML"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(ConfigError, match=expected):
        load(Outer, toml(tmp_path, text), {}, {})


def test_environment_mistakes_are_named() -> None:
    with pytest.raises(ConfigError, match=r"SENSORIUM_INNER__WIDHT.*did you mean inner\.width"):
        load(Outer, None, {"SENSORIUM_INNER__WIDHT": "3"}, {})


def test_other_variables_of_the_prefix_are_left_alone() -> None:
    assert load(Outer, None, {"SENSORIUM_CACHE": "/x"}, {}).config == Outer()


def test_texts_become_paths_tuples_and_nothing() -> None:
    flags = {"inner.place": "/a/b", "inner.names": "x,y"}
    config = load(Outer, None, {}, flags).config
    assert (config.inner.place, config.inner.names) == (Path("/a/b"), ("x", "y"))
    assert load(Outer, None, {"SENSORIUM_INNER__PLACE": ""}, {}).config.inner.place is None


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read"):
        load(Outer, tmp_path / "none.toml", {}, {})


def test_secrets_are_not_printed() -> None:
    shown = dict(flatten(Outer(inner=Inner(api_token="abc"))))
    assert shown["inner.api_token"] == "(set)"
    assert dict(flatten(Outer()))["inner.api_token"] == ""


def test_passwords_within_urls_are_not_printed() -> None:
    given = "postgresql+psycopg://sam:hunter2@db:5432/x"
    assert without_password(given) == "postgresql+psycopg://sam:***@db:5432/x"
    assert without_password("https://root:a@b@h/x?y=1:2@z") == "https://root:***@h/x?y=1:2@z"
    for plain in ("http://h:19530/a@b", "a:b@c", "sqlite:///a:b@c"):
        assert without_password(plain) == plain
    shown = dict(flatten(Outer(inner=Inner(mode="a", names=("x",)))))
    assert shown["inner.names"] == ("x",)


def test_a_file_may_hold_a_value(tmp_path: Path) -> None:
    held = tmp_path / "token"
    held.write_text("abc\n")
    loaded = load(Outer, None, {"SENSORIUM_INNER__API_TOKEN_FILE": str(held)}, {})
    assert loaded.config.inner.api_token == "abc"
    assert loaded.origins["inner.api_token"] == "SENSORIUM_INNER__API_TOKEN_FILE"
    with pytest.raises(ConfigError, match=r"API_TOKEN_FILE: cannot read"):
        load(Outer, None, {"SENSORIUM_INNER__API_TOKEN_FILE": str(tmp_path / "none")}, {})
