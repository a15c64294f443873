"""Finding a hub model's files: given, cached, or out of reach."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from encoders.hub_files import HubModel, device_named, resolve
from encoders.wheels import ModelUnavailableError

ASK = """
from encoders.hub_files import HubModel, resolve
from ingest.errors import SensoriumError
try:
    print(resolve(HubModel(name="m", repository="nobody/nothing", revision="f" * 40,
                           files=("config.json",), width=8)))
except SensoriumError as error:
    print("said:", error)
"""


def ask(environment: dict[str, str]) -> str:
    """What a fresh process finds; the hub's client reads its settings when it is imported."""
    return subprocess.run(
        [sys.executable, "-c", ASK],
        env={"PATH": "", **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout.strip()


def test_a_cached_revision_is_taken_without_the_hub(tmp_path: Path) -> None:
    snapshot = tmp_path / "hub" / "models--nobody--nothing" / "snapshots" / ("f" * 40)
    snapshot.mkdir(parents=True)
    for name in ("config.json", "model.safetensors"):
        (snapshot / name).write_text("{}")

    assert ask({"HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"}) == str(snapshot)


def test_an_incomplete_cache_offline_is_one_clear_sentence(tmp_path: Path) -> None:
    snapshot = tmp_path / "hub" / "models--nobody--nothing" / "snapshots" / ("f" * 40)
    snapshot.mkdir(parents=True)
    (snapshot / "model.safetensors").write_text("{}")

    said = ask({"HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"})

    assert said == (
        "said: nobody/nothing is not in the hub's cache and HF_HUB_OFFLINE is set; "
        "check the network, or set encoders.name = bundled"
    )


def test_a_hub_out_of_reach_is_told_at_once(tmp_path: Path) -> None:
    said = ask({"HF_HOME": str(tmp_path), "HF_ENDPOINT": "http://127.0.0.1:9"})

    assert said.startswith("said: cannot fetch nobody/nothing from the model hub: ")
    assert said.endswith("set encoders.name = bundled")


def test_a_given_folder_is_taken(tmp_path: Path) -> None:
    given = HubModel(
        name="m", repository="r/m", revision="0", files=("absent",), width=8, folder=tmp_path
    )
    assert resolve(given) == tmp_path


def test_devices() -> None:
    import torch

    assert device_named("cpu") == "cpu"
    if torch.cuda.is_available():
        assert device_named("auto") == device_named("cuda") == "cuda"
    else:
        assert device_named("auto") == "cpu"
        with pytest.raises(ModelUnavailableError, match="no GPU"):
            device_named("cuda")
