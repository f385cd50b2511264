"""Tearing knows what every character belongs to, and the figures follow from that."""

from __future__ import annotations

import json
from collections import Counter
from itertools import groupby
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import repair, tearing
from benchmarks.repair import Judgement, Page, Recipe
from benchmarks.tearing import (
    HELD_OUT,
    PLAIN,
    TUNING,
    Characters,
    Desk,
    Half,
    Kind,
    Rule,
    Source,
    layout,
    paragraph,
    text_of,
    unit,
)
from embeddings.cleaning import clean
from embeddings.records import Span

TEXT = "济南新区的建设正在加快。去年三月引进企业五十家，今年又有二十家企业签约落户。"
OTHER = "城北公园昨日正式开放，市民纷纷前来参观。园内种植树木三千余株。"
THIRD = "大学城的图书馆藏书一百万册。学生说：“这里很安静。”馆长希望更多市民走进来读书。"
CAPTIONS = ("城市南部的旧桥将于明年春天重建。", "孩子们在广场上放飞自己做的风筝。")
S = Kind.SENTENCE
HALVES = {"tuning": TUNING, "held-out": HELD_OUT}


class First(Random):
    """Chooses the first of everything, and never tears at a sentence's end."""

    def choice(self, seq):  # type: ignore[no-untyped-def]
        return seq[0]

    def sample(self, population, k, *, counts=None):  # type: ignore[no-untyped-def]
        return list(population)[:k]

    def randint(self, a: int, b: int) -> int:
        return a

    def random(self) -> float:
        return 0.9


def desk(random: Random, severity: int = 1) -> Desk:
    return Desk(
        random, severity, CAPTIONS, ("去年三月引进企业五十家，今年又有二十家企业签约落户。",)
    )


def runs(page: Characters) -> list[tuple[str, Source]]:
    """The page as stretches of one source."""
    stretches = groupby(page, key=lambda pair: pair[1])
    return [("".join(text for text, _ in pairs), source) for source, pairs in stretches]


def torn(rule_name: str, text: str = TEXT, severity: int = 1) -> list[tuple[str, Source]]:
    rules = {rule.name: rule for rule in (*TUNING.rules, *HELD_OUT.rules)}
    return runs(rules[rule_name].tear(paragraph(text, 0), desk(First(), severity)))


def block(number: int) -> Source:
    return Source(Kind.BLOCK, number)


GAP = ("\n\n", tearing.LAYOUT)
HEAD, TAIL = ("济", Source(S, 0, 0)), ("南新区的建设正在加快。", Source(S, 0, 0))
SECOND = ("去年三月引进企业五十家，今年又有二十家企业签约落户。", Source(S, 0, 1))


def test_a_paragraph_knows_its_sentences_and_counts_no_white_space() -> None:
    assert runs(paragraph("他来了。 Li Wei 说：“好。”", 3)) == [
        ("他来了。", Source(S, 3, 0)),
        (" ", tearing.LAYOUT),
        ("Li", Source(S, 3, 1)),
        (" ", tearing.LAYOUT),
        ("Wei", Source(S, 3, 1)),
        (" ", tearing.LAYOUT),
        ("说：“好。”", Source(S, 3, 1)),
    ]


@pytest.mark.parametrize(
    ("before", "after", "may"),
    [
        ("竞", "争", True),
        ("，", "带", True),
        ("力", "，", False),
        ("“", "党", False),
        ("党", "”", False),
        ("2", "0", False),
        ("2", ".", False),
        ("e", "n", False),
        ("2", "年", True),
        ("２", "１", False),
        ("…", "…", False),
    ],
)
def test_lines_break_as_typesetters_break_them(before: str, after: str, may: bool) -> None:
    assert tearing.may_break(before, after) is may


def test_a_blank_line() -> None:
    assert torn("blank line") == [HEAD, GAP, TAIL, SECOND]


def test_odd_breaks() -> None:
    assert torn("odd breaks") == [HEAD, ("\n", tearing.LAYOUT), TAIL, SECOND]


