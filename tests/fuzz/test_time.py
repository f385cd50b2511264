"""Four times the text takes about four times as long, whatever it repeats: regular expressions too.

Each unit between a few others by default, between all with WENJU_FUZZ, as `make torture` sets it.
The words of a document are not looked at here: what that costs is bounded by `repair.MOST_JUDGED`.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from embeddings import layout, repair
from embeddings.articles import sections
from embeddings.cleaning import CleanText, clean
from embeddings.documents import FileEntry
from embeddings.engine import Unread, take_apart
from embeddings.layout import Line
from embeddings.lexical import Tokenizer
from embeddings.records import Role, document_id
from embeddings.repair import Part, put_together
from embeddings.segment import Segmenter
from qa.bot import LONGEST_QUESTION, Bot
from tests.fuzz.test_fuzz import Joining

TORTURE = "WENJU_FUZZ" in os.environ
SHORT = 30_000 if TORTURE else 4_000
NOTHING = 0.1
"""Seconds in which no text of that length is looked at more closely: what is quadratic takes longer."""

ALLOWED = 0.6
"""Seconds that four times as much may take in any case: less is not measured well."""

# Each text is the unit again and again, between two others.
TEXTS: list[tuple[str, str, str]] = [
    ("", unit, end)
    for end in ("", "x")
    for unit in [
        "天桥区有直播企业", "天桥区。", "“天桥。”", "“天桥”有企业。", "“", "）", "(", "(a)", ".", "a. ", "Mr. Smith ",
        " ", "天 ", "\u3000", "天(jì)", "(jì)", "天桥\n", "天桥\n\n", "天桥区有企业多家并在园区中建立了组织的\n", "a b c d\n",
        "1 2\n", "图为天桥\n标题\n", "标题\n本报记者 王某\n", "天桥，", "天桥，\n", "天\n", "\u200b", "天\r\n\r\n", "\r", "\n",
        "！", "…", "；", "x", "7", "2021年6月16日\n", "第1版\n", "-", "[摄", "编辑：", "亿", "第一", "A1 ", "#", "·", "“\n",
    ]
]  # fmt: skip
TEXTS += [("天", "(jì)", ""), ("天", " ", "\n深"), ("天", "(a)", "")]
PAGES: list[tuple[str, str, str]] = [
    (start, unit, "深")
    for start in ("", "<title>", "<p>", "<table>", "<pre>", "<p a='", "<meta content='")[: 7 if TORTURE else 2]
    for unit in [
        "<div>", "<span>a", "<p>天桥", "<tr><td>a", "<table><tr><td>a", "<", "a<", " a=1", "<!--", "<!-->天", "<script>",
        "<script></scriptx", "<b>a</i>", "a</p>", "<nav>a</nav>b", "<nav>a", "<ul><li>a", "<form>a", "&#20225;", "&#9",
        "&", " ", "\n", "<br>", " - ", "_", "<h1>a</h1>", "<time datetime=1>", "</", "<a/", "=", "'", '"', "<meta name=a>",
    ]
]  # fmt: skip
MARKDOWN: list[tuple[str, str, str]] = [
    (start, unit, end)
    for start in ("\n# a", "\n", "天", "\n|", "\n- ", "---\n")[: 6 if TORTURE else 2]
    for end in ("x|", "深")[: 2 if TORTURE else 1]
    for unit in [
        "`", "`a``b", "*", "*a **b ", "_a_", "_", "~~a", "[", "![", "[a](", "[a]", "<a@", "<" + "@" * 700, "|a|b|\n", "|",
        " ", "\t", "# a\n", "#", "- a\n", "> ", "```\na\n", "&amp;", "---\n", "- ", "-", "<!--", "\\", "|-", ":-", "=",
    ]
]  # fmt: skip


@pytest.fixture
def segmenter(tokenizer: Tokenizer) -> Segmenter:
    made = Segmenter(tokenizer)
    made._joints = Joining()  # type: ignore[assignment]
    return made


def seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def slow(name: str, texts: list[tuple[str, str, str]], segmenter: Segmenter) -> list[object]:
    """Return the texts for which four times as much takes much more than four times as long."""
    entry = FileEntry(name, Path(name))

    def taking(length: int, start: str, unit: str, end: str) -> float:
        data = (start + unit * (length // len(unit)) + end).encode()
        unread = Unread(entry, document_id(data), data)
        return seconds(lambda: take_apart(unread, segmenter))

    def is_slow(text: tuple[str, str, str]) -> bool:
        once = taking(SHORT, *text)
        more = taking(4 * SHORT, *text) if once > NOTHING else 0.0
        return more > ALLOWED and more > 10 * once

    # What is slow is so every time; what a busy machine was in the way of is not.
    return [text for text in texts if all(is_slow(text) for _ in range(3))]


@pytest.mark.parametrize(
    ("name", "texts"), [("a.txt", TEXTS), ("a.html", PAGES), ("a.md", MARKDOWN)]
)
def test_a_longer_document_takes_no_more_than_its_share(
    name: str, texts: list[tuple[str, str, str]], segmenter: Segmenter
) -> None:
    assert slow(name, texts, segmenter) == []


def test_lines_that_are_all_torn_are_judged_up_to_a_limit(
    tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged: list[int] = []

    class Counting(Joining):
        def log_odds(self, before: str, after: str) -> float:
            judged.append(1)
            return super().log_odds(before, after)

    segmenter = Segmenter(tokenizer)
    segmenter._joints = Counting()  # type: ignore[assignment]
    monkeypatch.setattr(repair, "MOST_JUDGED", 500)
    data = "".join(f"天桥{number}，\n\n" for number in range(2_000)).encode()
    taken = take_apart(Unread(FileEntry("a.txt", Path("a.txt")), "0", data), segmenter)
    assert len(judged) == 500
    shown = "".join(sentence.text for p in taken.passages for sentence in p.sentences)
    assert re.findall(r"\d+", shown) == [str(number) for number in range(2_000)]


QUESTIONS = [
    "亿", "一亿", "9亿", "万", "零", "点", "一点", "和", "、", "，", "的", "呢", "吗", "？", "第", "年", "2021年", "1月", "比",
    "是", "也", "函", "组", "原", "学", "总", "时", "山", "自", "公", "教", "生", "店", "志", "获", "获悉", "包括", "①", "是多少",
    "哪些", "分别", "各", "之", "多", "有", "在", " ", "\n", "1", "1,", "a", "a, ", "(", "（", "《", "“", "《a", "?", " ?", "1-",
    "what is ", "how many ", "who ", "and ", "of the ", "A ", "A1 ", "济", "x'", "&", "．", "٣", "𠀀", "e\u0301", "一是", "[",
]  # fmt: skip


def test_no_question_takes_long(bot: Bot) -> None:
    def takes_long(unit: str, end: str) -> bool:
        question = (unit * LONGEST_QUESTION)[: LONGEST_QUESTION - len(end)] + end
        # A busy machine may be in the way once, not every time.
        return all(seconds(lambda: bot.ask(question, [question])) > 2 for _ in range(3))

    ends = ("企业有几家？", "x")[: 2 if TORTURE else 1]
    assert [(unit, end) for unit in QUESTIONS for end in ends if takes_long(unit, end)] == []


def test_many_headlines_and_long_chains() -> None:
    def line(at: int) -> Line:
        return Line(CleanText("天桥区", (4 * at, 4 * at + 1, 4 * at + 2)), 0, indented=False)

    class Always(Joining):
        def log_odds(self, before: str, after: str) -> float:
            assert len(before) <= repair.JUDGED + 3
            return 99.0

    count = 30_000
    lines = [line(at) for at in range(count)]
    roles = [Role.HEADLINE, Role.HEADLINE, Role.CAPTION] * (count // 3)
    parts = [
        Part(one.content, role, at) for at, (one, role) in enumerate(zip(lines, roles, strict=True))
    ]
    headlines = [replace(part, role=Role.HEADLINE) for part in parts]
    assert seconds(lambda: sections(parts, [0] * count)) < 3
    assert seconds(lambda: sections(headlines, [0] * count)) < 3
    lines = [line(at) for at in range(2 * count)]
    assert seconds(lambda: put_together(lines, [Role.BODY] * len(lines), Always())) < 5


def test_readings_and_blanks_in_a_row() -> None:
    assert seconds(lambda: clean("天" + "(jì)" * 50_000)) < 5
    text = "天" + " " * 60_000 + "\n\n桥"
    assert seconds(lambda: layout.lines(clean(text), text)) < 2
