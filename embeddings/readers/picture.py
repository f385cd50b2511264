"""Picture files: the text that recognition finds on them; each frame of a .tiff is a page."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embeddings.errors import UnreadableFileError
from embeddings.readers import recognition
from embeddings.readers.blocks import Blocks
from embeddings.readers.packages import refusing
from embeddings.readers.reading import Reading

LARGEST_PIXELS = 80_000_000
"""A picture of more pixels than this is refused before it is unpacked."""

LARGEST_PAGES = 500
"""A .tiff of more pages than this is refused."""


def read(data: bytes) -> Reading:
    """Read a picture.

    Raises:
        UnreadableFileError: when it is damaged, too large, or nothing is written on it.
    """
    with refusing(".png"):
        from PIL import Image, __version__

        try:
            with Image.open(io.BytesIO(data)) as picture:
                blocks = _blocks(picture)
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise _too_large() from error
    if not blocks.parts:
        raise UnreadableFileError("a picture on which text recognition finds no text")
    reader = f"{recognition.reader('picture')} pillow {__version__}"
    return Reading(blocks.text, reader, page_starts=blocks.pages)


def _blocks(picture: Any) -> Blocks:
    frames = getattr(picture, "n_frames", 1)
    if frames > LARGEST_PAGES:
        raise UnreadableFileError(
            f"has {frames:,} pages; at most {LARGEST_PAGES:,} are recognised; split the file"
        )
    blocks = Blocks()
    for number in range(frames):
        picture.seek(number)
        blocks.start_page()
        blocks.add(recognition.recognise(_pixels(picture)))
    return blocks


def _pixels(picture: Any) -> NDArray[np.uint8]:
    """Return a frame upright on white, bounded in size; blue first."""
    from PIL import Image, ImageOps

    width, height = picture.size
    if width * height > LARGEST_PIXELS:
        raise _too_large()
    if picture.mode.startswith("I;16"):
        picture = Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
    upright = ImageOps.exif_transpose(picture).convert("RGBA")
    page = Image.alpha_composite(Image.new("RGBA", upright.size, "white"), upright).convert("RGB")
    scale = recognition.scale_of(*page.size, 1.0)
    if scale < 1.0:
        page = page.resize([max(1, int(side * scale)) for side in page.size], reducing_gap=2.0)
    return np.asarray(page)[:, :, ::-1]


def _too_large() -> UnreadableFileError:
    return UnreadableFileError(
        f"a picture of more than {LARGEST_PIXELS:,} pixels; save it smaller or in parts"
    )
