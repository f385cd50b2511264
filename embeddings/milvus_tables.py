"""The tables in which Milvus keeps an index, and how passages and documents are packed into rows.

Every row but those of `META` and `CONTENTS` holds for the generations from `first` to before
`last`; the rows of a generation are those for which that is so (`visible`).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embeddings.lexical import Script
from embeddings.milvus import LONGEST_TEXT, Field, Row, Table
from embeddings.records import Role

FORMAT = 1
"""Version of the tables; an index of another one is refused."""

FOREVER = 2**62
"""`last` of a row that no newer generation lacks."""

_OWN = (Field("number"), Field("digest", "text", 40), Field("first"), Field("last"))

PASSAGES = Table("passages", (*_OWN, Field("script")), searched=True)
"""What is searched."""

PLACES = Table(
    "places",
    (*_OWN, Field("document", "text", 64, indexed=True), Field("passage", indexed=True),
     Field("ordinal"), Field("body", "text")),
)  # fmt: skip
"""Where passages stand; `ordinal` is the place among those of the document."""

DOCUMENTS = Table(
    "documents",
    (*_OWN, Field("document", "text", 64, indexed=True), Field("date", "text", 64),
     Field("title", "text"), Field("articles"), Field("places")),
)  # fmt: skip

FILES = Table(
    "files", (*_OWN, Field("document", "text", 64, indexed=True), Field("source", "text"))
)

WORDS = Table("words", (*_OWN, Field("term", indexed=True), Field("count")))
"""How many passages hold a term, by its `term_hash` as a signed number."""

CONTENTS = Table(
    "contents",
    (Field("id", "text", 64), Field("kind", "text", 16), Field("owner", indexed=True),
     Field("parts"), Field("body", "text")),
)  # fmt: skip
"""Long texts, in parts that a field takes, by what they belong to and its number."""

META = Table("meta", (Field("name", "text", 64), Field("body", "text")))

DATED = (PASSAGES, PLACES, DOCUMENTS, FILES, WORDS)
"""The tables whose rows hold for some generations."""

ALL = (*DATED, CONTENTS, META)

PASSAGE, DOCUMENT, GENERATION = "p", "d", "g"
"""Kinds of contents."""

_GENERATION_BITS = 32
_SENTENCE_BITS = 12

MOST_SENTENCES = 1 << _SENTENCE_BITS
"""Sentences of a passage whose rows can be told apart."""


def visible(generation: int) -> str:
    """Return the condition that a row holds for a generation."""
    return f"first <= {generation} and last > {generation}"


def first_number(generation: int) -> int:
    """Return the lowest number of the rows that a generation adds to a table."""
    return generation << _GENERATION_BITS


def sentence_row(passage: int) -> int:
    """Return the row of the first sentence of a passage; the others follow."""
    return passage << _SENTENCE_BITS


def passage_of(sentence: int) -> tuple[int, int]:
    """Return passage and place in it of a sentence, by its row."""
    return sentence >> _SENTENCE_BITS, sentence & (MOST_SENTENCES - 1)


def signed(term: int) -> int:
    """Return a 64-bit hash as Milvus keeps it."""
    return term - 2**64 if term >= 2**63 else term


@dataclass(frozen=True, slots=True)
class Content:
    """What is kept of a passage.

    Attributes:
        role: what it is.
        script: in which script.
        text: its clean text.
        sentences: the texts of its sentences.
        terms: its words, those of the headlines above it among them, and how often each is there.
        length: number of all its words.
        vectors: of itself, then of its sentences, half precision, shape (1 + sentences,
            dimensions).
    """

    role: Role
    script: Script
    text: str
    sentences: tuple[str, ...]
    terms: dict[str, int]
    length: int
    vectors: NDArray[np.float16]

    def to_json(self) -> str:
        """Return all of it as text."""
        packed = base64.b64encode(self.vectors.astype("<f2").tobytes()).decode()
        fields = [self.role, int(self.script), self.text, self.sentences, self.terms, packed]
        return to_json(fields)

    @classmethod
    def from_json(cls, text: str) -> Content:
        """Return what `to_json` wrote."""
        role, script, said, sentences, terms, packed = json.loads(text)
        vectors = np.frombuffer(base64.b64decode(packed), dtype="<f2")
        return cls(
            Role(role), Script(script), said, tuple(sentences), terms, sum(terms.values()),
            vectors.reshape(1 + len(sentences), -1),
        )  # fmt: skip


def to_json(value: Any) -> str:
    """Return JSON that Milvus takes: half of a surrogate pair is written as an escape."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"))
    return text


def plain(text: str, longest: int = LONGEST_TEXT) -> str:
    """Return a text as a field takes it: valid Unicode, cut off where it is too long."""
    data = text.encode("utf-8", "replace")[:longest]
    return data.decode("utf-8", "ignore")


def content_rows(kind: str, owner: int, text: str) -> list[Row]:
    """Return the rows that keep a text."""
    parts = list(_parts(text)) or [""]
    return [
        {"id": content_id(kind, owner, at), "kind": kind, "owner": owner, "parts": len(parts),
         "body": part}
        for at, part in enumerate(parts)
    ]  # fmt: skip


def content_id(kind: str, owner: int, part: int = 0) -> str:
    """Return the key of a part of what belongs to the row or generation `owner`."""
    return f"{kind}{owner}.{part}"


def _parts(text: str) -> Iterator[str]:
    data = text.encode("utf-8")
    start = 0
    while start < len(data):
        end = min(start + LONGEST_TEXT, len(data))
        while end < len(data) and data[end] & 0xC0 == 0x80:  # inside of a character
            end -= 1
        yield data[start:end].decode("utf-8")
        start = end


def pack(vectors: NDArray[np.float32]) -> str:
    """Return numbers as text."""
    return base64.b64encode(np.asarray(vectors, "<f4").tobytes()).decode()


def unpack(text: str, shape: Sequence[int]) -> NDArray[np.float32]:
    """Return the numbers that `pack` wrote."""
    return np.frombuffer(base64.b64decode(text), dtype="<f4").reshape(shape)
