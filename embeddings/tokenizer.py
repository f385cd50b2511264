"""The packaged model's tokenizer: its standard tokenizer.json, and a reader that starts quickly.

Loading 250,000 pieces with the tokenizers library takes about a second, more than all the rest of
a cold start. `UnigramTokenizer` takes a tenth of that and gives the same ids: normalisation is the
library's own, the search for the most probable cut is here. A table of how long the pieces with
each beginning are keeps that search short.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from embeddings.weights import Vocabulary

BEGIN, PAD, END, UNKNOWN, MASK = SPECIALS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
# The model's own map leaves the full-width tilde as it is; NFKC would make it an ASCII one.
_KEPT = "～"
_PLACEHOLDER = "\ue000"
_WORD_MARK = "▁"
_UNKNOWN_PENALTY = 10.0

_PIECES_FILE = "pieces.txt"
_SCORES_FILE = "scores.bin"
_BEGINNINGS_FILE = "beginnings.txt"
_LONGEST_FILE = "longest.bin"
_NORMALIZER_FILE = "normalizer.json"


def tokenizer_json(vocabulary: Vocabulary) -> str:
    """Return the text of a standard tokenizer.json, on one line."""
    scores = _scores(vocabulary)
    pieces = [[piece, score] for piece, score in zip(vocabulary.pieces, scores, strict=True)]
    return _tokenizer_json(vocabulary, pieces, vocabulary.pieces.index(UNKNOWN))


def write_fast_vocabulary(vocabulary: Vocabulary, folder: Path) -> None:
    """Write what `UnigramTokenizer` reads into `folder`, which must exist."""
    (folder / _PIECES_FILE).write_bytes("\n".join(vocabulary.pieces).encode())
    np.array(_scores(vocabulary), "<f8").tofile(folder / _SCORES_FILE)
    longest = _longest(vocabulary.pieces)
    (folder / _BEGINNINGS_FILE).write_bytes("\n".join(longest).encode())
    np.array(list(longest.values()), np.uint8).tofile(folder / _LONGEST_FILE)
    bare = _tokenizer_json(vocabulary, [[UNKNOWN, 0.0]], 0)
    (folder / _NORMALIZER_FILE).write_text(bare, "utf-8")


class UnigramTokenizer:
    """Text to token ids, as the tokenizers library does with the standard file.

    Args:
        folder: what `write_fast_vocabulary` wrote.
        limit: most ids of a text, both special ones included; the rest of the text is left out.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        from tokenizers import Tokenizer

        pieces = _lines(folder / _PIECES_FILE)
        self._ids = dict(zip(pieces, range(len(pieces)), strict=True))
        longest = (folder / _LONGEST_FILE).read_bytes()
        self._longest = dict(zip(_lines(folder / _BEGINNINGS_FILE), longest, strict=True))
        self._scores = np.fromfile(folder / _SCORES_FILE, "<f8").tolist()
        self._unknown_score = min(self._scores) - _UNKNOWN_PENALTY
        self._begin, self._end, self._unknown = (self._ids[p] for p in (BEGIN, END, UNKNOWN))
        self._normalizer = Tokenizer.from_file(str(folder / _NORMALIZER_FILE)).normalizer
        self._limit = limit

    def encode(self, text: str) -> list[int]:
        """Return the ids of `text` between those of the begin and the end."""
        content: list[int] = []
        for part in _SPECIAL_PATTERN.split(text):
            content += self._ids_of_part(part)
            if len(content) > self._limit:
                break
        return [self._begin, *content[: self._limit - 2], self._end]

    def _ids_of_part(self, part: str) -> list[int]:
        special = part.strip()
        if special in SPECIALS:
            return [self._ids[special]]
        ids: list[int] = []
        for word in self._normalizer.normalize_str(part).split():
            ids += self._cut(_WORD_MARK + word)
        return ids

    def _cut(self, word: str) -> list[int]:
        """Return the ids of the most probable cut of a word into pieces (Viterbi)."""
        ids, scores, longest = self._ids, self._scores, self._longest
        size = len(word)
        best = [0.0] + [-math.inf] * size
        back = [(0, self._unknown)] * (size + 1)
        for start in range(size):
            here = best[start]
            last = min(start + longest.get(word[start : start + 2], 1), size)
            for end in range(start + 1, last + 1):
                piece = ids.get(word[start:end])
                if piece is not None and here + scores[piece] > best[end]:
                    best[end], back[end] = here + scores[piece], (start, piece)
            if word[start] not in ids and here + self._unknown_score > best[start + 1]:
                best[start + 1], back[start + 1] = (
                    here + self._unknown_score,
                    (start, self._unknown),
                )
        return self._path(back)

    def _path(self, back: list[tuple[int, int]]) -> list[int]:
        """Return the ids on the best path; unknown characters in a row are one id."""
        path: list[int] = []
        end = len(back) - 1
        while end > 0:
            end, piece = back[end]
            if piece != self._unknown or path[-1:] != [piece]:
                path.append(piece)
        return path[::-1]


