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
from qa import server
from qa.api.application import application_of
from qa.api.tokens import Tokens
from qa.bot import Bot
from qa.cli import main
from qa.render import written_to_json, written_to_text
from tests.fuzz.api import OBJECTS, Request, Saying, requests, service, writer_of
from tests.fuzz.counting import fuzz
from tests.fuzz.files import PROSE, WORDS, File, containers, texts
from tests.qa.api.conftest import HOST, QUESTION, Served

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
def model() -> Saying:
    return Saying()


@pytest.fixture(scope="module")
def served(bot: Bot, model: Saying) -> Iterator[Served]:
    found = service(bot, Path(bot.info().index), model)
    with (
        server.running(application_of(found, HOST, Tokens(())), HOST) as url,
        httpx.Client(base_url=url, trust_env=False, timeout=120) as client,
    ):
        yield Served(url, client, found, bot)


def answered(served: Served, case: Request) -> str:
    method, path, headers, body = case
    sent = {"content-type": "application/json"} | headers
    coded = [(name.encode(), value.encode()) for name, value in sent.items()]
    found = served.client.request(method, path, headers=coded, content=body)
    assert found.status_code < 500, found.text
    assert "Traceback" not in found.text
    if found.headers.get("content-type") == "application/json" and method != "HEAD":
        found.json()
    return f"{found.status_code // 100}xx"


MODEL_WORDS = st.sampled_from(
    ["[1]", "[9]", "[1][2]", "【1】", "[[1]]", "<think>", "</think>", "NO_ANSWER", "22个", "```", "<script>", "|", "：", "。"]
)  # fmt: skip
SAID = st.lists(MODEL_WORDS | WORDS | st.text(max_size=8), max_size=40).map("".join)


@pytest.mark.filterwarnings("ignore:.*:UserWarning")
def test_the_http_api(served: Served, model: Saying) -> None:
    record = served.post("/api/ask", json={"question": QUESTION}).json()
    assert record["answered"]

    def asked(case: tuple[Request, str]) -> str:
        model.text = case[1]
        return answered(served, case[0])

    try:
        fuzz("HTTP API", st.tuples(requests(record), SAID), asked)
    except httpx.TransportError as error:
        raise AssertionError("the server broke the connection") from error


def test_what_a_language_model_says(bot: Bot, model: Saying) -> None:
    answer, writer = bot.ask(QUESTION), writer_of(model)
    assert answer.answered

    def said(text: str) -> str:
        model.text = text
        written = writer.write(answer, bot)
        json.dumps(written_to_json(written)).encode()
        assert written_to_text(written).strip()
        for citation in written.citations:
            original = bot.document(citation.document).text
            assert original[citation.start : citation.end] == citation.quote
        assert all(one.numbers for one in written.sentences if one.verified)
        return str(written.failure or "written")

    fuzz("language model", SAID, said)


def test_batches(bot: Bot, model: Saying, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qa.bot.Bot.open", lambda *_, **__: bot)
    monkeypatch.setattr("qa.cli._writer", lambda _: writer_of(model))
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

    def asked(case: tuple[bytes, str]) -> str:
        content, model.text = case
        file.write_bytes(content)
        done = CliRunner().invoke(
            main, ["ask", "--batch", str(file), *["--llm"][: len(model.text)]]
        )
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        if done.exit_code == 0:
            assert [json.loads(line)["id"] for line in done.stdout.rstrip("\n").split("\n")]
            return "answered"
        assert len(done.stderr.strip().splitlines()) == 1
        assert "Traceback" not in done.stderr
        return "refused"

    fuzz("batch", st.tuples(lines, st.just("") | SAID), asked)
