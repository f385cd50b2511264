"""One accent colour -> the colours that go with it, readable on light and on dark (WCAG 2.2 AA)."""

from __future__ import annotations

from collections.abc import Sequence

LEAST_CONTRAST = 4.5

_Colour = tuple[int, int, int]

_LIGHT, _DARK = (255, 255, 255), (23, 28, 31)
_WHITE, _BLACK = (255, 255, 255), (8, 16, 20)
_TINT = 0.12


def accent_style(accent: str) -> str:
    """Return a style sheet that gives the page another accent colour, ``#rrggbb``.

    It is made darker on light, or lighter on dark, as far as its contrast wants.
    """
    colour = _read(accent)
    light, dark = _rules(colour, _LIGHT, _BLACK), _rules(colour, _DARK, _WHITE)
    return f":root {{ {light} }}\n@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}\n"


def contrast(one: Sequence[int], other: Sequence[int]) -> float:
    """Return the contrast ratio of two colours, 1 to 21 (WCAG 2.2, 1.4.3)."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: Sequence[int]) -> float:
    parts = [part / 255 for part in colour]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _rules(colour: _Colour, paper: _Colour, towards: _Colour) -> str:
    tint = _mixed(paper, colour, _TINT)
    shown = _readable(colour, (paper, tint), towards)
    ink = max((_WHITE, _BLACK), key=lambda one: contrast(one, shown))
    named = {"accent": shown, "accent-ink": ink, "tint": tint}
    return " ".join(f"--{name}: {_written(value)};" for name, value in named.items())


def _readable(colour: _Colour, papers: Sequence[_Colour], towards: _Colour) -> _Colour:
    """Return the nearest mixture of `colour` and `towards` that can be read on all `papers`."""
    for share in range(0, 101, 4):
        mixed = _mixed(colour, towards, share / 100)
        if all(contrast(mixed, paper) >= LEAST_CONTRAST for paper in papers):
            return mixed
    return towards


def _mixed(one: _Colour, other: _Colour, share: float) -> _Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _read(colour: str) -> _Colour:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _written(colour: _Colour) -> str:
    return "#" + "".join(f"{part:02x}" for part in colour)
