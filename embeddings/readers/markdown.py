"""Markdown -> what is shown of it, every character with its place in the file.

Works line by line on the file's own characters: parsers give no offsets for what stands in a line.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from embeddings.readers.dates import declared_date
from embeddings.readers.encodings import decode
from embeddings.readers.html_tokens import references
from embeddings.readers.reading import Reading, VisibleText
from embeddings.records import Mark, Role

READER = "markdown/1"

_FRONT_MATTER = re.compile(r"---[ \t]*\r?\n((?:(?!---).*\n){0,200})---[ \t]*(?:\r?\n|\Z)")
_FIELD = re.compile(r"^(title|date|标题|日期)[ \t]*:[ \t]*[\"']?([^\r\n\"']*)", re.M | re.I)
_COMMENT = re.compile(r"<!--(?s:.*?)(?:-->|\Z)")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_FENCE = re.compile(r"[ ]{0,3}(`{3,}|~{3,})")
_QUOTE = re.compile(r"(?:[ ]{0,3}>[ ]?)+")
_HEADING = re.compile(r"[ ]{0,3}(#{1,6})(?:[ \t]+|(?=[^\s#\w])|$)")
_HEADING_END = re.compile(r"(?<![ \t])[ \t]++#++[ \t]*+$")
_UNDERLINE = re.compile(r"[ ]{0,3}(=+|-+)[ \t]*$")
_RULE = re.compile(r"[ ]{0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*$")
_BULLET = re.compile(r"[ \t]*[-*+][ \t]+(?:\[[ xX]\][ \t]+)?")
_ORDERED = re.compile(r"[ \t]*\d{1,9}[.)][ \t]+")
_TABLE_RULE = re.compile(r"[ \t]*+\|?[ \t]*+:?-++:?[ \t]*+(?:\|[ \t]*+:?-++:?[ \t]*+)*+\|?[ \t]*+$")
_DEFINITION = re.compile(r"[ ]{0,3}\[[^\]\n]{1,200}\]:[ \t]*\S")
_INLINE = re.compile(
    r"\\(?=[!-/:-@\[-`{-~])"
    r"|(?P<code>`{1,16}+)(?P<inside>[^`\n]++)(?P=code)"
    r"|!\[[^\]\n]{0,500}\](?:\([^)\n]{0,500}\)|\[[^\]\n]{0,200}\])"
    r"|(?P<open>\[)(?P<label>[^\[\]\n]{1,500})(?P<target>\](?:\([^)\n]{0,500}\)|\[[^\]\n]{0,200}\]))"
    r"|<(?:https?://|mailto:)?(?P<link>[^<>\s]{1,500}@[^<>\s]{1,200}|(?<=//)[^<>\s]{1,2000})>"
    r"|</?[a-zA-Z][^<>\n]{0,500}>"
)
_EMPHASIS = re.compile(
    r"(?P<mark>\*{2,3}|(?<![a-zA-Z0-9*])\*|~~|(?<![^\W_])_{1,3})(?=[^\s*_~])(?P<inside>[^\n]{0,300}?[^\s*_~\\])"
    r"(?P=mark)(?!(?<=_)[^\W_])(?!(?<=[^*]\*)[a-zA-Z0-9])"
)
_NOT_HIDDEN = re.compile(rb"\0+")


@dataclass(slots=True)
class _Page:
    """The ranges of the file that are shown, and what its lines are."""

    source: str
    hidden: bytearray
    lines: list[tuple[int, int, Role | None, int]] = field(default_factory=list)

    def hide(self, start: int, end: int) -> None:
        self.hidden[start:end] = b"\1" * (end - start)


def visible(text: str) -> VisibleText:
    """Return what is shown of a Markdown file; the same text always gives the same.

    The marks are left out (#, **, bullets, fences, the targets of links, pictures, tags), the bar
    between two cells stands as a tab, and a character reference as its character.
    """
    page = _Page(text, bytearray(len(text)))
    start = _hide_front_matter(page)
    for match in _COMMENT.finditer(text, start):
        page.hide(*match.span())
    _take_lines(page, start)
    return _written(page)


def _hide_front_matter(page: _Page) -> int:
    match = _FRONT_MATTER.match(page.source)
    if match:
        page.hide(*match.span())
    return match.end() if match else 0


def _take_lines(page: _Page, start: int) -> None:
    fence = ""
    before: tuple[int, int] | None = None
    for match in _LINE.finditer(page.source, start):
        first, last = match.start(), match.end() - len(match[0]) + len(match[0].rstrip("\r\n"))
        line = page.source[first:last]
        opening = _FENCE.match(line)
        if opening and (not fence or opening[1].startswith(fence)):
            fence = "" if fence else opening[1]
            page.hide(first, last)
            before = None
        elif not fence:
            before = _take_line(page, first, last, before)


def _take_line(
    page: _Page, first: int, last: int, before: tuple[int, int] | None
) -> tuple[int, int] | None:
    """Hide the marks of a line outside of code; return it when a line under it can make it one."""
    quote = _QUOTE.match(page.source, first, last)
    at = quote.end() if quote else first
    page.hide(first, at)
    line = page.source[at:last]
    if before and _UNDERLINE.match(line):
        level = 1 if "=" in line else 2
        page.lines.append((*before, Role.HEADLINE, level))
        page.hide(at, last)
        return None
    if "|" in line and _TABLE_RULE.match(line):
        # With its line break, so that head and body of the table stay together.
        page.hide(at, min(last + 1, len(page.source)))
        return None
    if _RULE.match(line) or _DEFINITION.match(line):
        page.hide(at, last)
        return None
    role, level, begin, end = _kind(line)
    page.hide(at, at + begin)
    page.hide(at + end, last)
    _hide_inline(page, at + begin, at + end)
    if role is not None:
        page.lines.append((at, last, role, level))
    return (at, last) if role is None and line.strip() else None


def _kind(line: str) -> tuple[Role | None, int, int, int]:
    """Return role and level of a line, and where its content begins and ends."""
    heading = _HEADING.match(line)
    if heading:
        end = _HEADING_END.search(line, heading.end())
        return Role.HEADLINE, len(heading[1]), heading.end(), end.start() if end else len(line)
    bullet = _BULLET.match(line)
    if bullet:
        return Role.LIST, 0, bullet.end(), len(line)
    if _ORDERED.match(line):
        return Role.LIST, 0, 0, len(line)
    if line.lstrip().startswith("|") and line.rstrip().endswith("|"):
        begin = len(line) - len(line.lstrip()) + 1
        return Role.TABLE, 0, begin, max(begin, len(line.rstrip()) - 1)
    return None, 0, 0, len(line)


def _hide_inline(page: _Page, start: int, end: int) -> None:
    """Hide marks in a line: escapes, code marks, links, pictures, tags, emphasis."""
    code: list[tuple[int, int]] = []
    for match in _INLINE.finditer(page.source, start, end):
        shown = match.span("inside") if match["code"] else match.span("label")
        if match["link"]:
            shown = match.span("link")
        if shown == (-1, -1):
            page.hide(*match.span())
        else:
            page.hide(match.start(), shown[0])
            page.hide(shown[1], match.end())
        if match["code"] or match[0] == "\\":
            code.append((match.start(), match.end() + 1 - bool(match["code"])))
    edges = [start, *(edge for span in code for edge in span), end]
    for first, last in list(pairwise(edges))[::2]:
        _hide_emphasis(page, first, last)


def _hide_emphasis(page: _Page, start: int, end: int) -> None:
    at = start
    while match := _EMPHASIS.search(page.source, at, end):
        page.hide(match.start(), match.start("inside"))
        page.hide(match.end("inside"), match.end())
        # Inside may stand another: **bold and *slanted***.
        at = match.start("inside")


def _written(page: _Page) -> VisibleText:
    text: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for first, last, meaning in _shown(page):
        text.extend(meaning)
        starts.extend(range(first, first + len(meaning)))
        # A reference is covered whole by each of its characters.
        whole = len(meaning) != last - first
        ends.extend([last] * len(meaning) if whole else range(first + 1, last + 1))
    marks = (
        Mark(bisect_left(starts, first), bisect_left(starts, last), role, level)
        for first, last, role, level in _merged(page.lines)
    )
    return VisibleText(
        "".join(text), tuple(starts), tuple(ends), tuple(m for m in marks if m.start < m.end)
    )


def _shown(page: _Page) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and meaning of each stretch that is shown."""
    special = [(bar, bar + 1, "\t") for bar in _bars(page)]
    special += references(page.source, 0, len(page.source))
    at = 0
    for first, last, meaning in [*sorted(special), (len(page.source), len(page.source), "")]:
        for run in _NOT_HIDDEN.finditer(page.hidden, at, first):
            yield run.start(), run.end(), page.source[run.start() : run.end()]
        if first < last and not page.hidden[first]:
            yield first, last, meaning
        at = max(at, last)


def _bars(page: _Page) -> set[int]:
    """Return the offsets of the bars between two cells."""
    return {
        at
        for first, last, role, _ in page.lines
        if role is Role.TABLE
        for at in range(first, last)
        if page.source[at] == "|" and page.source[at - 1] != "\\"
    }


def _merged(
    lines: list[tuple[int, int, Role | None, int]],
) -> Iterator[tuple[int, int, Role, int]]:
    """Yield the marked lines by place, the rows of one table as one."""
    table: tuple[int, int] | None = None
    for first, last, role, level in sorted(lines, key=lambda line: line[:2]):
        if role is Role.TABLE:
            table = (table[0] if table else first, last)
            continue
        if table:
            yield (*table, Role.TABLE, 0)
            table = None
        if role is not None:
            yield first, last, role, level
    if table:
        yield (*table, Role.TABLE, 0)


def read(data: bytes) -> Reading:
    """Read a Markdown file; front matter may give title and date.

    Raises:
        UnreadableFileError: when it is not text.
    """
    decoded = decode(data)
    front = _FRONT_MATTER.match(decoded.text)
    fields = {m[1].lower(): m[2].strip() for m in _FIELD.finditer(front[1] if front else "")}
    return Reading(
        text=decoded.text,
        reader=READER,
        title=fields.get("title", fields.get("标题", "")),
        date=declared_date([fields.get("date", fields.get("日期", ""))]),
        encoding=decoded.encoding,
    )
