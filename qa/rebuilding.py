"""A rebuild in the background of a program that answers questions: one at a time, watched by many.

Knows no page; the bot notices the new index by itself.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from embeddings.build import build
from embeddings.encoder import Encoder
from embeddings.errors import IndexMissingError, WenjuError
from embeddings.lexical import Tokenizer
from embeddings.library import Library
from embeddings.locking import Writer, read_note
from embeddings.progress import OnProgress, Progress
from embeddings.reports import BuildReport, Changes
from embeddings.settings import MEGABYTE, Settings
from embeddings.store import IndexFolder
from embeddings.uploads import given_to
from embeddings.user_dictionary import read_dictionary

STAGES = ("read", "encode", "write")
"""Stages of a build, in their order."""

_log = logging.getLogger(__name__)

Build = Callable[[OnProgress], BuildReport]

Engines = tuple[Encoder, Tokenizer]


@dataclass(frozen=True, slots=True)
class State:
    """What the last rebuild of this process does, or did.

    Attributes:
        number: counts the rebuilds from 1; 0 before the first.
        running: whether it goes on.
        at: how far its stage is, or None before the first one.
        report: what it did, or None.
        error: the sentence that ended it, or None; empty for a failure of the program.
        seconds: since it began, or how long it took.
    """

    number: int = 0
    running: bool = False
    at: Progress | None = None
    report: BuildReport | None = None
    error: str | None = None
    seconds: float = 0.0


def build_of(library: Library, engines: Callable[[], Engines], settings: Settings) -> Build:
    """Return what brings the index of a library up to date with the engines that ask it.

    Args:
        library: knows the index and its folder of documents.
        engines: gives encoder and tokenizer when a build begins.
        settings: the dictionary named there is taken; without one the index keeps its own.
    """
    known = library.root  # while the index is there: it may be removed under a running program

    def run(tell: OnProgress) -> BuildReport:
        root = library.root or known
        if root is None:
            raise IndexMissingError(
                f"The index {str(library.index)!r} does not say which folder it was built from; "
                f"build it once: wenju build FOLDER --index {library.index}"
            )
        encoder, tokenizer = engines()
        if settings.dictionary:
            tokenizer = tokenizer.with_words(read_dictionary(settings.dictionary))
        largest = settings.largest_file * MEGABYTE
        return build(
            root, library.index, encoder, tokenizer,
            largest=largest, on_progress=tell, store=library.store,
        )  # fmt: skip

    return run


class Rebuilding:
    """Runs `build` in a thread, never twice at a time.

    Args:
        build: brings the index up to date, telling its progress.
        index: the index folder.
    """

    def __init__(self, build: Build, index: Path) -> None:
        self._build = build
        self._index = index
        self._folder = IndexFolder(index)
        self._changed = threading.Condition()
        self._state = State()
        self._version = 0
        self._began = 0.0
        self._is_wanted_again = False

    def start(self) -> bool:
        """Begin a rebuild; return False when one runs already, which then is to be watched.

        That one takes in what was given to the index since it began, too.
        """
        with self._changed:
            self._is_wanted_again = self._state.running
            if self._state.running:
                return False
            self._began = time.monotonic()
            self._put(State(self._state.number + 1, running=True))
        threading.Thread(target=self._run, name="wenju-rebuild", daemon=True).start()
        return True

    def _run(self) -> None:
        report: BuildReport | None = None
        has_ended = False
        while not has_ended:
            given = given_to(self._index)
            error: str | None = ""
            try:
                report, error = _together(report, self._build(self._tell)), None
            except WenjuError as found:
                error = str(found)
            except OSError as found:
                _log.exception("the rebuild failed")
                error = f"The rebuild failed: {found.strerror or found}"
            finally:
                has_ended = self._end(report, error, given)

    def _end(self, report: BuildReport | None, error: str | None, given: tuple[int, int]) -> bool:
        """Note that it has ended, unless somebody gave the index more and wants that in, too."""
        with self._changed:
            if error is None and self._is_wanted_again and given_to(self._index) != given:
                self._is_wanted_again = False
                return False
            ended = replace(
                self._state,
                running=False,
                report=None if error is not None else report,
                error=error,
            )
            self._put(replace(ended, seconds=time.monotonic() - self._began))
            return True

    def _tell(self, at: Progress) -> None:
        with self._changed:
            self._put(replace(self._state, at=at, seconds=time.monotonic() - self._began))

    def _put(self, state: State) -> None:
        self._state = state
        self._version += 1
        self._changed.notify_all()

    def state(self) -> State:
        """Return how far it is."""
        with self._changed:
            return self._state

    def wait(self, seconds: float) -> State:
        """Return the state when it has changed, or after so many seconds."""
        with self._changed:
            version = self._version
            self._changed.wait_for(lambda: self._version != version, timeout=seconds)
            return self._state

    def other(self) -> Writer | None:
        """Return another process that writes the index now, or None."""
        found = None if self.state().running else read_note(self._folder.lock)
        return None if found is None or found.is_gone() else found


def _together(first: BuildReport | None, second: BuildReport) -> BuildReport:
    """Return what two builds did, one after the other, as what one did."""
    if first is None:
        return second
    one, other = first.changes, second.changes
    changes = Changes(
        one.new + other.new,
        one.changed + other.changed,
        one.renamed + other.renamed,
        one.removed + other.removed,
        other.unchanged,
    )
    return replace(
        second,
        published=first.published or second.published,
        encoded=first.encoded + second.encoded,
        seconds=first.seconds + second.seconds,
        changes=changes,
    )