_SPECIAL_PATTERN = re.compile(rf"({'|'.join(SPECIALS[:-1])}|\s*{MASK})")


def _lines(path: Path) -> list[str]:
    return path.read_bytes().decode().split("\n")


def _longest(pieces: list[str]) -> dict[str, int]:
    """Return the length of the longest piece that starts with each two characters."""
    longest: dict[str, int] = {}
    for piece in pieces:
        if len(piece) > 1:
            longest[piece[:2]] = max(len(piece), longest.get(piece[:2], 0))
    return longest


def _scores(vocabulary: Vocabulary) -> list[float]:
    """Return the scores as the shortest decimals that mean the same float32."""
    return [float(str(score)) for score in vocabulary.scores]


def _tokenizer_json(vocabulary: Vocabulary, pieces: list[list[Any]], unknown: int) -> str:
    content = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [_added(piece, vocabulary) for piece in SPECIALS],
        "normalizer": {"type": "Sequence", "normalizers": _normalizers(vocabulary.replacements)},
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [{"type": "WhitespaceSplit"}, _metaspace()],
        },
        "post_processor": _template(),
        "decoder": _metaspace(),
        "model": {"type": "Unigram", "unk_id": unknown, "vocab": pieces, "byte_fallback": False},
    }
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def _added(piece: str, vocabulary: Vocabulary) -> dict[str, Any]:
    return {
        "id": vocabulary.pieces.index(piece),
        "content": piece,
        "single_word": False,
        "lstrip": piece == MASK,
        "rstrip": False,
        "normalized": False,
        "special": True,
    }


def _normalizers(replacements: dict[str, str]) -> list[dict[str, Any]]:
    """Return NFKC, and around it the few characters that the model's own map treats otherwise."""
    dropped = [c for c, new in replacements.items() if new == ""]
    spaces = [
        c for c, new in replacements.items() if new == " " != unicodedata.normalize("NFKC", c)
    ]
    return [
        _replace({"Regex": _class(dropped)}, ""),
        _replace({"Regex": _class(spaces)}, " "),
        _replace({"String": _KEPT}, _PLACEHOLDER),
        {"type": "NFKC"},
        _replace({"String": _PLACEHOLDER}, _KEPT),
    ]


def _replace(pattern: dict[str, str], content: str) -> dict[str, Any]:
    return {"type": "Replace", "pattern": pattern, "content": content}


def _class(characters: list[str]) -> str:
    return "[" + "".join(f"\\x{{{ord(c):x}}}" for c in characters) + "]"


def _metaspace() -> dict[str, Any]:
    return {
        "type": "Metaspace",
        "replacement": _WORD_MARK,
        "prepend_scheme": "always",
        "split": True,
    }


def _template() -> dict[str, Any]:
    begin, end, first, second = (
        {"SpecialToken": {"id": BEGIN, "type_id": 0}},
        {"SpecialToken": {"id": END, "type_id": 0}},
        {"Sequence": {"id": "A", "type_id": 0}},
        {"Sequence": {"id": "B", "type_id": 0}},
    )
    ids = {BEGIN: 0, END: 2}
    return {
        "type": "TemplateProcessing",
        "single": [begin, first, end],
        "pair": [begin, first, end, end, second, end],
        "special_tokens": {p: {"id": p, "ids": [n], "tokens": [p]} for p, n in ids.items()},
    }
