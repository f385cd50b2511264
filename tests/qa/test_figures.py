"""The figures, worked out by hand on small texts and equal to the reference script on many rows."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from embeddings.errors import QuestionError
from embeddings.lexical import to_traditional
from embeddings.records import Span
from qa.figures import (
    AnswerRow,
    CountedText,
    Originals,
    describe,
    gold_rank,
    is_wrong,
    judge,
    plain,
    stated_at,
    states,
    table,
)
from qa.question_files import Evidence, GoldQuestion, Question, read_gold_questions

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared"

# Sentences: 0-10, 10-26, 26-38; the line break at 17 and the gloss at 20-25 do not count.
PAGE = "天桥区有二十个街道。直播企业100\n余家(jiā)。从业人员近千人，在北园。"
OTHER = "南山区有三十个街道。"
TEXTS = {"天桥.txt": PAGE, "南山.txt": OTHER}


def gold(
    *quotes: str,
    kind: str = "number",
    answers: Sequence[Sequence[str]] = (),
    source: str = "天桥.txt",
) -> GoldQuestion:
    return GoldQuestion(
        Question("甲", "有多少家？"),
        {"kind": kind, "lang": "zh"},
        tuple(tuple(item) for item in answers),
        tuple(Evidence(source, (quote,)) for quote in quotes),
    )


def row(
    answer: str = "",
    cited: Sequence[tuple[int, int]] = (),
    passages: Sequence[tuple[int, int]] = (),
    answered: bool = True,
) -> AnswerRow:
    return {
        "id": "甲",
        "answered": answered,
        "answer": answer,
        "citations": [
            {"source": "天桥.txt", "start": start, "end": end, "quote": PAGE[start:end]}
            for start, end in cited
        ],
        "passages": [{"source": "天桥.txt", "spans": [list(span)]} for span in passages],
    }


def test_counted_text_leaves_out_white_space_and_glosses() -> None:
    text = CountedText(PAGE)
    assert text.counted == "天桥区有二十个街道。直播企业100余家。从业人员近千人，在北园。"
    assert [text.offsets[at] for at in (16, 17, 18, 19, 20)] == [16, 18, 19, 25, 26]


def test_counted_text_between_offsets() -> None:
    text = CountedText(PAGE)
    assert text.between(16, 21) == range(16, 19)
    assert text.between(-5, 2) == range(2)
    assert text.between(30, 10_000) == range(24, 32)
    assert list(text.between(20, 25)) == []


def test_counted_text_finds_every_occurrence_through_line_breaks() -> None:
    assert list(CountedText("哈哈\n哈").occurrences("哈 哈")) == [range(2), range(1, 3)]
    assert list(CountedText(PAGE).occurrences("企业100余家")) == [range(12, 19)]


def test_counted_text_sentences_end_at_marks_and_line_breaks() -> None:
    text = CountedText(PAGE)
    assert text.sentences(range(10, 11)) == range(10, 17)
    assert text.sentences(range(12, 18)) == range(10, 20)
    assert text.sentences(range(21)) == range(len(text.counted))
    assert CountedText("没有句号").sentences(range(1, 2)) == range(4)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("電商 企業", "电商企业"),
        ("**5G**光通信[1]產業園[2，3]…", "5g光通信产业园"),
        ("计划(jì huà)", "计划(jìhuà)"),
        ("计(jì)划(huà)&nbsp;好", "计划好"),
    ],
)
def test_plain(text: str, expected: str) -> None:
    assert plain(text) == expected


@pytest.mark.parametrize(
    ("variant", "text", "said"),
    [
        ("2家", "共有2家企业", True),
        ("2家", "共有12家企业", False),
        ("2家", "共有1.2家企业", False),
        ("2家", "共有12家，其中2家", True),
        ("总额5", "总额5.2亿", False),
        ("总额5", "总额5.", True),
        ("总额5", "总额52亿", False),
        ("總額", "总额52亿", True),
        ("5 G", "5g网络", True),
        ("二十", "二十一个", True),
    ],
)
def test_states(variant: str, text: str, said: bool) -> None:
    assert states(plain(text), variant) is said


def test_a_right_answer() -> None:
    question = gold("直播企业100余家", answers=[["100余", "一百余"]])
    given = row("直播企业100余家。", cited=[(10, 26)], passages=[(10, 26)])
    assert judge(question, given, Originals(TEXTS)) == {
        "exact": 1.0,
        "grounded": 1.0,
        "false_refusal": 0.0,
        "hit@1": 1.0,
        "hit@5": 1.0,
        "cited": 1.0,
        "answer": 1.0,
    }


@pytest.mark.parametrize(
    ("given", "changed"),
    [
        (row("直播企业。", cited=[(10, 14)]), {"cited": 0.0, "answer": 0.0}),
        (row("播企业100", cited=[(11, 17)]), {"answer": 0.0}),
        (row("直播企业100余家。", cited=[(10, 26), (26, 38)]), {"cited": 0.0, "answer": 0.0}),
        (row("100余家。直播企业", cited=[(10, 14), (14, 26)]), {"grounded": 0.0}),
        (row("共直播企业100余家。", cited=[(10, 26)]), {"grounded": 0.0}),
        (row("直播企业100余家！", cited=[(10, 26)]), {}),
        (
            row("直播企业100余家。", cited=[]),
            {"exact": 0.0, "grounded": 0.0, "cited": 0.0, "answer": 0.0},
        ),
        (row("直播企业100余家。", cited=[(10, 17), (17, 26)]), {}),
        (row("直播企业100余家。" + "好" * 140, cited=[(10, 26)]), {"grounded": 0.0, "answer": 1.0}),
        (row("直播企业100余家。" + "好" * 141, cited=[(10, 26)]), {"grounded": 0.0, "answer": 0.0}),
        (row("", cited=[]), {"exact": 0.0, "grounded": 0.0, "cited": 0.0, "answer": 0.0}),
    ],
)
def test_what_spoils_an_answer(given: AnswerRow, changed: dict[str, float]) -> None:
    question = gold("直播企业100余家", answers=[["100余"]])
    given["passages"] = [{"source": "天桥.txt", "spans": [[10, 26]]}]
    right = {"exact": 1.0, "grounded": 1.0, "false_refusal": 0.0, "hit@1": 1.0, "hit@5": 1.0}
    assert judge(question, given, Originals(TEXTS)) == {
        **right,
        "cited": 1.0,
        "answer": 1.0,
        **changed,
    }


def test_half_of_what_is_cited_must_hold_evidence() -> None:
    # The sentence with the evidence counts 10 characters, as does the one before it.
    question = gold("直播企业100余家")
    too_much = judge(question, row("略", cited=[(0, 26), (26, 37)]), Originals(TEXTS))
    bearable = judge(question, row("略", cited=[(0, 26)]), Originals(TEXTS))
    assert (too_much["cited"], bearable["cited"]) == (0.0, 1.0)


def test_every_piece_must_be_cited_only_where_several_are_needed() -> None:
    pieces = ("二十个街道", "近千人")
    cited = row("天桥区有二十个街道。", cited=[(0, 10)])
    kinds = {
        kind: judge(gold(*pieces, kind=kind), cited, Originals(TEXTS))["cited"]
        for kind in ("list", "multi", "compare")
    }
    assert kinds == {"list": 1.0, "multi": 0.0, "compare": 0.0}


def test_any_quote_and_any_occurrence_of_it_will_do() -> None:
    twice = {"a.txt": "街道很多。中间。街道很多。", "天桥.txt": PAGE}
    question = GoldQuestion(
        Question("甲", "？"), {"kind": "list"}, (), (Evidence("a.txt", ("没有这句", "街道很多")),)
    )
    given = row("略")
    given["citations"] = [{"source": "a.txt", "start": 8, "end": 13, "quote": "街道很多。"}]
    assert judge(question, given, Originals(twice))["cited"] == 1.0


def test_passages_are_read_to_their_budget_and_repeats_use_it_up() -> None:
    texts = {"长.txt": "闲" * 295 + "十个字的证据在这里。" + "闲" * 1300}
    question = gold("十个字的证据在这里。", source="长.txt")

    def hits(*spans: tuple[int, int]) -> tuple[float, float]:
        given = row(answered=False)
        given["passages"] = [{"source": "长.txt", "spans": [list(span) for span in spans]}]
        judged = judge(question, given, Originals(texts))
        return judged["hit@1"], judged["hit@5"]

    assert hits((0, 305)) == (1.0, 1.0)
    assert hits((0, 1), (0, 305)) == (0.0, 1.0)
    assert hits((305, 1500), (0, 305)) == (0.0, 1.0)
    assert hits((305, 1511), (0, 305)) == (0.0, 0.0)
    assert hits() == (0.0, 0.0)


def test_hit_is_the_share_of_the_pieces() -> None:
    question = gold("二十个街道", "近千人", kind="multi")
    judged = judge(question, row(answered=False, passages=[(0, 10)]), Originals(TEXTS))
    assert (judged["hit@1"], judged["hit@5"]) == (0.5, 0.5)


def test_refusals() -> None:
    unanswerable = gold(kind="unanswerable")
    answerable = gold("近千人")
    refusal = row(answered=False)
    assert judge(unanswerable, refusal, Originals(TEXTS)) == {"refused": 1.0}
    answered = judge(unanswerable, row("北园。", cited=[(35, 38)]), Originals(TEXTS))
    assert answered == {"exact": 1.0, "grounded": 1.0, "refused": 0.0}
    assert judge(answerable, refusal, Originals(TEXTS)) == {
        "false_refusal": 1.0,
        "hit@1": 0.0,
        "hit@5": 0.0,
        "cited": 0.0,
        "answer": 0.0,
    }


def test_a_quote_that_is_not_the_slice_is_not_exact() -> None:
    given = row("近千人", cited=[(30, 33)])
    given["citations"][0]["start"] -= 1
    assert judge(gold("近千人"), given, Originals(TEXTS))["exact"] == 0.0


def test_evidence_of_a_file_outside_the_index() -> None:
    with pytest.raises(
        QuestionError, match=r"question 甲 stands in 历下\.txt, which the index does"
    ):
        judge(gold("甲", source="历下.txt"), row(), Originals(TEXTS))


def test_evidence_that_stands_nowhere() -> None:
    with pytest.raises(
        QuestionError, match=r"天桥\.txt does not hold the evidence of question 甲: “无此句”"
    ):
        judge(gold("无此句"), row(), Originals(TEXTS))


def test_table_groups_and_rounds() -> None:
    number, date = gold("甲", kind="number"), gold("甲", kind="date")
    near = GoldQuestion(Question("乙", "？"), {"kind": "unanswerable", "sort": "near"}, (), ())
    judged = [
        (number, {"hit@1": 1.0, "exact": 1.0}),
        (date, {"hit@1": 0.0}),
        (number, {"hit@1": 1.0}),
        (near, {"refused": 1.0}),
    ]
    everything = {"n": 4, "hit@1": 0.6667, "exact": 1.0, "refused": 1.0}
    assert table(judged) == {"all": everything}
    assert list(table(judged, "kind").items()) == [
        ("all", everything),
        ("number", {"n": 2, "hit@1": 1.0, "exact": 1.0}),
        ("date", {"n": 1, "hit@1": 0.0}),
        ("unanswerable", {"n": 1, "refused": 1.0}),
    ]
    assert table(judged, "sort") == {"all": everything, "near": {"n": 1, "refused": 1.0}}


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        ({"answer": 1.0, "exact": 1.0, "grounded": 1.0, "hit@1": 0.0}, False),
        ({"answer": 0.0}, True),
        ({"refused": 0.0, "exact": 1.0}, True),
        ({"answer": 1.0, "exact": 0.0}, True),
        ({"answer": 1.0, "grounded": 0.0}, True),
        ({"refused": 1.0}, False),
    ],
)
def test_wrong_ones(values: dict[str, float], wrong: bool) -> None:
    assert is_wrong(values) is wrong


def test_describe() -> None:
    question = gold("近千人", answers=[["近千"]])
    assert describe(question, row("近千人", cited=[(30, 33)]), {"answer": 0.0}) == {
        "id": "甲",
        "kind": "number",
        "lang": "zh",
        "question": "有多少家？",
        "history": [],
        "want": [["近千"]],
        "evidence": [{"source": "天桥.txt", "quotes": ["近千人"]}],
        "got": "近千人",
        "citations": [{"source": "天桥.txt", "start": 30, "end": 33, "quote": PAGE[30:33]}],
        "figures": {"answer": 0.0},
    }


class Rows:
    """Answer rows of every sort for real questions, from a seeded generator."""

    def __init__(self, texts: dict[str, str]) -> None:
        self.texts = texts
        self.chance = random.Random(20210616)

    def row(self, question: GoldQuestion) -> AnswerRow:
        spans = self.evidence(question)
        answered = self.chance.random() < (0.5 if not spans else 0.85)
        citations = self.citations(spans) if answered else []
        texts = [self.texts[source][start:end] for source, start, end in citations]
        answer = (
            self.answer(question, texts) if answered else self.chance.choice(["", "没有提到。"])
        )
        quotes = [self.broken(text) for text in texts]
        return {
            "id": question.question.id,
            "answered": answered,
            "answer": answer,
            "citations": [
                {"source": source, "start": start, "end": end, "quote": quote}
                for (source, start, end), quote in zip(citations, quotes, strict=True)
            ],
            "passages": self.passages(spans),
        }

    def evidence(self, question: GoldQuestion) -> list[tuple[str, int, int]]:
        found = []
        for piece in question.evidence:
            text = CountedText(self.texts[piece.source])
            stands = [one for quote in piece.quotes for one in text.occurrences(quote)]
            occurrence = self.chance.choice(stands)
            first, last = text.offsets[occurrence[0]], text.offsets[occurrence[-1]]
            found.append((piece.source, first, last + 1))
        return found

    def citations(self, spans: list[tuple[str, int, int]]) -> list[tuple[str, int, int]]:
        """The evidence, more or less of it, beside it, in pieces, too much, or elsewhere."""
        cited: list[tuple[str, int, int]] = []
        for source, start, end in spans:
            middle = (start + end) // 2
            cited += self.chance.choice([
                [(source, start, end)],
                [(source, start, end)],
                [(source, max(0, start - self.chance.randrange(40)), end)],
                [(source, start, middle + self.chance.randrange(-3, 4))],
                [(source, start, middle), (source, middle, end)],
                [(source, max(0, start - 400), end + 400)],
                [self.anywhere()],
                [],
            ])  # fmt: skip
        if not spans or self.chance.random() < 0.1:
            cited.append(self.anywhere())
        return [(source, start, end) for source, start, end in cited if start < end]

    def anywhere(self) -> tuple[str, int, int]:
        source = self.chance.choice(sorted(self.texts))
        start = self.chance.randrange(len(self.texts[source]) - 60)
        return source, start, start + self.chance.randrange(1, 60)

    def answer(self, question: GoldQuestion, quotes: list[str]) -> str:
        own = "".join(quotes)
        items = "，".join(self.chance.choice(item) for item in question.answers)
        return self.chance.choice([
            own, own, own, own,
            "".join(own.split()),
            to_traditional(own),
            f"**{own}**[1]…",
            f"据报道，{own}",
            own + items,
            f"{items}。",
            f"7{items}",
            f"{items}3",
            f"{items}.5",
            "".join(reversed(quotes)),
            own + "好" * 160,
            "",
        ])  # fmt: skip

    def broken(self, quote: str) -> str:
        return quote if self.chance.random() < 0.85 else quote[1:] + "改"

    def passages(self, spans: list[tuple[str, int, int]]) -> list[Any]:
        found = [{"source": source, "spans": [[start, end]]}
                 for source, start, end in spans if self.chance.random() < 0.5]  # fmt: skip
        for _ in range(self.chance.randrange(6)):
            (source, start, _), far = self.anywhere(), self.chance.randrange(30, 500)
            end = min(len(self.texts[source]), start + far)
            gap = (start + end) // 2
            found.append({"source": source, "spans": [[start, gap], [min(gap + 9, end), end]]})
        self.chance.shuffle(found)
        return found


def with_more_quotes(question: dict[str, Any], texts: dict[str, str], at: int) -> dict[str, Any]:
    """The question under an id of its own, every third one with alternative quotes."""
    changed = {**question, "id": f"{question['id']}-{at}", "sort": f"{question['id']}-{at}"}
    if at == 2 and question["evidence"]:
        first, *others = question["evidence"]
        text = texts[first["source"]]
        others_of_source = [text[200:230].strip(), first["quote"][2:]]
        changed["evidence"] = [{**first, "or": others_of_source}, *others]
    return changed


def script_figures(folder: Path, by: str) -> dict[str, dict[str, float]]:
    command = [
        sys.executable, str(SHARED / "tools" / "score.py"),
        str(folder / "questions.jsonl"), str(folder / "answers.jsonl"),
        "--docs", str(ROOT / "seeds"), "--by", by, "--json",
    ]  # fmt: skip
    output = subprocess.run(command, check=True, capture_output=True, text=True, encoding="utf-8")
    figures: dict[str, dict[str, float]] = json.loads(output.stdout)
    return figures


def write_lines(path: Path, objects: Sequence[Any]) -> None:
    lines = [json.dumps(one, ensure_ascii=False) for one in objects]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the public question sets")
@pytest.mark.parametrize("by", ["kind", "lang", "sort"])
def test_equal_to_the_reference_script(tmp_path: Path, by: str) -> None:
    # Every question has a `sort` of its own, so that grouping by it compares question by question.
    texts = {path.name: path.read_bytes().decode() for path in sorted((ROOT / "seeds").iterdir())}
    lines = (SHARED / "questions" / "seeds_dev.jsonl").read_text(encoding="utf-8").splitlines()
    asked = [with_more_quotes(json.loads(line), texts, at) for at in range(3) for line in lines]
    write_lines(tmp_path / "questions.jsonl", asked)
    questions = read_gold_questions(tmp_path / "questions.jsonl")
    make, originals = Rows(texts), Originals(texts)
    rows = [make.row(question) for question in questions]
    write_lines(tmp_path / "answers.jsonl", rows)
    judged = [
        (question, judge(question, given, originals))
        for question, given in zip(questions, rows, strict=True)
    ]
    assert len(judged) == 360
    for name in ("cited", "answer", "grounded", "exact", "refused", "false_refusal"):
        assert {values[name] for _, values in judged if name in values} == {0.0, 1.0}, name
    assert table(judged, by) == script_figures(tmp_path, by)


@pytest.mark.parametrize(
    ("text", "variant", "found"),
    [
        ("共有12家，其中2家。", "2家", ["2家"]),
        ("濟(jì)陽(yáng)區(qū)走訪", "济阳区", ["濟(jì)陽(yáng)區"]),
        ("共 7 7\n.57 亿元", "77.57", ["7 7\n.57"]),
        ("WANG和wang", "Wang", ["WANG", "wang"]),
        ("哈哈哈", "哈哈", ["哈哈", "哈哈"]),
        ("İstanbul济南", "济南", ["济南"]),
        ("没有", "", []),
        ("没有", "(jì)", []),
    ],
)
def test_where_a_variant_is_stated(text: str, variant: str, found: list[str]) -> None:
    assert [span.of(text) for span in stated_at(text, variant)] == found


def test_where_a_variant_is_stated_it_is_stated() -> None:
    assert list(stated_at("共有2.5家", "2")) == []
    assert list(stated_at("共有25家，2家", "2")) == [Span(6, 7)]


def test_the_rank_of_the_gold_passage() -> None:
    originals = Originals(TEXTS)
    question = gold("直播企业100余家", "北园")
    far, half, whole = (0, 10), (10, 16), (10, 26)
    assert gold_rank(question, row(passages=[far, half, whole]), originals) == 2
    assert gold_rank(question, row(passages=[far, (34, 38)]), originals) == 2
    assert gold_rank(question, row(passages=[far, (10, 12)]), originals) is None
    assert gold_rank(question, row(), originals) is None


def test_a_question_without_an_answer_has_no_rank() -> None:
    question = gold(kind="unanswerable")
    assert gold_rank(question, row(passages=[(0, 38)]), Originals(TEXTS)) is None
