"""The bundled family: every weight arrives through the package index, no hub is needed.

The joint space is the sentence encoder's; pictures and sounds are brought into it by learnt maps.
Candidate words, looked up rarely, also come into the space of pictures: drawn.
"""

from __future__ import annotations

from pathlib import Path

from encoders.alignment import Alignment, shipped
from encoders.audio import YamnetEncoder
from encoders.drawn import DrawnWords
from encoders.image import ClipImageEncoder
from encoders.multilingual import MultilingualEncoder
from encoders.onnx import Threads
from encoders.text import BGE_SMALL, MINILM, OnnxTextEncoder
from encoders.towers import SPACE_FIELDS, Aligner, TextEncoder, Towers


def bundled_towers(text_model: str, threads: Threads, alignment_dir: str) -> Towers:
    """Put the family together; no weights are read yet.

    Args:
        text_model: name of the sentence encoder in ``encoders.weight_table``.
        threads: how much of the machine each encoder may use.
        alignment_dir: folder of learnt maps ``SOURCE.safetensors`` that replace shipped ones;
            empty for the shipped ones.

    Raises:
        AlignmentError: a map is neither there nor shipped.
    """
    image, sound = ClipImageEncoder(threads), YamnetEncoder(threads)
    text = _text_encoder(text_model, threads)
    names = {"frames": image.weights, "sound": sound.weights, "text": text_model}
    aligners: dict[str, Aligner] = {
        source: _alignment(source, tower, text_model, alignment_dir)
        for source, tower in names.items()
    }
    return Towers(
        image=image,
        sound=sound,
        text=text,
        aligners=aligners,
        words=((SPACE_FIELDS, lambda texts: aligners["text"].apply(text.encode(texts))),),
        native_field={"frames": "image_native", "sound": "audio_native"},
        space_width=text.width,
        drawn=DrawnWords(image).encode,
    )


def _text_encoder(name: str, threads: Threads) -> TextEncoder:
    match name:
        case "minilm-l6":
            return OnnxTextEncoder(MINILM, threads)
        case "bge-small-en":
            return OnnxTextEncoder(BGE_SMALL, threads)
        case "multilingual-e5-small":
            return MultilingualEncoder(threads)
    raise ValueError(f"no packaged text model {name!r}")


def _alignment(source: str, tower: str, text_model: str, folder: str) -> Alignment:
    learnt = Path(folder) / f"{source}.safetensors"
    return Alignment.load(learnt) if folder and learnt.exists() else shipped(tower, text_model)
