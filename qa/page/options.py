"""What whoever serves the page can choose of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from embeddings.errors import SettingError
from qa.addresses import check_name
from qa.page.texts import Language
from qa.rebuilding import Rebuilding

if TYPE_CHECKING:
    from embeddings.store_milvus import MilvusStore
    from qa.generate import Writer
    from qa.question_log import QuestionLog

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


@dataclass(frozen=True, slots=True)
class Options:
    """The page's options.

    Attributes:
        title: stands in the header and the browser's tab; empty for the product's own.
        welcome: stands above the first question; empty for the product's own.
        accent: colour of buttons and numbers, ``#rrggbb``; empty for the product's own.
        language: language of the page itself; None to follow each visitor's browser.
        read_only: whether nothing may be changed through the page.
        index: the index folder; None where there is none on disk.
        store: what keeps its generations; None for the folder, or for what the folder remembers.
        rebuilding: brings the index up to date; None for one of the page's own.
        writer: has answers written by a language model; None where none is set.
        public_name: host name of a reverse proxy before the page; empty for none.
        log: writes a line for each question; None for none.

    Raises:
        SettingError: when `accent` is no colour, or `public_name` no host name.
    """

    title: str = ""
    welcome: str = ""
    accent: str = ""
    language: Language | None = None
    read_only: bool = False
    index: Path | None = None
    store: MilvusStore | None = None
    rebuilding: Rebuilding | None = None
    writer: Writer | None = None
    public_name: str = ""
    log: QuestionLog | None = None

    def __post_init__(self) -> None:
        check_name(self.public_name)
        if self.accent and not _COLOUR.fullmatch(self.accent):
            raise SettingError(
                f"Setting 'accent' is {self.accent!r}; give a colour as #0f6b5c, red, green and "
                "blue in two hexadecimal digits each"
            )

    @property
    def model(self) -> str:
        """Name of the language model; empty where none is set."""
        return self.writer.model.access.model if self.writer is not None else ""
