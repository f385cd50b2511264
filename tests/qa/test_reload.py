"""A running bot and the generations that others publish: it follows, and never fails or mixes."""

from __future__ import annotations

import gc
import re
import subprocess
import sys
import threading
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from embeddings.build import build
from embeddings.encoder import CountingEncoder
from embeddings.lexical import Tokenizer
from embeddings.store import Generation
from qa.bot import Bot
from qa.found import Found
from qa.records import Answer, Hit
from qa.retrieval import Retriever
from tests.generations import ENCODER, QUESTION, Changing
from tests.long import LONG

SECONDS = 10.0 if LONG else 4.0

ROOT = Path(__file__).parents[2]

# Rows shift and become fewer, so that those of one generation mean nothing in another.
BUILDER = """
import sys, time
from contextlib import suppress
from pathlib import Path
from embeddings.lexical import Tokenizer
from embeddings.model import home
from tests.generations import Changing
changing = Changing(Path(sys.argv[1]), Tokenizer(home() / "jieba"))
version, until = 1, time.monotonic() + float(sys.argv[2])
while version < 9 or time.monotonic() < until:
    version += 1
    changing.write(version, ("丁家庄", "七里堡", "天桥", "济阳")[version % 3 :])
    changing.build()
print(version)
"""


@pytest.fixture
def changing(tmp_path: Path, tokenizer: Tokenizer) -> Changing:
    changing = Changing(tmp_path, tokenizer)
    changing.publish(1)
    return changing


def versions(text: str) -> set[str]:
    """Return the versions that a text is of; each sentence names its own."""
    return set(re.findall(r"(?:有|第)(\d+)(?:家|版)", text))


