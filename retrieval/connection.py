"""Opening Milvus, and its failures in words a person can act on.

The client prints its failures with tracebacks on the terminal and hides why Lite could not open;
here the cause is caught from its log, and the log goes no further.
"""

from __future__ import annotations

import errno
import logging
import os
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from retrieval.base import IndexUnavailableError

ANSWER_SECONDS = 10.0
"""How long a server may take to answer the first call."""
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_CLOSED = (errno.EACCES, errno.EPERM, errno.EROFS)
_NO_PINGS = {"grpc.keepalive_time_ms": 2**31 - 1}
"""Lite's server takes the client's pings in idle minutes for an attack and hangs up."""
_opened: Counter[str] = Counter()
_opening = threading.Lock()


def is_local(uri: str) -> bool:
    """Whether a URI is the path of a Milvus Lite folder."""
    return "://" not in uri


def connect(uri: str, token: str = "") -> Any:
    """Open a client.

    Args:
        uri: a folder's path, ending in ``.db``, or a server's URI.
        token: for a server.

    Returns:
        A ``pymilvus.MilvusClient``.

    Raises:
        IndexUnavailableError: it cannot be opened.
    """
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    # With it, about one in a hundred programs started from this process is aborted before it runs,
    # which is how a Ray node came to be missing. No child here goes on with the parent's client.
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
    from pymilvus import MilvusClient
    from pymilvus.exceptions import MilvusException

    log = _quiet()
    if is_local(uri):
        _check_folder(Path(uri))
    with _opening, translated(uri):
        try:
            client = MilvusClient(uri, token=token, timeout=ANSWER_SECONDS, grpc_options=_NO_PINGS)
        except MilvusException as error:
            raise (log.cause or error) from error
        finally:
            logging.getLogger("milvus_lite").removeHandler(log)
        _opened[uri] += 1
    return client


def disconnect(uri: str, client: Any) -> None:
    """Close a client; the last one of a folder lets the folder go."""
    client.close()
    with _opening:
        _opened[uri] -= 1
        if is_local(uri) and _opened[uri] <= 0:
            from milvus_lite.server_manager import server_manager_instance

            server_manager_instance.release_server(uri)


class _Cause(logging.Handler):
    """Remembers the exception behind a logged failure."""

    cause: BaseException | None = None

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1]:
            self.cause = record.exc_info[1]


def _quiet() -> _Cause:
    for name in ("pymilvus", "pymilvus.milvus_client", "pymilvus.bulk_writer", "milvus_lite"):
        logger = logging.getLogger(name)
        logger.handlers = [logging.NullHandler()]
        logger.propagate = False
    cause = _Cause()
    logging.getLogger("milvus_lite").addHandler(cause)
    return cause


def _check_folder(path: Path) -> None:
    if path.is_file():
        raise IndexUnavailableError(
            f"{path} is a file of Milvus Lite 2, which version 3 cannot read",
            "move it away and index again; embeddings that are cached are not computed again",
        )
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _of_system(error.errno or 0, str(path), str(error)) from error
    if not os.access(path, os.W_OK):
        raise _of_system(errno.EACCES, str(path), "")


@contextmanager
def translated(uri: str) -> Iterator[None]:
    """Turn Milvus's and the system's errors inside into ``IndexUnavailableError``."""
    from milvus_lite.exceptions import MilvusLiteError
    from pymilvus.exceptions import MilvusException

    try:
        yield
    except (MilvusException, MilvusLiteError, OSError) as error:
        raise _in_words(error, _without_password(uri)) from error


def _in_words(error: Exception, place: str) -> IndexUnavailableError:
    from milvus_lite.exceptions import DataDirLockedError

    text = str(error)
    if isinstance(error, DataDirLockedError):
        return IndexUnavailableError(
            f"the index in {place} is open in another process",
            "wait for it to end, or have both use a Milvus server",
        )
    for number in (getattr(error, "errno", None), *_FULL, *_CLOSED):
        if number is not None and (
            number == getattr(error, "errno", 0) or f"[Errno {number}]" in text
        ):
            return _of_system(number, place, text)
    if not is_local(place):
        return IndexUnavailableError(
            f"the Milvus server at {place} does not answer as expected: {_first_line(text)}",
            "check the address, the token, and that the server runs",
        )
    return IndexUnavailableError(
        f"the index in {place} cannot be used: {_first_line(text)}",
        "if it is damaged, move it away and index again; cached embeddings are kept",
    )


def _of_system(number: int, place: str, text: str) -> IndexUnavailableError:
    if number in _FULL:
        return IndexUnavailableError(
            f"no room left to write the index in {place}",
            "free some space and run again; what was written before is kept",
        )
    if number in _CLOSED:
        return IndexUnavailableError(
            f"the index in {place} may not be written",
            "make the folder writable, or choose another with --workspace",
        )
    return IndexUnavailableError(
        f"the index in {place} cannot be used: {_first_line(text)}", "check the folder"
    )


def _first_line(text: str) -> str:
    message = text.partition("message=")[2] or text
    return message.strip("<>() ").splitlines()[0] if message.strip("<>() ") else "no reason given"


def _without_password(uri: str) -> str:
    parts = urlsplit(uri)
    if "@" not in parts.netloc:
        return uri
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
