"""The citations of an answer as HTML: the numbers in its sentences, and the list of its sources."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from qa.page.markup import Markup, element
from qa.page.opener import opener
from qa.page.places import details
from qa.page.references import Kind, Reference
from qa.page.texts import Texts


def numbered(reference: Reference, label: str, texts: Texts, class_: str) -> Markup:
    """Return a button that opens a reference; a citation is called by its number and title."""
    name = texts.citation.format(number=reference.number, title=reference.title or reference.source)
    return opener(
        reference, label, class_, aria_label=name if reference.kind is Kind.CITATION else None
    )


def cite_html(reference: Reference, texts: Texts) -> Markup:
    """Return the raised number behind a sentence."""
    return element("sup", numbered(reference, str(reference.number), texts, "cite"))


def sources_html(cited: Sequence[Reference], texts: Texts) -> Markup:
    """List the sources; neighbouring citations of one article share a line."""
    shared = groupby(cited, key=lambda item: (item.title, item.source, item.page, item.date))
    rows = [_source(list(items), texts) for _, items in shared]
    return element("ul", *rows, class_="sources", aria_label=texts.sources)


def _source(shared: Sequence[Reference], texts: Texts) -> Markup:
    numbers = [numbered(item, str(item.number), texts, "number") for item in shared]
    first = shared[0]
    title = element("b", first.title) if first.title else Markup()
    where = " · ".join(details(first, texts))
    return element("li", *numbers, title, element("span", where, class_="where"))
