"""Who may ask: tokens, web pages of other sites, and what no log or body may hold."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from embeddings.errors import SettingError
from qa.api import access, tokens
from qa.api.tokens import Tokens
from qa.attempts import MOST, SECONDS
from tests.patience import until
from tests.qa.api.conftest import QUESTION, TOKEN, Served, error_of, serving

OTHER = "another-token-of-this-server"
EVERYTHING = [
    ("POST", "/api/ask"),
    ("POST", "/api/retrieve"),
    ("POST", "/api/feedback"),
    ("GET", "/api/documents"),
    ("GET", "/api/documents/x"),
    ("GET", "/api/health"),
    ("GET", "/api/rebuild"),
    ("POST", "/api/rebuild"),
    ("POST", "/v1/chat/completions"),
    ("GET", "/v1/models"),
    ("GET", "/v1/models/wenju"),
    ("GET", "/api/nothing"),
    ("POST", "/api/docs"),
]


@pytest.fixture(scope="module")
def closed(served: Served) -> Iterator[Served]:
    """The same index behind two tokens."""
    with serving(served.bot, served.service.library.index, tokens=[TOKEN, OTHER]) as found:
        yield found


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


@pytest.mark.parametrize(("method", "path"), EVERYTHING)
def test_nothing_is_told_without_a_token(closed: Served, method: str, path: str) -> None:
    response = closed.client.request(method, path, json={})
    error = error_of(response, 401)
    assert error["message"] == "A token is needed here; send the header Authorization: Bearer TOKEN"
    assert error["code"] == "invalid_api_key"
    assert response.headers["www-authenticate"] == 'Bearer realm="Wenju"'


@pytest.mark.parametrize(
    "header",
    [
        bearer(TOKEN[:-1]),
        bearer(TOKEN + "x"),
        bearer(TOKEN.swapcase()),
        bearer("x"),
        {"authorization": TOKEN},
        {"authorization": f"Basic {TOKEN}"},
        {"authorization": f"Bearer {TOKEN} {OTHER}"},
        {"authorization": "Bearer \xff\xfe"},
    ],
)
def test_a_wrong_token_opens_nothing(closed: Served, header: dict[str, str]) -> None:
    raw = {key: value.encode("latin-1") for key, value in header.items()}
    response = closed.client.get("/api/health", headers=list(raw.items()))  # type: ignore[arg-type]
    assert "not one of this server's" in error_of(response, 401)["message"]


@pytest.mark.parametrize("token", [TOKEN, OTHER])
@pytest.mark.parametrize("kind", ["Bearer", "bearer"])
def test_each_token_opens_it(closed: Served, token: str, kind: str) -> None:
    response = closed.get("/api/health", headers={"authorization": f"{kind} {token}"})
    assert response.status_code == 200


def test_a_token_is_enough_from_anywhere(closed: Served) -> None:
    """Behind a proxy the name is another, and no page of another site knows a token."""
    headers = {**bearer(TOKEN), "host": "docs.example.org", "origin": "https://other.example"}
    response = closed.get("/api/health", headers=headers)
    assert response.status_code == 200
    assert "access-control-allow-origin" not in response.headers


def test_the_description_is_public(closed: Served) -> None:
    assert closed.get("/api/docs").status_code == 200
    assert closed.get("/api/openapi.json").status_code == 200


def test_no_token_in_any_log_or_body(
    closed: Served, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("uvicorn", "uvicorn.error"):  # these do not pass on what they log
        logging.getLogger(name).addHandler(caplog.handler)
    bodies = []
    for token in (TOKEN, "a-wrong-token-of-somebody"):
        for method, path in EVERYTHING:
            for body in (b"{", b'{"question":"?"}', f'{{"model":"{QUESTION}"}}'.encode()):
                response = closed.client.request(
                    method, path, content=body,
                    headers={**bearer(token), "content-type": "application/json"},
                )  # fmt: skip
                bodies.append(response.text + str(response.headers))

    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(closed.service.bot, "ask", fail)
    failed = closed.post("/api/ask", json={"question": "?"}, headers=bearer(TOKEN))
    assert error_of(failed, 500)["message"] == "The program has failed; the server's log says how"
    until(lambda: "ZeroDivisionError" in caplog.text)  # it is logged behind the answer
    for token in (TOKEN, OTHER, "a-wrong-token-of-somebody"):
        assert token not in caplog.text
        assert token not in "".join([*bodies, failed.text])
        assert token not in repr(vars(Tokens([token])))
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).removeHandler(caplog.handler)


def test_tokens_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is compared, by digests of one length, whichever is right."""
    compared: list[tuple[int, int]] = []
    real = hmac.compare_digest

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((len(one), len(other)))
        return real(one, other)

    known = Tokens([TOKEN, OTHER])
    monkeypatch.setattr(hmac, "compare_digest", compare)
    assert known.open(f"Bearer {TOKEN}")
    assert not known.open("Bearer x")
    assert compared == [(32, 32)] * 4


# ---- where tokens come from ----


