"""SQuAD files: what is read, the folder of contexts, and figures worked out by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from embeddings.documents import decode
from embeddings.errors import IndexWriteError, QuestionError
from embeddings.records import Span
from qa import squad
from qa.question_files import Question
from qa.records import Answer, Citation, Hit, Place, Signals
from qa.squad import GoldAnswer, Outcome, SquadFile, SquadQuestion

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SPRING = "济南有七十二名泉，趵突泉居首。泉水常年十八度。"
RIVER = "黄河流经济南北部，全长一百八十三公里。"


def paragraph(context: str, *questions: tuple[str, str, str, int]) -> dict[str, Any]:
    qas = [
        {"id": name, "question": asked, "answers": [{"text": text, "answer_start": start}]}
        for name, asked, text, start in questions
    ]
    return {"context": context, "qas": qas}


def write(folder: Path, *paragraphs: dict[str, Any], name: str = "泉.json") -> Path:
    data = {"version": "1", "data": [{"title": "济南", "paragraphs": list(paragraphs)}]}
    path = folder / name
    path.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
    return path


def asked(*answers: tuple[str, int], context: str = SPRING) -> SquadQuestion:
    gold = tuple(GoldAnswer(text, start) for text, start in answers)
    return SquadQuestion(Question("问", "泉水多少度？"), context, gold)


def citation(start: int, end: int, number: int = 1, context: str = SPRING) -> Citation:
    source = squad.context_name(context)
    quote = context[start:end]
    return Citation(number, "d", source, start, end, quote, None, "", None)


def answer(*citations: Citation) -> Answer:
    return Answer("略", bool(citations), (), citations, "泉水多少度？")


def hit(context: str, *, also: Sequence[str] = (), text: str = "") -> Hit:
    places = tuple(Place("d", squad.context_name(one), (Span(0, 1),)) for one in also)
    return Hit(
        "d:0", text or context, (Span(0, 1),), squad.context_name(context), None, "", "", None,
        places, 0.5, Signals(0.5, 0.5, 1.0),
    )  # fmt: skip


def cites(question: SquadQuestion, *citations: Citation) -> bool | None:
    return squad.judge(question, [], answer(*citations)).cites


def test_reading(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        paragraph(SPRING, ("1", "泉水多少度？", "十八度", 19), ("2", "谁居首？", "趵突泉", 9)),
        paragraph(RIVER, ("3", "全长多少？", "一百八十三公里", 11)),
        paragraph(SPRING, ("4", "有几名泉？", "七十二", 3)),
    )
    file = squad.read_squad(path)
    assert file.name == "泉.json"
    assert file.contexts == (SPRING, RIVER)
    assert [one.question for one in file.questions] == [
        Question("1", "泉水多少度？"),
        Question("2", "谁居首？"),
        Question("3", "全长多少？"),
        Question("4", "有几名泉？"),
    ]
    assert file.questions[2].answers == (GoldAnswer("一百八十三公里", 11),)
    assert all(gold.stands_in(one.context) for one in file.questions for gold in one.answers)


def test_blank_questions_and_contexts_are_left_out(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        paragraph(SPRING, ("1", "泉水多少度？", "十八度", 19), ("2", "　", "趵突泉", 9)),
        paragraph(" \n", ("3", "多少？", "", 0)),
    )
    file = squad.read_squad(path)
    assert ([one.question.id for one in file.questions], file.left_out) == (["1"], 2)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"泉\.json is not JSON \("),
        ("{'a': 1}", r"泉\.json is not JSON \("),
        ("[" * 100_000, r"泉\.json is not JSON \("),
        ("[]", r"泉\.json is not an object\. A SQuAD file holds data"),
        ('{"rows": []}', r"泉\.json: data is not a list\. A SQuAD file holds"),
        ('{"data": []}', r"泉\.json holds no questions\. A SQuAD file holds"),
        ('{"data": [{"paragraphs": [{}]}]}', r"data\[0\]\.paragraphs\[0\]\.context is not a text"),
        (
            '{"data": [{"paragraphs": [{"context": "甲", "qas": [{"id": 5}]}]}]}',
            r"data\[0\]\.paragraphs\[0\]\.qas\[0\]\.id is not a text",
        ),
        (
            '{"data": [{"paragraphs": [{"context": "甲", "qas": [{"id": "5", "question": "谁？",'
            ' "answers": [{"text": "甲", "answer_start": "0"}]}]}]}]}',
            r"qas\[0\]\.answers\[0\]\.answer_start is not a whole number",
        ),
        (
            r'{"data": [{"paragraphs": [{"context": "\ud83d甲", "qas": []}]}]}',
            r"context is not a text of whole characters",
        ),
    ],
)
def test_what_is_not_a_squad_file(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "泉.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(QuestionError, match=message):
        squad.read_squad(path)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(QuestionError, match=r"无\.json cannot be read: No such file"):
        squad.read_squad(tmp_path / "无.json")


def test_pair_takes_the_question_of_one_and_the_gold_of_the_other() -> None:
    here = asked(("十八度", 19))
    english = replace(here, question=Question("问", "How warm is it?"), context="Springs.")
    alone = replace(english, question=Question("别", "Who?"))
    pair = squad.pair(SquadFile("en.json", (alone, english)), SquadFile("zh.json", (here,)))
    wanted = SquadQuestion(Question("问", "How warm is it?"), SPRING, (GoldAnswer("十八度", 19),))
    assert pair == SquadFile("en.json -> zh.json", (wanted,))


def test_pair_without_a_shared_id() -> None:
    other = replace(asked(), question=Question("别", "谁？"))
    assert squad.pair(SquadFile("a.json", (asked(),)), SquadFile("b.json", (other,))) is None


READABLE = st.characters(exclude_categories=["Cs", "Cc"], include_characters="\t\r\n\ufeff")


@example("\ufeff甲\r\n乙\n")
@given(st.text(READABLE, min_size=1))
def test_a_context_is_read_back_as_it_is(
    tmp_path_factory: pytest.TempPathFactory, context: str
) -> None:
    folder = tmp_path_factory.mktemp("contexts") / "contexts"
    squad.write_contexts([context], folder)
    assert decode((folder / squad.context_name(context)).read_bytes()) == context


def test_the_folder_of_contexts(tmp_path: Path) -> None:
    folder = tmp_path / "新" / "contexts"
    squad.write_contexts([SPRING, RIVER, SPRING], folder)
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert found == {squad.context_name(SPRING), squad.context_name(RIVER)}
    assert [path.name for path in folder.parent.iterdir()] == ["contexts"]


def test_a_folder_that_is_there_is_kept(tmp_path: Path) -> None:
    squad.write_contexts([SPRING], tmp_path / "contexts")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "contexts").rglob("*")}
    squad.write_contexts([SPRING], tmp_path / "contexts")
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "contexts").rglob("*")} == before


def test_two_runs_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "contexts"
    write_one = squad._write_context

    def overtaken(context: str, whole: Path) -> None:
        write_one(context, whole)
        write_one(context, folder)

    monkeypatch.setattr(squad, "_write_context", overtaken)
    squad.write_contexts([SPRING], folder)
    assert [path.name for path in tmp_path.iterdir()] == ["contexts"]


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(IndexWriteError, match=r"cannot be written.*Set WENJU_HOME to a folder"):
        squad.write_contexts([SPRING], tmp_path / "file" / "contexts")


def test_an_interrupted_run_leaves_no_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(squad, "_publish", interrupted)
    with pytest.raises(KeyboardInterrupt):
        squad.write_contexts([SPRING], tmp_path / "contexts")
    assert list(tmp_path.iterdir()) == []


def test_names_and_keys_depend_on_the_texts_alone() -> None:
    assert squad.context_name(SPRING) == "leninlpgcmjknmeh/_.txt"
    assert squad.contexts_key([SPRING, RIVER]) == squad.contexts_key([RIVER, SPRING])
    assert squad.contexts_key([SPRING, RIVER]) != squad.contexts_key([SPRING])


def test_contexts_rank_by_their_best_passage() -> None:
    third = "大明湖。"
    hits = [hit(RIVER), hit(RIVER), hit(SPRING, also=[third, RIVER])]
    names = [squad.context_name(one) for one in (RIVER, SPRING, third)]
    assert squad.ranked_contexts(hits) == tuple(names)


def test_only_ten_contexts_are_ranked() -> None:
    contexts = [f"第{at}段。" for at in range(12)]
    hits = [hit(one) for one in contexts]
    assert len(squad.ranked_contexts(hits)) == 10
    tenth = squad.judge(asked(context=contexts[9]), hits, answer())
    eleventh = squad.judge(asked(context=contexts[10]), hits, answer())
    assert (tenth.rank, eleventh.rank) == (10, None)


@pytest.mark.parametrize(
    ("citations", "counts"),
    [
        ([citation(15, 23)], True),
        ([citation(19, 22)], True),
        ([citation(19, 21)], False),
        ([citation(20, 23)], False),
        ([citation(15, 20), citation(20, 23)], True),
        ([citation(15, 20), citation(21, 23)], False),
        ([citation(15, 20), citation(20, 23, number=2)], False),
        ([citation(0, 15), citation(15, 23, number=2)], False),
        ([replace(citation(15, 23), source="b.txt")], False),
        ([replace(citation(15, 23), quote="泉水常年十七度。")], False),
        ([], False),
    ],
)
def test_the_first_citation_covers_the_gold_offsets(
    citations: list[Citation], counts: bool
) -> None:
    assert cites(asked(("十八度", 19)), *citations) is counts


def test_the_same_words_elsewhere_do_not_count() -> None:
    context = "一年十八度。另一处也是十八度。"
    first, second = citation(0, 6, context=context), citation(6, 15, context=context)
    question = asked(("十八度", 11), context=context)
    assert (cites(question, first), cites(question, second)) == (False, True)


def test_any_gold_answer_will_do() -> None:
    assert cites(asked(("七十二", 3), ("十八度", 19)), citation(15, 23)) is True


def test_white_space_of_the_gold_need_not_be_cited() -> None:
    context = "水温 十八度 。"
    assert cites(asked((" 十八度 ", 2), context=context), citation(3, 6, context=context)) is True


@pytest.mark.parametrize("start", [-1, 3, 500])
def test_where_the_offset_is_wrong_the_text_counts(start: int) -> None:
    context = "泉水常年十 八度，泉畔有樓。"
    question = asked(("十八 度", start), ("有楼", start), context=context)
    assert cites(question, citation(4, 8, context=context)) is True
    assert cites(question, citation(9, 13, context=context)) is True
    assert cites(question, citation(0, 6, context=context)) is False


def test_an_offset_before_the_text_is_wrong() -> None:
    assert GoldAnswer(SPRING[-3:-1], -3).stands_in(SPRING) is False


@pytest.mark.parametrize(("length", "counts"), [(150, True), (151, False)])
def test_a_first_citation_of_more_than_150_characters_does_not_count(
    length: int, counts: bool
) -> None:
    context = "长" * 200
    question = asked(("长长", 0), context=context)
    pieces = citation(0, 100, context=context), citation(100, length, context=context)
    assert cites(question, *pieces) is counts


def test_without_a_gold_answer_nothing_is_said_about_the_citation() -> None:
    outcome = squad.judge(asked(), [hit(SPRING)], answer(citation(0, 15)))
    assert (outcome.cites, outcome.is_wrong) == (None, False)


def test_the_figures_of_four_questions() -> None:
    def outcome(rank: int | None, counts: bool | None, answered: bool) -> Outcome:
        return Outcome(asked(), rank, counts, answered, "", "", ())

    outcomes = [
        outcome(1, True, True),
        outcome(4, False, True),
        outcome(None, False, False),
        outcome(6, None, True),
    ]
    assert squad.figures(outcomes) == {
        "n": 4,
        "R@1": 0.25,
        "R@5": 0.5,
        "R@10": 0.75,
        "MRR@10": 0.3542,
        "cites": 0.3333,
        "answered": 0.75,
    }


@pytest.mark.parametrize(
    ("rank", "counts", "values"),
    [
        (1, True, {"R@1": 1, "R@5": 1, "R@10": 1, "MRR@10": 1, "cites": 1, "answered": 1}),
        (3, None, {"R@1": 0, "R@5": 1, "R@10": 1, "MRR@10": 1 / 3, "answered": 1}),
        (None, False, {"R@1": 0, "R@5": 0, "R@10": 0, "MRR@10": 0, "cites": 0, "answered": 1}),
    ],
)
def test_the_figures_of_one_question(
    rank: int | None, counts: bool | None, values: dict[str, float]
) -> None:
    assert squad.values(Outcome(asked(), rank, counts, True, "", "", ())) == values


@pytest.mark.parametrize(
    ("rank", "counts", "wrong"),
    [(1, True, False), (1, None, False), (1, False, True), (2, True, True), (None, None, True)],
)
def test_wrong_ones(rank: int | None, counts: bool | None, wrong: bool) -> None:
    assert Outcome(asked(), rank, counts, True, "", "", ()).is_wrong is wrong


def test_describe() -> None:
    question = asked(("十八度", 19), ("18度", 19))
    hits = [hit(RIVER, text="黄" * 100), hit(SPRING), hit("三。"), hit("四。")]
    said = answer(citation(0, 9), citation(9, 15))
    assert squad.describe(squad.judge(question, hits, said)) == {
        "id": "问",
        "question": "泉水多少度？",
        "want": ["十八度", "18度"],
        "source": squad.context_name(SPRING),
        "rank": 2,
        "cites": False,
        "answered": True,
        "first_citation": {"source": squad.context_name(SPRING), "quote": SPRING[:15]},
        "nearest": ["黄" * 60, SPRING, "三。"],
    }


def test_describe_a_refusal() -> None:
    described = squad.describe(squad.judge(asked(("十八度", 19)), [], answer()))
    assert described["first_citation"] == {"source": "", "quote": ""}
    assert (described["rank"], described["answered"]) == (None, False)
