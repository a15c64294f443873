"""The lifecycles of a workspace, opened as a signal for what ranks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ranking.view_store import ViewStore
from ranking.views import ViewError
from retrieval.fitted import FittedError
from sensorium.ranker_store import LIFECYCLE
from sensorium.shelf import interests_of

if TYPE_CHECKING:
    from ranking.lifecycle_model import LifecycleSignal
    from ranking.shelf import Shelf
    from sensorium.workspace import Workspace


def open_lifecycle(workspace: Workspace, shelf: Shelf) -> tuple[LifecycleSignal | None, str]:
    """Open what was learnt for the items of a shelf.

    Args:
        workspace: the library's folder.
        shelf: the items to rate; its own interests may be of another view.

    Returns:
        The signal, or None with what a person should know; the note is empty where all is well.
    """
    path = workspace.learnt(LIFECYCLE, newest=True)
    if path is None:
        return None, "no lifecycle learnt yet; sensorium train lifecycle learns from events"
    from ranking.lifecycle_model import LifecycleModel, LifecycleSignal

    try:
        model = LifecycleModel.load(path)
        interests = interests_of(ViewStore(workspace.engine), model.topics.view, shelf.number_of)
    except (FittedError, ViewError) as error:
        note = "learn it anew with: sensorium train lifecycle"
        return None, f"the lifecycles learnt are left aside: {error}; {note}"
    return LifecycleSignal.of(model, interests), ""
