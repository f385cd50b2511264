"""Fitting: gold is where the answer stands, and the weights learn the column that tells."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from benchmarks import ranking as fitting
from benchmarks.ranking import Example, batch, examples, fit
from embeddings.build import build
from embeddings.encoder import CountingEncoder
from embeddings.lexical import Tokenizer
from embeddings.store import Generation, IndexFolder
from qa import squad
from qa.evidence import PASSAGE_FEATURES, SENTENCE_FEATURES, Evidence
from qa.question_files import Question
from qa.ranking import Layers, Ranking, relative
from qa.retrieval import Retriever
from qa.squad import GoldAnswer, SquadFile, SquadQuestion
from tests.rankings import ranking_by

TELLING, MISLEADING, NOISY = "terms", "length", ("pairs", "triples", "run")


def told(seed: int, passages: int = 4, has_gold: bool = True) -> Example:
    """Two sentences a passage; of all columns one alone tells which is gold, of both sorts.

    The misleading one is highest where the gold is not, a few are noise, the others say nothing.
    """
    drawn = np.random.default_rng(seed)
    own = np.zeros((passages, len(PASSAGE_FEATURES)), np.float32)
    sentences = np.zeros((2 * passages, len(SENTENCE_FEATURES)), np.float32)
    for columns, names in ((own, PASSAGE_FEATURES), (sentences, SENTENCE_FEATURES)):
        noisy = [names.index(name) for name in (TELLING, *NOISY)]
        columns[:, noisy] = drawn.random((len(columns), len(noisy)))
    for columns, names in ((own, PASSAGE_FEATURES), (sentences, SENTENCE_FEATURES)):
        columns[:, names.index(MISLEADING)] = 1 - columns[:, names.index(TELLING)]
    best = sentences[:, SENTENCE_FEATURES.index(TELLING)].argmax()
    own[best // 2, PASSAGE_FEATURES.index(TELLING)] = 2
    evidence = Evidence(own, sentences, np.arange(0, 2 * passages, 2))
    gold = np.arange(passages) == best // 2
    return Example(evidence, gold & has_gold, (np.arange(2 * passages) == best) & has_gold)


SEEN, UNSEEN = [told(seed) for seed in range(60)], [told(seed) for seed in range(60, 100)]


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Threads of torch cost more than they give on so few examples."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def right(ranking: Ranking, asked: Sequence[Example]) -> tuple[float, float]:
    """Shares of the questions whose best passage and best sentence are gold."""
    weighed = [ranking(one.evidence) for one in asked]
    pairs = list(zip(asked, weighed, strict=True))
    passages = [one.passages[values.passages.argmax()] for one, values in pairs]
    sentences = [one.sentences[values.sentences.argmax()] for one, values in pairs]
    return float(np.mean(passages)), float(np.mean(sentences))


def test_a_batch_numbers_its_questions_and_passages() -> None:
    one, other = told(0, passages=2), told(1, passages=3)
    made = batch([one, other])
    assert made.size == 2
    assert made.asked.tolist() == [0, 0, 1, 1, 1]
    assert made.owners.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert made.gold_passages.tolist() == [*one.passages, *other.passages]
    assert made.gold_sentences.tolist() == [*one.sentences, *other.sentences]
    assert made.gold_passages.dtype == made.gold_sentences.dtype == np.float32
    assert made.passages[:2].tolist() == relative(one.evidence.passages).tolist()
    assert made.sentences[4:].tolist() == relative(other.evidence.sentences).tolist()


def test_the_column_that_tells_is_learned() -> None:
    ranking = fit(SEEN, ("甲.json",))
    assert ranking.fitted_on == ("甲.json",)
    assert right(ranking, SEEN) == (1.0, 1.0)
    passages, sentences = right(ranking, UNSEEN)
    assert passages >= 0.95
    assert sentences >= 0.85
    weights = dict(zip(PASSAGE_FEATURES, own_and_relative(ranking.passage), strict=True))
    telling = weights.pop(TELLING)
    assert telling > 2 * max(weights.values()) > 0


def own_and_relative(layers: Layers) -> list[float]:
    """The weights of each column and of how it compares, added."""
    return [float(one) for one in layers.weights[0][:, 0].reshape(2, -1).sum(axis=0)]


def test_sentences_are_learned_where_passages_teach_nothing() -> None:
    alone = [told(seed, passages=1) for seed in range(100)]
    assert right(fit(alone[:60], ()), alone[60:])[1] >= 0.95


def test_questions_without_gold_change_nothing_but_the_scale() -> None:
    ranking = fit([*SEEN, told(200, has_gold=False)], ())
    assert right(ranking, SEEN) == (1.0, 1.0)


def test_the_same_examples_give_the_same_weights() -> None:
    assert fit(SEEN[:8], ()).to_json() == fit(SEEN[:8], ()).to_json()


def test_surprise_by_hand() -> None:
    """-log 3/4 of the first question; the second has no gold and is left out."""
    import torch

    values = torch.tensor([np.log(3.0), 0.0, 7.0, 1.0], dtype=torch.float32)
    asked, gold = torch.tensor([0, 0, 1, 1]), torch.tensor([1.0, 0.0, 0.0, 0.0])
    assert fitting._surprise(values, asked, gold, 2).item() == pytest.approx(-np.log(0.75))
    both = torch.tensor([1.0, 0.0, 1.0, 1.0])
    assert fitting._surprise(values, asked, both, 2).item() == pytest.approx(-np.log(0.75) / 2)


def test_sums_by_hand() -> None:
    import torch

    values = torch.tensor([np.log(3.0), -100.0, 0.0, np.log(5.0), 2.0], dtype=torch.float32)
    sums = fitting._log_sums(values, torch.tensor([0, 1, 0, 0, 2]), 3)
    assert sums.tolist() == pytest.approx([np.log(9), -100, 2], abs=1e-5)


def test_a_row_of_the_table() -> None:
    """By the misleading column the gold comes last, by the telling one first."""
    gold_first = [one for one in UNSEEN if one.passages[0]]
    telling = ranking_by({TELLING: 9.0}, {TELLING: 9.0})
    before = len(gold_first) / len(UNSEEN)
    assert 0 < before < 1
    assert (
        fitting._judged("甲.json", telling, UNSEEN)
        == f"| 甲.json | {before:.4f} | 1.0000 | 1.0000 |"
    )
    turned = ranking_by({TELLING: -9.0}, {TELLING: -9.0})
    assert fitting._judged("乙", turned, gold_first) == "| 乙 | 1.0000 | 0.0000 | 0.0000 |"


CONTEXTS = (
    "济南有七十二名泉。泉水很清。",
    "黄河流经济南北部，黄河很长。",
    "大明湖在济南。湖水很清。",
)


def asked_of(context: str, text: str, answer: str) -> SquadQuestion:
    gold = (GoldAnswer(answer, context.find(answer)),)
    return SquadQuestion(Question(text, text), context, gold)


QUESTIONS = (
    asked_of(CONTEXTS[0], "济南有多少名泉？", "七十二"),
    asked_of(CONTEXTS[2], "湖水清吗？", "湖水很清"),
    asked_of("没有的。", "济南有多少名泉？", "没有"),
)


@pytest.fixture(scope="module")
def retriever(tmp_path_factory: pytest.TempPathFactory, tokenizer: Tokenizer) -> Retriever:
    folder, encoder = tmp_path_factory.mktemp("fitting"), CountingEncoder("济南泉水黄河湖")
    squad.write_contexts(CONTEXTS, folder / "contexts")
    build(folder / "contexts", folder / "index", encoder, tokenizer)
    generation = Generation(IndexFolder(folder / "index").current())
    return Retriever(generation, encoder, tokenizer, ranking_by({}))


def test_gold_is_where_the_answer_stands(retriever: Retriever) -> None:
    made = examples(retriever, SquadFile("泉.json", QUESTIONS))
    assert len(made) == 3
    for one, question in zip(made, QUESTIONS, strict=True):
        found = retriever.gather(question.question.text)
        assert found is not None
        texts = retriever.generation.texts([int(row) for row in found.rows])
        gold = [texts[int(row)][1] == question.context for row in found.rows]
        assert one.passages.tolist() == gold
        told_by = [
            answer.text in text for text in found.texts.sentences for answer in question.answers
        ]
        assert one.sentences.tolist() == told_by
        assert one.evidence.passages.tolist() == found.evidence.passages.tolist()
    assert [one.sentences.sum() for one in made] == [1, 1, 0]


def test_a_question_that_finds_nothing_is_no_example(retriever: Retriever) -> None:
    blank = SquadFile("空.json", (asked_of(CONTEXTS[0], " ", "七十二"),))
    assert examples(retriever, blank) == []


def squad_file(path: Path, contexts: Sequence[str]) -> Path:
    paragraphs = [
        {
            "context": context,
            "qas": [
                {
                    "id": context,
                    "question": "多少？",
                    "answers": [{"text": context[0], "answer_start": 0}],
                }
            ],
        }
        for context in contexts
    ]
    path.write_text(json.dumps({"data": [{"paragraphs": paragraphs}]}), encoding="utf-8")
    return path


def test_what_is_written_is_what_the_program_reads(tmp_path: Path) -> None:
    paths = [
        squad_file(tmp_path / "甲.json", CONTEXTS[:2]),
        squad_file(tmp_path / "乙.json", CONTEXTS[2:]),
    ]
    fits = [
        ranking_by({TELLING: 1.5}, lift=at, fitted_on=names)
        for at, names in enumerate((("甲.json", "乙.json"), ("乙.json",), ("甲.json",)))
    ]
    made = fitting._content(paths, [squad.read_squad(path) for path in paths], fits)
    assert made["made_by"] == "python -m benchmarks.ranking 甲.json 乙.json"
    assert {name: file["questions"] for name, file in made["files"].items()} == {
        "甲.json": 2,
        "乙.json": 1,
    }
    weights = tmp_path / "weights.json"
    weights.write_text(json.dumps(made), encoding="utf-8")
    assert Ranking.read(weights).to_json() == fits[0].to_json()
    assert Ranking.read(weights, frozenset(CONTEXTS[1:2])).to_json() == fits[1].to_json()
    assert Ranking.read(weights, frozenset(CONTEXTS[2:])).to_json() == fits[2].to_json()


def test_each_fit_is_judged_on_the_file_that_it_did_not_see(
    tmp_path: Path,
    retriever: Retriever,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    paths = [
        squad_file(tmp_path / f"{name}.json", CONTEXTS[at : at + 1])
        for at, name in enumerate("甲乙丙")
    ]
    weights = tmp_path / "weights.json"
    monkeypatch.setattr("sys.argv", ["ranking", *map(str, paths), "--write", str(weights)])
    monkeypatch.setattr(fitting, "open_retriever", lambda files: retriever)
    monkeypatch.setattr(fitting, "EPOCHS", 2)
    fitting.main()
    rows = capsys.readouterr().out.splitlines()
    assert [row.split(" | ")[0] for row in rows[2:]] == ["| 甲.json", "| 乙.json", "| 丙.json"]
    made = json.loads(weights.read_text(encoding="utf-8"))
    assert [one["fitted_on"] for one in made["fits"]] == [
        ["甲.json", "乙.json", "丙.json"],
        ["乙.json", "丙.json"],
        ["甲.json", "丙.json"],
        ["甲.json", "乙.json"],
    ]
    assert Ranking.read(weights, frozenset(CONTEXTS[1:2])).fitted_on == ("甲.json", "丙.json")