def test_two_breaks_in_one_sentence() -> None:
    middle = ("南", Source(S, 0, 0)), GAP, ("新区的建设正在加快。", Source(S, 0, 0))
    assert torn("two breaks a sentence") == [HEAD, GAP, *middle, SECOND]


@pytest.mark.parametrize(
    ("rule", "inserted"),
    [
        ("caption with credit", "图为城市南部的旧桥将于明年春天重建。"),
        ("bare caption", "城市南部的旧桥将于明年春天重建。"),
        ("caption, other credit", "▲城市南部的旧桥将于明年春天重建。"),
        ("quote of the page", f"“{SECOND[0]}”"),
        ("foreign quote", "“城市南部的旧桥将于明年春天重建。”"),
    ],
)
def test_a_block_in_mid_sentence(rule: str, inserted: str) -> None:
    assert torn(rule) == [HEAD, GAP, (inserted, block(0)), GAP, TAIL, SECOND]


def test_a_byline_is_one_block_of_several_lines() -> None:
    assert [text for text, source in torn("byline") if source == block(0)] == [
        "记者",
        "王立强",
        "通讯员",
        "王立强",
        "李敏",
    ]


def test_a_notice_and_a_stray_headline() -> None:
    notice = [text for text, source in torn("notice") if source == block(0)]
    assert notice == ["下载新黄河客户端", "看更多本地新闻"]
    assert torn("stray headline")[2] == ("城市南部的旧桥将于明年春天重建"[:16], block(0))


def test_a_row_of_blocks_has_a_number_each() -> None:
    found = torn("row of blocks")
    assert [source for _, source in found if source.kind is Kind.BLOCK] == [
        block(0),
        block(1),
        block(2),
    ]
    assert found[0] == HEAD
    assert found[-2:] == [TAIL, SECOND]


def test_a_page_header_repeats_with_rising_numbers() -> None:
    page = torn("page header", severity=2)
    lines = "".join(text for text, _ in page).split("\n")
    assert lines == [
        "济南日报 2022年6月16日 第1版",
        "济",
        "济南日报 2022年6月16日 第2版",
        "南新区的建设正在加快。去",
        "济南日报 2022年6月16日 第3版",
        "年三月引进企业五十家，今年又有二十家企业签约落户。",
    ]


def test_a_page_footer_closes_the_page() -> None:
    lines = "".join(text for text, _ in torn("page footer")).split("\n")
    assert lines == ["济", "— 1 —", TAIL[0] + SECOND[0], "— 2 —"]


def test_wrapping_keeps_numbers_words_and_marks_together() -> None:
    page = paragraph("自2021年起，开发区有企业139家，党员25人。", 0)
    assert (
        text_of(tearing.wrap(page, lambda: 6)) == "自2021年\n起，开发区有\n企业139家，\n党员25人。"
    )


def test_columns_indented_and_flush() -> None:
    page = unit("新区建设", Kind.HEADLINE, 0) + layout("\n\n") + paragraph("甲一。甲二。", 0)
    page += layout("\n\n") + paragraph("乙一。", 1)
    indented = text_of(tearing.join_paragraphs(page, "\n\u3000\u3000"))
    assert indented == "新区建设\n\n\u3000\u3000甲一。甲二。\n\u3000\u3000乙一。"
    assert text_of(tearing.join_paragraphs(page, "\n")) == "新区建设\n\n甲一。甲二。\n乙一。"


def test_random_widths_stay_within_their_bounds() -> None:
    page = tearing.random_lines(paragraph(TEXT * 3, 0), desk(Random(1), severity=4))
    widths = {len(line) for line in text_of(page).split("\n")[:-1]}
    assert len(widths) > 3
    assert min(widths) >= 6
    assert max(widths) <= 20


