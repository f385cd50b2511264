"""Says in words where a reference stands, for reading and for copying."""

from __future__ import annotations

from qa.page.references import Reference
from qa.page.texts import Language, Texts, characters


def details(reference: Reference, texts: Texts) -> list[str]:
    """Return file, page and date, as far as they are known."""
    page = texts.page.format(page=reference.page) if reference.page is not None else None
    return [part for part in (reference.source, page, reference.date) if part]


def place(reference: Reference, texts: Texts) -> str:
    """Return title, file, page, date and character range in one line."""
    title = f"《{reference.title}》" if texts.language is Language.ZH else f"“{reference.title}”"
    named = [title] if reference.title else []
    parts = [*named, *details(reference, texts), characters(texts, reference.spans)]
    return texts.separator.join(parts)


def quoted(reference: Reference, texts: Texts) -> str:
    """Return the words and their place, as they are copied."""
    return texts.by_line.format(quote=reference.text, place=place(reference, texts))
