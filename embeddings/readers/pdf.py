"""PDF files: the text of each page in the order in which the file sets it, by PDFium.

Text is not recognised from pictures; a scan is refused with what to do.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from typing import Any

from embeddings.errors import UnreadableFileError
from embeddings.readers.blocks import Blocks
from embeddings.readers.packages import refusing
from embeddings.readers.reading import Reading

LARGEST_PAGES = 5_000
"""A file with more pages than this is refused."""

FEWEST_CHARACTERS = 8
"""A page with pictures or drawings but fewer characters than this counts as scanned."""

# PDFium may not be used by two threads at once.
_PDFIUM = threading.Lock()

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
    with refusing(".pdf"), _PDFIUM:
        import pypdfium2

        try:
            pdf = pypdfium2.PdfDocument(data)
        except pypdfium2.PdfiumError as error:
            _refuse_encrypted(error)
            raise
        try:
            blocks = _blocks(pdf)
        finally:
            pdf.close()
        reader = f"pdf/1 pypdfium2 {pypdfium2.PYPDFIUM_INFO} pdfium {pypdfium2.PDFIUM_INFO}"
    _check_characters(blocks.text)
    return Reading(blocks.text, reader, page_starts=blocks.pages)


def _refuse_encrypted(error: Exception) -> None:
    import pypdfium2.raw

    code = getattr(error, "err_code", None)
    if code in (pypdfium2.raw.FPDF_ERR_PASSWORD, pypdfium2.raw.FPDF_ERR_SECURITY):
        raise UnreadableFileError("encrypted; save a copy without a password") from error


def _blocks(pdf: Any) -> Blocks:
    if len(pdf) > LARGEST_PAGES:
        raise UnreadableFileError(
            f"has {len(pdf):,} pages; at most {LARGEST_PAGES:,} are read; split the file"
        )
    blocks = Blocks()
    scanned = 0
    for number in range(len(pdf)):
        page = pdf[number]
        text = _text(page)
        scanned += _is_scanned(page, text)
        page.close()
        blocks.start_page()
        blocks.add(text)
    if scanned * 2 > len(pdf):
        raise UnreadableFileError(
            f"scanned: {scanned} of {len(pdf)} pages are pictures without text; run text "
            "recognition (OCR) and save the result as a searchable PDF"
        )
    return blocks


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
