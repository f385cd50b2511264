"""An answer in a language model's words: asked from passages, each sentence checked, or refused.

Whatever goes wrong, the extractive answer stands. Where that is a refusal the model is not asked:
what the documents do not answer must not be made up.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Protocol

from embeddings.cleaning import HAN
from embeddings.encoder import Encoder
from embeddings.errors import QuestionError
from embeddings.lexical import Tokenizer
from embeddings.records import Span
from embeddings.settings import Settings
from embeddings.texts import PassageRow
from qa.drafts import Draft, Drafts, shown
from qa.language_model import LanguageModel
from qa.model_access import Access, ModelFailedError, is_set
from qa.pinpoint import supporting
from qa.prompt import NO_ANSWER, messages
from qa.records import (
    Answer,
    Citation,
    Doubt,
    Failure,
    Hit,
    OriginalDocument,
    Written,
    WrittenSentence,
)
from qa.render import language_of
from qa.verify import Verifier

PASSAGES = 6
"""Passages that the model is given."""

MOST_SENTENCES = 30
_REPEATS = 3
"""A sentence that comes this often is nonsense."""

_HAN = re.compile(f"[{HAN}]")
_LETTER = re.compile(r"[^\W\d_]")


class Library(Protocol):
    """What gives originals and their passages; a `qa.bot.Bot` does."""

    def document(self, document: str) -> OriginalDocument:
        """Return a document as it was read."""
        ...

    def passages(self, document: str) -> list[PassageRow]:
        """Return its passages at their places in it."""
        ...

    @property
    def engines(self) -> tuple[Encoder, Tokenizer]:
        """What makes vectors and words."""
        ...


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes answers.

    Attributes:
        model: the language model.
        leave_out: leave sentences out that cite and are not verified, instead of marking them. One
            that cites nothing is marked either way: it may be no more than a transition.
    """

    model: LanguageModel
    leave_out: bool = False

    def write(self, answer: Answer, library: Library) -> Written:
        """Return `answer` in the model's words, or alone with what failed."""
        *_, last = self.stream(answer, library)
        assert isinstance(last, Written)
        return last

    def stream(self, answer: Answer, library: Library) -> Iterator[WrittenSentence | Written]:
        """Yield each sentence that is to be shown as soon as it is checked, then the whole.

        What was yielded before a failure is withdrawn by the whole, which then has no sentences.
        """
        started = perf_counter()
        hits = answer.nearest[:PASSAGES]
        whole = Written(answer, self.model.access.model)
        if not answer.answered or not hits:
            yield whole
            return
        whole = replace(whole, passages=len(hits))
        verifier = Verifier(*library.engines)
        found: list[WrittenSentence] = []
        try:
            for sentence in self._sentences(answer.question, hits, verifier):
                found.append(sentence)
                if self._keeps(sentence):
                    yield sentence
            whole = self._whole(whole, found, library)
        except ModelFailedError as error:
            whole = replace(whole, failure=error.failure, wait=error.wait)
        yield replace(whole, seconds=perf_counter() - started)

    def _sentences(
        self, question: str, hits: Sequence[Hit], verifier: Verifier
    ) -> Iterator[WrittenSentence]:
        language = language_of(question)
        drafts, count = Drafts(), 0
        pieces = self.model.pieces(messages(question, language, hits))
        for draft in _drafts(pieces, drafts):
            if NO_ANSWER in draft.text.replace(" ", "_"):
                raise ModelFailedError(Failure.NO_ANSWER)
            count += 1
            yield checked(draft, hits, verifier)
            if count == MOST_SENTENCES:
                break
        check_text(shown(drafts.text), count, language)

    def _whole(self, whole: Written, found: Sequence[WrittenSentence], library: Library) -> Written:
        verified = sum(sentence.verified for sentence in found)
        if self.leave_out and not verified:
            raise ModelFailedError(Failure.UNVERIFIED)
        kept = tuple(filter(self._keeps, found))
        numbers = sorted({number for one in kept for number in one.numbers})
        citations = [
            citation
            for number in numbers
            for citation in _citations(
                number,
                whole.answer.nearest[number - 1],
                [one.text for one in kept if number in one.numbers],
                library,
            )
        ]
        return replace(
            whole,
            sentences=kept,
            citations=tuple(citations),
            count=len(found),
            verified=verified,
        )

    def _keeps(self, sentence: WrittenSentence) -> bool:
        return not self.leave_out or not set(sentence.doubts) - {Doubt.UNCITED}


