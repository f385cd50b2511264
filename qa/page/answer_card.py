"""A conversation as HTML: each question as a bubble, each answer or refusal as a card."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qa.page.feedback_slot import feedback_slot
from qa.page.markup import Markup, element, escape, join
from qa.page.places import details, quoted
from qa.page.references import Reference, citation_references, passage_references
from qa.page.source_list import cite_html, numbered, sources_html
from qa.page.stored import record
from qa.page.texts import Texts, no_answer
from qa.page.turns import AskedTurn, Failure
from qa.page.written_card import by_html, by_id, copy_html, copy_id, text_html, written_id
from qa.records import Answer, AnswerSentence, Reason

_NAMED = 3
"""Files that are named of those that were asked."""


def _marked(sentence: AnswerSentence) -> Iterator[Markup]:
    end = 0
    for mark in sorted(sentence.marks):
        yield escape(sentence.text[end : mark.start])
        yield element("strong", mark.of(sentence.text), class_="answering")
        end = mark.end
    yield escape(sentence.text[end:])


def _sentence(sentence: AnswerSentence, cited: dict[int, Reference], texts: Texts) -> Markup:
    reference = cited.get(sentence.number)
    number = cite_html(reference, texts) if reference is not None else Markup()
    return element("p", *_marked(sentence), number, class_="sentence")


def _nearest(passages: Sequence[Reference], texts: Texts) -> Markup:
    rows = [
        element("li", numbered(passage, join(_passage_line(passage, texts)), texts, "passage"))
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
    own = element(
        "button", texts.copy, type="button", class_="own", data_act="copy", data_copy=copied
    )
    written = copy_html(turn.written, texts) if turn.written is not None else Markup()
    copy = element("span", written, id=copy_id(turn.group), class_="as-written")
    related = _related(passage_references(answer.nearest, turn.group), texts)
    return element(
        "div", own, copy, _retry(turn, texts), _judged(turn, texts), related, class_="actions"
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
        _written(turn, texts),
        element(
            "div",
            *[_sentence(item, by_number, texts) for item in answer.sentences],
            sources_html(cited, texts),
            class_="own",
        ),
        _by(turn, texts),
        _actions(turn, answer, cited, texts),
        class_="card answer",
        data_shown=_shown(turn),
    )


def _written(turn: AskedTurn, texts: Texts) -> Markup:
    """Return the place of a model's words; empty and not seen where there are none."""
    shown = text_html(turn.written, turn.group, texts) if turn.written is not None else Markup()
    return element("div", shown, id=written_id(turn.group), class_="written")


def _by(turn: AskedTurn, texts: Texts) -> Markup:
    written = turn.written
    said = by_html(written, is_own=turn.is_own, texts=texts) if written is not None else Markup()
    return element("div", said, id=by_id(turn.group), class_="by")


def _shown(turn: AskedTurn) -> str:
    is_written = turn.written is not None and turn.written.sentences and not turn.is_own
    return "written" if is_written else "own"


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
