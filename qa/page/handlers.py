"""What the page does when something happens on it: state in, HTML and state out. No gradio here."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from threading import Lock
from typing import Any

from embeddings.errors import WenjuError
from qa.page.answer_card import conversation_html
from qa.page.examples import example_questions
from qa.page.frame import dock_html, header_html
from qa.page.markup import Markup
from qa.page.protocols import AnsweringBot, IndexFacts
from qa.page.references import Kind, Pointer
from qa.page.source_panel import Opened, panel_html
from qa.page.texts import TEXTS, Language, Texts
from qa.page.turns import Turns, asked, resolve
from qa.render import answer_to_json

_log = logging.getLogger(__name__)


class Page:
    """The acts of one page over one bot; holds nothing of any visitor, so threads may share it.

    Args:
        bot: answers the questions.
        title: stands in the header; None for the product's name in the page's language.
        language: the page's language; None to follow each browser.
    """

    def __init__(
        self, bot: AnsweringBot, title: str | None = None, language: Language | None = None
    ) -> None:
        self._bot = bot
        self._title = title
        self._language = language
        self._examples: tuple[int, tuple[str, ...]] | None = None
        self._examples_lock = Lock()

    def texts(self, chosen: str | None, accepted: str | None = None) -> Texts:
        """Return the words in the language to show.

        Args:
            chosen: what the visitor switched to, or None.
            accepted: the browser's Accept-Language header, or None.
        """
        if isinstance(chosen, str) and chosen in set(Language):
            return TEXTS[Language(chosen)]
        if self._language is not None:
            return TEXTS[self._language]
        preferred = (accepted or Language.ZH).lower()
        return TEXTS[Language.ZH if preferred.startswith("zh") else Language.EN]

    def header(self, texts: Texts) -> Markup:
        """Return the header with the size of the index that answers now."""
        return header_html(self._title or texts.title, self._facts(), texts)

    def start(self, texts: Texts) -> tuple[Markup, Markup, Markup, Markup]:
        """Return header, conversation, dock and panel of a page that was just opened."""
        return self.show((), None, texts, ready=False)

    def show(
        self, turns: Turns, pointer: Pointer | None, texts: Texts, *, ready: bool = True
    ) -> tuple[Markup, Markup, Markup, Markup]:
        """Return header, conversation, dock and panel in the language of `texts`.

        Args:
            turns: the conversation.
            pointer: what the panel shows, or None.
            texts: the words of the page.
            ready: False while `dock` is still to be drawn with its examples.
        """
        known = self._examples[1] if self._examples is not None else ()
        opened = self.opened(turns, pointer)
        return (
            self.header(texts),
            conversation_html(turns, texts),
            dock_html(known, texts, ready=ready),
            panel_html(opened, texts),
        )

    def dock(self, texts: Texts) -> Markup:
        """Return the question box with examples; makes them on the first call for an index."""
        return dock_html(self.examples(), texts)

    def examples(self) -> tuple[str, ...]:
        """Return example questions of the published generation; none if it cannot be read."""
        with self._examples_lock:
            facts = self._facts()
            if facts is None:
                return ()
            if self._examples is None or self._examples[0] != facts.generation:
                self._examples = (facts.generation, self._made_examples())
            return self._examples[1]

    def ask(self, turns: Turns, question: str) -> Turns:
        """Return `turns` with `question` and what came of it."""
        return asked(self._bot, turns, question)

    def opened(self, turns: Turns, pointer: Pointer | None) -> Opened | None:
        """Return what the panel shows for `pointer`; None when it names nothing."""
        resolved = resolve(turns, pointer) if pointer is not None else None
        if pointer is None or resolved is None:
            return None
        reference, count = resolved
        try:
            document = self._bot.document(reference.document)
        except WenjuError as error:
            return Opened(pointer, reference, count, None, str(error))
        return Opened(pointer, reference, count, document)

    def record(self, question: str, history: list[str], sources: list[str]) -> dict[str, Any]:
        """Return the answer to `question` for a program.

        Raises:
            WenjuError: as `AnsweringBot.ask`.
        """
        return answer_to_json(self._bot.ask(question, history=history, sources=sources or None))

    def _facts(self) -> IndexFacts | None:
        try:
            return self._bot.info()
        except WenjuError as error:
            _log.warning("the index cannot be read: %s", error)
            return None

    def _made_examples(self) -> tuple[str, ...]:
        try:
            return example_questions(self._bot)
        except WenjuError as error:
            _log.warning("no example questions: %s", error)
            return ()


def pointer(data: Mapping[str, Any]) -> Pointer | None:
    """Read a pointer out of what a browser sent; None when it is not one."""
    turn, kind, number = (data.get(key) for key in ("turn", "kind", "number"))
    known = {str(item): item for item in Kind}
    if isinstance(turn, int) and isinstance(number, int) and isinstance(kind, str):
        return Pointer(turn, known[kind], number) if kind in known else None
    return None


def first_citation(turns: Turns) -> Pointer | None:
    """Return the pointer to the newest answer's first citation; None after anything else."""
    answer = turns[-1].answer if turns else None
    if answer is None or not answer.citations:
        return None
    return Pointer(turns[-1].number, Kind.CITATION, answer.citations[0].number)
