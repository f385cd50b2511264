"""A user's dictionary: read once, kept with the index, asked with the same words."""

from __future__ import annotations

from pathlib import Path

import pytest

from embeddings.build import build
from embeddings.encoder import CountingEncoder
from embeddings.errors import IndexDamagedError, SettingError
from embeddings.lexical import Tokenizer, UserWord
from embeddings.settings import load
from embeddings.store import Generation, IndexFolder
from embeddings.user_dictionary import keep, kept_in, read_dictionary

ENCODER = CountingEncoder("双招引天桥区产业")
WORDS = (UserWord("双招双引"),)


def written(folder: Path, content: str | bytes) -> str:
    path = folder / "words.txt"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("双招双引", UserWord("双招双引")),
        ("雙招雙引 5", UserWord("双招双引", 5)),
        ("双招双引 5 nz", UserWord("双招双引", 5)),
        ("双招双引 nz", UserWord("双招双引")),
        ("双招双引\t5\tnz\r", UserWord("双招双引", 5)),
        ("\ufeff双招双引", UserWord("双招双引")),
        ("Ｃ９１９大飞机", UserWord("c919大飞机")),
        ("GB/T  19001 7", UserWord("gb/t 19001", 7)),
        ("machine learning", UserWord("machine learning")),
        ("C#", UserWord("c#")),
    ],
)
def test_a_line(tmp_path: Path, line: str, word: UserWord) -> None:
    assert read_dictionary(written(tmp_path, line)) == (word,)


def test_comments_and_empty_lines_are_left_out(tmp_path: Path) -> None:
    content = "# 说明\n\n  \n双招双引 3\n#双招\n天桥 2 ns\n"
    assert read_dictionary(written(tmp_path, content)) == (
        UserWord("双招双引", 3), UserWord("天桥", 2),
    )  # fmt: skip


def test_no_dictionary() -> None:
    assert read_dictionary("") == ()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("双招\n。。。\n", "Line 2 of the dictionary .* is '。。。'; write a word of at most 60"),
        ("双招 0\n", "Line 1 .* is '双招 0'; .* count from 1 to 1,000,000,000"),
        ("双招 9999999999\n", "Line 1 .*count from 1"),
        ("招" * 61, f"Line 1 .* is '{'招' * 60}…'; write a word of at most 60 characters"),
        ("双\0招", "Line 1 .*write a word"),
        ("双招双引".encode("gbk"), "is not UTF-8 text .byte 3.; save it as UTF-8"),
        (b"\x89PNG\r\n\x1a\n", "is not UTF-8 text"),
    ],
)
def test_a_bad_file(tmp_path: Path, content: str | bytes, said: str) -> None:
    with pytest.raises(SettingError, match=said):
        read_dictionary(written(tmp_path, content))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for path in (tmp_path / "none.txt", tmp_path):
        with pytest.raises(SettingError, match="cannot be read .*name a text file of words"):
            read_dictionary(str(path))


def test_the_setting() -> None:
    assert load({"dictionary": None}, {"WENJU_DICTIONARY": "词.txt"}).dictionary == "词.txt"


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    words = (UserWord("gb/t 19001"), UserWord("双招双引", 5))
    keep(words, tmp_path)
    assert kept_in(tmp_path) == words
    assert kept_in(tmp_path / "none") == ()


def test_nothing_is_kept_of_no_words(tmp_path: Path) -> None:
    keep((), tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["", "{", "5", "[5]", '[["双招"]]', '[["双招", "x"]]'])
def test_damaged_words(tmp_path: Path, content: str) -> None:
    folder = tmp_path / "index" / "generations" / "000001"
    folder.mkdir(parents=True)
    (folder / "dictionary.json").write_text(content, encoding="utf-8")
    with pytest.raises(IndexDamagedError, match="'dictionary.json' of generation 000001"):
        kept_in(folder)


@pytest.fixture
def index(tmp_path: Path) -> Path:
    return tmp_path / "index"


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "甲.txt").write_text("天桥区开展双招双引工作。", encoding="utf-8")
    (folder / "乙.txt").write_text("双方招手，引人注意。", encoding="utf-8")
    return folder


def test_the_generation_keeps_the_words_that_made_it(
    documents: Path, index: Path, tokenizer: Tokenizer
) -> None:
    build(documents, index, ENCODER, tokenizer.with_words(WORDS))
    generation = Generation(IndexFolder(index).current())
    own = tokenizer.with_words(kept_in(generation.folder))
    assert own.user_words == WORDS
    assert generation.manifest.tokenizer == own.fingerprint
    assert "dictionary.json" in generation.manifest.files
    assert list(generation.postings.match(own.tokens("雙招雙引")).held) == ["双招双引"]
    assert list(generation.postings.match(tokenizer.tokens("雙招雙引")).held) == []


def test_another_dictionary_is_another_generation(
    documents: Path, index: Path, tokenizer: Tokenizer
) -> None:
    own = tokenizer.with_words(WORDS)
    assert build(documents, index, ENCODER, own).published
    assert not build(documents, index, ENCODER, own).published
    report = build(documents, index, ENCODER, tokenizer)
    assert (report.published, report.encoded) == (True, 0)
    assert kept_in(IndexFolder(index).current()) == ()
