"""How the page bears many users: times, errors, memory of the server, and what a browser sees.

Run: python -m benchmarks.page --questions FILE.jsonl [--index DIR] [--users 1 8 32] [--total 2000]
     [--through page program] [--paints 7] [--chromium PATH]

Starts `wenju chat` as a process of its own on a free port. Each user asks through the address that
the page's own script asks, with its token, one question after the other without a pause; a
follow-up carries its earlier turns and their answers. `program` asks through gradio's queue
instead. The time of a question ends when its answer has come; the original, which the page opens
behind it, is read too and not counted. An error is whatever shows no answer and no refusal.

The questions come round again and again, so what the program remembers of them counts: the first
rows are a little slower than the later ones. Everything runs on this machine, users and browser
too. Ends with status 1 when there was an error, or the memory grew by 5% or more.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from qa.question_files import read_questions

HERE = Path(__file__).parents[1]
LARGEST_GROWTH = 5.0
"""Percent by which the server's memory may grow in the long run."""

WARM_UP = 400
"""Questions before its memory is taken for the first time."""

LONG_RUN_USERS = 8
FEWEST = 120
"""Questions of a row, at least; and at least four of each user."""

PATIENCE_SECONDS = 120.0
FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update"]


@dataclass(frozen=True)
class Question:
    """What a user asks; `history` is as the page's script sends it."""

    text: str
    history: tuple[dict[str, str], ...] = ()


@dataclass(frozen=True)
class Asked:
    """What came of a question: seconds until its answer was there, and why there was none."""

    seconds: float
    error: str | None = None


@dataclass(frozen=True)
class Row:
    """What some users saw: one `Asked` for each question, and the seconds from first to last."""

    name: str
    users: int
    asked: Sequence[Asked]
    seconds: float

    @property
    def errors(self) -> Counter[str]:
        """How often each error was seen."""
        return Counter(one.error for one in self.asked if one.error is not None)

    def percentile(self, share: float) -> float:
        """Return the seconds that this share of the questions, 0 to 1, took at most."""
        times = sorted(one.seconds for one in self.asked)
        return times[min(len(times) - 1, int(share * len(times)))]


class PageUser:
    """One open page: a connection that is kept, and the token of the server's process."""

    name = "page"

    def __init__(self, address: str) -> None:
        self._connection = http.client.HTTPConnection(
            urlsplit(address).netloc, timeout=PATIENCE_SECONDS
        )
        self._token = self._state()["token"]

    def close(self) -> None:
        """Leave."""
        self._connection.close()

    def _state(self) -> Any:
        self._connection.request("GET", "/wenju/state")
        return json.loads(self._connection.getresponse().read())

    def ask(self, question: Question) -> Asked:
        """Ask, and wait until all has come."""
        begun = time.perf_counter()
        try:
            asked = self.told(question)[0]
        except (OSError, http.client.HTTPException) as error:
            asked = Asked(time.perf_counter() - begun, type(error).__name__)
        if asked.error is not None:
            self._connection.close()  # the next question opens another, as a browser does
        return asked

    def told(self, question: Question) -> tuple[Asked, dict[str, Any]]:
        """Ask; return the answer's JSON too, empty where there is none."""
        given = {"question": question.text, "number": 0, "history": list(question.history)}
        begun = time.perf_counter()
        self._connection.request(
            "POST",
            "/wenju/act/ask/ask",
            json.dumps(given).encode(),
            {"x-wenju-token": self._token, "content-type": "application/json"},
        )
        response = self._connection.getresponse()
        if response.status != 200:
            response.read()
            return Asked(time.perf_counter() - begun, f"status {response.status}"), {}
        parts = [json.loads(response.readline() or b"{}")]
        seconds = time.perf_counter() - begun
        parts += map(json.loads, response)
        answer, error = _read(parts)
        return Asked(seconds, error), answer


def _read(parts: Sequence[dict[str, Any]]) -> tuple[dict[str, Any], str | None]:
    """Return the answer that the page was told, and what is wrong with it or None."""
    for part in parts:
        if "error" in part or "unexpected" in part:
            return {}, part.get("error", "the program failed")
    html = next((part["html"] for part in parts if "patch" in part), "")
    kept = next((part["reply"]["record"] for part in parts if "reply" in part), None)
    if kept is None:
        return {}, "an error card"
    return kept["answer"], _fault(kept["answer"]) or (None if html else "nothing is shown")


def _fault(answer: dict[str, Any]) -> str | None:
    if answer["answered"]:
        return None if answer["text"].strip() and answer["citations"] else "an empty answer"
    return None if answer["reason"] else "a refusal without a reason"


