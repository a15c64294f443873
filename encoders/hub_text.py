"""Long texts in many languages with a sentence encoder of a model hub, through transformers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encoders.base import Fingerprint
from encoders.hub_files import HubModel, device_named, resolve_quietly
from encoders.text import pool_windows, token_windows

PREFIX = "query: "
"""The model was trained with it before both sides of a pair of equals."""
WINDOWS_PER_PASS = 32

E5_SMALL = HubModel(
    name="e5-small",
    repository="intfloat/multilingual-e5-small",
    revision="614241f622f53c4eeff9890bdc4f31cfecc418b3",
    files=("config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"),
    width=384,
)


class SentenceEncoder:
    """A BERT-like sentence encoder with mean pooling: texts to vectors.

    Args:
        model: which, at which revision.
        device: auto, cpu or cuda.
    """

    def __init__(self, model: HubModel = E5_SMALL, device: str = "auto") -> None:
        self.model = model
        self.device = device

    @property
    def width(self) -> int:
        """Length of the vectors."""
        return self.model.width

    @property
    def fingerprint(self) -> Fingerprint:
        """What makes these vectors."""
        return self.model.fingerprint(f"prefix {PREFIX!r}, windows of the model's length, mean")

    def count_tokens(self, texts: Sequence[str]) -> int:
        """Count the tokens of some texts, without the prefix and special ones."""
        _, tokenizer = self._loaded
        found = tokenizer(list(texts), add_special_tokens=False, verbose=False)["input_ids"]
        return sum(map(len, found))

    def encode(self, media: Sequence[str]) -> NDArray[np.float32]:
        """Encode texts.

        Args:
            media: B texts of any length.

        Returns:
            Unit vectors, (B, D).

        Raises:
            ModelUnavailableError: the weights cannot be had.
        """
        network, tokenizer = self._loaded
        longest = min(tokenizer.model_max_length, network.config.max_position_embeddings, 512)
        cut = [token_windows(self._ids(text), longest) for text in media]
        first, last = tokenizer.cls_token_id, tokenizer.sep_token_id
        windows = [[first, *ids, last] for part in cut for ids in part]
        vectors = [
            row
            for start in range(0, len(windows), WINDOWS_PER_PASS)
            for row in self._pass(windows[start : start + WINDOWS_PER_PASS])
        ]
        return pool_windows(vectors, cut, self.width)

    def _ids(self, text: str) -> list[int]:
        _, tokenizer = self._loaded
        ids = tokenizer(PREFIX + text, add_special_tokens=False, verbose=False)["input_ids"]
        return list(ids)

    def _pass(self, windows: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        import torch

        network, _ = self._loaded
        longest = max(map(len, windows))
        ids = torch.zeros((len(windows), longest), dtype=torch.long)
        mask = torch.zeros_like(ids)
        for i, window in enumerate(windows):
            ids[i, : len(window)] = torch.tensor(window)
            mask[i, : len(window)] = 1
        ids, mask = ids.to(self._place), mask.to(self._place)
        with torch.inference_mode():
            hidden = network(input_ids=ids, attention_mask=mask).last_hidden_state.float()
        pooled = (hidden * mask[..., None]).sum(dim=1) / mask.sum(dim=1, keepdim=True)
        return np.asarray(pooled.cpu().numpy(), np.float32)

    @cached_property
    def _place(self) -> str:
        return device_named(self.device)

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        """Network and tokenizer."""
        folder = resolve_quietly(self.model)
        import torch
        from transformers import AutoModel, AutoTokenizer

        kind = torch.bfloat16 if self._place == "cuda" else torch.float32
        network = AutoModel.from_pretrained(folder, dtype=kind).eval().to(self._place)
        return network, AutoTokenizer.from_pretrained(folder)
