"""Lines of the log: one a record, without secrets."""

from __future__ import annotations

import logging
import sys

from sensorium.service.logs import LineFormatter, without_secrets

KEY = "sns_0123456789abcdef_" + "s" * 43


def written(message: str, *values: object, fault: bool = False) -> str:
    record = logging.LogRecord("n", logging.INFO, "p", 1, message, values, None)
    if fault:
        record.exc_info = sys.exc_info()
    return LineFormatter("%(levelname)s %(message)s").format(record)


def test_nothing_that_comes_in_begins_a_line() -> None:
    told = written("GET %s", "/a\nERROR forged\r\x1b[2J\u2028x")
    assert told.splitlines() == ["INFO GET /a\\nERROR forged\\r\\x1b[2J\\u2028x"]


def test_tracebacks_are_indented() -> None:
    try:
        raise ValueError("a\nINFO forged")
    except ValueError:
        lines = written("failed", fault=True).splitlines()
    assert lines[0] == "INFO failed"
    assert "    ValueError: a" in lines
    assert all(line.startswith("    ") for line in lines[1:])


def test_secrets_are_left_out() -> None:
    text = f"{KEY} postgresql+psycopg://sam:hunter2@db/x https://h/p?x=1:2@3"
    assert without_secrets(text) == (
        "sns_0123456789abcdef_*** postgresql+psycopg://sam:***@db/x https://h/p?x=1:2@3"
    )
    assert "hunter2" not in written("at %s", "postgresql://sam:hunter2@db")