def test_a_tear_at_a_sentence_end_tears_nothing() -> None:
    class AtEnd(First):
        def random(self) -> float:
            return 0.0

    page = tearing.at_places(tearing.break_with("\n\n"))(paragraph(TEXT, 0), desk(AtEnd()))
    assert text_of(page) == TEXT.replace("。去", "。\n\n去")
    assert not any(lie.is_torn for lie in repair.units(page).values())


def test_glosses_come_from_the_shipped_document_and_belong_to_no_unit() -> None:
    assert tearing.readings()["濟"] == "jì"
    page = tearing.glossed(paragraph("濟南市。", 0), tearing.readings())
    assert runs(page) == [
        ("濟", Source(S, 0, 0)),
        ("(jì)", tearing.GLOSS),
        ("南市。", Source(S, 0, 0)),
    ]


def test_forms_of_writing() -> None:
    assert tearing.newspaper_marks("有吗？有：3家（甲，乙）。") == "有吗?有:3家(甲,乙)。"
    assert tearing.full_width("2021年(GDP)") == "２０２１年（ＧＤＰ）"
    assert tearing.traditional("济南市发展") == "濟南市發展"
    marked = tearing.zero_width(paragraph("济南。", 0), Random(1), share=1.0)
    assert [source for _, source in marked] == [Source(S, 0, 0), tearing.INVISIBLE] * 3
    assert clean(text_of(marked)).text == "济南。"


def test_clauses_are_short_and_without_marks() -> None:
    assert tearing.clauses("今年以来，开发区引进企业五十家，GDP增长。城北公园正式开放。") == [
        "开发区引进企业五十家",
        "城北公园正式开放",
    ]


@pytest.mark.parametrize("half", [TUNING, HELD_OUT], ids=["tuning", "held-out"])
def test_both_halves_hold_every_difficulty_and_no_rule_is_in_both(half: Half) -> None:
    assert {rule.difficulty for rule in half.rules} == {1, 2, 3}
    shared = {rule.name for rule in TUNING.rules} & {rule.name for rule in HELD_OUT.rules}
    assert shared == set()
    assert half.forms[0] == PLAIN


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    half = draw(st.sampled_from([TUNING, HELD_OUT]))
    rule = draw(st.sampled_from([*half.rules, tearing.mixed(half.rules)]))
    form = draw(st.sampled_from(half.forms))
    return Recipe(draw(st.integers(0, 10_000)), rule, draw(st.integers(1, 4)), form)


@given(recipes(), st.integers(0, 5))
def test_ownership_always_gives_the_clean_paragraphs_back(recipe: Recipe, seed: int) -> None:
    texts = [TEXT, OTHER, THIRD]
    page = repair.make_page(recipe, texts, seed).characters
    paragraphs: dict[int, str] = {}
    for character, source in page:
        if source.kind is S:
            paragraphs[source.number] = paragraphs.get(source.number, "") + character
    wanted = ["".join(clean(recipe.form.text(text)).text.split()) for text in texts]
    assert sorted(paragraphs.values()) == sorted(wanted)
    assert all(character.isspace() for character, source in page if source == tearing.LAYOUT)


@given(recipes(), st.integers(0, 5))
def test_equal_recipes_give_equal_pages(recipe: Recipe, seed: int) -> None:
    texts = [TEXT, OTHER, THIRD]
    assert repair.make_page(recipe, texts, seed) == repair.make_page(recipe, texts, seed)


# Judging


def hand_made() -> Page:
    """Two sentences, the first torn by a block."""
    sentence, last = Source(S, 0, 0), Source(S, 0, 1)
    page: Characters = [(one, sentence) for one in "济南新区"]
    page += layout("\n\n") + unit("旧桥重建。", Kind.BLOCK, 0) + layout("\n\n")
    page += [(one, sentence) for one in "的路。"] + [(one, last) for one in "他们来了。"]
    return Page(Recipe(0, Rule("by hand", 1, lambda page, _: page), 1, PLAIN), page)


HAND_MADE = "济南新区\n\n旧桥重建。\n\n的路。他们来了。"


