"""Plain text files: the decoded file itself."""

from __future__ import annotations

from embeddings.readers.encodings import decode
from embeddings.readers.reading import Reading

READER = "text/1"


def read(data: bytes) -> Reading:
    """Read a text file.

    Raises:
        UnreadableFileError: when it is not text.
    """
    decoded = decode(data)
    return Reading(decoded.text, READER, encoding=decoded.encoding)
