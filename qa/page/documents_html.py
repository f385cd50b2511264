"""The HTML of the view of documents: uploads, the state of the index, and the table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from embeddings.library import Listed, Listing, Status
from embeddings.locking import Writer
from embeddings.readers import FORMATS
from embeddings.reports import BuildReport
from embeddings.uploads import Limits
from qa.page.documents_texts import DOCUMENTS_TEXTS, DocumentsTexts, counted, duration, megabytes
from qa.page.markup import Markup, element, join
from qa.page.reasons import said
from qa.page.texts import Language
from qa.rebuilding import STAGES, State

FASTEST_TOLD = 1000
"""Steps a second up to which a rate is told; what is faster was only looked up."""

SHOWN = 200
"""Rows that are drawn at a time."""


@dataclass(frozen=True, slots=True)
class Look:
    """How somebody looks at the list.

    Attributes:
        language: of the page.
        read_only: whether nothing may be changed.
        words: what names or titles must hold, in any case; empty for all.
        group: a key of `GROUPS`, or empty for all.
        start: how many rows are drawn already.
        rows: how many further ones to draw.
    """

    language: Language
    read_only: bool
    words: str = ""
    group: str = ""
    start: int = 0
    rows: int = SHOWN

    @property
    def texts(self) -> DocumentsTexts:
        """The words of the view."""
        return DOCUMENTS_TEXTS[self.language]


GROUPS: dict[str, Callable[[Listed], bool]] = {
    "in": lambda file: file.asked,
    "waits": lambda file: file.waits,
    "skipped": lambda file: file.status is Status.SKIPPED,
    "excluded": lambda file: file.status in (Status.EXCLUDED, Status.REMOVED),
}
"""What the list can be narrowed to."""


def view_html(
    found: Listing, limits: Limits, state: State, other: Writer | None, look: Look
) -> Markup:
    """Return the whole view."""
    return join(
        [
            _head(found, look),
            Markup() if look.read_only else _drop(limits, look.texts),
            element("div", state_html(found, state, other, look), id="documents-state"),
            _tools(look.texts),
            element("div", list_html(found, look), id="documents-list"),
            element("dialog", id="documents-read", class_="read", aria_label=look.texts.as_read),
        ]
    )


def _head(found: Listing, look: Look) -> Markup:
    root = look.texts.root.format(root=found.root.name or found.root) if found.root else ""
    return element(
        "header",
        element("h1", look.texts.title),
        element("p", root, class_="where", title=str(found.root) if found.root else None),
        element("p", look.texts.read_only, class_="where") if look.read_only else Markup(),
        class_="head",
    )


def _drop(limits: Limits, texts: DocumentsTexts) -> Markup:
    """Return where files are dropped; the input stands inside its label, so that a click opens."""
    allowed = texts.limits.format(
        largest=megabytes(limits.largest), files=f"{limits.files:,}", total=megabytes(limits.total)
    )
    chosen = element(
        "input", type="file", multiple=True, id="documents-files", accept=",".join(FORMATS)
    )
    label = element("label", texts.choose, chosen, class_="button strong choose")
    return element(
        "div",
        element("p", element("b", texts.drop), " ", label, class_="call"),
        element("p", allowed, class_="where limits"),
        element("p", texts.formats.format(formats=" ".join(FORMATS)), class_="where"),
        element("ul", id="documents-uploads", class_="uploads", aria_live="polite"),
        class_="drop pane",
        data_largest=limits.largest,
    )


# ---- the state of the index ----


def state_html(found: Listing, state: State, other: Writer | None, look: Look) -> Markup:
    """Return what the index is at: up to date, behind, being rebuilt; and how that ended."""
    if state.running:
        return running_html(state, look)
    lines = [*_ended(state, look)]
    if other is not None:
        named = look.texts.other.format(
            process=other.process, host=other.host, since=other.since.replace("T", " ")[:19]
        )
        lines.append(element("p", named, class_="other"))
    if found.problem:
        lines.append(element("p", said(found.problem, look.language), class_="failed"))
    waits = found.waiting > 0
    now = counted(look.texts.waiting, found.waiting) if waits else look.texts.current
    line = element("p", now, class_="now waits" if waits else "now")
    if found.problem and not waits:
        line = Markup()  # nobody knows whether anything waits
    button = Markup() if look.read_only else _rebuild(waits, look.texts)
    return element("div", element("div", line, *lines, class_="said"), button, class_="state pane")


def _rebuild(waits: bool, texts: DocumentsTexts) -> Markup:
    class_ = "button strong" if waits else "button"
    return element("button", texts.rebuild, type="button", class_=class_, data_act="rebuild")


def running_html(state: State, look: Look) -> Markup:
    """Return how far a rebuild is."""
    return element("div", _running(state, look), class_="state pane running")


def _running(state: State, look: Look) -> Markup:
    texts, at = look.texts, state.at
    stage = at.stage if at else ""
    number = STAGES.index(stage) + 1 if stage in STAGES else 0
    done, total = (at.done, at.total) if at else (0, 0)
    parts = [f"{done:,} / {total:,}"] if total else []
    if at and at.rate is not None and at.rate < FASTEST_TOLD:
        parts.append(
            texts.rate.format(rate=f"{at.rate:,.0f}" if at.rate >= 10 else f"{at.rate:.1f}")
        )
    if at and at.seconds_left and at.seconds_left >= 1 and done < total:
        parts.append(texts.left.format(left=duration(at.seconds_left, look.language)))
    name = texts.stages.get(stage, stage)
    label = f"{number}/{len(STAGES)} {name}" if number else name
    return join(
        [
            element("p", element("b", label), " ", " · ".join(parts), class_="now"),
            element(
                "progress", max=total or None, value=done if total else None, aria_label=name,
            ),
        ]
    )  # fmt: skip


def _ended(state: State, look: Look) -> Iterator[Markup]:
    if state.report is not None:
        yield element("p", _report(state.report, look.texts), class_="report", role="status")
        if state.report.skipped:
            skipped = counted(look.texts.skipped_list, len(state.report.skipped))
            yield element("p", skipped, class_="report")
    elif state.error is not None:
        why = said(state.error, look.language) if state.error else look.texts.program_failed
        yield element("p", look.texts.failed.format(error=why), class_="failed", role="alert")


def _report(report: BuildReport, texts: DocumentsTexts) -> str:
    changes = report.changes
    counts = {name: len(getattr(changes, name)) for name in texts.changes}
    changed = [counted(texts.changes[name], count) for name, count in counts.items() if count]
    if not report.published or not changed:
        return texts.unchanged
    return texts.done.format(
        seconds=f"{report.seconds:.1f}",
        changes=texts.separator.join(changed),
        documents=f"{report.documents:,}",
        passages=f"{report.passages:,}",
    )


# ---- the table ----


def _tools(texts: DocumentsTexts) -> Markup:
    words = element(
        "input", type="search", name="words", class_="field", placeholder=texts.filter,
        aria_label=texts.filter, autocomplete="off",
    )  # fmt: skip
    chosen = element(
        "p",
        element("span", class_="count"),
        element(
            "button", texts.ask_these, type="button", class_="button strong", data_act="ask-these"
        ),
        element("button", texts.clear, type="button", class_="button", data_act="clear"),
        class_="chosen",
        id="documents-chosen",
        data_picked=texts.picked,
        role="status",
        hidden=True,
    )
    form = element("form", words, data_act="find", role="search")
    return element("div", form, chosen, class_="tools")


def list_html(found: Listing, look: Look) -> Markup:
    """Return the groups with their numbers, and the table."""
    return join([_groups(found, look), _table(found, look)])


def _groups(found: Listing, look: Look) -> Markup:
    texts = look.texts
    counts = {key: sum(map(test, found.files)) for key, test in GROUPS.items()}
    pills = [("", texts.all, len(found.files))]
    pills += [(key, texts.groups[key], count) for key, count in counts.items() if count]
    return element(
        "div",
        *[
            element(
                "button", f"{name} {count:,}", type="button", class_="pill", data_act="group",
                data_group=key, aria_pressed="true" if key == look.group else "false",
            )
            for key, name, count in pills
        ],
        class_="groups",
        role="group",
        aria_label=texts.columns["status"],
    )  # fmt: skip


def _table(found: Listing, look: Look) -> Markup:
    texts = look.texts
    if not _wanted(found, look):
        said_ = texts.none_match if found.files else texts.nothing
        return element("p", said_, class_="nothing")
    heads = [element("th", element("span", texts.ask_these, class_="unseen"), scope="col")]
    heads += [element("th", name, scope="col", class_=key) for key, name in texts.columns.items()]
    heads.append(element("td"))
    rows = element("tbody", *rows_html(found, look), id="documents-rows")
    return join(
        [
            element("table", element("thead", element("tr", *heads)), rows),
            element("div", more_html(found, look), id="documents-more"),
        ]
    )


def _wanted(found: Listing, look: Look) -> list[Listed]:
    test = GROUPS.get(look.group)
    words = look.words.casefold().split()
    return [
        file
        for file in found.files
        if (test is None or test(file))
        and all(word in f"{file.source}\n{file.title}".casefold() for word in words)
    ]


def rows_html(found: Listing, look: Look) -> list[Markup]:
    """Return the next rows of the table."""
    wanted = _wanted(found, look)[look.start : look.start + look.rows]
    return [_row(file, look) for file in wanted]


def more_html(found: Listing, look: Look) -> Markup:
    """Return the button for the rows behind those; empty when there are none."""
    shown = look.start + look.rows
    rest = len(_wanted(found, look)) - shown
    if rest <= 0:
        return Markup()
    label = look.texts.more.format(count=f"{min(rest, SHOWN):,}")
    return element(
        "button", label, type="button", class_="button", data_act="more", data_start=shown
    )


def _row(file: Listed, look: Look) -> Markup:
    texts = look.texts
    return element(
        "tr",
        element("td", _pick(file, texts), class_="pick"),
        element("th", _named(file, texts), scope="row", class_="file"),
        element("td", file.date or "", class_="date"),
        _number(file.articles, "articles", texts),
        _number(file.passages, "passages", texts),
        element("td", _status(file, look), class_="status"),
        element("td", *_acts(file, look), class_="acts"),
        data_source=file.source,
        class_=f"is-{file.status}",
    )


def _number(count: int, key: str, texts: DocumentsTexts) -> Markup:
    """Return a cell that tells on a phone, where there are no column heads, what it counts."""
    shown = f"{count:,}" if count else ""
    return element("td", shown, class_=f"amount {key}", data_name=texts.columns[key])


def _pick(file: Listed, texts: DocumentsTexts) -> Markup:
    if not file.asked:
        return Markup()
    label = texts.pick.format(source=file.source)
    return element("input", type="checkbox", data_pick=file.source, aria_label=label)


def _named(file: Listed, texts: DocumentsTexts) -> Markup:
    name = file.source.rpartition("/")[2]
    title = file.title or name
    shown = element("b", title)
    if file.document:
        shown = element(
            "button", shown, type="button", class_="name", data_act="view",
            data_document=file.document, data_source=file.source,
        )  # fmt: skip
    mark = element("span", texts.uploaded, class_="pill") if file.uploaded else Markup()
    path = element("span", file.source, class_="where") if title != file.source else Markup()
    return join([shown, element("span", path, " ", mark, class_="under")])


def _status(file: Listed, look: Look) -> Markup:
    parts = [element("span", look.texts.statuses[file.status], class_="mark")]
    if file.reason:
        parts.append(element("span", said(file.reason, look.language), class_="reason"))
    if file.asked and file.status in (Status.EXCLUDED, Status.REMOVED, Status.GONE, Status.CHANGED):
        parts.append(element("span", look.texts.until, class_="reason"))
    return join(parts)


def _acts(file: Listed, look: Look) -> Sequence[Markup]:
    if look.read_only:
        return [_view(file, look.texts)]
    texts, name = look.texts, file.source.rpartition("/")[2]
    if file.status in (Status.EXCLUDED, Status.REMOVED):
        undo = texts.undo if file.waits else texts.include
        return [_button(undo, "restore", file, name)]
    if file.status is Status.GONE:
        return [_view(file, texts)]
    label = texts.remove if file.uploaded else texts.exclude
    sure = (texts.sure_remove if file.uploaded else texts.sure_exclude).format(source=name)
    return [_view(file, texts), _button(label, "remove", file, name, sure)]


def _view(file: Listed, texts: DocumentsTexts) -> Markup:
    if not file.document:
        return Markup()
    return element(
        "button", texts.view, type="button", class_="button", data_act="view",
        data_document=file.document, data_source=file.source,
        aria_label=f"{texts.view} {file.source}",
    )  # fmt: skip


def _button(label: str, act: str, file: Listed, name: str, confirm: str | None = None) -> Markup:
    return element(
        "button", label, type="button", class_="button", data_act=act, data_source=file.source,
        data_confirm=confirm, aria_label=f"{label} {name}",
    )  # fmt: skip
