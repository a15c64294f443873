"""What the commands about API keys print."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.markup import escape

from sensorium.display import plain_table, print_json
from sensorium.service.keys import ApiKey


def show_made(key: ApiKey, secret: str, consoles: tuple[Console, Console], as_json: bool) -> None:
    """Print a new key: itself on stdout, so that it can be piped on, and words about it on stderr.

    Args:
        key: what is known of it.
        secret: the key itself.
        consoles: stdout and stderr.
        as_json: one object instead of words.
    """
    stdout, stderr = consoles
    if as_json:
        print_json(stdout, {**_row(key), "key": secret})
        return
    whom = f" for user {key.user_id}" if key.user_id else ""
    words = f"key {key.key_id} with the scope {key.scope.name.lower()}{whom}; it is not shown again"
    stderr.print(escape(words), highlight=False)
    stdout.print(secret, markup=False, highlight=False, soft_wrap=True)


def show_keys(keys: Sequence[ApiKey], console: Console, as_json: bool) -> None:
    """Print what is known of keys."""
    if as_json:
        for key in keys:
            print_json(console, _row(key))
        return
    if not keys:
        console.print("no keys yet: make one with sensorium keys create")
        return
    table = plain_table("key", "scope", "user", "name", "created", "last used", "state")
    for key in keys:
        row = (key.key_id, key.scope.name.lower(), key.user_id or "all", key.name)
        times = (_short(key.created_at), _short(key.used_at), _state(key))
        table.add_row(*map(escape, (*row, *times)))
    console.print(table)


def _state(key: ApiKey) -> str:
    if key.revoked_at is not None:
        return f"revoked {_short(key.revoked_at)}"
    if not key.holds(datetime.now(UTC)):
        return f"expired {_short(key.expires_at)}"
    return "holds" if key.expires_at is None else f"holds until {_short(key.expires_at)}"


def _short(moment: datetime | None) -> str:
    return "never" if moment is None else f"{moment:%Y-%m-%d %H:%M}"


def _row(key: ApiKey) -> dict[str, Any]:
    times = {
        name: moment and moment.isoformat()
        for name, moment in (
            ("created_at", key.created_at),
            ("expires_at", key.expires_at),
            ("used_at", key.used_at),
            ("revoked_at", key.revoked_at),
        )
    }
    row = {"key_id": key.key_id, "scope": key.scope.name.lower(), "name": key.name}
    return {**row, "user_id": key.user_id, **times}
