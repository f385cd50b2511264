"""Documents among the contexts of SQuAD files: the same passages, known vectors, what is refused."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

from embeddings.build import build
from embeddings.encoder import CountingEncoder
from embeddings.errors import IndexWriteError, SettingError, SourceError
from embeddings.lexical import Tokenizer
from embeddings.store import Generation, IndexFolder
from qa.bot import Bot
from qa.cli import main
from qa.crowd import crowd_key, take_vectors, write_crowd
from qa.evaluate import evaluate
from qa.records import OriginalDocument
from tests.qa.test_evaluate import EVIDENCE, RIVER, ROWS, SPRING, TEMPERATURE, use, write_squad

PAGES = {
    "泉.txt": SPRING.encode(),
    "乡/café.html": "<h1>济南的河</h1><p>小清河也流经济南。</p>".encode("gb18030"),
    "重/又一份.txt": SPRING.encode(),
}


class Noting(CountingEncoder):
    """Notes what it encodes."""

    def __init__(self) -> None:
        super().__init__("泉水黄河公里度")
        self.encoded: list[str] = []

    def encode_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.encoded += texts
        return super().encode_passages(texts)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def encoder(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Noting:
    """The encoder of every index; the folder 库 holds one over `PAGES`."""
    made = Noting()
    use(made, cache, monkeypatch)
    for name, data in PAGES.items():
        # As macOS writes names: decomposed.
        path = tmp_path / "docs" / unicodedata.normalize("NFD", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    build(tmp_path / "docs", tmp_path / "库", made, Tokenizer(cache / "jieba"))
    made.encoded.clear()
    return made


def questions(folder: Path, *more: dict[str, object]) -> Path:
    path = folder / "问题.jsonl"
    lines = [json.dumps(one) for one in ({**TEMPERATURE, "evidence": EVIDENCE}, *more)]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def passages_of(index: Path, source: str) -> list[tuple[object, ...]]:
    generation = Generation(IndexFolder(index).current())
    (document,) = generation.select([source]).sources
    return [(p.role, p.title, p.heading, p.text, p.spans) for p in generation.places_in(document)]


def test_the_row_of_the_crowd_stands_behind_its_file(encoder: Noting, tmp_path: Path) -> None:
    files = [questions(tmp_path), write_squad(tmp_path, "河.json", *ROWS)]
    found = evaluate(files, index=tmp_path / "库", crowd=True)
    assert [report.file for report in found.reports] == [
        "问题.jsonl",
        "问题.jsonl in a crowd",
        "河.json",
    ]
    own, crowded = (report.groups["all"] for report in found.reports[:2])
    assert (own["n"], own["hit@1"]) == (crowded["n"], crowded["hit@1"]) == (1, 1.0)
    assert found.crowd is not None
    assert (found.crowd.documents, found.crowd.contexts, found.crowd.skipped) == (2, 2, 0)
    bot = Bot(Path(found.crowd.folder), encoder, Tokenizer(tmp_path))
    assert {"泉.txt", "乡/café.html", "重/又一份.txt"} < set(bot.info().sources)
    assert bot.retrieve("黄河全长多少公里？", 1)[0].text == RIVER


def test_the_documents_have_the_same_passages(encoder: Noting, tmp_path: Path) -> None:
    files = [questions(tmp_path), write_squad(tmp_path, "河.json", *ROWS)]
    crowd = evaluate(files, index=tmp_path / "库", crowd=True).crowd
    assert crowd is not None
    for source in PAGES:
        name = unicodedata.normalize("NFC", source)
        assert passages_of(Path(crowd.folder), name) == passages_of(tmp_path / "库", name)
    assert passages_of(tmp_path / "库", "乡/café.html")[0][1] == "济南的河"


def test_no_text_is_encoded_twice(encoder: Noting, tmp_path: Path) -> None:
    lake = ("大明湖在济南，湖水很清。", "d", "大明湖在哪里？", "济南")
    files = [questions(tmp_path), write_squad(tmp_path, "湖.json", *ROWS, lake)]
    first = evaluate(files, index=tmp_path / "库", crowd=True)
    assert lake[0] in encoder.encoded
    assert len(encoder.encoded) == len(set(encoder.encoded))
    assert (first.crowd and first.crowd.encoded, first.contexts and first.contexts.skipped) == (
        0,
        0,
    )
    encoder.encoded.clear()
    again = evaluate(files, index=tmp_path / "库", crowd=True)
    assert encoder.encoded == []
    assert again.crowd == first.crowd
    assert [report.groups for report in again.reports] == [r.groups for r in first.reports]


def test_taken_vectors_are_the_same_bit_by_bit(encoder: Noting, tmp_path: Path) -> None:
    def vectors() -> NDArray[np.float32]:
        generation = Generation(IndexFolder(tmp_path / "又").current())
        return generation.vectors.vectors(range(generation.vectors.size))

    take_vectors(tmp_path / "又", [tmp_path / "库"])
    words = Tokenizer(tmp_path)
    assert build(tmp_path / "docs", tmp_path / "又", encoder, words).encoded == 0
    taken = vectors()
    build(tmp_path / "docs", tmp_path / "又", encoder, words, full=True)
    np.testing.assert_array_equal(taken, vectors())


def test_another_crowd_is_another_index() -> None:
    one = OriginalDocument("id", ("a.txt",), "", "", None, ())
    moved = OriginalDocument("id", ("b.txt",), "", "", None, ())
    changed = OriginalDocument("di", ("a.txt",), "", "", None, ())
    keys = [crowd_key([doc], [SPRING]) for doc in (one, moved, changed)]
    keys.append(crowd_key([one], [RIVER]))
    assert len(set(keys)) == 4
    assert crowd_key([one, moved], [SPRING, RIVER]) == crowd_key([moved, one], [RIVER, SPRING])


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda docs: (docs / "泉.txt").write_text("另一份。"), "'泉.txt' in .* is not what was"),
        (lambda docs: (docs / "泉.txt").unlink(), "'泉.txt' in .* is gone, or .* wenju build"),
        (lambda docs: docs.rename(docs.parent / "moved"), "'.*docs' does not exist; give a folder"),
    ],
)
def test_documents_that_are_not_there_any_more(
    encoder: Noting, tmp_path: Path, spoil: Callable[[Path], object], sentence: str
) -> None:
    documents = Bot(tmp_path / "库", encoder, Tokenizer(tmp_path)).documents()
    spoil(tmp_path / "docs")
    with pytest.raises(SourceError, match=sentence):
        write_crowd(tmp_path / "库", documents, [RIVER], tmp_path / "crowd" / "documents")
    assert list((tmp_path / "crowd").rglob("*")) == []


def test_a_folder_that_is_there_is_kept(encoder: Noting, tmp_path: Path) -> None:
    (tmp_path / "crowd").mkdir()
    write_crowd(tmp_path / "无", [], [RIVER], tmp_path / "crowd")
    assert list((tmp_path / "crowd").iterdir()) == []


def test_a_place_that_cannot_be_written(encoder: Noting, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(IndexWriteError, match=r"cannot be written to .*Set WENJU_HOME"):
        write_crowd(tmp_path / "库", [], [RIVER], tmp_path / "file" / "documents")


def test_a_crowd_needs_files_of_both_sorts(tmp_path: Path) -> None:
    both = [questions(tmp_path), write_squad(tmp_path, "河.json", *ROWS)]
    for file in both:
        with pytest.raises(
            SettingError, match=r"give at least one file of each, as in: wenju eval"
        ):
            evaluate([file], index=tmp_path, crowd=True)


def test_the_command(encoder: Noting, tmp_path: Path) -> None:
    files = [str(questions(tmp_path)), str(write_squad(tmp_path, "河.json", *ROWS))]
    words = ["eval", *files, "--crowd", "--index", str(tmp_path / "库")]
    out = CliRunner().invoke(main, words, catch_exceptions=False).stdout
    assert out.splitlines()[1].startswith("2 documents among 2 contexts in one index; ")
    assert [line.split("  ")[0] for line in out.splitlines()[4:6]] == [
        "问题.jsonl",
        "问题.jsonl in a crowd",
    ]
