"""One of the processes that share an index: ``builder``, ``reader`` or ``server``.

Each runs for some seconds, and writes what it did as lines of JSON to its own file. A builder may
be killed at any time and be started again.
"""

from __future__ import annotations

import hashlib
import json
import logging
import random
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from embeddings.build import build
from embeddings.errors import IndexLockedError, WenjuError
from embeddings.exclusions import exclude, include
from embeddings.lexical import Tokenizer
from embeddings.model import home
from embeddings.settings import Settings
from embeddings.store import IndexFolder
from embeddings.verify import verify
from qa.bot import Bot
from tests.embeddings.building import Recording, write
from tests.kills.giving import judge, upload
from tests.kills.scenarios import growing, text_of
from tests.kills.state import QUESTIONS

DOCUMENTS, INDEX, END = "documents", "index", "end"


class Log:
    """Lines of JSON, each on the disk before what comes next is done."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8")
        self._alone = threading.Lock()

    def add(self, what: str, value: object = None) -> None:
        with self._alone:
            self._file.write(json.dumps([what, value], ensure_ascii=False) + "\n")
            self._file.flush()


class End:
    """When all end: once the file `END` stands in the folder, and at a time whatever happens."""

    def __init__(self, folder: Path, latest: float) -> None:
        self._file, self._latest = folder / END, latest

    def is_here(self) -> bool:
        return self._file.exists() or time.time() > self._latest


class Builder:
    """Changes its own files, builds, goes back, gives and verifies, as chance has it."""

    def __init__(self, folder: Path, name: str, log: Log, tokenizer: Tokenizer) -> None:
        self._documents, self._index = folder / DOCUMENTS, folder / INDEX
        self._name, self._log, self._tokenizer = name, log, tokenizer
        self._chance = random.Random(f"{name}{time.time_ns()}")
        self._acts: list[Callable[[], None]] = [
            self._build, self._build, self._build, self._full, self._back, self._verify, self._give,
            self._leave_out,
        ]  # fmt: skip

    def step(self) -> None:
        """Do one thing; that another writes already is no failure."""
        act = self._chance.choice(self._acts)
        try:
            act()
        except IndexLockedError:
            self._log.add("waited for another")
        except WenjuError as error:
            self._log.add("refused", str(error))
            return
        self._log.add(act.__name__.strip("_"))

    def _edit(self) -> None:
        for number in range(5):
            path = self._documents / f"{self._name}{number}.txt"
            if self._chance.random() < 0.3:
                path.unlink(missing_ok=True)
            else:
                write(path, text_of(path.stem, self._chance.randrange(10**6)))

    def _build(self, **options: Any) -> None:
        self._edit()
        wait = self._chance.random() < 0.5
        arguments = (self._documents, self._index, Recording(), self._tokenizer)
        build(*arguments, wait=wait, prune=True, **options)

    def _full(self) -> None:
        self._build(full=True)

    def _back(self) -> None:
        with IndexFolder(self._index).writing("rolling back"):
            if IndexFolder(self._index).before(IndexFolder(self._index).current_number() or 0):
                IndexFolder(self._index).go_back()

    def _verify(self) -> None:
        if problems := verify(self._index, Recording()).problems:
            self._log.add("problems", [problem.what for problem in problems])

    def _give(self) -> None:
        mark = f"{self._name}{self._chance.randrange(10**9)}"
        judge(self._index, mark)
        self._log.add("thumb", mark)
        if self._chance.random() < 0.2:
            upload(self._index, f"{mark}.txt", f"{mark}的上传。\n")
            self._log.add("uploaded", f"uploads/{mark}.txt")

    def _leave_out(self) -> None:
        act = self._chance.choice([exclude, include])
        act(self._index, [f"{self._name}0.txt"])


def built(folder: Path, name: str, end: End, log: Log, tokenizer: Tokenizer) -> None:
    """Build until the end."""
    builder = Builder(folder, name, log, tokenizer)
    with growing(name == "甲"):  # the other writes all generations whole
        while not end.is_here():
            builder.step()


def read(folder: Path, _: str, end: End, log: Log, tokenizer: Tokenizer) -> None:
    """Ask with several threads; note what each generation says, to be compared with others."""
    bot = Bot(folder / INDEX, Recording(), tokenizer)
    threads = [
        threading.Thread(target=_ask, args=(bot, folder / INDEX, end, log)) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    while not end.is_here():  # a process that begins now sees the same
        _note(Bot(folder / INDEX, Recording(), tokenizer), folder / INDEX, log)
    for thread in threads:
        thread.join()


def _ask(bot: Bot, index: Path, end: End, log: Log) -> None:
    try:
        while not end.is_here():
            _note(bot, index, log)
    except BaseException as error:
        log.add("failed", repr(error))
        raise


def _note(bot: Bot, index: Path, log: Log) -> None:
    stamp, before = IndexFolder(index).stamp(), bot.info()
    answer = bot.ask(QUESTIONS[0])
    said = [answer, *(bot.retrieve(question, k=50) for question in QUESTIONS), bot.documents()]
    if before.warning:
        log.add("warned", before.warning)
    if IndexFolder(index).stamp() == stamp:  # else the calls may have seen two generations
        digest = hashlib.sha256(repr(said).encode()).hexdigest()[:16]
        log.add("said", [before.generation, before.built, digest])
    else:
        log.add("changed meanwhile")


def serve(folder: Path, _: str, end: End, log: Log, tokenizer: Tokenizer) -> None:
    """Answer over HTTP; the address is the first line of the log."""
    from qa import server
    from qa.api.application import application_of
    from qa.api.service import service_of
    from qa.api.tokens import Tokens

    bot = Bot(folder / INDEX, Recording(), tokenizer)
    service = service_of(bot, folder / INDEX, Settings(), read_only=True)
    with server.running(application_of(service, "127.0.0.1", Tokens(()), ()), "127.0.0.1") as url:
        log.add("url", url)
        while not end.is_here():
            time.sleep(0.1)


def main(role: str, folder: str, name: str, latest: str) -> None:
    logging.disable()
    roles = {"builder": built, "reader": read, "server": serve}
    log = Log(Path(folder) / f"{role} {name}.log")
    tokenizer = Tokenizer(home() / "jieba")
    roles[role](Path(folder), name, End(Path(folder), float(latest)), log, tokenizer)


if __name__ == "__main__":
    main(*sys.argv[1:])
