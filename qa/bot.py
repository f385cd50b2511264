"""The façade, and the only place where the parts are put together."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from embeddings.encoder import Encoder, open_encoder
from embeddings.errors import ModelMismatchError, QuestionError
from embeddings.lexical import Tokenizer
from embeddings.model import MODEL_NAME, home
from embeddings.store import Generation, IndexFolder, Manifest, read_manifest
from qa.answer import Answerer, Thresholds
from qa.conversation import Turn, complete
from qa.question import Kind, kind_of
from qa.records import Answer, Hit, OriginalDocument, Reason
from qa.retrieval import Period, Retriever

LONGEST_QUESTION = 2000
"""Characters of a question that are read; what stands behind is left out of the search."""


@dataclass(frozen=True, slots=True)
class IndexInfo:
    """What an index holds.

    Attributes:
        index: its folder.
        generation: number of the published generation.
        built: when, ISO 8601 in UTC.
        model: name of the embedding model.
        documents, passages, sentences: how many it holds.
        sources: its files, by name.
        bytes: size of the generation on disk.
    """

    index: str
    generation: int
    built: str
    model: str
    documents: int
    passages: int
    sentences: int
    sources: tuple[str, ...]
    bytes: int


class _Snapshot:
    """One generation with what searches it; every call works on one of these."""

    def __init__(self, folder: Path, encoder: Encoder, tokenizer: Tokenizer) -> None:
        self.folder = folder
        self.generation = Generation(folder)
        self.retriever = Retriever(self.generation, encoder, tokenizer)
        self.answerer = Answerer(self.retriever, tokenizer, _thresholds(self.generation.manifest))


class Bot:
    """Answers questions about the documents of one index. Thread-safe.

    A rebuild by another process is noticed between two questions; one call sees one generation.
    """

    def __init__(self, index: Path, encoder: Encoder, tokenizer: Tokenizer) -> None:
        self._folder = IndexFolder(index)
        self._encoder = encoder
        self._tokenizer = tokenizer
        self._lock = threading.Lock()
        self._snapshot = self._load(self._folder.current())

    @classmethod
    def open(cls, index: str | Path = "index", model: str | None = None) -> Bot:
        """Open the index in folder `index`.

        Args:
            index: the folder that ``wenju build`` wrote.
            model: sentence-transformers id or folder; None for the one that the index names.

        Raises:
            IndexFolderError: when there is none, or it cannot be read; see its subclasses.
            ModelError: when its model is not here, or is not `model`.
        """
        path = Path(index)
        manifest = read_manifest(IndexFolder(path).current())
        encoder = open_encoder(model or _model_of(manifest))
        return cls(path, encoder, Tokenizer(home() / "jieba"))

    def retrieve(
        self,
        question: str,
        k: int = 5,
        sources: Sequence[str] | None = None,
        dates: Period | None = None,
    ) -> list[Hit]:
        """Return the at most `k` passages nearest to `question`, best first.

        Args:
            question: in Simplified or Traditional Chinese, or English.
            k: 0 or more.
            sources: files (``a/b.txt``) or folders (``a/``) to search in; None for all.
            dates: first and last day (``2021-06-16``) of the documents to search in, both
                included, either may be None; documents without a date are left out then. None
                for all.

        Raises:
            QuestionError: when `dates` is no pair of days, or runs backwards.
        """
        check_period(dates)
        return self._current().retriever.retrieve(_readable(question), k, sources, dates)

    def ask(
        self,
        question: str,
        history: Sequence[str | Turn] = (),
        sources: Sequence[str] | None = None,
        dates: Period | None = None,
    ) -> Answer:
        """Answer `question` with sentences of the documents, or refuse.

        Args:
            question: in Simplified or Traditional Chinese, or English.
            history: the turns before it, oldest first; strings are the user's own words.
            sources: files or folders to answer from; None for all.
            dates: first and last day of the documents to answer from, as in `retrieve`.

        Raises:
            QuestionError: when the question is empty, or `dates` cannot be used.
        """
        if not question.strip():
            raise QuestionError("The question is empty; write what you want to know")
        check_period(dates)
        snapshot = self._current()
        whole = complete(_readable(question), history)
        if kind_of(question) is Kind.SMALL_TALK:
            return Answer("", False, (), (), question, (), Reason.SMALL_TALK)
        return snapshot.answerer.answer(snapshot.retriever.find(whole, sources, dates))

    def document(self, document: str) -> OriginalDocument:
        """Return a document as it was read.

        Raises:
            QuestionError: when the index holds no document of this id.
        """
        found = self._current().generation.documents([document]).get(document)
        if found is None:
            raise QuestionError(
                f"The index holds no document {document!r}; it may have changed since: ask again"
            )
        return OriginalDocument(
            found.id, found.sources, found.text, found.title, found.date, found.page_starts
        )

    def documents(self) -> list[OriginalDocument]:
        """Return every document, by its first source."""
        generation = self._current().generation
        return [self.document(document) for document in generation.document_ids()]

    def headings(self) -> list[tuple[str, str]]:
        """Return (article title, section heading) of each section, in reading order."""
        return self._current().generation.headlines()

    def info(self) -> IndexInfo:
        """Return what the index holds."""
        generation = self._current().generation
        manifest = generation.manifest
        return IndexInfo(
            index=str(self._folder.path),
            generation=manifest.number,
            built=manifest.created,
            model=manifest.model,
            documents=manifest.counts["documents"],
            passages=manifest.counts["passages"],
            sentences=manifest.counts["sentences"],
            sources=generation.sources,
            bytes=sum(item["bytes"] for item in manifest.files.values()),
        )

    def _load(self, folder: Path) -> _Snapshot:
        manifest = read_manifest(folder)
        if manifest.fingerprint != self._encoder.fingerprint:
            raise ModelMismatchError(
                f"The index {str(self._folder.path)!r} was made by the model {manifest.model!r} "
                f"(fingerprint {manifest.fingerprint[:8]}), but questions would be encoded by "
                f"{self._encoder.name!r} ({self._encoder.fingerprint[:8]}); open it with its own "
                "model, or build it again with this one: wenju build --model MODEL"
            )
        return _Snapshot(folder, self._encoder, self._tokenizer)

    def _current(self) -> _Snapshot:
        """Return the published generation, loaded; the calls that use an older one finish first."""
        folder = self._folder.current()
        with self._lock:
            if self._snapshot.folder != folder:
                self._snapshot = self._load(folder)
            return self._snapshot


def _model_of(manifest: Manifest) -> str | None:
    return None if manifest.model == MODEL_NAME else manifest.model


def _thresholds(manifest: Manifest) -> Thresholds:
    """Return the thresholds measured for the index's model; of others only words are judged."""
    if manifest.model == MODEL_NAME:
        return Thresholds(cosine=0.87, cross_cosine=0.155)
    return Thresholds()


