"""Which reader takes a format; each is imported when the first such file comes."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import cast

from embeddings.readers.reading import Reading
from embeddings.readers.signatures import PICTURES

Parser = Callable[[str, bytes], Reading]
"""Takes an ending, in lower case with its dot, and all bytes of a file that has it."""

_READERS = {
    ".txt": "plain",
    ".md": "markdown",
    ".markdown": "markdown",
    ".html": "html",
    ".htm": "html",
    ".pdf": "pdf",
    ".docx": "word",
    ".xlsx": "excel",
    ".pptx": "powerpoint",
    **dict.fromkeys(PICTURES, "picture"),
}


def parse(ending: str, data: bytes) -> Reading:
    """Read a file of a known format in this process, without a look at what it claims to be.

    Raises:
        UnreadableFileError: with the reason.
    """
    module = import_module(f"embeddings.readers.{_READERS[ending]}")
    return cast("Reading", module.read(data))
