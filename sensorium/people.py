"""Who is known, and how somebody is erased: from every store, with a receipt.

Nothing is kept of who was erased, not even that they were here: a mark would be a trace as well. So
an event that comes later is of a new person, and so is one that is imported again from an old file.

A model that was learnt from somebody's events cannot unlearn them. Every learnt file that was
written after the first of these events happened is named, so that it can be learnt again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from ingest.database import WorkspaceError, compact, write_back
from ranking.preferences import Preferences
from ranking.profile_store import ProfileStore
from sensorium.kept_answers import KeptAnswers
from sensorium.relation_store import RELATED, RELATIONS
from sensorium.service.keys import KeyStore
from sensorium.traces import Trace, Traces, find_traces, has_deleted_bytes
from sensorium.workspace import ALIGNMENT, SOURCES, Workspace

Forget = Callable[[str], int]
"""Takes everything of a user out of a store; gives how much there was."""
ERASURES = "erasures"
"""Name under which it is remembered how many people with events were erased: whoever holds what was
counted of events counts anew when it changes."""
LEARNT = "*.safetensors"
"""Files that hold what was learnt."""
NOT_OF_PEOPLE = (ALIGNMENT, SOURCES, RELATIONS, RELATED)
"""Folders of those that nobody's events are in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What erasing somebody did."""

    user_id: str
    """Who."""
    erased_at: datetime
    """When, UTC."""
    erased: Mapping[str, int]
    """What was taken away, by store."""
    retrain: tuple[str, ...]
    """Learnt files that may have been learnt from this person, within the workspace."""
    tables: int
    """Tables looked through afterwards."""
    files: int
    """Files looked through afterwards."""
    found: tuple[Trace, ...]
    """Where the id still stands; empty for nowhere."""
    notes: tuple[str, ...]
    """What else a person should know."""

    @property
    def clean(self) -> bool:
        """Whether nothing was found afterwards."""
        return not self.found


def erase(workspace: Workspace, user_id: str, held: Mapping[str, Forget] | None = None) -> Receipt:
    """Take everything of a user away for good, and look whether it is gone.

    Doing it again finishes what was cut off. Other processes may read and write meanwhile.

    Args:
        workspace: the library's folder.
        user_id: who.
        held: stores beside the workspace's own, by name, such as states that a service holds.

    Raises:
        WorkspaceError: the database cannot be written.
    """
    known = workspace.event_log.activity(user_id)
    retrain = () if known is None else learnt_since(workspace, known.first)
    erased = {name: forget(user_id) for name, forget in stores_of(workspace).items()}
    if erased["events"]:
        workspace.manifest.remember(ERASURES, workspace.manifest.recall(ERASURES, 0) + 1)
    erased |= {name: forget(user_id) for name, forget in (held or {}).items()}
    write_back(workspace.engine)
    traces = find_traces(workspace.engine, workspace.path, user_id)
    return Receipt(
        user_id=user_id,
        erased_at=datetime.now(UTC),
        erased=erased,
        retrain=retrain,
        tables=traces.tables,
        files=traces.files,
        found=traces.found,
        notes=_notes(traces, _cleaned(workspace, user_id, traces, any(erased.values()))),
    )


def stores_of(workspace: Workspace) -> dict[str, Forget]:
    """What takes somebody out of each store of a workspace, by its name.

    Events go last: as long as there are some, a second try knows what was learnt from them.
    """

    def forget_sources(user_id: str) -> int:
        """Drop what was counted of everybody's events; the next page counts those that are left."""
        if workspace.event_log.activity(user_id) is None:
            return 0
        files = list((workspace.path / SOURCES).glob("*"))
        for file in files:
            file.unlink(missing_ok=True)
        return len(files)

    return {
        "preferences": Preferences(workspace.engine).erase,
        "profiles": ProfileStore(workspace.engine).erase,
        "API keys": KeyStore(workspace.engine).erase,
        "kept answers": KeptAnswers(workspace.engine).erase,
        "counts and neighbours": forget_sources,
        "events": workspace.event_log.erase,
    }


def learnt_since(workspace: Workspace, moment: datetime) -> tuple[str, ...]:
    """Name learnt files that were written after a moment.

    Alignments are learnt from titles alone, relations from pairs of items, and what sources keep is
    erased: all of these are left out.
    """
    seconds, files = moment.timestamp(), workspace.path.rglob(LEARNT)
    named = [file.relative_to(workspace.path) for file in files if file.stat().st_mtime >= seconds]
    return tuple(str(file) for file in sorted(named) if file.parts[0] not in NOT_OF_PEOPLE)


def _cleaned(workspace: Workspace, user_id: str, traces: Traces, changed: bool) -> str:
    """Write SQLite's file anew where deleted bytes are left, or may be; say what could not be done.

    Args:
        workspace: the library's folder.
        user_id: who was erased.
        traces: what was found of them.
        changed: whether anything was taken away.
    """
    if workspace.engine.dialect.name != "sqlite":
        return "the server frees the space at its next VACUUM; its copies are its own"
    needed = has_deleted_bytes(workspace.engine, user_id) if traces.files_tell else changed
    try:
        if not needed or compact(workspace.engine):
            return ""
        reason = "another process is reading"
    except WorkspaceError as error:
        reason = error.sentence
    return f"the database's files may still hold deleted bytes: {reason}; erase once more later"


def _notes(traces: Traces, left: str) -> tuple[str, ...]:
    plain = "the id is too plain a word to be looked for outside columns of people"
    return tuple(filter(None, ("" if traces.everywhere else plain, left)))