def writer_of(settings: Settings) -> Writer | None:
    """Return the writer that the settings ask for, None where they name no language model.

    Raises:
        SettingError: as `open_writer` does, when they name one in part or wrongly.
    """
    return open_writer(settings) if is_set(settings) else None


def open_writer(settings: Settings) -> Writer:
    """Return the writer that the settings ask for; the model is not contacted yet.

    Raises:
        SettingError: no model is set, its URL or key cannot be used, or the package `openai` is
            missing.
    """
    leave_out = settings.llm_unsupported == "leave out"
    return Writer(LanguageModel(Access.of(settings)), leave_out)


def _drafts(pieces: Iterator[str], drafts: Drafts) -> Iterator[Draft]:
    for piece in pieces:
        yield from drafts.add(piece)
    yield from drafts.rest()


def checked(draft: Draft, hits: Sequence[Hit], verifier: Verifier) -> WrittenSentence:
    """Return a sentence compared with the passages that it cites."""
    there = tuple(number for number in draft.numbers if 1 <= number <= len(hits))
    made_up = (Doubt.NO_SUCH_PASSAGE,) if there != draft.numbers else ()
    if not there:
        return WrittenSentence(draft.text, (), made_up or (Doubt.UNCITED,))
    found = verifier.check(draft.text, [hits[number - 1].text for number in there])
    return WrittenSentence(draft.text, there, (*made_up, *found.doubts), found.support)


def check_text(text: str, sentences: int, language: str) -> None:
    """Refuse what is no answer in this language.

    Raises:
        ModelFailedError: it is empty, nonsense, or in another language.
    """
    if not text.strip():
        raise ModelFailedError(Failure.EMPTY)
    letters = _LETTER.findall(text)
    if not sentences or not letters or _repeats(text):
        raise ModelFailedError(Failure.NONSENSE)
    chinese = sum(map(bool, map(_HAN.match, letters))) / len(letters)
    if (chinese < 0.2) if language != "en" else (chinese > 0.5):
        raise ModelFailedError(Failure.WRONG_LANGUAGE)


def _repeats(text: str) -> bool:
    parts = Counter(part.strip() for part in re.split(r"[。！？!?.\n]", text) if len(part) > 3)
    return max(parts.values(), default=0) >= _REPEATS


def _citations(
    number: int, hit: Hit, claims: Sequence[str], library: Library
) -> Iterator[Citation]:
    """Yield the places of the sentences of a passage that say what is written.

    Raises:
        ModelFailedError: the document was changed or removed while the model wrote.
    """
    original = _original(hit, library)
    for span in _places(hit, original, claims, library):
        yield Citation(
            number=number,
            document=hit.document,
            source=hit.source,
            start=span.start,
            end=span.end,
            quote=original[span.start : span.end],
            page=hit.page,
            title=hit.title,
            date=hit.date,
        )


def _original(hit: Hit, library: Library) -> str:
    try:
        return library.document(hit.document).text
    except QuestionError:
        raise ModelFailedError(Failure.CHANGED) from None


def _places(hit: Hit, original: str, claims: Sequence[str], library: Library) -> Sequence[Span]:
    rows = [row for row in library.passages(hit.document) if row.id == hit.id]
    if not rows or not rows[0].sentences:
        return hit.spans
    sentences = rows[0].sentences
    texts = ["".join(span.of(original) for span in spans) for spans in sentences]
    tokenizer = library.engines[1]
    chosen = sorted({at for claim in claims for at in supporting(claim, texts, tokenizer)})
    return [span for at in chosen for span in sentences[at]]
