"""Bytes -> text: finds the encoding on the whole file and refuses what would be garbage.

A file is never indexed in a doubtful reading: when two are about as probable, it is refused.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass

from embeddings.errors import UnreadableFileError
from embeddings.readers.blocks import check_length
from embeddings.readers.characters import CodeLength, code_length

LONGEST_CODE = 10.8
"""Bits per character beyond ASCII above which a guessed reading is taken for garbage.

Passages of the public Chinese question sets have at most 10.2, Korean read as GB18030 has 11.5.
"""

MARGIN = 8.0
"""Bits by which the best guess must beat the next (256 to 1)."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"\x84\x31\x95\x33", "gb18030"),
)
_GUESSED = ("gb18030", "big5hkscs", "utf-16-le", "utf-16-be")
_DECLARED = {
    "gb2312": "gb18030", "gbk": "gb18030", "gb18030": "gb18030", "x-gbk": "gb18030",
    "big5": "big5hkscs", "big5-hkscs": "big5hkscs", "x-x-big5": "big5hkscs",
    "shift_jis": "cp932", "shift-jis": "cp932", "euc-jp": "euc_jp", "euc-kr": "cp949",
    "iso-8859-1": "cp1252", "windows-1252": "cp1252", "windows-1251": "cp1251",
}  # fmt: skip
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_NOT_CHARACTERS = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\ue000-\uf8ff\ufdd0-\ufdef\ufffd-\uffff\U000e0000-\U0010ffff]"
)
_KANA = re.compile("[\u3041-\u30ff]")
_ADVICE = "save the file as UTF-8 and build again"


@dataclass(frozen=True, slots=True)
class Decoded:
    """A text without its byte-order mark, with its own line endings; and Python's codec name."""

    text: str
    encoding: str


def decode(data: bytes, declared: str | None = None) -> Decoded:
    """Return the text of a whole file.

    Args:
        data: the file's bytes.
        declared: charset that the file names for itself, believed where it decodes well.

    Raises:
        UnreadableFileError: when it is not text in UTF-8, UTF-16, GB18030 or Big5, or two of them
            are about as likely; when it is too long.
    """
    decoded = _marked(data) or _utf8(data) or _declared(data, declared) or _guess(data, declared)
    check_length(len(decoded.text))
    _check_text(decoded.text)
    return decoded


def _marked(data: bytes) -> Decoded | None:
    """Return the text of a file that begins with a byte-order mark."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            try:
                return Decoded(data[len(mark) :].decode(encoding), encoding)
            except UnicodeDecodeError as error:
                raise UnreadableFileError(
                    f"begins as {encoding.upper()} but is damaged at byte "
                    f"{error.start + len(mark)}; {_ADVICE}"
                ) from error
    return None


def _utf8(data: bytes) -> Decoded | None:
    """Return the text of valid UTF-8, which no other encoding looks like for long."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    if b"\0" in data and _has_zeros_of_utf16(data):
        return None
    return Decoded(text, "utf-8")


def _has_zeros_of_utf16(data: bytes) -> bool:
    """Tell whether zero bytes stand on one side of the pairs only, as ASCII in UTF-16 has them."""
    even, odd = data[::2].count(0), data[1::2].count(0)
    return len(data) % 2 == 0 and min(even, odd) == 0 and max(even, odd) * 20 > len(data)


def _strict(data: bytes, encoding: str) -> str | None:
    """Return the text when every byte decodes to a character that text may hold."""
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return None
    return None if _NOT_CHARACTERS.search(text) else text


def _declared(data: bytes, declared: str | None) -> Decoded | None:
    encoding = _DECLARED.get((declared or "").strip().lower())
    if encoding is None or encoding.startswith("cp125"):
        return None
    text = _strict(data, encoding)
    return Decoded(text, encoding) if text is not None else None


def _guess(data: bytes, declared: str | None) -> Decoded:
    readings = sorted(_readings(data), key=lambda reading: reading[0].bits)
    good = [each for each in readings if _is_plausible(*each)]
    if not good:
        return _single_byte(data, declared) or _refuse(data)
    length, text, encoding = good[0]
    if len(readings) > 1 and readings[1][0].bits - length.bits < MARGIN:
        _refuse_doubtful([each[2] for each in readings[:2]])
    return Decoded(text, encoding)


def _readings(data: bytes) -> Iterator[tuple[CodeLength, str, str]]:
    for encoding in _GUESSED:
        text = _strict(data, encoding)
        if text:
            yield code_length(text), text, encoding


def _is_plausible(length: CodeLength, text: str, encoding: str) -> bool:
    """Tell whether it reads like Chinese; UTF-16 of ASCII alone is known by its zero bytes."""
    if not length.wide:
        return encoding.startswith("utf-16")
    return length.per_character <= LONGEST_CODE and len(_KANA.findall(text)) * 10 <= length.wide


def _single_byte(data: bytes, declared: str | None) -> Decoded | None:
    """Return a declared Western or Cyrillic reading; these fit any bytes, so they come last."""
    encoding = _DECLARED.get((declared or "").strip().lower(), "")
    text = _strict(data, encoding) if encoding.startswith("cp125") else None
    return Decoded(text, encoding) if text is not None else None


def _refuse(data: bytes) -> Decoded:
    if b"\0" in data:
        raise UnreadableFileError("holds zero bytes, so it is not text; export it as text")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnreadableFileError(
            f"not UTF-8 (byte {error.start}), and no Chinese text in GB18030, Big5 or UTF-16 "
            f"either; {_ADVICE}"
        ) from error
    raise UnreadableFileError(f"not text in UTF-8, UTF-16, GB18030 or Big5; {_ADVICE}")


def _refuse_doubtful(encodings: list[str]) -> None:
    first, second = (encoding.upper() for encoding in encodings)
    raise UnreadableFileError(f"too short to tell whether it is {first} or {second}; {_ADVICE}")


def _check_text(text: str) -> None:
    """Refuse what decodes but is not text, or was garbled before it was saved.

    Raises:
        UnreadableFileError: with the reason.
    """
    controls = len(_CONTROL.findall(text))
    if "\0" in text or controls * 1000 > len(text):
        raise UnreadableFileError("holds control characters, so it is not text; export it as text")
    lost = text.count("\ufffd") + 3 * text.count("锟斤拷")
    if (lost > 2 and lost * 100 > len(text)) or _was_misread(text):
        raise UnreadableFileError(
            "its text was garbled before it was saved; get the file again from where it came"
        )


def _was_misread(text: str) -> bool:
    """Tell whether it is UTF-8 that was read as GB18030 or Windows-1252 and saved so (æµŽå—)."""
    if sum(not character.isascii() for character in text[:10_000]) < 4:
        return False
    return any(_is_utf8_in(text, encoding) for encoding in ("gb18030", "cp1252", "latin-1"))


def _is_utf8_in(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding).decode("utf-8")
    except UnicodeError:
        return False
    return True
