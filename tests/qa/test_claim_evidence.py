"""What speaks for a sentence, and for each of its words, in the text that it cites."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embeddings.lexical import Tokenizer
from qa.claim_evidence import COLUMNS, columns
from qa.claim_words import WORD_COLUMNS, word_columns
from qa.claims import Token, tokens
from qa.places import Places, likeness, spread

PASSAGE = (
    "园区签约22个项目，引进15家企业。2019年3月5日开工，2021年10月投产。李明担任主任，王芳担任书记。"
)


def whole(claim: str, tokenizer: Tokenizer, cited: str = PASSAGE) -> dict[str, float]:
    found = columns(tokens(claim, tokenizer), tokens(cited, tokenizer))
    return dict(zip(COLUMNS, found, strict=True))


def of_words(claim: str, tokenizer: Tokenizer, cited: str = PASSAGE) -> dict[str, dict[str, float]]:
    said, told = tokens(claim, tokenizer), tokens(cited, tokenizer)
    rows = word_columns(said, told, likeness(said, told))
    heavy = [token.text for token in said if token.weight > 1 or token.negation]
    return {
        text: dict(zip(WORD_COLUMNS, row.tolist(), strict=True))
        for text, row in zip(heavy, rows, strict=True)
    }


def token(text: str, weight: float = 8.0, item: int = 0) -> Token:
    return Token(text, weight, item, number=text[0] == "#")


def test_likeness_is_one_for_equal_words_and_less_for_shared_characters() -> None:
    found = likeness(
        [token("项目"), token("#3"), token("ab")], [token("大项目"), token("#33"), token("ab")]
    )
    assert found.tolist() == [[0.95, 0, 0], [0, 0, 0], [0, 0, 1]]


def test_likeness_fades_with_the_distance() -> None:
    found = spread(np.array([[0.0, 1.0, 0.0, 0.0]]), np.full(4, 0.5))
    assert found.tolist() == [[0.5, 1.0, 0.5, 0.25]]


def test_a_place_is_as_good_as_the_neighbours_around_it() -> None:
    claim = [token("甲", 4.0, 0), token("#1", 10.0, 1)]
    cited = [token("#1", item=0), token("乙", item=1), token("甲", item=2)]
    place = Places(claim, cited, likeness(claim, cited), 1.0)
    fade = np.exp(-1.0)
    # 甲 is two tokens away from where #1 stands; its weight counts as far as it is near in the claim.
    assert place.own[1] == pytest.approx(4 * fade * fade**2)
    assert place.best[1] == pytest.approx(4 * fade)
    assert place.ranks[1] == pytest.approx(fade**2)


def test_in_order_a_neighbour_on_the_other_side_does_not_count() -> None:
    claim = [token("甲", 4.0, 0), token("#1", 10.0, 1)]
    cited = [token("#1", item=0), token("甲", item=1), token("#1", item=2)]
    same = likeness(claim, cited)
    fade = np.exp(-1.0)
    either = Places(claim, cited, same, 1.0).found[1]
    ordered = Places(claim, cited, same, 1.0, ordered=True).found[1]
    assert either.tolist() == pytest.approx([4 * fade * fade, 4 * fade, 4 * fade * fade])
    assert ordered.tolist() == pytest.approx([0, 4 * fade, 4 * fade * fade])


def test_what_stands_there_as_it_is_lacks_nothing(tokenizer: Tokenizer) -> None:
    found = whole("园区签约22个项目，引进15家企业。", tokenizer)
    assert found["covered"] == found["pairs"] == 1
    assert found["aligned"] > 0.98  # all but the full stop's neighbour, too light for a run
    assert found["number missing"] == found["loose"] == found["put in"] == 0


def test_a_number_that_is_not_there_is_missing(tokenizer: Tokenizer) -> None:
    assert whole("园区签约23个项目。", tokenizer)["number missing"] == 1
    assert whole("园区签约23个项目。", tokenizer)["number replaced"] == 1


def test_a_number_of_something_else_clashes_with_what_it_counts(tokenizer: Tokenizer) -> None:
    true, false = (
        of_words(claim, tokenizer)
        for claim in ("园区签约22个项目，引进15家企业。", "园区签约15个项目，引进22家企业。")
    )
    assert true["#22"]["clash"] == true["#15"]["clash"] == 0
    assert false["#22"]["clash"] == false["#15"]["clash"] == 1
    assert true["#22"]["margin"] > false["#22"]["margin"]


@pytest.mark.parametrize(
    ("claim", "said"),
    [
        ("2019年3月5日开工", 1), ("3月5日开工", 1), ("2019年开工", 1), ("2021年10月投产", 1),
        ("2021年3月5日开工", 0), ("2019年10月投产", 0), ("2019年3月10日开工", 0),
    ],
)  # fmt: skip
def test_a_date_is_said_as_a_whole(claim: str, said: float, tokenizer: Tokenizer) -> None:
    rows = of_words(claim, tokenizer)
    assert {row["date"] for text, row in rows.items() if text[0] == "#"} == {said}


def test_a_month_has_the_year_before_it(tokenizer: Tokenizer) -> None:
    cited = "2019年动工。3月5日封顶。"
    assert of_words("2019年3月5日封顶", tokenizer, cited)["#3"]["date"] == 1


def test_a_name_in_the_place_of_another_has_no_margin(tokenizer: Tokenizer) -> None:
    true, false = of_words("李明担任主任", tokenizer), of_words("王芳担任主任", tokenizer)
    assert true["李明"]["ordered margin"] > 0 > false["王芳"]["ordered margin"]


def test_the_order_of_words_counts(tokenizer: Tokenizer) -> None:
    row = of_words("签约园区", tokenizer, "园区签约")["签约"]
    assert row["ordered rank"] == 0 < row["rank of place"]


def test_a_negation_put_in_and_one_left_out(tokenizer: Tokenizer) -> None:
    assert whole("李明没有担任主任", tokenizer)["negation put in"] == 1
    cited = "李明从未担任主任，王芳担任书记。"
    assert whole("李明担任主任", tokenizer, cited)["negation taken out"] == 1
    assert whole("李明从未担任主任", tokenizer, cited)["negation taken out"] == 0


words = st.sampled_from(["#1", "#2", "年", "月", "项目", "大项目", "甲", "ab", "不"])
drawn = st.lists(
    st.builds(
        lambda text, weight: Token(
            text, weight, 0, number=text[0] == "#", name=text == "甲", negation=text == "不"
        ),
        words,
        st.sampled_from([0.4, 5.0, 10.0]),
    ),
    min_size=1,
    max_size=12,
)


@settings(deadline=None)
@given(drawn, drawn)
def test_the_numbers_are_finite(claim: list[Token], cited: list[Token]) -> None:
    claim = [one._replace(item=at) for at, one in enumerate(claim)]
    same = likeness(claim, cited)
    assert np.isfinite(columns(claim, cited, 0.5, same)).all()
    rows = word_columns(claim, cited, same)
    assert np.isfinite(rows).all()
    assert rows.shape[1] == len(WORD_COLUMNS)


@settings(deadline=None)
@given(drawn)
def test_a_sentence_says_itself(claim: list[Token]) -> None:
    claim = [one._replace(item=at) for at, one in enumerate(claim)]
    found = dict(zip(COLUMNS, columns(claim, claim), strict=True))
    assert found["covered"] == pytest.approx(1)
    assert found["number missing"] == found["name missing"] == found["negation put in"] == 0
