"""Fill nested frozen dataclasses from a TOML file, the environment and flags, and say which won.

Later wins: default, file, environment (``SENSORIUM_SECTION__KEY``), flag. An unknown key is an
error that offers the nearest known one; a wrong value is named with its key, origin and type.
``SENSORIUM_SECTION__KEY_FILE`` names a file that holds the value, which is how containers get
secrets. Secrets are printed by no command: neither what is named so, nor passwords within URLs.
"""

from __future__ import annotations

import difflib
import re
import tomllib
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from ingest.errors import SensoriumError

ENV_PREFIX = "SENSORIUM_"
FILE_SUFFIX = "_FILE"
SECRET_WORDS = ("token", "password", "secret")
PASSWORD_IN_URL = re.compile(r"(?<=://)([^/?#]*?):[^/?#]*@")

T = TypeVar("T")


class ConfigError(SensoriumError):
    """A setting is unknown or has a wrong value."""

    code = "config"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded(Generic[T]):
    """A configuration and where each value came from."""

    config: T
    """The filled dataclass."""
    origins: Mapping[str, str]
    """Origin (default, FILE, environment variable or flag) per dotted key."""


def load(
    kind: type[T], file: Path | None, environ: Mapping[str, str], flags: Mapping[str, Any]
) -> Loaded[T]:
    """Fill a configuration.

    Args:
        kind: a frozen dataclass of settings and further such dataclasses.
        file: TOML file, or None.
        environ: the environment.
        flags: values by dotted key; None means not given.

    Raises:
        ConfigError: unknown key, wrong type, refused value or unreadable file.
    """
    known = dict(leaves(kind))
    values: dict[str, Any] = {}
    origins = dict.fromkeys(known, "default")
    layers = [
        (_from_file(file), str(file)),
        *((pair, name) for name, pair in _from_environment(environ, known)),
        ({key: value for key, value in flags.items() if value is not None}, "flag"),
    ]
    for layer, origin in layers:
        for key, value in layer.items():
            if key not in known:
                raise _unknown(key, known, origin)
            values[key] = _convert(key, value, known[key], origin)
            origins[key] = origin
    return Loaded(config=_build(kind, values, ""), origins=origins)


def leaves(kind: type, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Walk the dotted keys of a configuration class with their types."""
    hints = get_type_hints(kind)
    for entry in fields(kind):
        hint, key = hints[entry.name], f"{prefix}{entry.name}"
        if isinstance(hint, type) and is_dataclass(hint):
            yield from leaves(hint, f"{key}.")
        else:
            yield key, hint


def flatten(config: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Walk the dotted keys of a configuration with their values; secrets are redacted."""
    for entry in fields(config):
        value, key = getattr(config, entry.name), f"{prefix}{entry.name}"
        if is_dataclass(value):
            yield from flatten(value, f"{key}.")
        elif value and any(word in entry.name for word in SECRET_WORDS):
            yield key, "(set)"
        elif isinstance(value, str):
            yield key, without_password(value)
        else:
            yield key, value


def without_password(text: str) -> str:
    """Leave the password out of a URL; any other text stays as it is."""
    return PASSWORD_IN_URL.sub(r"\1:***@", text)


def environment_name(key: str) -> str:
    """Name of the environment variable of a dotted key."""
    return ENV_PREFIX + key.replace(".", "__").upper()


def _from_file(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        with file.open("rb") as stream:
            return dict(_dotted(tomllib.load(stream), ""))
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror}", "check --config") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file} is not valid TOML: {error}") from error


def _dotted(table: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _dotted(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _from_environment(
    environ: Mapping[str, str], known: Mapping[str, Any]
) -> Iterator[tuple[str, dict[str, str]]]:
    names = {environment_name(key): key for key in known}
    for name in sorted(environ):
        if name in names:
            yield name, {names[name]: environ[name]}
        elif (key := names.get(name.removesuffix(FILE_SUFFIX))) is not None:
            yield name, {key: _held(name, Path(environ[name]))}
        elif name.startswith(ENV_PREFIX) and "__" in name:
            yield name, {name.removeprefix(ENV_PREFIX).lower().replace("__", "."): environ[name]}


def _held(name: str, file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{name}: cannot read {file}", "name a text file") from error


def _unknown(key: str, known: Mapping[str, Any], origin: str) -> ConfigError:
    close = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]}?" if close else "see sensorium config show"
    return ConfigError(f"unknown setting {key} ({origin})", hint)


def _convert(key: str, value: Any, hint: Any, origin: str) -> Any:
    origin_type = get_origin(hint)
    if origin_type in (Union, types.UnionType):
        if value is None or value == "":
            return None
        return _convert(key, value, _without_none(hint), origin)
    if origin_type is Literal:
        if value in get_args(hint):
            return value
        choices = ", ".join(map(str, get_args(hint)))
        raise ConfigError(f"{key} = {value!r} ({origin}) is not one of {choices}")
    if origin_type is tuple:
        parts = value.split(",") if isinstance(value, str) else value
        return tuple(_convert(key, part, get_args(hint)[0], origin) for part in parts)
    try:
        return _scalar(value, hint)
    except (TypeError, ValueError) as error:
        name = getattr(hint, "__name__", str(hint))
        raise ConfigError(f"{key} = {value!r} ({origin}) is not a valid {name}") from error


def _scalar(value: Any, hint: Any) -> Any:
    if hint is bool:
        words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
        if isinstance(value, bool):
            return value
        return words[value.lower()] if str(value).lower() in words else _refuse()
    if isinstance(value, bool) and hint in (int, float):
        return _refuse()
    if hint is int and isinstance(value, float):
        return _refuse()
    return hint(value)


def _refuse() -> Any:
    raise ValueError


def _without_none(hint: Any) -> Any:
    return next(part for part in get_args(hint) if part is not type(None))


def _build(kind: type[T], values: Mapping[str, Any], prefix: str) -> T:
    hints = get_type_hints(kind)
    given: dict[str, Any] = {}
    for entry in fields(kind):  # type: ignore[arg-type]
        hint, key = hints[entry.name], f"{prefix}{entry.name}"
        if isinstance(hint, type) and is_dataclass(hint):
            given[entry.name] = _build(hint, values, f"{key}.")
        elif key in values:
            given[entry.name] = values[key]
    try:
        return kind(**given)
    except ValueError as error:
        raise ConfigError(f"{prefix or 'configuration'}: {error}") from error
