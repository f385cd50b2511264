"""What is known of a passage by its text: keys of repeats and encoder inputs, and its script.

Kept in the catalogue, so that a rebuild works it out for new passages only.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import NamedTuple, Protocol

from embeddings.catalogue import Catalogue
from embeddings.cleaning import HAN
from embeddings.encoder import KEY_BYTES, Encoder, vector_key
from embeddings.lexical import Script, script_of
from embeddings.records import CUT_OFF, Passage

INPUTS = "inputs/3"
"""Changes whenever `repeat_key`, `input_keys` or `lexical.script_of` gives something else."""

_WIDE = "\u2014\u2018-\u201d\u2026\u3000-\u303f\uff00-\uffef"
"""Marks of Chinese type."""

_IDLE_SPACE = re.compile(rf"(?<=[{HAN}{_WIDE}])\s+|\s+(?=[{HAN}{_WIDE}])")


class Headed(Protocol):
    """What a passage is found by: its text, and the headlines above it."""

    @property
    def title(self) -> str:
        """The article's."""

    @property
    def heading(self) -> str:
        """The section's."""

    @property
    def text(self) -> str:
        """Its own."""


class Keys(NamedTuple):
    """What is kept of a passage.

    Attributes:
        repeat: equal for passages that repeat one another; the first bytes of `repeat_key`.
        script: the script of its text.
        inputs: vector keys of its own text, then of each of its sentences.
    """

    repeat: bytes
    script: Script
    inputs: tuple[bytes, ...]

    def packed(self) -> bytes:
        """Return all of it as bytes."""
        return self.repeat + bytes([self.script]) + b"".join(self.inputs)

    @classmethod
    def unpacked(cls, data: bytes) -> Keys:
        """Return what `packed` gave."""
        starts = range(KEY_BYTES + 1, len(data), KEY_BYTES)
        inputs = tuple([data[start : start + KEY_BYTES] for start in starts])
        return cls(data[:KEY_BYTES], Script(data[KEY_BYTES]), inputs)


def known_keys(catalogue: Catalogue, document: str, encoder: Encoder) -> list[Keys]:
    """Return those of each passage of a document in reading order; new ones are kept."""
    inputs = f"{INPUTS} {encoder.fingerprint}"
    kept = catalogue.keys_of(document, inputs)
    if kept is None:
        kept = [keys_of(passage, encoder).packed() for passage in catalogue.passages(document)]
        catalogue.put_keys(document, inputs, kept)
    return [Keys.unpacked(data) for data in kept]


def keys_of(passage: Passage, encoder: Encoder) -> Keys:
    """Return those of a passage."""
    inputs = tuple(key for key, _ in input_keys(passage, encoder))
    return Keys(repeat_key(passage)[:KEY_BYTES], script_of(passage.text), inputs)


def found_by(passage: Headed) -> str:
    """Return the text whose words find a passage: the headlines above it, and its own.

    An article's first words in place of a headline say nothing more.
    """
    title = "" if passage.title.endswith(CUT_OFF) else passage.title
    above = [one for one in (title, passage.heading) if one and passage.text not in one]
    return "\n".join([*above, passage.text])


def encoder_inputs(passage: Passage) -> list[str]:
    """Return the texts to encode for a passage: its own, then one for each sentence.

    Without the headlines above: with them all passages of an article look alike, see
    benchmarks/segmenting.py.
    """
    return [passage.text, *(sentence.text for sentence in passage.sentences)]


def input_keys(passage: Passage, encoder: Encoder) -> Iterator[tuple[bytes, str]]:
    """Yield (vector key, text) for the passage's own text, then for each of its sentences."""
    for text in encoder_inputs(passage):
        yield vector_key(encoder.fingerprint, encoder.passage_input(text)), text


def repeat_key(passage: Passage) -> bytes:
    """Return what is equal for passages that repeat one another, wherever they stand.

    White space beside a Chinese character or mark says nothing; between Latin words and numbers
    it parts them and counts. Title and heading are left out: under another headline it is still
    the same text.
    """
    digest = hashlib.sha256(passage.role.value.encode())
    for sentence in passage.sentences:
        text = _IDLE_SPACE.sub("", sentence.text)
        digest.update(b"\0" + " ".join(text.split()).encode("utf-8", "surrogatepass"))
    return digest.digest()
