"""HTML -> what a browser shows of it, every character with its place in the file.

Offsets count the decoded file with its markup. Menus, headers, footers, forms, scripts and hidden
elements are left out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from embeddings.readers.dates import declared_date
from embeddings.readers.encodings import decode
from embeddings.readers.html_tokens import Token, attributes, names, tokens, unescaped
from embeddings.readers.html_writer import Piece, Writer
from embeddings.readers.reading import Reading, VisibleText
from embeddings.records import Role

READER = "html/1"

_CHARSET = re.compile(
    rb"<(?:meta|\?xml)\b[^>]{0,300}?(?:charset|encoding)\s*=\s*[\"']?([\w-]{1,40})", re.I
)
_NEVER = names(
    "script style template noscript svg math iframe object canvas select button textarea title "
    "head audio video map datalist noframes noembed"
)
_VOID = names("area base br col embed hr img input link meta param source track wbr")
_MENUS = frozenset(("nav", "footer", "aside"))
_FRAMES = frozenset(("header", "form"))
_ROLES = frozenset(("navigation", "banner", "contentinfo", "search", "complementary", "menu"))
_NAMES = names("nav navbar navigation menu footer sidebar breadcrumb breadcrumbs crumbs copyright")
_LINES = frozenset(("li", "dt", "dd", "tr", "option", "legend", "figcaption", "caption", "summary"))
_BLOCKS = names(
    "address article aside blockquote body center details dialog dir div dl fieldset figure footer "
    "form h1 h2 h3 h4 h5 h6 header hr html main menu nav ol p pre section table tbody tfoot thead "
    "ul"
)
_CLOSES = {
    "p": ("p",),
    "li": ("p", "li"),
    "dt": ("p", "dt", "dd"),
    "dd": ("p", "dt", "dd"),
    "td": ("p", "td", "th"),
    "th": ("p", "td", "th"),
    "tr": ("p", "td", "th", "tr"),
}
"""Start tags that end the elements of these names where they stand innermost."""

_MARKED = {
    **{f"h{level}": (Role.HEADLINE, level) for level in range(1, 7)},
    "li": (Role.LIST, 0),
    "table": (Role.TABLE, 0),
    "figcaption": (Role.CAPTION, 0),
    "caption": (Role.CAPTION, 0),
}
_HIDING = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)

_LONG_CELL = 200
"""A table with a cell of more characters lays out the page; its cells are blocks of their own."""


@dataclass(slots=True)
class _Element:
    """An open or closed element: the pieces first to last (excluded) stand in it."""

    name: str
    kind: str
    first: int
    before: int
    last: int = 0
    length: int = 0
    closed: bool = False


@dataclass(slots=True)
class _Page:
    """What was found so far: pieces of text and breaks, and the elements around them."""

    source: str
    pieces: list[Piece] = field(default_factory=list)
    stack: list[_Element] = field(default_factory=list)
    open_names: dict[str, int] = field(default_factory=dict)
    elements: list[_Element] = field(default_factory=list)
    shown: int = 0
    never: int = 0

    def add(self, token: Token) -> None:
        """Take the next token."""
        if not token.name:
            self._add_text(token)
        elif token.closing:
            self._add_break(token)
            self._close(token.name)
        else:
            self._open(token)

    def _add_text(self, token: Token) -> None:
        if not self.never:
            preformatted = self.open_names.get("pre", 0) > 0
            self.pieces.append(Piece(token.start, token.end, "pre" if preformatted else "text"))
            self.shown += len(self.source[token.start : token.end].strip())

    def _add_break(self, token: Token) -> None:
        if self.never:
            return
        if token.name in ("td", "th"):
            if not token.closing:
                self.pieces.append(Piece(token.start, token.end, "cell"))
        elif token.name == "br":
            self.pieces.append(Piece(token.start, token.end, "br"))
        elif token.name in _LINES:
            self.pieces.append(Piece(token.start, token.end, "line"))
        elif token.name in _BLOCKS:
            self.pieces.append(Piece(token.start, token.end, "block"))

    def _open(self, token: Token) -> None:
        name = token.name
        self._close_implied(name)
        first = len(self.pieces)
        self._add_break(token)
        if name not in ("td", "th"):
            first = len(self.pieces)
        if name in _VOID or (token.attributes.endswith("/") and name in _NEVER):
            return
        inside = any(self.open_names.get(each) for each in ("article", "main"))
        kind = _kind(name, token.attributes, inside)
        self.stack.append(_Element(name, kind, first, self.shown))
        self.open_names[name] = self.open_names.get(name, 0) + 1
        self.never += kind == "never"

    def _close_implied(self, name: str) -> None:
        """Close what a browser closes before this start tag."""
        if name in _BLOCKS:
            self._close("head")
        closes = _CLOSES.get(name, ("p",) if name in _BLOCKS else ())
        while self.stack and self.stack[-1].name in closes:
            self._pop(closed=True)

    def _close(self, name: str) -> None:
        """Close the innermost element of that name; an inline one does not reach past a block."""
        if not self.open_names.get(name):
            return
        if name not in _BLOCKS - {"p"} and name not in _NEVER and not self._is_near(name):
            return
        while self.stack[-1].name != name:
            self._pop(closed=False)
        self._pop(closed=True)

    def _is_near(self, name: str) -> bool:
        for element in reversed(self.stack[-64:]):
            if element.name == name:
                return True
            if element.name in _BLOCKS - {"p"}:
                return False
        return False

    def _pop(self, closed: bool) -> None:
        element = self.stack.pop()
        self.open_names[element.name] -= 1
        self.never -= element.kind == "never"
        element.last, element.length = len(self.pieces), self.shown - element.before
        element.closed = closed
        if element.kind or element.name in _MARKED or element.name in ("td", "th"):
            self.elements.append(element)

    def finish(self) -> None:
        """Close what is still open."""
        while self.stack:
            self._pop(closed=False)


def _kind(name: str, source: str, inside_article: bool) -> str:
    """Return why an element may be left out: never shown, hidden, menu, frame; or nothing."""
    if name in _NEVER:
        return "never"
    found = attributes(source) if source else {}
    if "hidden" in found or _HIDING.search(found.get("style", "")):
        return "hidden"
    own = {found.get("id", "").lower(), *found.get("class", "").lower().split()}
    if name in _MENUS or found.get("role", "").lower() in _ROLES or own & _NAMES:
        return "menu"
    return "frame" if name in _FRAMES and not (name == "header" and inside_article) else ""


def _left_out(page: _Page) -> list[_Element]:
    """Return what belongs to the site and not to the page.

    An element without an end tag stays, and so does a frame that holds half of what is shown (many
    sites wrap a whole page into one form). When nothing would be left, nothing is left out.
    """
    found = [
        element
        for element in page.elements
        if element.closed
        and (
            element.kind in ("hidden", "menu")
            or (element.kind == "frame" and element.length * 2 < page.shown)
        )
    ]
    out = _covered(found, len(page.pieces))
    left = any(
        piece.kind in ("text", "pre") and page.source[piece.start : piece.end].strip()
        for piece, dropped in zip(page.pieces, out, strict=True)
        if not dropped
    )
    return found if left else []


def _covered(elements: Sequence[_Element], count: int) -> list[bool]:
    """Tell for each of `count` pieces whether it stands in one of the elements."""
    changes = [0] * (count + 1)
    for element in elements:
        changes[element.first] += 1
        changes[element.last] -= 1
    depth, covered = 0, []
    for change in changes[:count]:
        depth += change
        covered.append(depth > 0)
    return covered


def visible(text: str) -> VisibleText:
    """Return what is shown of an HTML file; the same text always gives the same."""
    page = _Page(text)
    for token in tokens(text):
        page.add(token)
    page.finish()
    count = len(page.pieces)
    cells = [element for element in page.elements if element.name in ("td", "th")]
    dropped = _covered(_left_out(page), count)
    compact = _covered([cell for cell in cells if cell.length <= _LONG_CELL], count)
    layout = _covered([cell for cell in cells if cell.length > _LONG_CELL], count)
    writer = Writer(text)
    positions = []
    for at, piece in enumerate(page.pieces):
        positions.append(len(writer))
        if not dropped[at]:
            writer.write(piece, compact[at], layout[at])
    positions.append(len(writer))
    return writer.result(_marks(page.elements, positions, layout))


def _marks(
    elements: Sequence[_Element], positions: Sequence[int], layout: Sequence[bool]
) -> list[tuple[int, int, Role, int]]:
    """Return where headings, lists, tables and captions stand in the visible text, rising."""
    layouts = [0, *accumulate(layout)]
    found = []
    for element in elements:
        of_page = element.name == "table" and layouts[element.first] < layouts[element.last]
        start, end = positions[element.first], positions[element.last]
        if element.name in _MARKED and not of_page and start < end:
            found.append((start, end, *_MARKED[element.name]))
    return sorted(found, key=lambda mark: mark[:2])


@dataclass(frozen=True, slots=True)
class Head:
    """What a page says about itself: title and description, empty when it does not, and dates."""

    title: str
    description: str
    dates: tuple[str, ...]


_TITLES = ("articletitle", "og:title", "dc.title")
_DATES = (
    "article:published_time", "og:release_date", "pubdate", "publishdate", "publish_time",
    "publication_date", "datepublished", "dc.date", "dc.date.issued", "firstpublishedtime",
)  # fmt: skip
_BLANKS = re.compile(r"\s++")
_SITE = re.compile(r"\s*[_|]\s*[^_|]*$|\s+[-–—]+\s+[^-–—]*$")


def head(text: str) -> Head:
    """Return title, description and dates that the markup of a page declares."""
    named: dict[str, str] = {}
    times: list[str] = []
    title = ""
    before = ""
    for token in tokens(text):
        if not token.name and before == "title" and not title:
            title = unescaped(text[token.start : token.end])
        elif token.name == "meta":
            _add_meta(named, attributes(token.attributes))
        elif token.name == "time" and not token.closing:
            times.append(attributes(token.attributes).get("datetime", ""))
        before = "" if token.closing else token.name
    own = next((named[name] for name in _TITLES if named.get(name)), "")
    title = _BLANKS.sub(" ", title)  # else the next one takes quadratic time
    published = [named[name] for name in _DATES if named.get(name)]
    return Head(
        title=" ".join((own or _SITE.sub("", title, count=1) or title).split()),
        description=" ".join(named.get("description", "").split()),
        dates=tuple(published or [time for time in times if time]),
    )


def _add_meta(named: dict[str, str], found: dict[str, str]) -> None:
    name = found.get("name") or found.get("property") or found.get("itemprop") or ""
    named.setdefault(name.lower(), found.get("content", "").strip())


def read(data: bytes) -> Reading:
    """Read a page; the charset that it declares is believed where it decodes well.

    Raises:
        UnreadableFileError: when it is not text.
    """
    declared = _CHARSET.search(data[:4096])
    decoded = decode(data, declared[1].decode("ascii") if declared else None)
    about = head(decoded.text)
    return Reading(
        text=decoded.text,
        reader=READER,
        title=about.title,
        date=declared_date(about.dates),
        encoding=decoded.encoding,
    )
