"""A user's dictionary: a file of words, read once and kept in the generation that was made with it.

What the words do to the cut of a text is for `embeddings.lexical`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from embeddings.damage import damaged
from embeddings.errors import SettingError
from embeddings.lexical import UserWord, search_form

LONGEST = 60
"""Characters of a word at most."""

MOST = 10**9
"""The highest count of a word."""

_KEPT = "dictionary.json"
_COMMENT = "#"
# A part of speech without a count stands behind a Chinese word only: "go on" is two words.
_LINE = re.compile(r"(\S.*?)(?:\s+(\d{1,10}))?(?:(?<![a-zA-Z])\s+[a-z]{1,4})?", re.ASCII)
_SAYS_SOMETHING = re.compile(r"[^\W_]")


def read_dictionary(file: str) -> tuple[UserWord, ...]:
    """Return the words of a dictionary in jieba's format.

    A line holds a word and, if wanted, its count and its part of speech (which is read over), with
    blanks in between. Empty lines and such as begin with # are left out; of a word that comes twice
    the last line counts.

    Args:
        file: path of a UTF-8 text; empty for no dictionary.

    Raises:
        SettingError: when there is no such file, it is not text, or a line makes no sense.
    """
    if not file:
        return ()
    try:
        text = Path(file).read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise SettingError(
            f"The dictionary {file!r} cannot be read ({error.strerror}); "
            "name a text file of words, one a line: --dictionary FILE"
        ) from error
    except UnicodeDecodeError as error:
        raise SettingError(
            f"The dictionary {file!r} is not UTF-8 text (byte {error.start + 1}); "
            "save it as UTF-8, one word a line"
        ) from error
    lines = ((number, line.strip()) for number, line in enumerate(text.splitlines(), 1))
    return tuple(
        _word(line, number, file) for number, line in lines if line and line[0] != _COMMENT
    )


def _word(line: str, number: int, file: str) -> UserWord:
    found = _LINE.fullmatch(line)
    word = " ".join(search_form(found[1]).split()) if found else ""
    count = int(found[2]) if found and found[2] else None
    sensible = _SAYS_SOMETHING.search(word) and len(word) <= LONGEST and "\0" not in word
    if not sensible or (count is not None and not 1 <= count <= MOST):
        shown = line if len(line) <= LONGEST else line[:LONGEST] + "…"
        raise SettingError(
            f"Line {number} of the dictionary {file!r} is {shown!r}; write a word of at most "
            f"{LONGEST} characters and, if you like, its count from 1 to {MOST:,} behind it"
        )
    return UserWord(word, count)


def keep(words: Sequence[UserWord], folder: Path) -> None:
    """Write the words into the folder of a generation; none, and no file is written."""
    if words:
        (folder / _KEPT).write_text(json.dumps(words, ensure_ascii=False), encoding="utf-8")


def kept_in(folder: Path) -> tuple[UserWord, ...]:
    """Return the words that the generation in `folder` was made with.

    Raises:
        IndexDamagedError: when they cannot be read.
    """
    try:
        found = json.loads((folder / _KEPT).read_text(encoding="utf-8"))
        return tuple(UserWord(str(word), count and int(count)) for word, count in found)
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, TypeError) as error:
        raise damaged(folder, _KEPT) from error
