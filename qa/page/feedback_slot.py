"""Where an answer is judged. Hidden until the page's script finds that feedback is taken."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from qa.feedback import LONGEST_NOTE, Verdict
from qa.page.feedback_texts import FEEDBACK_TEXTS, FeedbackTexts
from qa.page.markup import Markup, element
from qa.page.texts import Texts

_HAND = (
    "M7 10.5 10.4 3c1.4 0 2.4 1 2.4 2.3V9h4.7c1.3 0 2.2 1.2 1.9 2.4l-1.5 6c-.2.9-1 1.6-2 1.6H7Z"
    "M7 10.5H3.8V19H7Z"
)


def feedback_slot(record: Mapping[str, Any], texts: Texts) -> Markup:
    """Return what stands at the end of an answer's actions; `record` is as the browser keeps it."""
    words = FEEDBACK_TEXTS[texts.language]
    answered = bool(record["answer"]["answered"])
    return element(
        "div",
        element(
            "span",
            element("span", class_="thanks", role="status"),
            _thumb(Verdict.UP, words.up),
            _thumb(Verdict.DOWN, words.down),
            class_="thumbs",
        ),
        _note(words, answered),
        class_="feedback",
        role="group",
        aria_label=words.group,
        hidden=True,
        data_key=_key(record),
        data_thanks=words.thanks,
        data_taken_back=words.taken_back,
        data_saved=words.saved,
    )


def _key(record: Mapping[str, Any]) -> str:
    """Return a name for an answer: the same words to the same question are the same."""
    said = f"{record['question']}\0{record['answer']['question']}\0{record['answer']['text']}"
    return hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:24]


def hand(verdict: Verdict) -> Markup:
    """Return a hand with its thumb up, or down."""
    class_ = "down" if verdict is Verdict.DOWN else None
    path = element("path", d=_HAND)
    return element("svg", path, viewBox="0 0 24 24", aria_hidden="true", class_=class_)


def _thumb(verdict: Verdict, label: str) -> Markup:
    return element(
        "button",
        hand(verdict),
        type="button",
        class_="thumb",
        data_act="thumb",
        data_target="feedback",
        data_verdict=verdict,
        aria_pressed="false",
        aria_label=label,
        title=label,
    )


def _note(words: FeedbackTexts, answered: bool) -> Markup:
    field = element(
        "textarea", name="note", rows=2, class_="field", maxlength=LONGEST_NOTE,
        placeholder=words.placeholder, aria_label=words.note,
    )  # fmt: skip
    box = element("input", type="checkbox", name="missing", value="yes")
    missing = element("label", box, " ", words.missing, class_="missing")
    save = element("button", words.save, type="submit", class_="button")
    return element(
        "form",
        field,
        element("div", missing if answered else Markup(), save, class_="line"),
        class_="note",
        data_act="note",
        data_target="feedback",
        hidden=True,
    )
