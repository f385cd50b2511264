"""Says in words where a reference stands, for reading and for copying."""

from __future__ import annotations

from qa.page.references import Reference
from qa.page.texts import Language, Texts, characters


def details(reference: Reference, texts: Texts) -> list[str]:
    """Return file, page and date, as far as they are known."""
    page = texts.page.format(page=reference.page) if reference.page is not None else None
    return [part for part in (reference.source, page, reference.date) if part]


def named(title: str, texts: Texts) -> str:
    """Return a title in the marks of the page's language."""
    return f"《{title}》" if texts.language is Language.ZH else f"“{title}”"


def place(reference: Reference, texts: Texts) -> str:
    """Return title, section, file, page, date and character range in one line."""
    title = [named(reference.title, texts)] if reference.title else []
    section = [reference.heading] if reference.heading not in ("", reference.title) else []
    range_ = [characters(texts, reference.spans)] if reference.spans else []
    return texts.separator.join([*title, *section, *details(reference, texts), *range_])


def quoted(reference: Reference, texts: Texts) -> str:
    """Return the words and their place, as they are copied."""
    return texts.by_line.format(quote=reference.text, place=place(reference, texts))
