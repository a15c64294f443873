"""Opening the bookkeeping database: what cannot be opened says why, and what to write instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.database import WorkspaceError, compact, open_database, write_back


@pytest.mark.parametrize(
    "url", ["nonsense", "oracle+nothing://host/name", "postgresql+pg8000://host/name"]
)
def test_a_url_that_cannot_be_used_says_what_to_write(url: str) -> None:
    with pytest.raises(WorkspaceError, match=r"store\.database_url.*postgresql\+psycopg://"):
        open_database(url)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://sam:hunter2@127.0.0.1:1",
        "postgresql+psycopg://sam:hunter2@127.0.0.1:1/db",
        "postgresql+psycopg://sam:hunter2@host:port/db",
        "nothing//sam:hunter2@host",
    ],
)
def test_a_password_stands_in_no_error(url: str) -> None:
    with pytest.raises(WorkspaceError) as caught:
        open_database(url)
    assert "hunter2" not in str(caught.value)


def test_what_is_deleted_leaves_the_files_once_they_are_written_back(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'catalogue.db'}")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE words (word TEXT)")
        connection.exec_driver_sql("INSERT INTO words VALUES ('stays here'), ('goes away')")
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM words WHERE word = 'goes away'")
    for clean in (write_back, compact):
        assert clean(engine)
        left = b"".join(file.read_bytes() for file in tmp_path.iterdir())
        assert b"stays here" in left
        assert b"goes away" not in left
    engine.dispose()


def test_a_reader_holds_up_what_is_written_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.database.BUSY_TIMEOUT_MS", 100)
    engine = open_database(f"sqlite:///{tmp_path / 'catalogue.db'}")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE words (word TEXT)")
    with engine.connect() as reader:
        reader.exec_driver_sql("BEGIN")
        reader.exec_driver_sql("SELECT * FROM words").all()
        with engine.begin() as connection:
            connection.exec_driver_sql("INSERT INTO words VALUES ('new')")
        assert not write_back(engine)
    assert write_back(engine)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 100
    engine.dispose()
