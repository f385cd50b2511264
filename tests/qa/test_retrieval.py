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
from qa.bot import Bot
from qa.records import Hit
from qa.retrieval import fuse

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
    return Bot(root / "index", counting, tokenizer)


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
        f"bot = Bot(Path({str(index)!r}), CountingEncoder(ALPHABET), Tokenizer(home() / 'jieba'));"
        "assert bot.ask('天桥区有几个产业链党组织？').citations;"
        "sys.exit('numpy.ma' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", asking], cwd=Path(__file__).parents[2], check=False
    )
    assert done.returncode == 0
