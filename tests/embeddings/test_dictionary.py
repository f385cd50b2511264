"""Cuts over the mapped dictionary are jieba's own, and the file is written once and whole."""

from __future__ import annotations

import io
import os
import random
import re
import sys
import threading
from functools import cache
from pathlib import Path

import jieba
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from embeddings.cleaning import HAN
from embeddings.dictionary import Cutter, Dictionary
from embeddings.lexical import Tokenizer, search_form

SEEDS = Path(__file__).parents[2] / "seeds"
LINES = "天桥 30 ns\n天桥区 12 ns\n市 5 n\n倍增计划 7\n12306 3 m\n市 6 nr\n".encode()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("jieba")
    Dictionary.open(folder)
    return folder


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> jieba.Tokenizer:
    tokenizer = jieba.Tokenizer()
    tokenizer.tmp_dir = str(tmp_path_factory.mktemp("original"))
    tokenizer.initialize()
    return tokenizer


@pytest.fixture
def cutter(folder: Path) -> Cutter:
    """A new one: each test starts with no entry read."""
    return Cutter(Dictionary.open(folder))


@cache
def seed_lines() -> list[str]:
    texts = [path.read_text(encoding="utf-8") for path in sorted(SEEDS.glob("*.txt"))]
    return [line for text in texts for line in text.splitlines() if line.strip()]


def log_probability(tokenizer: jieba.Tokenizer, text: str) -> float:
    route: dict[int, tuple[float, int]] = {}
    tokenizer.calc(text, tokenizer.get_DAG(text), route)
    return route[0][0]


def assert_alike(cutter: Cutter, original: jieba.Tokenizer, text: str) -> None:
    assert cutter.lcut(text) == original.lcut(text)
    assert cutter.lcut(text, HMM=False) == original.lcut(text, HMM=False)
    assert cutter.lcut_for_search(text) == original.lcut_for_search(text)
    assert log_probability(cutter, text) == log_probability(original, text)


def test_the_seeds_are_cut_alike(cutter: Cutter, original: jieba.Tokenizer) -> None:
    lines = seed_lines()
    assert len(lines) > 100
    for line in lines:
        assert_alike(cutter, original, line)
    text = search_form("\n".join(lines))
    assert_alike(cutter, original, text)


def test_random_chinese_is_cut_alike(cutter: Cutter, original: jieba.Tokenizer) -> None:
    """Unlikely strings are cut by the hidden Markov model."""
    generator = random.Random(4)
    common = sorted(set(re.findall(f"[{HAN}]", "".join(seed_lines()))))
    anything = [chr(point) for point in range(0x4E00, 0x9FFF)]
    for at in range(300):
        characters = anything if at % 3 == 0 else common
        text = "".join(generator.choices(characters, k=generator.randint(1, 40)))
        assert_alike(cutter, original, text)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None
)
@given(st.text(st.sampled_from("天桥区直播电商5gA%+.-_ ，。\r\n\u3000𠮷é\ud800"), min_size=1))
def test_mixed_text_is_cut_alike(cutter: Cutter, original: jieba.Tokenizer, text: str) -> None:
    assert_alike(cutter, original, text)


def test_of_two_cuts_as_likely_the_longer_word_comes_first() -> None:
    """With counts of 1 of 1 all cuts have the same probability; jieba takes the last."""
    cutter = Cutter(Dictionary(Dictionary.pack({"天": 1, "桥": 1, "天桥": 1}, 1, {})))
    found: dict[int, tuple[float, int]] = {}
    wanted: dict[int, tuple[float, int]] = {}
    cutter.calc("天桥", cutter.get_DAG("天桥"), found)
    jieba.Tokenizer.calc(cutter, "天桥", cutter.get_DAG("天桥"), wanted)
    assert found == wanted
    assert cutter.lcut("天桥", HMM=False) == ["天桥"]


def test_a_new_dictionary_reads_only_what_starts_with_the_text(cutter: Cutter) -> None:
    assert len(cutter.FREQ) == 0
    assert cutter.lcut("天桥区") == ["天桥区"]
    assert {word[0] for word in cutter.FREQ} == set("天桥区")
    assert len(cutter.FREQ) < 3000


def test_every_entry_is_that_of_jieba(folder: Path, original: jieba.Tokenizer) -> None:
    dictionary = Dictionary.open(folder)
    counts: dict[str, int] = {}
    tags: dict[str, str] = {}
    for first in {word[0] for word in original.FREQ}:
        counts |= dictionary.counts(first)
        tags |= dictionary.tags(first)
    assert counts == original.FREQ
    assert dictionary.total == original.total
    with original.get_dict_file() as file:
        rows = [line.split() for line in file.read().decode("utf-8").splitlines()]
    listed = {row[0]: row[2] for row in rows if len(row) == 3}
    assert len(listed) > 300_000
    assert {word: tag for word, tag in tags.items() if tag} == listed


@pytest.mark.parametrize("word", ["双招双引", "天桥新经济", "倍增计划", "的了", "镕", "济南"])
def test_a_word_without_a_count_is_cut_out_whole(cutter: Cutter, word: str) -> None:
    assert cutter.with_words([(word, None)]).lcut(word, HMM=False) == [word]


