"""Which language model is configured, and what a configuration refuses."""

from __future__ import annotations

import pytest

from ranking.chat_service import ChatService
from ranking.language_model import LanguageModelConfig, language_model
from ranking.local_model import LocalModel
from sensorium.config import load_config
from sensorium.settings import ConfigError, flatten

SERVICE = "https://host.invalid/v1"
TOKEN = "sk-do-not-show-me"


def test_none_is_configured_at_first() -> None:
    assert language_model(LanguageModelConfig()) is None


def test_a_service_or_a_local_model_is_made_without_loading_anything() -> None:
    assert isinstance(language_model(LanguageModelConfig(url=SERVICE, model="m")), ChatService)
    local = language_model(LanguageModelConfig(local="somebody/some-model@main"))
    assert isinstance(local, LocalModel)
    assert local.name == "somebody/some-model@main"


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"url": SERVICE, "model": "m", "local": "smollm2"}, "not both"),
        ({"url": SERVICE}, "needs a url and a model"),
        ({"model": "m"}, "needs a url and a model"),
        ({"url": "host.invalid", "model": "m"}, "such as https"),
        ({"url": "ftp://host.invalid", "model": "m"}, "such as https"),
        ({"url": "https://", "model": "m"}, "such as https"),
        ({"timeout_seconds": 0.0}, "timeout_seconds = 0"),
        ({"tries": 0}, "tries = 0"),
    ],
)
def test_what_cannot_work_is_refused(values: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        LanguageModelConfig(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "values",
    [
        {"url": f"https://user:{TOKEN}@host.invalid/v1", "model": "m"},
        {"url": f"{SERVICE}?key={TOKEN}", "model": "m"},
        {"url": SERVICE, "model": "m", "token": f"{TOKEN}\n"},
        {"url": SERVICE, "model": "m", "token": f"{TOKEN} and more"},
    ],
)
def test_a_key_in_the_wrong_place_is_refused_without_being_shown(values: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"password or key|no API key") as caught:
        LanguageModelConfig(**values)  # type: ignore[arg-type]
    assert TOKEN not in str(caught.value)


def test_the_token_is_a_setting_that_is_never_shown() -> None:
    flags = {
        "language_model.url": SERVICE,
        "language_model.model": "m",
        "language_model.token": TOKEN,
    }
    config = load_config(None, flags, {}).config
    assert config.language_model.token == TOKEN
    assert TOKEN not in repr(config)
    assert dict(flatten(config))["language_model.token"] == "(set)"
    with pytest.raises(ConfigError) as caught:
        load_config(None, flags | {"language_model.token": f"{TOKEN} "}, {})
    assert TOKEN not in str(caught.value)
