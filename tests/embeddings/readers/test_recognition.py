"""Scans: real pages drawn, read back, searched; what is said where recognition is missing."""

from __future__ import annotations

import io
import os
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from embeddings import readers
from embeddings.build import build
from embeddings.documents import FileEntry, read_bytes, read_document
from embeddings.encoder import CountingEncoder
from embeddings.errors import UnopenedFileError, UnreadableFileError
from embeddings.lexical import Tokenizer
from embeddings.readers import apart, pdf, picture, read, recognition
from embeddings.segment import Segmenter
from embeddings.store import Generation, IndexFolder

from . import samples, scans

SIMPLIFIED = [
    "天桥区现有直播电商企业120多家，从业",
    "人员3万人。济南高新区“两新”组织共有",
    "932家党组织，覆盖21家规模以上企业。",
]
TRADITIONAL = [
    "濟南市濟陽區積極探索非公企業黨建工作",
    "科學路徑，堅持黨建引領，著力構建嚴密",
    "組織體系，推動產業鏈高質量發展。",
]


@pytest.fixture
def missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recognition, "version", lambda: None)


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("recognition asked the network")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Stand in for the engine: gives these lines, and keeps the pictures that it was given."""
    pictures: list[Any] = []
    corners = [[[0, y], [200, y], [200, y + 20], [0, y + 20]] for y in (0, 30)]

    def engine(drawn: Any) -> SimpleNamespace:
        pictures.append(drawn)
        return SimpleNamespace(txts=("甲", "乙"), scores=(0.99, 0.5), boxes=np.array(corners))

    monkeypatch.setattr(recognition, "_engine", lambda: engine)
    return pictures


def squeezed(text: str) -> str:
    return "".join(text.split()).replace(",", "，")


@pytest.mark.model
@pytest.mark.usefixtures("offline")
def test_a_scanned_pdf_is_read_in_columns_offline() -> None:
    drawn = scans.page([SIMPLIFIED, TRADITIONAL], "党建联盟", noisy=True)
    result = read("扫描.pdf", scans.saved([drawn]))
    assert squeezed(result.text) == "党建联盟" + "".join(SIMPLIFIED) + "".join(TRADITIONAL)
    assert result.reader.startswith("pdf+ocr/1 rapidocr 3.")
    assert result.page_starts == (0,)
    assert result.title == "扫描"


@pytest.mark.model
def test_only_pages_without_text_are_recognised_and_a_build_finds_them(
    tmp_path: Path, tokenizer: Tokenizer
) -> None:
    root = tmp_path / "documents"
    root.mkdir()
    typed = samples.pdf([["第一页的文字说园区的事。"], ["第二页的文字说企业的事。"]])
    scan = scans.saved([scans.page([SIMPLIFIED])])
    path = root / "混合.pdf"
    path.write_bytes(scans.joined(typed, scan))
    document = read_document(FileEntry(path.name, path), read_bytes(FileEntry(path.name, path)))
    starts = document.page_starts
    assert document.text[starts[1] : starts[2]].strip() == "第二页的文字说企业的事。"
    assert squeezed(document.text[starts[2] :]) == "".join(SIMPLIFIED)

    passages = Segmenter(tokenizer).segment(document).passages
    sentences = [sentence for passage in passages for sentence in passage.sentences]
    (sentence,) = [each for each in sentences if "直播电商" in each.text]
    quotes = [document.text[span.start : span.end] for span in sentence.spans]
    assert squeezed("".join(quotes)) == "天桥区现有直播电商企业120多家，从业人员3万人。"
    assert min(span.start for span in sentence.spans) >= starts[2]

    report = build(root, tmp_path / "index", CountingEncoder("直播"), tokenizer)
    assert (report.read, report.skipped) == (("混合.pdf",), ())
    generation = Generation(IndexFolder(report.index).current())
    texts = [text for _, text in generation.texts(range(9)).values()]
    generation.close()
    assert any("直播电商企业120多家" in text for text in texts)


@pytest.mark.model
def test_pictures_are_documents_and_the_frames_of_a_tiff_are_pages() -> None:
    drawn = [scans.page([SIMPLIFIED[:1]]), scans.page([TRADITIONAL[:1]])]
    seen = read("图.PNG", scans.saved(drawn[:1], "PNG"))
    assert squeezed(seen.text) == SIMPLIFIED[0]
    assert seen.reader.startswith("picture+ocr/1 rapidocr 3.")
    frames = read("传真.tiff", scans.saved(drawn, "TIFF"))
    assert squeezed(frames.text[frames.page_starts[1] :]) == TRADITIONAL[0]
    transparent = Image.new("RGBA", drawn[0].size, (0, 0, 0, 0))
    transparent.putalpha(drawn[0].point(lambda grey: 255 - grey))
    assert squeezed(read("透.png", scans.saved([transparent], "PNG")).text) == SIMPLIFIED[0]


@pytest.mark.model
def test_a_picture_without_writing_and_a_blank_scan_say_so() -> None:
    blank = scans.page([])
    with pytest.raises(UnreadableFileError, match="a picture on which text recognition finds no"):
        read("a.png", scans.saved([blank], "PNG"))
    with pytest.raises(UnreadableFileError, match="scanned: 1 of 1 pages are pictures on which"):
        read("a.pdf", scans.saved([blank]))


@pytest.mark.usefixtures("missing")
def test_without_the_extra_scans_are_reported_with_what_to_do() -> None:
    told = r"install wenju\[ocr\] \(pip install 'wenju\[ocr\]'\)"
    with pytest.raises(
        UnreadableFileError,
        match=f"scanned: 1 of 1 pages are pictures without text; {told}, or run",
    ):
        read("a.pdf", samples.pdf([[]]))
    for name in ("a.png", "a.jpg", "a.jpeg", "a.tif", "a.tiff", "a.BMP"):
        with pytest.raises(UnreadableFileError, match=f"is a picture; {told} to read it, or run"):
            read(name, b"x")
    mixed = read("a.pdf", samples.pdf([["这一页有很多文字在上面"], []]))
    assert mixed.text == "这一页有很多文字在上面"
    assert mixed.reader.startswith("pdf/1 pypdfium2")


def test_a_file_skipped_without_the_extra_is_read_when_it_is_there(
    tmp_path: Path, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch, found: list[Any]
) -> None:
    monkeypatch.setattr(apart, "parse", readers.parse)  # the engine stands in for one here
    root = tmp_path / "documents"
    root.mkdir()
    (root / "甲.txt").write_text("天桥区有产业园。", encoding="utf-8")
    (root / "乙.pdf").write_bytes(samples.pdf([[]]))
    os.utime(root / "乙.pdf", (1_600_000_000, 1_600_000_000))
    with monkeypatch.context() as without:
        without.setattr(recognition, "version", lambda: None)
        without.setattr(readers, "recognition_version", lambda: None)
        first = build(root, tmp_path / "index", CountingEncoder("甲"), tokenizer)
        again = build(root, tmp_path / "index", CountingEncoder("甲"), tokenizer)
    assert [file.source for file in first.skipped] == ["乙.pdf"]
    assert again.skipped == first.skipped
    report = build(root, tmp_path / "index", CountingEncoder("甲"), tokenizer)
    assert (sorted(report.read), report.skipped) == (["乙.pdf", "甲.txt"], ())
    assert len(found) == 1


def test_a_line_of_low_confidence_is_left_out(found: list[Any]) -> None:
    assert read("a.pdf", samples.pdf([[]])).text == "甲"
    assert len(found) == 1


def test_a_huge_page_is_drawn_within_bounds(found: list[Any]) -> None:
    from reportlab.pdfgen.canvas import Canvas

    for width, height in ((14_000, 14_000), (14_000, 30)):
        target = io.BytesIO()
        canvas = Canvas(target, pagesize=(width, height))
        canvas.rect(10, 10, 10, 10, fill=1)
        canvas.save()
        began = time.process_time()
        read("a.pdf", target.getvalue())
        assert time.process_time() - began < 5
    assert all(drawn.shape[0] * drawn.shape[1] <= 16_100_000 for drawn in found)
    assert max(max(drawn.shape) for drawn in found) <= 30_001


def test_pictures_with_too_many_pixels_are_refused_before_they_are_unpacked(
    monkeypatch: pytest.MonkeyPatch, found: list[Any]
) -> None:
    drawn = Image.new("L", (300, 200), 255)
    with monkeypatch.context() as small:
        small.setattr(pdf, "LARGEST_PICTURES", 59_999)
        with pytest.raises(UnreadableFileError, match="pictures of 60,000 pixels; at most 59,999"):
            read("a.pdf", scans.saved([drawn]))
        small.setattr(picture, "LARGEST_PIXELS", 59_999)
        with pytest.raises(UnreadableFileError, match="more than 59,999 pixels; save it smaller"):
            read("a.png", scans.saved([drawn], "PNG"))
    bomb = scans.saved([Image.new("1", (20_000, 20_000))], "PNG")
    with pytest.raises(UnreadableFileError, match="more than 80,000,000 pixels; save it smaller"):
        read("a.png", bomb)
    assert found == []


def test_too_many_scanned_pages(monkeypatch: pytest.MonkeyPatch, found: list[Any]) -> None:
    monkeypatch.setattr(pdf, "LARGEST_SCANNED", 1)
    with pytest.raises(
        UnreadableFileError, match="has 2 scanned pages; at most 1 are recognised; split the file"
    ):
        read("a.pdf", samples.pdf([[], []]))
    monkeypatch.setattr(picture, "LARGEST_PAGES", 1)
    with pytest.raises(UnreadableFileError, match="has 2 pages; at most 1 are recognised"):
        read("a.tif", scans.saved([Image.new("L", (50, 50))] * 2, "TIFF"))
    assert found == []


def test_damaged_pictures_are_one_reasoned_line(found: list[Any]) -> None:
    chance = np.random.default_rng(1)
    noise = Image.fromarray(chance.integers(0, 255, (80, 80, 3), dtype=np.uint8))
    for kind, name in (("PNG", "a.png"), ("JPEG", "a.jpg"), ("TIFF", "a.tif"), ("BMP", "a.bmp")):
        data = scans.saved([noise], kind)
        assert read(name, data).text == "甲"
        with pytest.raises(UnreadableFileError, match=r"^damaged \(\w+\); open it in its program"):
            read(name, data[: len(data) // 3])
    with pytest.raises(UnreadableFileError, match="not a .png file, or damaged at its beginning"):
        read("a.png", b"x" * 100)
    with pytest.raises(UnreadableFileError, match="ends in .png, but the content is a PDF"):
        read("a.png", samples.pdf([["甲"]]))
    with pytest.raises(UnreadableFileError, match="ends in .pdf, but the content is a picture"):
        read("a.pdf", scans.saved([noise], "BMP"))


def test_mutated_scans_are_read_or_refused(found: list[Any]) -> None:
    data = scans.saved([Image.new("L", (60, 40), 200), Image.new("L", (60, 40), 20)])
    chance = np.random.default_rng(2)
    refused: list[str] = []
    for _ in range(60):
        changed = bytearray(data)
        for at in chance.integers(0, len(data), 4):
            changed[at] ^= 1 << int(chance.integers(0, 8))
        try:
            result = read("a.pdf", bytes(changed))
        except UnreadableFileError as error:
            refused.append(str(error))
        else:
            assert set(result.text.split()) <= {"甲"}
    assert not any("\n" in reason for reason in refused)


def test_a_long_picture_is_cut_where_nothing_is_written(found: list[Any]) -> None:
    long = np.full((1000, 100, 3), 255, dtype=np.uint8)
    long[:, 10:20] = 0
    long[150:153] = 255
    recognition.recognise(long)
    assert sum(len(piece) for piece in found) == 1000
    assert len(found[0]) in (151, 152, 153)
    assert all(len(piece) <= 300 for piece in found)


def test_a_recognition_that_does_not_start_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: str) -> None:
        raise ImportError("libGL.so.1: cannot open shared object file")

    recognition._engine.cache_clear()
    monkeypatch.setattr(recognition, "import_module", refuse)
    with pytest.raises(UnopenedFileError, match=r"does not start \(libGL.so.1: .*install wenju"):
        read("a.pdf", samples.pdf([[]]))


def test_threads_share_one_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    busy: list[int] = []

    class Engine:
        def __init__(self, params: dict[str, Any]) -> None:
            assert all(Path(params[f"{part}.model_path"]).is_file() for part in ("Det", "Rec"))
            made.append(1)

        def __call__(self, _: Any) -> SimpleNamespace:
            busy.append(1)
            assert len(busy) == 1
            time.sleep(0.01)
            busy.pop()
            return SimpleNamespace(txts=None)

    import rapidocr

    recognition._engine.cache_clear()
    monkeypatch.setattr(rapidocr, "RapidOCR", Engine)
    blank = np.full((50, 50, 3), 255, dtype=np.uint8)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(recognition.recognise, [blank] * 8)) == [""] * 8
    recognition._engine.cache_clear()
    assert made == [1]


@pytest.mark.parametrize("part", recognition.MODELS)
def test_a_model_that_differs_is_refused(
    part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import rapidocr

    own = Path(str(rapidocr.__file__)).parent / "models"
    (tmp_path / "models").mkdir()
    for name in recognition.MODELS:
        (tmp_path / "models" / name).symlink_to(own / name)
    content = bytearray((own / part).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "models" / part).unlink()
    monkeypatch.setattr(rapidocr, "__file__", str(tmp_path / "__init__.py"))
    blank = np.full((50, 50, 3), 255, dtype=np.uint8)
    for said in ("cannot be read", "differs from its checksum"):
        recognition._engine.cache_clear()
        with pytest.raises(UnopenedFileError, match=f"its model .*{part} {said}"):
            recognition.recognise(blank)
        (tmp_path / "models" / part).write_bytes(content)
    recognition._engine.cache_clear()
