"""A conversation as HTML: each question as a bubble, each answer or refusal as a card."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from qa.page.feedback_slot import feedback_slot
from qa.page.markup import Markup, element, escape, join
from qa.page.opener import opener
from qa.page.places import details, quoted
from qa.page.references import Kind, Reference, citation_references, passage_references
from qa.page.stored import record
from qa.page.texts import Texts, no_answer
from qa.page.turns import AskedTurn, Failure
from qa.records import Answer, AnswerSentence, Reason

_NAMED = 3
"""Files that are named of those that were asked."""


def _opener(reference: Reference, label: str, texts: Texts, class_: str) -> Markup:
    name = texts.citation.format(number=reference.number, title=reference.title or reference.source)
    return opener(
        reference, label, class_, aria_label=name if reference.kind is Kind.CITATION else None
    )


def _marked(sentence: AnswerSentence) -> Iterator[Markup]:
    end = 0
    for mark in sorted(sentence.marks):
        yield escape(sentence.text[end : mark.start])
        yield element("strong", mark.of(sentence.text), class_="answering")
        end = mark.end
    yield escape(sentence.text[end:])


def _sentence(sentence: AnswerSentence, cited: dict[int, Reference], texts: Texts) -> Markup:
    reference = cited.get(sentence.number)
    number = (
        element("sup", _opener(reference, str(sentence.number), texts, "cite"))
        if reference is not None
        else Markup()
    )
    return element("p", *_marked(sentence), number, class_="sentence")


def _source(shared: Sequence[Reference], texts: Texts) -> Markup:
    numbers = [_opener(item, str(item.number), texts, "number") for item in shared]
    first = shared[0]
    title = element("b", first.title) if first.title else Markup()
    where = " · ".join(details(first, texts))
    return element("li", *numbers, title, element("span", where, class_="where"))


def _sources(cited: Sequence[Reference], texts: Texts) -> Markup:
    """List the sources; neighbouring citations of one article share a line."""
    shared = groupby(cited, key=lambda item: (item.title, item.source, item.page, item.date))
    rows = [_source(list(items), texts) for _, items in shared]
    return element("ul", *rows, class_="sources", aria_label=texts.sources)


def _nearest(passages: Sequence[Reference], texts: Texts) -> Markup:
    rows = [
        element("li", _opener(passage, join(_passage_line(passage, texts)), texts, "passage"))
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
    edit = _edit(turn, answer.question, element("span", texts.edit), texts, "link")
    return element("p", texts.understood, answer.question, " ", edit, class_="understood")


def _edit(turn: AskedTurn, question: str, label: Markup, texts: Texts, class_: str) -> Markup:
    return element(
        "button",
        label,
        type="button",
        class_=class_,
        data_act="edit",
        data_number=turn.number,
        data_question=question,
        title=texts.edit_question,
        aria_label=None if label else texts.edit_question,
    )


def _retry(turn: AskedTurn, texts: Texts) -> Markup:
    return element(
        "button",
        texts.retry,
        type="button",
        data_act="retry",
        data_number=turn.number,
        data_question=turn.question,
    )


def _related(passages: Sequence[Reference], texts: Texts) -> Markup:
    if not passages:
        return Markup()
    return element("details", element("summary", texts.related), _nearest(passages, texts))


def _actions(turn: AskedTurn, answer: Answer, cited: Sequence[Reference], texts: Texts) -> Markup:
    copied = "\n\n".join(quoted(reference, texts) for reference in cited)
    copy = element("button", texts.copy, type="button", data_act="copy", data_copy=copied)
    related = _related(passage_references(answer.nearest, turn.group), texts)
    return element(
        "div", copy, _retry(turn, texts), _judged(turn, texts), related, class_="actions"
    )


def _judged(turn: AskedTurn, texts: Texts) -> Markup:
    kept = record(turn)
    return feedback_slot(kept, texts) if kept is not None else Markup()


def _limited(turn: AskedTurn, texts: Texts) -> Markup:
    """Say which files were asked, where it was not all of them."""
    if not turn.sources:
        return Markup()
    names = texts.range_separator.join(one.rpartition("/")[2] for one in turn.sources[:_NAMED])
    more = f" +{len(turn.sources) - _NAMED}" if len(turn.sources) > _NAMED else ""
    said = texts.asked_only.format(names=names + more)
    return element("p", said, class_="limited", title="\n".join(turn.sources))


def _changed(turn: AskedTurn, texts: Texts) -> Markup:
    if not turn.is_changed:
        return Markup()
    return element("p", texts.changed_answer, class_="changed")


def _answer(turn: AskedTurn, answer: Answer, texts: Texts) -> Markup:
    cited = citation_references(answer, turn.group)
    by_number = {reference.number: reference for reference in cited}
    return element(
        "div",
        _understood(turn, answer, texts),
        _limited(turn, texts),
        _changed(turn, texts),
        *[_sentence(item, by_number, texts) for item in answer.sentences],
        _sources(cited, texts),
        _actions(turn, answer, cited, texts),
        class_="card answer",
    )


def _without_answer(turn: AskedTurn, answer: Answer, texts: Texts) -> Markup:
    reason = answer.reason or Reason.NOT_IN_DOCUMENTS
    small_talk = reason is Reason.SMALL_TALK
    passages = () if small_talk else passage_references(answer.nearest, turn.group)
    heading, sentence = no_answer(reason, turn.question, bool(passages))
    if small_talk:
        said = element("h3", heading), element("p", sentence)
        return element("div", *said, class_="card greeting")
    return element(
        "div",
        _understood(turn, answer, texts),
        _limited(turn, texts),
        element("h3", heading),
        element("p", sentence),
        _nearest(passages, texts) if passages else Markup(),
        element("div", _retry(turn, texts), _judged(turn, texts), class_="actions"),
        class_="card refusal",
    )


def failure_html(failure: Failure, texts: Texts) -> Markup:
    """Return the card of a question that got neither answer nor refusal."""
    return element(
        "div",
        element("p", failure.sentence or texts.unexpected),
        class_="card failure",
        role="alert",
    )


def _card(turn: AskedTurn, texts: Texts) -> Markup:
    outcome = turn.outcome
    if isinstance(outcome, Failure):
        return failure_html(outcome, texts)
    if outcome.answered:
        return _answer(turn, outcome, texts)
    return _without_answer(turn, outcome, texts)


def turn_html(turn: AskedTurn, texts: Texts) -> Markup:
    """Return what a turn holds: the question with its button, and the card."""
    asked = element(
        "div",
        _edit(turn, turn.question, Markup(), texts, "pencil"),
        element("div", turn.question, class_="question"),
        class_="asked",
    )
    return join([asked, _card(turn, texts)])


def _turn(turn: AskedTurn, texts: Texts) -> Markup:
    shown = turn_html(turn, texts)
    return element("article", shown, class_="turn", id=turn.group, data_number=turn.number)


def welcome_html(texts: Texts, welcome: str = "") -> Markup:
    """Return what stands there before the first question; `welcome` may be empty."""
    return element(
        "section",
        element("h1", welcome or texts.welcome),
        element("p", texts.promise),
        class_="welcome",
    )


def conversation_html(turns: Sequence[AskedTurn], texts: Texts, welcome: str = "") -> Markup:
    """Return the content of a conversation; before the first question, what the page is for."""
    return join([_turn(turn, texts) for turn in turns] or [welcome_html(texts, welcome)])
