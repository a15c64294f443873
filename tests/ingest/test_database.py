"""Opening the bookkeeping database: what cannot be opened says why, and what to write instead."""

from __future__ import annotations

import pytest

from ingest.database import WorkspaceError, open_database


@pytest.mark.parametrize(
    "url", ["nonsense", "oracle+nothing://host/name", "postgresql+pg8000://host/name"]
)
def test_a_url_that_cannot_be_used_says_what_to_write(url: str) -> None:
    with pytest.raises(WorkspaceError, match=r"store\.database_url.*postgresql\+psycopg://"):
        open_database(url)
