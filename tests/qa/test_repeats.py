"""Near repeats: what says the same is folded; another number, date, name or negation never is."""

from __future__ import annotations

from pathlib import Path

import pytest

from embeddings.build import build
from embeddings.encoder import CountingEncoder
from embeddings.lexical import Tokenizer
from embeddings.records import Role
from qa.bot import Bot
from qa.repeats import SHARED, Repeats, share

SEED = Path(__file__).parents[2] / "seeds" / "004_54adbdb4d576d299.txt"

LONG = "东明县委组织部通过科学合理“派”、及时大胆“用”、瞄准目标“推”,让一大批表现突出的选调生相继走上领导岗位"
PARAGRAPH = (
    "张旭伟是2012年的选调生,先后在县公安局和县纪委工作,在本次换届中,被选派到东明集镇任党委副书记、镇长。"
    "上任伊始,张旭伟就遇到一件棘手事。该镇戴官营村2021年新村建成后,部分群众不愿搬家,占着老院子不能复耕。"
)


@pytest.fixture(scope="module")
def repeats(tokenizer: Tokenizer) -> Repeats:
    return Repeats(tokenizer)


def from_seed(start: str, end: str) -> list[str]:
    """Return every stretch of the page from `start` to `end`: the article stands there twice."""
    page = SEED.read_text(encoding="utf-8")
    found, at = [], page.find(start)
    while at >= 0:
        stop = page.index(end, at) + len(end)
        found.append(page[at:stop])
        at = page.find(start, stop)
    return found


def test_the_whole_and_the_abridged_form_of_a_paragraph(repeats: Repeats) -> None:
    whole, abridged = from_seed("张旭伟是多岗位锻炼的一个例子", "领导岗位")
    assert repeats.repeats(abridged + "。", whole + ",其中担任县直部门正职的4名。")
    assert not repeats.repeats(whole + ",其中担任县直部门正职的4名。", abridged + "。")


def test_paragraphs_that_only_break_differently(repeats: Repeats) -> None:
    whole, abridged = from_seed("从严从实重管理", "选调生之家”")
    assert whole != abridged
    assert repeats.repeats(abridged, whole)
    assert repeats.repeats(whole, abridged)


def test_every_other_pair_of_paragraphs_of_the_page_stays(repeats: Repeats) -> None:
    page = SEED.read_text(encoding="utf-8")
    page = page[: page.index("东明培养选调生\n")]
    paragraphs = [line.strip() for line in page.splitlines() if len(line) > 60]
    assert len(paragraphs) > 25
    for one in paragraphs:
        assert [other for other in paragraphs if repeats.repeats(one, other)] == [one]


@pytest.mark.parametrize(
    ("word", "other"),
    [
        ("2012年", "2013年"),
        ("2021年", "去年"),
        ("一件", "三件"),
        ("张旭伟就", "刘中泉就"),
        ("东明集镇", "长兴集乡"),
        ("戴官营村", "李官营村"),
        ("不愿", "都愿"),
        ("不能", "已能"),
        ("不愿", "愿"),
        ("县公安局", "市公安局"),
        ("县纪委", "县电厂"),
        ("换届", "会议"),
    ],
)
def test_another_number_date_name_or_negation_stays(
    repeats: Repeats, word: str, other: str
) -> None:
    changed = PARAGRAPH.replace(word, other)
    assert changed != PARAGRAPH
    assert share(changed, PARAGRAPH) >= SHARED - 0.05
    assert not repeats.repeats(changed, PARAGRAPH)
    assert not repeats.repeats(PARAGRAPH, changed)


def test_a_word_beside_a_number_is_exact(repeats: Repeats) -> None:
    one, other = (PARAGRAPH + f"全县投资{way}5%。" for way in ("增长", "下降"))
    assert share(one, other) >= SHARED
    assert not repeats.repeats(one, other)


def test_numbers_in_another_order_stay(repeats: Repeats) -> None:
    one = PARAGRAPH + "甲村有3户,乙村有5户。"
    other = PARAGRAPH + "甲村有5户,乙村有3户。"
    assert share(one, other) >= SHARED
    assert not repeats.repeats(one, other)


def test_another_common_word_script_or_mark_is_a_repeat(repeats: Repeats) -> None:
    assert repeats.repeats(PARAGRAPH + "带动产业发展。", PARAGRAPH + "积极推动产业发展。")
    assert not repeats.repeats(PARAGRAPH + "带动产业发展。", PARAGRAPH + "带动渔业发展。")
    assert repeats.repeats(PARAGRAPH.replace(",", "，").replace("选调", "選調"), PARAGRAPH)
    assert repeats.repeats(PARAGRAPH.replace("。", "。\n\u3000\u3000"), PARAGRAPH)


@pytest.mark.parametrize("text", ["", "党", "党建", "4个", "a b", "。。。", "😀"])
def test_short_texts_repeat_only_what_holds_them(repeats: Repeats, text: str) -> None:
    assert repeats.repeats(text, text)
    assert repeats.repeats(text, f"前面说,{text},后面说")
    assert not repeats.repeats(text + "园区里", "另外的一段话")


def test_groups_are_of_one_role_and_as_many_as_wanted(repeats: Repeats) -> None:
    body = [(Role.BODY, text) for text in (PARAGRAPH, LONG, PARAGRAPH[:50], LONG + "。")]
    headline = (Role.HEADLINE, LONG)
    assert repeats.groups([*body, headline], 9) == [[0, 2], [1, 3], [4]]
    assert repeats.groups([*body, headline], 2) == [[0, 2], [1, 3]]
    assert repeats.groups([*body, headline], 1) == [[0, 2]]
    assert repeats.groups(body, 0) == []
    assert repeats.groups([], 5) == []


def test_a_repeat_moves_into_the_places_of_the_better_hit(
    tmp_path: Path, counting: CountingEncoder, tokenizer: Tokenizer
) -> None:
    folder = tmp_path / "pages"
    folder.mkdir()
    pages = {
        "a.txt": "天桥区建立4个产业链党组织,覆盖21家企业,园区吸引各方人才,激发发展活力,带动产业发展。",
        "b.txt": "天桥区建立4个产业链党组织,覆盖21家企业,园区吸引各方人才,激发发展活力,推动产业发展。",
        "c.txt": "天桥区建立4个产业链党组织,覆盖27家企业,园区吸引各方人才,激发发展活力,带动产业发展。",
        "d.txt": "高新区组建党建联盟。",
    }
    for name, text in pages.items():
        (folder / name).write_text(text, encoding="utf-8")
    build(folder, tmp_path / "index", counting, tokenizer)
    bot = Bot(tmp_path / "index", counting, tokenizer)
    question = "天桥区建立4个产业链党组织,覆盖21家企业,带动产业发展吗？"
    hits = bot.retrieve(question, k=3)
    assert [hit.source for hit in hits] == ["a.txt", "c.txt", "d.txt"]
    assert [place.source for place in hits[0].places] == ["b.txt"]
    (place,) = hits[0].places
    assert "".join(span.of(pages["b.txt"]) for span in place.spans) == pages["b.txt"]
    assert bot.retrieve(question, k=1)[0] == hits[0]
    assert [hit.places for hit in hits[1:]] == [(), ()]
    only = bot.retrieve(question, k=3, sources=["b.txt", "d.txt"])
    assert [(hit.source, hit.places) for hit in only] == [("b.txt", ()), ("d.txt", ())]
