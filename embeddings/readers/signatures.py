"""What a file is by its first bytes, and what to do with formats that are not read."""

from __future__ import annotations

import re

from embeddings.errors import UnreadableFileError
from embeddings.readers import recognition

TEXTS = (".txt", ".md", ".markdown", ".html", ".htm")
CONTAINERS = (".pdf", ".docx", ".xlsx", ".pptx")

FORMATS = TEXTS + CONTAINERS
"""Endings of the files that are read."""

PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")
"""Endings of the files that are read where text recognition is installed."""

_SCAN = "or run text recognition (OCR) and save the result as .txt"
_REFUSED = {
    ".doc": "an old Word file; open it in Word, WPS or LibreOffice and save it as .docx",
    ".wps": "a WPS file; open it in WPS and save it as .docx",
    ".wpt": "a WPS file; open it in WPS and save it as .docx",
    ".et": "a WPS file; open it in WPS and save it as .xlsx",
    ".dps": "a WPS file; open it in WPS and save it as .pptx",
    ".ofd": "an OFD file; open it in an OFD viewer and print or export it as .pdf",
    ".xls": "an old Excel file; open it in Excel, WPS or LibreOffice and save it as .xlsx",
    ".ppt": "an old PowerPoint file; open it in PowerPoint or WPS and save it as .pptx",
    ".rtf": "an RTF file; open it in Word, WPS or LibreOffice and save it as .docx",
    ".odt": "an OpenDocument file; open it in LibreOffice and save it as .docx",
    ".ods": "an OpenDocument file; open it in LibreOffice and save it as .xlsx",
    ".odp": "an OpenDocument file; open it in LibreOffice and save it as .pptx",
    ".docm": "a Word file with macros; save it as .docx",
    ".xlsm": "an Excel file with macros; save it as .xlsx",
    ".pptm": "a PowerPoint file with macros; save it as .pptx",
    ".epub": "an e-book; convert it to .html or .pdf",
    ".mht": "a web archive; open it in a browser and save it as .html",
    ".mhtml": "a web archive; open it in a browser and save it as .html",
    ".zip": "an archive; unpack it into the folder",
    ".rar": "an archive; unpack it into the folder",
    ".7z": "an archive; unpack it into the folder",
    **dict.fromkeys(PICTURES, f"a picture; {recognition.INSTALL} to read it, {_SCAN}"),
    **dict.fromkeys([".gif", ".webp"], f"a picture; save it as .png, {_SCAN}"),
}
_SIGNATURES = (
    (re.compile(rb"\s{0,64}%PDF-"), "a PDF", ".pdf"),
    (re.compile(rb"PK\x03\x04|PK\x05\x06"), "a zip container", ".docx, .xlsx, .pptx or .zip"),
    (re.compile(rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), "an old or encrypted Office file", ".doc"),
    (re.compile(rb"\{\\rtf"), "an RTF file", ".rtf"),
    (re.compile(rb"\x89PNG\r\n|\xff\xd8\xff|GIF8[79]a|II\*\x00|MM\x00\*"), "a picture", ".png"),
    (re.compile(rb"BM.{4}\x00\x00\x00\x00", re.DOTALL), "a picture", ".bmp"),
    (re.compile(rb"7z\xbc\xaf\x27\x1c|Rar!\x1a\x07|\x1f\x8b\x08"), "an archive", ".zip"),
    (re.compile(rb"SQLite format 3\x00"), "a database", ".db"),
    (re.compile(rb"(?:\xef\xbb\xbf)?\s{0,64}<(?:!doctype\s+html|html)\b", re.I), "HTML", ".html"),
)


def check_ending(ending: str) -> None:
    """Refuse an ending that is not read.

    Args:
        ending: the file's, in lower case with its dot, or empty.

    Raises:
        UnreadableFileError: with what to do about it.
    """
    if ending in PICTURES and recognition.version():
        return
    if ending in _REFUSED:
        raise UnreadableFileError(f"{ending} is {_REFUSED[ending]}")
    if ending not in FORMATS:
        raise UnreadableFileError(
            f"unknown format ({ending or 'no ending'}); read are {', '.join(FORMATS)}"
        )


def check_content(ending: str, data: bytes) -> None:
    """Refuse bytes that are another format than the ending says; the ending is never overruled.

    Raises:
        UnreadableFileError: with what the file seems to be.
    """
    found = _signature(data)
    if found is None:
        if ending in CONTAINERS + PICTURES and data:
            raise UnreadableFileError(
                f"not a {ending} file, or damaged at its beginning; save it again as {ending}"
            )
        return
    what, usual = found
    if not _fits(ending, what):
        raise UnreadableFileError(
            f"the name ends in {ending}, but the content is {what}; "
            f"give it its true ending ({usual}) or save it again as {ending}"
        )


def _signature(data: bytes) -> tuple[str, str] | None:
    for pattern, what, usual in _SIGNATURES:
        if pattern.match(data):
            return what, usual
    return None


def _fits(ending: str, what: str) -> bool:
    if what == "HTML":
        return ending in (".html", ".htm", ".md", ".markdown")
    if ending == ".pdf":
        return what == "a PDF"
    if ending in PICTURES:
        return what == "a picture"
    # An encrypted .docx is an old-style container; its reader says so better than we can here.
    return ending in CONTAINERS and what in ("a zip container", "an old or encrypted Office file")
