"""Run a standalone Milvus server for tests, from the wheel that carries one.

Run as ``python scripts/milvus_server.py FOLDER``: it makes an environment in ``FOLDER/environment``
where there is none, starts the server on free ports with new data, prints its URI once it answers,
and stops it on SIGTERM or when stdin ends. A server does not start on data of an earlier one: its
parts look for each other where they were then. The wheel ``milvus`` ended with version 2.3.5 of the
server and wants an old setuptools, so it never shares an environment with anything else.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

PACKAGES = ("milvus==2.3.5", "setuptools<80")
ANSWER_SECONDS = 120.0
"""How long a server may take to start."""
PORTS = (
    "etcd-port", "root-coord-port", "proxy-port", "proxy-internal-port", "query-coord-port",
    "query-node-port", "index-coord-port", "index-node-port", "data-coord-port", "data-node-port",
)  # fmt: skip
HEALTH = 9091
"""Port of the server's own health page, which cannot be moved: one server a machine."""
FIXED = (HEALTH, 2379, 2380)
"""All ports that cannot be moved. A server that starts while connections to an earlier one linger
there, for a minute at most, may never become healthy."""
SETTLE_SECONDS = 90.0
"""How long that is waited for."""
STOP_SECONDS = 10.0
"""How long it may take to stop before it is killed; what it has acknowledged lasts either way."""


class ServerError(RuntimeError):
    """The server cannot be had, or does not start."""


def prepared(folder: Path) -> Path:
    """Give the program of an environment with the server, made where it is not there.

    Raises:
        ServerError: the wheel cannot be had.
    """
    program = folder / "environment" / "bin" / "milvus-server"
    if program.exists():
        return program
    uv = shutil.which("uv") or str(Path(__file__).parents[1] / ".uv" / "bin" / "uv")
    if not Path(uv).exists():
        raise ServerError("there is no uv: make setup fetches it")
    python = folder / "environment" / "bin" / "python"
    try:
        subprocess.run([uv, "venv", "-q", "--clear", folder / "environment"], check=True)
        subprocess.run([uv, "pip", "install", "-q", "--python", python, *PACKAGES], check=True)
    except subprocess.CalledProcessError as error:
        raise ServerError(f"{PACKAGES[0]} cannot be installed: {error}") from error
    return program


def free_ports(number: int) -> list[int]:
    """Ports of this machine that nobody listens at.

    They lie below those that the system gives to outgoing connections: the parts of a server
    connect to each other while it starts, and would take ports of parts that are yet to listen.
    """
    candidates = random.sample(range(15_000, 30_000), 1_000)
    return list(itertools.islice((port for port in candidates if _is_free(port)), number))


def _is_settled(port: int) -> bool:
    """Whether not even a closed connection of an earlier server is left at a port."""
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def main() -> int:
    """Run a server until it is told to stop."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", type=Path, help="For the environment.")
    options.add_argument(
        "--data",
        type=Path,
        help="Keep data and logs here; a folder that is removed where not given.",
    )
    options.add_argument("--port", type=int, default=0, help="Port; 0 for a free one.")
    chosen = options.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    data = chosen.data or Path(tempfile.mkdtemp(prefix="milvus-"))
    try:
        run(prepared(chosen.folder.absolute()), data.absolute(), chosen.port)
    except ServerError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        pass
    finally:
        if chosen.data is None:
            shutil.rmtree(data, ignore_errors=True)
    return 0


def run(program: Path, data: Path, port: int) -> None:
    """Run a server until stdin ends.

    Raises:
        ServerError: it does not start.
    """
    if _listens(HEALTH):
        raise ServerError(f"port {HEALTH} is taken: another Milvus server runs on this machine")
    until = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < until and not all(map(_is_settled, FIXED)):
        time.sleep(0.5)
    data.mkdir(parents=True, exist_ok=True)
    ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
    ports["proxy-port"] = port or ports["proxy-port"]
    words = [word for name, one in ports.items() for word in (f"--{name}", str(one))]
    with (data / "server.log").open("ab") as log:
        server = subprocess.Popen(
            [program, "--data", data, *words],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        _wait(server, ports["proxy-port"], data / "server.log")
        sys.stdout.write(f"http://127.0.0.1:{ports['proxy-port']}\n")
        sys.stdout.flush()
        sys.stdin.read()
    finally:
        _end(server)


def _wait(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + ANSWER_SECONDS
    while time.monotonic() < until:
        if server.poll() is not None:
            raise ServerError(f"the server ended with {server.returncode}:\n{_tail(log)}")
        if _answers(port):
            return
        time.sleep(0.2)
    raise ServerError(f"the server did not start in {ANSWER_SECONDS:g} s:\n{_tail(log)}")


def _answers(port: int) -> bool:
    """Whether the server is healthy and takes connections."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{HEALTH}/healthz", timeout=2) as answer:
            if answer.status != 200:
                return False
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
    except (OSError, urllib.error.URLError):
        return False
    return True


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-2_000:]


def _end(server: subprocess.Popen[bytes]) -> None:
    """Stop a server with all that it has started: the wheel's program ends before the server."""
    with suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGTERM)
    until = time.monotonic() + STOP_SECONDS
    while time.monotonic() < until and (server.poll() is None or _listens(HEALTH)):
        time.sleep(0.1)
    with suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
    server.wait()
    while _listens(HEALTH):
        time.sleep(0.1)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
    except OSError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
