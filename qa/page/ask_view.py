"""The view that answers: questions, conversations, and the originals beside them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from threading import Lock
from typing import Any

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from embeddings.errors import WenjuError
from qa.page.answer_card import conversation_html, turn_html
from qa.page.examples import example_questions
from qa.page.export import exported
from qa.page.frame import dock_html, examples_html
from qa.page.markup import Markup, element, join
from qa.page.originals import Originals
from qa.page.protocols import AnsweringBot, WritingBot
from qa.page.references import Reference, citation_references, reference_from
from qa.page.source_panel import panel_patch
from qa.page.stored import history_from, record, turns_from
from qa.page.talks import bar_html
from qa.page.texts import Language
from qa.page.turns import AskedTurn, Failure, asked
from qa.page.views import Part, Patch, Reply, Visit, unknown_act
from qa.page.writing import written_parts

_log = logging.getLogger(__name__)

_Act = Callable[[Mapping[str, Any], Visit], Iterable[Part]]


class AskView:
    """Conversations over one bot; the browser keeps them, so nothing of a visitor is held here."""

    name = "ask"

    def __init__(self, bot: AnsweringBot) -> None:
        self._bot = bot
        self._originals = Originals(bot)
        self._examples: tuple[int, tuple[str, ...]] | None = None
        self._examples_lock = Lock()
        self._acts: dict[str, _Act] = {
            "ask": self._ask,
            "write": self._write,
            "open": self._open,
            "render": self._render,
            "examples": self._show_examples,
            "export": self._export,
        }

    def title(self, language: Language) -> str:
        """Return its word in the navigation."""
        return {Language.ZH: "问答", Language.EN: "Ask"}[language]

    def show(self, visit: Visit) -> Markup:
        """Return an empty conversation with its question box."""
        known = self._examples[1] if self._examples is not None else ()
        talk = element(
            "div",
            conversation_html((), visit.texts, visit.options.welcome),
            id="conversation",
            class_="conversation",
            role="log",
            aria_label=visit.texts.conversation,
        )
        dock = element("div", dock_html(known, visit.texts, visit.options.model), id="dock")
        return element("div", join([bar_html(visit.texts), talk, dock]), id="talk")

    def act(self, name: str, data: Mapping[str, Any], visit: Visit) -> Iterable[Part]:
        """Ask, have written, open a citation, show a conversation again, give examples, export."""
        if name not in self._acts:
            raise unknown_act(self, name)
        return self._acts[name](data, visit)

    def routes(self) -> list[Route]:
        """Return the address of pages as they look."""
        return [Route("/wenju/ask/page/{document}/{page:int}.png", self._page, methods=["GET"])]

    def examples(self) -> tuple[str, ...]:
        """Return example questions of the published generation, made once; none if unreadable."""
        with self._examples_lock:
            try:
                generation = self._bot.info().generation
                if self._examples is None or self._examples[0] != generation:
                    self._examples = generation, example_questions(self._bot)
            except WenjuError as error:
                _log.warning("no example questions: %s", error)
                return ()
            return self._examples[1]

    def _ask(self, data: Mapping[str, Any], visit: Visit) -> Iterator[Part]:
        turn = self._asked(data)
        yield Patch(turn.group, turn_html(turn, visit.texts))
        yield Reply(_told(turn))
        first = _first_citation(turn)
        if first is not None:
            yield panel_patch(self._originals.open(first), visit.texts)

    def _write(self, data: Mapping[str, Any], visit: Visit) -> Iterable[Part]:
        writer = visit.options.writer
        if writer is None or not isinstance(self._bot, WritingBot):
            return [Reply({"written": None})]
        return written_parts(self._bot, writer, self._asked(data), visit.texts)

    def _asked(self, data: Mapping[str, Any]) -> AskedTurn:
        question, number = str(data.get("question", "")).strip(), _number(data.get("number"))
        history, sources = history_from(data.get("history")), _sources(data.get("sources"))
        return asked(self._bot, question, number, history, sources)

    def _open(self, data: Mapping[str, Any], visit: Visit) -> Iterator[Part]:
        reference = reference_from(data.get("reference"))
        yield panel_patch(self._originals.open(reference), visit.texts)

    def _render(self, data: Mapping[str, Any], visit: Visit) -> Iterator[Part]:
        turns = turns_from(data.get("records"), self._bot)
        shown = conversation_html(turns, visit.texts, visit.options.welcome)
        yield Patch("conversation", shown)

    def _show_examples(self, _: Mapping[str, Any], __: Visit) -> Iterator[Part]:
        yield Patch("examples", examples_html(self.examples()))

    def _export(self, data: Mapping[str, Any], visit: Visit) -> Iterator[Part]:
        turns = turns_from(data.get("records"), self._bot)
        name, form = str(data.get("name", "")), str(data.get("form", ""))
        yield Reply(exported(turns, name, form, visit.texts))

    async def _page(self, request: Request) -> Response:
        document, page = request.path_params["document"], request.path_params["page"]
        try:
            drawn = await to_thread.run_sync(self._originals.drawn, document, page)
        except WenjuError as error:
            return PlainTextResponse(str(error), 404)
        if drawn is None:
            return PlainTextResponse("The file has changed.", 404)
        # A document's id is the hash of its bytes: what it names never changes.
        kept = {"cache-control": "private, max-age=86400, immutable"}
        return Response(drawn.png, media_type="image/png", headers=kept)


def _sources(value: object) -> list[str] | None:
    """Return the files that a browser wants to ask; None for all."""
    named = [name for name in value if isinstance(name, str)] if isinstance(value, list) else []
    return named or None


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _told(turn: AskedTurn) -> dict[str, Any]:
    """Return what the browser is to keep of a turn, and whether its question goes back."""
    returned = isinstance(turn.outcome, Failure) and turn.outcome.is_returned
    return {"record": record(turn), "returned": returned}


def _first_citation(turn: AskedTurn) -> Reference | None:
    if isinstance(turn.outcome, Failure):
        return None
    return next(iter(citation_references(turn.outcome, turn.group)), None)
