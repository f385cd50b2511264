"""Tears clean pages as newspapers do, on characters that know what they belong to.

It knows nothing of how pages are mended, and must not: `benchmarks.repair` judges that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from itertools import count
from pathlib import Path
from random import Random
from typing import NamedTuple

from embeddings.cleaning import HAN, clean
from embeddings.sentences import split

GLOSSED = "001_57b053b255e0047f.txt"
"""The seed whose pinyin glosses are the dictionary of readings."""

AT_SENTENCE_END = 0.12
"""Share of tears that fall on a sentence end, where nothing is torn and nothing may be joined."""

_NOT_FIRST = frozenset("，。、；：？！,.;:?!…—·～~%％”’」』》〉)）]】｝}")
_NOT_LAST = frozenset("“‘「『《〈(（[【｛{·")
_INSIDE_WORD = frozenset(".,:%'/+-")
_HAN = re.compile(f"[{HAN}]")
_GLOSS = re.compile(f"([{HAN}])[(]([^()]{{1,7}})[)]")


class Kind(StrEnum):
    """What a character of a torn page belongs to; the last three belong to no unit."""

    SENTENCE = "sentence"
    HEADLINE = "headline"
    BYLINE = "byline"
    BLOCK = "block"
    LAYOUT = "layout"
    GLOSS = "gloss"
    INVISIBLE = "invisible"


class Source(NamedTuple):
    """The unit that a character belongs to.

    Attributes:
        kind: what the unit is.
        number: number of the paragraph, headline, byline or inserted block, from 0.
        sentence: number of the sentence in its paragraph, from 0; 0 for other kinds.
    """

    kind: Kind
    number: int = 0
    sentence: int = 0

    @property
    def is_unit(self) -> bool:
        """Whether the character counts: white space, glosses and zero-width characters do not."""
        return self.kind not in (Kind.LAYOUT, Kind.GLOSS, Kind.INVISIBLE)


Characters = list[tuple[str, Source]]
"""A page or a part of one: each character with its source."""

LAYOUT = Source(Kind.LAYOUT)
GLOSS = Source(Kind.GLOSS)
INVISIBLE = Source(Kind.INVISIBLE)


def text_of(page: Characters) -> str:
    """Return the characters of `page` as one text."""
    return "".join(character for character, _ in page)


def layout(text: str) -> Characters:
    """Return `text`, white space, as characters that belong to no unit."""
    return [(character, LAYOUT) for character in text]


def unit(text: str, kind: Kind, number: int) -> Characters:
    """Return the characters of one headline, byline or block."""
    source = Source(kind, number)
    return [(one, LAYOUT if one.isspace() else source) for one in text]


def paragraph(text: str, number: int) -> Characters:
    """Return the characters of a clean paragraph, each with the sentence it belongs to."""
    owners = {
        offset: Source(Kind.SENTENCE, number, index)
        for index, sentence in enumerate(split(clean(text)))
        for character, offset in zip(sentence.text, sentence.offsets, strict=True)
        if not character.isspace()
    }
    return [(character, owners.get(at, LAYOUT)) for at, character in enumerate(text)]


def insert(page: Characters, at: int, piece: Characters) -> Characters:
    """Return `page` with `piece` before its character `at`."""
    return page[:at] + piece + page[at:]


# Where a page may break


def _in_word(character: str) -> bool:
    if character in _INSIDE_WORD:
        return True
    return character.isalnum() and not _HAN.match(character)


def may_break(before: str, after: str) -> bool:
    """Tell whether a typesetter may break a line here: not in words, numbers, or before a comma."""
    if after in _NOT_FIRST or before in _NOT_LAST:
        return False
    return not (_in_word(before) and _in_word(after))


def places(page: Characters) -> dict[Source, list[int]]:
    """Return for each sentence the positions inside it at which it may be torn."""
    found: dict[Source, list[int]] = {}
    for at in range(1, len(page)):
        (before, source), (after, following) = page[at - 1], page[at]
        if source.kind is Kind.SENTENCE and source == following and may_break(before, after):
            found.setdefault(source, []).append(at)
    return found


def sentence_ends(page: Characters) -> dict[Source, int]:
    """Return the position after each sentence that another one of its paragraph follows."""
    ends: dict[Source, int] = {}
    last, last_at = LAYOUT, 0
    for at, (_, source) in enumerate(page):
        if source == LAYOUT:
            continue
        if last.kind is Kind.SENTENCE and source[:2] == last[:2] and source != last:
            ends[last] = last_at + 1
        last, last_at = source, at
    return ends


def tear_places(page: Characters, wanted: int, random: Random) -> list[int]:
    """Return up to `wanted` positions, falling, each in (or now and then after) a sentence."""
    inside, ends = places(page), sentence_ends(page)
    chosen = random.sample(sorted(inside), min(wanted, len(inside)))
    found = []
    for source in chosen:
        at = random.choice(inside[source])
        at_end = random.random() < AT_SENTENCE_END
        found.append(ends.get(source, at) if at_end else at)
    return sorted(found, reverse=True)


# What a rule draws on


@dataclass(frozen=True)
class Form:
    """How the text of a page is written.

    Attributes:
        name: name in the report.
        text: what is done to every text before it is set, ground truth included.
        marks: what is done to the torn page: characters added that belong to no unit.
    """

    name: str
    text: Callable[[str], str] = lambda text: text
    marks: Callable[[Characters, Random], Characters] = lambda page, _: page


PLAIN = Form("as it is")


@dataclass
class Desk:
    """What a rule may draw on while it tears one page.

    Attributes:
        random: the only source of chance.
        severity: how many tears, at least 1; narrower columns for rules that wrap.
        captions: at least two sentences of paragraphs that are not on the page, 12 to 60
            characters each.
        quotes: sentences of the page, 20 to 120 characters each.
        form: how the page is written; inserted blocks are written the same way.
    """

    random: Random
    severity: int
    captions: Sequence[str]
    quotes: Sequence[str]
    form: Form = PLAIN
    numbers: Iterator[int] = field(default_factory=count)

    def block(self, text: str) -> Characters:
        """Return `text`, written in the page's form, as a block of its own number."""
        return unit(self.form.text(text), Kind.BLOCK, next(self.numbers))

    def blank_lines(self) -> Characters:
        """Return one blank line, or several where a picture stood."""
        return layout(self.random.choice(("\n\n", "\n\n", "\n\n\n", "\n\n\n\n")))

    def names(self, number: int = 1) -> str:
        """Return invented names."""
        return " ".join(self.random.sample(_NAMES, number))


