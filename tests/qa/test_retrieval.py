"""Ranking: both halves count, each hit says why, filters hold, odd questions are harmless."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from embeddings.build import build
from embeddings.encoder import CountingEncoder
from embeddings.lexical import Tokenizer
from embeddings.records import Role
from embeddings.store import Generation, IndexFolder
from qa.bot import Bot
from qa.evidence import PASSAGE_FEATURES
from qa.found import Found, Gathered, Parts
from qa.fusion import FOREIGN_SCALE, FOREIGN_ZERO, fuse, fuse_translated
from qa.ranking import Ranking
from qa.records import Hit
from qa.retrieval import WEIGHED, Retriever
from tests.qa.conftest import ALPHABET
from tests.rankings import ranking_by

ODD = ["。", "？！…", "😀", "\x00\x01", "a", "济", "ไทย", " x ", "济南" * 25_000, "\ud800"]


def test_the_right_passage_is_first(bot: Bot) -> None:
    best = bot.retrieve("天桥区有几个产业链党组织？")[0]
    assert (best.source, best.title, best.role) == ("天桥.txt", "天桥区抓党建", Role.BODY)
    assert best.text.startswith("天桥区建立4个产业链党组织")
    assert best.id == f"{best.document}:{best.spans[0].start}"


def test_a_hit_says_why(bot: Bot) -> None:
    signals = bot.retrieve("陈海英")[0].signals
    assert signals.words == ("陈海英",)
    assert signals.bm25 > 0
    assert -1 <= signals.dense <= 1
    assert signals.sentence <= 1


@pytest.mark.parametrize("question", ["济阳区走访了多少家企业", "濟陽區走訪了多少家企業"])
def test_both_scripts_find_traditional_text(bot: Bot, question: str) -> None:
    assert bot.retrieve(question)[0].source == "濟陽.txt"


def test_ranking_falls_and_has_no_repeats(bot: Bot) -> None:
    hits = bot.retrieve("党建联盟", k=100)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert all(0 < hit.score < 1 for hit in hits)
    assert len({hit.id for hit in hits}) == len(hits) == bot.info().passages


@pytest.mark.parametrize(("k", "count"), [(-1, 0), (0, 0), (1, 1), (3, 3), (10_000, 9)])
def test_k(bot: Bot, k: int, count: int) -> None:
    assert len(bot.retrieve("企业", k=k)) == min(count, bot.info().passages)


def test_sources_filter(bot: Bot) -> None:
    assert {hit.source for hit in bot.retrieve("企业", 50, ["高新.txt"])} == {"高新.txt"}
    assert bot.retrieve("企业", 50, ["没有.txt"]) == []
    assert bot.retrieve("企业", 50, []) == []


@pytest.mark.parametrize("question", [*ODD, ""])
def test_odd_questions_are_no_error(bot: Bot, question: str) -> None:
    assert isinstance(bot.retrieve(question), list)


def test_words_count_only_as_far_as_they_are_found() -> None:
    dense = np.array([0.90, 0.88], dtype=np.float32)
    bm25 = np.array([0.0, 5.0], dtype=np.float32)
    foreign = fuse(dense, dense, bm25, coverage=0.02)
    matched = fuse(dense, dense, bm25, coverage=0.9)
    assert foreign[0] > foreign[1]
    assert matched[1] > matched[0]


def test_no_matching_word_leaves_the_vectors_alone() -> None:
    dense = np.array([0.8, 0.9], dtype=np.float32)
    none = np.zeros(2, dtype=np.float32)
    assert fuse(dense, dense, none, 0.0).argmax() == 1
    assert fuse(none[:0], none[:0], none[:0], 0.0).shape == (0,)


def test_translated_words_by_hand() -> None:
    """0.6 * dense + 0.4 * sentence is 0.42, 0.40, -0.5: 0, -0.4, -18.4 spreads below the best."""
    dense = np.array([0.5, 0.4, -0.5], np.float32)
    sentence = np.array([0.3, 0.4, -0.5], np.float32)
    translated = np.array([0.0, 3.0, 10.0], np.float32)
    logits = [-2.0 + 3, -0.4 - 1.4 + 3, -18.4 + 3]
    scores = fuse_translated(dense, sentence, translated)
    assert scores.tolist() == pytest.approx([1 / (1 + np.exp(-x)) for x in logits], rel=1e-4)
    none = np.zeros(0, np.float32)
    assert fuse_translated(none, none, none).shape == (0,)
    below = np.array([-0.1, -0.2], np.float32)
    scores = fuse_translated(below, below, np.zeros(2, np.float32))
    assert scores.tolist() == pytest.approx([1 / (1 + np.exp(-3)), 1 / (1 + np.exp(-1))], rel=1e-4)


PARAGRAPH = "天桥区建立4个产业链党组织,覆盖21家企业。"

REPEATED = {
    "甲/一.txt": f"甲报要闻\n\n{PARAGRAPH}\n",
    "甲/二.txt": f"\r\n\r\n乙报要闻\r\n\r\n{PARAGRAPH[:6]}\r\n{PARAGRAPH[6:]}\r\n",
    "甲/三.txt": f"甲报要闻\n\n{PARAGRAPH}\n",
    "乙/四.txt": "高新区的企业\n\n高新区有企业园区。\n",
}


@pytest.fixture(scope="module")
def repeated(
    tmp_path_factory: pytest.TempPathFactory, counting: CountingEncoder, tokenizer: Tokenizer
) -> Bot:
    """A bot over a paragraph in three files, of which two are equal."""
    root = tmp_path_factory.mktemp("repeated")
    for name, text in REPEATED.items():
        (root / "pages" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "pages" / name).write_bytes(text.encode())
    build(root / "pages", root / "index", counting, tokenizer)
    return Bot(root / "index", counting, tokenizer, least=0.0)


def places_of(hit: Hit) -> list[str]:
    return [hit.source, *(place.source for place in hit.places)]


def test_an_equal_paragraph_is_one_hit_with_its_places(repeated: Bot) -> None:
    hits = [hit for hit in repeated.retrieve("产业链党组织", 50) if hit.text == PARAGRAPH]
    assert [places_of(hit) for hit in hits] == [["甲/一.txt", "甲/三.txt", "甲/二.txt"]]
    assert repeated.retrieve("产业链党组织", 50) == repeated.retrieve("产业链党组织", 50)
    for place in hits[0].places:
        quoted = "".join(span.of(REPEATED[place.source]) for span in place.spans)
        assert "".join(quoted.split()) == PARAGRAPH


@pytest.mark.parametrize(
    ("source", "others"),
    [
        ("甲/一.txt", ["甲/三.txt", "甲/二.txt"]),
        ("甲/二.txt", ["甲/一.txt", "甲/三.txt"]),
        ("甲/三.txt", ["甲/一.txt", "甲/二.txt"]),
    ],
)
def test_a_filtered_hit_and_its_citation_stand_in_the_file_asked(
    repeated: Bot, source: str, others: list[str]
) -> None:
    hit = repeated.retrieve("产业链党组织", 1, [source])[0]
    assert places_of(hit) == [source, *others]
    assert source in repeated.document(hit.document).sources
    assert hit.id == f"{hit.document}:{hit.spans[0].start}"
    assert hit.title == REPEATED[source].split()[0]
    answer = repeated.ask("天桥区建立了几个产业链党组织？", sources=[source])
    assert answer.text == PARAGRAPH
    assert answer.nearest[0].source == source
    for citation in answer.citations:
        assert citation.source == source
        assert REPEATED[source][citation.start : citation.end] == citation.quote
    quoted = "".join(citation.quote for citation in answer.citations)
    assert "".join(quoted.split()) == PARAGRAPH


def test_a_folder_without_the_paragraph_does_not_find_it(repeated: Bot) -> None:
    hits = repeated.retrieve("产业链党组织", 50, ["乙/"])
    assert {tuple(places_of(hit)) for hit in hits} == {("乙/四.txt",)}


def test_masked_arrays_are_not_imported(index: Path) -> None:
    """They take 20 ms of every `wenju ask`; `np.unique` would import them."""
    asking = (
        "import sys; from pathlib import Path; from qa.bot import Bot; from embeddings.encoder import CountingEncoder;"
        "from embeddings.lexical import Tokenizer; from embeddings.model import home;"
        "from tests.qa.conftest import ALPHABET;"
        f"bot = Bot(Path({str(index)!r}), CountingEncoder(ALPHABET), Tokenizer(home() / 'jieba'), least=0.0);"
        "assert bot.ask('天桥区有几个产业链党组织？').citations;"
        "sys.exit('numpy.ma' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", asking], cwd=Path(__file__).parents[2], check=False
    )
    assert done.returncode == 0


SPRINGS = 30
ASKED = ("济南的泉水", "济南有几处泉水？", "第7处", "濟南的泉水", "湖")


def spring(number: int) -> str:
    """A passage; the higher its number, the more sentences it has."""
    named = f"{'济南' * (1 + number % 5)}第{number}处泉水。"
    return named + "".join(f"天桥{one}年产业很好。" for one in range(number))


@pytest.fixture(scope="module")
def springs(
    tmp_path_factory: pytest.TempPathFactory, counting: CountingEncoder, tokenizer: Tokenizer
) -> Generation:
    """More passages than are weighed, in two folders; one in three is Traditional."""
    root = tmp_path_factory.mktemp("springs")
    for number in range(SPRINGS):
        folder = root / "pages" / ("甲" if number % 2 else "乙")
        folder.mkdir(parents=True, exist_ok=True)
        text = spring(number).replace("济", "濟").replace("处", "處").replace("产业", "產業")
        text = text if number % 3 == 0 else spring(number)
        (folder / f"{number}.txt").write_text(text, encoding="utf-8")
    build(root / "pages", root / "index", counting, tokenizer)
    generation = Generation(IndexFolder(root / "index").current())
    assert generation.vectors.size >= SPRINGS > 2 * WEIGHED
    return generation


BY_LENGTH = ranking_by({"length": 1.0}, {"cosine": 1.0})
RANKINGS = pytest.mark.parametrize(
    "ranking", [BY_LENGTH, Ranking.shipped()], ids=["by length", "shipped"]
)


def searching(
    generation: Generation, tokenizer: Tokenizer, ranking: Ranking = BY_LENGTH, **parts: bool
) -> Retriever:
    return Retriever(generation, CountingEncoder(ALPHABET), tokenizer, ranking, Parts(**parts))


def gathered_of(found: Found) -> Gathered:
    assert found.gathered is not None
    return found.gathered


@pytest.mark.parametrize("question", ASKED)
def test_without_weights_the_order_is_that_of_the_rule(
    springs: Generation, tokenizer: Tokenizer, question: str
) -> None:
    found = searching(springs, tokenizer, weights=False).find(question)
    best = int(found.rows[found.bm25.argmax()])
    expected = fuse(found.dense, found.sentence, found.bm25, found.matches.coverage(best))
    assert found.score.tolist() == expected.tolist()
    assert np.lexsort((found.rows, -expected)).tolist() == list(range(len(found.rows)))
    assert gathered_of(found).rows.tolist() == found.rows[:WEIGHED].tolist()


@RANKINGS
@pytest.mark.parametrize("question", ASKED)
@pytest.mark.parametrize("sources", [None, ["甲/"], ["甲/1.txt", "乙/"]])
def test_weights_reorder_the_best_alone(
    springs: Generation,
    tokenizer: Tokenizer,
    ranking: Ranking,
    question: str,
    sources: list[str] | None,
) -> None:
    before = searching(springs, tokenizer, weights=False).find(question, sources)
    after = searching(springs, tokenizer, ranking).find(question, sources)
    assert len(after.rows) == len(before.rows) > WEIGHED
    assert after.rows[WEIGHED:].tolist() == before.rows[WEIGHED:].tolist()
    assert sorted(after.rows[:WEIGHED]) == sorted(before.rows[:WEIGHED])
    assert after.score.tolist() == sorted(after.score, reverse=True)
    assert all(0 <= score <= 1 for score in after.score)
    assert after.score[:WEIGHED].sum() == pytest.approx(1)
    own = dict(zip(before.rows, zip(before.dense, before.bm25, strict=True), strict=True))
    again = dict(zip(after.rows, zip(after.dense, after.bm25, strict=True), strict=True))
    assert again == own
    held = springs.places(after.rows.tolist()).values()
    allowed = springs.rows_of(springs.select(sources, None, None))
    assert len(held) == len(after.rows)
    assert set(after.rows.tolist()) <= set(allowed.tolist())


def test_the_order_is_that_of_the_weights(springs: Generation, tokenizer: Tokenizer) -> None:
    """By length: the passages with more sentences come first, and their shares are e^log1p."""
    found = searching(springs, tokenizer).find("济南的泉水")
    texts = springs.sentence_texts(found.rows[:WEIGHED])
    lengths = [1 + 1 + len("\n".join(texts[int(row)])) for row in found.rows[:WEIGHED]]
    titles = gathered_of(found).evidence.passages[:, PASSAGE_FEATURES.index("length")]
    shares = np.sort(np.expm1(titles) + 1)[::-1]
    assert lengths == sorted(lengths, reverse=True)
    assert len(set(lengths)) > WEIGHED // 2
    assert found.score[:WEIGHED].tolist() == pytest.approx(shares / shares.sum(), rel=1e-4)


@pytest.mark.parametrize("count", [0, 1, WEIGHED - 1, WEIGHED])
def test_fewer_candidates_than_are_weighed(
    springs: Generation, tokenizer: Tokenizer, count: int
) -> None:
    names = [f"{'甲' if number % 2 else '乙'}/{number}.txt" for number in range(count)]
    retriever = searching(springs, tokenizer)
    found = retriever.find("济南的泉水", names)
    assert len(found.rows) == len(springs.rows_of(springs.select(names, None, None)))
    if not count:
        assert found.gathered is None
        return
    gathered = gathered_of(found)
    assert gathered.weighed is not None
    assert sorted(gathered.rows) == sorted(found.rows)[: len(gathered.rows)]
    assert len(gathered.rows) == len(gathered.texts.counts) == min(len(found.rows), WEIGHED)
    assert found.score.sum() == pytest.approx(1)
    hits = retriever.retrieve("济南的泉水", 50, names)
    assert {hit.source for hit in hits} <= set(names)


@pytest.mark.parametrize("question", ["", " ", "\n"])
def test_a_blank_question_gathers_nothing(
    springs: Generation, tokenizer: Tokenizer, question: str
) -> None:
    retriever = searching(springs, tokenizer)
    assert retriever.find(question).gathered is None
    assert retriever.gather(question) is None


def test_gathering_among_some_rows(springs: Generation, tokenizer: Tokenizer) -> None:
    retriever = searching(springs, tokenizer)
    found = retriever.find("济南的泉水")
    best = gathered_of(found).rows
    gathered = retriever.gather("济南的泉水", np.sort(best[:3]))
    assert gathered is not None
    assert gathered.weighed is None
    assert gathered.rows.tolist() == best[:3].tolist()
    others = retriever.gather("济南的泉水", np.sort(found.rows[WEIGHED:]))
    assert others is not None
    assert len(others.rows) == WEIGHED
    assert retriever.gather("济南的泉水", best[:0]) is None


def test_sentences_know_their_passage(springs: Generation, tokenizer: Tokenizer) -> None:
    gathered = gathered_of(searching(springs, tokenizer).find("济南的泉水"))
    texts = springs.sentence_texts(gathered.rows)
    assert gathered.texts.sentences == [text for row in gathered.rows for text in texts[int(row)]]
    owners = [gathered.owner(int(row)) for row in gathered.sentence_rows]
    assert owners == np.repeat(gathered.rows, gathered.texts.counts).tolist()


def test_an_english_question_over_chinese_passages(
    springs: Generation, tokenizer: Tokenizer
) -> None:
    """Its cosines are on the scale of those in one language; words count where they are known."""
    question = "Which springs (泉) are there in the whole city of Jinan (济南)?"
    known, unknown = (
        gathered_of(searching(springs, tokenizer, dictionary=told).find(question))
        for told in (True, False)
    )
    for gathered in (known, unknown):
        asked = searching(springs, tokenizer).find(question).vectors.foreign
        assert asked is not None
        scripts = springs.scripts_of(gathered.rows)
        products = springs.vectors.cosines(asked, gathered.rows)
        centred = springs.passage_centre.cosines(asked, products, gathered.rows, scripts)
        cosines = gathered.evidence.passages[:, PASSAGE_FEATURES.index("dense")]
        assert cosines == pytest.approx(FOREIGN_ZERO + FOREIGN_SCALE * centred, abs=1e-5)
        assert np.ptp(cosines) > 0.01
        assert gathered.weighed is not None
    terms = PASSAGE_FEATURES.index("terms")
    assert known.evidence.passages[:, terms].max() > 0.5
    assert unknown.evidence.passages[:, terms].max() < known.evidence.passages[:, terms].max()
