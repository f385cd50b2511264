"""The picture of the corpus: the script draws it out of points; its words and lists are here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from embeddings.errors import QuestionError
from qa.corpus_map import CorpusMap, MapDocument, Placed, excerpt
from qa.page.map_texts import MAP_TEXTS, MapTexts
from qa.page.markup import Markup, element, join, undirected
from qa.page.opener import opener
from qa.page.places import details
from qa.page.protocols import AnsweringBot
from qa.page.references import Kind, Reference, passage_references, reference_data
from qa.page.texts import Language
from qa.page.views import Part, Patch, Reply, Visit, unknown_act
from qa.records import Hit

STYLES = 8
"""Documents with a colour and a shape of their own in the first round; see map.css."""

ROUNDS = 3
"""Rounds of the same colours, with other shapes; all further documents look alike."""

HITS = 5

_Act = Callable[[Mapping[str, Any], Visit], Iterable[Part]]


@runtime_checkable
class MappedBot(AnsweringBot, Protocol):
    """A bot that knows where its passages stand in a picture."""

    def map(self) -> CorpusMap | None:
        """Return the picture; None where the index has none."""

    def on_map(
        self, question: str, k: int = 5, sources: Sequence[str] | None = None
    ) -> Placed | None:
        """Return where a question and its hits stand in it; None when nowhere."""


class MapView:
    """The map over one bot."""

    name = "map"

    def __init__(self, bot: MappedBot) -> None:
        self._bot = bot
        self._acts: dict[str, _Act] = {
            "points": self._points,
            "place": self._place,
            "reference": self._reference,
        }

    def title(self, language: Language) -> str:
        """Return its word in the navigation."""
        return MAP_TEXTS[language].title

    def show(self, visit: Visit) -> Markup:
        """Return the frame of the picture; the script asks for the points."""
        words = MAP_TEXTS[visit.language]
        found = self._bot.map()
        if found is None or not found.points:
            said = words.none if found is None else words.empty
            return element("p", said, class_="card notice")
        return join(
            [
                _lead(found, words),
                _question(words),
                element(
                    "div",
                    _picture(found, words),
                    _legend(found.documents, words),
                    class_="board",
                ),
                element("div", id="map-hits", role="region", aria_label=words.hits),
                _list(words),
            ]
        )

    def act(self, name: str, data: Mapping[str, Any], visit: Visit) -> Iterable[Part]:
        """Give the points, place a question, name the place of a point."""
        if name not in self._acts:
            raise unknown_act(self, name)
        return self._acts[name](data, visit)

    def _points(self, _: Mapping[str, Any], visit: Visit) -> Iterator[Part]:
        found = self._bot.map()
        if found is None:
            raise QuestionError(MAP_TEXTS[visit.language].none)
        yield Reply(
            {
                "documents": [
                    [one.id, undirected(one.source), one.title] for one in found.documents
                ],
                "points": [
                    [one.x, one.y, one.document, one.offset, undirected(one.text)]
                    for one in found.points
                ],
            }
        )

    def _place(self, data: Mapping[str, Any], visit: Visit) -> Iterator[Part]:
        words = MAP_TEXTS[visit.language]
        question = str(data.get("question", "")).strip()
        found = self._bot.on_map(question, HITS) if question else None
        if found is None:
            said = element("p", words.nowhere, class_="where", role="status")
            yield Patch("map-hits", said if question else Markup())
            yield Reply({"hits": []})
            return
        yield Patch("map-hits", _hits(found, visit))
        hits = [
            [x, y, hit.document, int(_offset(hit.id)), *map(undirected, _label(hit))]
            for hit, x, y in found.hits
        ]
        yield Reply({"x": found.x, "y": found.y, "hits": hits})

    def _reference(self, data: Mapping[str, Any], _: Visit) -> Iterator[Part]:
        document, offset = str(data.get("document", "")), str(data.get("offset", ""))
        yield Reply({"reference": reference_data(self._found(document, offset))})

    def _found(self, document: str, offset: str) -> Reference:
        """Return the passage of a point.

        Raises:
            QuestionError: when the index does not hold it any more.
        """
        original = self._bot.document(document)
        for passage in self._bot.passages(document):
            if _offset(passage.id) == offset:
                return Reference(
                    Kind.PASSAGE, 1, document, original.sources[0],
                    passage.title or original.title, passage.page, original.date,
                    passage.spans, (), passage.text, passage.heading, "map",
                )  # fmt: skip
        raise QuestionError("The index holds no such passage any more; load the page again")


def _label(hit: Hit) -> tuple[str, str]:
    return hit.source, excerpt(hit.text)


def _offset(passage: str) -> str:
    return passage.rpartition(":")[2]


def _lead(found: CorpusMap, words: MapTexts) -> Markup:
    said = words.what
    if len(found.points) < found.passages:
        counts = {"all": f"{found.passages:,}", "shown": f"{len(found.points):,}"}
        said = join([said, " ", words.some.format(**counts)])
    return element("p", said, class_="lead")


def _question(words: MapTexts) -> Markup:
    field = element(
        "input",
        type="search",
        name="question",
        class_="field",
        placeholder=words.placeholder,
        aria_label=words.question,
        autocomplete="off",
        maxlength=2000,
    )
    button = element("button", words.draw, type="submit", class_="button strong")
    return element("form", field, button, data_act="draw", class_="line")


def _picture(found: CorpusMap, words: MapTexts) -> Markup:
    label = words.picture.format(points=len(found.points), documents=len(found.documents))
    svg = element(
        "svg",
        tabindex=0,
        role="application",
        aria_label=label,
        aria_describedby="map-keys",
        viewBox="-1.08 -1.08 2.16 2.16",
        data_asked=words.asked,
    )
    zooms = [
        _zoom("+", "nearer", words.nearer),
        _zoom("−", "farther", words.farther),
        _zoom("⤢", "whole", words.whole),
    ]
    return element(
        "div",
        svg,
        element("div", *zooms, class_="zooms"),
        element("div", class_="tip", aria_hidden="true", hidden=True),
        element("p", id="map-read", class_="unseen", aria_live="polite"),
        element("p", words.keys, id="map-keys", class_="unseen"),
        class_="picture-frame",
    )


def _zoom(sign: str, act: str, label: str) -> Markup:
    return element(
        "button", sign, type="button", data_act=act, aria_label=label, title=label,
        class_="button",
    )  # fmt: skip


def style(number: int) -> str:
    """Return the class of colour and shape of the document of this number."""
    if number >= STYLES * ROUNDS:
        return "rest"
    return f"c{number % STYLES} s{(number + number // STYLES) % 4}"


def _legend(documents: Sequence[MapDocument], words: MapTexts) -> Markup:
    own = documents[: STYLES * ROUNDS]
    rows = [_entry(number, one, words) for number, one in enumerate(own)]
    rest = len(documents) - len(own)
    if rest:
        swatch = element("svg", class_="swatch rest", viewBox="-6 -6 12 12", aria_hidden="true")
        rows.append(element("li", swatch, words.others.format(count=rest), class_="where"))
    return element("ul", *rows, class_="legend", aria_label=words.documents)


def _entry(number: int, document: MapDocument, words: MapTexts) -> Markup:
    count = words.points[document.points != 1].format(count=document.points)
    swatch = element(
        "svg", class_=f"swatch {style(number)}", viewBox="-6 -6 12 12", aria_hidden="true"
    )
    name = element("span", document.title or document.source, class_="name")
    return element(
        "li",
        element(
            "button", swatch, name, element("span", count, class_="where"), type="button",
            data_act="only", data_document=number, aria_pressed="false", title=document.source,
        ),
    )  # fmt: skip


def _hits(found: Placed, visit: Visit) -> Markup:
    words = MAP_TEXTS[visit.language]
    references = passage_references([hit for hit, _, _ in found.hits], "map-hits", None)
    rows = [element("li", _hit(one, visit)) for one in references]
    return join([element("h3", words.hits), element("ol", *rows)])


def _hit(reference: Reference, visit: Visit) -> Markup:
    where = " · ".join(details(reference, visit.texts))
    parts = [
        element("span", str(reference.number), class_="rank"),
        element("b", reference.title or reference.source),
        element("span", where, class_="where"),
        element("span", reference.text, class_="excerpt"),
    ]
    return opener(reference, join(parts), "passage")


def _list(words: MapTexts) -> Markup:
    return element(
        "details", element("summary", words.listed), element("div", class_="rows"), class_="listed"
    )
