"""Clean words from files and manifests: one form for every encoder, whatever wrote them.

- Unicode is composed (NFC), so that an accent typed two ways is one word.
- Tags are stripped only where the text has closing tags or known void tags: "a < b" stays.
- The limit is in characters and cuts at a space, because half a word embeds as another word.
"""

from __future__ import annotations

import html
import re
import unicodedata

from ingest.errors import DecodeError

DEFAULT_MAX_CHARACTERS = 8000
"""Longest text kept: about four times what a sentence encoder reads."""
MAX_TITLE_CHARACTERS = 120
"""Longest first line of a text file that counts as its title."""

_HIDDEN = re.compile(r"<!--.*?-->|<(script|style)\b.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"</?[a-zA-Z][a-zA-Z0-9]*(?:\s[^<>]*)?/?>|<!doctype[^>]*>", re.IGNORECASE)
_MARKUP = re.compile(r"</[a-zA-Z][a-zA-Z0-9]*\s*>|<(?:br|hr|img|!doctype)\b[^>]*>", re.IGNORECASE)
_BREAKS = re.compile(r"<(?:br|/p|/div|/li|/h[1-6]|/tr)\b[^>]*>", re.IGNORECASE)


def clean(text: str, max_characters: int = DEFAULT_MAX_CHARACTERS) -> str:
    """Strip markup, control characters and surplus white space, compose, and limit.

    Args:
        text: anything that was meant as words.
        max_characters: longest result.

    Returns:
        Lines without trailing space, at most one of them empty in a row.
    """
    if _MARKUP.search(text):
        text = _TAG.sub("", _BREAKS.sub("\n", _HIDDEN.sub(" ", text)))
    text = unicodedata.normalize("NFC", html.unescape(text))
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n")
    text = "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in _UNSEEN)
    lines = (" ".join(line.split()) for line in text.split("\n"))
    return shorten(re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip(), max_characters)


_UNSEEN = {"Cc", "Cs", "Co", "Cn"}
"""Unicode categories without a meaning to read; joiners of scripts and emoji (Cf) stay."""


def clean_line(text: str, max_characters: int = 500) -> str:
    """Clean a title or tag: like ``clean``, on one line."""
    return shorten(" ".join(clean(text, 4 * max_characters).split()), max_characters)


def shorten(text: str, max_characters: int) -> str:
    """Cut at the last space before the limit, or at the limit where there is none near."""
    if len(text) <= max_characters:
        return text
    cut = text[:max_characters]
    head, _, tail = cut.rpartition(" ")
    return head.rstrip() if head and len(tail) < max_characters // 4 else cut


def read_text(data: bytes, name: str) -> str:
    """Decode the bytes of a text file: UTF-8, UTF-16 with its mark, else Windows-1252.

    Args:
        data: the bytes.
        name: what to call the file in the error.

    Raises:
        DecodeError: ``empty`` or ``mismatch``, where the bytes are not text.
    """
    if not data.strip():
        raise DecodeError("empty", f"{name} has no text")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace")
    if b"\0" in data:
        raise DecodeError("mismatch", f"{name} is named as text, but holds binary data")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.start >= len(data) - 3:
            return data[: error.start].decode("utf-8-sig")
    if sum(byte < 9 or 13 < byte < 32 for byte in data) > len(data) // 20:
        raise DecodeError("mismatch", f"{name} is named as text, but holds binary data")
    return data.decode("cp1252", errors="replace")


def split_title(text: str) -> tuple[str, str]:
    """Take a short first line as the title.

    Returns:
        Title and remaining text; the title is empty where the first line is long.
    """
    first, _, rest = text.strip().partition("\n")
    if len(first) > MAX_TITLE_CHARACTERS:
        return "", text.strip()
    return first.strip(), rest.strip()
