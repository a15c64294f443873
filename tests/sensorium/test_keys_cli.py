"""``sensorium keys``, and starting a service that needs one."""

from __future__ import annotations

from pathlib import Path

from support.cli import rows, sensorium


def test_a_key_is_made_listed_and_revoked(tmp_path: Path) -> None:
    place = ("-w", tmp_path / "w")
    words = sensorium("keys", "create", "--scope", "write", "--user", "anna", *place)
    given = words.stdout.strip()
    assert given.startswith("sns_")
    assert "not shown again" in words.stderr
    assert "not shown again" not in words.stdout
    (made,) = rows(sensorium("keys", "list", "--json", *place))
    assert (made["scope"], made["user_id"], made["used_at"]) == ("write", "anna", None)
    listed = sensorium("keys", "list", *place).stdout
    assert made["key_id"] in listed
    assert given not in listed
    revoked = sensorium("keys", "revoke", made["key_id"], *place).stdout
    assert "revoked" in revoked


def test_a_new_key_as_json_holds_the_key(tmp_path: Path) -> None:
    (made,) = rows(
        sensorium("keys", "create", "--days", "7", "--name", "ci", "--json", "-w", tmp_path / "w")
    )
    assert made["key"].startswith(f"sns_{made['key_id']}_")
    assert made["expires_at"] > made["created_at"]


def test_a_service_that_others_reach_does_not_start_without_a_key(tmp_path: Path) -> None:
    place = ("-w", tmp_path / "w")
    for words in (("--host", "0.0.0.0"), ("--set", "service.access=keys")):
        refused = sensorium("serve", "--port", "0", *words, *place, code=1)
        assert "sensorium keys create" in refused.stderr
