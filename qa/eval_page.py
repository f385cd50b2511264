"""An evaluation as one HTML page to look at: figures, and a card for each question.

The page holds all it needs and asks for nothing. A card is one line; what it opens to is drawn by
the page's script from a block of data, as text only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from qa import comparison as comparing
from qa import outcomes
from qa.comparison import Change, Comparison, Verdict
from qa.evaluation import Evaluation, index_notes, report_notes, tables_of
from qa.figures import stated_at
from qa.outcomes import QuestionOutcome, Ranked
from qa.page.eval_texts import WORDS
from qa.page.markup import Markup, data_block, element, join
from qa.page.single import single_page
from qa.render import as_written
from qa.runs import Conditions

LABELS = ("kind", "sort", "lang")

_EN = WORDS["en"]


def to_html(
    evaluation: Evaluation, conditions: Conditions, comparison: Comparison | None = None
) -> str:
    """Return the page; with a comparison the cards show what changed."""
    changes = _changes(evaluation, comparison)
    told = [one for report in evaluation.reports for one in report.outcomes]
    files = [report.file for report in evaluation.reports]
    data = data_block("data", _data(evaluation, changes))
    return single_page(
        f"{', '.join(files)} · wenju eval",
        _header(conditions),
        element("section", *_figures(evaluation, comparison), class_="figures"),
        element("p", *_legend(), class_="legend"),
        _bar(files, told, changes if comparison else None),
        element("main", *map(_card, range(len(told)), told, changes), id="cards"),
        element("p", _EN["none"], id="none", data_t="none", hidden=True),
        data,
        name="eval",
    )


def _changes(evaluation: Evaluation, comparison: Comparison | None) -> list[Change | None]:
    """Return what became of each question, file by file; None where nothing changed."""
    missing = set(comparison.missing) if comparison else set()
    compared = iter(comparison.files if comparison else ())
    changes: list[Change | None] = []
    for report in evaluation.reports:
        found = None if report.file in missing else next(compared, None)
        by_place = {change.at: change for change in found.changes} if found else {}
        changes += [by_place.get(at) for at in range(len(report.outcomes))]
    return changes


def _word(name: str, key: str, **attributes: str) -> Markup:
    """Return an element with words of the page, in English until the script knows better."""
    return element(name, _EN[key], data_t=key, **attributes)


def _header(conditions: Conditions) -> Markup:
    chosen = {name: value for name, value in conditions.options.items() if value}
    facts = {"": conditions.when, "wenju": conditions.version, "model": conditions.model, **chosen}
    shown = [element("span", f"{name} ", element("b", _flat(v))) for name, v in facts.items()]
    return element(
        "header",
        element("h1", "wenju eval"),
        element("p", *shown, class_="facts"),
        _word("button", "language", type="button", id="language"),
    )


def _flat(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _figures(evaluation: Evaluation, comparison: Comparison | None) -> Iterator[Markup]:
    for rows in tables_of(evaluation.reports):
        yield _table(rows)
    for note in (*index_notes(evaluation), *report_notes(evaluation.reports)):
        yield element("p", note, class_="note")
    if comparison is None:
        return
    for line in comparing.head_lines(comparison):
        yield element("p", line, class_="note")
    for one in comparison.files:
        yield element("h2", comparing.shared_line(one))
        if one.shared:
            yield _table(comparing.figure_cells(one))


def _table(rows: Sequence[Sequence[str]]) -> Markup:
    """Return rows as a table that scrolls by itself; the first one holds the column names."""
    head, *body = rows
    shown = element("table", element("thead", _row("th", head)), *(_row("td", row) for row in body))
    return element("div", shown, class_="scroll", tabindex=0)


def _row(cell: str, texts: Sequence[str]) -> Markup:
    first, *others = texts
    kind = "group" if first.startswith("  ") else None
    scope = "col" if cell == "th" else None
    cells = [element(cell, text, scope=scope, **_explained(text)) for text in others]
    named = element("th", first.strip(), class_=kind, scope=scope or "row", **_explained(first))
    return element("tr", named, *cells)


def _explained(figure: str) -> dict[str, str]:
    key = f"figure {figure}"
    return {"title": _EN[key], "data_t_title": key} if key in _EN else {}


def _bar(
    files: Sequence[str], told: Sequence[QuestionOutcome], changes: Sequence[Change | None] | None
) -> Markup:
    parts = [element("div", *_states(told, changes), class_="states", role="group")]
    if len(files) > 1:
        parts.append(_select("file", "every file", [("", enumerate(files))]))
    if groups := list(_label_groups(told)):
        parts.append(_select("label", "every label", groups))
    parts.append(
        element(
            "input",
            type="search",
            id="search",
            placeholder=_EN["search"],
            aria_label=_EN["search"],
            data_t_placeholder="search",
            data_t_label="search",
        )
    )
    parts.append(element("output", id="count"))
    parts.append(_word("button", "open", type="button", id="open"))
    return element("nav", *parts, aria_label=_EN["filters"], data_t_label="filters")


def _legend() -> Iterator[Markup]:
    yield element("span", _word("mark", "legend marks"))
    yield element("span", _word("u", "legend gold", class_="gold"))


def _states(
    told: Sequence[QuestionOutcome], changes: Sequence[Change | None] | None
) -> Iterator[Markup]:
    counts = {
        "all": len(told),
        "wrong": sum(not one.right for one in told),
        "right": sum(one.right for one in told),
        "refused": sum(not one.answer.answered for one in told),
    }
    if changes is not None:
        moved = Counter(change.verdict for change in changes if change)
        counts |= {verdict: moved[verdict] for verdict in Verdict}
    for state, count in counts.items():
        yield element(
            "button",
            _word("span", state),
            element("small", f"{count:,}"),
            type="button",
            data_state=state,
            aria_pressed="true" if state == "all" else "false",
        )


def _label_groups(
    told: Sequence[QuestionOutcome],
) -> Iterator[tuple[str, Iterable[tuple[str, str]]]]:
    """Yield each label with its values; one that is the same everywhere tells nothing apart."""
    for label in LABELS:
        values = sorted({one.labels[label] for one in told if label in one.labels})
        if len(values) > 1:
            yield label, [(f"{label}={value}", value) for value in values]


def _select(
    name: str, every: str, groups: Iterable[tuple[str, Iterable[tuple[int | str, str]]]]
) -> Markup:
    """Return a choice; the options of a group without a name stand by themselves."""
    parts = [_word("option", every, value="")]
    for label, values in groups:
        options = join(element("option", text, value=str(value)) for value, text in values)
        if label:
            options = element("optgroup", options, label=_EN[label], data_t_label=label)
        parts.append(options)
    return element("select", *parts, id=name, aria_label=_EN[every], data_t_label=every)


def _card(at: int, one: QuestionOutcome, change: Change | None) -> Markup:
    sign, mark = ("right", "✓") if one.right else ("wrong", "✗")
    classes = ["card", sign, *([change.verdict] if change else [])]
    refusal = _word("span", "refused", class_="refusal")
    said = element("span", one.answer.text[:160], class_="said") if one.answer.answered else refusal
    line = [
        element("span", mark, class_="sign", title=_EN[sign], data_t_title=sign),
        element("span", one.question.text, class_="asked"),
        said,
        _word("span", change.verdict, class_="verdict") if change else Markup(),
        element("span", one.labels.get("kind", ""), class_="kind"),
        element("span", one.question.id, class_="id"),
    ]
    summary = element("summary", *line)
    return element("details", summary, class_=" ".join(classes), data_at=at)


def _data(evaluation: Evaluation, changes: Sequence[Change | None]) -> dict[str, Any]:
    """Return what the script draws from; texts that may come often stand in a list, once."""
    texts: dict[str, int] = {}
    told = [
        (at, report.least, one)
        for at, report in enumerate(evaluation.reports)
        for one in report.outcomes
    ]
    questions = [
        {**_question(one, texts), "file": file, "least": least, "change": _changed(change)}
        for (file, least, one), change in zip(told, changes, strict=True)
    ]
    return {"words": WORDS, "texts": list(texts), "questions": questions}


def _question(one: QuestionOutcome, texts: dict[str, int]) -> dict[str, Any]:
    found = outcomes.to_json(one)
    variants = [variant for item in one.gold.items for variant in item]
    for shown in found["sentences"]:
        shown["gold"] = _gold_spans(shown["text"], variants)
    for shown in found["citations"]:
        shown["gold"] = _gold_spans(shown["quote"], variants)
    words = {word for passage in one.passages for word in passage.hit.signals.words}
    written = as_written(words, one.answer.question)
    for shown, passage in zip(found["passages"], one.passages, strict=True):
        del shown["spans"]
        shown |= _passage(passage, written, texts)
    if one.gold.context:
        found["gold"]["context"] = _kept(one.gold.context, texts)
    return found


def _passage(found: Ranked, written: Mapping[str, str], texts: dict[str, int]) -> dict[str, Any]:
    return {
        "opening": _kept(found.hit.text, texts),
        "title": _kept(found.hit.title, texts),
        "words": [written[word] for word in found.hit.signals.words],
    }


def _kept(text: str, texts: dict[str, int]) -> int:
    return texts.setdefault(text, len(texts))


def _gold_spans(text: str, variants: Iterable[str]) -> list[list[int]]:
    spans = {span for variant in variants for span in stated_at(text, variant)}
    return outcomes.pairs(sorted(spans))


def _changed(change: Change | None) -> dict[str, Any] | None:
    if change is None:
        return None
    return {
        "verdict": change.verdict,
        "won": list(change.won),
        "lost": list(change.lost),
        "before": change.before,
    }
