"""What a view of the page is, and what its acts give back. The frame knows no more of any view."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from starlette.routing import Route

from embeddings.errors import QuestionError
from qa.page.markup import Markup
from qa.page.options import Options
from qa.page.texts import Language, Texts


@dataclass(frozen=True, slots=True)
class Visit:
    """Who looks at the page, and at which.

    Attributes:
        language: of the page, as the visitor sees it.
        texts: the frame's words in it.
        options: those of the page.
    """

    language: Language
    texts: Texts
    options: Options


class How(StrEnum):
    """What a patch does to the content of its element."""

    REPLACE = "replace"
    APPEND = "append"


@dataclass(frozen=True, slots=True)
class Patch:
    """New content of one element of the page.

    Attributes:
        id: of the element; what is not on the page any more is passed over.
        html: the content.
        how: whether it takes the place of what is there, or comes behind it.
    """

    id: str
    html: Markup
    how: How = How.REPLACE


@dataclass(frozen=True, slots=True)
class Reply:
    """What the script that called gets; `data` must be fit for JSON."""

    data: Mapping[str, Any]


Part = Patch | Reply
"""What an act gives; each is sent to the browser at once."""


class View(Protocol):
    """A part of the page with a name of its own; holds nothing of any visitor."""

    @property
    def name(self) -> str:
        """Lower-case letters: ``#name`` in the address, ``view-name`` of the element, its files."""

    def title(self, language: Language, /) -> str:
        """Return its word in the navigation; empty for a view that has acts and is not shown."""

    def show(self, visit: Visit, /) -> Markup:
        """Return its whole content."""

    def act(self, name: str, data: Mapping[str, Any], visit: Visit, /) -> Iterable[Part]:
        """Do something; runs in a thread. `data` is what a browser sent.

        Raises:
            WenjuError: with the sentence to show.
        """


@runtime_checkable
class Routed(Protocol):
    """A view with addresses of its own, below ``/wenju/NAME/``."""

    def routes(self) -> list[Route]:
        """Return them; they stand behind the guard."""


def unknown_act(view: View, name: str) -> QuestionError:
    """Return the error of an act that `view` does not have."""
    return QuestionError(f"The page has no act {name!r} in {view.name!r}; load the page again")
