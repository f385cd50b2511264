"""The numbers of a question's candidates, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from qa import evidence
from qa.evidence import (
    PASSAGE_FEATURES,
    SENTENCE_FEATURES,
    Asked,
    Evidence,
    Signals,
    Texts,
    Words,
    weigh,
)
from qa.forms import strength
from qa.kinds import Kind
from tests.rankings import Passages, about, asked_by, numbers_of, of_passages, of_sentences

QUESTION = "天桥区有几个党组织？"
WEIGHTS = {"天桥区": 3.0, "有": 0.1, "几个": 1.0, "党组织": 3.0}
PAGES: Passages = [
    ("", ["天桥区建立4个党组织。", "覆盖21家企业。"]),
    ("天桥区", ["党组织很活跃。", "区里有会。"]),
]

ASKING_ONLY = ["", " ", "\t\n", "？", "。！…", "什么？", "是什么呢？", "What is it?", "谁？"]


def passage_columns(found: Evidence) -> dict[str, list[float]]:
    return {name: of_passages(found, name) for name in PASSAGE_FEATURES}


def sentence_columns(found: Evidence) -> dict[str, list[float]]:
    return {name: of_sentences(found, name) for name in SENTENCE_FEATURES}


def test_a_question_is_taken_apart() -> None:
    """Words of asking are blanks, idle words no terms; no pair goes over a blank."""
    asked = asked_by(QUESTION, WEIGHTS)
    assert asked.plain == "天桥区有 个党组织 "
    assert asked.terms == ["天桥区", "党组织"]
    assert dict(zip(asked.pairs, asked.pair_weights.tolist(), strict=True)) == pytest.approx(
        {"天桥": 2.3, "桥区": 2.3, "区有": 1.3, "个党": 1.3, "党组": 2.3, "组织": 2.3}
    )
    assert dict(zip(asked.triples, asked.triple_weights.tolist(), strict=True)) == pytest.approx(
        {"天桥区": 3.3, "桥区有": 2.3, "个党组": 2.3, "党组织": 3.3}
    )
    assert (asked.numbers, asked.quoted) == ([], [])
    assert asked.wanted.kind is Kind.NUMBER


def test_numbers_and_quoted_names() -> None:
    asked = asked_by("《濟陽日報》２０２１年3.5版的“延鏈”？", {})
    assert asked.numbers == ["2021", "3.5"]
    assert asked.quoted == ["济阳日报", "延链"]


def test_a_pair_that_stands_twice_weighs_its_best() -> None:
    """天 and 桥 weigh 1 each in 天桥, 桥头 weighs 4: 桥 takes 2."""
    asked = asked_by("天桥和桥头", {"天桥": 2.0, "桥头": 4.0})
    assert dict(zip(asked.pairs, asked.pair_weights.tolist(), strict=True)) == pytest.approx(
        {"天桥": 1 + 2 * 0 + 1 + 0.3, "桥和": 1.3, "和桥": 2.3, "桥头": 4.3}
    )


def test_a_pair_in_two_words_weighs_as_in_the_heavier() -> None:
    """天桥 is 4 of the 6 of 天桥区, and 2 by itself."""
    for question in ("天桥区、天桥", "天桥、天桥区"):
        asked = asked_by(question, {"天桥区": 6.0, "天桥": 2.0})
        assert dict(zip(asked.pairs, asked.pair_weights.tolist(), strict=True)) == pytest.approx(
            {"天桥": 4.3, "桥区": 4.3}
        )


def test_passages_by_hand() -> None:
    """All pairs weigh 11.8, all triples 11.2; the title of the second passage has 天桥区."""
    dense, bm25 = np.array([0.5, 0.75], np.float32), np.array([4.0, 1.0], np.float32)
    cosines = np.array([0.5, 0.25, 0.125, 0.0], np.float32)
    found = numbers_of(QUESTION, WEIGHTS, PAGES, Signals(dense, bm25, cosines))
    everywhere, once = np.log(3 / 2.5) + 1e-3, np.log(3 / 1.5) + 1e-3
    columns = passage_columns(found)
    assert found.starts.tolist() == [0, 2]
    assert columns["dense"] == about(0.5, 0.75)
    assert columns["sentence"] == about(0.5, 0.125)
    assert columns["bm25_share"] == about(1, 0.25)
    assert columns["bm25_log"] == about(np.log(5), np.log(2))
    assert (columns["dense_place"], columns["bm25_place"]) == ([0.5, 1.0], [1.0, 0.5])
    for name in ("terms", "known_terms", "rare_terms", "rarest"):
        assert columns[name] == about(1, 1)
    assert columns["pairs"] == about(10.5 / 11.8, 9.2 / 11.8)
    assert columns["rare_pairs"] == about(1, 4 * everywhere / (4 * everywhere + once))
    assert columns["triples"] == about(8.9 / 11.2, 6.6 / 11.2)
    assert columns["run"] == about(5.9 / 11.8, 4.6 / 11.8)
    assert columns["terms_in_one"] == columns["rare_terms_in_one"] == about(1, 1)
    assert columns["pairs_in_one"] == columns["pairs_in_two"] == about(*columns["pairs"])
    for name in ("rare_pairs_in_one", "rare_pairs_in_two"):
        assert columns[name] == about(*columns["rare_pairs"])
    assert columns["triples_in_one"] == columns["triples"]
    assert columns["terms_in_two"] == about(1, 1)
    assert columns["missing"] == about(0, 0)
    assert columns["mass"] == about(np.log(7), np.log(7))
    for name in ("numbers", "quoted", "places", "times"):
        assert columns[name] == [1, 1]
    assert columns["length"] == about(np.log1p(0 + 1 + 11 + 1 + 8), np.log1p(3 + 1 + 7 + 1 + 5))


def test_sentences_by_hand() -> None:
    """What the title has counts for each of its sentences, but not as said by them again."""
    found = numbers_of(QUESTION, WEIGHTS, PAGES)
    everywhere, once = np.log(3 / 2.5) + 1e-3, np.log(3 / 1.5) + 1e-3
    columns = sentence_columns(found)
    assert columns["terms"] == columns["rare_terms"] == about(1, 0, 1, 0.5)
    assert columns["pairs"] == about(10.5 / 11.8, 0, 9.2 / 11.8, 4.6 / 11.8)
    rare = 4 * everywhere + once
    assert columns["rare_pairs"] == about(1, 0, 4 * everywhere / rare, 2 * everywhere / rare)
    assert columns["triples"] == about(8.9 / 11.2, 0, 6.6 / 11.2, 3.3 / 11.2)
    assert columns["run"] == about(5.9 / 11.8, 0, 4.6 / 11.8, 0)
    assert columns["length"] == about(*np.log1p([11, 8, 7, 5]))
    new = [11 - 10 * 10.5 / 11.8, 8, 7 - 10 * 4.6 / 11.8, 5]
    assert columns["new_length"] == about(*np.log1p(new))
    assert columns["first"] == [1, 0, 1, 0]
    assert columns["place"] == [1, 0.5, 1, 0.5]
    assert columns["number"] == [1, 1, 0, 0]


def test_the_sentence_before_and_the_one_behind() -> None:
    """Neighbours of another passage are none. Pairs: 天桥 2.3, 桥党 2.3, 党建 2.3."""
    pages = [("", ["天桥区。", "党建。", "企业。"]), ("", ["天桥。", "党建。"])]
    found = numbers_of("天桥党建", {"天桥": 2.0, "党建": 2.0}, pages)
    columns = sentence_columns(found)
    assert columns["terms"] == about(0.5, 0.5, 0, 0.5, 0.5)
    assert columns["terms_before"] == about(0, 0.5, 0.5, 0, 0.5)
    assert columns["terms_behind"] == about(0.5, 0, 0, 0.5, 0)
    assert columns["terms_with_before"] == about(0.5, 1, 0.5, 0.5, 1)
    assert columns["rare_terms_with_before"] == about(0.5, 1, 0.5, 0.5, 1)
    third = 1 / 3
    assert columns["pairs"] == about(third, third, 0, third, third)
    assert columns["pairs_before"] == about(0, third, third, 0, third)
    assert columns["pairs_behind"] == about(third, 0, 0, third, 0)
    assert columns["pairs_with_before"] == about(third, 2 * third, third, third, 2 * third)
    assert columns["pairs_with_behind"] == about(2 * third, third, 0, 2 * third, third)
    assert of_passages(found, "terms_in_one") == about(0.5, 0.5)
    assert of_passages(found, "terms_in_two") == about(1, 1)
    assert of_passages(found, "pairs_in_two") == about(2 * third, 2 * third)


def test_one_sentence_has_no_neighbours() -> None:
    found = numbers_of("天桥党建", {"天桥": 2.0, "党建": 1.0}, [("", ["天桥的党建。"])])
    columns = sentence_columns(found)
    for side in ("terms_before", "pairs_before", "terms_behind", "pairs_behind"):
        assert columns[side] == [0]
    assert columns["terms"] == columns["terms_with_before"] == [1]
    assert columns["pairs"] == columns["pairs_with_before"] == columns["pairs_with_behind"]
    assert of_passages(found, "terms_in_two") == of_passages(found, "terms") == [1]
    assert (columns["first"], columns["place"]) == ([1], [1])


@pytest.mark.parametrize("question", ["濟南有多少名泉？", "济南有多少名泉？", "濟南 有幾多名泉？"])
def test_any_script_of_question_and_text(question: str) -> None:
    weights = {"济南": 2.0, "有": 0.1, "名泉": 4.0}
    pages = [("", ["济南的名泉多。"]), ("", ["濟南(jì)很大。"]), ("名泉", ["大明湖。"])]
    found = numbers_of(question, weights, pages)
    assert of_passages(found, "terms") == about(1, 1 / 3, 2 / 3)
    assert of_passages(found, "rarest") == about(1, 0, 1)
    assert of_sentences(found, "terms") == about(1, 1 / 3, 2 / 3)


def test_a_latin_word_stands_only_as_a_whole() -> None:
    weights = {"which": 1.0, "art": 2.0, "won": 2.0}
    sentences = ["The party won.", "Art won.", "ART", "Wonder.", "现代art展"]
    found = numbers_of("Which art won?", weights, [("Party", sentences)])
    assert asked_by("Which art won?", weights).terms == ["art", "won"]
    assert of_sentences(found, "terms") == about(0.5, 1, 0.5, 0, 0.5)
    assert of_passages(found, "terms") == [1]
    assert of_sentences(numbers_of("Art?", {"art": 2.0}, [("", ["party"])]), "terms") == [0]


def test_latin_neighbours_are_words() -> None:
    asked = asked_by("Modern art in Jinan today", {"modern": 1.0, "art": 3.0})
    assert asked.pairs == ["modern art", "jinan today"]
    places = 6 * (1 / 6) + 3 * 1
    assert asked.pair_weights.tolist() == pytest.approx([places + 0.3, 0.3])
    found = numbers_of("modern art", {"modern": 1.0, "art": 3.0}, [("", ["Modern Art.", "Art"])])
    assert of_sentences(found, "pairs") == [1, 0]


def test_chinese_and_latin_in_one_question() -> None:
    """Of the run 5G基站 the parts count as well: 5g, 5 and g; "15g" has g but neither 5 nor 5g."""
    weights = {"5g": 4.0, "5": 1.0, "g": 1.0, "基站": 2.0}
    sentences = ["5G 基站", "15g", "5Ｇ基站。", "基站5", "1.5"]
    found = numbers_of("５Ｇ基站在哪里？", weights, [("", sentences)])
    assert of_sentences(found, "terms") == about(1, 1 / 8, 1, 3 / 8, 1 / 8)
    asked = asked_by("５Ｇ基站在哪里？", weights)
    assert asked.pairs == ["5g基", "基站", "站在"]
    assert asked.triples == ["5g基站", "基站在"]
    assert asked.triple_weights.tolist() == pytest.approx([2 * 2 + 2 + 0.3, 2 + 0.3])
    assert of_sentences(found, "triples")[:3] == about(0, 0, 6.3 / 8.6)


@pytest.mark.parametrize(
    "word", ["1+5+n", "90%", "gb-t", "2021-06-16", "3.5"], ids=lambda word: str(word)
)
def test_a_word_of_several_parts(word: str) -> None:
    found = numbers_of(f"什么是{word}", {word: 2.0}, [("", [f"本市{word.upper()}模式", "别的"])])
    assert of_sentences(found, "terms") == [1, 0]


@pytest.mark.parametrize("word", ["café", "москва", "o'brien", "gb/t19001", "r&d", "ไทย"])
def test_a_word_of_other_letters_or_marks(word: str) -> None:
    found = numbers_of(f"什么是{word}", {word: 2.0}, [("", [f"本市{word}模式", "别的"])])
    assert of_sentences(found, "terms") == [1, 0]


def test_a_word_of_asking_within_another_is_no_term() -> None:
    weights = {"is": 0.5, "this": 1.0, "the": 0.5, "city": 3.0, "it": 0.5}
    assert asked_by("Is this the city? It is", weights).terms == ["this", "city"]


def test_one_character() -> None:
    found = numbers_of("泉", {"泉": 4.0}, [("", ["泉水很清。", "湖水。"]), ("", ["河。"])])
    assert of_passages(found, "terms") == [1, 0]
    assert of_sentences(found, "terms") == of_sentences(found, "rare_terms") == [1, 0, 0]
    for name in ("pairs", "rare_pairs", "triples", "run"):
        assert of_passages(found, name) == [0, 0]


@pytest.mark.parametrize("question", ASKING_ONLY)
def test_questions_that_only_ask_have_no_terms(question: str) -> None:
    weights = dict.fromkeys(["什么", "是", "呢", "谁", "what", "is", "it", "?", "？", "。"], 1.0)
    asked = asked_by(question, weights)
    assert (asked.terms, asked.pairs, asked.triples) == ([], [], [])
    assert (asked.numbers, asked.quoted, asked.latin) == ([], [], False)
    found = numbers_of(question, weights, [("什么", ["是什么呢？", "What is it?"]), ("", ["谁"])])
    for name in WORDS_OF_PASSAGES:
        assert of_passages(found, name) == [0, 0]
    lengths = of_sentences(found, "length")
    assert of_sentences(found, "new_length") == lengths == about(*np.log1p([5, 11, 1]))
    for name in WORDS_OF_SENTENCES:
        assert of_sentences(found, name) == [0, 0, 0]


WORDS_OF_PASSAGES = (
    *("terms", "known_terms", "rare_terms", "pairs", "rare_pairs", "triples", "run"),
    *("rarest", "missing", "mass"),
    *("terms_in_one", "rare_terms_in_one", "pairs_in_one", "rare_pairs_in_one", "triples_in_one"),
    *("terms_in_two", "pairs_in_two", "rare_pairs_in_two"),
)
WORDS_OF_SENTENCES = (
    *("terms", "rare_terms", "pairs", "rare_pairs", "triples", "run"),
    *("terms_before", "pairs_before", "terms_behind", "pairs_behind", "terms_with_before"),
    *("pairs_with_before", "pairs_with_behind", "rare_terms_with_before"),
)


def test_what_the_question_names() -> None:
    """The title counts; where a question names nothing, every passage has all of it."""
    pages = [("《泉报》", ["2021年有3处。"]), ("", ["《泉报》2021。"]), ("", ["泉報，三处。"])]
    found = numbers_of("“泉報”2021年3期", {}, pages)
    assert of_passages(found, "numbers") == [1, 0.5, 0]
    assert of_passages(found, "quoted") == [1, 1, 1]
    assert of_passages(found, "times") == [1, 0, 0]
    assert of_passages(found, "places") == [1, 1, 1]
    texts = Texts(["", "天桥区"], ["歷下區去年開會。", "会"], np.array([1, 1]))
    nothing = np.zeros(2, np.float32)
    asked = asked_by("历下区和天桥区去年的会", {}, ["历下区", "天桥区"])
    found = weigh(asked, texts, Signals(nothing, nothing, nothing))
    assert of_passages(found, "places") == [0.5, 0.5]
    assert of_passages(found, "times") == [1, 0]
    assert of_passages(found, "numbers") == of_passages(found, "quoted") == [1, 1]


def test_the_heaviest_word_that_is_missing() -> None:
    weights = {"济南": 2.0, "名泉": 4.0}
    found = numbers_of(
        "济南的名泉", weights, [("", ["济南。"]), ("名泉", ["湖。"]), ("", ["湖。"])]
    )
    assert of_passages(found, "missing") == [4, 2, 4]
    assert of_passages(found, "mass") == about(np.log(3), np.log(5), 0)


def test_words_that_the_index_does_not_have() -> None:
    """济南 weighs 2, 名泉 4, and of these the index has 济南 alone."""
    pages = Texts(["", ""], ["济南。", "名泉。"], np.array([1, 1]))
    nothing = np.zeros(2, np.float32)
    asked = Asked("济南的名泉", Words({"济南": 2.0, "名泉": 4.0}, {"济南"}))
    found = weigh(asked, pages, Signals(nothing, nothing, nothing))
    assert of_passages(found, "terms") == about(1 / 3, 2 / 3)
    assert of_passages(found, "known_terms") == [1, 0]
    unknown = Asked("济南的名泉", Words({"济南": 2.0, "名泉": 4.0}, set()))
    found = weigh(unknown, pages, Signals(nothing, nothing, nothing))
    assert of_passages(found, "known_terms") == [0, 0]


def test_a_question_in_another_language() -> None:
    """A word stands where any translation does; pairs are those of the question as written."""
    weights = {"spring": 3.0, "jinan": 1.0, "5g": 4.0}
    translations = {"spring": ("spring", "泉", "春天"), "jinan": ("jinan", "济南"), "5g": ("5g",)}
    words = Words(weights, weights.keys(), (), translations)
    asked = Asked("Which springs in Jinan have 5G?", words)
    assert asked.terms == ["spring", "jinan", "5g"]
    sentences = ["濟南的名泉。", "春天有5G", "湖。"]
    texts = Texts(["Jinan"], sentences, np.array([3]))
    nothing = np.zeros(1, np.float32)
    found = weigh(asked, texts, Signals(nothing, nothing, np.zeros(3, np.float32)))
    assert of_sentences(found, "terms") == about(4 / 8, 1, 1 / 8)
    assert of_passages(found, "terms_in_one") == about(1)
    assert of_passages(found, "terms") == about(1)
    assert of_sentences(found, "pairs") == [0, 0, 0]


@pytest.mark.parametrize(
    ("question", "column"),
    [
        ("天桥区有几个党组织？", "form_number"),
        ("联盟是哪年成立的？", "form_moment"),
        ("校长是谁？", "form_person"),
        ("大明湖在哪里？", "form_place"),
        ("这本书叫什么名字？", "form_name"),
        ("联盟为什么成立？", "form_clause"),
    ],
)
def test_the_form_stands_in_the_column_of_its_kind(question: str, column: str) -> None:
    sentences = [
        "2020年在山东省济南市成立4个联盟。",
        "校长张伟因病休养。",
        "因为企业多，《泉报》写道。",
    ]
    found = numbers_of(question, {}, [("", sentences)])
    wanted = asked_by(question, {}).wanted
    sure = [strength(sentence, wanted, question) for sentence in sentences]
    assert of_sentences(found, "form") == of_sentences(found, column) == about(*sure)
    assert max(sure) > 0.5
    others = {name for name in SENTENCE_FEATURES if name.startswith("form_")} - {column}
    assert all(of_sentences(found, name) == [0, 0, 0] for name in others)
    assert len(others) == 6
    wants_number = column in {"form_number", "form_moment"}
    none = [one == 0 for one in sure]
    assert of_sentences(found, "no_number") == [wants_number and one for one in none]
    assert of_sentences(found, "no_name") == [one and not wants_number for one in none]


def test_the_strength_of_a_form_is_handed_on() -> None:
    assert of_sentences(numbers_of(QUESTION, WEIGHTS, PAGES), "form") == about(1, 0.8, 0, 0)


def test_names_of_columns_are_distinct() -> None:
    for names in (PASSAGE_FEATURES, SENTENCE_FEATURES):
        assert len(set(names)) == len(names)
    groups = [kind for group in evidence._FORM_GROUPS for kind in group]
    assert sorted(groups) == sorted(set(Kind) - {Kind.YES_NO, Kind.SMALL_TALK})
