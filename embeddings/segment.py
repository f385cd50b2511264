"""Clean text -> sections with roles, passages and sentences, all as spans of the original."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from embeddings import sentences
from embeddings.articles import Section, sections
from embeddings.cleaning import CleanText, clean, join
from embeddings.joints import Joints
from embeddings.layout import Line, lines
from embeddings.lexical import Tokenizer, to_simplified
from embeddings.readers import visible
from embeddings.records import Document, Mark, Passage, Role, Sentence, page_of, passage_id
from embeddings.repair import Judge, put_together

VERSION = "segment/9"
"""Changes whenever the same document would give other passages."""

LONGEST_HEADLINE = 42

LONGEST_CAPTION = 120

_BOILERPLATE = re.compile(
    r"版权所有|未经.{0,6}授权|ICP备"
    r"|^(?:责任?编辑?|编辑|审核|校对|美编|组版|监制|来源)[:：]"
)
_NOTICE = re.compile(r"扫码|二维码|客户端下载|下载.{0,8}(?:APP|客户端|壹点)|找记者|上壹点")
_PAGE_MARK = re.compile(
    r"^(?:第?\s*[A-Z]?\d{1,3}\s*[版页頁](?:\s.{0,8})?|[A-Z]\d{1,2}|[-—–·.\s]*\d{1,4}[-—–·.\s]*"
    r"|.{2,8}\s\d{4}[·.\-/年]\d{1,2}(?:[·.\-/月]\d{1,2}日?)?期?\s+\d{1,3}"
    r"|第\s*[\d一二三四五六七八九十百]+\s*[版页](?:\s+\S{0,8}|[\s,，/]*共\s*\d+\s*页)?)$"
)
_CAPTION = re.compile(
    r"^(?:图为|圖為|图[:：]|上图|下图|左图|右图|图[一二三四\d]|资料图|▲|△|▼)"
    r"|[(（].{0,12}[摄攝][)）]$|(?:记者|記者|通讯员|通訊員).{2,12}[摄攝]$"
)
_CREDIT = re.compile(r"^(?:本报|本報)?(?:记者|記者|通讯员|通訊員).{2,14}[摄攝]$")
_BYLINE = re.compile(
    r"^[(（]?(?:本报|本刊|本網|本网|本台)?(?:见习|首席|特约)?(?:记者|記者|通讯员|通訊員|作者|文/|图/|摄影)"
    r"[^。！？,，;；]{1,40}$"
    r"|^.{1,12}(?:晚报|日报|壹点|新华社|融媒)[^。！？,，;；]{0,30}$"
    r"|^\d{4}年\d{1,2}月\d{1,2}日(?:\s*星期[一二三四五六日天])?$"
)
_PACKED = (Role.BODY, Role.LIST, Role.TABLE)
_STOP = re.compile(r"[。！？!?；;]")


@dataclass(frozen=True, slots=True)
class Rules:
    """How documents are taken apart; benchmarks/segmenting.py measures what each rule gives.

    Attributes:
        shortest: a passage of at least this many characters ends with its paragraph.
        longest: no sentence is added to a passage that would have more characters than this.
        repair: read sentences that the page broke up as one.
        articles: let passages know the title and heading above them.
    """

    shortest: int = 120
    longest: int = 320
    repair: bool = True
    articles: bool = True

    @property
    def version(self) -> str:
        """Name of the rules; another name means that a document may give other passages."""
        return f"{VERSION} {self.shortest} {self.longest} {self.repair:d} {self.articles:d}"


_RULES = Rules()


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, headline, caption …, the article and section it is in, and its page if any."""

    content: CleanText
    role: Role
    section: Section
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Segmentation:
    """What a document was taken apart into.

    Attributes:
        title: title of the first article, or empty.
        blocks: all of them, boilerplate too, in reading order.
        passages: what is indexed.
    """

    title: str
    blocks: tuple[Block, ...]
    passages: tuple[Passage, ...]


class _Unjoined:
    """A judge that joins nothing."""

    def log_odds(self, before: str, after: str) -> float:  # noqa: ARG002
        return float("-inf")

    def openness(self, before: str) -> float:  # noqa: ARG002
        return 0.0

    def starts_inside(self, after: str) -> float:  # noqa: ARG002
        return 0.0


def _named(found: Sequence[Line], marks: Sequence[Mark]) -> list[Mark | None]:
    """Return for each line what the format itself says of it, or None."""
    starts = [mark.start for mark in marks]
    named: list[Mark | None] = []
    for line in found:
        at = bisect_right(starts, line.content.offsets[0]) - 1
        inside = at >= 0 and line.content.offsets[0] < marks[at].end
        named.append(marks[at] if inside else None)
    return named


def _role(line: Line, below: Line | None) -> Role:
    """Tell what a line is, also by the line below it: a photo's credit makes it a caption."""
    role = Role.BOILERPLATE if line.header else role_of(line.text)
    credited = below is not None and below.gap == 0 and _CREDIT.search(below.text)
    short = len(line.text) <= LONGEST_CAPTION and role in (Role.BODY, Role.HEADLINE)
    return Role.CAPTION if credited and short else role


