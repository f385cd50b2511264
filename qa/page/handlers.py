"""The page as a whole: its views over one bot, and the frame around them. No gradio here."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from embeddings.errors import WenjuError
from qa.page.frame import facts_html, frame_html, header_html
from qa.page.markup import Markup
from qa.page.options import Options
from qa.page.protocols import AnsweringBot, IndexFacts
from qa.page.registry import views
from qa.page.source_panel import panel_html
from qa.page.texts import TEXTS, Language, Texts
from qa.page.views import Part, Patch, View, Visit, unknown_act
from qa.render import answer_to_json

LANGUAGE_COOKIE = "wenju-language"

_log = logging.getLogger(__name__)


class Page:
    """The views of one page; holds nothing of any visitor, so threads may share it.

    Args:
        bot: answers the questions.
        options: those of the page.
        more: further views, behind those of the registry.
    """

    def __init__(
        self, bot: AnsweringBot, options: Options | None = None, more: Iterable[View] = ()
    ) -> None:
        self._bot = bot
        self.options = options or Options()
        self.views: tuple[View, ...] = (*views(bot, self.options), *more)
        self._named: dict[str, View] = {view.name: view for view in (*self.views, _Frame(self))}

    def view(self, name: str) -> View | None:
        """Return the view of this name; ``frame`` is the page itself."""
        return self._named.get(name)

    def visit(self, chosen: str | None, accepted: str | None = None) -> Visit:
        """Return who visits, in the language to show; see `texts`."""
        found = self.texts(chosen, accepted)
        return Visit(found.language, found, self.options)

    def texts(self, chosen: str | None, accepted: str | None = None) -> Texts:
        """Return the words in the language to show.

        Args:
            chosen: what the visitor switched to, or None.
            accepted: the browser's Accept-Language header, or None.
        """
        if isinstance(chosen, str) and chosen in set(Language):
            return TEXTS[Language(chosen)]
        if self.options.language is not None:
            return TEXTS[self.options.language]
        preferred = (accepted or Language.ZH).lower()
        return TEXTS[Language.ZH if preferred.startswith("zh") else Language.EN]

    def frame(self, visit: Visit) -> Markup:
        """Return the whole page; views but the first are filled when they are looked at."""
        first, *others = self.views
        titles = {view.name: view.title(visit.language) for view in self.views}
        shown = {name: title for name, title in titles.items() if title}
        header = header_html(
            self.options.title or visit.texts.title, self.facts(), visit.texts, shown
        )
        rest = {view.name: shown[view.name] for view in others if view.name in shown}
        panel = panel_html(None, visit.texts)
        return frame_html(header, first.show(visit), rest, panel, visit.texts)

    def facts(self) -> IndexFacts | None:
        """Return what the index holds; None when it cannot be read."""
        try:
            return self._bot.info()
        except WenjuError as error:
            _log.warning("the index cannot be read: %s", error)
            return None

    def state(self) -> dict[str, Any]:
        """Return what an open page looks at now and then, to notice a change of the index."""
        facts = self.facts()
        return {
            "generation": f"{facts.generation} {facts.built}" if facts is not None else None,
            "warning": facts is not None and facts.warning is not None,
        }

    def record(self, question: str, history: list[str], sources: list[str]) -> dict[str, Any]:
        """Return the answer to `question` for a program.

        Raises:
            WenjuError: as `AnsweringBot.ask`.
        """
        return answer_to_json(self._bot.ask(question, history=history, sources=sources or None))


class _Frame:
    """The page itself as a view: shown at once when it is opened or its language changes."""

    name = "frame"

    def __init__(self, page: Page) -> None:
        self._page = page

    def title(self, language: Language) -> str:  # noqa: ARG002
        return ""

    def show(self, visit: Visit) -> Markup:
        return self._page.frame(visit)

    def act(self, name: str, data: Mapping[str, Any], visit: Visit) -> Iterable[Part]:  # noqa: ARG002
        if name != "facts":
            raise unknown_act(self, name)
        return [Patch("index-facts", facts_html(self._page.facts(), visit.texts))]
