"""Takes thumbs and notes, lists and exports them; the thumbs are in the cards (`feedback_slot`)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from embeddings.errors import QuestionError
from qa.bot import LONGEST_QUESTION
from qa.feedback import FeedbackStore, Verdict, judged
from qa.feedback_export import originals_of, questions, to_line
from qa.page.feedback_list import SHOWN, list_html, page_html
from qa.page.feedback_texts import FEEDBACK_TEXTS
from qa.page.markup import Markup
from qa.page.protocols import AnsweringBot
from qa.page.stored import answer_from_json
from qa.page.texts import Language
from qa.page.views import Part, Patch, Reply, Visit, unknown_act
from qa.records import Answer

HISTORY = 8
"""Turns before a judged one that are kept with it."""

FILE_NAME = "feedback.jsonl"
"""What the exported questions are called."""

_Act = Callable[[Mapping[str, Any], Visit], Iterable[Part]]
_ID = re.compile(r"[0-9A-Za-z-]{8,80}")


class FeedbackView:
    """The feedback on one index; it is not there on a read-only page.

    Args:
        bot: the one whose answers are judged.
        index: the index folder, where the feedback is kept.
    """

    name = "feedback"

    def __init__(self, bot: AnsweringBot, index: Path) -> None:
        self._bot, self._index = bot, index
        self._store = FeedbackStore(index)
        self._acts: dict[str, _Act] = {
            "give": self._taken,
            "list": self._listed,
            "export": self._exported,
        }

    def title(self, language: Language) -> str:
        """Return its word in the navigation."""
        return FEEDBACK_TEXTS[language].title

    def show(self, visit: Visit) -> Markup:
        """Return what was said of answers, the newest first."""
        return page_html(self._store.all(), FEEDBACK_TEXTS[visit.language])

    def act(self, name: str, data: Mapping[str, Any], visit: Visit) -> Iterable[Part]:
        """Keep one person's word on one answer, list them, make questions of them."""
        if name not in self._acts:
            raise unknown_act(self, name)
        return self._acts[name](data, visit)

    def _listed(self, data: Mapping[str, Any], visit: Visit) -> list[Part]:
        count = str(data.get("count", ""))
        shown = list_html(
            self._store.all(),
            str(data.get("group", "")),
            int(count) if count.isascii() and count.isdigit() else SHOWN,
            FEEDBACK_TEXTS[visit.language],
        )
        return [Patch("feedback-list", shown)]

    def _exported(self, _: Mapping[str, Any], visit: Visit) -> list[Part]:
        words, given = FEEDBACK_TEXTS[visit.language], self._store.all()
        found = questions(given, originals_of(self._index, given))
        if not found.questions:
            raise QuestionError(words.nothing)
        left = sum(found.left_out.values())
        text = "".join(f"{to_line(one)}\n" for one in found.questions)
        said = words.exported.format(count=len(found.questions), left=left)
        return [Reply({"file": FILE_NAME, "type": "application/jsonl", "text": text, "said": said})]

    def _taken(self, data: Mapping[str, Any], visit: Visit) -> list[Part]:
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
