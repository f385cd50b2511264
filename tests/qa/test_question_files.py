"""Question files: what is read, and one clear sentence for everything that cannot be."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from embeddings.errors import QuestionError
from qa.question_files import (
    Evidence,
    GoldQuestion,
    Question,
    read_gold_questions,
    read_questions,
)

if TYPE_CHECKING:
    from pathlib import Path

GOLD: dict[str, Any] = {
    "id": "甲",
    "lang": "zh",
    "kind": "number",
    "question": "有多少家企业？",
    "answers": [["21", "二十一"]],
    "evidence": [{"source": "a.txt", "quote": "覆盖21家企业", "or": ["企业21家"]}],
}


def write(folder: Path, *lines: str) -> Path:
    path = folder / "问题.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def without(key: str) -> str:
    return json.dumps({name: value for name, value in GOLD.items() if name != key})


def changed(**values: object) -> str:
    return json.dumps({**GOLD, **values}, ensure_ascii=False)


def test_questions_and_their_history(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        '{"id": "1", "question": "天桥区有多少家直播电商企业？", "note": "more keys may be there"}',
        "",
        '{"id": "2", "question": "那从业人员呢？", "history": ["天桥区有多少家直播电商企业？"]}',
        '{"id": "3", "question": "还有哪些？", "history": null}',
    )
    assert read_questions(path) == (
        Question("1", "天桥区有多少家直播电商企业？"),
        Question("2", "那从业人员呢？", ("天桥区有多少家直播电商企业？",)),
        Question("3", "还有哪些？"),
    )


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    lines = '{"id": "1", "question": "甲？"}\r\n{"id": "2", "question": "乙？"}\r\n'
    path.write_bytes(lines.encode("utf-8-sig"))
    assert [one.text for one in read_questions(path)] == ["甲？", "乙？"]


def test_gold(tmp_path: Path) -> None:
    unanswerable = (
        '{"id": "乙", "kind": "unanswerable", "sort": "near", "question": "花了多少钱？"}'
    )
    path = write(tmp_path, changed(), unanswerable)
    assert read_gold_questions(path) == (
        GoldQuestion(
            Question("甲", "有多少家企业？"),
            {"kind": "number", "lang": "zh"},
            (("21", "二十一"),),
            (Evidence("a.txt", ("覆盖21家企业", "企业21家")),),
        ),
        GoldQuestion(
            Question("乙", "花了多少钱？"), {"kind": "unanswerable", "sort": "near"}, (), ()
        ),
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{'id': 1}", r"line 2: not JSON \(.*must be a JSON object"),
        ("[" * 100_000, r"line 2: not JSON \("),
        ('["甲"]', r'line 2: \["甲"\] is not an object'),
        ('{"question": "多少？"}', r'line 2: "id" is missing, not a text\. A line must be'),
        ('{"id": 7, "question": "多少？"}', r'line 2: "id" is 7, not a text'),
        ('{"id": "7", "question": " 　"}', r'line 2: "question" is " 　", not a text'),
        ('{"id": "7", "question": "多少？", "history": "甲"}', r'"history" holds "甲", not a list'),
        ('{"id": "7", "question": "多少？", "history": [3]}', r'"history" holds \[3\], not a list'),
        ('{"id": "\\u0085", "question": "多少？"}', r'"id" is "\\u0085", not a text'),
        ('{"id": "先", "question": "多少？"}', r'the id "先" comes more than once'),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, message: str) -> None:
    path = write(tmp_path, '{"id": "先", "question": "第一问？"}', line)
    with pytest.raises(QuestionError, match=message):
        read_questions(path)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (without("kind"), r'line 1: "kind" is missing.*to be scored needs'),
        (without("answers"), r'line 1: "answers" is missing, not a list'),
        (without("evidence"), r'line 1: "evidence" is missing, not a list'),
        (changed(evidence=[]), r'line 1: "evidence" is empty'),
        (changed(evidence=["甲"]), r'"evidence" holds "甲", not an object'),
        (changed(evidence=[{"source": "a.txt"}]), r'line 1, evidence: "quote" is missing'),
        (changed(evidence=[{"quote": "甲"}]), r'line 1, evidence: "source" is missing'),
        (changed(answers=["21"]), r'"answers" holds "21", not a list of texts'),
        (changed(lang=3), r'"lang" is 3, not a text'),
    ],
)
def test_a_bad_gold_line_is_named(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(QuestionError, match=message):
        read_gold_questions(write(tmp_path, line))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"answers": [["21"], ["二十一", "\ud83d"]]},
            r'line 2: "answers" holds "\\ud83d", half of a',
        ),
        ({"id": "甲\udfff"}, r'line 2: "id" holds "甲\\udfff", half of a surrogate pair'),
        ({"kind": "\ud83d"}, r'line 2: "kind" holds'),
        ({"evidence": [{"source": "\ud83d", "quote": "甲"}]}, r'line 2, evidence: "source" holds'),
        ({"evidence": [{"source": "a", "quote": "\ude00"}]}, r'line 2, evidence: "quote" holds'),
        (
            {"evidence": [{"source": "a", "quote": "甲", "or": ["\ud83d"]}]},
            r'line 2, evidence: "or" holds',
        ),
    ],
)
def test_half_a_surrogate_pair_is_named_by_its_line(
    tmp_path: Path, values: dict[str, object], message: str
) -> None:
    path = write(tmp_path, without("lang"), json.dumps({**GOLD, "id": "乙", **values}))
    with pytest.raises(QuestionError, match=message) as caught:
        read_gold_questions(path)
    assert str(caught.value).encode("utf-8")  # it can be printed


def test_a_whole_surrogate_pair_is_a_character(tmp_path: Path) -> None:
    (gold,) = read_gold_questions(write(tmp_path, json.dumps({**GOLD, "answers": [["😀"]]})))
    assert gold.answers == (("😀",),)


def test_what_a_user_wrote_is_asked_as_it_is(tmp_path: Path) -> None:
    line = json.dumps({"id": "1", "question": "多少\ud83d？", "history": ["\ud83d"]})
    assert read_questions(write(tmp_path, line)) == (Question("1", "多少\ud83d？", ("\ud83d",)),)


def test_a_long_value_is_shown_cut(tmp_path: Path) -> None:
    path = write(tmp_path, json.dumps({"id": ["长" * 500], "question": "多少？"}))
    with pytest.raises(QuestionError, match=r'"id" is \["长{58}…, not a text'):
        read_questions(path)


@pytest.mark.parametrize("content", ["", "\n\n  \n"])
def test_an_empty_file(tmp_path: Path, content: str) -> None:
    with pytest.raises(QuestionError, match=r"问题\.jsonl holds no questions\. A line must be"):
        read_questions(write(tmp_path, content))


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(
        QuestionError, match=r"无\.jsonl cannot be read: No such file.*Give the path"
    ):
        read_questions(tmp_path / "无.jsonl")


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises(QuestionError, match="cannot be read: Is a directory"):
        read_questions(tmp_path)


def test_another_encoding(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    path.write_bytes('{"id": "1", "question": "多少？"}'.encode("gb18030"))
    with pytest.raises(QuestionError, match=r"is not UTF-8 \(byte 25\); save it as UTF-8"):
        read_questions(path)
