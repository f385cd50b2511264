"""Running question files: rows of a batch, figures from a bot that is worked out by hand, options."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embeddings.build import build
from embeddings.encoder import CountingEncoder, Encoder, open_encoder
from embeddings.errors import IndexMissingError, QuestionError, SettingError
from embeddings.lexical import Tokenizer
from embeddings.progress import Progress
from embeddings.records import Span
from qa import evaluate as evaluation
from qa import squad
from qa.evaluate import (
    PASSAGES,
    SQUAD_PASSAGES,
    Opening,
    answer_rows,
    evaluate,
    evaluate_gold,
    evaluate_squad,
)
from qa.question_files import Evidence, GoldQuestion, Question
from qa.records import Answer, Citation, Hit, OriginalDocument, Signals
from qa.squad import GoldAnswer, SquadFile, SquadQuestion

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SPRING = "济南有七十二名泉，趵突泉居首。泉水常年十八度。"
RIVER = "黄河流经济南北部。全长一百八十三公里。"


@dataclass
class StubBot:
    """Finds and says what it was given for a question; notes every call."""

    texts: dict[str, str]
    found: dict[str, list[Hit]] = field(default_factory=dict)
    said: dict[str, Answer] = field(default_factory=dict)
    calls: list[tuple[object, ...]] = field(default_factory=list)
    least: float = 0.1

    def ask(self, question: str, history: Sequence[str] = ()) -> Answer:
        self.calls.append(("ask", question, tuple(history)))
        return self.said.get(question, Answer("", False, (), (), question))

    def retrieve(
        self, question: str, k: int = 5, sources: Sequence[str] | None = None
    ) -> Sequence[Hit]:
        self.calls.append(("retrieve", question, k))
        return self.found.get(question, [])[:k]

    def documents(self) -> list[OriginalDocument]:
        return [
            OriginalDocument(name, (name,), text, "", None, ()) for name, text in self.texts.items()
        ]

    def learn(self, question: str, source: str, start: int, end: int, completed: str = "") -> None:
        """Answer `question` with this slice of a text, and find the whole text for it."""
        text = self.texts[source]
        cited = Citation(1, source, source, start, end, text[start:end], None, "", None)
        whole = completed or question
        self.said[question] = Answer(text[start:end], True, (), (cited,), whole)
        signals = Signals(0.5, 0.5, 1.0)
        spans = (Span(0, len(text)),)
        self.found[whole] = [
            Hit(f"{source}:0", text, spans, source, None, "", "", None, (), 0.5, signals)
        ]


def stub() -> StubBot:
    bot = StubBot({"泉.txt": SPRING, "河.txt": RIVER})
    bot.learn("泉水多少度？", "泉.txt", 15, 23)
    bot.learn("那它多长？", "河.txt", 9, 19, completed="黄河多长？")
    return bot


def write_lines(folder: Path, *objects: dict[str, Any]) -> Path:
    path = folder / "问题.jsonl"
    lines = [json.dumps(one, ensure_ascii=False) for one in objects]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def write_squad(folder: Path, name: str, *rows: tuple[str, str, str, str]) -> Path:
    """A SQuAD file with a paragraph for each (context, id, question, answer)."""
    paragraphs = [
        {
            "context": context,
            "qas": [
                {
                    "id": key,
                    "question": question,
                    "answers": [{"text": answer, "answer_start": context.find(answer)}],
                }
            ],
        }
        for context, key, question, answer in rows
    ]
    path = folder / name
    data = {"data": [{"title": "题", "paragraphs": paragraphs}]}
    path.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
    return path


def gold(name: str, text: str, kind: str, *evidence: Evidence, answer: str = "") -> GoldQuestion:
    answers = ((answer,),) if answer else ()
    return GoldQuestion(Question(name, text), {"kind": kind, "lang": "zh"}, answers, evidence)


def test_a_row_of_the_batch() -> None:
    bot = stub()
    rows = list(answer_rows(bot, [Question("3", "那它多长？", ("黄河在哪里？",))]))
    assert rows == [
        {
            "id": "3",
            "answered": True,
            "answer": "全长一百八十三公里。",
            "citations": [
                {"source": "河.txt", "start": 9, "end": 19, "quote": "全长一百八十三公里。"}
            ],
            "passages": [{"source": "河.txt", "spans": [[0, 19]]}],
        }
    ]
    assert bot.calls == [
        ("ask", "那它多长？", ("黄河在哪里？",)),
        ("retrieve", "黄河多长？", PASSAGES),
    ]


def test_a_row_of_a_refusal() -> None:
    (row,) = answer_rows(stub(), [Question("7", "谁修的？")])
    assert row == {"id": "7", "answered": False, "answer": "", "citations": [], "passages": []}


def test_rows_come_one_at_a_time() -> None:
    bot = stub()
    rows = answer_rows(bot, [Question("1", "泉水多少度？"), Question("2", "谁修的？")])
    assert next(rows)["id"] == "1"
    assert [call[1] for call in bot.calls] == ["泉水多少度？", "泉水多少度？"]


def test_gold_figures() -> None:
    questions = [
        gold("1", "泉水多少度？", "number", Evidence("泉.txt", ("常年十八度",)), answer="十八度"),
        gold("2", "那它多长？", "number", Evidence("河.txt", ("一百八十三公里",)), answer="二百"),
        gold("3", "谁修的？", "unanswerable"),
    ]
    told: list[Progress] = []
    report = evaluate_gold(stub(), "问题.jsonl", questions, "kind", told.append)
    found = {"exact": 1.0, "grounded": 1.0, "false_refusal": 0.0, "hit@1": 1.0, "hit@5": 1.0}
    assert report.groups == {
        "all": {"n": 3, **found, "cited": 1.0, "answer": 0.5, "refused": 1.0},
        "number": {"n": 2, **found, "cited": 1.0, "answer": 0.5},
        "unanswerable": {"n": 1, "refused": 1.0},
    }
    assert [(one["id"], one["got"]) for one in report.wrong] == [("2", "全长一百八十三公里。")]
    steps = [(at.stage, at.done, at.total) for at in told]
    assert steps == [("ask", 0, 3), ("ask", 1, 3), ("ask", 2, 3), ("ask", 3, 3)]
    assert report.latency.ask is not None
    assert report.latency.retrieve is None


def test_every_gold_question_keeps_its_outcome() -> None:
    questions = [
        gold("1", "泉水多少度？", "number", Evidence("泉.txt", ("常年十八度",)), answer="十八度"),
        gold("2", "那它多长？", "number", Evidence("河.txt", ("一百八十三公里",)), answer="二百"),
        gold("3", "谁修的？", "unanswerable"),
    ]
    report = evaluate_gold(stub(), "问题.jsonl", questions)
    told = [(one.question.id, one.right, one.rank, one.answer.question) for one in report.outcomes]
    assert told == [
        ("1", True, 1, "泉水多少度？"),
        ("2", False, 1, "黄河多长？"),
        ("3", True, None, "谁修的？"),
    ]
    assert [[found.gold for found in one.passages] for one in report.outcomes] == [
        [True],
        [True],
        [],
    ]
    assert all(one.milliseconds is not None for one in report.outcomes)
    assert report.least == 0.1


def test_every_squad_question_keeps_its_outcome() -> None:
    report = evaluate_squad(*squad_file())
    told = [(one.question.id, one.right, one.rank) for one in report.outcomes]
    assert told == [("1", True, 1), ("2", False, 1), ("3", False, None), ("4", False, None)]
    timed = [one.milliseconds is not None for one in report.outcomes]
    assert timed == [True, False, True, False]
    assert report.outcomes[0].gold.items == (("十八度",),)


def squad_file() -> tuple[StubBot, SquadFile]:
    spring, river = squad.context_name(SPRING), squad.context_name(RIVER)
    bot = StubBot({spring: SPRING, river: RIVER})
    bot.learn("泉水多少度？", spring, 15, 23)
    bot.learn("有几名泉？", spring, 15, 23)
    bot.learn("多长？", spring, 0, 15)
    questions = (
        SquadQuestion(Question("1", "泉水多少度？"), SPRING, (GoldAnswer("十八度", 19),)),
        SquadQuestion(Question("2", "有几名泉？"), SPRING, (GoldAnswer("七十二", 3),)),
        SquadQuestion(Question("3", "多长？"), RIVER, (GoldAnswer("一百八十三公里", 11),)),
        SquadQuestion(Question("4", "谁修的？"), RIVER, (GoldAnswer("黄河", 0),)),
    )
    return bot, SquadFile("泉.json", questions, left_out=5)


def test_squad_figures() -> None:
    bot, file = squad_file()
    report = evaluate_squad(bot, file)
    assert report.groups == {
        "all": {
            "n": 4,
            "R@1": 0.5,
            "R@5": 0.5,
            "R@10": 0.5,
            "MRR@10": 0.5,
            "cites": 0.25,
            "answered": 0.75,
        }
    }
    assert [(one["id"], one["rank"], one["cites"]) for one in report.wrong] == [
        ("2", 1, False),
        ("3", None, False),
        ("4", None, False),
    ]
    assert (report.file, report.left_out) == ("泉.json", 5)


def test_each_squad_question_times_the_call_that_comes_first() -> None:
    bot, file = squad_file()
    evaluate_squad(bot, file)
    warm_up, *calls = bot.calls
    assert warm_up[0] == "ask"
    assert [(call[0], call[1]) for call in calls] == [
        ("ask", "泉水多少度？"),
        ("retrieve", "泉水多少度？"),
        ("retrieve", "有几名泉？"),
        ("ask", "有几名泉？"),
        ("ask", "多长？"),
        ("retrieve", "多长？"),
        ("retrieve", "谁修的？"),
        ("ask", "谁修的？"),
    ]
    assert {call[2] for call in calls if call[0] == "retrieve"} == {SQUAD_PASSAGES}


def test_latency_counts_the_first_calls_in_milliseconds(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter([10.0, 10.010, 20.0, 20.002, 30.0, 30.030, 40.0, 40.004])
    monkeypatch.setattr("qa.evaluate.perf_counter", lambda: next(ticks))
    latency = evaluate_squad(*squad_file()).latency
    assert latency.ask is not None
    assert latency.retrieve is not None
    assert (latency.ask.p50, latency.ask.p95) == (10.0, 30.0)
    assert (latency.retrieve.p50, latency.retrieve.p95) == (2.0, 4.0)


def opened(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Puts stubs in the place of the index and of the contexts' index; says what was opened."""
    calls: list[object] = []

    def open_index(index: Path, model: str | None) -> StubBot:
        calls.append((index.name, model))
        return stub()

    def open_contexts(files: Sequence[SquadFile], *_: object) -> tuple[None, Opening]:
        calls.append([file.name for file in files])
        return None, lambda _: StubBot({})

    monkeypatch.setattr(evaluation, "_open", open_index)
    monkeypatch.setattr(evaluation, "open_contexts", open_contexts)
    return calls


