"""PDF files: the text of each page in the order in which the file sets it, by PDFium.

A page without text but with pictures is read by text recognition where that is installed; else a
scan is refused with what to do.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from typing import Any

from embeddings.errors import UnreadableFileError
from embeddings.readers import recognition
from embeddings.readers.blocks import Blocks, check_length
from embeddings.readers.packages import refusing
from embeddings.readers.reading import Reading

LARGEST_PAGES = 5_000
"""A file with more pages than this is refused."""

LARGEST_SCANNED = 1_000
"""A file with more scanned pages than this is refused: recognition takes seconds a page."""

LARGEST_PICTURES = 200_000_000
"""A scanned page whose pictures have more pixels than this is refused before it is drawn."""

FEWEST_CHARACTERS = 8
"""A page with pictures or drawings but fewer characters than this counts as scanned."""

# PDFium may not be used by two threads at once.
PDFIUM = threading.Lock()

_RADICAL = re.compile("[\u2f00-\u2fd5]")
_HYPHEN_IN_WORD = re.compile(r"(?<=[a-z])[\x02\ufffe](?=[a-z])")
_HYPHEN = re.compile(r"[\x02\ufffe]")
_NOT_TEXT = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\ue000-\uf8ff\ufffd\U000f0000-\U0010ffff]")


def read(data: bytes) -> Reading:
    """Read a PDF file; its pages are those of the file.

    Raises:
        UnreadableFileError: when it is encrypted, scanned, damaged, too long, or its fonts do not
            tell which characters they hold.
    """
    with refusing(".pdf"):
        import pypdfium2

        pdf = _opened(data)
        try:
            blocks, scanned = _blocks(pdf)
        finally:
            with PDFIUM:
                pdf.close()
        name = recognition.reader("pdf") if scanned else "pdf/1"
        reader = f"{name} pypdfium2 {pypdfium2.PYPDFIUM_INFO} pdfium {pypdfium2.PDFIUM_INFO}"
    _check_characters(blocks.text)
    return Reading(blocks.text, reader, page_starts=blocks.pages)


def check(data: bytes) -> None:
    """Refuse a PDF file that cannot be opened; its pages are not looked at.

    Raises:
        UnreadableFileError: when it is encrypted or damaged.
    """
    with refusing(".pdf"):
        pdf = _opened(data)
        with PDFIUM:
            pdf.close()


def _opened(data: bytes) -> Any:
    import pypdfium2

    with PDFIUM:
        try:
            return pypdfium2.PdfDocument(data)
        except pypdfium2.PdfiumError as error:
            _refuse_encrypted(error)
            raise


def _refuse_encrypted(error: Exception) -> None:
    import pypdfium2.raw

    code = getattr(error, "err_code", None)
    if code in (pypdfium2.raw.FPDF_ERR_PASSWORD, pypdfium2.raw.FPDF_ERR_SECURITY):
        raise UnreadableFileError("encrypted; save a copy without a password") from error


def _blocks(pdf: Any) -> tuple[Blocks, int]:
    """Return the text of the pages, and how many of them were recognised."""
    with PDFIUM:
        texts, scanned = _texts(pdf)
    if recognition.version() is None:
        _refuse_scan(scanned, len(texts))
        scanned = []
    else:
        texts, scanned = _recognised(pdf, texts, scanned)
    blocks = Blocks()
    for text in texts:
        blocks.start_page()
        blocks.add(text)
    return blocks, len(scanned)


def _texts(pdf: Any) -> tuple[list[str], list[int]]:
    """Return the text that each page holds, and the numbers of those that are pictures."""
    if len(pdf) > LARGEST_PAGES:
        raise UnreadableFileError(
            f"has {len(pdf):,} pages; at most {LARGEST_PAGES:,} are read; split the file"
        )
    texts, scanned = [], []
    length = 0
    for number in range(len(pdf)):
        page = pdf[number]
        text = _text(page)
        if _is_scanned(page, text):
            scanned.append(number)
        page.close()
        texts.append(text)
        length += len(text)
        check_length(length)
    return texts, scanned


def _refuse_scan(scanned: list[int], pages: int) -> None:
    if len(scanned) * 2 > pages:
        raise UnreadableFileError(
            f"scanned: {len(scanned)} of {pages} pages are pictures without text; "
            f"{recognition.INSTALL}, or run text recognition (OCR) and save the result as a "
            "searchable PDF"
        )


def _recognised(pdf: Any, texts: list[str], scanned: list[int]) -> tuple[list[str], list[int]]:
    """Return the texts with those of scanned pages, and on which pages something was found."""
    if len(scanned) > LARGEST_SCANNED:
        raise UnreadableFileError(
            f"has {len(scanned):,} scanned pages; at most {LARGEST_SCANNED:,} are recognised; "
            "split the file"
        )
    found = {number: recognition.recognise(_drawn(pdf, number)) for number in scanned}
    written = [number for number in scanned if found[number]]
    if len(scanned) * 2 > len(texts) and not written:
        raise UnreadableFileError(
            f"scanned: {len(scanned)} of {len(texts)} pages are pictures on which text "
            "recognition finds no text"
        )
    return [found.get(number) or text for number, text in enumerate(texts)], written


def _drawn(pdf: Any, number: int) -> Any:
    """Return a page as a picture, blue first; never more than a bounded number of pixels."""
    with PDFIUM:
        page = pdf[number]
        _check_pictures(page)
        width, height = page.get_size()
        scale = recognition.scale_of(width, height, recognition.DPI / 72)
        drawn = page.render(scale=scale, rev_byteorder=False).to_numpy()[:, :, :3].copy()
        page.close()
    return drawn


def _check_pictures(page: Any) -> None:
    import pypdfium2.raw

    pictures = page.get_objects(filter=[pypdfium2.raw.FPDF_PAGEOBJ_IMAGE], max_depth=3)
    pixels = sum(width * height for width, height in (each.get_px_size() for each in pictures))
    if pixels > LARGEST_PICTURES:
        raise UnreadableFileError(
            f"a page holds pictures of {pixels:,} pixels; at most {LARGEST_PICTURES:,} are "
            "recognised; save it with smaller pictures"
        )


def _text(page: Any) -> str:
    textpage = page.get_textpage()
    text: str = textpage.get_text_range()
    textpage.close()
    # Many Chinese PDFs set a character by the form that dictionaries index it under: ⽂ for 文.
    text = _RADICAL.sub(lambda match: unicodedata.normalize("NFKC", match[0]), text)
    text = _HYPHEN.sub("-", _HYPHEN_IN_WORD.sub("", text))
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _is_scanned(page: Any, text: str) -> bool:
    import pypdfium2.raw

    if len("".join(text.split())) >= FEWEST_CHARACTERS:
        return False
    letters = pypdfium2.raw.FPDF_PAGEOBJ_TEXT
    return any(drawn.type != letters for drawn in page.get_objects(max_depth=1))


def _check_characters(text: str) -> None:
    if len(_NOT_TEXT.findall(text)) * 20 > len(text):
        raise UnreadableFileError(
            "its fonts do not tell which characters they hold; make the PDF again from the "
            "original, or run text recognition (OCR) on it"
        )
