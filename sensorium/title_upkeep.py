"""Titles kept true by every index run: those of items that are gone or read otherwise now go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingest.catalogue import batches
from ranking.title_store import TitleStore
from sensorium.display import counted
from sensorium.item_facts import facts_of

if TYPE_CHECKING:
    from sensorium.workspace import Workspace


def refresh_titles(workspace: Workspace) -> tuple[str, ...]:
    """Take away titles that no longer speak of what is there; gives a sentence where some went."""
    store = TitleStore(workspace.engine)
    gone = store.drop_gone()
    for batch in batches(sorted(store.facts())):
        now = facts_of(workspace, workspace.catalogue.get(batch).values())
        gone += store.drop_changed({item_id: facts.digest for item_id, facts in now.items()})
    if not gone:
        return ()
    return (f"{counted(gone, 'title')} went with what they told of; see sensorium titles write",)