EVIDENCE = [{"source": "泉.txt", "quote": "常年十八度"}]
TEMPERATURE = {"id": "1", "kind": "number", "question": "泉水多少度？", "answers": [["十八度"]]}


def test_files_of_both_sorts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = opened(monkeypatch)
    lines = write_lines(tmp_path, {**TEMPERATURE, "evidence": EVIDENCE})
    spring = write_squad(tmp_path, "泉.json", (SPRING, "a", "多少度？", "十八度"))
    river = write_squad(tmp_path, "河.JSON", (RIVER, "b", "多长？", "一百八十三公里"))
    english = write_squad(tmp_path, "en.json", ("The river.", "b", "How long?", "river"))
    found = evaluate([spring, lines, river], index=tmp_path / "库", cross=[english], model="m")
    assert [report.file for report in found.reports] == [
        "问题.jsonl",
        "泉.json",
        "河.JSON",
        "en.json -> 河.JSON",
    ]
    assert calls == [("库", "m"), ["泉.json", "河.JSON"]]
    assert found.reports[3].wrong[0]["question"] == "How long?"
    assert found.reports[3].wrong[0]["want"] == ["一百八十三公里"]


def test_only_what_is_asked_for_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = opened(monkeypatch)
    lines = write_lines(tmp_path, {**TEMPERATURE, "evidence": EVIDENCE})
    assert evaluate([lines], index=tmp_path).contexts is None
    assert calls == [(tmp_path.name, None)]


