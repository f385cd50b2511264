"""Rankings of the variants worked out by hand, and the table over small sets of both sorts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.ablation import (
    VARIANTS,
    Figure,
    QuestionSet,
    Remembering,
    Variant,
    gold_set,
    measure,
    ranked_by,
    reciprocal_ranks,
    squad_set,
    to_markdown,
)
from embeddings.build import build
from embeddings.encoder import CountingEncoder, TokenReader, TokenStates
from embeddings.lexical import Tokenizer
from embeddings.progress import OnProgress, silence
from embeddings.store import Generation, IndexFolder
from qa import squad
from qa.bot import Bot, Making
from qa.question_files import Question
from qa.ranking import Layers, Ranking
from qa.read_support import COLUMNS as AFTER
from qa.read_support import ReadSupport
from qa.reader import SentenceReader
from qa.squad import GoldAnswer, SquadFile, SquadQuestion
from qa.support import COLUMNS, Support
from tests.rankings import ranking_by

CONTEXTS = (
    "济南有七十二名泉，泉水很清。",
    "黄河流经济南北部，黄河很长。",
    "大明湖在济南，湖水很清。",
)

RANKING = ranking_by({"dense": 20.0, "terms": 5.0}, {"cosine": 20.0, "terms": 5.0}, lift=0.5)


def constant(columns: int, value: float) -> Layers:
    """Return layers that give `value` whatever the columns are."""
    nothing = np.zeros(columns, np.float32)
    return Layers(nothing, nothing + 1, (nothing[:, None],), (np.array([value]),))


def always(support: float) -> Support:
    """Return what finds every question as likely to be answered."""
    return Support(constant(len(COLUMNS), support), ())


SURE = ReadSupport(constant(len(AFTER), 9.0), constant(len(AFTER), 9.0), ())
"""Finds after reading that every question is answered."""

READER = SentenceReader({}, ())
"""Reads nothing: the encoder of these tests tells nothing of tokens."""

EVERYTHING = "+ fitted weights: everything"


class Noting(CountingEncoder):
    """Notes the questions that it encodes."""

    def __init__(self) -> None:
        super().__init__("济南泉水黄河湖")
        self.asked: list[str] = []

    def encode_query(self, text: str) -> NDArray[np.float32]:
        self.asked.append(text)
        return super().encode_query(text)

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.array([self.encode_query(text) for text in texts])


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory, tokenizer: Tokenizer) -> Path:
    folder = tmp_path_factory.mktemp("ablation")
    squad.write_contexts(CONTEXTS, folder / "contexts")
    build(folder / "contexts", folder / "index", Noting(), tokenizer)
    return folder / "index"


def springs(index: Path) -> QuestionSet:
    questions = (
        SquadQuestion(Question("1", "济南有多少名泉？"), CONTEXTS[0], (GoldAnswer("七十二", 3),)),
        SquadQuestion(Question("2", "黄河流经哪里？"), CONTEXTS[1], (GoldAnswer("济南北部", 4),)),
        SquadQuestion(Question("3", "湖水清吗？"), CONTEXTS[2], (GoldAnswer("湖水很清", 7),)),
    )
    return squad_set(SquadFile("泉.json", questions), index)


def lines(folder: Path) -> Path:
    evidence = [{"source": squad.context_name(CONTEXTS[1]), "quote": "黄河很长"}]
    row = {"id": "1", "kind": "other", "question": "黄河长吗？", "answers": [["很长"]]}
    path = folder / "问题.jsonl"
    path.write_text(json.dumps({**row, "evidence": evidence}), encoding="utf-8")
    return path


def test_reciprocal_ranks() -> None:
    ranks = reciprocal_ranks(np.array([0.5, 0.9, 0.5, -1.0]), np.array([7, 3, 2, 1]))
    assert ranks.tolist() == [1 / 63, 1 / 61, 1 / 62, 1 / 64]
    assert reciprocal_ranks(np.empty(0), np.empty(0, np.int64)).tolist() == []
    unmatched = reciprocal_ranks(np.array([np.nan, 2.0]), np.array([0, 1]))
    assert np.isnan(unmatched).tolist() == [True, False]
    assert unmatched[1] == 1 / 61


@pytest.mark.parametrize("question", ["济南的泉水", "黄河", "many springs", "。"])
def test_each_half_ranks_by_itself(index: Path, tokenizer: Tokenizer, question: str) -> None:
    generation = Generation(IndexFolder(index).current())
    found = {
        name: variant.making(RANKING, READER)(generation, Noting(), tokenizer).find(question)
        for name, variant in VARIANTS.items()
    }
    dense, words = found["passage vectors alone"], found["words alone (BM25)"]
    every = generation.vectors.vectors(range(3)) @ Noting().encode_query(question)
    assert dense.rows.tolist() == np.lexsort((np.arange(3), -every)).tolist()
    scores = generation.postings.match(tokenizer.tokens(question)).scores(np.arange(3))
    best = np.lexsort((np.arange(3), -scores))
    assert words.rows.tolist() == [row for row in best if scores[row] > 0]
    for one in found.values():
        assert one.score.tolist() == sorted(one.score, reverse=True)
        assert all(0 <= score <= 1 for score in one.score)


def test_weights_order_the_last_variants_alone(index: Path, tokenizer: Tokenizer) -> None:
    """Those that the variant is given: turned round, they turn the order."""
    generation = Generation(IndexFolder(index).current())
    plain = replace(RANKING, lift=0.0)
    turned = replace(plain, passage=negative(RANKING.passage))
    changed = []
    for name, variant in VARIANTS.items():
        found, other = (
            variant.making(ranking, READER)(generation, Noting(), tokenizer)
            .find("济南的泉水")
            .rows.tolist()
            for ranking in (plain, turned)
        )
        if found == other[::-1]:
            changed.append(name)
        else:
            assert found == other
    assert changed == [EVERYTHING, "everything but sentence vectors", "everything but the rule"]


def negative(layers: Layers) -> Layers:
    return replace(layers, weights=tuple(-weight for weight in layers.weights))


class Noted(Bot):
    """Notes what it judges by."""

    judged_by: ClassVar[list[object]] = []

    def __init__(self, *args: Any, **named: Any) -> None:
        self.judged_by.extend((named["support"], named["read_support"]))
        super().__init__(*args, **named)


def test_figures_come_from_weights_that_did_not_see_the_texts(
    index: Path, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, ...]] = []
    given: list[object] = []
    fits = {Ranking: RANKING, SentenceReader: READER, Support: always(9), ReadSupport: SURE}

    def noting(ranking: Ranking, reader: SentenceReader) -> Making:
        given.extend((ranking, reader))
        return VARIANTS[EVERYTHING].making(ranking, reader)

    def unseen(fit: object, texts: tuple[str, ...]) -> object:
        asked.append(texts)
        return fit

    for sort, fit in fits.items():
        monkeypatch.setattr(sort, "unseen", partial(unseen, fit))
    monkeypatch.setattr(Noted, "judged_by", given)
    noted = {"noted": Variant(noting, Noted)}
    assert len(list(measure(noted, [springs(index)], Noting(), tokenizer))) == 1
    assert asked == [CONTEXTS] * len(fits)
    assert given == list(fits.values())


class Characters(CountingEncoder):
    """Reads a text as its characters."""

    def read(self, texts: Sequence[str], longest: int = 512) -> list[TokenStates]:
        return [
            TokenStates(np.array([ord(c) for c in one[:longest]]), np.ones((len(one), 4), "f4"))
            for one in texts
        ]


def test_what_remembers_reads_where_its_encoder_does() -> None:
    plain: object = Remembering(Noting())
    reading = Remembering(Characters("泉"))
    assert not isinstance(plain, TokenReader)
    assert isinstance(reading, TokenReader)
    assert [one.ids.tolist() for one in reading.read(["泉水", "湖"])] == [[27849, 27700], [28246]]


def test_ties_go_by_row(index: Path, tokenizer: Tokenizer) -> None:
    generation = Generation(IndexFolder(index).current())
    found = (
        VARIANTS[EVERYTHING].making(RANKING, READER)(generation, Noting(), tokenizer).find("济南")
    )
    assert ranked_by(found, np.zeros(3)).rows.tolist() == [0, 1, 2]
    highest_first = ranked_by(found, found.rows.astype(np.float64))
    assert highest_first.rows.tolist() == [2, 1, 0]
    assert highest_first.score.tolist() == [1.0, 0.5, 0.0]


def test_the_table(
    index: Path, tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Support, "shipped", lambda: always(9))
    monkeypatch.setattr(Ranking, "unseen", lambda texts: RANKING)
    encoder = Noting()
    sets = [gold_set(lines(tmp_path), index, " again"), springs(index)]
    variants = {name: VARIANTS[name] for name in (EVERYTHING, "words alone (BM25)")}
    told: list[tuple[str, str]] = []

    def telling(variant: str, asked: str) -> OnProgress:
        told.append((variant, asked))
        return silence

    rows = list(measure(variants, sets, Remembering(encoder), tokenizer, telling))
    assert "\n".join(to_markdown(sets, rows)) == (
        "|  | 问题 again hit@1 | 问题 again cited | 泉 R@1 | 泉 cites |\n"
        "| --- | --: | --: | --: | --: |\n"
        "| + fitted weights: everything | 1.000 | 1.000 | 1.000 | 1.000 |\n"
        "| words alone (BM25) | 1.000 | 1.000 | 1.000 | 1.000 |"
    )
    assert told == [(name, one.name) for name in variants for one in sets]
    assert len(encoder.asked) == len(set(encoder.asked))


def test_a_figure_that_no_question_has_is_left_open(index: Path, tokenizer: Tokenizer) -> None:
    columns = {".json": (Figure("R@1"), Figure("refused"), Figure("answer", "followup"))}
    row = ("alone", [1.0, float("nan"), float("nan")])
    assert "\n".join(to_markdown([springs(index)], [row], columns)) == (
        "|  | 泉 R@1 | 泉 refused | 泉 followup answer |\n"
        "| --- | --: | --: | --: |\n"
        "| alone | 1.000 | - | - |"
    )
    report = springs(index).ask(Bot(index, Noting(), tokenizer), silence)
    values = [figure.of(report) for figure in columns[".json"]]
    assert [value == value for value in values] == [True, False, False]


def test_a_sample_and_crossed_names(index: Path, tokenizer: Tokenizer, tmp_path: Path) -> None:
    crossed = SquadFile("en.json -> 泉.json", springs_of(5))
    sets = [squad_set(crossed, index, sample=2), gold_set(lines(tmp_path), index, sample=1)]
    assert [one.name for one in sets] == ["en -> 泉", "问题"]
    bot = Bot(index, Noting(), tokenizer)
    assert [one.ask(bot, silence).groups["all"]["n"] for one in sets] == [2, 1]


def springs_of(count: int) -> tuple[SquadQuestion, ...]:
    gold = (GoldAnswer("七十二", 3),)
    return tuple(
        SquadQuestion(Question(str(at), f"济南有多少名泉{at}？"), CONTEXTS[0], gold)
        for at in range(count)
    )
