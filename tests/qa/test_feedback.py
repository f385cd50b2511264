"""Feedback: kept whatever happens, listed, and asked again by `wenju eval`."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from embeddings.build import build
from embeddings.encoder import CountingEncoder
from embeddings.errors import (
    IndexDamagedError,
    IndexFormatError,
    IndexMissingError,
    IndexWriteError,
    QuestionError,
    SettingError,
)
from embeddings.lexical import Tokenizer
from embeddings.records import Span
from embeddings.store import IndexFolder
from embeddings.verify import verify
from qa.bot import Bot
from qa.cli import main
from qa.feedback import FILE, LONGEST_NOTE, Feedback, FeedbackStore, Verdict, judged
from qa.feedback_export import LeftOut, export, questions
from qa.question_files import UNANSWERABLE, read_gold_questions
from qa.records import Answer, AnswerSentence, Citation, Reason
from tests.qa.conftest import PAGES

ALLIANCES = "高新区在2020年组建8个党建联盟。"

REFUSAL = Answer("", False, (), (), "谁去了火星？", (), Reason.NOT_IN_DOCUMENTS)


def cited(quote: str, source: str = "高新.txt", number: int = 1) -> Citation:
    at = PAGES[source].index(quote)
    return Citation(number, "d", source, at, at + len(quote), quote, None, "高新区建联盟", None)


def answer(*marks: str, sentence: str = ALLIANCES) -> Answer:
    places = (Span(sentence.index(mark), sentence.index(mark) + len(mark)) for mark in marks)
    said = AnswerSentence(sentence, 1, tuple(places))
    return Answer(sentence, True, (said,), (cited(sentence),), "高新区有几个党建联盟？")


def given_up(id_: str = "a", **changes: Any) -> Feedback:
    found = judged(answer("8个"), Verdict.UP, id=id_, question="高新区有几个党建联盟？")
    return replace(found, **changes)


@pytest.fixture
def kept(index: Path, tmp_path: Path) -> Path:
    """An index of its own."""
    return Path(shutil.copytree(index, tmp_path / "index"))


class TestTheStore:
    def test_it_keeps_every_field(self, kept: Path) -> None:
        one = judged(
            answer("8个", "党建联盟"),
            Verdict.DOWN,
            id="x",
            question="那高新区呢？",
            history=("天桥区有几个？",),
            sources=("高新.txt",),
            note=" 應為「八個」，见《公报》<b>\n第2页 🙂 ",
            missing=True,
            generation=3,
        )
        store = FeedbackStore(kept)
        store.add(one)
        assert store.all() == [one]
        assert one.items == ("8个", "党建联盟")
        assert one.note == "應為「八個」，见《公报》<b>\n第2页 🙂"
        assert one.completed == "高新区有几个党建联盟？"

    def test_the_newest_word_counts_and_can_be_taken_back(self, kept: Path) -> None:
        store = FeedbackStore(kept)
        for id_, verdict in (("a", "up"), ("b", "up"), ("a", "down"), ("b", "none")):
            store.add(given_up(id_, verdict=Verdict(verdict)))
        assert [(one.id, one.verdict) for one in store.all()] == [("a", Verdict.DOWN)]

    def test_none_was_given(self, kept: Path) -> None:
        assert FeedbackStore(kept).all() == []
        assert not (kept / FILE).exists()
        (kept / FILE).touch()  # by one that was killed before its first row
        assert FeedbackStore(kept).all() == []

    def test_a_rebuild_keeps_it_and_finds_nothing_wrong(
        self, kept: Path, pages: Path, counting: CountingEncoder, tokenizer: Tokenizer
    ) -> None:
        FeedbackStore(kept).add(given_up())
        build(pages, kept, counting, tokenizer, full=True)
        assert FeedbackStore(kept).all() == [given_up(time=FeedbackStore(kept).all()[0].time)]
        assert verify(kept, counting).problems == ()

    def test_where_nothing_was_built_nothing_is_kept(self, tmp_path: Path) -> None:
        with pytest.raises(IndexMissingError, match="build one first"):
            FeedbackStore(tmp_path).add(given_up())
        assert list(tmp_path.iterdir()) == []

    def test_a_foreign_file_is_told_of_and_stays(self, kept: Path) -> None:
        (kept / FILE).write_bytes(b"no database" * 200)
        with pytest.raises(IndexDamagedError, match=r"feedback.db' holds no feedback"):
            FeedbackStore(kept).all()
        with pytest.raises(IndexDamagedError, match="put a copy of it back"):
            FeedbackStore(kept).add(given_up())
        assert (kept / FILE).read_bytes().startswith(b"no database")

    def test_a_newer_format_is_refused(self, kept: Path) -> None:
        FeedbackStore(kept).add(given_up())
        with closing(sqlite3.connect(kept / FILE)) as db:
            db.execute("PRAGMA user_version = 9")
        with pytest.raises(IndexFormatError, match=r"format 9; .* up to 1. Install a newer"):
            FeedbackStore(kept).all()

    def test_a_row_that_is_none_is_damage(self, kept: Path) -> None:
        FeedbackStore(kept).add(given_up())
        with closing(sqlite3.connect(kept / FILE)) as db, db:
            db.execute("""UPDATE feedback SET content = '{"id": "a"}'""")
        with pytest.raises(IndexDamagedError, match="move it away to begin anew"):
            FeedbackStore(kept).all()

    def test_a_folder_in_its_place_cannot_be_written(self, kept: Path) -> None:
        (kept / FILE).mkdir()
        with pytest.raises(IndexWriteError, match="allow writing to the index folder"):
            FeedbackStore(kept).add(given_up())

    def test_it_can_be_read_where_nothing_may_be_written(self, kept: Path) -> None:
        FeedbackStore(kept).add(given_up())
        (kept / FILE).chmod(0o444)
        kept.chmod(0o555)
        try:
            assert len(FeedbackStore(kept).all()) == 1
        finally:
            kept.chmod(0o755)


class TestLimits:
    def test_a_long_note_is_refused(self) -> None:
        judged(answer("8个"), Verdict.UP, id="a", question="?", note="长" * LONGEST_NOTE)
        with pytest.raises(QuestionError, match="The note has 1,001 characters; 1,000 are kept"):
            judged(answer("8个"), Verdict.UP, id="a", question="?", note="长" * (LONGEST_NOTE + 1))

    @pytest.mark.parametrize(("id_", "question"), [("", "几个？"), ("a", " \n")])
    def test_nothing_to_judge(self, id_: str, question: str) -> None:
        with pytest.raises(QuestionError, match="needs the question"):
            judged(answer("8个"), Verdict.UP, id=id_, question=question)

    def test_too_much_is_refused(self, kept: Path) -> None:
        with pytest.raises(QuestionError, match="up to 100,000 are kept with a thumb"):
            FeedbackStore(kept).add(given_up(answer="长" * 100_000))

    @settings(max_examples=30, deadline=None)
    @given(words=st.text(max_size=60))
    def test_any_words_come_back(
        self, words: str, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        folder = tmp_path_factory.mktemp("any")
        (folder / "CURRENT").touch()
        store = FeedbackStore(folder)
        store.add(given_up(note=words, history=(words,)))
        kept = words.encode("utf-8", "replace").decode()
        assert [(one.note, one.history) for one in store.all()] == [(kept, (kept,))]


_GIVING = """
import sys
from pathlib import Path
from tests.qa.test_feedback import given_up
from qa.feedback import FeedbackStore
store = FeedbackStore(Path(sys.argv[1]))
for number in range(int(sys.argv[3])):
    store.add(given_up(f"{sys.argv[2]}-{number}"))
    print(number, flush=True)
