"""Retrieval alone: ranked passages, each with its source and the reasons why it was found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from embeddings.texts import DocumentHead
from qa.found import Period
from qa.page.markup import Markup, element, escape, join
from qa.page.matched import matched
from qa.page.opener import opener
from qa.page.places import details, quoted
from qa.page.protocols import AnsweringBot
from qa.page.references import Reference, passage_references
from qa.page.search_texts import SEARCH_TEXTS, SearchTexts
from qa.page.texts import Language
from qa.page.views import Part, Patch, Visit, unknown_act
from qa.records import Hit

SHOWN = 10
"""Passages that are shown at first, and with each further step."""

MOST = 50
"""Passages that are looked for; their scores are compared with each other."""

MOST_LISTED = 1000
"""Documents that can be ticked; a longer list is cut."""

_NAMED = 3
_LEAST_BAR = 4
_GROUP = "search"


class SearchView:
    """The search over one bot."""

    name = "search"

    def __init__(self, bot: AnsweringBot) -> None:
        self._bot = bot

    def title(self, language: Language) -> str:
        """Return its word in the navigation."""
        return SEARCH_TEXTS[language].title

    def show(self, visit: Visit) -> Markup:
        """Return the form, without results."""
        words = SEARCH_TEXTS[visit.language]
        promise = element("p", words.promise, class_="promise")
        found = element("div", promise, id="search-found", role="region", aria_label=words.title)
        return join([_form(self._bot.heads(), words), found])

    def act(self, name: str, data: Mapping[str, Any], visit: Visit) -> Iterable[Part]:
        """Find passages."""
        if name != "find":
            raise unknown_act(self, name)
        return [Patch("search-found", self._found(data, visit))]

    def _found(self, data: Mapping[str, Any], visit: Visit) -> Markup:
        words = SEARCH_TEXTS[visit.language]
        query = str(data.get("query", "")).strip()
        if not query:
            return element("p", words.empty, class_="promise", role="status")
        sources, dates = _sources(data), _dates(data)
        hits = self._bot.retrieve(query, k=MOST, sources=sources, dates=dates)
        if not hits:
            filtered = sources is not None or dates is not None
            said = words.nothing_filtered if filtered else words.nothing
            return element("p", said, class_="promise", role="status")
        return _results(hits, _count(data), visit)


def _sources(data: Mapping[str, Any]) -> list[str] | None:
    chosen = data.get("source")
    if isinstance(chosen, str):
        return [chosen]
    return [str(one) for one in chosen] if isinstance(chosen, list) and chosen else None


def _dates(data: Mapping[str, Any]) -> Period | None:
    since, until = (str(data.get(name) or "") or None for name in ("since", "until"))
    return None if since is None and until is None else (since, until)


def _count(data: Mapping[str, Any]) -> int:
    given = str(data.get("count", ""))
    return min(int(given), MOST) if given.isascii() and given.isdigit() else SHOWN


# ---- the form ----


def _form(heads: Sequence[DocumentHead], words: SearchTexts) -> Markup:
    query = element(
        "input",
        type="search",
        name="query",
        class_="field query",
        placeholder=words.placeholder,
        aria_label=words.query,
        autocomplete="off",
        enterkeyhint="search",
        maxlength=2000,
    )
    button = element("button", words.find, type="submit", class_="button strong")
    line = element("div", query, button, class_="line")
    return element(
        "form", line, _filters(heads, words), data_act="find", role="search", class_="search"
    )


def _filters(heads: Sequence[DocumentHead], words: SearchTexts) -> Markup:
    """Return what limits a search; days only where some document has one."""
    chosen = element("span", class_="chosen")
    clear = element("button", words.clear, type="button", class_="link", data_act="clear")
    days = _period(words) if any(head.date for head in heads) else Markup()
    body = element("div", _documents(heads, words), days, clear, class_="filters")
    return element("details", element("summary", words.filters, chosen), body)


def _documents(heads: Sequence[DocumentHead], words: SearchTexts) -> Markup:
    files = sorted((source, head.title) for head in heads for source in head.sources)
    rows = [_document(source, title) for source, title in files[:MOST_LISTED]]
    if len(files) > MOST_LISTED:
        more = words.more_documents.format(count=f"{len(files) - MOST_LISTED:,}")
        rows.append(element("li", more, class_="where"))
    narrow = element(
        "input", type="text", class_="field narrow", placeholder=words.narrow,
        aria_label=words.narrow, autocomplete="off",
    )  # fmt: skip
    return element(
        "fieldset",
        element("legend", words.documents),
        narrow if len(files) > SHOWN else Markup(),
        element("ul", *rows, class_="names"),
    )


def _document(source: str, title: str) -> Markup:
    box = element("input", type="checkbox", name="source", value=source)
    named = element("span", title or source)
    file = element("span", source, class_="where") if title not in ("", source) else Markup()
    return element("li", element("label", box, element("span", named, file, class_="named")))


def _period(words: SearchTexts) -> Markup:
    fields = [
        element(
            "label", label, " ", element("input", type="date", name=name, class_="field"),
        )
        for name, label in (("since", words.since), ("until", words.until))
    ]  # fmt: skip
    legend = element("legend", words.dates)
    return element("fieldset", legend, element("div", *fields, class_="period"))


# ---- the passages ----


def _results(hits: Sequence[Hit], count: int, visit: Visit) -> Markup:
    words = SEARCH_TEXTS[visit.language]
    shown = hits[:count]
    said = words.found[len(hits) != 1].format(count=len(hits))
    references = passage_references(shown, _GROUP, None)
    bars = _Bars(hits, words)
    rows = [
        _passage(hit, reference, bars, visit)
        for hit, reference in zip(shown, references, strict=True)
    ]
    left = min(SHOWN, len(hits) - len(shown))
    more = element(
        "button", words.more.format(count=left), type="button", class_="button more",
        data_act="more", data_count=count + SHOWN,
    )  # fmt: skip
    status = element("p", said, class_="where", role="status")
    return join([status, element("ol", *rows), more if left > 0 else Markup()])


def _passage(hit: Hit, reference: Reference, bars: _Bars, visit: Visit) -> Markup:
    title = element("b", reference.title or reference.source)
    heading = element("span", hit.heading, class_="heading") if hit.heading else Markup()
    rank = element("span", str(reference.number), class_="rank")
    where = " · ".join(details(reference, visit.texts))
    return element(
        "li",
        opener(reference, join([rank, title, heading]), "place"),
        element("p", where, class_="where"),
        element("p", *_marked(hit), class_="passage-text"),
        _also(hit, visit),
        element("div", bars.of(hit), _actions(reference, visit), class_="foot"),
        class_="card found",
    )


def _marked(hit: Hit) -> Iterator[Markup]:
    end = 0
    for span in matched(hit.text, hit.signals.words):
        yield escape(hit.text[end : span.start])
        yield element("mark", span.of(hit.text))
        end = span.end
    yield escape(hit.text[end:])


def _also(hit: Hit, visit: Visit) -> Markup:
    words = SEARCH_TEXTS[visit.language]
    others = [one for one in dict.fromkeys(p.source for p in hit.places) if one != hit.source]
    if not others:
        return Markup()
    sources = visit.texts.range_separator.join(others[:_NAMED])
    if len(others) > _NAMED:
        sources = words.also_more.format(sources=sources, count=len(others))
    return element("p", words.also.format(sources=sources), class_="where also")


def _actions(reference: Reference, visit: Visit) -> Markup:
    words = SEARCH_TEXTS[visit.language]
    ask = element(
        "button", words.ask, type="button", data_act="about", data_source=reference.source,
        title=words.ask_hint.format(source=reference.source),
    )  # fmt: skip
    copy = element(
        "button", words.copy, type="button", data_act="copy",
        data_copy=quoted(reference, visit.texts),
    )  # fmt: skip
    return element("div", ask, copy, class_="actions")


class _Bars:
    """The two scores of each of `hits` as bars, longest for the best of them."""

    def __init__(self, hits: Sequence[Hit], words: SearchTexts) -> None:
        self._words = words
        cosines = [_cosine(hit) for hit in hits]
        self._low, self._high = min(cosines), max(cosines)
        self._most = max(hit.signals.bm25 for hit in hits)

    def of(self, hit: Hit) -> Markup:
        """Return the bars of one hit."""
        words, cosine, bm25 = self._words, _cosine(hit), hit.signals.bm25
        spread = self._high - self._low
        near = (cosine - self._low) / spread if spread > 0 else 1.0
        shared = bm25 / self._most if self._most > 0 else 0.0
        hint = words.words_hint.format(value=f"{bm25:.1f}") if bm25 > 0 else words.no_words
        return element(
            "div",
            _bar(words.meaning, near, words.meaning_hint.format(value=f"{cosine:.2f}"), "meaning"),
            _bar(words.words, shared if bm25 > 0 else None, hint, "words"),
            class_="scores",
        )


def _cosine(hit: Hit) -> float:
    return max(hit.signals.dense, hit.signals.sentence)


def _bar(label: str, share: float | None, hint: str, class_: str) -> Markup:
    """Return a bar of a share from 0 to 1; None is an empty one."""
    width = 0 if share is None else max(_LEAST_BAR, round(100 * share))
    fill = element("span", style=f"width:{width}%", class_=class_)
    bar = element("span", fill, class_="meter", role="img", aria_label=hint)
    return element("div", label, bar, title=hint)
