"""Text recognition (OCR): the picture of a page -> its text, by RapidOCR from `wenju[ocr]`.

Its models come with the package; nothing is fetched. It reads horizontal lines that stand upright:
not vertical text, no page upside down, no handwriting.
"""

from __future__ import annotations

import hashlib
import math
import threading
from collections.abc import Iterator
from functools import cache
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embeddings.errors import UnopenedFileError
from embeddings.readers import pace
from embeddings.readers.reading_order import straightened, text_of

INSTALL = "install wenju[ocr] (pip install 'wenju[ocr]')"

DPI = 200
"""Dots per inch at which a page is drawn for recognition."""

LARGEST_PIXELS = 16_000_000
"""A page is drawn smaller rather than with more pixels than this; A2 at `DPI` has 15 million."""

LEAST_CONFIDENCE = 0.7
"""A line that is recognised with less is left out; print is far above, texture and dirt below."""

_LONGEST = 30_000
_SIDE = 2_000
"""Lines are looked for on the picture at this size, and recognised at its own."""

MODELS = {
    "PP-OCRv6_det_small.onnx": "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f",
    "PP-OCRv6_rec_small.onnx": "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884",
}
"""Networks that find lines and read them, with their SHA-256, as in rapidocr 3.10.0."""

_PARTS = ("Det.model_path", "Rec.model_path")
_LOCK = threading.Lock()


def version() -> str | None:
    """Return the version of the installed recognition, or None where the extra is missing."""
    try:
        return metadata.version("rapidocr")
    except metadata.PackageNotFoundError:
        return None


def reader(format_: str) -> str:
    """Return name and version of a reader of this format that recognised text."""
    return f"{format_}+ocr/1 rapidocr {version()} PP-OCRv6-small"


def scale_of(width: float, height: float, largest: float) -> float:
    """Return by what to scale a picture of this size: at most `largest`, bounded in pixels."""
    bounded = math.sqrt(LARGEST_PIXELS / max(width * height, 1.0))
    return min(largest, bounded, _LONGEST / max(width, height, 1.0))


def recognise(picture: NDArray[np.uint8]) -> str:
    """Return the text on a picture, in reading order; empty when there is none.

    Args:
        picture: (height, width, 3) bytes, blue first.

    Raises:
        UnopenedFileError: when the recognition that is installed does not start.
    """
    pace.page_begins()
    with _LOCK:
        engine = _engine()
        return "\n\n".join(filter(None, (_text(engine(piece)) for piece in _pieces(picture))))


def _text(found: Any) -> str:
    if not found.txts:
        return ""
    kept = [at for at, score in enumerate(found.scores) if score >= LEAST_CONFIDENCE]
    if not kept:
        return ""
    corners = np.asarray(found.boxes, dtype=np.float64)[kept]
    return text_of(straightened(corners, [found.txts[at].strip() for at in kept]))


def _pieces(picture: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """Cut a long picture, as a screen that was scrolled, where nothing is written."""
    height, width = picture.shape[:2]
    if min(height, width) < 8:
        return
    start = 0
    while height - start > 3 * width:
        band = picture[start + width : start + 2 * width]
        cut = start + width + int(np.argmin(band.std(axis=(1, 2))))
        yield np.ascontiguousarray(picture[start : cut + 1])
        start = cut + 1
    yield np.ascontiguousarray(picture[start:])


@cache
def _engine() -> Any:
    try:
        library = import_module("rapidocr")
    except ImportError as error:
        raise UnopenedFileError(
            f"text recognition does not start ({error}); {INSTALL} again"
        ) from error
    # A model that is named by its path is never downloaded.
    folder = Path(str(library.__file__)).parent / "models"
    paths = {part: str(_checked(folder / name)) for part, name in zip(_PARTS, MODELS, strict=True)}
    return library.RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.use_cls": False,
            "Global.text_score": LEAST_CONFIDENCE,
            "Global.max_side_len": 1_000_000,
            "Det.limit_type": "max",
            "Det.limit_side_len": _SIDE,
            # In one batch a line is padded to the longest: more memory, and another text at times.
            "Rec.rec_batch_num": 1,
            **paths,
        }
    )


def _checked(path: Path) -> Path:
    """Return the path of a model that is what it was when the tests ran.

    Raises:
        UnopenedFileError: it is missing, or differs from its checksum.
    """
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UnopenedFileError(
            f"text recognition does not start: its model {path} cannot be read "
            f"({error.strerror}); {INSTALL} again"
        ) from error
    if found != MODELS[path.name]:
        raise UnopenedFileError(
            f"text recognition does not start: its model {path} differs from its checksum; "
            f"{INSTALL} again"
        )
    return path
