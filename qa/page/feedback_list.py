"""The feedback on an index as a list: what was asked and answered, and what people say of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qa.feedback import Feedback, Verdict
from qa.page.feedback_slot import hand
from qa.page.feedback_texts import FeedbackTexts
from qa.page.markup import Markup, element, join

SHOWN = 50
"""Judgements that are shown at first, and with each further step."""


def page_html(given: Sequence[Feedback], words: FeedbackTexts) -> Markup:
    """Return the whole view; `given` is oldest first, and shown the other way round."""
    export = element(
        "button", words.export, type="button", class_="button", data_act="export",
        title=words.export_hint, disabled=not given,
    )  # fmt: skip
    head = element("header", element("h1", words.title), export, class_="head")
    return join(
        [
            head,
            element("p", words.lead, class_="lead"),
            element("div", list_html(given, "", SHOWN, words), id="feedback-list"),
        ]
    )


def list_html(given: Sequence[Feedback], verdict: str, count: int, words: FeedbackTexts) -> Markup:
    """Return the newest `count` of those with this verdict; an empty `verdict` is any."""
    if not given:
        return element("p", words.none, class_="nothing")
    wanted = [one for one in reversed(given) if verdict in ("", one.verdict)]
    rows = [_row(one, words) for one in wanted[:count]]
    more = element(
        "button", words.more, type="button", class_="button", data_act="more",
        data_count=count + SHOWN,
    )  # fmt: skip
    return join(
        [
            _groups(given, verdict, words),
            element("ol", *rows),
            more if len(wanted) > count else Markup(),
        ]
    )


def _groups(given: Sequence[Feedback], chosen: str, words: FeedbackTexts) -> Markup:
    counts = [("", words.all, len(given))]
    for verdict, name in ((Verdict.UP, words.up), (Verdict.DOWN, words.down)):
        counts.append((verdict.value, name, sum(one.verdict is verdict for one in given)))
    pills = [
        element(
            "button", f"{name} {count:,}", type="button", class_="pill", data_act="group",
            data_group=key, aria_pressed="true" if key == chosen else "false",
        )
        for key, name, count in counts
    ]  # fmt: skip
    return element("div", *pills, class_="groups", role="group", aria_label=words.title)


def _row(one: Feedback, words: FeedbackTexts) -> Markup:
    name = words.up if one.verdict is Verdict.UP else words.down
    mark = element("span", hand(one.verdict), class_="verdict", role="img", aria_label=name)
    day = element("time", one.time[:16].replace("T", " "), datetime=one.time, class_="where")
    return element(
        "li",
        element("p", mark, element("b", one.question), day, class_="asked-about"),
        *_told(one, words),
        class_=f"card judged {one.verdict.value}",
    )


def _told(one: Feedback, words: FeedbackTexts) -> Iterator[Markup]:
    if one.completed.strip() not in ("", one.question.strip()):
        yield element("p", words.understood, one.completed, class_="where")
    yield element("p", one.answer if one.answered else words.refused, class_="answered")
    sources = " · ".join(dict.fromkeys(cited.source for cited in one.citations))
    if sources:
        yield element("p", sources, class_="where")
    if one.missing:
        yield element("p", words.missing, class_="missing-said")
    if one.note:
        yield element("blockquote", one.note)
    again = element(
        "button", words.again, type="button", data_act="again",
        data_question=one.completed or one.question,
    )  # fmt: skip
    yield element("div", again, class_="actions")
