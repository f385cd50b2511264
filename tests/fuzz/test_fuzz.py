"""Whatever comes in is used exactly or refused with a sentence: never a traceback, never garbage.

2,000 cases by default; WENJU_FUZZ sets another number.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from hypothesis import strategies as st

from embeddings.cleaning import clean
from embeddings.documents import FileEntry
from embeddings.engine import Unread, take_apart
from embeddings.lexical import Tokenizer, search_form, to_simplified
from embeddings.readers import apart, recognition
from embeddings.records import Passage, document_id
from embeddings.segment import Segmenter
from qa.bot import Bot
from qa.cli import main
from tests.fuzz.counting import fuzz
from tests.fuzz.files import PROSE, File, containers, texts
from tests.qa.api.conftest import Served, serving

pytestmark = pytest.mark.timeout(7200)


@pytest.fixture
def no_recognition(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Text recognition is not installed, here and there: it takes seconds a page."""
    lines = (
        "from embeddings.readers import recognition; recognition.version = lambda: None",
        "from embeddings.readers.worker import main",
    )
    program = apart._PROGRAM.replace(lines[1], "; ".join(lines))
    apart._pool().end()
    monkeypatch.setattr(apart, "_PROGRAM", program)
    monkeypatch.setattr(recognition, "version", lambda: None)
    yield
    apart._pool().end()


class Joining:
    """Judges joints without words, which take most of the time."""

    def log_odds(self, before: str, after: str) -> float:
        return float(len(before + after) % 7 - 3)

    def openness(self, before: str) -> float:
        return float(len(before) % 3)

    def starts_inside(self, after: str) -> float:
        return float(len(after) % 2)


@pytest.fixture
def segmenter(tokenizer: Tokenizer) -> Segmenter:
    made = Segmenter(tokenizer)
    made._joints = Joining()  # type: ignore[assignment]
    return made


def become(file: File, segmenter: Segmenter) -> str:
    """Take a file apart; check every place that is named."""
    name, data = file
    taken = take_apart(Unread(FileEntry(name, Path(name)), document_id(data), data), segmenter)
    if taken.document is None:
        reason = str(taken.reason)
        assert len(reason.splitlines()) == 1
        assert not reason.startswith("breaks")
        assert "Traceback" not in reason
        return "refused"
    text, pages = taken.document.text, taken.document.page_starts
    assert text.strip()
    assert list(pages) == sorted(pages)
    assert all(0 <= start <= len(text) for start in pages)
    assert all(0 <= mark.start < mark.end <= len(text) for mark in taken.document.marks)
    marked = taken.document.reader.startswith(("html", "markdown"))
    for passage in taken.passages:
        check(passage, text, marked=marked)
    return "read"


def check(passage: Passage, text: str, *, marked: bool) -> None:
    assert passage.text.strip()
    for sentence in passage.sentences:
        ends = [span.end for span in sentence.spans]
        assert ends == sorted(ends)
        assert ends[-1] <= len(text)
        if not marked:
            original = iter("".join(span.of(text) for span in sentence.spans))
            # Each is found behind the one before: nothing was added, moved or respelled.
            assert all(one in original for one in "".join(sentence.text.split()))


@pytest.mark.usefixtures("no_recognition")
def test_office_files_and_pdf(segmenter: Segmenter) -> None:
    fuzz("office files and PDF", containers(), lambda file: become(file, segmenter))


def test_text_files(segmenter: Segmenter) -> None:
    fuzz("text files", texts(), lambda file: become(file, segmenter))


def cleaned(text: str) -> str:
    found = clean(text)
    offsets = found.offsets
    assert all(a < b for a, b in pairwise(offsets))
    for character, offset in zip(found.text, offsets, strict=True):
        original = text[offset]
        assert character == original or (character in " \n" and original.isspace())
    return "changed" if found.text != text else "as it was"


def test_the_cleaner() -> None:
    fuzz("cleaner", PROSE | st.text(max_size=200), cleaned)


def squeezed(text: str) -> str:
    return "".join(search_form("".join(text.split())).split())


