"""What holds for every test: seeds, no leak of random state, no network, weights from the cache."""

from __future__ import annotations

import gc
import ipaddress
import os
import random
import socket
import sys
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

from encoders.weights import locate
from encoders.wheels import ModelUnavailableError

# A busy machine is slow, not wrong: no test is judged by the clock.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

SEED = 20_250_607


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep the garbage collector from walking what is imported, which stays, again and again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


@pytest.fixture(autouse=True)
def same_random_numbers() -> Iterator[None]:
    """Seed the global generators before each test, and give them back as they were."""
    plain, legacy = random.getstate(), np.random.get_state()  # noqa: NPY002
    random.seed(SEED)
    np.random.seed(SEED)  # noqa: NPY002
    torch = sys.modules.get("torch")
    tensors = torch.get_rng_state() if torch else None
    if torch:
        torch.manual_seed(SEED)
    yield
    random.setstate(plain)
    np.random.set_state(legacy)  # noqa: NPY002
    if torch:
        torch.set_rng_state(tensors)


@pytest.fixture(scope="session", autouse=True)
def no_network() -> Iterator[None]:
    """Refuse connections that leave this machine; started processes are told to stay offline."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def checked(self: socket.socket, address: Any) -> None:
        _refuse_remote(self, address)
        connect(self, address)

    def checked_ex(self: socket.socket, address: Any) -> int:
        _refuse_remote(self, address)
        return connect_ex(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", checked)
        patch.setattr(socket.socket, "connect_ex", checked_ex)
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        yield


def _refuse_remote(connection: socket.socket, address: Any) -> None:
    """Raise unless the address is of this machine."""
    if connection.family not in (socket.AF_INET, socket.AF_INET6):
        return
    host = str(address[0])
    own = {"localhost", "", socket.gethostname()}
    try:
        local = ipaddress.ip_address(host).is_loopback or host in _own_addresses()
    except ValueError:
        local = host in own
    if not local:
        raise ConnectionRefusedError(f"tests stay offline; refused a connection to {address}")


def _own_addresses() -> set[str]:
    # Ray's workers reach each other by the machine's own address.
    try:
        return {str(entry[4][0]) for entry in socket.getaddrinfo(socket.gethostname(), None)}
    except OSError:
        return set()


@pytest.fixture(scope="session")
def weights() -> Callable[[str], Path]:
    """The folder of bundled weights by name; absent ones skip at home and fail in CI."""

    def folder(name: str) -> Path:
        try:
            return locate(name)
        except ModelUnavailableError as error:
            if os.environ.get("CI"):
                raise
            pytest.skip(str(error))

    return folder
