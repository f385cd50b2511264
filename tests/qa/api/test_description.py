"""The OpenAPI description, its page, and cases made from it: no request may be a server's error."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, cast

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from embeddings.encoder import CountingEncoder
from embeddings.lexical import Tokenizer
from qa.api.application import fastapi_of
from qa.api.limits import LARGEST_BODY, LONGEST_QUESTION
from qa.api.service import Service
from qa.bot import Bot
from tests.qa.api.conftest import Index, Served, serving

OPERATIONS = [
    "GET /api/documents",
    "GET /api/documents/{document}",
    "GET /api/health",
    "GET /api/rebuild",
    "GET /v1/models",
    "GET /v1/models/{model}",
    "POST /api/ask",
    "POST /api/feedback",
    "POST /api/rebuild",
    "POST /api/retrieve",
    "POST /v1/chat/completions",
]


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.names: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.found += [value or "" for key, value in attrs if key in ("href", "src", "action")]


def test_the_page_tells_of_every_operation_and_asks_nobody(served: Served) -> None:
    response = served.get("/api/docs")
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["content-security-policy"].startswith("default-src 'none'; style-src")
    page = response.text
    links = _Links()
    links.feed(page)
    assert links.found == ["data:,", "/api/openapi.json"]
    assert "script" not in links.names
    assert "url(" not in page
    assert "@import" not in page
    told = re.findall(r'<h3><b class="\w+">(\w+)</b> ([^<]+)</h3>', page)
    assert sorted(f"{method} {path}" for method, path in told) == OPERATIONS
    for words in ("at most 2000 characters", "SHA", f"{LARGEST_BODY:,} bytes", "Bearer TOKEN"):
        assert (words in page) == (words != "SHA")


def test_the_style_of_the_page_is_allowed_by_its_policy(served: Served) -> None:
    import base64
    import hashlib

    response = served.get("/api/docs")
    (style,) = re.findall("<style>(.*?)</style>", response.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in response.headers["content-security-policy"]


def test_the_description_names_limits_and_errors(served: Served) -> None:
    found = served.get("/api/openapi.json").json()
    question = found["components"]["schemas"]["AskRequest"]["properties"]["question"]
    assert question["maxLength"] == LONGEST_QUESTION
    told = [
        f"{method.upper()} {path}" for path, methods in found["paths"].items() for method in methods
    ]
    assert sorted(told) == OPERATIONS
    for methods in found["paths"].values():
        for operation in methods.values():
            assert {"4XX", "5XX"} <= set(operation["responses"])
            assert "422" not in operation["responses"]
            assert operation["summary"]


@pytest.fixture(scope="module")
def changing(
    make_index: Callable[[Path], Index],
    tmp_path_factory: pytest.TempPathFactory,
    tokenizer: Tokenizer,
    counting: CountingEncoder,
) -> Iterator[Served]:
    """A server of these tests alone: they rebuild its index and give feedback."""
    _, index = make_index(tmp_path_factory.mktemp("described"))
    with serving(Bot(index, counting, tokenizer), index) as found:
        yield found


schema = schemathesis.openapi.from_dict(fastapi_of(cast(Service, None)).openapi())


@schema.parametrize()
@settings(
    max_examples=30, derandomize=True, deadline=None, database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
def test_cases_of_the_description(changing: Served, case: Case[Any]) -> None:
    case.call_and_validate(
        base_url=changing.url,
        timeout=120,
        checks=[
            not_a_server_error,
            status_code_conformance,
            content_type_conformance,
            response_schema_conformance,
        ],
    )
