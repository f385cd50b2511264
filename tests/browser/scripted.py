"""A bot that says what a test tells it to, over real text: its citations truly slice documents."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from embeddings.errors import QuestionError
from embeddings.records import Span
from embeddings.texts import DocumentHead, PassageRow
from qa.conversation import Turn
from qa.found import Period
from qa.generate import Writer
from qa.language_model import LanguageModel
from qa.model_access import Access
from qa.records import (
    Answer,
    AnswerSentence,
    Citation,
    Hit,
    OriginalDocument,
    Reason,
    Signals,
    Written,
    WrittenSentence,
)


@dataclass(frozen=True)
class Facts:
    documents: int
    passages: int
    generation: int
    sources: tuple[str, ...]
    warning: str | None = None
    index: str = ""
    root: str = ""
    built: str = ""


@dataclass
class ScriptedBot:
    """Answers from `script` by the question's exact words; an exception there is raised.

    Attributes:
        documents: the originals by id.
        script: what to say; a question that is not in it is refused.
        seconds: how long every answer takes.
        earlier: originals that only the generation before holds, by id.
        root: folder of the files.
        generation: number of the generation that answers.
        asked: each question that was put to it with its history, in order.
    """

    documents: Mapping[str, OriginalDocument]
    script: Mapping[str, Answer | Exception]
    seconds: float = 0.0
    hits: list[Hit] = field(default_factory=list)
    earlier: Mapping[str, OriginalDocument] = field(default_factory=dict)
    root: str = ""
    generation: int = 1
    asked: list[tuple[str, list[str | Turn]]] = field(default_factory=list)

    def ask(
        self,
        question: str,
        history: Sequence[str | Turn] = (),
        sources: Sequence[str] | None = None,
    ) -> Answer:
        self.asked.append((question, list(history)))
        time.sleep(self.seconds)
        said = self.script.get(question, refusal(question, self.hits))
        if isinstance(said, Exception):
            raise said
        return said

    def retrieve(
        self,
        question: str,
        k: int = 5,
        sources: Sequence[str] | None = None,
        dates: Period | None = None,
    ) -> list[Hit]:
        return [hit for hit in self.hits if sources is None or hit.source in sources][:k]

    def document(self, document_id: str, /) -> OriginalDocument:
        if document_id not in self.documents:
            raise QuestionError(f"The index holds no document {document_id!r}")
        return self.documents[document_id]

    def info(self) -> Facts:
        sources = tuple(document.sources[0] for document in self.documents.values())
        return Facts(len(self.documents), 126, self.generation, sources, root=self.root)

    def heads(self) -> list[DocumentHead]:
        return [
            DocumentHead(one.id, one.title, one.date, one.sources)
            for one in self.documents.values()
        ]

    def earlier_document(self, document: str, /) -> OriginalDocument | None:
        return self.earlier.get(document)

    def passages(self, document: str, /) -> list[PassageRow]:
        return [
            PassageRow(
                row, hit.id, hit.document, hit.role, hit.title, hit.heading, hit.page, hit.text,
                hit.spans, (hit.spans,),
            )
            for row, hit in enumerate(self.hits)
            if hit.document == document
        ]  # fmt: skip


def document(
    source: str, text: str, title: str = "", page_starts: tuple[int, ...] = ()
) -> OriginalDocument:
    """Return an original whose id is its file name."""
    return OriginalDocument(source, (source,), text, title or source, None, page_starts)


def cite(
    original: OriginalDocument, quote: str, number: int = 1, title: str | None = None
) -> Citation:
    """Return the citation of the first place where `quote` stands in `original`."""
    start = original.text.index(quote)
    return Citation(
        number=number,
        document=original.id,
        source=original.sources[0],
        start=start,
        end=start + len(quote),
        quote=original.text[start : start + len(quote)],
        page=None,
        title=original.title if title is None else title,
        date=original.date,
    )


def hit(original: OriginalDocument, quote: str) -> Hit:
    """Return a passage that is the first place where `quote` stands in `original`."""
    start = original.text.index(quote)
    return Hit(
        id=f"{original.id}:{start}",
        text=quote,
        spans=(Span(start, start + len(quote)),),
        source=original.sources[0],
        page=None,
        title=original.title,
        heading="",
        date=original.date,
        places=(),
        score=0.5,
        signals=Signals(0.9, 0.9, 1.0),
        document=original.id,
    )


def answer(
    question: str, *pieces: Citation, marked: str = "", nearest: Sequence[Hit] = ()
) -> Answer:
    """Return an answer whose sentences are the quotes that share a number."""
    sentences = []
    for number in dict.fromkeys(piece.number for piece in pieces):
        text = "".join(piece.quote for piece in pieces if piece.number == number)
        at = text.find(marked) if marked else -1
        marks = (Span(at, at + len(marked)),) if at >= 0 else ()
        sentences.append(AnswerSentence(text, number, marks))
    return Answer(
        text="".join(sentence.text for sentence in sentences),
        answered=True,
        sentences=tuple(sentences),
        citations=pieces,
        question=question,
        nearest=tuple(nearest),
    )


def refusal(
    question: str, nearest: Sequence[Hit] = (), reason: Reason = Reason.NOT_IN_DOCUMENTS
) -> Answer:
    """Return a refusal."""
    return Answer("", False, (), (), question, tuple(nearest), reason)


def completed(said: Answer, question: str) -> Answer:
    """Return `said` as the answer to a follow-up that was completed to `question`."""
    return replace(said, question=question)


@dataclass
class WritingBot(ScriptedBot):
    """A scripted bot whose answers are written by a script as well.

    Attributes:
        said: sentences and the whole, by question; a number waits so many seconds.
        written: each question whose answer was to be written, in order.
        closed: how many of them were not read to their end.
    """

    said: Mapping[str, Sequence[WrittenSentence | Written | float]] = field(default_factory=dict)
    written: list[str] = field(default_factory=list)
    closed: int = 0

    def writing(self, writer: Writer, answer: Answer) -> Iterator[WrittenSentence | Written]:
        self.written.append(answer.question)
        try:
            for part in self.said[answer.question]:
                if isinstance(part, float):
                    time.sleep(part)
                else:
                    yield part
        except GeneratorExit:
            self.closed += 1
            raise


def written(
    said: Answer, *sentences: WrittenSentence, left_out: int = 0, model: str = "qwen2.5:7b"
) -> Written:
    """Return a whole text whose citations are the passages that it cites."""
    numbers = sorted({number for one in sentences for number in one.numbers})
    cited = (said.nearest[number - 1] for number in numbers)
    citations = [
        Citation(
            number, hit.document, hit.source, hit.spans[0].start, hit.spans[0].end, hit.text,
            hit.page, hit.title, hit.date,
        )
        for number, hit in zip(numbers, cited, strict=True)
    ]  # fmt: skip
    verified = sum(one.verified for one in sentences)
    count = len(sentences) + left_out
    return Written(said, model, sentences, tuple(citations), len(said.nearest), count, verified)


def written_by(model: str = "qwen2.5:7b") -> Writer:
    """Return a writer for `WritingBot`; its model is nowhere."""
    return Writer(LanguageModel(Access("http://127.0.0.1:9/v1", model)))