def test_the_tokenizer(tokenizer: Tokenizer) -> None:
    def cut(text: str) -> str:
        assert len(to_simplified(text)) == len(text)
        words = tokenizer.words(text)
        assert all(words)
        assert squeezed("".join(words)) == squeezed(text)
        assert tokenizer.tokens(text) == tokenizer.tokens(text)
        return "cut" if words else "empty"

    fuzz("tokenizer", PROSE | st.text(max_size=200), cut)


@pytest.fixture(scope="module")
def served(bot: Bot) -> Iterator[Served]:
    with serving(bot, Path(bot.info().index)) as found:
        yield found


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | PROSE,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    ["question", "history", "k", "sources", "dates", "stream", "model", "messages", "n", "id"]
)
OBJECTS = st.dictionaries(FIELDS, ANY_JSON, max_size=5).map(json.dumps).map(str.encode)
QUESTIONS = st.tuples(PROSE, st.lists(PROSE, max_size=2)).map(
    lambda one: json.dumps({"question": f"企业{one[0]}", "history": one[1]}).encode()
)
BODIES = st.binary(max_size=60) | OBJECTS | QUESTIONS | ANY_JSON.map(json.dumps).map(str.encode)
PATHS = st.sampled_from(
    ["/api/ask", "/api/retrieve", "/v1/chat/completions", "/v1/models", "/api/documents", "/api/health", "/x"]
) | st.binary(max_size=12).map(lambda part: "/api/documents/" + part.hex())  # fmt: skip
HEADERS = st.dictionaries(
    st.sampled_from(["content-type", "authorization", "accept", "origin", "x-request-id", "range"]),
    st.sampled_from(
        ["application/json", "text/html", "", "Bearer x", "null", "a;b=c", "é", "x" * 900]
    )
    | st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20).map(str.strip),
    max_size=3,
)
REQUESTS: st.SearchStrategy[tuple[str, str, dict[str, str], bytes]] = st.tuples(
    st.sampled_from(["GET", "POST", "POST", "PUT", "DELETE"]), PATHS, HEADERS, BODIES
) | st.tuples(
    st.just("POST"), st.sampled_from(["/api/ask", "/api/retrieve"]), st.just({}), QUESTIONS
)


def answered(served: Served, case: tuple[str, str, dict[str, str], bytes]) -> str:
    method, path, headers, body = case
    sent = {"content-type": "application/json"} | headers
    coded = [(name.encode(), value.encode()) for name, value in sent.items()]
    found = served.client.request(method, path, headers=coded, content=body)
    assert found.status_code < 500, found.text
    assert "Traceback" not in found.text
    if found.headers["content-type"] == "application/json":
        found.json()
    return f"{found.status_code // 100}xx"


@pytest.mark.filterwarnings("ignore:.*:UserWarning")
def test_the_http_api(served: Served) -> None:
    try:
        fuzz("HTTP API", REQUESTS, lambda case: answered(served, case))
    except httpx.TransportError as error:
        raise AssertionError("the server broke the connection") from error


def test_batches(bot: Bot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qa.bot.Bot.open", lambda *_, **__: bot)
    file = tmp_path / "questions.jsonl"
    good = st.tuples(st.text(max_size=5), PROSE, st.lists(PROSE, max_size=2)).map(
        lambda one: json.dumps(
            {"id": f"一{one[0]}", "question": f"济{one[1]}", "history": one[2]}
        ).encode()
    )
    bad = good | OBJECTS | st.binary(max_size=30)
    lines = (
        good
        | st.lists(good, max_size=2).map(b"\n".join)
        | st.lists(bad, max_size=3).map(b"\n".join)
    )

    def asked(content: bytes) -> str:
        file.write_bytes(content)
        done = CliRunner().invoke(main, ["ask", "--batch", str(file)])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        if done.exit_code == 0:
            assert [json.loads(line)["id"] for line in done.stdout.rstrip("\n").split("\n")]
            return "answered"
        assert len(done.stderr.strip().splitlines()) == 1
        assert "Traceback" not in done.stderr
        return "refused"

    fuzz("batch", lines, asked)
