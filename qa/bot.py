"""The façade, and the only place where the parts are put together."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import TypeVar

from embeddings.encoder import Encoder, open_encoder
from embeddings.errors import IndexDamagedError, ModelMismatchError, QuestionError, WenjuError
from embeddings.lexical import Tokenizer
from embeddings.manifest import Manifest
from embeddings.model import MODEL_NAME, home
from embeddings.opening import Opened
from embeddings.searchable import Searchable
from embeddings.settings import Settings, is_given, load
from embeddings.store import Generation
from embeddings.stores import FolderStore, Store, store_of
from embeddings.texts import DocumentHead, DocumentRow, PassageRow
from embeddings.user_dictionary import kept_in
from qa import own_weights
from qa.answer import Answerer
from qa.asked import noting
from qa.asked import writing as noted_writing
from qa.compound import parts
from qa.conversation import Turn, complete, recall
from qa.corpus_map import CorpusMap, Placed, corpus_map, placed
from qa.correction import Own
from qa.found import Period
from qa.generate import Writer
from qa.question import Kind, analyse, kind_of
from qa.ranking import Ranking
from qa.read_support import ReadSupport
from qa.records import Answer, Hit, OriginalDocument, Reason, Written, WrittenSentence
from qa.retrieval import Retriever
from qa.support import Support

LONGEST_QUESTION = 2000
"""Characters of a question that are read; what stands behind is left out of the search."""

LEAST_SUPPORT = Settings().refuse_below / 100
"""The bot answers when it is as likely as this that the documents do; see `qa.support`."""

_log = logging.getLogger(__name__)

_Found = TypeVar("_Found")

Making = Callable[[Searchable, Encoder, Tokenizer], Retriever]
"""Makes what searches a generation."""


@dataclass(frozen=True, slots=True)
class IndexInfo:
    """What an index holds.

    Attributes:
        index: its folder.
        generation: number of the generation that answers: the published one, but for a `warning`.
        built: when, ISO 8601 in UTC.
        model: name of the embedding model.
        documents, passages, sentences: how many it holds.
        sources: its files, by name.
        bytes: size of the generation on disk.
        warning: why it is not the published generation that answers; None when it is.
        root: folder of documents that it was built from.
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
    warning: str | None = None
    root: str = ""


class _Snapshot:
    """One generation with what searches it; every call works on one of these."""

    def __init__(
        self,
        generation: Searchable,
        encoder: Encoder,
        tokenizer: Tokenizer,
        retriever: Making,
        answerer: Callable[[Retriever], Answerer],
    ) -> None:
        self.generation = generation
        self.retriever = retriever(generation, encoder, tokenizer)
        self.answerer = answerer(self.retriever)
        self._unread = True

    def damage(self) -> IndexDamagedError | None:
        """Read all files, on the first call, to see whether they are behind a failure."""
        from embeddings.checks import damage_of

        unread, self._unread = self._unread, False
        files = self.generation
        return damage_of(files) if unread and isinstance(files, Generation) else None


