"""What people give to an index between builds: uploads, exclusions, thumbs, weights of its own.

Each is one act.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from embeddings.build import build
from embeddings.exclusions import exclude, excluded, include
from embeddings.lexical import Tokenizer
from embeddings.uploads import Uploads
from qa import own_weights
from qa.correction import Own
from qa.feedback import Feedback, FeedbackStore, Verdict
from qa.own_weights import OwnWeights, QuestionFile
from tests.embeddings.building import Recording, write

TEXT = "济南的新上传。\n\n天桥区有9家新企业。\n" * 500
"""More than is written at a time."""


class Given(NamedTuple):
    """What an index holds of these.

    Attributes:
        uploads: bytes of each uploaded file.
        removed: uploads that can come back.
        left_out: files that are excluded.
        thumbs: what counts of the feedback.
        fitted: when the index's own weights were made; None where it has none.
    """

    uploads: Mapping[str, bytes]
    removed: tuple[str, ...]
    left_out: frozenset[str]
    thumbs: tuple[Feedback, ...]
    fitted: str | None


def given_to(index: Path) -> Given:
    """Look at an index without a change to it, but for what SQLite rolls back."""
    uploads, weights = Uploads(index), own_weights.read(index, Recording().fingerprint)
    return Given(
        {entry.source: entry.path.read_bytes() for entry in uploads.entries()},
        tuple(uploads.removed()),
        excluded(index),
        tuple(FeedbackStore(index).all()),
        weights.made if weights else None,
    )


def upload(index: Path, name: str = "新.txt", text: str = TEXT) -> None:
    uploads = Uploads(index)
    with uploads.receiving() as file:
        file.write(text.encode())
        uploads.keep(name, file)


def judge(index: Path, id_: str = "b") -> None:
    given = Feedback(
        id=id_, verdict=Verdict.UP, question="天桥区有几家企业？", history=(), completed="",
        sources=(), answered=True, answer="9家", items=("9家",), citations=(), note="好" * 300,
        missing=False, generation=1, time="2024-01-01T00:00:00+00:00",
    )  # fmt: skip
    FeedbackStore(index).add(given)


def fit(index: Path, year: int = 2025) -> None:
    """Keep own weights, which correct nothing."""
    made = f"{year}-03-01T08:30:00+00:00"
    files = (QuestionFile("问题.jsonl", "0" * 64, 100, 20),)
    own_weights.write(index, OwnWeights(Own(), made, Recording().fingerprint, files, {}))


def put_away(index: Path) -> None:
    """Do everything that an index holds something of, so that each act has something before it."""
    upload(index, "旧.txt", TEXT[:300])
    upload(index, "去.txt", TEXT[:600])
    Uploads(index).remove("uploads/去.txt")
    exclude(index, ["乙.txt"])
    judge(index, "a")
    fit(index, 2024)


ACTS: Mapping[str, Callable[[Path], None]] = {
    "upload": upload,
    "remove": lambda index: Uploads(index).remove("uploads/旧.txt"),
    "restore": lambda index: Uploads(index).restore("uploads/去.txt"),
    "forget": lambda index: Uploads(index).forget(["uploads/去.txt"]),
    "exclude": lambda index: exclude(index, ["甲.txt"]),
    "include": lambda index: include(index, ["乙.txt"]),
    "judge": judge,
    "fit": fit,
    "first upload": upload,
    "first exclusion": lambda index: exclude(index, ["甲.txt"]),
    "first thumb": judge,
    "first fit": fit,
}
"""By name; those that are a first one come to an index that holds nothing of the kind yet."""


@dataclass(frozen=True, slots=True)
class Giving:
    """An act, the index before it, and what it holds before and after."""

    name: str
    index: Path
    before: Given
    after: Given


def prepare_giving(
    name: str, built: Path, folder: Path, copy: Callable[[Path, Path], Path]
) -> Giving:
    """Make the index before an act, out of one that was just built, and see what the act does."""
    index = copy(built, folder / "before")
    if not name.startswith("first"):
        put_away(index)
    done = copy(index, folder / "after")
    ACTS[name](done)
    return Giving(name, index, given_to(index), given_to(done))


def build_small(folder: Path, tokenizer: Tokenizer) -> Path:
    """Build an index over two files."""
    for name in "甲乙":
        write(folder / "documents" / f"{name}.txt", f"{name}的企业。\n\n天桥区有3家{name}企业。\n")
    build(folder / "documents", folder / "index", Recording(), tokenizer)
    return folder / "index"
