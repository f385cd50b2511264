"""What runs in the processes of a Ray cluster: it takes documents apart and encodes texts.

Nothing is written there but the caches of model and dictionary. Every result says what made it, so
that a build can tell the results of another version of this program or of another model.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from embeddings import readers, segment
from embeddings.encoder import Encoder, open_encoder
from embeddings.engine import take_apart
from embeddings.errors import EngineError, WenjuError
from embeddings.lexical import Tokenizer
from embeddings.model import home
from embeddings.ray_wire import (
    Delivered,
    Item,
    from_tasks,
    taken_to_body,
    text_of,
    to_results,
    unread_of,
    vector_to_body,
)

if TYPE_CHECKING:
    import pyarrow as pa


_SHOWN = 40


class OpenEncoder(Protocol):
    """Opens an encoder in a worker; it is sent there, so it must be picklable."""

    def __call__(self, *, threads: int) -> Encoder:
        """Return an encoder that works with so many threads."""
        ...


def opener(model: str | None) -> OpenEncoder:
    """Return what opens the packaged model, or another one.

    Workers make the packaged model themselves, from the weights that are installed there. Of a
    model that is a folder they get the path; it must hold the same files on every machine.
    """
    if model and Path(model).expanduser().is_dir():
        model = str(Path(model).expanduser().resolve())
    return partial(open_encoder, model)


class Version(NamedTuple):
    """What decides about the results of a process, in words.

    Attributes:
        program: what decides how documents are taken apart: this program, jieba, text recognition.
        model: name of the model.
        fingerprint: that of the encoder.
    """

    program: str
    model: str
    fingerprint: str


def version_here(encoder: Encoder) -> Version:
    """Return that of this process."""
    return Version(program_version(), encoder.name, encoder.fingerprint)


def program_version() -> str:
    """Return what decides in this process how documents are taken apart."""
    recognition = readers.recognition_version()
    parts = [f"wenju {version('wenju')}", segment.VERSION, f"jieba {version('jieba')}"]
    return ", ".join([*parts, f"text recognition {recognition or 'none'}"])


def greet(opener: OpenEncoder) -> Version | str:
    """Return the version of the process that this is run in, or why it cannot work on a build."""
    try:
        return version_here(opener(threads=1))
    except WenjuError as error:
        return str(error)


class Beginnings:
    """Counts how often each parcel was begun: one that is lost every time may be the reason.

    Args:
        most: how often one may be.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._begun: Counter[int] = Counter()

    def too_many(self, number: int) -> int:
        """Count a parcel; return how many workers were lost with it, 0 while it may go on."""
        self._begun[number] += 1
        return self._most if self._begun[number] > self._most else 0


class _Worker(ABC):
    """Works on one parcel after the other; what it needs is opened with the first.

    Args:
        beginnings: handle of an actor `Beginnings`.
    """

    def __init__(self, beginnings: Any) -> None:
        self._beginnings = beginnings
        self._made_by = ""

    def __call__(self, table: pa.Table) -> pa.Table:
        """Return the results of a parcel, or why there are none."""
        number, items = from_tasks(table)
        try:
            self._check_beginnings(number, items)
            self._made_by = self._made_by or self._open()
            bodies, problem = self._work(items), ""
        except WenjuError as error:
            # As a result: an error would come back in a wrapping that is Ray's, and be tried again.
            bodies, problem = [], str(error)
        return to_results(Delivered(number, bodies, self._made_by, _name(), problem))

    def _check_beginnings(self, number: int, items: Sequence[Item]) -> None:
        import ray

        if lost := ray.get(self._beginnings.too_many.remote(number)):
            raise EngineError(
                f"{lost} workers were lost one after the other while they worked on "
                f"{self._called(items[0])} and what comes with it; have they too little memory?"
            )

    @abstractmethod
    def _open(self) -> str:
        """Open what is needed; return what decides about the results, to be sent with each."""

    @abstractmethod
    def _work(self, items: Sequence[Item]) -> list[bytes]: ...

    @abstractmethod
    def _called(self, item: Item) -> str: ...


class Reader(_Worker):
    """Takes documents apart by these rules."""

    def __init__(self, beginnings: Any, rules: segment.Rules) -> None:
        super().__init__(beginnings)
        self._rules = rules

    def _open(self) -> str:
        self._segmenter = segment.Segmenter(Tokenizer(home() / "jieba"), self._rules)
        return program_version()

    def _work(self, items: Sequence[Item]) -> list[bytes]:
        return [taken_to_body(take_apart(unread_of(item), self._segmenter)) for item in items]

    def _called(self, item: Item) -> str:
        return f"the file {unread_of(item).entry.source!r}"


class TextEncoder(_Worker):
    """Encodes texts; the model is opened once."""

    def __init__(self, beginnings: Any, opener: OpenEncoder, threads: int) -> None:
        super().__init__(beginnings)
        self._opener, self._threads = opener, threads

    def _open(self) -> str:
        self._encoder = self._opener(threads=self._threads)
        return self._encoder.fingerprint

    def _work(self, items: Sequence[Item]) -> list[bytes]:
        vectors = self._encoder.encode_passages([text_of(item) for item in items])
        return [vector_to_body(vector) for vector in vectors]

    def _called(self, item: Item) -> str:
        return f"the text {text_of(item)[:_SHOWN]!r}"


def _name() -> str:
    import ray

    return f"{ray.get_runtime_context().get_node_id()}:{os.getpid()}"