_NAMES = (
    "王立强",
    "李敏",
    "张晓东",
    "刘洋",
    "陈静怡",
    "赵国栋",
    "孙玉",
    "周文博",
    "吴婷",
    "郑海涛",
)

Tearing = Callable[[Characters, Desk], Characters]
Piece = Callable[[Desk], Characters]


@dataclass(frozen=True)
class Rule:
    """One way in which pages are torn.

    Attributes:
        name: name in the report.
        difficulty: 1 where only white space is in the way, 2 where a block has a tell-tale or
            repeats, 3 where nothing but the broken sentence itself shows that a block is foreign.
        tear: the page and the desk -> the torn page.
        page_wide: whether it is applied to a whole page once, and not at single places.
    """

    name: str
    difficulty: int
    tear: Tearing
    page_wide: bool = False


def at_places(piece: Piece) -> Tearing:
    """Return a rule's act: `piece` set into as many sentences as the severity says."""

    def tear(page: Characters, desk: Desk) -> Characters:
        for at in tear_places(page, desk.severity, desk.random):
            page = insert(page, at, piece(desk))
        return page

    return tear


def blocks_between(*blocks: Piece) -> Piece:
    """Return a piece: blocks in a row with blank lines round each."""

    def piece(desk: Desk) -> Characters:
        made = desk.blank_lines()
        for block in blocks:
            made = made + block(desk) + desk.blank_lines()
        return made

    return piece


def one_of(*pieces: Piece) -> Piece:
    """Return a piece that is one of `pieces`."""
    return lambda desk: desk.random.choice(pieces)(desk)


# White space only


def break_with(*white: str) -> Piece:
    """Return a piece: one of the given runs of white space."""
    return lambda desk: layout(desk.random.choice(white))


def twice(page: Characters, desk: Desk) -> Characters:
    """Tear sentences in two places each, by blank lines."""
    inside = {one: found for one, found in places(page).items() if len(found) > 1}
    chosen = desk.random.sample(sorted(inside), min(desk.severity, len(inside)))
    cuts = (at for source in chosen for at in desk.random.sample(inside[source], 2))
    for at in sorted(cuts, reverse=True):
        page = insert(page, at, desk.blank_lines())
    return page


def wrap(page: Characters, width: Callable[[], int]) -> Characters:
    """Break every line after at most `width()` characters, asked anew for each line."""
    wrapped: Characters = []
    line, limit = 0, width()
    for at, (character, source) in enumerate(page):
        if character == "\n":
            line, limit = -1, width()
        elif line >= limit and may_break(page[at - 1][0], character) and not character.isspace():
            wrapped += layout("\n")
            line, limit = 0, width()
        wrapped.append((character, source))
        line += 1
    return wrapped