class Bot:
    """Answers questions about the documents of one index. Thread-safe.

    A rebuild by another process is noticed between two questions; one call sees one generation.
    What cannot be read never takes the place of what answers: the last good generation goes on,
    and `info` and the log say why.

    Args:
        index: the index folder.
        encoder: makes the vectors of questions; the index must have been built by the same one.
        tokenizer: makes their words, together with those that the index keeps of its dictionary.
        opened: a generation of the index that is open already; None to open it.
        retriever: makes what searches a generation; another than the default is for measuring.
        least: how likely it must be that the documents answer, 0 to 1; else the bot refuses.
        support: tells how likely that is; None for the weights that come with the package.
        read_support: the same where sentences were read; None likewise.
        own: what is corrected for this index when it answers; None for nothing.
        store: what keeps the index; None for its folder.

    Raises:
        IndexFolderError: when there is no index, or it cannot be read; see its subclasses.
        ModelMismatchError: when another encoder made the index.
    """

    def __init__(
        self,
        index: Path,
        encoder: Encoder,
        tokenizer: Tokenizer,
        opened: Opened | None = None,
        retriever: Making = Retriever,
        least: float | None = None,
        support: Support | None = None,
        read_support: ReadSupport | None = None,
        own: Own | None = None,
        store: Store | None = None,
    ) -> None:
        self._path, self._store = index, store or FolderStore(index)
        self._support = support or Support.shipped()
        self._read_support = read_support or ReadSupport.shipped()
        self._own = own
        self._least = LEAST_SUPPORT if least is None else least
        self._retriever = retriever
        self._encoder = encoder
        self._tokenizer = tokenizer
        self._lock = threading.Lock()
        self._warning: str | None = None
        self._use(opened or self._store.open_published())

    @classmethod
    def open(
        cls,
        index: str | Path = "index",
        model: str | None = None,
        retriever: Making | None = None,
        chosen: Settings | None = None,
    ) -> Bot:
        """Open the index in folder `index`, or the one in Milvus that folder or settings name.

        Where its published generation is damaged and one before it is whole, that one answers.
        Weights that ``wenju eval --fit`` left beside the index correct those of the package.

        Args:
            index: the folder that ``wenju build`` wrote.
            model: sentence-transformers id or folder; None for the one that the index names.
            retriever: makes what searches, for measuring: then nothing is corrected.
            chosen: settings, of which `store`, `uri`, `collection` and `token` count; None for
                those of settings file and environment.

        Raises:
            IndexFolderError: when there is none, or it cannot be read; see its subclasses.
            ModelError: when its model is not here, or is not `model`.
            SettingError: when the setting `refuse_below` is no percentage.
        """
        path = Path(index)
        store = store_of(path, chosen or load())
        opened = store.open_published()
        encoder = open_encoder(model or _model_of(opened.generation.manifest))
        own = Own() if retriever else own_weights.in_force(path, encoder.fingerprint)
        making = retriever or partial(Retriever, ranking=own.ranking(Ranking.shipped()))
        tokenizer = Tokenizer(home() / "jieba")
        return cls(path, encoder, tokenizer, opened, making, _least(own), own=own, store=store)

    @property
    def engines(self) -> tuple[Encoder, Tokenizer]:
        """What makes its vectors and words, for a build of the same index; safe in threads."""
        return self._encoder, self._tokenizer

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
        with noting("retrieve", question) as noted:
            check_period(dates)
            readable = _readable(question)

            def work(snapshot: _Snapshot) -> list[Hit]:
                hits = snapshot.retriever.retrieve(readable, k, sources, dates)
                noted.found(hits, snapshot.generation.manifest.number)
                return hits

            return self._with_snapshot(work)

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
        with noting("ask", question) as noted:
            answer, number = self._answered(question, history, sources, dates)
            noted.answer(answer, number)
            return answer

    def _answered(
        self,
        question: str,
        history: Sequence[str | Turn],
        sources: Sequence[str] | None,
        dates: Period | None,
    ) -> tuple[Answer, int | None]:
        """Return the answer, and the number of the generation that gave it; None for none."""
        if not question.strip():
            raise QuestionError("The question is empty; write what you want to know")
        check_period(dates)
        readable = _readable(question)
        if kind_of(readable) is Kind.SMALL_TALK:
            return Answer("", False, (), (), readable, (), Reason.SMALL_TALK), None
        before = [_readable_turn(turn) for turn in history]

        def work(snapshot: _Snapshot) -> tuple[Answer, int]:
            def answer(asked: str, told: str = "") -> Answer:
                several = parts(asked, self._tokenizer)
                whole, *others = (
                    snapshot.retriever.find(one, sources, dates)
                    for one in (asked, *(several if len(several) > 1 else ()))
                )
                return snapshot.answerer.answer(whole, others, told=told)

            turns = recall(readable, before, self._tokenizer, lambda asked: answer(asked).text)
            whole = complete(readable, turns, self._tokenizer)
            return answer(whole, _told(whole, turns)), snapshot.generation.manifest.number

        return self._with_snapshot(work)

    def write(
        self,
        writer: Writer,
        question: str,
        history: Sequence[str | Turn] = (),
        sources: Sequence[str] | None = None,
        dates: Period | None = None,
    ) -> Written:
        """Answer `question` as `ask` does, and in a language model's words where it can.

        Args:
            writer: asks the language model; `qa.generate.open_writer` makes one.
            question: as in `ask`.
            history: as in `ask`.
            sources: as in `ask`.
            dates: as in `ask`.

        Raises:
            QuestionError: as `ask` does. A model that fails is no error: the record says so.
        """
        return writer.write(self.ask(question, history, sources, dates), self)

    def writing(self, writer: Writer, answer: Answer) -> Iterator[WrittenSentence | Written]:
        """Yield what a language model makes of an answer of `ask`, by sentences; then the whole."""
        return noted_writing(writer.stream(answer, self))

    @property
    def least(self) -> float:
        """How likely it must be that the documents answer, 0 to 1; see `Answer.support`."""
        return self._least

    def document(self, document: str) -> OriginalDocument:
        """Return a document as it was read.

        Raises:
            QuestionError: when the index holds no document of this id.
        """
        found = self._with_snapshot(lambda snapshot: _documents(snapshot, [document]))
        if not found:
            raise QuestionError(
                f"The index holds no document {document!r}; it may have changed since: ask again"
            )
        return found[0]

    def earlier_document(self, document: str) -> OriginalDocument | None:
        """Return a document as the generation before held it; None where that is not kept."""
        number = self._with_snapshot(lambda snapshot: snapshot.generation.manifest.number)
        found = self._store.earlier(number, document)
        return _original(found) if found else None

    def passages(self, document: str) -> list[PassageRow]:
        """Return the passages of a document at their places in it, in reading order."""
        return self._with_snapshot(lambda snapshot: snapshot.generation.places_in(document))

    def map(self) -> CorpusMap | None:
        """Return the picture of the corpus; None where the index is of a version without one."""
        return self._with_snapshot(lambda snapshot: corpus_map(snapshot.generation))

    def on_map(
        self, question: str, k: int = 5, sources: Sequence[str] | None = None
    ) -> Placed | None:
        """Return where a question and its hits stand in the picture; None when nowhere.

        Args:
            question: as in `retrieve`.
            k: as in `retrieve`.
            sources: as in `retrieve`.
        """
        with noting("map", question) as noted:
            readable = _readable(question)

            def work(snapshot: _Snapshot) -> Placed | None:
                retriever = snapshot.retriever
                found = retriever.without_repeats(retriever.find(readable, sources), k)
                hits = retriever.hits(found, k)
                noted.found(hits, snapshot.generation.manifest.number)
                return placed(snapshot.generation, found, hits)

            return self._with_snapshot(work)

    def documents(self) -> list[OriginalDocument]:
        """Return every document, by its first source."""
        return self._with_snapshot(
            lambda snapshot: _documents(snapshot, snapshot.generation.document_ids())
        )

    def heads(self) -> list[DocumentHead]:
        """Return every document without its text, by its first source."""

        def work(snapshot: _Snapshot) -> list[DocumentHead]:
            generation = snapshot.generation
            found = generation.heads(generation.document_ids()).values()
            return sorted(found, key=lambda head: head.sources)

        return self._with_snapshot(work)

    def headings(self) -> list[tuple[str, str]]:
        """Return (article title, section heading) of each section, in reading order."""
        return self._with_snapshot(lambda snapshot: snapshot.generation.headlines())

    def info(self) -> IndexInfo:
        """Return what the index holds."""
        return self._with_snapshot(self._info)

    def _info(self, snapshot: _Snapshot) -> IndexInfo:
        manifest = snapshot.generation.manifest
        return IndexInfo(
            index=str(self._path),
            generation=manifest.number,
            built=manifest.created,
            model=manifest.model,
            documents=manifest.counts["documents"],
            passages=manifest.counts["passages"],
            sentences=manifest.counts["sentences"],
            sources=snapshot.generation.sources,
            bytes=sum(item["bytes"] for item in manifest.files.values()),
            warning=self._warning,
            root=manifest.root,
        )

    def _with_snapshot(self, work: Callable[[_Snapshot], _Found]) -> _Found:
        """Return what `work` finds in one generation, from beginning to end.

        One that turns out damaged half-way gives its place to the best one before, from which
        `work` begins anew.
        """
        snapshot = self._current()
        try:
            return work(snapshot)
        except IndexDamagedError as error:
            damage = error
        except WenjuError:
            raise
        except Exception:
            found = snapshot.damage()
            if found is None:
                raise
            damage = found
        return work(self._instead_of(snapshot, damage))

    def _current(self) -> _Snapshot:
        """Return the published generation, loaded; the calls that use an older one finish first."""
        if self._store.stamp() != self._stamp:
            with self._lock:
                if self._store.stamp() != self._stamp:
                    self._reload()
        return self._snapshot

    def _reload(self) -> None:
        """Load what was published, or go on with what is loaded and say why."""
        stamp = self._store.stamp()
        try:
            self._use(self._store.open_current())
        except (WenjuError, OSError) as error:
            self._stamp = stamp  # not tried again until CURRENT changes again
            number = self._snapshot.generation.manifest.number
            self._warn(f"Generation {number} goes on answering, not what CURRENT names: {error}")

    def _instead_of(self, broken: _Snapshot, error: IndexDamagedError) -> _Snapshot:
        """Load the best generation before `broken`, unless another call did so already."""
        with self._lock:
            if self._snapshot is broken:
                opened = self._store.open_instead(error, self._stamp, broken.generation)
                self._use(opened)
            return self._snapshot

    def _use(self, opened: Opened) -> None:
        """Answer from `opened` from now on."""
        manifest = opened.generation.manifest
        if manifest.fingerprint != self._encoder.fingerprint:
            raise ModelMismatchError(
                f"The index {str(self._path)!r} was made by the model {manifest.model!r} "
                f"(fingerprint {manifest.fingerprint[:8]}), but questions would be encoded by "
                f"{self._encoder.name!r} ({self._encoder.fingerprint[:8]}); open it with its own "
                "model, or build it again with this one: wenju build --model MODEL"
            )
        self._tokenizer = self._tokenizer.with_words(kept_in(opened.generation.folder))
        self._snapshot = _Snapshot(
            opened.generation, self._encoder, self._tokenizer, self._retriever, self._answerer
        )
        self._stamp = opened.stamp
        self._warn(opened.warning)

    def _answerer(self, retriever: Retriever) -> Answerer:
        return Answerer(retriever, self._least, self._support, self._read_support, self._own)

    def _warn(self, warning: str | None) -> None:
        if warning is not None and warning != self._warning:
            _log.warning("%s", warning)
        self._warning = warning


