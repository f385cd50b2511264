"""A damaged generation: the one before answers and says so; alone, a sentence names what to do."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from embeddings.errors import IndexDamagedError, IndexMissingError, WenjuError
from embeddings.lexical import Tokenizer
from embeddings.opened import Generation
from embeddings.opening import open_published
from embeddings.store import IndexFolder
from embeddings.verify import verify
from qa.bot import Bot
from tests.generations import ENCODER, QUESTION, Changing, seal

FILES = (
    "manifest.json",
    "map.npy",
    "passage_lengths.npy",
    "passage_means.npy",
    "postings/counts.npy",
    "postings/lengths.npy",
    "postings/origins.npy",
    "postings/postings.json",
    "postings/rows.npy",
    "postings/starts.npy",
    "postings/terms.npy",
    "scripts.npy",
    "sentence_lengths.npy",
    "sentence_means.npy",
    "sentences.npy",
    "text.db",
    "vectors.faiss",
)


def removed(path: Path) -> None:
    path.unlink()


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, tokenizer: Tokenizer) -> Path:
    """An index with generations 1 and 2, over versions 1 and 2 of its documents."""
    changing = Changing(tmp_path_factory.mktemp("damage"), tokenizer)
    for version in (1, 2):
        changing.publish(version)
    return changing.index


@pytest.fixture
def index(prepared: Path, tmp_path: Path) -> Path:
    shutil.copytree(prepared, tmp_path / "index")
    return tmp_path / "index"


def published(index: Path) -> Path:
    return index / "generations" / "000002"


def forget_the_first(index: Path) -> None:
    shutil.rmtree(index / "generations" / "000001")


def test_these_are_the_files_of_a_generation(prepared: Path) -> None:
    found = (p for p in published(prepared).rglob("*") if p.is_file())
    names = {p.relative_to(published(prepared)).as_posix() for p in found}
    assert sorted(names - {"manifest.sum"}) == list(FILES)


@pytest.mark.parametrize("damage", [removed, emptied, cut_short])
@pytest.mark.parametrize("name", FILES)
def test_the_generation_before_answers_and_says_so(
    index: Path,
    tokenizer: Tokenizer,
    caplog: pytest.LogCaptureFixture,
    name: str,
    damage: Callable[[Path], None],
) -> None:
    damage(published(index) / name)
    bot = Bot(index, ENCODER, tokenizer)
    assert "1家" in bot.ask(QUESTION).text
    info = bot.info()
    assert info.generation == 1
    assert info.warning is not None
    assert info.warning.startswith("Generation 1 of 20")
    assert f"'{name}' of generation 000002 in {str(index)!r} is missing or damaged" in info.warning
    assert f"documents --index {index}" in info.warning
    assert caplog.messages == [info.warning]


@pytest.mark.parametrize("damage", [removed, emptied, cut_short])
@pytest.mark.parametrize("name", FILES)
def test_alone_it_is_a_sentence_with_the_command(
    index: Path, tokenizer: Tokenizer, name: str, damage: Callable[[Path], None]
) -> None:
    forget_the_first(index)
    damage(published(index) / name)
    with pytest.raises(
        IndexDamagedError, match=f"'{name}' of .* build the index again: wenju build"
    ):
        Bot(index, ENCODER, tokenizer)


@pytest.mark.parametrize("name", FILES[1:])
def test_a_flipped_byte_never_ends_in_anything_but_an_answer_or_a_sentence(
    index: Path, tokenizer: Tokenizer, name: str
) -> None:
    path = published(index) / name
    whole = path.read_bytes()
    places = {*range(0, 160, 7), len(whole) // 3, len(whole) // 2, len(whole) - 1}
    for at in sorted(at for at in places if at < len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        with suppress(WenjuError):
            Bot(index, ENCODER, tokenizer).ask(QUESTION)


@pytest.mark.parametrize("name", FILES[1:])
def test_verify_finds_a_flipped_byte_and_the_next_opening_passes_the_generation_over(
    index: Path, tokenizer: Tokenizer, name: str
) -> None:
    path = published(index) / name
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    (problem,) = verify(index, ENCODER).problems
    assert problem.what == f"generation 2: {name!r} differs from its checksum"
    assert f"--index {index}, or go back: wenju build --rollback --index {index}" in problem.mend
    bot = Bot(index, ENCODER, tokenizer)
    assert bot.info().generation == 1
    assert "was found damaged (see `wenju verify`)" in str(bot.info().warning)
    data[-1] ^= 1
    path.write_bytes(data)
    assert verify(index, ENCODER).problems == ()
    assert Bot(index, ENCODER, tokenizer).info().generation == 2


@pytest.mark.parametrize("bit", range(16 * 8))
def test_a_current_with_a_flipped_bit_never_names_another_generation(
    index: Path, tokenizer: Tokenizer, bit: int
) -> None:
    data = bytearray((index / "CURRENT").read_bytes())
    assert len(data) == 16
    data[bit // 8] ^= 1 << bit % 8
    (index / "CURRENT").write_bytes(data)
    opened = open_published(IndexFolder(index))
    assert opened.generation.manifest.number == 2
    opened.generation.close()


@pytest.mark.parametrize("named", ["000009", "../x", "", "²", "\x00\xff"])
def test_current_names_nothing(index: Path, tokenizer: Tokenizer, named: str) -> None:
    (index / "CURRENT").write_text(named, encoding="utf-8")
    bot = Bot(index, ENCODER, tokenizer)
    assert bot.info().generation == 2
    assert "which is not there; publish again from the catalogue: wenju build" in str(
        bot.info().warning
    )
    shutil.rmtree(index / "generations")
    with pytest.raises(IndexDamagedError, match="CURRENT in .* names generation .*wenju build"):
        Bot(index, ENCODER, tokenizer)


def test_without_current_the_newest_answers(index: Path, tokenizer: Tokenizer) -> None:
    (index / "CURRENT").unlink()
    info = Bot(index, ENCODER, tokenizer).info()
    assert (info.generation, "CURRENT in" in str(info.warning)) == (2, True)
    assert "is missing; publish again from the catalogue: wenju build" in str(info.warning)
    shutil.rmtree(index / "generations")
    with pytest.raises(IndexMissingError, match="There is no index in .*build one first"):
        Bot(index, ENCODER, tokenizer)


@pytest.mark.parametrize(
    "name",
    [
        "passage_lengths.npy",
        "postings",
        "scripts.npy",
        "sentence_lengths.npy",
        "sentences.npy",
        "text.db",
        "vectors.faiss",
    ],
)
def test_files_of_another_index_are_refused_even_under_a_manifest_that_names_them(
    index: Path, tmp_path: Path, tokenizer: Tokenizer, name: str
) -> None:
    other = Changing(tmp_path / "other", tokenizer)
    other.write(1)
    (other.documents / "又.txt").write_text("又一份。", encoding="utf-8")
    other.build()
    folder = published(index)
    if name == "postings":
        shutil.rmtree(folder / name)
        shutil.copytree(other.folder.current() / name, folder / name)
    else:
        shutil.copy(other.folder.current() / name, folder / name)
    seal(folder)
    forget_the_first(index)
    with pytest.raises(IndexDamagedError, match=f"'{name}' of generation 000002"):
        Bot(index, ENCODER, tokenizer)


def test_damage_that_a_question_meets_makes_the_generation_before_answer(
    index: Path, tokenizer: Tokenizer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    bot = Bot(index, ENCODER, tokenizer)
    assert bot.info().generation == 2
    generation = bot._snapshot.generation
    assert isinstance(generation, Generation)
    generation._texts[0]._db.execute("PRAGMA cache_size = 0")
    path = published(index) / "text.db"
    size = path.stat().st_size
    path.write_bytes(path.read_bytes()[:100] + b"\xff" * (size - 100))
    assert "1家" in bot.ask(QUESTION).text
    assert bot.info().generation == 1
    assert "'text.db' of generation 000002" in str(bot.info().warning)
    assert len(caplog.messages) == 1