def test_all_is_right() -> None:
    assert text_of(hand_made().characters) == HAND_MADE
    found = repair.judge(hand_made(), [(Span(0, 4), Span(13, 16)), (Span(6, 11),), (Span(16, 21),)])
    assert found.counts == Counter(
        torn=1, left_out=0, recovered=1, whole=1, kept=1, outputs=3, joined=0, blocks=1, glued=0
    )
    assert found.failures == []
    assert repair.figures(found.counts) == {
        "left out": 0.0,
        "recovered": 1.0,
        "kept": 1.0,
        "false joins": 0.0,
        "glued": 0.0,
    }


def test_a_block_glued_into_a_sentence() -> None:
    found = repair.judge(hand_made(), [(Span(0, 16),), (Span(16, 21),)])
    assert (found.counts["recovered"], found.counts["kept"]) == (0, 1)
    assert (found.counts["outputs"], found.counts["joined"], found.counts["glued"]) == (2, 1, 1)
    assert [one.what for one in found.failures] == ["torn, not recovered", "block glued"]
    assert repair.show(found.failures[0]) == (
        "torn, not recovered (by hand, severity 1, page 0, as it is)\n"
        "  torn    济南新区⏎⏎旧桥重建。⏎⏎的路。他们来了。\n"
        "  wanted  济南新区 | 的路。\n"
        "  came    济南新区⏎⏎旧桥重建。⏎⏎的路。"
    )


def test_halves_left_apart_and_two_sentences_glued() -> None:
    found = repair.judge(hand_made(), [(Span(0, 4),), (Span(13, 21),)])
    assert (found.counts["recovered"], found.counts["kept"]) == (0, 0)
    assert (found.counts["joined"], found.counts["glued"]) == (1, 0)
    assert found.cuts == {repair.TORN_IN_CLAUSE: Counter(torn=1)}


def test_glosses_and_white_space_inside_or_beside_a_span_do_not_count() -> None:
    source = Source(S, 0, 0)
    page: Characters = [
        ("濟", source),
        *((one, tearing.GLOSS) for one in "(jì)"),
        ("\n", tearing.LAYOUT),
    ]
    page += [("南", source), *((one, tearing.GLOSS) for one in "(nán)")]
    made = Page(hand_made().recipe, page)
    for spans in ([Span(0, 7)], [Span(0, 12)], [Span(0, 1), Span(6, 7)]):
        assert repair.judge(made, [spans]).counts["recovered"] == 1
    assert repair.judge(made, [[Span(0, 5)]]).counts["recovered"] == 0


def test_a_sentence_that_comes_out_nowhere_is_not_kept() -> None:
    assert repair.judge(hand_made(), []).counts == Counter(torn=1, whole=1, blocks=1)


@pytest.mark.parametrize(
    ("pieces", "is_first", "is_last", "wanted"),
    [
        (["他们来了。"], True, True, False),
        (["济南新区", "的道路。"], True, True, False),
        (["济南新", "区的道路。"], True, True, True),
        (["济南新", "区的道路。"], False, True, False),
        (["济", "南新区的道路。"], False, True, True),
        (["济南新区的", "路。"], True, False, False),
        (["济南新区的", "路。"], True, True, True),
        (["他说：“好。", "我们走吧。”"], True, True, True),
        (["他这样说：", "我们这就走。"], True, True, True),
        (["济南新区建设，", "道路已经修好。"], True, True, False),
        (["济南新区", "的道路", "已经修好。"], True, True, True),
    ],
)
def test_what_no_reader_could_mend(
    pieces: list[str], is_first: bool, is_last: bool, wanted: bool
) -> None:
    assert repair.is_unrecoverable(pieces, is_first, is_last) is wanted


