"""What ``wenju eval --fit`` found, as text and in its one JSON form."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from qa.evaluation import aligned

if TYPE_CHECKING:
    from qa.fitting import Part
    from qa.folds import Difference
    from qa.judging import Figure
    from qa.refit import Refit

_HEAD = ["", "n", "before", "after", "change", "standard error"]


def to_text(found: Refit) -> str:
    """Return it as lines, without a line break at the end; the last says where the weights are."""
    return "\n".join(_lines(found))


def _lines(found: Refit) -> Iterator[str]:
    fit = found.fit
    yield (
        f"{fit.answerable} answerable and {fit.unanswerable} unanswerable questions; before: the "
        "weights of the package, after: corrected by a fit without the question"
    )
    yield from aligned([_HEAD, *map(_row, fit.figures)])
    yield (
        "false refusals: answerable questions refused; refused: unanswerable ones; near misses: "
        "answerable ones without the passages that answer"
    )
    yield from map(_part, fit.parts)
    if found.fixed:
        yield f"refused is below {found.least:g}, as the setting refuse_below says"
    elif fit.own.least is not None:
        yield f"refused is below {fit.own.least:.3f}, not {found.least:g} as without the fit"
    yield _end(found)


def _row(figure: Figure) -> list[str]:
    name, before, after, change = _shown(figure)
    means = [f"{before:.4f}", f"{after:.4f}", f"{change.mean:+.4f}", f"{change.error:.4f}"]
    return [name, str(figure.questions), *means]


def _shown(figure: Figure) -> tuple[str, float, float, Difference]:
    """Return name, means and change of a figure; what is not answered is shown as refused."""
    if figure.name != "answered":
        return figure.name, figure.before, figure.after, figure.change
    change = figure.change._replace(mean=0.0 - figure.change.mean)
    return "false refusals", 1 - figure.before, 1 - figure.after, change


def _part(part: Part) -> str:
    if part.gain is None:
        return f"{part.name}: not fitted"
    kept = "kept" if part.kept else "left as shipped"
    return f"{part.name}: {kept}; {part.gains} {part.gain.mean:+.4f} ± {part.gain.error:.4f}"


def _end(found: Refit) -> str:
    if found.written:
        return (
            f"written to {found.path}, which counts from now on, in an open chat when it starts "
            "again; remove the file to undo it"
        )
    if found.earlier is not None:
        return f"nothing got better, nothing is written; {found.path} of {found.earlier} counts on"
    return "nothing got better, nothing is written; the weights of the package count"


def to_json(found: Refit) -> dict[str, Any]:
    """Return the JSON form."""
    least = found.fit.own.least
    return {
        "answerable": found.fit.answerable,
        "unanswerable": found.fit.unanswerable,
        "figures": dict(map(_figure_to_json, found.fit.figures)),
        "parts": {part.name: _part_to_json(part) for part in found.fit.parts},
        "least": {
            "before": found.least,
            "after": found.least if least is None else least,
            "set_by_user": found.fixed,
        },
        "files": [asdict(file) for file in found.files],
        "written": str(found.path) if found.written else None,
        "earlier": found.earlier,
    }


def _figure_to_json(figure: Figure) -> tuple[str, dict[str, Any]]:
    name, before, after, change = _shown(figure)
    return name, {
        "n": figure.questions,
        "before": round(before, 4),
        "after": round(after, 4),
        "standard_error": round(change.error, 4),
    }


def _part_to_json(part: Part) -> dict[str, Any]:
    return {
        "kept": part.kept,
        "gains": part.gains,
        "gain": part.gain and round(part.gain.mean, 4),
        "standard_error": part.gain and round(part.gain.error, 4),
    }