class ProgramUser:
    """A program that asks through gradio's queue: a ticket first, then the events of it."""

    name = "program"

    def __init__(self, address: str) -> None:
        self._netloc = urlsplit(address).netloc

    def close(self) -> None:
        """Leave; each question had a connection of its own."""

    def _sent(self, method: str, path: str, data: Any = None) -> bytes:
        body = None if data is None else json.dumps(data).encode()
        with closing(http.client.HTTPConnection(self._netloc, timeout=PATIENCE_SECONDS)) as there:
            there.request(method, path, body, {"content-type": "application/json"})
            response = there.getresponse()
            found = response.read()
        return found if response.status == 200 else b"event: error\ndata: null"

    def ask(self, question: Question) -> Asked:
        """Ask, and wait until all has come."""
        history = [turn["question"] for turn in question.history]
        begun = time.perf_counter()
        ticket = self._sent("POST", "/gradio_api/call/ask", {"data": [question.text, history, []]})
        if not ticket.startswith(b"{"):
            return Asked(time.perf_counter() - begun, "no place in the queue")
        events = self._sent("GET", f"/gradio_api/call/ask/{json.loads(ticket)['event_id']}")
        seconds = time.perf_counter() - begun
        name, _, data = events.decode().strip().rpartition("\n\n")[2].partition("\n")
        if name != "event: complete":
            return Asked(seconds, name)
        return Asked(seconds, _fault(json.loads(data.removeprefix("data: "))[0]))


USERS = {user.name: user for user in (PageUser, ProgramUser)}


