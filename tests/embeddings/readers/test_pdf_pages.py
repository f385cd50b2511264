"""A page of a PDF as a picture, and the places of its words on it."""

from __future__ import annotations

import io
import zlib

import pypdfium2
import pytest
from reportlab.lib.pagesizes import A4
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

from embeddings.errors import UnreadableFileError
from embeddings.readers.pdf_pages import boxes, draw

WIDTH, HEIGHT = A4
LINES = ["天桥区有企业100余家。", "高新区有企业900家。", "天桥区有企业100余家。"]


def made(lines: list[str], pages: int = 1) -> bytes:
    """Return a PDF whose pages show `lines`, 100 points apart, from 100 below the top."""
    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    data = io.BytesIO()
    canvas = Canvas(data, pagesize=A4)
    for _ in range(pages):
        canvas.setFont("STSong-Light", 20)
        for at, line in enumerate(lines, 1):
            canvas.drawString(50, HEIGHT - 100 * at, line)
        canvas.showPage()
    canvas.save()
    return data.getvalue()


def turned_by(rotation: int, data: bytes) -> bytes:
    pdf = pypdfium2.PdfDocument(data)
    pdf[0].set_rotation(rotation)
    turned = io.BytesIO()
    pdf.save(turned)
    pdf.close()
    return turned.getvalue()


def test_a_page_is_drawn_as_png() -> None:
    drawn = draw(made(LINES), 1)
    assert drawn.png.startswith(b"\x89PNG\r\n\x1a\n")
    assert (drawn.width, drawn.height) == (1200, round(1200 * HEIGHT / WIDTH + 0.5))
    length = int.from_bytes(drawn.png[33:37], "big")
    pixels = zlib.decompress(drawn.png[41 : 41 + length])
    assert len(pixels) == drawn.height * (1 + 3 * drawn.width)
    assert min(pixels[1:]) < 60 < max(pixels) == 255


@pytest.mark.parametrize("page", [0, 3, -1])
def test_a_page_that_is_not_there_is_refused(page: int) -> None:
    with pytest.raises(UnreadableFileError, match=f"has no page {page}; it has 2"):
        draw(made(LINES, pages=2), page)


def test_a_file_that_is_no_pdf_is_refused() -> None:
    with pytest.raises(UnreadableFileError, match="damaged"):
        draw(b"%PDF-1.4 nothing", 1)


@pytest.mark.parametrize(
    ("quote", "before", "line"),
    [
        (LINES[1], LINES[0], 1),
        (LINES[0], "", 0),
        (LINES[2], LINES[0] + "\n" + LINES[1] + "\n", 2),
        ("有企业\n 900家", "", 1),
        ("高新区", LINES[0], 1),
    ],
)
def test_a_quote_is_framed_where_it_stands(quote: str, before: str, line: int) -> None:
    (box,) = boxes(made(LINES), 1, [quote], before)
    baseline = 100 * (line + 1) / HEIGHT
    assert box.top < baseline - 0.01
    assert baseline - 0.005 < box.bottom < baseline + 0.012
    assert 0.05 < box.left < box.right < 1


def test_the_frame_is_as_wide_as_the_words() -> None:
    (whole,) = boxes(made(LINES), 1, [LINES[1]])
    (part,) = boxes(made(LINES), 1, ["高新区"])
    assert abs(whole.left - 50 / WIDTH) < 0.01
    assert abs(part.left - 50 / WIDTH) < 0.01
    assert abs(part.right - (50 + 60) / WIDTH) < 0.01
    assert whole.right > part.right


def test_pieces_and_lines_have_a_frame_each() -> None:
    assert len(boxes(made(LINES), 1, [LINES[0], LINES[1]])) == 2
    assert len(boxes(made(LINES), 1, [LINES[0] + LINES[1]])) == 2


def test_what_does_not_stand_there_has_no_frame() -> None:
    assert boxes(made(LINES), 1, ["没有"]) == []
    assert boxes(made(LINES), 1, [" \n"]) == []
    assert boxes(made(LINES), 1, []) == []


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_a_turned_page_has_its_frames_turned(rotation: int) -> None:
    (upright,) = boxes(made(LINES), 1, [LINES[1]])
    (turned,) = boxes(turned_by(rotation, made(LINES)), 1, [LINES[1]])
    corners = {
        90: (1 - upright.bottom, upright.left),
        180: (1 - upright.right, 1 - upright.bottom),
        270: (upright.top, 1 - upright.right),
    }
    left, top = corners[rotation]
    assert turned.left == pytest.approx(left, abs=0.01)
    assert turned.top == pytest.approx(top, abs=0.01)
