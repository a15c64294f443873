"""The root of the one error tree; each room's errors stand beside what raises them."""

from __future__ import annotations


class SensoriumError(Exception):
    """An error a person can act on: a stable code, one sentence, and the way out.

    Args:
        sentence: what happened, and to what.
        hint: the next step; may be empty.
    """

    code = "error"

    def __init__(self, sentence: str, hint: str = "") -> None:
        super().__init__(sentence, hint)
        self.sentence = sentence
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.sentence}; {self.hint}" if self.hint else self.sentence


class DecodeError(SensoriumError):
    """One file cannot be decoded; the run goes on without it.

    Args:
        code: stable machine-readable cause, one of ``DECODE_CODES``.
        sentence: what happened, and to what.
        hint: the next step; may be empty.
    """

    def __init__(self, code: str, sentence: str, hint: str = "") -> None:
        super().__init__(sentence, hint)
        self.code = code

    def __reduce__(self) -> tuple[type[DecodeError], tuple[str, str, str]]:
        return type(self), (self.code, self.sentence, self.hint)


DECODE_CODES = {
    "empty": "the file has no bytes",
    "missing": "the file is not there, or may not be read",
    "outside": "the file is not in a folder that may be read",
    "unsupported": "no decoder for this kind of file",
    "mismatch": "the bytes are not what the extension says",
    "truncated": "the file ends before its content does",
    "corrupt": "the decoder refuses the content",
    "no_stream": "the container holds neither pictures nor sound",
    "too_many_pixels": "more pixels than the limit",
    "too_long": "longer than the limit",
    "too_large": "more bytes than the limit",
    "timeout": "decoding took longer than the limit",
    "crash": "the native decoder took its process down",
    "out_of_memory": "the content needs more memory than a worker may use",
    "encode_failed": "an encoder refused the decoded content",
    "blank": "nothing to see or hear: every frame is blank and there is no sound",
    "bad_metadata": "the sidecar or manifest row cannot be read",
}
"""Every quarantine code with its meaning."""
