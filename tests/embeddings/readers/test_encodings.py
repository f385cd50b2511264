"""Bytes are decoded whole and right, or refused; never to garbage."""

from __future__ import annotations

import json
import random
from pathlib import Path

import opencc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embeddings.errors import UnreadableFileError
from embeddings.readers import read
from embeddings.readers.characters import SIMPLIFIED, TRADITIONAL, code_length
from embeddings.readers.encodings import decode

from .samples import SEEDS, TEXT
from .samples import TRADITIONAL as TRADITIONAL_TEXT

LEGACY = ["gb18030", "big5hkscs", "utf-16-le", "utf-16-be"]


def as_gbk(text: str) -> str:
    """Return what of a text GBK can hold."""
    return text.encode("gbk", "ignore").decode("gbk")


@pytest.mark.parametrize("path", SEEDS, ids=lambda path: path.name[:3])
def test_gbk_and_utf_8_give_equal_texts(path: Path) -> None:
    text = as_gbk(path.read_bytes().decode("utf-8"))
    assert len(text) > 2_000
    expected = read("a.txt", text.encode()).text
    assert expected == text
    assert read("a.txt", text.encode("gbk")).text == expected
    assert read("a.txt", text.encode("gb18030")).text == expected
    assert read("a.txt", text.encode("utf-16")).text == expected
    assert read("a.txt", text.encode("utf-16-be")).text == expected


@pytest.mark.parametrize("path", SEEDS, ids=lambda path: path.name[:3])
def test_gb18030_holds_every_character_of_the_seeds(path: Path) -> None:
    text = path.read_bytes().decode("utf-8")
    assert decode(text.encode("gb18030")).text == text


@pytest.mark.parametrize("path", SEEDS, ids=lambda path: path.name[:3])
def test_big5_and_utf_8_give_equal_texts(path: Path) -> None:
    text = opencc.OpenCC("s2t").convert(path.read_bytes().decode("utf-8"))
    for encoding in ("big5", "big5hkscs"):
        kept = text.encode(encoding, "ignore")
        decoded = decode(kept)
        assert decoded.encoding == "big5hkscs"
        assert decoded.text == kept.decode(encoding)


@pytest.mark.parametrize(
    ("data", "encoding", "text"),
    [
        (b"plain ASCII 123\r\n", "utf-8", "plain ASCII 123\r\n"),
        ("济南\r\n市".encode(), "utf-8", "济南\r\n市"),
        ("\ufeff济南".encode(), "utf-8", "济南"),
        ("\ufeff济南".encode("utf-16-le"), "utf-16-le", "济南"),
        ("\ufeff济南".encode("utf-16-be"), "utf-16-be", "济南"),
        ("\ufeff济南".encode("utf-32-le"), "utf-32-le", "济南"),
        ("\ufeff济南".encode("gb18030"), "gb18030", "济南"),
        ("plain ASCII".encode("utf-16-le"), "utf-16-le", "plain ASCII"),
        ("天桥区有".encode("gbk"), "gb18030", "天桥区有"),
        ("济南".encode("gbk"), "gb18030", "济南"),
        ("联通".encode("gbk"), "gb18030", "联通"),
        ("是".encode("gbk"), "gb18030", "是"),
        ("¼".encode(), "utf-8", "¼"),
        ("濟南市區".encode("big5"), "big5hkscs", "濟南市區"),
        ("嘅嚟啲咗香港嘅公司".encode("big5hkscs"), "big5hkscs", "嘅嚟啲咗香港嘅公司"),
        ("天桥区有120家。".encode("utf-16-le"), "utf-16-le", "天桥区有120家。"),
        ("café Ünïcode Straße".encode(), "utf-8", "café Ünïcode Straße"),
        ("Москва".encode(), "utf-8", "Москва"),
        (b"NmWS", "utf-8", "NmWS"),
    ],
)
def test_decoding(data: bytes, encoding: str, text: str) -> None:
    decoded = decode(data)
    assert (decoded.encoding, decoded.text) == (encoding, text)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\xff\xfe\x00\xd8a\x00", "begins as UTF-16-LE but is damaged at byte 2; save the file"),
        (b"\xef\xbb\xbf\xe6\xb5", "begins as UTF-8 but is damaged at byte 3; save the file"),
        (TEXT.encode()[:40] + b"\xff" + TEXT.encode()[40:], r"not UTF-8 \(byte 39\), and no"),
        ("대한민국의 수도는 서울이며 인구는 약 천만 명이다.".encode("euc-kr"), "not UTF-8"),
        ("日本の首都は東京であり、人口は千四百万人である。".encode("euc-jp"), "not UTF-8"),
        ("日本の首都は東京であり、人口は千四百万人である。".encode("shift_jis"), "not UTF-8"),
        ("Les élèves français étudient".encode("cp1252"), "not UTF-8"),
        (b"abc\x00def", "control characters, so it is not text"),
        (b"abc\x01\x02def", "control characters, so it is not text"),
        (bytes(range(256)), "holds zero bytes, so it is not text; export it as text"),
        ("锟斤拷锟斤拷烫烫".encode(), "was garbled before it was saved; get the file again"),
        ("济\ufffd\ufffd\ufffd南".encode(), "was garbled before it was saved"),
        ("济南市天桥区".encode().decode("latin-1").encode(), "was garbled before it was saved"),
        ("直播电商企业二十家".encode()[:24].decode("gb18030").encode(), "garbled before"),
    ],
)
def test_what_would_be_garbage_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableFileError, match=reason):
        decode(data)