def main() -> None:
    """Serve, ask, look, print the tables."""
    options = _arguments()
    with tempfile.TemporaryDirectory() as folder, served(_index(options, Path(folder))) as server:
        print(f"{platform.machine()}, {os.cpu_count()} processors, {platform.python_version()}\n")
        questions = prepared(server.address, options.questions)
        # A browser's times come first: they are those of a server that has just begun.
        paints = _paints(server.address, options, [one.text for one in questions])
        rows = _rows(server.address, questions, options)
        growth = _memory(server, questions, options.total, rows)
        print(f"\n{paints}")
    failed = [f"{row.users} users: {dict(row.errors)}" for row in rows if row.errors]
    if growth is not None and growth >= LARGEST_GROWTH:
        failed.append(f"memory grew by {growth:.1f}%")
    sys.exit("; ".join(failed) or 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--questions", type=Path, required=True, help="question file (.jsonl)")
    parser.add_argument("--index", type=Path, help="index folder; one over seeds/ when left out")
    parser.add_argument("--users", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--through", nargs="+", choices=list(USERS), default=["page"])
    parser.add_argument("--total", type=int, default=2000, help="questions of the long run")
    parser.add_argument("--paints", type=int, default=7, help="times that the page is opened")
    parser.add_argument("--chromium", type=Path, default=Path("/usr/bin/chromium"))
    return parser.parse_args()


# ---- the server ----


@dataclass(frozen=True)
class Server:
    """A running server."""

    address: str
    process: int

    def resident(self) -> float | None:
        """Return its resident memory in MB; None where the system does not tell."""
        try:
            told = subprocess.run(
                ["ps", "-o", "rss=", "-p", str(self.process)], capture_output=True, check=True
            )
        except (OSError, subprocess.CalledProcessError):
            return None
        return int(told.stdout) / 1024


def _index(options: argparse.Namespace, folder: Path) -> Path:
    if options.index is not None:
        return Path(options.index)
    build = [sys.executable, "-m", "qa.cli", "build", "seeds", "--index", str(folder / "index")]
    subprocess.run(build, cwd=HERE, check=True, stdout=subprocess.DEVNULL)
    return folder / "index"


@contextmanager
def served(index: Path) -> Iterator[Server]:
    """Run `wenju chat` over an index, in a process of its own."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "qa.cli", "chat", "--index", str(index.resolve())]
    process = subprocess.Popen([*command, "--port", str(port)], cwd=HERE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        address = process.stdout.readline().decode().strip()
        if not address:
            sys.exit("the server did not start")
        yield Server(address, process.pid)
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)
        process.stdout.close()


# ---- asking ----


def prepared(address: str, path: Path) -> list[Question]:
    """Return the questions of a file, follow-ups with the answers to their earlier turns."""
    with closing(PageUser(address)) as user:
        return [Question(q.text, _turns(user, q.history)) for q in read_questions(path)]


def _turns(user: PageUser, earlier: Sequence[str]) -> tuple[dict[str, str], ...]:
    turns: list[dict[str, str]] = []
    for text in earlier:
        asked, answer = user.told(Question(text, tuple(turns)))
        if asked.error is not None:
            sys.exit(f"{text}: {asked.error}")
        turns.append({"question": answer["question"], "answer": answer["text"]})
    return tuple(turns)


def ask_all(
    address: str, questions: Sequence[Question], users: int, count: int, through: str = "page"
) -> Row:
    """Have `users` ask `count` questions between them, each as soon as its last one is answered."""
    left = islice(cycle(questions), count)
    lock, found = threading.Lock(), list[Asked]()

    def one_user() -> None:
        with closing(USERS[through](address)) as user:
            while (question := _next(left, lock)) is not None:
                found.append(user.ask(question))

    threads = [threading.Thread(target=one_user) for _ in range(users)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - begun
    # A user who found no server asked nothing.
    missing = [Asked(seconds, "no server")] * (count - len(found))
    return Row(through, users, [*found, *missing], seconds)


def _next(left: Iterator[Question], lock: threading.Lock) -> Question | None:
    with lock:
        return next(left, None)


def _rows(address: str, questions: Sequence[Question], options: argparse.Namespace) -> list[Row]:
    print("| through | users | questions | p50 ms | p95 ms | longest ms | a second | errors |")
    print("|---|" + "--:|" * 7)
    rows = []
    for through in options.through:
        for users in options.users:
            count = max(FEWEST, 4 * users)
            rows.append(ask_all(address, questions, users, count, through))
            print(row_line(rows[-1]), flush=True)
    return rows


def row_line(row: Row) -> str:
    """Return a row of the table in Markdown."""
    times = (1000 * row.percentile(share) for share in (0.5, 0.95, 1.0))
    cells = [f"{row.users}", f"{len(row.asked):,}", *(f"{ms:,.0f}" for ms in times)]
    cells += [f"{len(row.asked) / row.seconds:.1f}", f"{sum(row.errors.values())}"]
    return f"| {row.name} | {' | '.join(cells)} |"


def _memory(
    server: Server, questions: Sequence[Question], total: int, rows: list[Row]
) -> float | None:
    """Print the server's memory before and after a long run; return its growth in percent."""
    rows.append(ask_all(server.address, questions, LONG_RUN_USERS, min(WARM_UP, total)))
    seen = [server.resident()]
    for part in range(4):
        count = (total + part) // 4
        rows.append(ask_all(server.address, questions, LONG_RUN_USERS, count))
        seen.append(server.resident())
    known = [size for size in seen if size is not None]
    if len(known) < len(seen):
        print("\nThe memory of the server is not known here: there is no `ps`.")
        return None
    growth = 100 * (known[-1] / known[0] - 1)
    print("\n| MB after the warm-up | " + " | ".join(f"{q}/4" for q in range(1, 5)), end=" |")
    print(f" growth over {total:,} |\n|" + "--:|" * 6)
    print("| " + " | ".join(f"{size:.1f}" for size in known) + f" | {growth:+.1f}% |", flush=True)
    return growth


# ---- a browser ----


def _paints(address: str, options: argparse.Namespace, texts: Sequence[str]) -> str:
    """Return the table of what a browser sees, or why there is none."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return "Nothing was measured in a browser: pip install playwright"
    if not options.chromium.exists():
        return f"Nothing was measured in a browser: there is none at {options.chromium}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=options.chromium, args=FLAGS)
        found = [seen(browser, address, text) for text in islice(cycle(texts), options.paints)]
        browser.close()
    lines = [
        f"| in Chromium, {len(found)} times | median ms | lowest | highest |",
        "|---|--:|--:|--:|",
    ]
    for name in found[0]:
        times = [one[name] for one in found]
        shown = (statistics.median(times), min(times), max(times))
        lines.append(f"| {name} | " + " | ".join(f"{ms:,.0f}" for ms in shown) + " |")
    return "\n".join(lines)


WATCH = """() => {
    window.answered = new Promise((done) => {
        let begun = null;
        const note = () => (begun = performance.now());
        addEventListener("keydown", note, { capture: true, once: true });
        new MutationObserver((_, watching) => {
            if (begun === null || !document.querySelector(".card:not(.dots)")) return;
            watching.disconnect();
            // The frame after the next one is on the screen for sure.
            requestAnimationFrame(() => requestAnimationFrame((now) => done(now - begun)));
        }).observe(document.querySelector("#conversation"), { childList: true, subtree: true });
    });
}"""


def seen(browser: Any, address: str, question: str) -> dict[str, float]:
    """Return milliseconds of a first visit: paint, question box, first answer, second answer."""
    with browser.new_context(locale="zh-CN", viewport={"width": 1280, "height": 900}) as context:
        page = context.new_page()
        page.goto(address)
        page.locator("#question").wait_for()
        usable = page.evaluate("performance.now()")
        paint = page.evaluate(
            "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN"
        )
        page.evaluate(WATCH)
        page.fill("#question", question)
        page.press("#question", "Enter")
        answer = page.evaluate("window.answered")
    return {"first paint": paint, "question box": usable, "Enter to answer on screen": answer}


if __name__ == "__main__":
    main()
