"""The four ways in which every point is tried: two languages, a laptop and a phone.

What depends on how a page is laid out is tried in all four. What it does is tried in Chinese on a
laptop and in English on a phone; in all four with ``WENJU_LOOKS=all``, as `make torture` does.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import pytest

from qa.page.texts import TEXTS, Language, Texts
from tests.browser.conftest import PHONE, WIDE


@dataclass(frozen=True)
class Look:
    """A language of the page and a size of its window."""

    texts: Texts
    is_phone: bool

    @property
    def context(self) -> dict[str, Any]:
        """What `visit` is given for it."""
        locale = self.texts.html_language if self.texts.language is Language.ZH else "en-GB"
        if not self.is_phone:
            return {"size": WIDE, "locale": locale}
        return {"size": PHONE, "locale": locale, "has_touch": True, "is_mobile": True}


LOOKS = [
    pytest.param(Look(TEXTS[language], is_phone), id=f"{language}-{390 if is_phone else 1280}")
    for language in Language
    for is_phone in (False, True)
]
every_look = pytest.mark.parametrize("look", LOOKS)
ALL_LOOKS = os.environ.get("WENJU_LOOKS") == "all"
some_looks = every_look if ALL_LOOKS else (pytest.mark.parametrize("look", [LOOKS[0], LOOKS[3]]))
