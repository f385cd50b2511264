"""What people say of answers: a thumb, perhaps a note; kept beside the index, whatever is rebuilt.

`feedback.db` in the index folder only ever grows: whoever judges the same answer again adds a row,
and the newest row of an id counts. SQLite, because several processes may write at once, a killed
one leaves no half of a row, and a row that was given is on the disk.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from embeddings.errors import (
    IndexDamagedError,
    IndexFormatError,
    IndexWriteError,
    QuestionError,
    WenjuError,
)
from embeddings.store import IndexFolder
from qa.records import Answer, Citation

FILE = "feedback.db"
"""In the index folder; a backup is a copy of it."""

FORMAT = 1
"""Version of the table; a higher one is refused."""

LONGEST_NOTE = 1000
"""Characters of a note."""

LONGEST = 100_000
"""Characters of everything that is kept with one thumb, as JSON."""

_PATIENCE_SECONDS = 10.0

_TABLE = """
CREATE TABLE feedback (number INTEGER PRIMARY KEY, id TEXT NOT NULL, content TEXT NOT NULL);
CREATE INDEX feedback_by_id ON feedback (id);
"""


class Verdict(StrEnum):
    """What somebody thinks of an answer; `NONE` takes an earlier one back."""

    UP = "up"
    DOWN = "down"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Feedback:
    """One person's word on one answer, and all that is needed to ask again.

    Attributes:
        id: names answer and person; the newest of an id counts.
        verdict: what is thought of it.
        question: as it was asked.
        history: the user's turns before it, oldest first.
        completed: the question that was answered; the same but for a follow-up.
        sources: files and folders that the question was limited to; empty for all.
        answered: whether there was an answer; False for a refusal.
        answer: the text of the answer; empty for a refusal.
        items: the words of it that answer, one text for each place that was marked.
        citations: what it quotes.
        note: what the person wrote; may be empty.
        missing: whether the person says that the documents do not tell this.
        generation: number of the generation that answered; 0 when that is not known.
        time: when it was given, ISO 8601 in UTC.
    """

    id: str
    verdict: Verdict
    question: str
    history: tuple[str, ...]
    completed: str
    sources: tuple[str, ...]
    answered: bool
    answer: str
    items: tuple[str, ...]
    citations: tuple[Citation, ...]
    note: str
    missing: bool
    generation: int
    time: str


def judged(
    answer: Answer,
    verdict: Verdict,
    *,
    id: str,  # noqa: A002 - the field's name
    question: str,
    history: tuple[str, ...] = (),
    sources: tuple[str, ...] = (),
    note: str = "",
    missing: bool = False,
    generation: int = 0,
) -> Feedback:
    """Return feedback on `answer`, given now; arguments as the attributes of `Feedback`.

    Raises:
        QuestionError: when the note is too long, or the id or the question is empty.
    """
    note = note.strip()
    if len(note) > LONGEST_NOTE:
        raise QuestionError(
            f"The note has {len(note):,} characters; {LONGEST_NOTE:,} are kept. Shorten it"
        )
    if not id.strip() or not question.strip():
        raise QuestionError("Feedback needs the question that it is about; load the page again")
    return Feedback(
        id=id, verdict=verdict, question=question, history=history, completed=answer.question,
        sources=sources, answered=answer.answered, answer=answer.text, items=_items(answer),
        citations=answer.citations, note=note, missing=missing, generation=generation,
        time=datetime.now(UTC).isoformat(timespec="seconds"),
    )  # fmt: skip


def _items(answer: Answer) -> tuple[str, ...]:
    """Return the marked words of an answer; its sentences where none are marked."""
    marked = [mark.of(said.text).strip() for said in answer.sentences for mark in said.marks]
    whole = [said.text.strip() for said in answer.sentences]
    return tuple(dict.fromkeys(text for text in marked or whole if text))


class FeedbackStore:
    """The feedback on one index; making it touches no file. Safe from threads and processes.

    Args:
        index: the index folder.
    """

    def __init__(self, index: Path) -> None:
        self._index = IndexFolder(index)
        self.path = index / FILE

    def add(self, feedback: Feedback) -> None:
        """Keep `feedback`; when this returns it is on the disk.

        Raises:
            IndexMissingError: when no index was built there.
            IndexWriteError: when the folder cannot be written.
            QuestionError: when there is more to keep than `LONGEST`.
        """
        content = json.dumps(_to_json(feedback), ensure_ascii=False)
        if len(content) > LONGEST:
            raise QuestionError(
                f"The answer with its quotes has {len(content):,} characters; up to {LONGEST:,} "
                "are kept with a thumb"
            )
        if not self._index.exists():
            self._index.current()  # says so
        with self._telling(), closing(self._connected()) as db, db:
            db.execute("BEGIN IMMEDIATE")
            self._prepare(db)
            row = (feedback.id, content.encode("utf-8", "replace").decode())
            db.execute("INSERT INTO feedback (id, content) VALUES (?, ?)", row)

    def all(self) -> list[Feedback]:
        """Return what counts, oldest first: the newest of each id that was not taken back.

        Raises:
            IndexDamagedError: when the file is not one of ours.
        """
        found = (one for one in self._newest() if one.verdict is not Verdict.NONE)
        return sorted(found, key=lambda one: one.time)

    def _newest(self) -> Iterator[Feedback]:
        if not self.path.exists():
            return
        query = (
            "SELECT content FROM feedback WHERE number IN"
            " (SELECT max(number) FROM feedback GROUP BY id) ORDER BY number"
        )
        with self._telling():
            with closing(self._connected(reading=True)) as db:
                rows = db.execute(query).fetchall() if self._version(db) else []
            yield from (_from_json(json.loads(content)) for (content,) in rows)

    def _connected(self, *, reading: bool = False) -> sqlite3.Connection:
        # Reading may write: half a row of a killed writer has to be rolled back first. A file that
        # may only be read is opened so by SQLite itself.
        name = f"{self.path.absolute().as_uri()}?mode={'rw' if reading else 'rwc'}"
        db = sqlite3.connect(name, uri=True, timeout=_PATIENCE_SECONDS, isolation_level=None)
        db.execute("PRAGMA synchronous = EXTRA")  # FULL may lose the last row in a power cut
        return db

    def _version(self, db: sqlite3.Connection) -> int:
        """Return the format of the file; 0 when it is empty."""
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version > FORMAT:
            raise IndexFormatError(
                f"{str(self.path)!r} has format {version}; this version reads up to {FORMAT}. "
                "Install a newer wenju"
            )
        return int(version)

    def _prepare(self, db: sqlite3.Connection) -> None:
        if self._version(db) == 0:
            for statement in _TABLE.strip().splitlines():
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {FORMAT}")

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Turn what SQLite or a foreign file does into a sentence for the user."""
        try:
            yield
        except WenjuError:
            raise
        except sqlite3.OperationalError as error:
            raise IndexWriteError(
                f"The feedback in {str(self.path)!r} cannot be reached ({error}); allow writing "
                "to the index folder, or make room, and try again"
            ) from error
        except (sqlite3.DatabaseError, ValueError, KeyError, TypeError) as error:
            raise IndexDamagedError(
                f"{str(self.path)!r} holds no feedback that can be read ({error}); put a copy of "
                "it back, or move it away to begin anew"
            ) from error


def _to_json(feedback: Feedback) -> dict[str, Any]:
    return asdict(feedback)


def _from_json(fields: Mapping[str, Any]) -> Feedback:
    texts = {name: tuple(fields[name]) for name in ("history", "sources", "items")}
    cited = tuple(Citation(**one) for one in fields["citations"])
    verdict = Verdict(fields["verdict"])
    return Feedback(**{**fields, **texts, "citations": cited, "verdict": verdict})
