"""Takes thumbs and notes; the thumbs themselves stand in the answer cards (`feedback_slot`)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from embeddings.errors import QuestionError
from qa.bot import LONGEST_QUESTION
from qa.feedback import FeedbackStore, Verdict, judged
from qa.page.feedback_texts import FEEDBACK_TEXTS
from qa.page.markup import Markup
from qa.page.protocols import AnsweringBot
from qa.page.stored import answer_from_json
from qa.page.texts import Language
from qa.page.views import Part, Reply, Visit, unknown_act
from qa.records import Answer

HISTORY = 8
"""Turns before a judged one that are kept with it."""

_ID = re.compile(r"[0-9A-Za-z-]{8,80}")


class FeedbackView:
    """Acts only: it does not show in the navigation, and is not there on a read-only page.

    Args:
        bot: the one whose answers are judged.
        index: the index folder, where the feedback is kept.
    """

    name = "feedback"

    def __init__(self, bot: AnsweringBot, index: Path) -> None:
        self._bot = bot
        self._store = FeedbackStore(index)

    def title(self, language: Language) -> str:  # noqa: ARG002
        """Return nothing: it is no place to go to."""
        return ""

    def show(self, visit: Visit) -> Markup:  # noqa: ARG002
        """Return nothing."""
        return Markup()

    def act(self, name: str, data: Mapping[str, Any], visit: Visit) -> Iterable[Part]:
        """Keep one person's word on one answer."""
        if name != "give":
            raise unknown_act(self, name)
        try:
            record = dict(data["record"])
            said, id_ = answer_from_json(record["answer"]), _id(data["id"])
            verdict = Verdict(str(data["verdict"]))
        except (KeyError, TypeError, ValueError) as error:
            raise QuestionError(FEEDBACK_TEXTS[visit.language].broken) from error
        self._give(said, verdict, id_, record, data)
        return [Reply({"verdict": verdict.value})]

    def _give(
        self,
        said: Answer,
        verdict: Verdict,
        id_: str,
        record: Mapping[str, Any],
        data: Mapping[str, Any],
    ) -> None:
        given = judged(
            said,
            verdict,
            id=id_,
            question=str(record.get("question", ""))[:LONGEST_QUESTION],
            history=_texts(data.get("history")),
            sources=_texts(record.get("sources")),
            note=str(data.get("note") or ""),
            missing=bool(data.get("missing")) and verdict is Verdict.DOWN,
            generation=self._bot.info().generation,
        )
        self._store.add(given)


def _id(value: object) -> str:
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise ValueError("no id")
    return value


def _texts(value: object) -> tuple[str, ...]:
    given = value if isinstance(value, list) else []
    return tuple(str(one)[:LONGEST_QUESTION] for one in given[-HISTORY:])
