"""A language model that writes short texts: which one, and the contract it is used by.

None is needed: what one writes has a bundled answer to fall back on. A service is reached over the
OpenAI-compatible protocol that most servers speak; a local one runs through transformers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable
from urllib.parse import urlsplit

from ingest.errors import SensoriumError

PACKAGED = "smollm2"
"""Name of the small language model that comes through the package index."""


class LanguageModelError(SensoriumError):
    """A language model cannot be reached or loaded, or gave no usable answer."""

    code = "language_model"


class LanguageModel(Protocol):
    """Writes a text for a prompt."""

    def complete(self, prompt: str, most_tokens: int) -> str:
        """Answer a prompt.

        Args:
            prompt: what is asked, as a person would say it.
            most_tokens: where the answer is cut off.

        Returns:
            The answer, without the prompt.

        Raises:
            LanguageModelError: there is no answer.
        """
        ...


@runtime_checkable
class BatchModel(LanguageModel, Protocol):
    """Answers several prompts at once, where that costs less than one after the other."""

    def complete_many(self, prompts: Sequence[str], most_tokens: int) -> list[str]:
        """Answer prompts, in order; see ``LanguageModel.complete``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageModelConfig:
    """Which language model writes, if any: a service by its address, or a local one."""

    url: str = ""
    """Address of an OpenAI-compatible service, such as https://HOST/v1; empty for none."""
    model: str = ""
    """Name of the model at that service."""
    token: str = field(default="", repr=False)
    """API key of that service; empty where it asks for none."""
    local: str = ""
    """smollm2 for the packaged model, a folder, or OWNER/NAME@REVISION of a model hub, to be run
    here; empty for none."""
    timeout_seconds: float = 60.0
    """Longest wait for one answer of the service."""
    tries: int = 4
    """How often a busy or failing service is asked before giving up."""

    def __post_init__(self) -> None:
        if self.url and self.local:
            raise ValueError(f"give a url or a local model, not both: {self.local = }")
        if self.url:
            _check_address(self.url)
        if bool(self.url) != bool(self.model):
            raise ValueError(f"a service needs a url and a model: {self.model = }")
        if not (self.token.isascii() and self.token.isprintable()) or " " in self.token:
            raise ValueError("the token has characters that no API key has")
        if self.timeout_seconds <= 0 or self.tries < 1:
            raise ValueError(
                "timeout_seconds must be above 0 and tries 1 or more: "
                f"{self.timeout_seconds = }, {self.tries = }"
            )


def language_model(config: LanguageModelConfig) -> LanguageModel | None:
    """The model that is configured, not yet loaded; None where none is."""
    if config.url:
        from ranking.chat_service import ChatService

        return ChatService(config)
    if config.local:
        from ranking.local_model import LocalModel

        return LocalModel(config.local)
    return None


def complete_all(model: LanguageModel, prompts: Sequence[str], most_tokens: int) -> list[str]:
    """Answer prompts, in order, at once where the model can."""
    if isinstance(model, BatchModel):
        return model.complete_many(prompts, most_tokens)
    return [model.complete(prompt, most_tokens) for prompt in prompts]


def _check_address(url: str) -> None:
    parts = urlsplit(url)
    if parts.username or parts.password or parts.query:
        raise ValueError("the url of a service must not carry a password or key; set token")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"expected an address such as https://HOST/v1, got {url = }")