def test_evidence_outside_the_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened(monkeypatch)
    elsewhere = [{"source": "湖.txt", "quote": "大明湖"}]
    lines = write_lines(tmp_path, {**TEMPERATURE, "evidence": elsewhere})
    with pytest.raises(QuestionError, match=r"stands in 湖\.txt, which the index does not hold"):
        evaluate([lines], index=tmp_path)


def test_every_file_is_read_before_anything_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = opened(monkeypatch)
    lines = write_lines(tmp_path, {**TEMPERATURE, "evidence": EVIDENCE})
    with pytest.raises(QuestionError, match=r"无\.json cannot be read"):
        evaluate([lines, tmp_path / "无.json"], index=tmp_path)
    assert calls == []


def test_another_sort_of_file(tmp_path: Path) -> None:
    with pytest.raises(QuestionError, match=r"题\.csv is no question file\. Give \.jsonl files"):
        evaluate([tmp_path / "题.csv"], index=tmp_path)


def test_no_index(tmp_path: Path) -> None:
    lines = write_lines(tmp_path, {**TEMPERATURE, "evidence": EVIDENCE})
    with pytest.raises(IndexMissingError, match="no index"):
        evaluate([lines], index=tmp_path / "无")


def test_a_cross_file_without_a_shared_id(tmp_path: Path) -> None:
    spring = write_squad(tmp_path, "泉.json", (SPRING, "a", "多少度？", "十八度"))
    english = write_squad(tmp_path, "en.json", ("The river.", "b", "How long?", "river"))
    with pytest.raises(QuestionError, match=r"en\.json shares no question id with a given SQuAD"):
        evaluate([spring], index=tmp_path, cross=[english])