def test_own_words_are_known_beside_the_dictionary(cutter: Cutter) -> None:
    own = cutter.with_words([("双招双引", None), ("桥区", 10**8)])
    assert own.lcut("开展双招双引工作") == ["开展", "双招双引", "工作"]
    assert own.lcut("天桥区") == ["天", "桥区"]
    assert own.lcut("济南市历下区") == cutter.lcut("济南市历下区")
    assert cutter.lcut("天桥区") == ["天桥区"]


def test_own_words_leave_other_counts_alone(cutter: Cutter) -> None:
    own = cutter.with_words([("天桥新经济", 7)])
    own.lcut("天桥")
    cutter.lcut("天桥")
    new = {word: count for word, count in own.FREQ.items() if cutter.FREQ.get(word) != count}
    assert new == {"天桥新": 0, "天桥新经": 0, "天桥新经济": 7}
    assert own.total == cutter.total


def test_no_own_words_are_the_same_cutter(cutter: Cutter) -> None:
    assert cutter.with_words([]) is cutter


def packed() -> bytes:
    counts, total = jieba.Tokenizer.gen_pfdict(io.BytesIO(LINES))
    return Dictionary.pack(counts, total, {"天桥": "ns", "天桥区": "ns", "市": "nr", "12306": "m"})


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    """A small dictionary as jieba reads it."""
    path = tmp_path / "lines.txt"
    path.write_bytes(LINES)
    return path


def test_what_a_file_holds(tmp_path: Path, lines: Path) -> None:
    dictionary = Dictionary.open(tmp_path / "jieba", lines)
    (path,) = (tmp_path / "jieba").iterdir()
    assert path.read_bytes() == packed()
    assert dictionary.total == 63
    assert dictionary.counts("天") == {"天": 0, "天桥": 30, "天桥区": 12}
    assert dictionary.counts("市") == {"市": 6}
    assert dictionary.counts("倍") == {"倍": 0, "倍增": 0, "倍增计": 0, "倍增计划": 7}
    assert dictionary.tags("天") == {"天": "", "天桥": "ns", "天桥区": "ns"}
    assert dictionary.tags("倍")["倍增计划"] == ""
    assert dictionary.counts("桥") == {}
    assert dictionary.tags("桥") == {}


@pytest.mark.parametrize("length", [0, 1, 50, 200, len(packed()) - 1])
def test_a_short_file_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match=r"."):
        Dictionary(packed()[:length])


def test_tags(cutter: Cutter) -> None:
    assert [cutter.tag(word) for word in ("济南", "党建", "的", "天桥", "")] == [
        "ns", "j", "uj", "ns", "",
    ]  # fmt: skip


def test_another_dictionary_is_another_file(tmp_path: Path, lines: Path) -> None:
    Dictionary.open(tmp_path / "jieba", lines)
    lines.write_bytes(LINES + "桥 9 n\n".encode())
    assert Dictionary.open(tmp_path / "jieba", lines).counts("桥") == {"桥": 9}
    assert len(list((tmp_path / "jieba").iterdir())) == 2


def test_the_file_is_written_once(tmp_path: Path, lines: Path) -> None:
    Dictionary.open(tmp_path / "new" / "jieba", lines)
    (path,) = (tmp_path / "new" / "jieba").iterdir()
    before = path.stat()
    Dictionary.open(path.parent, lines)
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert path.stat().st_ino == before.st_ino


@pytest.mark.parametrize("content", [b"", b"{}\n", b"[]\n", b"5\n", b"\xff\n", packed()[:-1]])
def test_a_damaged_file_is_written_again(tmp_path: Path, lines: Path, content: bytes) -> None:
    Dictionary.open(tmp_path / "jieba", lines)
    (path,) = (tmp_path / "jieba").iterdir()
    path.unlink()
    path.write_bytes(content)
    assert Cutter(Dictionary.open(path.parent, lines)).lcut("天桥区") == ["天桥区"]
    assert path.read_bytes() == packed()
    assert list(path.parent.iterdir()) == [path]


def test_a_folder_that_cannot_be_written_costs_only_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    assert Tokenizer(tmp_path / "file").words("天桥区党建") == ["天桥区", "党建"]
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_full_disk_leaves_nothing(
    tmp_path: Path, lines: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    dictionary = Dictionary.open(tmp_path / "jieba", lines)
    assert Cutter(dictionary).lcut("天桥区") == ["天桥区"]
    assert list((tmp_path / "jieba").iterdir()) == []


def test_threads_see_whole_entries(folder: Path, original: jieba.Tokenizer) -> None:
    """Eight threads start on one cutter at once; each must cut as jieba does alone."""
    lines = [line for line in seed_lines() if len(line) > 20][:100]
    expected = [original.lcut(line) for line in lines]
    tokenizer = Tokenizer(folder)
    wrong: list[str] = []

    def compare() -> None:
        found = [tokenizer.words(line) for line in lines]
        wrong.extend(line for line, a, b in zip(lines, found, expected, strict=True) if a != b)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=compare) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert wrong == []
