"""Lines of writing found on a picture -> text: which line follows which, columns, indents.

Knows writing from left to right only. It judges by places alone, never by the words.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

import numpy as np
from numpy.typing import NDArray

GUTTER = 0.6
"""A gap from top to bottom of at least this many line heights may part two columns."""

CROSSED = 30
"""Of so many lines one may go across a gap between columns: two lines that were found as one."""

COLUMN_LINES = 3
"""A column has at least this many lines; fewer beside each other are cells of a table."""

COLUMN_WIDTH = 6.0
"""The usual line of a column is at least this many line heights wide."""

INDENTS = (0.9, 3.5)
"""Line heights by which the first line of a paragraph is set in."""

_INDENT = "\u3000\u3000"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of writing and where it stands, in pixels from the top left corner."""

    text: str
    left: float
    top: float
    right: float
    bottom: float

    @property
    def height(self) -> float:
        """Pixels from top to bottom."""
        return self.bottom - self.top

    @property
    def middle(self) -> float:
        """Half way between top and bottom."""
        return (self.top + self.bottom) / 2


def straightened(corners: NDArray[np.float64], texts: Sequence[str]) -> list[Line]:
    """Return the lines as on a page that was laid down straight.

    Args:
        corners: (n, 4, 2) pixels: left top, right top, right bottom, left bottom of each.
        texts: what is written there.
    """
    edges = corners[:, 1] - corners[:, 0]
    lengths = np.hypot(edges[:, 0], edges[:, 1])
    long = lengths >= np.median(lengths)
    angle = float(np.median(np.arctan2(edges[long, 1], edges[long, 0])))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middles = corners.mean(axis=1)
    # A box is turned about its own middle, so that it keeps its height when it leans alone.
    placed = (corners - middles[:, None]) @ turn + (middles @ turn)[:, None]
    lows, highs = placed.min(axis=1), placed.max(axis=1)
    return [
        Line(text, float(low[0]), float(low[1]), float(high[0]), float(high[1]))
        for text, low, high in zip(texts, lows, highs, strict=True)
    ]


def text_of(lines: Sequence[Line]) -> str:
    """Return the text of a page: a line for each line, an empty one between blocks.

    Columns are read one after the other. A line that is set in as the first of a paragraph
    begins with two ideographic spaces.
    """
    if not lines:
        return ""
    height = median(line.height for line in lines)
    return "\n\n".join(_written(block, height) for block in _blocks(lines, height))


def _blocks(lines: Sequence[Line], height: float) -> list[list[Line]]:
    """Part a page into blocks of one column, in reading order."""
    blocks: list[list[Line]] = []
    open_ = False
    for group in _groups(lines, height):
        columns = _columns(group, height)
        if len(columns) > 1:
            for column in columns:
                blocks.extend(_blocks(column, height))
        elif open_:
            blocks[-1].extend(group)
        else:
            blocks.append(list(group))
        open_ = len(columns) == 1
    return blocks


def _groups(lines: Sequence[Line], height: float) -> list[list[Line]]:
    """Part a page from top to bottom where its columns begin or end."""
    groups: list[list[list[Line]]] = []
    for strip in _strips(lines):
        if groups and _go_together(_flat(groups[-1]), strip, height):
            groups[-1].append(strip)
        elif groups and _gutters(groups[-1][-1] + strip, height) and len(strip) == 1:
            # Columns whose lines stand at other heights begin with one line each.
            groups.append([groups[-1].pop(), strip])
        else:
            groups.append([strip])
    return [_flat(group) for group in groups if group]


def _flat(strips: list[list[Line]]) -> list[Line]:
    return [line for strip in strips for line in strip]


def _go_together(group: list[Line], strip: list[Line], height: float) -> bool:
    gutters = _gutters(group, height)
    if gutters and len(strip) == 1:
        return not all(strip[0].left < left and right < strip[0].right for left, right in gutters)
    if gutters:
        return bool(_gutters(group + strip, height))
    return not _gutters(strip, height) and not _gutters(group[-1:] + strip, height)


def _strips(lines: Sequence[Line]) -> list[list[Line]]:
    """Return the lines from top to bottom; those beside each other stand together."""
    strips: list[list[Line]] = []
    end = float("-inf")
    for line in sorted(lines, key=lambda line: (line.top, line.left)):
        # Boxes of two lines under each other may touch; their inner halves do not.
        if line.top + line.height / 4 < end:
            strips[-1].append(line)
        else:
            strips.append([line])
        end = max(end, line.bottom - line.height / 4)
    return strips


def _gutters(lines: Sequence[Line], height: float) -> list[tuple[float, float]]:
    """Return left and right border of each gap that goes from top to bottom."""
    crossing = len(lines) // CROSSED
    steps = sorted([(line.left, 1) for line in lines] + [(line.right, -1) for line in lines])
    gutters: list[tuple[float, float]] = []
    beside, since = 0, None
    for place, step in steps:
        was, beside = beside, beside + step
        if beside <= crossing < was:
            since = place
        elif was <= crossing < beside and since is not None and place - since >= GUTTER * height:
            gutters.append((since, place))
    return gutters


def _columns(lines: Sequence[Line], height: float) -> list[list[Line]]:
    """Part a group into its columns of running text; a table is no such."""
    middles = [(left + right) / 2 for left, right in _gutters(lines, height)]
    columns: list[list[Line]] = [[] for _ in range(len(middles) + 1)]
    for line in lines:
        columns[bisect(middles, line.left)].append(line)
    running = sum(_is_running(column, height) for column in columns if column)
    return [column for column in columns if column] if running > 1 else [list(lines)]


def _is_running(column: Sequence[Line], height: float) -> bool:
    usual = median(line.right - line.left for line in column)
    return len(column) >= COLUMN_LINES and usual >= COLUMN_WIDTH * height


def _written(block: Sequence[Line], height: float) -> str:
    rows = _rows(block)
    border = float(np.percentile([row[0].left for row in rows], 20))
    gaps = [below[0].top - above[0].bottom for above, below in pairwise(rows)]
    wide = median(gaps) + height if gaps else 0.0
    pieces: list[str] = []
    for row, gap in zip(rows, [0.0, *gaps], strict=True):
        if pieces:
            pieces.append("\n\n" if gap > wide else "\n")
        if INDENTS[0] * height <= row[0].left - border <= INDENTS[1] * height:
            pieces.append(_INDENT)
        pieces.append(_joined(row))
    return "".join(pieces)


def _rows(block: Sequence[Line]) -> list[list[Line]]:
    """Return the lines from top to bottom, those of one height from left to right."""
    rows: list[list[Line]] = []
    for line in sorted(block, key=lambda line: line.middle):
        if rows and line.middle - rows[-1][0].middle < min(line.height, rows[-1][0].height) / 2:
            rows[-1].append(line)
        else:
            rows.append([line])
    return [sorted(row, key=lambda line: line.left) for row in rows]


def _joined(row: Sequence[Line]) -> str:
    text = row[0].text
    for before, line in pairwise(row):
        text += ("\t" if line.left - before.right > 2 * line.height else " ") + line.text
    return text
