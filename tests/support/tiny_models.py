"""Randomly initialised models of the hub family's own classes, small enough to make in a second."""

from __future__ import annotations

import json
from pathlib import Path

from encoders.hub_files import HubModel

WORDS = ("a", "an", "the", "of", "photo", "sound", "dog", "cat", "rain", "query", ":")


def tiny_clip(folder: Path) -> HubModel:
    """An OpenCLIP model with one layer per tower, as a folder of its files."""
    import open_clip
    import torch
    from safetensors.torch import save_file

    folder.mkdir(parents=True)
    network = {
        "embed_dim": 24,
        "vision_cfg": {
            "image_size": 32,
            "layers": 1,
            "width": 32,
            "head_width": 16,
            "patch_size": 16,
        },
        "text_cfg": {
            "context_length": 77,
            "vocab_size": 49408,
            "width": 32,
            "heads": 2,
            "layers": 1,
        },
    }
    config = {"model_cfg": network, "preprocess_cfg": {"size": 32, "resize_mode": "shortest"}}
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    torch.manual_seed(1)
    model = open_clip.model.CLIP(**network)
    save_file(
        {name: tensor.contiguous() for name, tensor in model.state_dict().items()},
        folder / "open_clip_model.safetensors",
    )
    return _described("tiny-clip", folder, 24)


def tiny_clap(folder: Path) -> HubModel:
    """A CLAP model of two stages, as a folder of its files."""
    import torch
    from transformers import ClapConfig, ClapFeatureExtractor, ClapModel

    config = ClapConfig(
        text_config={
            "vocab_size": 64,
            "hidden_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "intermediate_size": 32,
            "max_position_embeddings": 80,
            "projection_dim": 20,
        },
        audio_config={
            "patch_embeds_hidden_size": 8,
            "hidden_size": 16,
            "depths": [1, 1],
            "num_attention_heads": [1, 2],
            "projection_dim": 20,
        },
        projection_dim=20,
    )
    torch.manual_seed(2)
    ClapModel(config).save_pretrained(folder)
    ClapFeatureExtractor(truncation="rand_trunc").save_pretrained(folder)
    _tokenizer(folder, max_length=78)
    return _described("tiny-clap", folder, 20)


def tiny_sentence(folder: Path) -> HubModel:
    """A BERT of one layer with windows of 32 tokens, as a folder of its files."""
    import torch
    from transformers import BertConfig, BertModel

    config = BertConfig(
        vocab_size=64,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=32,
    )
    torch.manual_seed(3)
    BertModel(config).save_pretrained(folder)
    _tokenizer(folder, max_length=32)
    return _described("tiny-sentence", folder, 16)


def _described(name: str, folder: Path, width: int) -> HubModel:
    return HubModel(
        name=name,
        repository=f"tests/{name}",
        revision="0" * 40,
        files=(),
        width=width,
        folder=folder,
    )


def _tokenizer(folder: Path, max_length: int) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS]
    tokenizer = Tokenizer(
        models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="[UNK]")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=max_length,
    ).save_pretrained(folder)