def test_a_sample_of_nothing(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="A sample of 0 questions: give a whole number from 1"):
        evaluate([], index=tmp_path, sample=0)


def test_an_unknown_label(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="Figures by 'colour': give one of kind, lang, sort"):
        evaluate([], index=tmp_path, by="colour")


def test_a_sample_of_each_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened(monkeypatch)
    rows = [(SPRING, str(at), f"第{at}问？", "十八度") for at in range(50)]
    first = write_squad(tmp_path, "一.json", *rows)
    second = write_squad(tmp_path, "二.json", *rows[:3])
    reports = evaluate([first, second], index=tmp_path, sample=4, seed=7).reports
    alone = evaluate([first], index=tmp_path, sample=4, seed=7).reports
    other = evaluate([first], index=tmp_path, sample=4, seed=8).reports
    ids = [[one["id"] for one in report.wrong] for report in (*reports, *alone, *other)]
    assert [len(one) for one in ids] == [4, 3, 4, 4]
    assert ids[0] == ids[2] != ids[3]


@given(st.lists(st.integers(), unique=True), st.integers(1, 40), st.integers())
def test_a_sample_is_stable_distinct_and_in_order(items: list[int], size: int, seed: int) -> None:
    questions = tuple(items)
    drawn = evaluation.sampled(questions, size, seed)
    assert drawn == evaluation.sampled(questions, size, seed)
    assert len(drawn) == min(size, len(questions))
    assert list(drawn) == sorted(set(drawn), key=questions.index)


def test_no_sample_is_everything() -> None:
    assert evaluation.sampled((3, 1, 2), None, 0) == (3, 1, 2)


# The stray byte-order mark and the line end count as characters of the context.
MARKED = f"\ufeff{SPRING}\r\n"
ROWS = [
    (MARKED, "a", "泉水常年多少度？", "十八度"),
    (RIVER, "b", "黄河全长多少公里？", "一百八十三公里"),
]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder for all tests here: preparing the words of jieba takes a second."""
    return tmp_path_factory.mktemp("cache")


def use(encoder: Encoder, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make `encoder` the packaged model and `folder` the cache folder."""
    monkeypatch.setenv("WENJU_HOME", str(folder))
    monkeypatch.setattr("embeddings.encoder.open_encoder", lambda *_: encoder)
    monkeypatch.setattr("qa.bot.open_encoder", lambda *_: encoder)