def _readable(question: str) -> str:
    """Return what is read of a question: valid Unicode, and not endless."""
    return question[:LONGEST_QUESTION].encode("utf-8", "replace").decode("utf-8")


def check_period(dates: Period | None) -> None:
    """Refuse what is no pair of days.

    Raises:
        QuestionError: when it is not, or the first day comes behind the last.
    """
    if dates is None:
        return
    if not isinstance(dates, tuple | list) or len(dates) != 2:
        raise QuestionError(
            f"The dates {dates!r} are no pair; give the first and the last day, "
            "as in ('2021-01-01', '2021-12-31'), or None for either"
        )
    for day in dates:
        if day is not None and not _is_day(day):
            raise QuestionError(
                f"The date {day!r} is no day of the calendar; write year, month and day, "
                "as in 2021-06-16"
            )
    since, until = dates
    if since and until and since > until:
        raise QuestionError(
            f"The dates run backwards, from {since} to {until}; give the earlier day first"
        )


def _is_day(text: object) -> bool:
    try:
        return isinstance(text, str) and date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


class _Cache:
    """One Bot for each index folder, made on first use."""

    def __init__(self) -> None:
        self._bots: dict[Path, Bot] = {}
        self._lock = threading.Lock()

    def get(self, index: Path) -> Bot:
        with self._lock:
            if index not in self._bots:
                self._bots[index] = Bot.open(index)
            return self._bots[index]


_CACHE = _Cache()


def retrieve(
    question: str,
    k: int = 5,
    sources: Sequence[str] | None = None,
    index: str | Path | None = None,
    dates: Period | None = None,
) -> list[Hit]:
    """Return the at most `k` passages nearest to `question`, best first.

    The index is opened once and kept.

    Args:
        question: in Simplified or Traditional Chinese, or English.
        k: 0 or more.
        sources: files (``a/b.txt``) or folders (``a/``) to search in; None for all.
        index: index folder; None for the one in the settings (WENJU_INDEX, else ``index``).
        dates: first and last day of the documents to search in; None for all.
    """
    from embeddings.settings import load

    path = Path(load({"index": None if index is None else str(index)}).index)
    return _CACHE.get(path.resolve()).retrieve(question, k, sources, dates)