class Visitors:
    """Threads that ask and retrieve without pause until they are told to stop."""

    def __init__(self, bot: Bot, count: int) -> None:
        self.answers: list[Answer] = []
        self.hits: list[list[Hit]] = []
        self.failed: list[BaseException] = []
        self._bot, self._stop = bot, threading.Event()
        jobs = [self._ask, self._retrieve]
        self._threads = [
            threading.Thread(target=self._run, args=(jobs[n % 2],)) for n in range(count)
        ]

    def _ask(self) -> None:
        self.answers.append(self._bot.ask(QUESTION))

    def _retrieve(self) -> None:
        self.hits.append(self._bot.retrieve(QUESTION, k=4))

    def _run(self, job: object) -> None:
        assert callable(job)
        while not self._stop.is_set():
            try:
                job()
            except BaseException as error:  # noqa: BLE001 - every failure counts, and is shown
                self.failed.append(error)
                return

    def __enter__(self) -> Visitors:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def published_by_another(changing: Changing) -> int:
    """Have another process publish eight versions or more; return the last."""
    done = subprocess.run(
        [sys.executable, "-c", BUILDER, str(changing.documents.parent), str(SECONDS)],
        capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    return int(done.stdout)


def test_eight_threads_ask_while_a_build_publishes_again_and_again(
    changing: Changing, tokenizer: Tokenizer
) -> None:
    bot = Bot(changing.index, ENCODER, tokenizer)
    with Visitors(bot, 8) as visitors:
        version = published_by_another(changing)
    assert visitors.failed == []
    seen: Counter[str] = Counter()
    for answer in visitors.answers:
        assert answer.answered
        said = versions("".join(c.quote for c in answer.citations) + answer.text)
        shown = versions("".join(hit.text for hit in answer.nearest))
        assert len(said | shown) == 1, answer
        seen.update(said)
    for hits in visitors.hits:
        assert len(versions("".join(hit.text for hit in hits))) == 1, hits
    assert len(seen) > 5, "the bot has to follow while it is asked"
    assert bot.ask(QUESTION).text.count(f"{version}家") >= 1
    del bot, visitors
    assert changing.publish(version + 1).published
    assert len(changing.folder.numbers()) == 2


def test_a_generation_that_is_removed_as_it_is_opened_is_not_missed(
    changing: Changing, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    class Late(Generation):
        def __init__(self, folder: Path) -> None:
            if not opened:
                changing.publish(2)
                changing.publish(3)
            opened.append(folder.name)
            super().__init__(folder)

    monkeypatch.setattr("embeddings.opening.Generation", Late)
    bot = Bot(changing.index, ENCODER, tokenizer)
    assert opened == ["000001", "000003"]
    assert (bot.info().generation, bot.info().warning) == (3, None)


def test_a_reload_in_the_middle_of_an_answer_changes_nothing_in_it(
    changing: Changing, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot = Bot(changing.index, ENCODER, tokenizer)
    own = Retriever.find

    def find(retriever: Retriever, *given: Any) -> Found:
        found = own(retriever, *given)
        if bot.info().generation == 1:
            changing.publish(2)
            assert bot.info().generation == 2
        return found

    monkeypatch.setattr(Retriever, "find", find)
    answer = bot.ask(QUESTION)
    assert versions("".join(c.quote for c in answer.citations) + answer.text) == {"1"}
    assert versions("".join(hit.text for hit in answer.nearest)) == {"1"}
    assert versions(bot.ask(QUESTION).text) == {"2"}


def test_documents_are_of_one_generation(changing: Changing, tokenizer: Tokenizer) -> None:
    bot = Bot(changing.index, ENCODER, tokenizer)
    documents = bot.documents()
    changing.publish(2)
    assert [versions(document.text) for document in documents] == [{"1"}, {"1"}]
    assert [versions(document.text) for document in bot.documents()] == [{"2"}, {"2"}]


def test_a_question_costs_one_look_at_current(
    changing: Changing, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot = Bot(changing.index, ENCODER, tokenizer)
    bot.ask(QUESTION)
    looked: list[str] = []
    own = Path.stat

    def stat(path: Path, *, follow_symlinks: bool = True) -> object:
        looked.append(path.name)
        return own(path, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(Path, "stat", stat)
    monkeypatch.setattr(Path, "read_text", None)
    bot.ask(QUESTION)
    assert looked == ["CURRENT"]


def test_a_damaged_new_generation_is_passed_over_until_the_next(
    changing: Changing, tokenizer: Tokenizer, caplog: pytest.LogCaptureFixture
) -> None:
    bot = Bot(changing.index, ENCODER, tokenizer)
    changing.publish(2)
    (changing.folder.current() / "postings" / "terms.npy").unlink()
    for _ in range(3):
        assert "1家" in bot.ask(QUESTION).text
    warning = bot.info().warning
    assert warning is not None
    assert warning.startswith(
        "Generation 1 goes on answering, not what CURRENT names: 'postings/terms"
    )
    assert caplog.messages == [warning]
    assert changing.build().generation == 3
    assert "2家" in bot.ask(QUESTION).text
    assert (bot.info().generation, bot.info().warning) == (3, None)


def test_current_that_goes_or_names_nothing_does_not_stop_a_running_bot(
    changing: Changing, tokenizer: Tokenizer
) -> None:
    bot = Bot(changing.index, ENCODER, tokenizer)
    (changing.index / "CURRENT").write_text("000077\n", encoding="utf-8")
    assert "1家" in bot.ask(QUESTION).text
    assert "names generation '000077', which is not there" in str(bot.info().warning)
    (changing.index / "CURRENT").unlink()
    assert "1家" in bot.ask(QUESTION).text
    assert "CURRENT in" in str(bot.info().warning)
    assert "is missing; publish again" in str(bot.info().warning)
    changing.publish(2)
    assert "2家" in bot.ask(QUESTION).text
    assert bot.info().warning is None


def test_an_index_rebuilt_with_another_model_does_not_stop_a_running_bot(
    changing: Changing, tokenizer: Tokenizer
) -> None:
    bot = Bot(changing.index, ENCODER, tokenizer)
    changing.write(2)
    build(changing.documents, changing.index, CountingEncoder("别的企业"), tokenizer)
    assert "1家" in bot.ask(QUESTION).text
    assert "was made by the model 'counting 别的企业'" in str(bot.info().warning)


def test_a_rollback_is_followed(changing: Changing, tokenizer: Tokenizer) -> None:
    changing.publish(2)
    bot = Bot(changing.index, ENCODER, tokenizer)
    assert "2家" in bot.ask(QUESTION).text
    with changing.folder.writing("rolling back"):
        changing.folder.go_back()
    assert "1家" in bot.ask(QUESTION).text
    assert (bot.info().generation, bot.info().warning) == (1, None)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
def test_a_generation_that_is_followed_by_another_is_let_go_of_at_once(
    changing: Changing, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    bot = Bot(changing.index, ENCODER, tokenizer)
    gc.disable()  # what goes with its last reference needs no collector
    try:
        changing.publish(2)
        assert versions(bot.ask(QUESTION).text) == {"2"}
        assert opened_in(tmp_path) == {"000002"}
    finally:
        gc.enable()


def opened_in(folder: Path) -> set[str]:
    """Return the generations of which this process has files open or mapped."""
    named = Path("/proc/self/maps").read_text("utf-8").splitlines()
    for link in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            named.append(str(link.readlink()))
    found = (re.search(rf"{folder}/.*generations/(\d+)/", line) for line in named)
    return {match[1] for match in found if match}
