"""Excel workbooks (.xlsx): each sheet with its name, rows as lines, cells parted by tabs.

Hidden sheets and empty rows are left out; a formula shows the value that was saved with it.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from typing import Any

from embeddings.errors import UnreadableFileError
from embeddings.readers.blocks import Blocks
from embeddings.readers.numbers import shown
from embeddings.readers.packages import Package, refusing
from embeddings.readers.reading import Reading
from embeddings.records import Role

LARGEST_CELLS = 5_000_000
"""A workbook with more cells than this is refused."""

_UNNAMED = re.compile(r"(?:sheet|工作表|表)\s*\d*", re.IGNORECASE)


def read(data: bytes) -> Reading:
    """Read a workbook.

    Raises:
        UnreadableFileError: when it is encrypted, damaged, too large or of another kind.
    """
    import openpyxl

    blocks = Blocks()
    with refusing(".xlsx"), warnings.catch_warnings():
        # openpyxl warns of what it does not read (styles, validation); none of it is text.
        warnings.simplefilter("ignore")
        Package(data, ".xlsx").check_all()
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        left = LARGEST_CELLS
        for sheet in book.worksheets:
            if sheet.sheet_state == "visible":
                left = _add_sheet(sheet, blocks, left)
    reader = f"excel/1 openpyxl {openpyxl.__version__}"
    return Reading(blocks.text, reader, marks=tuple(blocks.marks))


def _add_sheet(sheet: Any, blocks: Blocks, left: int) -> int:
    """Add a sheet; return how many cells may still come."""
    lines = []
    for row in _rows(sheet):
        left -= len(row) + 1
        if left < 0:
            raise UnreadableFileError(f"has more than {LARGEST_CELLS:,} cells; split the workbook")
        line = "\t".join(row).rstrip("\t")
        if line.strip():
            lines.append(line)
    title = str(sheet.title)
    if lines and not _UNNAMED.fullmatch(title):
        blocks.add(title, Role.HEADLINE, 1)
    blocks.add("\n".join(lines), Role.TABLE)
    return left


def _rows(sheet: Any) -> Iterator[list[str]]:
    # The size that a sheet claims for itself is often wrong, and may be the largest possible.
    sheet.reset_dimensions()
    for row in sheet.iter_rows():
        yield [shown(cell.value, getattr(cell, "number_format", "General")) for cell in row]
