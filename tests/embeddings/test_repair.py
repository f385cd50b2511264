"""Torn lines become paragraphs; what was pushed in between keeps a part of its own."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from embeddings.cleaning import clean
from embeddings.layout import lines
from embeddings.records import Role, Span
from embeddings.repair import Part, put_together


class Scripted:
    """Joins exactly the pairs that it is given."""

    def __init__(self, *pairs: tuple[str, str]) -> None:
        self._pairs = pairs

    def log_odds(self, before: str, after: str) -> float:
        fits = any(before.endswith(one) and after.startswith(other) for one, other in self._pairs)
        return 9.0 if fits else -9.0

    def openness(self, before: str) -> float:
        return 0.0

    def starts_inside(self, after: str) -> float:
        return 0.0


def parts(original: str, judge: Scripted, **roles: Role) -> list[Part]:
    found = lines(clean(original), original)
    return put_together(found, [roles.get(line.text[:2], Role.BODY) for line in found], judge)


def texts(found: list[Part]) -> list[tuple[Role, str]]:
    return [(part.role, part.content.text) for part in found]


def test_halves_are_joined_and_the_caption_between_stands_alone() -> None:
    original = "带货的兴\n\n图下说明。\n\n盛,位于天桥区。\n\n下一段。"
    found = parts(original, Scripted(("兴", "盛")))
    assert texts(found) == [
        (Role.BODY, "带货的兴盛,位于天桥区。"),
        (Role.CAPTION, "图下说明。"),
        (Role.BODY, "下一段。"),
    ]
    assert found[0].content.spans() == (Span(0, 4), Span(13, 21))


def test_a_quotation_in_between_is_a_pull_quote() -> None:
    found = parts("带货的兴\n\n“双胜利。”\n\n盛了。", Scripted(("兴", "盛")))
    assert texts(found)[1] == (Role.QUOTE, "“双胜利。”")


def test_lines_without_anything_between_make_one_span() -> None:
    (part,) = parts("有温度的智\n\n慧化园区。", Scripted(("智", "慧")))
    assert part.content.spans() == (Span(0, 12),)


def test_a_sentence_that_ends_takes_nothing() -> None:
    assert len(parts("第一段。\n\n第二段。", Scripted(("。", "第")))) == 2


def test_latin_halves_are_joined_with_a_blank() -> None:
    (part,) = parts("the quick\nbrown fox.", Scripted(("quick", "brown")))
    assert part.content.text == "the quick brown fox."


def test_a_nearer_line_that_fits_better_is_not_robbed() -> None:
    judge = Scripted(("甲的", "尾"), ("乙的", "尾"))
    found = parts("先说甲的\n\n再说乙的\n\n尾巴。", judge)
    assert texts(found) == [(Role.BODY, "先说甲的"), (Role.BODY, "再说乙的尾巴。")]


def test_page_headers_are_read_through() -> None:
    found = parts("讲到一\n页眉\n半了。", Scripted(("一", "半")), 页眉=Role.BOILERPLATE)
    assert texts(found) == [(Role.BODY, "讲到一半了。"), (Role.BOILERPLATE, "页眉")]


@given(st.lists(st.sampled_from(["甲的", "乙的", "丙。", "丁。", "“戊。”"]), max_size=9))
def test_every_line_is_in_exactly_one_part(texts_: list[str]) -> None:
    original = "\n\n".join(f"{number}{text}" for number, text in enumerate(texts_))
    found = lines(clean(original), original)
    judge = Scripted(("甲的", ""), ("乙的", ""))
    taken = put_together(found, [Role.BODY] * len(found), judge)
    offsets = sorted(o for part in taken for o in part.content.offsets)
    assert offsets == sorted(o for line in found for o in line.content.offsets)


def test_the_surest_joint_is_made_first() -> None:
    class Graded(Scripted):
        def log_odds(self, before: str, after: str) -> float:
            return {"甲丙": 3.0, "甲丁": 6.0, "乙丙": 8.0}.get(before[-1] + after[0], -9.0)

    found = parts("先是甲\n\n然后乙\n\n丙来了。\n\n丁来了。", Graded())
    assert texts(found)[0] == (Role.BODY, "先是甲丁来了。")
    assert texts(found)[1] == (Role.CAPTION, "然后乙丙来了。")


def test_joints_do_not_cross() -> None:
    found = parts("先是甲\n\n然后乙\n\n丙来了。\n\n丁来了。", Scripted(("甲", "丙"), ("乙", "丁")))
    assert [text for _, text in texts(found)] == ["先是甲丙来了。", "然后乙", "丁来了。"]


def test_after_a_comma_the_nearest_piece_is_believed() -> None:
    class Graded(Scripted):
        def log_odds(self, before: str, after: str) -> float:
            return {"甲": 1.0, "乙": 3.0}[after[0]]

    assert texts(parts("首先，\n\n甲来了。\n\n乙来了。", Graded()))[0] == (
        Role.BODY,
        "首先，甲来了。",
    )
