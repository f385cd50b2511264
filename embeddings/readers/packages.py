"""Office files as zip containers of XML: opened with a cap on what unpacking may give.

No entity of a document type is expanded, nothing is fetched, nothing is written to disk.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager

from lxml import etree

from embeddings.errors import UnreadableFileError

LARGEST_UNPACKED = 128 * 1024 * 1024
"""A container whose parts unpack to more bytes than this is refused (a zip bomb, or too large)."""

MOST_PARTS = 10_000
"""A container of more parts than this is refused."""

LARGEST_MARKUP = 8_000_000
"""An XML part with more tags and attributes than this is refused: a tree of them is large."""

_CHUNK = 1 << 20
_RELATIONSHIP = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"
_DOCTYPE = re.compile(rb"<\x00?!\x00?D\x00?O\x00?C\x00?T\x00?Y\x00?P\x00?E")
_OLD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_KINDS = {
    ".docx": ("word/document.xml", "a Word document"),
    ".xlsx": ("xl/workbook.xml", "an Excel workbook"),
    ".pptx": ("ppt/presentation.xml", "a PowerPoint presentation"),
    ".xlsb": ("xl/workbook.bin", "a binary Excel workbook"),
    ".ofd": ("OFD.xml", "an OFD file"),
    ".epub": ("META-INF/container.xml", "an e-book"),
    ".odt": ("content.xml", "an OpenDocument file"),
}


@contextmanager
def refusing(ending: str) -> Iterator[None]:
    """Turn whatever a library raises on a broken file into the one error of a build.

    Raises:
        UnreadableFileError: instead of any other exception but a lack of memory.
        MemoryError: also where libxml2 calls it a fault of syntax.
    """
    try:
        yield
    except (UnreadableFileError, MemoryError):
        raise
    except Exception as error:
        if getattr(error, "code", None) == etree.ErrorTypes.ERR_NO_MEMORY:
            raise MemoryError from error
        raise UnreadableFileError(
            f"damaged ({type(error).__name__}); open it in its program and save it again "
            f"as {ending}"
        ) from error


class Package:
    """The parts of an Office file of the kind that its ending says.

    Raises:
        UnreadableFileError: when it is encrypted, damaged, too large or of another kind.
    """

    def __init__(self, data: bytes, ending: str) -> None:
        if data.startswith(_OLD):
            raise UnreadableFileError(
                f"encrypted, or of the old format before {ending}; save a copy as {ending} "
                "without a password"
            )
        self._zip = zipfile.ZipFile(io.BytesIO(data))
        self._left = LARGEST_UNPACKED
        self._names = set(self._zip.namelist())
        if len(self._zip.filelist) > MOST_PARTS:
            raise UnreadableFileError(
                f"has {len(self._zip.filelist):,} parts; at most {MOST_PARTS:,} are read; "
                "split the file"
            )
        self._check_kind(ending)

    def _check_kind(self, ending: str) -> None:
        for kind, (part, what) in _KINDS.items():
            if part in self._names and kind != ending and _KINDS[ending][0] not in self._names:
                raise UnreadableFileError(
                    f"the name ends in {ending}, but the content is {what}; "
                    f"give it its true ending ({kind}) or save it again as {ending}"
                )
        if any(item.flag_bits & 1 for item in self._zip.infolist()):
            raise UnreadableFileError("encrypted; save a copy without a password")

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def read(self, name: str) -> bytes:
        """Return a part's bytes, counting them while they are unpacked."""
        pieces = []
        with self._zip.open(name) as part:
            while piece := part.read(min(_CHUNK, self._left + 1)):
                self._left -= len(piece)
                if self._left < 0:
                    raise UnreadableFileError(
                        f"unpacks to more than {LARGEST_UNPACKED:,} bytes; split the file, "
                        "or take the pictures out"
                    )
                pieces.append(piece)
        return b"".join(pieces)

    def check_all(self) -> None:
        """Unpack every XML part once, for a library that opens the file by itself."""
        for item in self._zip.infolist():
            data = self.read(item.filename)
            if item.filename.endswith((".xml", ".rels")):
                _check_xml(data)

    def xml(self, name: str) -> etree._Element:
        """Return the root of an XML part."""
        data = self.read(name)
        _check_xml(data)
        if data.count(b"<") + data.count(b"=") > LARGEST_MARKUP:
            raise UnreadableFileError(
                f"a part of it has more than {LARGEST_MARKUP:,} tags and attributes; split the file"
            )
        parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
        return etree.fromstring(data, parser)

    def relationships(self, part: str) -> dict[str, tuple[str, str]]:
        """Return id -> (last word of the type, name of the part) of what a part refers to."""
        folder, _, name = part.rpartition("/")
        rels = f"{folder}/_rels/{name}.rels"
        if rels not in self:
            return {}
        found = {}
        for item in self.xml(rels).iter(_RELATIONSHIP):
            target = item.get("Target", "")
            path = target[1:] if target.startswith("/") else posixpath.join(folder, target)
            kind = item.get("Type", "").rpartition("/")[2]
            found[item.get("Id", "")] = (kind, posixpath.normpath(path))
        return found


def _check_xml(data: bytes) -> None:
    if _DOCTYPE.search(data):
        raise UnreadableFileError(
            "its XML declares entities, as Office never does; open it and save it again"
        )
