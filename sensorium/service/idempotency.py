"""``Idempotency-Key``: a POST that is sent again with the same key is done once.

The first answer is kept in the workspace's database and given again, to the same caller, for a day.
The same key with something else said is a mistake of the caller and refused. Only answers are kept:
what ends in an error may be tried again under its key.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from hashlib import blake2b
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel

from ingest.database import WorkspaceError
from sensorium.kept_answers import Kept, KeptAnswers
from sensorium.service.hosting import HostHere
from sensorium.service.problems import ServiceError

MOST_CHARACTERS = 255
"""Longest key."""
WAIT_SECONDS = 2.0
"""For so long a second request waits for the answer of the first."""
LOOK_SECONDS = 0.02
"""Between two looks whether it is there."""
REPLAYED = "Idempotent-Replayed"
"""Header of an answer that was kept."""
CREDENTIALS = ("authorization", "x-api-key")
"""Headers that tell callers apart."""

Answer = TypeVar("Answer", bound=BaseModel)


class Once:
    """Does what a request asks for once for each key.

    Args:
        request: the request.
        response: headers of its answer.
        key: as the caller gives it; None for none, so that everything is done as it comes.
        answers: where answers are kept; None without a key.
    """

    def __init__(
        self, request: Request, response: Response, key: str | None, answers: KeptAnswers | None
    ) -> None:
        self.key, self._answers, self._response = key, answers, response
        who = "\0".join(request.headers.get(name, "") for name in CREDENTIALS)
        self.route = f"{request.method} {request.url.path} {_digest(who)}"
        """What is asked for and by whom; with the key, it names this request for good."""

    def answer(self, said: Any, kind: type[Answer], make: Callable[[], Answer]) -> Answer:
        """Make an answer, or give the one that was made before.

        Args:
            said: the request as values that JSON can hold.
            kind: of the answer.
            make: does what is asked for.

        Raises:
            ServiceError: the key was used with something else, or is being used right now.
        """
        if self.key is None or self._answers is None:
            return make()
        digest = _digest(json.dumps(said, sort_keys=True))
        kept = self._claim(self._answers, self.key, digest)
        if kept is not None:
            self._response.headers[REPLAYED] = "true"
            return kind.model_validate_json(kept)
        try:
            made = make()
            self._answers.keep(self.route, self.key, made.model_dump_json())
        except BaseException:
            with suppress(WorkspaceError):  # The claim lapses by itself.
                self._answers.release(self.route, self.key)
            raise
        return made

    def _claim(self, answers: KeptAnswers, key: str, digest: str) -> str | None:
        """Claim the key, or give the answer kept under it; None where it is claimed."""
        until = time.monotonic() + WAIT_SECONDS
        while (found := answers.claim(self.route, key, digest)) is not None:
            if (answer := _answer_of(found, digest)) is not None:
                return answer
            if time.monotonic() >= until:
                raise ServiceError(
                    409,
                    "idempotency_busy",
                    "a request with this Idempotency-Key is still being answered",
                    "ask again with the same key",
                    {"Retry-After": "1"},
                )
            time.sleep(LOOK_SECONDS)
        return None


def _answer_of(found: Kept, digest: str) -> str | None:
    if found.digest != digest:
        raise ServiceError(
            409,
            "idempotency_mismatch",
            "this Idempotency-Key was used for another request",
            "use a new key for each request, and the same only to send it again",
        )
    return found.answer


def _digest(text: str) -> str:
    return blake2b(text.encode(errors="surrogatepass"), digest_size=16).hexdigest()


def _once(
    host: HostHere,
    request: Request,
    response: Response,
    key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            min_length=1,
            max_length=MOST_CHARACTERS,
            pattern=r"^[\x21-\x7e]+$",
            description="A word of the caller's own: sent again with it, a request is done once.",
        ),
    ] = None,
) -> Once:
    return Once(request, response, key, None if key is None else host.kept_answers)


OnceHere = Annotated[Once, Depends(_once)]
"""Does a request once for each ``Idempotency-Key``."""
