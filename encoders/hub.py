"""The hub family: OpenCLIP, CLAP and a multilingual sentence encoder at pinned revisions.

The joint space is OpenCLIP's. Sounds and long texts come into it through words; beside that, words
are compared with sounds in CLAP's own space and with texts in the sentence encoder's, where they
meet without a map.
"""

from __future__ import annotations

from dataclasses import dataclass

from encoders.alignment import IDENTITY
from encoders.hub_files import HubModel
from encoders.hub_image import SIGLIP2_B16, VIT_B16, VIT_B32, OpenClipEncoder
from encoders.hub_sound import CLAP, ClapEncoder
from encoders.hub_text import E5_SMALL, SentenceEncoder
from encoders.hub_words import WordsAligner
from encoders.towers import SPACE_FIELDS, Towers

IMAGE_MODELS = {model.name: model for model in (SIGLIP2_B16, VIT_B32, VIT_B16)}


@dataclass(frozen=True, slots=True, kw_only=True)
class HubOptions:
    """Which models, and where they run."""

    image_model: HubModel = SIGLIP2_B16
    """OpenCLIP model; its space is the joint one."""
    sound_model: HubModel = CLAP
    """CLAP model."""
    text_model: HubModel = E5_SMALL
    """Sentence encoder."""
    device: str = "auto"
    """auto, cpu or cuda."""
    compiled: bool = False
    """Whether the image tower goes through ``torch.compile``."""


def hub_towers(options: HubOptions) -> Towers:
    """Put the family together; nothing is fetched yet."""
    clip = OpenClipEncoder(options.image_model, options.device, options.compiled)
    clap = ClapEncoder(options.sound_model, options.device)
    text = SentenceEncoder(options.text_model, options.device)
    return Towers(
        image=clip,
        sound=clap,
        text=text,
        aligners={
            "frames": IDENTITY,
            "sound": WordsAligner(
                clap.encode_words, clip.encode_words, (clap.fingerprint, clip.fingerprint)
            ),
            "text": WordsAligner(
                text.encode, clip.encode_words, (text.fingerprint, clip.fingerprint)
            ),
        },
        words=(
            (SPACE_FIELDS, clip.encode_words),
            (("audio_native",), clap.encode_words),
            (("text_native",), text.encode),
        ),
        native_field={
            "frames": "image_native",
            "sound": "audio_native",
            "text": "text_native",
            "speech": "text_native",
            "screen": "text_native",
        },
        space_width=clip.width,
    )