def test_a_doubtful_short_file_is_refused_with_both_names() -> None:
    doubtful = next(
        data
        for data in (c.encode("gbk") for c in SIMPLIFIED[300:900])
        if len(data) == 2 and data[1] >= 0xA1 and is_doubtful(data)
    )
    with pytest.raises(UnreadableFileError, match="too short to tell whether it is"):
        decode(doubtful)


def is_doubtful(data: bytes) -> bool:
    try:
        other = data.decode("big5hkscs")
    except UnicodeDecodeError:
        return False
    return other in TRADITIONAL[:900]


def test_short_pieces_of_real_text_are_right_or_refused() -> None:
    text = "".join(path.read_bytes().decode("utf-8") for path in SEEDS if "001" not in path.name)
    traditional = opencc.OpenCC("s2t").convert(text)
    chance = random.Random(7)
    right = wrong = refused = 0
    for whole, encoding in ((text, "gbk"), (traditional, "big5")):
        for _ in range(1_500):
            start = chance.randrange(len(whole) - 12)
            data = whole[start : start + chance.randint(3, 12)].encode(encoding, "ignore")
            try:
                right += decode(data).text == data.decode(encoding)
                wrong += decode(data).text != data.decode(encoding)
            except UnreadableFileError:
                refused += 1
    assert wrong <= 3
    assert refused <= 90
    assert right > 2_900


CHARACTERS = st.one_of(
    st.sampled_from(SIMPLIFIED[:1500]),
    st.sampled_from(TRADITIONAL[:1500]),
    st.sampled_from("，。、；：“”（）《》 \n0123456789ABCxyz"),
)


@settings(max_examples=200, deadline=None)
@given(st.text(CHARACTERS, min_size=1, max_size=200), st.sampled_from(["utf-8", "utf-16", *LEGACY]))
def test_text_of_common_characters_comes_back_or_is_refused(text: str, encoding: str) -> None:
    try:
        data = text.encode(encoding)
        decoded = decode(data)
    except (UnicodeEncodeError, UnreadableFileError):
        return
    if len(text) >= 12 and code_length(text).wide >= 8:
        assert decoded.text == text


def test_a_whole_file_counts_not_its_beginning() -> None:
    data = b"ASCII only " * 20_000 + TEXT.encode("gbk")
    assert decode(data).text.endswith(TEXT)


def test_traditional_text_in_gbk_and_simplified_names_in_big5() -> None:
    assert decode(TRADITIONAL_TEXT.encode("gbk")).text == TRADITIONAL_TEXT
    assert decode(TRADITIONAL_TEXT.encode("big5")).text == TRADITIONAL_TEXT


def test_a_declared_charset_is_believed_only_where_it_decodes() -> None:
    korean = "대한민국의 수도는 서울이다."
    assert decode(korean.encode("euc-kr"), "euc-kr").text == korean
    assert decode(TEXT.encode(), "gb2312").encoding == "utf-8"
    assert decode(TEXT.encode("gbk"), "big5").text == TEXT
    assert decode(TEXT.encode("gbk"), "iso-8859-1").text == TEXT
    assert decode("déjà vu".encode("cp1252"), "windows-1252").text == "déjà vu"


@pytest.mark.shared
def test_passages_of_the_public_sets_in_every_encoding() -> None:
    folder = Path(__file__).parents[4] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no question sets beside the project")
    wrong = []
    for name, encoding in (("cmrc_trial", "gb18030"), ("drcd_dev", "big5hkscs")):
        articles = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))["data"]
        for context in [p["context"] for a in articles for p in a["paragraphs"]][:400]:
            data = context.encode(encoding, "ignore")
            if decode(data).text != data.decode(encoding):
                wrong.append(context)
    assert wrong == []