def role_of(line: str) -> Role:
    """Tell what a line is, judged by itself."""
    line = to_simplified(line)
    if _is_boilerplate(line):
        return Role.BOILERPLATE
    if _BYLINE.search(line):
        return Role.BYLINE
    if len(line) <= LONGEST_CAPTION and _CAPTION.search(line):
        return Role.CAPTION
    if len(line) <= LONGEST_HEADLINE and not _STOP.search(line) and line[-1] not in ",，、":
        return Role.HEADLINE
    return Role.BODY


def _is_boilerplate(line: str) -> bool:
    """Tell whether a line is the page's, not the article's; a whole sentence hardly ever is."""
    if _PAGE_MARK.search(line) or (len(line) <= 2 * LONGEST_HEADLINE and _BOILERPLATE.search(line)):
        return True
    return len(line) <= LONGEST_HEADLINE and not _STOP.search(line) and bool(_NOTICE.search(line))


def blocks(document: Document, judge: Judge, rules: Rules = _RULES) -> list[Block]:
    """Return the blocks of a document; sentences that the page broke up are read as one."""
    shown = visible(document.text, document.reader, document.marks)
    found = lines(clean(shown.text), shown.text)
    named = _named(found, shown.marks)
    roles = [
        mark.role if mark else _role(line, below)
        for mark, line, below in zip(named, found, [*found, None][1:], strict=True)
    ]
    parts = put_together(found, roles, judge if rules.repair else _Unjoined(), named)
    levels = [mark.level if (mark := named[part.first]) else 0 for part in parts]
    taken = []
    above = sections(parts, levels) if rules.articles else [Section(0, "")] * len(parts)
    for part, section in zip(parts, above, strict=True):
        content = part.content.placed(shown.starts, shown.ends)
        page = page_of(document.page_starts, content.offsets[0])
        taken.append(Block(content, part.role, section, page))
    return taken


def _groups(found: Sequence[Block], rules: Rules) -> Iterator[list[tuple[CleanText, Block]]]:
    """Yield the sentences of each passage, with the block they stand in."""
    group: list[tuple[CleanText, Block]] = []
    for block in found:
        if group and not _may_follow(group, block, rules):
            yield group
            group = []
        if block.role is Role.BOILERPLATE:
            continue
        for sentence in sentences.split(block.content):
            if group and _size(group) + len(sentence) > rules.longest:
                yield group
                group = []
            group.append((sentence, block))
    if group:
        yield group


def _size(group: Sequence[tuple[CleanText, Block]]) -> int:
    return sum(len(sentence) for sentence, _ in group)


def _may_follow(group: Sequence[tuple[CleanText, Block]], block: Block, rules: Rules) -> bool:
    last = group[-1][1]
    same = (last.role, last.section, last.page) == (block.role, block.section, block.page)
    return same and block.role in _PACKED and _size(group) < rules.shortest


def _passage(document: Document, group: Sequence[tuple[CleanText, Block]]) -> Passage:
    parts = [sentence for sentence, _ in group]
    block = group[0][1]
    start = parts[0].offsets[0]
    return Passage(
        id=passage_id(document.id, start),
        document=document.id,
        text=_put_together([part.text for part in parts]),
        spans=join(parts, _broken(group)).spans(),
        sentences=tuple(Sentence(part.text, part.spans()) for part in parts),
        title=block.section.title,
        heading=block.section.heading,
        role=block.role,
        page=page_of(document.page_starts, start),
    )


def _broken(group: Sequence[tuple[CleanText, Block]]) -> list[int]:
    """Return the sentences before which a block was taken out: there a span may not run on."""
    found = []
    for at, ((before, _), (after, block)) in enumerate(pairwise(group), 1):
        cuts = (block.content.offsets[cut] for cut in block.content.breaks)
        if any(before.offsets[-1] < cut <= after.offsets[0] for cut in cuts):
            found.append(at)
    return found


def _put_together(texts: Sequence[str]) -> str:
    """Join sentences; a blank stands only between Latin ones."""
    pieces = [texts[0]]
    for before, after in pairwise(texts):
        latin = before[-1].isascii() and after[0].isascii()
        pieces.append(" " + after if latin else after)
    return "".join(pieces)


class Segmenter:
    """Takes documents apart. Equal documents give equal segmentations. Thread-safe."""

    def __init__(self, tokenizer: Tokenizer, rules: Rules = _RULES) -> None:
        self._joints = Joints(tokenizer)
        self.rules = rules

    def segment(self, document: Document) -> Segmentation:
        """Return the blocks and passages of a document."""
        found = blocks(document, self._joints, self.rules)
        title = found[0].section.title if found else ""
        passages = tuple(_passage(document, group) for group in _groups(found, self.rules))
        return Segmentation(title, tuple(found), passages)
