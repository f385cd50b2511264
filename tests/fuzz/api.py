"""Strategies for requests to the API: every path of its description, bodies near to right and far from it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

from hypothesis import strategies as st

from embeddings.records import document_id
from embeddings.settings import Settings
from qa.api.application import fastapi_of
from qa.api.service import Service, service_of
from qa.bot import Bot
from qa.generate import Writer
from qa.language_model import LanguageModel
from qa.model_access import Access
from tests.fuzz.files import PROSE
from tests.qa.conftest import PAGES

Request = tuple[str, str, dict[str, str], bytes]
"""Method, path, headers and body."""

DESCRIBED: dict[str, Any] = fastapi_of(cast(Service, None)).openapi()["paths"]
DOCUMENTS = [document_id(text.encode()) for text in PAGES.values()]


class Saying:
    """A language model that says what it is told to; no more than a few words at a time."""

    access = Access("http://127.0.0.1:9/v1", "说什么是什么")

    def __init__(self) -> None:
        self.text = ""

    def pieces(self, messages: Sequence[dict[str, str]]) -> Iterator[str]:
        """Yield the text in pieces."""
        for at in range(0, len(self.text), 5):
            yield self.text[at : at + 5]


def writer_of(model: Saying) -> Writer:
    """Return a writer whose model says what it is told to."""
    return Writer(cast(LanguageModel, model))


def service(bot: Bot, index: Path, model: Saying) -> Service:
    """Return an index served with that model."""
    return replace(service_of(bot, index, Settings()), writer=writer_of(model))


def _json(given: object) -> bytes:
    return json.dumps(given).encode()


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | PROSE,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=8,
)
QUESTION = PROSE.map(lambda text: f"企业{text}")
_ODD: st.SearchStrategy[object] = st.sampled_from(
    [None, -1, 0, 1, 3, 10**30, "", "x", True, [], {}, 0.5]
)
_SOURCES = st.lists(st.sampled_from([*PAGES, "a/", "../x", "", "没有.txt"]) | PROSE, max_size=3)
_DAYS = st.sampled_from([None, "2021-06-16", "2021-13-99", "0001-01-01", "9999-12-31", "x", ""])
_TURN = st.fixed_dictionaries({"question": PROSE}, optional={"answer": st.none() | PROSE})
_ROLES = st.sampled_from(["user", "user", "assistant", "system", "tool", ""])
_PARTS = st.lists(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["text", "image_url"])}, optional={"text": PROSE}
    )
)
_MESSAGES = st.lists(
    st.fixed_dictionaries({"role": _ROLES}, optional={"content": QUESTION | st.none() | _PARTS}), max_size=4
)  # fmt: skip
_FLAGS = st.booleans()
_NARROWED = {
    "k": st.integers(1, 5) | st.integers(-1, 60),
    "sources": st.just([]) | _SOURCES,
    "dates": st.tuples(_DAYS, _DAYS) | st.just((None, "2021-06-16")),
}
_ASKED = {"history": st.lists(PROSE | _TURN, max_size=3), **_NARROWED}
_FORMS = {
    "/api/ask": st.fixed_dictionaries(
        {"question": QUESTION}, optional={**_ASKED, "stream": _FLAGS, "llm": _FLAGS}
    ),
    "/api/retrieve": st.fixed_dictionaries({"question": QUESTION}, optional=_NARROWED),
    "/v1/chat/completions": st.fixed_dictionaries(
        {"model": st.sampled_from(["wenju", "wenju-llm", "x"]), "messages": _MESSAGES},
        optional={
            "stream": _FLAGS, "sources": _SOURCES, "dates": st.tuples(_DAYS, _DAYS), "n": _ODD, "tools": _ODD,
            "stream_options": st.fixed_dictionaries({"include_usage": _FLAGS}),
        },
    ),
}  # fmt: skip


def _feedback(record: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return feedback on an answer of which some fields are others."""
    changed = st.dictionaries(st.sampled_from(sorted(record)), ANY, max_size=2)
    return st.fixed_dictionaries(
        {
            "answer": changed.map(lambda change: record | change),
            "verdict": st.sampled_from(["up", "down", "none", "x"]),
        },
        optional={
            "note": PROSE, "missing": _FLAGS, "question": QUESTION, "history": st.lists(PROSE, max_size=2),
            "sources": _SOURCES, "id": st.sampled_from(["../../etc", "a" * 8, "x" * 99, "甲" * 8]),
        },
    )  # fmt: skip


_BEHIND = st.tuples(st.integers(-2, 99999) | st.text(max_size=3), st.integers(-2, 99999)).map(
    lambda span: f"?start={quote(str(span[0]))}&end={span[1]}"
)
_NAMES = st.sampled_from([*DOCUMENTS, "wenju", "wenju-llm", "%2e%2e%2f", "x"]) | st.binary(
    max_size=12
).map(bytes.hex)
_TEMPLATES = st.sampled_from([*DESCRIBED, "/x", "/api", "/v1/"])
PATHS = st.tuples(_TEMPLATES, _NAMES, st.just("") | _BEHIND).map(
    lambda one: one[0].replace("{document}", one[1]).replace("{model}", one[1]) + one[2]
)
HEADERS = st.dictionaries(
    st.sampled_from(["content-type", "authorization", "accept", "origin", "x-request-id", "range"]),
    st.sampled_from(
        ["application/json", "text/html", "", "Bearer x", "null", "a;b=c", "é", "x" * 900]
    )
    | st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20).map(str.strip),
    max_size=3,
)
_FIELDS = st.sampled_from(
    ["question", "history", "k", "sources", "dates", "stream", "model", "messages", "n", "id", "llm"]
)  # fmt: skip
OBJECTS = st.dictionaries(_FIELDS, ANY, max_size=5).map(_json)
_BODIES = st.binary(max_size=60) | OBJECTS | ANY.map(_json)
_METHODS = st.sampled_from(["GET", "POST", "POST", "PUT", "DELETE", "HEAD", "OPTIONS"])


def requests(record: dict[str, Any]) -> st.SearchStrategy[Request]:
    """Return requests of all kinds; `record` is an answer of the API."""
    far = st.tuples(_METHODS, PATHS, HEADERS, _BODIES)
    forms = {**_FORMS, "/api/feedback": _feedback(record)}
    near = [_near(path, form) for path, form in forms.items()]
    return st.one_of(far, *near)


def _near(path: str, form: st.SearchStrategy[Any]) -> st.SearchStrategy[Request]:
    spoiled = st.tuples(form, st.dictionaries(_FIELDS, _ODD, max_size=1))
    bodies = form | form | spoiled.map(lambda one: one[0] | one[1])
    return st.tuples(st.just("POST"), st.just(path), st.just({}), bodies.map(_json))