"""


def _giving(index: Path, name: str, count: int) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", _GIVING, str(index), name, str(count)]
    root = Path(__file__).parents[2]
    return subprocess.Popen(words, cwd=root, stdout=subprocess.PIPE, text=True)


def test_processes_write_at_once_and_nothing_is_lost(kept: Path) -> None:
    working = [_giving(kept, name, 20) for name in "abc"]
    for process in working:
        process.communicate(timeout=120)
        assert process.returncode == 0
    found = {one.id for one in FeedbackStore(kept).all()}
    assert found == {f"{name}-{number}" for name in "abc" for number in range(20)}


def test_what_was_given_before_a_kill_is_there(kept: Path) -> None:
    process = _giving(kept, "a", 100_000)
    assert process.stdout is not None
    said = [process.stdout.readline() for _ in range(10)]
    time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    said += process.stdout.read().splitlines()
    process.wait()
    process.stdout.close()
    found = [one.id for one in FeedbackStore(kept).all()]
    assert found[: len(said)] == [f"a-{number}" for number in range(len(said))]
    FeedbackStore(kept).add(given_up("after"))
    assert len(FeedbackStore(kept).all()) == len(found) + 1


class TestExport:
    def test_praise_becomes_evidence_and_marked_words_the_answer(self) -> None:
        found = questions([given_up(history=("天桥区呢？",))], PAGES)
        (one,) = found.questions
        assert one.question.text == "高新区有几个党建联盟？"
        assert one.question.history == ("天桥区呢？",)
        assert one.answers == (("8个",),)
        assert [(piece.source, piece.quotes) for piece in one.evidence] == [
            ("高新.txt", (ALLIANCES,))
        ]
        assert one.labels == {"kind": "feedback", "lang": "zh", "sort": "up"}
        assert found.left_out == {}

    def test_without_marks_the_sentences_are_the_answer(self) -> None:
        unmarked = judged(answer(), Verdict.UP, id="a", question="介绍一下党建联盟")
        (one,) = questions([unmarked], PAGES).questions
        assert one.answers == ((ALLIANCES,),)

    def test_what_is_unanswerable(self) -> None:
        given = [
            judged(REFUSAL, Verdict.UP, id="a", question="谁去了火星？"),
            given_up("b", verdict=Verdict.DOWN, missing=True),
        ]
        found = questions(given, PAGES)
        assert [one.kind for one in found.questions] == [UNANSWERABLE] * 2
        assert [one.evidence for one in found.questions] == [(), ()]

    def test_what_is_left_out_and_why(self) -> None:
        given = [
            given_up("a", question="一", verdict=Verdict.DOWN),
            judged(REFUSAL, Verdict.DOWN, id="b", question="二", missing=True),
            given_up("c", question="三", verdict=Verdict.DOWN, missing=True, sources=("高新.txt",)),
            given_up("d", question="四", citations=(replace(cited(ALLIANCES), quote="改过了。"),)),
            given_up("e", question="五", citations=(replace(cited(ALLIANCES), source="没了.txt"),)),
            given_up("f", question="六"),
            given_up("g", question="六 ", verdict=Verdict.DOWN),
        ]
        found = questions(given, PAGES)
        assert found.questions == ()
        assert found.left_out == {
            LeftOut.NO_RIGHT_ANSWER: 3,
            LeftOut.ELSEWHERE: 1,
            LeftOut.CHANGED: 2,
            LeftOut.OLDER: 1,
        }

    def test_the_same_words_after_other_turns_are_another_question(self) -> None:
        given = [given_up("a"), given_up("b", history=("天桥区呢？",))]
        assert len(questions(given, PAGES).questions) == 2

    def test_edited_documents_are_noticed(
        self, tmp_path: Path, kept: Path, counting: CountingEncoder, tokenizer: Tokenizer
    ) -> None:
        FeedbackStore(kept).add(given_up())
        assert len(export(kept, tmp_path / "before.jsonl").questions) == 1
        pages = tmp_path / "pages"
        pages.mkdir()
        (pages / "高新.txt").write_text("高新区组建9个党建联盟。", encoding="utf-8")
        build(pages, kept, counting, tokenizer, replace_root=True)
        with pytest.raises(QuestionError, match=r"1: the cited words do not stand"):
            export(kept, tmp_path / "after.jsonl")
        assert not (tmp_path / "after.jsonl").exists()

    def test_a_file_that_cannot_be_written(self, tmp_path: Path, kept: Path) -> None:
        FeedbackStore(kept).add(given_up())
        with pytest.raises(SettingError, match=r"none/a.jsonl' cannot be written .*--export"):
            export(kept, tmp_path / "none" / "a.jsonl")

    def test_a_file_that_cannot_take_the_place_of_another_is_gone(
        self, tmp_path: Path, kept: Path
    ) -> None:
        FeedbackStore(kept).add(given_up())
        (tmp_path / "a.jsonl").mkdir()
        with pytest.raises(SettingError, match=r"a.jsonl' cannot be written .*--export"):
            export(kept, tmp_path / "a.jsonl")
        assert not (tmp_path / "a.jsonl.new").exists()

    def test_nothing_was_given(self, tmp_path: Path, kept: Path) -> None:
        with pytest.raises(QuestionError, match="There is no feedback .* Thumbs are given below"):
            export(kept, tmp_path / "a.jsonl")


def run(*words: str) -> Result:
    return CliRunner().invoke(main, list(words), catch_exceptions=False)


class TestTheCommand:
    @pytest.fixture(autouse=True)
    def _in_the_folder(
        self, kept: Path, counting: CountingEncoder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for place in ("embeddings.encoder", "qa.bot"):
            monkeypatch.setattr(f"{place}.open_encoder", lambda *_, **__: counting)
        monkeypatch.chdir(kept.parent)
        monkeypatch.setenv("WENJU_INDEX", "index")

    def test_what_a_bot_answered_is_asked_again(
        self, kept: Path, counting: CountingEncoder, tokenizer: Tokenizer
    ) -> None:
        """The round trip: an answer, a thumb, a file, `wenju eval`."""
        asked, bot = "高新区在2020年组建了几个党建联盟？", Bot(kept, counting, tokenizer, least=0.0)
        said = bot.ask(asked)
        assert said.answered
        store = FeedbackStore(kept)
        store.add(judged(said, Verdict.UP, id="一", question=asked))
        store.add(judged(REFUSAL, Verdict.UP, id="二", question="谁去了火星？"))
        out = run("feedback", "--export", "praised.jsonl").stdout
        assert out == (
            "2 questions, 1 of them unanswerable, in praised.jsonl\n"
            "ask them: wenju eval praised.jsonl\n"
        )
        gold = read_gold_questions(Path("praised.jsonl"))
        assert [one.question.text for one in gold] == [asked, "谁去了火星？"]
        figures = json.loads(run("eval", "praised.jsonl", "--json").stdout)
        (report,) = figures["reports"] if "reports" in figures else figures["files"]
        assert '"n": 2' in json.dumps(report)
        assert '"cited": 1.0' in json.dumps(report)

    def test_the_list(self, kept: Path) -> None:
        assert run("feedback").stdout.startswith("no feedback yet")
        store = FeedbackStore(kept)
        store.add(given_up(time="2026-01-02T03:04:05+00:00"))
        down = given_up("b", verdict=Verdict.DOWN, missing=True, note="查无\n此事")
        store.add(replace(down, question="那呢？", time="2026-01-03T03:04:05+00:00"))
        assert run("feedback").stdout.splitlines() == [
            "down 2026-01-03T03:04:05+00:00  那呢？",
            "     understood as: 高新区有几个党建联盟？",
            f"     {ALLIANCES}",
            "     from 高新.txt",
            "     the documents do not say this",
            "     note: 查无 此事",
            "",
            "up   2026-01-02T03:04:05+00:00  高新区有几个党建联盟？",
            f"     {ALLIANCES}",
            "     from 高新.txt",
            "",
            "1 up, 1 down",
        ]

    def test_the_list_as_json(self, kept: Path) -> None:
        FeedbackStore(kept).add(given_up())
        (found,) = json.loads(run("feedback", "--json").stdout)
        assert (found["verdict"], found["items"]) == ("up", ["8个"])
        assert found["citations"][0]["quote"] == ALLIANCES

    def test_the_export_as_json(self, kept: Path) -> None:
        FeedbackStore(kept).add(given_up())
        FeedbackStore(kept).add(given_up("b", question="二", verdict=Verdict.DOWN))
        found = json.loads(run("feedback", "--export", "a.jsonl", "--json").stdout)
        assert found == {
            "file": "a.jsonl",
            "questions": 1,
            "left_out": {"no_right_answer": 1},
        }

    def test_no_index(self) -> None:
        done = run("feedback", "--export", "a.jsonl", "--index", "none")
        assert (done.exit_code, done.stdout) == (2, "")
        assert done.stderr.startswith("wenju: There is no index in 'none' yet")
        assert not IndexFolder(Path("none")).exists()