def test_what_is_unrecoverable_is_left_out() -> None:
    source = Source(S, 0, 0)
    page = [("他", source), *layout("\n\n"), *((one, source) for one in "们来了。")]
    found = repair.judge(Page(hand_made().recipe, page), [[Span(0, 1)], [Span(3, 7)]])
    assert found.counts == Counter(torn=1, left_out=1, outputs=2)
    assert repair.figures(found.counts)["left out"] == 1.0
    assert repair.figures(found.counts)["recovered"] is None
    assert found.failures == []


def test_a_single_line_break_tears_but_makes_no_piece() -> None:
    page = tearing.wrap(paragraph("济南新区的道路修好了。", 0), lambda: 4)
    (lie,) = repair.units(page).values()
    assert lie.is_torn
    assert lie.pieces == ["济南新区的道路修好了。"]


# Paragraphs and the command


def test_an_excerpt_is_whole_sentences_of_one_chinese_paragraph() -> None:
    assert repair.excerpt(TEXT + "没有说完") == TEXT
    assert repair.excerpt("只有一句。") is None
    assert repair.excerpt(TEXT + "\n" + OTHER) is None
    assert repair.excerpt("It was closed. It is open now.") is None
    assert repair.excerpt(TEXT.replace("企业", "<b>企业</b>")) is None
    long = "这一句话恰好写满十五个字才停。" * 40
    assert repair.excerpt(long) == long[:345]


def test_a_paragraph_is_of_one_half_for_ever() -> None:
    assert [repair.half_of(text) for text in (TEXT, OTHER, THIRD)] == [
        repair.half_of(text) for text in (TEXT, OTHER, THIRD)
    ]
    halves = {repair.half_of(f"第{number}段。") for number in range(20)}
    assert halves == {"tuning", "held-out"}


def test_recipes_go_through_rules_and_severities_evenly() -> None:
    found = list(repair.recipes(TUNING, [1, 3], 36, seed=0))
    assert Counter((one.rule.name, one.severity) for one in found) == {
        **{(rule.name, severity): 2 for rule in TUNING.rules for severity in (1, 3)},
        ("mixed", 1): 4,
        ("mixed", 3): 4,
    }


def squad_file(folder: Path) -> Path:
    sentences = [
        f"第{number}中学的新校舍已经建成。学生们在今年九月搬进去上课。" for number in range(40)
    ]
    contexts = [{"context": text, "qas": []} for text in sentences]
    path = folder / "small.json"
    path.write_text(json.dumps({"data": [{"paragraphs": contexts}]}), encoding="utf-8")
    return path


@pytest.mark.parametrize("half", ["tuning", "held-out"])
def test_the_command_reports_the_same_for_the_same_seed(
    half: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [str(squad_file(tmp_path)), "--half", half, "--pages", "24", "--show", "2", "--json"]
    repair.main(asked)
    first = capsys.readouterr().out
    repair.main(asked)
    assert capsys.readouterr().out == first
    rows = json.loads(first)["rows"]
    names = [row["name"] for row in rows if row["row"] == "rule"]
    assert names == [*(rule.name for rule in HALVES[half].rules), "mixed"]
    assert rows[len(names)]["row"] == "form"


def test_the_table_has_a_line_for_each_row(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repair.main([str(squad_file(tmp_path)), "--pages", "9", "--severity", "2"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("9 pages, ")
    assert lines[2].split() == [
        "torn",
        "left",
        "out",
        "recovered",
        "kept",
        "false",
        "joins",
        "glued",
    ]
    assert any(line.startswith("severity: 2 ") for line in lines)


def test_too_few_paragraphs_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.json"
    path.write_text('{"data": []}', encoding="utf-8")
    with pytest.raises(SystemExit, match="0 paragraphs of the tuning half; wanted at least 3"):
        repair.main([str(path)])


def test_judgements_add_up() -> None:
    total = Judgement()
    total.add(repair.judge(hand_made(), []))
    total.add(repair.judge(hand_made(), []))
    assert total.counts == Counter(torn=2, whole=2, blocks=2)
    assert total.cuts[repair.TORN_IN_CLAUSE] == Counter(torn=2)
    assert len(total.failures) == 4