def _documents(snapshot: _Snapshot, ids: Sequence[str]) -> list[OriginalDocument]:
    """Return the documents with these ids; those that are not here are left out."""
    return list(map(_original, snapshot.generation.documents(ids).values()))


def _original(found: DocumentRow) -> OriginalDocument:
    return OriginalDocument(
        found.id, found.sources, found.text, found.title, found.date, found.page_starts
    )


def _least(own: Own) -> float:
    """Return how likely an answer must be: as the user set it, else as fitted, else as shipped."""
    setting = load().refuse_below / 100
    return setting if own.least is None or is_given("refuse_below") else own.least


def _model_of(manifest: Manifest) -> str | None:
    return None if manifest.model == MODEL_NAME else manifest.model


def _readable(question: str) -> str:
    """Return what is read of a question: valid Unicode, and not endless."""
    return question[:LONGEST_QUESTION].encode("utf-8", "replace").decode("utf-8")


def _told(question: str, turns: Sequence[Turn]) -> str:
    """Return what was said to the question before, where a reason or a means of it is asked for."""
    if not turns:
        return ""
    kind = analyse(question).kind
    asks_on = kind in (Kind.REASON, Kind.MANNER) and kind is not analyse(turns[-1].question).kind
    return (turns[-1].answer or "") if asks_on else ""


def _readable_turn(turn: str | Turn) -> str | Turn:
    if isinstance(turn, str):
        return _readable(turn)
    return Turn(_readable(turn.question), turn.answer and _readable(turn.answer))


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
    path = Path(load({"index": None if index is None else str(index)}).index)
    return _CACHE.get(path.resolve()).retrieve(question, k, sources, dates)
