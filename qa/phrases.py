"""The parts of a Chinese question: its words, what it is about and what it asks for.

Knows nothing of conversations. All spans are of the text as written, in whatever script.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from embeddings.lexical import Tokenizer, to_simplified
from embeddings.records import Span
from qa.chinese_words import MEASURES, NO_NOUNS, NO_PLACES, NOUNS_TOO, SURNAMES


class Sort(StrEnum):
    """What a name or a noun stands for."""

    PLACE = "place"
    TIME = "time"
    PERSON = "person"
    BODY = "body"
    QUOTED = "quoted"
    THING = "thing"


class Asking(StrEnum):
    """What a question word asks for."""

    COUNT = "count"
    WHICH = "which"
    WHO = "who"
    WHERE = "where"
    WHEN = "when"
    WHY = "why"
    HOW = "how"
    DEGREE = "degree"


@dataclass(frozen=True, slots=True)
class Word:
    """A word in search form, its part of speech (empty when unknown) and where it stands."""

    text: str
    tag: str
    span: Span


@dataclass(frozen=True, slots=True)
class Entity:
    """A name within a text."""

    sort: Sort
    span: Span


@dataclass(frozen=True, slots=True)
class QuestionWord:
    """The words that ask, with the noun asked for.

    Attributes:
        wanted: what they ask for.
        span: the question word with its measure word.
        noun: the noun behind it; None where there is none.
    """

    wanted: Asking
    span: Span
    noun: Span | None


_NUMERAL = r"[一二两三四五六七八九十几\d]"
_QUESTION_WORDS = {
    Asking.WHEN: r"什么时候|什么时间|何时|多长时间|多久|啥时候|几时|几点"
    r"|哪年哪月|哪一?[年天月日](?!代)|几月份?|几号|哪个(?:年份|月份|月|时候)",
    Asking.WHERE: r"哪里|哪儿|什么地方|何处|何地|啥地方",
    Asking.WHO: r"谁|哪一?位|什么人|何人|哪些人",
    Asking.WHY: r"为什么|为何|为啥|怎么会|什么原因|何以",
    Asking.COUNT: rf"多少[{MEASURES}]?|几[{MEASURES}]|几(?=[天年月周岁元块人小公千])",
    Asking.WHICH: rf"哪(?:些|{_NUMERAL}*[{MEASURES}]?)|什么样的|什么|何种|啥",
    Asking.HOW: r"怎么样?|怎样|如何|咋",
    Asking.DEGREE: r"多[大高长远重宽深快]",
}
_ASKS = re.compile("|".join(f"(?P<{name}>{form})" for name, form in _QUESTION_WORDS.items()))
_QUOTED = re.compile(r"[“‘「『《〈\"][^“”‘’「」『』《》〈〉\"]{1,40}[”’」』》〉\"]")
TIME = re.compile(
    r"(?:19|20)\d\d年?(?:代|初|底|[上下]半年)?(?:\d{1,2}月(?:份)?)?(?:\d{1,2}[日号])?"
    r"|\d{1,2}月(?:份)?(?:\d{1,2}[日号])?"
    r"|[今去前明当后]年(?:以来|[年]?[初底]|[上下]半年|春天|夏天|秋天|冬天)?|近年来?"
    r"|[一二三四]季度|[上下]半年"
    r"|上个?月|本月|这个月|下个?月|[一二三四五六七八九十]{1,2}月份?|目前|现在|最近|[昨今明]天"
    r"|[一二三四五六七八九十]年前"
)
_PLACE_ENDS = (
    r"(?:自治[区州县]|[省市区县镇乡村州国岛山江河湖路街]|街道|开发区|高新区|新区|园区|地区)"
)
_PLACE = re.compile(rf".*{_PLACE_ENDS}$")
_BODY = re.compile(
    r".*(?:公司|集团|大学|学院|学校|中学|小学|医院|银行|法院|[委部局厅院所校厂社馆队]|中心"
    r"|协会|学会"
    r"|联盟|支部|党委|政府|企业|药企|工厂|产业园|社区|基金会|办事处|俱乐部|乐队|球队|合作社)$"
)
_PERSON = re.compile(
    r".*(?:教授|书记|主任|部长|局长|市长|区长|县长|镇长|乡长|校长|院长|会长|董事长|总经理"
    r"|经理|先生"
    r"|女士|博士|老师|总统|总理|国王|皇帝|指导员|联络员|记者)$"
)
_ENDS_A_NAME = re.compile(
    r".*(?:公司|企业?|大学|学院|学校|机构|部门|区|市|县|省|人|者|员|家|地方)$"
)
_NOUNISH = re.compile(r"n|vn$|an$|j|l|i|b|s|f|m|q|z|eng|nz|a$")
_STOPS = frozenset("的了过着吗呢吧啊呀,.?!;:、。")
_SWALLOWED = re.compile(
    r"(^[它他她]们?|[的了过着]$|(?<=.)是$|(?<=^.)[于在有]$|(?<=.)(?:总共|一共)|^[总一]共"
    r"|^[要能会](?=.$))"
)
_NUMBER = re.compile(r"[\d一二两三四五六七八九十几多半]")
_LOCATIVES = frozenset(["里", "上", "中", "下", "内", "里面", "当中"])
_NOUN_ENDS = "生员者人工户手器机品物费额率量度权力金站店"
_LIGHT_ENDS = re.compile(
    r"(?:是|在|从|由|于|用了?|花了?|叫做?|名为|为|达到?|有|大概|大约|约|一共|总共|共|总计"
    r"|隔|每隔|跟|和|与|向|到"
    r"|要|会|又|具体|分别|都|到底|究竟|最终|,|，|、|\s)+$"
)


def folded(text: str) -> str:
    """Return `text` in Simplified lower case with plain marks, each character in its place."""
    single = "".join(_fold(character) for character in text)
    simplified = to_simplified(single)
    if len(simplified) == len(single):
        return simplified
    return "".join((to_simplified(character) or character)[0] for character in single)


def _fold(character: str) -> str:
    plain = unicodedata.normalize("NFKC", character).lower()
    return plain if len(plain) == 1 else character


class Phrase:
    """A Chinese text and its parts; made once, read often.

    Args:
        text: as written.
        tokenizer: finds its words.

    Attributes:
        text: as written.
        plain: the same, folded; character i of one is character i of the other.
    """

    def __init__(self, text: str, tokenizer: Tokenizer) -> None:
        self.text = text
        self.plain = folded(text)
        self._tokenizer = tokenizer

    def of(self, span: Span | None) -> str:
        """Return the text of `span` as written, without white space around it; empty for None."""
        return self.text[span.start : span.end].strip() if span else ""

    def cut(self, text: str) -> Phrase:
        """Return another text with the same tokenizer."""
        return Phrase(text, self._tokenizer)

    @cached_property
    def words(self) -> tuple[Word, ...]:
        """The words in order; nothing is left out."""
        found: list[Word] = []
        at = 0
        for whole in self._tokenizer.words(self.plain):
            for text in self._pieces(whole, found[-1] if found else None):
                found.append(Word(text, self._tokenizer.tag(text), Span(at, at + len(text))))
                at += len(text)
        return tuple(found)

    @cached_property
    def quoted(self) -> tuple[Span, ...]:
        """Names in quotation marks, the marks included."""
        return tuple(Span(*match.span()) for match in _QUOTED.finditer(self.plain))

    @cached_property
    def asks(self) -> QuestionWord | None:
        """The first question word that is no part of a name; None when nothing is asked so."""
        for match in _ASKS.finditer(self.plain):
            span = Span(*match.span())
            if not any(name.start < span.start < name.end for name in self.quoted):
                wanted = Asking(str(match.lastgroup))
                takes_noun = wanted in (Asking.COUNT, Asking.WHICH)
                return QuestionWord(wanted, span, self.nouns_from(span.end) if takes_noun else None)
        return None

    @cached_property
    def entities(self) -> tuple[Entity, ...]:
        """Names of places, bodies, people, times and what is quoted, in order."""
        found = [Entity(Sort.QUOTED, span) for span in self.quoted]
        found += [Entity(Sort.TIME, Span(*m.span())) for m in TIME.finditer(self.plain)]
        taken = list(found)
        for entity in self._compounds():
            if not any(_overlap(entity.span, other.span) for other in taken):
                found.append(entity)
        return tuple(sorted(found, key=lambda entity: entity.span.start))

    @cached_property
    def subject(self) -> Span | None:
        """What the question is about: the noun phrase before its verb."""
        end = self.asks.span.start if self.asks else len(self.plain)
        words = [word for word in self.words if word.span.end <= end]
        first = next((at for at, word in enumerate(words) if self._begins(word)), None)
        if first is None:
            return None
        while first and self._is_odd_beginning(words[first - 1]):
            first -= 1
        start = words[first].span.start
        end = self._subject_end(words[first:])
        return Span(start, end) if end > start else None

    def nouns_from(self, start: int) -> Span | None:
        """Return the noun phrase that begins at `start`."""
        end = self._noun_end(start)
        return Span(start, end) if end > start else None

    def is_nounish(self, word: Word) -> bool:
        """Tell whether a word can be part of a noun phrase; unknown words can."""
        if any(span.start <= word.span.start < span.end for span in self.quoted):
            return True
        if word.text in _STOPS or not word.text.strip() or not word.text[0].isalnum():
            return False
        if word.text in NO_NOUNS:
            return False
        if word.text[0] == "非" and len(word.text) > 1:
            return True
        if word.text in NOUNS_TOO:
            return not self._noun_follows(word)
        return not word.tag or bool(_NOUNISH.match(word.tag))

    def _makes_noun(self, word: Word) -> bool:
        """Tell whether a verb is the first half of a noun, as in 选调生."""
        after = self.plain[word.span.end : word.span.end + 1]
        return word.tag == "v" and len(word.text) > 1 and after in _NOUN_ENDS and bool(after)

    def _noun_follows(self, word: Word) -> bool:
        after = next((other for other in self.words if other.span.start == word.span.end), None)
        return after is not None and after.text.isalnum() and after.tag[:1] in ("n", "r", "")

    def _pieces(self, word: str, before: Word | None) -> Sequence[str]:
        """Return a word that no dictionary holds without the particles it swallowed."""
        if self._tokenizer.tag(word):
            return (word,)
        if before and before.tag == "ns" and len(word) > 1 and word[0] in "省市区县镇乡村州":
            return (word[0], *self._pieces(word[1:], None))
        return [piece for piece in _SWALLOWED.split(word) if piece]

    def _is_odd_beginning(self, word: Word) -> bool:
        """Tell whether a word is no number although the dictionary says so, as in 年假, 美方."""
        return word.tag in ("m", "q") and len(word.text) <= 2 and not _NUMBER.search(word.text)

    def _begins(self, word: Word) -> bool:
        is_time = word.tag == "t" or TIME.fullmatch(word.text)
        return self.is_nounish(word) and not is_time and word.tag not in ("f", "m", "q")

    def _noun_end(self, start: int) -> int:
        end = start
        for word in self.words:
            if word.span.end <= start:
                continue
            acts = word.tag in ("v", "vn") and _ENDS_A_NAME.match(self.plain[start:end])
            if acts or not (self.is_nounish(word) or self._makes_noun(word)):
                break
            if word.text not in _LOCATIVES:
                end = word.span.end
        return end

    def _subject_end(self, words: Sequence[Word]) -> int:
        """Return where the subject ends: behind a relative clause and its noun, if it has one."""
        last = max((at for at, word in enumerate(words) if word.text == "的"), default=-1)
        if last >= 0:
            end = self._run_end(words[last + 1 :], allowed="r")
            if end:
                return end
        return self._run_end(words)

    def _run_end(self, words: Sequence[Word], allowed: str = "") -> int:
        end = 0
        for word in words:
            if not self.is_nounish(word) and word.tag not in ("mq", allowed or "mq"):
                break
            if word.tag == "t" or TIME.fullmatch(word.text):
                break
            if word.tag not in ("m", "q", "mq"):
                end = word.span.end
        return end

    def _compounds(self) -> Iterator[Entity]:
        """Yield runs of nouns that end like a name."""
        run: list[Word] = []
        for word in self.words:
            if self.is_nounish(word) and word.tag not in ("m", "q", "f"):
                run.append(word)
                continue
            yield from self._named(run)
            run = []
        yield from self._named(run)

    def _named(self, run: Sequence[Word]) -> Iterator[Entity]:
        """Yield the names at the head of a run, and that of the whole run."""
        if not run:
            return
        place = self._place_end(run)
        start = run[0].span.start
        if place:
            yield Entity(Sort.PLACE, Span(start, run[place - 1].span.end))
        rest = run[place:]
        if not rest:
            return
        span = Span(rest[0].span.start, rest[-1].span.end)
        whole = "".join(word.text for word in rest)
        if _BODY.match(whole) and len(whole) > 2:
            yield Entity(Sort.BODY, span)
        elif _PERSON.match(whole) or any(is_person(word) for word in rest[:2]):
            yield Entity(Sort.PERSON, span)
        elif any(word.tag in ("nz", "nt", "nrt", "nrfg") for word in rest):
            yield Entity(Sort.THING, span)

    def _place_end(self, run: Sequence[Word]) -> int:
        """Return how many words at the head of `run` name a place."""
        end = 0
        for at, word in enumerate(run):
            known = word.tag == "ns" and len(word.text) > 1
            if word.text in NO_PLACES:
                break
            ends = _PLACE.match(word.text) is not None
            unsure = not word.tag or word.tag.startswith(("ns", "nr", "v"))
            least = 2 if unsure and not word.tag else 3
            if (
                known
                or (ends and (at == end) and (end > 0 or (len(word.text) >= least and unsure)))
                or (ends and at == end + 1 and not run[end].tag)
            ):
                end = at + 1
            elif at > end:
                break
        return end


def is_name(phrase: Phrase, entity: Entity) -> bool:
    """Tell whether an entity is a proper name, not a common noun that ends like one."""
    if entity.sort in (Sort.QUOTED, Sort.PLACE, Sort.TIME):
        return entity.sort is not Sort.TIME
    span = entity.span
    words = [word for word in phrase.words if span.start <= word.span.start < span.end]
    if entity.sort is Sort.PERSON:
        return any(word.tag.startswith("nr") and len(word.text) > 1 for word in words)
    tags = {word.tag for word in words if word.tag != "nz" or len(word.text) > 2}
    return not tags.isdisjoint(("", "ns", "nt", "nz", "nr", "nrt", "nrfg"))


def is_person(word: Word) -> bool:
    """Tell whether a word is the name of a person."""
    named = word.tag == "nr" and 2 <= len(word.text) <= 4 and word.text[0] in SURNAMES
    return named and not _PLACE.match(word.text)


def sort_of(phrase: Phrase) -> Sort:
    """Return what a whole phrase stands for."""
    text = phrase.plain.strip()
    if TIME.fullmatch(text):
        return Sort.TIME
    last = phrase.entities[-1] if phrase.entities else None
    if last is not None and last.span.end >= len(text):
        return last.sort
    if _BODY.match(text) and len(text) > 2:
        return Sort.BODY
    return Sort.PERSON if _PERSON.match(text) else Sort.THING


def without_light_end(text: str) -> str:
    """Return `text` without the verbs and adverbs that only lead to a question word."""
    return _LIGHT_ENDS.sub("", text)


def _overlap(one: Span, other: Span) -> bool:
    return one.start < other.end and other.start < one.end
