"""A conversation as HTML: each question as a bubble, each answer or refusal as a card."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from qa.page.markup import Markup, element, escape, join
from qa.page.places import details, quoted
from qa.page.references import Kind, Reference, citation_references, passage_references
from qa.page.texts import Texts, no_answer
from qa.page.turns import AskedTurn, Failure
from qa.records import Answer, AnswerSentence, Reason


def _opener(turn: int, reference: Reference, label: str, texts: Texts, class_: str) -> Markup:
    name = texts.citation.format(number=reference.number, title=reference.title or reference.source)
    return element(
        "button",
        label,
        type="button",
        class_=class_,
        data_act="open",
        data_turn=turn,
        data_kind=reference.kind,
        data_number=reference.number,
        aria_label=name if reference.kind is Kind.CITATION else None,
    )


def _marked(sentence: AnswerSentence) -> Iterator[Markup]:
    end = 0
    for mark in sorted(sentence.marks):
        yield escape(sentence.text[end : mark.start])
        yield element("strong", mark.of(sentence.text), class_="answering")
        end = mark.end
    yield escape(sentence.text[end:])


def _sentence(
    turn: int, sentence: AnswerSentence, cited: dict[int, Reference], texts: Texts
) -> Markup:
    reference = cited.get(sentence.number)
    number = (
        element("sup", _opener(turn, reference, str(sentence.number), texts, "cite"))
        if reference is not None
        else Markup()
    )
    return element("p", *_marked(sentence), number, class_="sentence")


def _source(turn: int, shared: Sequence[Reference], texts: Texts) -> Markup:
    numbers = [_opener(turn, item, str(item.number), texts, "number") for item in shared]
    first = shared[0]
    title = element("b", first.title) if first.title else Markup()
    where = " · ".join(details(first, texts))
    return element("li", *numbers, title, element("span", where, class_="where"))


def _sources(turn: int, cited: Sequence[Reference], texts: Texts) -> Markup:
    """List the sources; neighbouring citations of one article share a line."""
    shared = groupby(cited, key=lambda item: (item.title, item.source, item.page, item.date))
    rows = [_source(turn, list(items), texts) for _, items in shared]
    return element("ul", *rows, class_="sources", aria_label=texts.sources)


def _nearest(turn: int, passages: Sequence[Reference], texts: Texts) -> Markup:
    rows = [
        element(
            "li",
            _opener(turn, passage, join(_passage_line(passage, texts)), texts, "passage"),
        )
        for passage in passages
    ]
    return element("ul", *rows, class_="nearest")


def _passage_line(passage: Reference, texts: Texts) -> Iterator[Markup]:
    yield element("b", passage.title or passage.source)
    yield element("span", " · ".join(details(passage, texts)), class_="where")
    yield element("span", passage.text, class_="excerpt")


def _understood(turn: AskedTurn, answer: Answer, texts: Texts) -> Markup:
    if not answer.question or answer.question.strip() == turn.question.strip():
        return Markup()
    edit = element(
        "button", texts.edit, type="button", data_act="edit", data_question=answer.question
    )
    return element("p", texts.understood, answer.question, " ", edit, class_="understood")


def _actions(turn: int, answer: Answer, cited: Sequence[Reference], texts: Texts) -> Markup:
    copied = "\n\n".join(quoted(reference, texts) for reference in cited)
    copy = element("button", texts.copy, type="button", data_act="copy", data_copy=copied)
    passages = passage_references(answer.nearest)
    related = (
        element("details", element("summary", texts.related), _nearest(turn, passages, texts))
        if passages
        else Markup()
    )
    return element("div", copy, related, class_="actions")


def _answer(turn: AskedTurn, answer: Answer, texts: Texts) -> Markup:
    cited = citation_references(answer)
    by_number = {reference.number: reference for reference in cited}
    sentences = [_sentence(turn.number, item, by_number, texts) for item in answer.sentences]
    return element(
        "div",
        _understood(turn, answer, texts),
        *sentences,
        _sources(turn.number, cited, texts),
        _actions(turn.number, answer, cited, texts),
        class_="card answer",
    )


def _without_answer(turn: AskedTurn, answer: Answer, texts: Texts) -> Markup:
    reason = answer.reason or Reason.NOT_IN_DOCUMENTS
    small_talk = reason is Reason.SMALL_TALK
    passages = () if small_talk else passage_references(answer.nearest)
    heading, sentence = no_answer(reason, turn.question, bool(passages))
    return element(
        "div",
        _understood(turn, answer, texts) if not small_talk else Markup(),
        element("h3", heading),
        element("p", sentence),
        _nearest(turn.number, passages, texts) if passages else Markup(),
        class_="card greeting" if small_talk else "card refusal",
    )


def _failure(failure: Failure, texts: Texts) -> Markup:
    return element(
        "div",
        element("p", failure.sentence or texts.unexpected),
        class_="card failure",
        role="alert",
        data_returned=failure.is_returned,
    )


def _card(turn: AskedTurn, texts: Texts) -> Markup:
    outcome = turn.outcome
    if isinstance(outcome, Failure):
        return _failure(outcome, texts)
    if outcome.answered:
        return _answer(turn, outcome, texts)
    return _without_answer(turn, outcome, texts)


def _turn(turn: AskedTurn, texts: Texts) -> Markup:
    question = element("div", turn.question, class_="question") if turn.question else Markup()
    return element("article", question, _card(turn, texts), class_="turn")


def _welcome(texts: Texts) -> Markup:
    return element(
        "section",
        element("h1", texts.welcome),
        element("p", texts.promise),
        class_="welcome",
    )


def conversation_html(turns: Sequence[AskedTurn], texts: Texts) -> Markup:
    """Return the conversation; before the first question, what the page is for."""
    shown = [_turn(turn, texts) for turn in turns] or [_welcome(texts)]
    return element(
        "section", *shown, class_="conversation", role="log", aria_label=texts.conversation
    )
