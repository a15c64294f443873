"""The workspace: one writer, generations beside each other, clear refusals."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from ingest.database import WorkspaceError
from sensorium.workspace import PATIENCE_SECONDS, HeldError, Workspace

HOLD = """
import sys, time
from pathlib import Path
from sensorium.workspace import Workspace
with Workspace(Path(sys.argv[1]), "d").exclusive():
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "w", "d", create=True)


def test_a_missing_workspace_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="sensorium index"):
        Workspace(tmp_path / "none", "d")
    assert not (tmp_path / "none").exists()


def test_a_second_writer_is_refused_by_name_until_the_first_dies(workspace: Workspace) -> None:
    command = [sys.executable, "-c", HOLD, str(workspace.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(WorkspaceError, match=f"process {holder.pid}"), workspace.exclusive():
            pass
        holder.kill()
    with workspace.exclusive():
        pass


def test_the_same_recipe_keeps_its_generation(workspace: Workspace) -> None:
    first = workspace.open_generation("r1", {"image": "clip"}, reembed=False)
    assert workspace.open_generation("r1", {"image": "clip"}, reembed=True) == first
    assert workspace.active == first


def test_another_recipe_is_refused_and_names_what_changed(workspace: Workspace) -> None:
    workspace.open_generation("r1", {"image": "clip", "text": "mini"}, reembed=False)
    with pytest.raises(WorkspaceError, match=r"image clip \(now siglip\).*--reembed"):
        workspace.open_generation("r2", {"image": "siglip", "text": "mini"}, reembed=False)
    assert workspace.active is not None
    assert workspace.active.recipe == "r1"


def test_a_new_generation_is_built_beside_the_old_and_resumes(workspace: Workspace) -> None:
    old = workspace.open_generation("r1", {}, reembed=False)
    new = workspace.open_generation("r2", {}, reembed=True)
    assert (new.name, workspace.active, workspace.building) == ("g2", old, new)
    assert workspace.open_generation("r2", {}, reembed=True) == new
    assert workspace.switch(new) == old
    assert (workspace.active, workspace.building) == (new, None)
    assert workspace.switch(new) is None


def test_an_abandoned_generation_does_not_lend_its_number(workspace: Workspace) -> None:
    workspace.open_generation("r1", {}, reembed=False)
    workspace.open_generation("r2", {}, reembed=True)
    third = workspace.open_generation("r3", {}, reembed=True)
    assert third.name == "g3"


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("x")
    with pytest.raises(WorkspaceError, match="cannot be written"):
        Workspace(path, "d", create=True)


def test_who_looks_whether_it_is_held_does_not_hold_it(workspace: Workspace) -> None:
    seen = [workspace.is_held]
    with workspace.exclusive():
        seen += [workspace.is_held, workspace.is_held]
        with pytest.raises(HeldError), workspace.exclusive():
            pass
    assert [*seen, workspace.is_held] == [False, True, True, False]


def test_who_writes_for_a_moment_is_waited_for(workspace: Workspace) -> None:
    entered = threading.Event()

    def edit() -> None:
        with workspace.exclusive():
            entered.set()
            time.sleep(PATIENCE_SECONDS / 2)

    editor = threading.Thread(target=edit)
    editor.start()
    entered.wait()
    with workspace.exclusive():
        pass
    editor.join()