def join_paragraphs(page: Characters, separator: str) -> Characters:
    """Put `separator` between paragraphs; after a headline, only what indents the paragraph."""
    joined: Characters = []
    seen: set[int] = set()
    last = LAYOUT
    for character, source in page:
        if source.kind is Kind.SENTENCE and source.number not in seen:
            seen.add(source.number)
            after_paragraph = last.kind is Kind.SENTENCE
            while after_paragraph and joined[-1] == ("\n", LAYOUT):
                joined.pop()
            joined += layout(separator if after_paragraph else separator.lstrip("\n"))
        last = source if source.is_unit else last
        joined.append((character, source))
    return joined


_WIDTHS = {1: (34, 42), 2: (26, 34), 3: (19, 26), 4: (12, 18)}


def _columns(separator: str | None) -> Tearing:
    def tear(page: Characters, desk: Desk) -> Characters:
        width = desk.random.randint(*_WIDTHS[min(desk.severity, 4)])
        return wrap(page if separator is None else join_paragraphs(page, separator), lambda: width)

    return tear


def random_lines(page: Characters, desk: Desk) -> Characters:
    """Break lines at random widths; blank lines stay between paragraphs."""
    narrowest, widest = _WIDTHS[min(desk.severity, 4)]
    return wrap(page, lambda: desk.random.randint(narrowest // 2, widest))


# Blocks


def caption(*styles: str) -> Piece:
    """Return a block: a sentence of another paragraph, dressed as one of `styles`."""

    def piece(desk: Desk) -> Characters:
        style = desk.random.choice(styles)
        sentence = desk.random.choice(desk.captions)
        return desk.block(style.format(sentence, bare=sentence[:-1], name=desk.names()))

    return piece


def page_quote(desk: Desk) -> Characters:
    """Return a block: a sentence of the page itself in quotation marks."""
    return desk.block(f"“{desk.random.choice(desk.quotes or desk.captions)}”")


def foreign_quote(desk: Desk) -> Characters:
    """Return a block: one or two sentences of other paragraphs in quotation marks."""
    picked = desk.random.sample(desk.captions, desk.random.choice((1, 2)))
    return desk.block(f"“{''.join(picked)}”")


def stray_headline(desk: Desk) -> Characters:
    """Return a block: a headline of another article, without marks, of one or two lines."""
    found = [found for sentence in desk.captions for found in clauses(sentence)]
    picked = desk.random.sample(
        found or ["今日要闻速览", "本版导读"], desk.random.choice((1, 1, 2))
    )
    return desk.block("\n".join(picked))


def credit_lines(*styles: str) -> Piece:
    """Return a block: a byline, credit or notice, one of `styles` with invented names."""

    def piece(desk: Desk) -> Characters:
        style = desk.random.choice(styles)
        return desk.block(style.format(name=desk.names(), names=desk.names(2)))

    return piece


def clauses(text: str) -> list[str]:
    """Return the clauses of 6 to 16 characters without marks, such as headlines are."""
    found: list[str] = re.findall(rf"(?<![^，。、；：,;:])[{HAN}0-9]{{6,16}}(?![^，。；,;])", text)
    return [one for one in found if not one[0].isdigit()]


def running_lines(*styles: str, footer: bool = False) -> Tearing:
    """Return a rule's act: the same line with another number on each page of the print.

    A header also opens the whole, a footer also closes it. A style may hold several lines.
    """

    def tear(page: Characters, desk: Desk) -> Characters:
        style, first = desk.random.choice(styles), desk.random.randint(1, 30)
        gap = desk.random.choice(("\n", "\n\n"))
        at_tears = tear_places(page, desk.severity, desk.random)
        last = first + len(at_tears)
        numbers = range(last - 1, first - 1, -1) if footer else range(last, first, -1)
        for at, number in zip(at_tears, numbers, strict=True):
            line = desk.block(style.format(number))
            page = insert(page, at, layout(gap) + line + layout(gap))
        edge = desk.block(style.format(last if footer else first))
        return page + layout(gap) + edge if footer else edge + layout(gap) + page

    return tear


# How a text is written


def newspaper_marks(text: str) -> str:
    """Return `text` with half-width commas, colons and brackets, as scraped pages have them."""
    return text.translate(str.maketrans("，：；？！（）", ",:;?!()"))


def full_width(text: str) -> str:
    """Return `text` with full-width digits, Latin letters and brackets."""
    wide = {code: code + 0xFEE0 for code in map(ord, "()%0123456789")}
    letters = {code: code + 0xFEE0 for code in (*range(65, 91), *range(97, 123))}
    return text.translate(wide | letters)


@cache
def _converter() -> Callable[[str], str]:
    from opencc import OpenCC

    convert: Callable[[str], str] = OpenCC("s2t").convert
    return convert


def traditional(text: str) -> str:
    """Return `text` in Traditional characters."""
    return _converter()(text)


@cache
def readings() -> dict[str, str]:
    """Return Traditional characters and the pinyin that a shipped document glosses them with."""
    path = Path(__file__).parents[1] / "seeds" / GLOSSED
    return dict(_GLOSS.findall(path.read_text(encoding="utf-8")))


def glossed(page: Characters, known: dict[str, str]) -> Characters:
    """Return `page` with the reading in brackets after each character that has one in `known`."""
    marked: Characters = []
    for character, source in page:
        marked.append((character, source))
        if source.is_unit and character in known:
            marked += [(one, GLOSS) for one in f"({known[character]})"]
    return marked


def zero_width(page: Characters, random: Random, share: float = 0.02) -> Characters:
    """Return `page` with invisible characters after a `share` of its characters."""
    marked: Characters = []
    for character, source in page:
        marked.append((character, source))
        if random.random() < share:
            marked.append((random.choice("\u200b\u200d\ufeff\u00ad\u2060"), INVISIBLE))
    return marked


@dataclass(frozen=True)
class Half:
    """One half of the rules and forms."""

    rules: tuple[Rule, ...]
    forms: tuple[Form, ...]


def _block_rule(name: str, difficulty: int, *blocks: Piece) -> Rule:
    """Return the rule that sets one of `blocks`, blank lines round it, into sentences."""
    return Rule(name, difficulty, at_places(one_of(*map(blocks_between, blocks))))


TUNING = Half(
    rules=(
        Rule("columns, indented", 1, _columns("\n\u3000\u3000"), page_wide=True),
        Rule("blank line", 1, at_places(break_with("\n\n"))),
        _block_rule(
            "caption with credit", 2, caption("图为{}", "{} 记者 {name} 摄", "{}\n记者 {name} 摄")
        ),
        Rule(
            "page header",
            2,
            running_lines("济南日报 2022年6月16日 第{}版", "{}版 要闻", "山东通讯 2021·6 {}"),
        ),
        _block_rule(
            "byline",
            2,
            credit_lines("记者 {name}\n通讯员 {names}", "本报记者 {name}", "记者 {name} 摄"),
        ),
        _block_rule("quote of the page", 3, page_quote),
        _block_rule("bare caption", 3, caption("{}", "{}", "{bare}")),
    ),
    forms=(
        PLAIN,
        Form("newspaper marks", newspaper_marks),
        Form("glossed", traditional, lambda page, _: glossed(page, readings())),
    ),
)
"""May be looked at while repair is made."""

_CREDITED = caption("▲{}", "{}（资料图片）", "{}新华社发（{name} 摄）", "{}\n（受访者供图）")
_FOOTERS = ("— {} —", "第 {} 页 共 48 页", "- {} -\n先锋月刊 2020年第9期")
_NOTICES = credit_lines(
    "下载新黄河客户端\n看更多本地新闻",
    "扫描二维码 关注官方微信",
    "文/图 本报记者 {name}",
    "责任编辑：{name} 版式：{name}",
)
_ROW_OF_BLOCKS = one_of(
    blocks_between(foreign_quote, caption("{}"), caption("{}")),
    blocks_between(caption("{}"), caption("{}")),
    blocks_between(page_quote, caption("{bare}", "图为{}")),
)

HELD_OUT = Half(
    rules=(
        Rule("columns, flush", 1, _columns("\n"), page_wide=True),
        Rule("random widths", 1, random_lines, page_wide=True),
        Rule("two breaks a sentence", 1, twice),
        Rule("odd breaks", 1, at_places(break_with("\n", "\r\n\r\n", "\n" * 4, "\n \u3000\n\n"))),
        _block_rule("caption, other credit", 2, _CREDITED),
        Rule("page footer", 2, running_lines(*_FOOTERS, footer=True)),
        _block_rule("notice", 2, _NOTICES),
        _block_rule("foreign quote", 3, foreign_quote),
        _block_rule("stray headline", 3, stray_headline),
        Rule("row of blocks", 3, at_places(_ROW_OF_BLOCKS)),
    ),
    forms=(
        PLAIN,
        Form("full width", full_width),
        Form("zero width", marks=zero_width),
        Form("Traditional", traditional),
    ),
)
"""For testing only."""


def mixed(rules: Sequence[Rule]) -> Rule:
    """Return a rule whose tears are each by another of `rules`; now and then all in columns."""
    single = [rule for rule in rules if not rule.page_wide]
    wide = [rule for rule in rules if rule.page_wide]

    def tear(page: Characters, desk: Desk) -> Characters:
        severity, desk.severity = desk.severity, 1
        for _ in range(severity):
            page = desk.random.choice(single).tear(page, desk)
        desk.severity = severity
        return desk.random.choice(wide).tear(page, desk) if desk.random.random() < 0.2 else page

    return Rule("mixed", max(rule.difficulty for rule in rules), tear)