def test_tokens_of_a_file_and_of_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text(f"# of the team\n\n  {TOKEN}  \n", encoding="utf-8-sig")
    known = tokens.read(["given-on-the-command-line"], str(file), {tokens.VARIABLE: f"{OTHER}, "})
    assert repr(known) == "Tokens(3)"
    for token in (TOKEN, OTHER, "given-on-the-command-line"):
        assert known.open(f"Bearer {token}")
    assert not tokens.read(environment={})


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"", "holds none"),
        (b"# only a note\n", "holds none"),
        (b"short\n", "has 5 characters; it needs 16 or more"),
        ("一个够长的可是不是ASCII的词一个够长".encode(), "outside of ASCII"),
        (b"two words of one long token", "holds a space"),
        (b"\xff\xfe\xff", "it is no text"),
    ],
)
def test_a_file_that_holds_no_tokens(tmp_path: Path, text: bytes, sentence: str) -> None:
    file = tmp_path / "tokens"
    file.write_bytes(text)
    with pytest.raises(SettingError, match=sentence) as told:
        tokens.read(file=str(file), environment={})
    assert "short\n" not in str(told.value)
    assert "two words" not in str(told.value)


def test_a_missing_file_of_tokens_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="cannot be read \\(No such file"):
        tokens.read(file=str(tmp_path / "none"), environment={})


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.0.2.7", "docs.example.org"])
def test_other_machines_need_a_token(host: str) -> None:
    with pytest.raises(SettingError, match="there is no token; set one \\(WENJU_TOKENS"):
        access.check_open(host, Tokens())
    access.check_open(host, Tokens([TOKEN]))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.0.0.9"])
def test_this_machine_needs_none(host: str) -> None:
    access.check_open(host, Tokens())


# ---- browsers ----


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://other.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:1"},
        {"sec-fetch-site": "cross-site"},
        {"host": "rebound.example"},
        {"host": "["},
    ],
)
def test_pages_of_other_sites_are_refused(served: Served, headers: dict[str, str]) -> None:
    for response in (
        served.get("/api/health", headers=headers),
        served.post("/api/rebuild", headers=headers),
        served.get("/api/docs", headers=headers),
    ):
        assert error_of(response, 403)["code"] == "not_allowed"
        assert "access-control-allow-origin" not in response.headers
    assert served.service.rebuilding.state().number == 0


def test_the_own_page_may_ask(served: Served) -> None:
    assert served.get("/api/health", headers={"origin": served.url}).status_code == 200


def test_a_named_site_may_ask_and_no_other(served: Served) -> None:
    index = served.service.library.index
    with serving(served.bot, index, origins=["https://chat.example"], tokens=[TOKEN]) as found:
        asked = {"origin": "https://chat.example", "access-control-request-method": "POST"}
        wanted = {**asked, "access-control-request-headers": "authorization,content-type"}
        before = found.client.options("/api/ask", headers=wanted)
        assert before.status_code == 200
        assert before.headers["access-control-allow-origin"] == "https://chat.example"
        other = found.client.options("/api/ask", headers={**wanted, "origin": "https://b.example"})
        assert "access-control-allow-origin" not in other.headers
        answer = found.get(
            "/api/health", headers={"origin": "https://chat.example", **bearer(TOKEN)}
        )
        assert answer.headers["access-control-allow-origin"] == "https://chat.example"
        error_of(found.get("/api/health", headers={"origin": "https://chat.example"}), 401)


@pytest.mark.parametrize(
    "origin", ["*", "chat.example", "https://chat.example/", "ftp://x", "http://["]
)
def test_what_is_no_origin_is_refused(origin: str) -> None:
    with pytest.raises(SettingError, match="is no origin of a web page"):
        access.check_origins([origin])


def test_a_form_of_another_site_is_no_request(served: Served) -> None:
    """A browser sends these three types to other sites without asking first."""
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        response = served.post(
            "/api/ask", content=b'{"question":"?"}', headers={"content-type": kind}
        )
        assert "send Content-Type: application/json" in error_of(response, 415)["message"]


def test_a_web_socket_is_refused(served: Served) -> None:
    headers = {
        "connection": "upgrade", "upgrade": "websocket", "sec-websocket-version": "13",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    }  # fmt: skip
    response = httpx.get(f"{served.url}/api/ask", headers=headers, trust_env=False)
    assert response.status_code in (403, 405)


def test_guessing_is_slowed_down(served: Served) -> None:
    with serving(served.bot, served.service.library.index, tokens=[TOKEN]) as found:
        for number in range(MOST):
            assert found.get("/api/health").status_code == 401  # without one is no guess
            response = found.get("/api/health", headers=bearer(f"{TOKEN}{number}"))
            assert response.status_code == 401
        response = found.get("/api/health", headers=bearer(TOKEN))
        assert "Too many wrong passwords or tokens" in error_of(response, 429)["message"]
        assert 0 < int(response.headers["retry-after"]) <= SECONDS
        assert found.get("/api/openapi.json").status_code == 200
