"""A learnt fuser on disk: whole, known by its numbers, and refused where damaged."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fusion.gated import gated_fusion
from fusion.network import network_of, weights_of
from fusion.weights import FusionError, FusionSettings, FusionWeights, NetworkConfig, head_of
from support.fusion import every_subset, run, shaken

CONFIG = NetworkConfig(width=8, num_heads=2)


def test_weights_survive_the_disk(tmp_path: Path) -> None:
    network = shaken(CONFIG)
    weights = dataclasses.replace(weights_of(network), space="here")
    weights.save(tmp_path / "w")
    found = FusionWeights.load(tmp_path / "w")
    assert (found.config, found.space) == (CONFIG, "here")
    assert found.fingerprint == weights.fingerprint
    tokens, present = every_subset(2, 8)
    joint, _ = run(network_of(found).eval(), tokens, present)
    np.testing.assert_array_equal(joint, run(network, tokens, present)[0])
    assert [path.name for path in tmp_path.iterdir()] == ["w"]


def test_any_number_the_shape_and_the_space_are_in_the_fingerprint() -> None:
    weights = weights_of(shaken(CONFIG))
    arrays = dict(weights.arrays)
    arrays["trust_bias"] = arrays["trust_bias"] + np.float32(1e-6)
    others = [
        dataclasses.replace(weights, arrays=arrays),
        dataclasses.replace(weights, space="there"),
        dataclasses.replace(weights, config=dataclasses.replace(CONFIG, num_tokens=3)),
    ]
    assert len({found.fingerprint for found in (weights, *others)}) == 4


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    weights_of(shaken(CONFIG)).save(tmp_path / "w")
    good = (tmp_path / "w").read_bytes()
    flipped = bytearray(good)
    flipped[-1] ^= 1
    for name, data in (("torn", good[:-9]), ("flipped", bytes(flipped)), ("text", b"no")):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(FusionError, match=f"{name} is not a learnt fuser"):
            FusionWeights.load(tmp_path / name)
    with pytest.raises(FusionError, match="none"):
        gated_fusion(tmp_path / "none", "here")


def test_weights_of_another_network_are_refused() -> None:
    weights = weights_of(shaken(CONFIG))
    with pytest.raises(FusionError, match="not of this network"):
        network_of(dataclasses.replace(weights, config=NetworkConfig(width=8, num_layers=2)))


def test_heads_that_do_not_divide_the_width_are_refused() -> None:
    with pytest.raises(ValueError, match="num_heads = 3"):
        NetworkConfig(width=8, num_heads=3)


def test_a_fuser_says_what_it_is_without_the_training_library(tmp_path: Path) -> None:
    dataclasses.replace(weights_of(shaken(CONFIG)), space="here").save(tmp_path / "w")
    code = (
        "import sys; from pathlib import Path; from fusion.gated import gated_fusion\n"
        f"fuser = gated_fusion(Path({str(tmp_path / 'w')!r}), 'here')\n"
        "print(fuser.fingerprint.split()[0], fuser.num_tokens, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["gated/1", "9", "False"]


def test_what_came_later_leaves_older_files_as_they_were(tmp_path: Path) -> None:
    weights_of(shaken(CONFIG)).save(tmp_path / "w")
    assert "shares" not in head_of(tmp_path / "w")["config"]
    attentive = FusionSettings(kind="attentive").shape(8)
    weights = weights_of(shaken(attentive))
    weights.save(tmp_path / "w")
    assert FusionWeights.load(tmp_path / "w").config == attentive
    assert FusionSettings().shape(8) == NetworkConfig(width=8)
