"""A language model behind an OpenAI-compatible service, over the standard library's HTTP client.

- A service that is busy (429) or failing (5xx) is asked again after a pause that doubles, or that
  the service names. Nothing else is: a wrong key or address does not get better.
- Redirects are refused, because the client would carry the key to wherever they point.
- The key stands in one header and nowhere else: it is taken out of what a service says before that
  becomes an error.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from ranking.language_model import LanguageModelConfig, LanguageModelError

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
MOST_BYTES = 4 << 20
"""Of an answer; what is longer is no answer to a short question."""
_BUSY = 429
_FAILING = 500
_MOST_COMPLAINT = 200


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow nothing, so that the redirect becomes an error."""


class ChatService:
    """Writes through ``/v1/chat/completions`` of a service.

    Args:
        config: address, model, key and patience.
        pause: waits a number of seconds between tries.
    """

    def __init__(
        self, config: LanguageModelConfig, pause: Callable[[float], object] = time.sleep
    ) -> None:
        self._config = config
        self._pause = pause
        self._opener = urllib.request.build_opener(_NoRedirects)

    def complete(self, prompt: str, most_tokens: int) -> str:
        """Answer a prompt; the same prompt is answered alike as far as the service allows.

        Args:
            prompt: what is asked.
            most_tokens: where the answer is cut off.

        Raises:
            LanguageModelError: the service is out of reach, refuses, stays busy, or answers with
                something else than a text.
        """
        request = self._request(prompt, most_tokens)
        for tried in range(1, self._config.tries + 1):
            try:
                return self._text(self._asked(request))
            except urllib.error.HTTPError as error:
                with error:
                    again = error.code == _BUSY or error.code >= _FAILING
                    if not again or tried == self._config.tries:
                        raise self._refusal(error) from None
                    self._pause(_pause_seconds(error, tried))
        raise AssertionError("tries is 1 or more")

    def _request(self, prompt: str, most_tokens: int) -> urllib.request.Request:
        body = {
            "model": self._config.model,
            "messages": [{"role": "user", "content": prompt}],
            "max_tokens": most_tokens,
            "temperature": 0,
        }
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._config.token:
            headers["Authorization"] = f"Bearer {self._config.token}"
        return urllib.request.Request(  # noqa: S310 (the configuration allows http and https alone)
            completions_address(self._config.url), json.dumps(body).encode(), headers
        )

    def _asked(self, request: urllib.request.Request) -> bytes:
        try:
            with self._opener.open(request, timeout=self._config.timeout_seconds) as answer:
                return bytes(answer.read(MOST_BYTES))
        except urllib.error.HTTPError:
            raise
        except (OSError, http.client.HTTPException) as error:
            cause = getattr(error, "reason", error)
            if isinstance(cause, TimeoutError):
                raise self._error(
                    f"did not answer in {self._config.timeout_seconds:g} seconds",
                    "set language_model.timeout_seconds higher",
                ) from error
            raise self._error(
                f"cannot be reached: {cause}", "check the network and language_model.url"
            ) from error

    def _text(self, answer: bytes) -> str:
        try:
            text = json.loads(answer)["choices"][0]["message"]["content"]
        except (ValueError, LookupError, TypeError):
            text = None
        if not isinstance(text, str) or not text.strip():
            raise self._error(
                "answered without a text", "check language_model.url and language_model.model"
            )
        return text

    def _refusal(self, error: urllib.error.HTTPError) -> LanguageModelError:
        hints = {
            401: "check language_model.token",
            403: "check language_model.token",
            404: "check language_model.url and language_model.model",
            _BUSY: "try again later",
        }
        default = "try again later" if error.code >= _FAILING else "check language_model.url"
        said = _complaint(error)
        return self._error(
            f"answered {error.code}{': ' if said else ''}{said}", hints.get(error.code, default)
        )

    def _error(self, happened: str, hint: str) -> LanguageModelError:
        parts = urlsplit(self._config.url)
        port = f":{parts.port}" if parts.port else ""
        if self._config.token:
            happened = happened.replace(self._config.token, "(the token)")
        return LanguageModelError(
            f"the language model at {parts.hostname}{port} {happened[:_MOST_COMPLAINT]}", hint
        )


def completions_address(url: str) -> str:
    """Where to ask: the path is added to a bare address, and a full one is taken as it is."""
    base, path = url.rstrip("/"), "/chat/completions"
    if base.endswith(path):
        return base
    return base + path if urlsplit(base).path else f"{base}/v1{path}"


def _pause_seconds(error: urllib.error.HTTPError, tried: int) -> float:
    named = error.headers.get("Retry-After", "")
    wished = float(named) if named.isdecimal() else FIRST_PAUSE_SECONDS * 2 ** (tried - 1)
    return min(wished, LONGEST_PAUSE_SECONDS)


def _complaint(error: urllib.error.HTTPError) -> str:
    """What the service says about its refusal, on one line; empty where it says nothing."""
    try:
        said = error.read(MOST_BYTES).decode(errors="replace")
    except (OSError, http.client.HTTPException):
        return ""
    with contextlib.suppress(ValueError, LookupError, TypeError):
        said = json.loads(said)["error"]["message"]
    return " ".join(str(said).split())
