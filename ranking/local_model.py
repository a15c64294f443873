"""A language model that runs here through transformers: of a folder, a hub, or the packaged one.

- Answers are greedy, so that the same prompt is answered alike. A penalty for repetition makes
  small models wander off into nonsense: there is none, and who reads a list drops the repeats.
- Weights must be safetensors, or the packaged GGUF, whose bytes are pinned. No code of a model
  repository runs.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from encoders.hub_files import device_named
from encoders.weights import locate
from ranking.language_model import PACKAGED, LanguageModelError

_GGUF = "model.gguf"
_EXTRA = ("accelerate", "gguf")


class LocalModel:
    """A causal language model; it is loaded at the first prompt.

    Args:
        name: ``smollm2``, a folder, or OWNER/NAME@REVISION of a model hub.
        device: auto, cpu or cuda.
    """

    def __init__(self, name: str, device: str = "auto") -> None:
        self.name = name
        self.device = device

    def complete(self, prompt: str, most_tokens: int) -> str:
        """Answer a prompt, in the model's chat form where it has one.

        Args:
            prompt: what is asked.
            most_tokens: where the answer is cut off.

        Raises:
            LanguageModelError: the model cannot be loaded, or the prompt is too long for it.
            ModelUnavailableError: the packaged weights are not in the cache.
        """
        return self.complete_many([prompt], most_tokens)[0]

    def complete_many(self, prompts: Sequence[str], most_tokens: int) -> list[str]:
        """Answer prompts at once, padded on the left; see ``complete``."""
        import torch
        from transformers import GenerationConfig

        network, tokenizer = self._loaded
        rows = [self._ids(prompt)[0] for prompt in prompts]
        width = max(len(row) for row in rows)
        longest = getattr(network.config, "max_position_embeddings", None)
        if longest is not None and width + most_tokens > longest:
            raise LanguageModelError(
                f"{self.name} reads and writes at most {longest} tokens; the prompt has "
                f"{width} and {most_tokens} are wanted",
                "take a model with a longer context",
            )
        ends = network.generation_config.eos_token_id
        filler = _first(tokenizer.pad_token_id, tokenizer.eos_token_id, 0)
        settings = GenerationConfig(
            max_new_tokens=most_tokens,
            do_sample=False,
            eos_token_id=tokenizer.eos_token_id if ends is None else ends,
            pad_token_id=filler,
        )
        ids = torch.full((len(rows), width), filler)
        mask = torch.zeros_like(ids)
        for number, row in enumerate(rows):
            ids[number, width - len(row) :], mask[number, width - len(row) :] = row, 1
        with torch.inference_mode():
            written = network.generate(
                ids.to(network.device),
                attention_mask=mask.to(network.device),
                generation_config=settings,
            )
        return [str(tokenizer.decode(row[width:], skip_special_tokens=True)) for row in written]

    def _ids(self, prompt: str) -> Any:
        """Token ids (1, T) of a prompt."""
        _, tokenizer = self._loaded
        if tokenizer.chat_template is None:
            return tokenizer(prompt, return_tensors="pt")["input_ids"]
        said = [{"role": "user", "content": prompt}]
        return tokenizer.apply_chat_template(
            said, add_generation_prompt=True, return_tensors="pt", return_dict=True
        )["input_ids"]

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        """Network and tokenizer."""
        place, options = self._source()
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()
        device = device_named(self.device)
        kind = torch.bfloat16 if device == "cuda" else torch.float32
        try:
            # The bar of the GGUF reader knows no switch.
            with contextlib.redirect_stderr(io.StringIO()):
                tokenizer = AutoTokenizer.from_pretrained(place, **options)
                network = AutoModelForCausalLM.from_pretrained(
                    place, dtype=kind, use_safetensors=True, **options
                )
        except (ImportError, KeyError, OSError, RuntimeError, ValueError) as error:
            reason = str(error).strip().partition("\n")[0][:160] or type(error).__name__
            raise LanguageModelError(
                f"cannot load the language model {self.name}: {reason}",
                "language_model.local is smollm2, a folder with safetensors, or "
                "OWNER/NAME@REVISION of a model hub",
            ) from error
        return network.eval().to(device), tokenizer

    def _source(self) -> tuple[str, dict[str, str]]:
        """What to load, and the options that say which of it."""
        if self.name == PACKAGED:
            folder = locate(PACKAGED)
            if not all(map(importlib.util.find_spec, _EXTRA)):
                raise LanguageModelError(
                    "the packaged language model needs two libraries that are not installed",
                    "install sensorium[llm]",
                )
            return str(folder), {"gguf_file": _GGUF}
        if Path(self.name).expanduser().is_dir():
            return str(Path(self.name).expanduser()), {}
        repository, _, revision = self.name.partition("@")
        return repository, {"revision": revision} if revision else {}


def _first(*ids: int | None) -> int:
    return next(number for number in ids if number is not None)