def test_the_index_over_the_contexts_is_kept(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(CountingEncoder("泉水黄河公里度"), cache, monkeypatch)
    files = [write_squad(tmp_path, "泉.json", ROWS[0]), write_squad(tmp_path, "河.json", *ROWS)]
    stages: list[str] = []
    first = evaluate(files, index=tmp_path, on_progress=lambda at: stages.append(at.stage))
    again = evaluate(files[::-1], index=tmp_path)
    assert [report.groups["all"]["R@1"] for report in first.reports] == [1.0, 1.0]
    assert [report.file for report in again.reports] == ["河.json", "泉.json"]
    assert list(dict.fromkeys(stages)) == ["read", "encode", "write", "ask"]
    assert first.contexts is not None
    assert (first.contexts.contexts, first.contexts.skipped) == (2, 0)
    assert first.contexts.encoded > 0
    assert again.contexts == replace(first.contexts, encoded=0)


def test_a_context_that_cannot_be_read_is_counted(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(CountingEncoder("泉水黄河公里度"), cache, monkeypatch)
    damaged = ("湖\x00水。", "c", "湖有多大？", "湖")
    found = evaluate([write_squad(tmp_path, "湖.json", ROWS[1], damaged)], index=tmp_path)
    assert found.contexts is not None
    assert (found.contexts.contexts, found.contexts.skipped) == (2, 1)
    assert found.reports[0].groups["all"]["R@10"] == 0.5


@pytest.mark.parametrize(("percent", "answered"), [("0", 1.0), ("100", 0.0)])
def test_squad_files_are_refused_as_the_setting_says(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, percent: str, answered: float
) -> None:
    use(CountingEncoder("泉水黄河公里度"), cache, monkeypatch)
    monkeypatch.setenv("WENJU_REFUSE_BELOW", percent)
    (report,) = evaluate([write_squad(tmp_path, "泉.json", *ROWS)], index=tmp_path).reports
    assert report.least == int(percent) / 100
    assert report.groups["all"]["answered"] == answered


def test_a_crowd_is_refused_as_the_setting_says(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = CountingEncoder("泉水黄河公里度")
    use(encoder, cache, monkeypatch)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "泉.txt").write_text(SPRING, encoding="utf-8")
    build(tmp_path / "docs", tmp_path / "库", encoder, Tokenizer(cache / "jieba"))
    monkeypatch.setenv("WENJU_REFUSE_BELOW", "100")
    lines = write_lines(tmp_path, {**TEMPERATURE, "evidence": EVIDENCE})
    files = [lines, write_squad(tmp_path, "河.json", ROWS[1])]
    reports = evaluate(files, index=tmp_path / "库", crowd=True).reports
    assert [report.least for report in reports] == [1.0, 1.0, 1.0]


def test_figures_over_an_index_that_is_there(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = CountingEncoder("泉水黄河公里度")
    use(encoder, cache, monkeypatch)
    (tmp_path / "docs").mkdir()
    for name, text in (("泉.txt", SPRING), ("河.txt", RIVER)):
        (tmp_path / "docs" / name).write_text(text, encoding="utf-8")
    build(tmp_path / "docs", tmp_path / "库", encoder, Tokenizer(cache / "jieba"))
    lines = write_lines(tmp_path, {**TEMPERATURE, "evidence": EVIDENCE})
    (report,) = evaluate([lines], index=tmp_path / "库").reports
    figures = report.groups["all"]
    assert (figures["n"], figures["hit@1"], figures["hit@5"]) == (1, 1.0, 1.0)


@pytest.mark.model
def test_citations_of_the_real_model_count(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(open_encoder(), cache, monkeypatch)
    (report,) = evaluate([write_squad(tmp_path, "泉.json", *ROWS)], index=tmp_path).reports
    perfect = ("R@1", "R@5", "R@10", "MRR@10", "cites", "answered")
    assert report.groups == {"all": {"n": 2, **dict.fromkeys(perfect, 1.0)}}
    assert report.wrong == ()
