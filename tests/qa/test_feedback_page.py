"""Thumbs without a browser: the slot, and what is kept of what a browser sends."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from embeddings.errors import QuestionError
from qa.bot import LONGEST_QUESTION, Bot
from qa.feedback import FeedbackStore, Verdict
from qa.page.feedback_list import SHOWN
from qa.page.feedback_slot import feedback_slot
from qa.page.feedback_view import HISTORY, FeedbackView
from qa.page.options import Options
from qa.page.registry import views
from qa.page.stored import record
from qa.page.texts import TEXTS, Language
from qa.page.turns import AskedTurn
from qa.question_files import read_gold_questions
from qa.records import Answer
from tests.browser.scripted import ScriptedBot, answer, cite, document, refusal
from tests.qa.page_views import Read, acted, patched, replied, visit

PAGE = document("报.txt", "天桥区有21家企业。高新区有8个联盟。", "标题")
ASKED = "天桥区有几家企业？"
SAID = answer(ASKED, cite(PAGE, "天桥区有21家企业。"), marked="21家")
BOT = ScriptedBot({PAGE.id: PAGE}, {}, generation=7)
ID = "abcdef012345-0123456789"


def kept_of(said: Answer, question: str = ASKED) -> dict[str, Any]:
    found = record(AskedTurn(2, question, said))
    assert found is not None
    return found


def given(**changes: Any) -> dict[str, Any]:
    return {"id": ID, "record": kept_of(SAID), "verdict": "up", **changes}


@pytest.fixture
def kept(index: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(index, tmp_path / "index"))


@pytest.fixture
def view(kept: Path) -> FeedbackView:
    return FeedbackView(BOT, kept)


class TestWhatIsKept:
    def test_an_answer_with_all_that_is_needed_to_ask_again(
        self, view: FeedbackView, kept: Path
    ) -> None:
        note, history = " 应看第2段 ", ["高新区有几个联盟？"]
        data = given(verdict="down", note=note, missing=True, history=history)
        assert replied(acted(view, "give", data)) == {"verdict": "down"}
        (one,) = FeedbackStore(kept).all()
        assert (one.id, one.verdict, one.note, one.missing) == (
            ID, Verdict.DOWN, "应看第2段", True,
        )  # fmt: skip
        assert (one.question, one.history, one.items) == (ASKED, tuple(history), ("21家",))
        assert one.citations == SAID.citations
        assert one.generation == 7

    def test_another_thumb_takes_its_place(self, view: FeedbackView, kept: Path) -> None:
        for verdict in ("up", "down"):
            acted(view, "give", given(verdict=verdict))
        assert [one.verdict for one in FeedbackStore(kept).all()] == [Verdict.DOWN]
        acted(view, "give", given(verdict="none"))
        assert FeedbackStore(kept).all() == []

    def test_missing_goes_with_a_thumb_down_only(self, view: FeedbackView, kept: Path) -> None:
        acted(view, "give", given(missing=True))
        assert not FeedbackStore(kept).all()[0].missing

    def test_a_refusal(self, view: FeedbackView, kept: Path) -> None:
        acted(view, "give", given(record=kept_of(refusal(ASKED))))
        (one,) = FeedbackStore(kept).all()
        assert (one.answered, one.answer, one.citations) == (False, "", ())

    def test_what_is_endless_is_cut(self, view: FeedbackView, kept: Path) -> None:
        long = "长" * (LONGEST_QUESTION + 1)
        acted(view, "give", given(record=kept_of(SAID, long), history=[long] * 50))
        (one,) = FeedbackStore(kept).all()
        assert len(one.question) == LONGEST_QUESTION
        assert [len(turn) for turn in one.history] == [LONGEST_QUESTION] * HISTORY

    def test_a_long_note_is_refused(self, view: FeedbackView, kept: Path) -> None:
        with pytest.raises(QuestionError, match=r"1,001 characters; 1,000 are kept"):
            acted(view, "give", given(note="长" * 1001))
        assert FeedbackStore(kept).all() == []

    @pytest.mark.parametrize(
        "changes",
        [
            {"record": None},
            {"record": {}},
            {"record": {"question": ASKED, "answer": {"text": "x"}}},
            {"record": [1]},
            {"verdict": "perhaps"},
            {"id": ""},
            {"id": "../../x y"},
            {"id": 5},
        ],
    )
    def test_what_is_no_feedback(
        self, view: FeedbackView, kept: Path, changes: dict[str, Any]
    ) -> None:
        with pytest.raises(QuestionError, match="评价没有记下"):
            acted(view, "give", given(**changes))
        with pytest.raises(QuestionError, match="Not noted"):
            acted(view, "give", given(**changes), Language.EN)
        assert FeedbackStore(kept).all() == []

    def test_an_unknown_act(self, view: FeedbackView) -> None:
        with pytest.raises(QuestionError, match="no act 'burn' in 'feedback'"):
            acted(view, "burn", {})

    def test_the_documents_that_were_asked(self, view: FeedbackView, kept: Path) -> None:
        limited = record(AskedTurn(2, ASKED, SAID, sources=("报.txt",)))
        acted(view, "give", given(record=limited))
        assert FeedbackStore(kept).all()[0].sources == ("报.txt",)


class TestTheList:
    def test_there_is_none_yet(self, view: FeedbackView) -> None:
        for language, said in ((Language.ZH, "还没有评价"), (Language.EN, "No feedback yet")):
            assert said in view.show(visit(language))

    def test_the_newest_first_and_everything_as_text(self, view: FeedbackView) -> None:
        acted(view, "give", given(record=kept_of(SAID, "<b>甲</b>？"), note="<i>注</i>"))
        acted(view, "give", given(id="other-123456", verdict="down", missing=True))
        read = Read(view.show(visit()))
        assert read.text.index(ASKED) < read.text.index("<b>甲</b>？")
        assert "<i>注</i>" in read.text
        assert "文档里其实没有答案" in read.text
        assert read.named("i") == []
        assert len(read.named("li", "judged")) == 2

    @pytest.mark.parametrize(("group", "count"), [("", 2), ("up", 1), ("down", 1), ("<x>", 0)])
    def test_it_is_narrowed_to_a_verdict(self, view: FeedbackView, group: str, count: int) -> None:
        acted(view, "give", given())
        acted(view, "give", given(id="other-123456", verdict="down"))
        read = Read(patched(acted(view, "list", {"group": group}), "feedback-list"))
        assert len(read.named("li", "judged")) == count

    def test_a_long_list_comes_in_steps(self, view: FeedbackView) -> None:
        for at in range(SHOWN + 1):
            acted(view, "give", given(id=f"person-{at:04}"))
        read = Read(view.show(visit()))
        assert len(read.named("li", "judged")) == SHOWN
        (more,) = (one for _, one in read.tags if one.get("data-act") == "more")
        data = {"count": more["data-count"]}
        read = Read(patched(acted(view, "list", data), "feedback-list"))
        assert len(read.named("li", "judged")) == SHOWN + 1

    def test_praise_is_exported_as_wenju_eval_reads_it(
        self, bot: Bot, index: Path, tmp_path: Path
    ) -> None:
        kept = Path(shutil.copytree(index, tmp_path / "own"))
        view = FeedbackView(bot, kept)
        said = bot.ask("天桥区覆盖多少家企业？")
        acted(view, "give", given(record=kept_of(said, "天桥区覆盖多少家企业？")))
        acted(view, "give", given(id="other-123456", record=kept_of(said), verdict="down"))
        file = replied(acted(view, "export", {}))
        assert (file["file"], file["said"]) == (
            "feedback.jsonl", "导出了 1 道题；另有 1 条评价做不成题目",
        )  # fmt: skip
        path = tmp_path / "feedback.jsonl"
        path.write_text(file["text"], encoding="utf-8")
        (one,) = read_gold_questions(path)
        assert one.question.text == "天桥区覆盖多少家企业？"
        assert [e.quotes for e in one.evidence] == [(c.quote,) for c in said.citations]

    def test_without_any_praise_nothing_is_exported(self, view: FeedbackView) -> None:
        acted(view, "give", given(verdict="down"))
        for language, said in ((Language.ZH, "做不成题目"), (Language.EN, "No question can be")):
            with pytest.raises(QuestionError, match=said):
                acted(view, "export", {}, language)


class TestTheSlot:
    def test_it_is_hidden_until_the_script_shows_it(self) -> None:
        read = Read(feedback_slot(kept_of(SAID), TEXTS[Language.EN]))
        (slot,) = read.named("div", "feedback")
        assert "hidden" in slot
        assert [one["aria-label"] for one in read.named("button", "thumb")] == [
            "Useful", "Not useful",
        ]  # fmt: skip

    def test_only_an_answer_can_be_missing_from_the_documents(self) -> None:
        for said, count in ((SAID, 1), (refusal(ASKED), 0)):
            read = Read(feedback_slot(kept_of(said), TEXTS[Language.ZH]))
            assert len(read.named("label", "missing")) == count

    def test_the_same_answer_has_the_same_key(self) -> None:
        def key(said: Answer, question: str = ASKED) -> str:
            (slot,) = Read(feedback_slot(kept_of(said, question), TEXTS[Language.ZH])).named(
                "div", "feedback"
            )
            return str(slot["data-key"])

        other = answer(ASKED, cite(PAGE, "高新区有8个联盟。"))
        assert key(SAID) == key(SAID)
        assert len({key(SAID), key(other), key(SAID, "企业呢？"), key(refusal(ASKED))}) == 4


def test_a_page_that_may_not_be_changed_takes_none(kept: Path) -> None:
    def named(options: Options) -> list[str]:
        return [view.name for view in views(BOT, options)]

    assert "feedback" in named(Options(index=kept))
    assert "feedback" not in named(Options(index=kept, read_only=True))
    assert "feedback" not in named(Options())
