"""A conversation as a file that others can read: Markdown, or one HTML page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from embeddings.errors import QuestionError
from qa.page.markup import Markup, element, escape, join, undirected
from qa.page.places import place
from qa.page.references import Reference, citation_references, written_references
from qa.page.texts import Texts, no_answer
from qa.page.turns import AskedTurn, Turns
from qa.page.written_card import written_line
from qa.page.written_texts import WRITTEN_TEXTS, doubt_words
from qa.records import Answer, Reason, Written
from qa.render import doubts_note, language_of, written_note

_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>()#+\-.!|~$&])")

_LONGEST_NAME = 60
_NOT_IN_NAMES = re.compile(r'[\x00-\x1f\\/:*?"<>|.\s]+')

_STYLE = """
body { max-width: 44em; margin: 3em auto; padding: 0 1.2em; color: #1d2327; background: #fff;
  font: 16px/1.75 system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif; }
h2 { margin: 2.2em 0 .6em; font-size: 1.1em; white-space: pre-wrap; }
p { margin: .4em 0; overflow-wrap: anywhere; }
sup { color: #0f6b5c; font-weight: 600; }
.where, .understood { color: #5b6670; font-size: .88em; }
blockquote { margin: .2em 0 0; white-space: pre-wrap; }
h3 { margin: 1.2em 0 .4em; font-size: 1em; color: #5b6670; }
.doubted { text-decoration: underline dotted #855700 2px; text-underline-offset: 4px; }
small { color: #855700; }
.turning { display: inline-block; }
.refusal { border-left: 3px solid #855700; padding-left: 1em; }
"""


def exported(turns: Turns, name: str, form: str, texts: Texts) -> dict[str, Any]:
    """Return file name, media type and text of a conversation.

    Args:
        turns: the conversation.
        name: its name.
        form: ``md`` or ``html``.
        texts: the words of the page.

    Raises:
        QuestionError: when there is no such form.
    """
    forms = {"md": (to_markdown, "text/markdown"), "html": (to_html, "text/html")}
    if form not in forms:
        raise QuestionError(f"There is no export as {form!r}; choose md or html")
    write, kind = forms[form]
    stem = _NOT_IN_NAMES.sub(" ", undirected(name)).strip()[:_LONGEST_NAME].strip() or texts.talk
    return {"file": f"{stem}.{form}", "type": kind, "text": write(turns, name, texts)}


def escaped_markdown(text: str) -> str:
    """Return text as Markdown that shows its characters, in one paragraph.

    Characters that would turn the order of others are left out: Markdown has no box for them.
    """
    return _MARKDOWN.sub(r"\\\1", " ".join(undirected(text).split()))


def to_markdown(turns: Turns, name: str, texts: Texts) -> str:
    """Return a conversation as Markdown, every citation with its words and its place."""
    parts = [f"# {escaped_markdown(name or texts.talk)}", _origin(texts)]
    for turn in turns:
        parts += _markdown_turn(turn, texts)
    return "\n\n".join(parts) + "\n"


def _origin(texts: Texts) -> str:
    return texts.exported.format(title=texts.title, date=date.today().isoformat())


def _markdown_turn(turn: AskedTurn, texts: Texts) -> Iterator[str]:
    yield f"## {escaped_markdown(turn.question)}"
    answer = turn.outcome
    if not isinstance(answer, Answer):
        return
    if answer.question and answer.question != turn.question:
        yield f"*{escaped_markdown(texts.understood + answer.question)}*"
    if turn.is_changed:
        yield f"*{escaped_markdown(texts.changed_answer)}*"
    if not answer.answered:
        yield f"> {escaped_markdown(_refused(turn, answer))}"
        return
    if turn.written is not None and turn.written.sentences:
        yield from _markdown_written(turn.written, texts)
    said = (f"{escaped_markdown(one.text)} \\[{one.number}\\]" for one in answer.sentences)
    yield "\n".join(f"{line}  " for line in said).rstrip()
    for reference in citation_references(answer):
        yield _markdown_citation(reference, texts)


def _markdown_written(written: Written, texts: Texts) -> Iterator[str]:
    """Yield what a language model wrote, its citations, who it was; then a heading for the rest."""
    yield escaped_markdown(written_line(written))
    yield f"*{escaped_markdown(written_note(written))}*"
    for reference in written_references(written):
        yield _markdown_citation(reference, texts)
    yield f"### {escaped_markdown(WRITTEN_TEXTS[texts.language].own)}"


def _markdown_citation(reference: Reference, texts: Texts) -> str:
    quote = "\n>\n".join(f"> {escaped_markdown(quote)}" for quote in reference.quotes)
    return f"\\[{reference.number}\\] {escaped_markdown(place(reference, texts))}\n\n{quote}"


def _refused(turn: AskedTurn, answer: Answer) -> str:
    heading, sentence = no_answer(answer.reason or Reason.NOT_IN_DOCUMENTS, turn.question, False)
    return f"{heading} {sentence}"


def to_html(turns: Turns, name: str, texts: Texts) -> str:
    """Return a conversation as one HTML page that asks for nothing."""
    title = name or texts.talk
    body = [element("h1", title), element("p", _origin(texts), class_="where")]
    body += [_html_turn(turn, texts) for turn in turns]
    return (
        f'<!doctype html>\n<html lang="{texts.html_language}">\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'\">\n"
        f"{element('title', title)}\n<style>{_STYLE}</style>\n{join(body)}\n</html>\n"
    )


def _html_turn(turn: AskedTurn, texts: Texts) -> Markup:
    answer = turn.outcome
    if not isinstance(answer, Answer):
        return element("section", element("h2", turn.question))
    understood = (
        element("p", texts.understood, answer.question, class_="understood")
        if answer.question and answer.question != turn.question
        else Markup()
    )
    changed = element("p", texts.changed_answer, class_="where") if turn.is_changed else Markup()
    written = _html_written(turn.written, texts) if turn.written is not None else Markup()
    said = _html_answer(answer, texts) if answer.answered else _html_refusal(turn, answer)
    return element("section", element("h2", turn.question), understood, changed, written, said)


def _html_refusal(turn: AskedTurn, answer: Answer) -> Markup:
    return element("p", _refused(turn, answer), class_="refusal")


def _html_answer(answer: Answer, texts: Texts) -> Markup:
    said = [element("p", one.text, element("sup", str(one.number))) for one in answer.sentences]
    return join([*said, *_html_citations(citation_references(answer), texts)])


def _html_written(written: Written, texts: Texts) -> Markup:
    if not written.sentences:
        return Markup()
    said = join(_html_sentences(written))
    return join(
        [
            element("p", said),
            element("p", written_note(written), class_="where"),
            *_html_citations(written_references(written), texts),
            element("h3", WRITTEN_TEXTS[texts.language].own),
        ]
    )


def _html_sentences(written: Written) -> Iterator[Markup]:
    language = language_of(written.answer.question)
    for one in written.sentences:
        why = doubts_note(one, language)
        yield element("span", one.text, class_="doubted" if why else None)
        yield from (element("sup", f"[{number}]") for number in one.numbers)
        yield element("small", " ", doubt_words(why, language)) if why else Markup()
        yield escape(" ")


def _html_citations(cited: Sequence[Reference], texts: Texts) -> Iterator[Markup]:
    for reference in cited:
        where = join([escape(f"[{reference.number}] "), escape(place(reference, texts))])
        quotes = [element("blockquote", quote) for quote in reference.quotes]
        yield element("div", element("p", where, class_="where"), *quotes)
