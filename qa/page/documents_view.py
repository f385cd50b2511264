"""The view of documents: what the index is made of, uploads, removals, rebuilds.

The browser keeps which documents are to be asked; nothing of a visitor is held here.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from threading import Lock
from typing import Any, Protocol, runtime_checkable

from starlette.routing import Route

from embeddings.errors import SourceError, WenjuError
from embeddings.library import Library
from embeddings.segment import Segmenter
from embeddings.settings import Settings, load
from embeddings.stores import milvus_of
from embeddings.uploads import Limits
from qa.inspect_view import Inspection, inspect_document
from qa.page.documents_html import (
    GROUPS,
    SHOWN,
    Look,
    list_html,
    more_html,
    rows_html,
    running_html,
    state_html,
    view_html,
)
from qa.page.documents_read import blocks_html, read_html
from qa.page.documents_read import more_html as more_blocks_html
from qa.page.documents_texts import DOCUMENTS_TEXTS
from qa.page.documents_upload import upload_route
from qa.page.markup import Markup, join
from qa.page.options import Options
from qa.page.reasons import said
from qa.page.texts import Language
from qa.page.views import How, Part, Patch, Reply, Visit, unknown_act
from qa.rebuilding import Engines, Rebuilding, build_of

KEPT_READINGS = 4
"""Documents whose reading is remembered, to show more of it."""

_Act = Callable[[Mapping[str, Any], Visit], Iterable[Part]]


@runtime_checkable
class EnginedBot(Protocol):
    """A bot that says what makes its vectors and words."""

    @property
    def engines(self) -> Engines:
        """Encoder and tokenizer."""


class DocumentsView:
    """The documents of one index; threads may share it.

    Args:
        library: the documents.
        rebuilding: brings the index up to date.
        engines: gives the tokenizer that takes a document apart as a build does.
        read_only: refuse every change.
    """

    name = "documents"

    def __init__(
        self,
        library: Library,
        rebuilding: Rebuilding,
        engines: Callable[[], Engines],
        *,
        read_only: bool = False,
    ) -> None:
        self._library, self._rebuilding, self._engines = library, rebuilding, engines
        self._read_only = read_only
        self._readings: OrderedDict[str, Inspection] = OrderedDict()
        self._reading = Lock()
        self._reads: dict[str, _Act] = {
            "list": self._list,
            "find": self._find,
            "more": self._more,
            "progress": self._progress,
            "view": self._view,
            "more-blocks": self._more_blocks,
        }
        self._writes: dict[str, _Act] = {
            "rebuild": self._rebuild,
            "remove": self._remove,
            "restore": self._restore,
        }

    def title(self, language: Language) -> str:
        """Return its word in the navigation."""
        return DOCUMENTS_TEXTS[language].title

    def show(self, visit: Visit) -> Markup:
        """Return the whole view."""
        found, state = self._library.listing(), self._rebuilding.state()
        limits = self._library.uploads.limits
        return view_html(found, limits, state, self._rebuilding.other(), _look({}, visit))

    def act(self, name: str, data: Mapping[str, Any], visit: Visit) -> Iterable[Part]:
        """List, find, view, remove and restore documents; rebuild the index and say how far it is.

        Raises:
            SourceError: when something is to be changed on a page that is read-only.
        """
        if name in self._writes and self._read_only:
            raise SourceError(DOCUMENTS_TEXTS[visit.language].read_only)
        acts = self._reads | self._writes
        if name not in acts:
            raise unknown_act(self, name)
        return _worded(acts[name](data, visit), visit.language)

    def routes(self) -> list[Route]:
        """Return the address of uploads."""
        return [] if self._read_only else [upload_route(self._library)]

    # ---- the list ----

    def _list(self, data: Mapping[str, Any], visit: Visit) -> Iterator[Part]:
        found, look = self._library.listing(), _look(data, visit)
        state, other = self._rebuilding.state(), self._rebuilding.other()
        yield Patch("documents-state", state_html(found, state, other, look))
        yield Patch("documents-list", list_html(found, look))
        asked = {file.source for file in found.files if file.asked}
        chosen = data.get("chosen")
        kept = [name for name in chosen if name in asked] if isinstance(chosen, list) else []
        yield Reply({"chosen": kept, "running": state.running, "waiting": found.waiting})

    def _find(self, data: Mapping[str, Any], visit: Visit) -> Iterator[Part]:
        yield Patch("documents-list", list_html(self._library.listing(), _look(data, visit)))

    def _more(self, data: Mapping[str, Any], visit: Visit) -> Iterator[Part]:
        found, look = self._library.listing(), _look(data, visit)
        yield Patch("documents-rows", join(rows_html(found, look)), How.APPEND)
        yield Patch("documents-more", more_html(found, look))

    def _remove(self, data: Mapping[str, Any], visit: Visit) -> Iterator[Part]:
        source, texts = str(data.get("source", "")), DOCUMENTS_TEXTS[visit.language]
        uploaded = self._library.uploads.holds(source)
        self._library.remove(source)
        yield from self._list(data, visit)
        told = (texts.removed if uploaded else texts.excluded).format(source=_name(source))
        yield Reply({"said": told})

    def _restore(self, data: Mapping[str, Any], visit: Visit) -> Iterator[Part]:
        source = str(data.get("source", ""))
        self._library.restore([source])
        yield from self._list(data, visit)
        told = DOCUMENTS_TEXTS[visit.language].restored.format(source=_name(source))
        yield Reply({"said": told})

    # ---- the index ----

    def _rebuild(self, data: Mapping[str, Any], visit: Visit) -> Iterator[Part]:
        self._rebuilding.start()  # one that runs already is watched
        yield from self._progress(data, visit)

    def _progress(self, data: Mapping[str, Any], visit: Visit) -> Iterator[Part]:
        """Tell how far a rebuild is; the list follows when the browser sees that it has ended."""
        state = self._rebuilding.state()
        other = self._rebuilding.other()
        if state.running:
            yield Patch("documents-state", running_html(state, _look(data, visit)))
        yield Reply(
            {"running": state.running, "number": state.number, "other": other and other.process}
        )

    # ---- one document ----

    def _view(self, data: Mapping[str, Any], visit: Visit) -> Iterator[Part]:
        found = self._read(str(data.get("document", "")))
        texts = DOCUMENTS_TEXTS[visit.language]
        source = str(data.get("source", "")) or found.document.source
        yield Patch("documents-read", read_html(found, source, texts))

    def _more_blocks(self, data: Mapping[str, Any], visit: Visit) -> Iterator[Part]:
        found, start = self._read(str(data.get("document", ""))), _whole(data.get("start"))
        texts = DOCUMENTS_TEXTS[visit.language]
        yield Patch("documents-blocks", blocks_html(found, start, texts), How.APPEND)
        yield Patch("documents-read-more", more_blocks_html(found, start, texts))

    def _read(self, document: str) -> Inspection:
        """Take a document apart as a build does; the last few are remembered."""
        with self._reading:
            if document not in self._readings:
                segmenter = Segmenter(self._engines()[1])
                kept = self._library.document(document)
                self._readings[document] = inspect_document(kept, segmenter)
            self._readings.move_to_end(document)
            while len(self._readings) > KEPT_READINGS:
                self._readings.popitem(last=False)
            return self._readings[document]


def documents_view(bot: object, options: Options) -> DocumentsView | None:
    """Return the view over the index of a bot; None for one without an index on disk."""
    if options.index is None or not isinstance(bot, EnginedBot):
        return None
    settings: Settings = load()
    store = options.store or milvus_of(options.index, settings)
    library = Library(options.index, Limits.of(settings), store)

    def engines() -> Engines:
        return bot.engines

    rebuilding = options.rebuilding or Rebuilding(
        build_of(library, engines, settings), options.index
    )
    return DocumentsView(library, rebuilding, engines, read_only=options.read_only)


def _worded(parts: Iterable[Part], language: Language) -> Iterator[Part]:
    """Pass parts on; an error is said in the page's language."""
    try:
        yield from parts
    except WenjuError as error:
        raise type(error)(said(str(error), language)) from error


def _look(data: Mapping[str, Any], visit: Visit) -> Look:
    """Return how the browser looks at the list; what it sends is not believed."""
    group = str(data.get("group", ""))
    return Look(
        visit.language,
        visit.options.read_only,
        str(data.get("words", ""))[:200],
        group if group in GROUPS else "",
        _whole(data.get("start")),
        max(SHOWN, _whole(data.get("rows"))),
    )


def _whole(value: object) -> int:
    return int(value) if isinstance(value, str) and value.isdecimal() else 0


def _name(source: str) -> str:
    return source.rpartition("/")[2]
