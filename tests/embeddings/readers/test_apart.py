"""Files that libraries parse are read in another process: the same result, or one clear sentence."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from embeddings.build import build
from embeddings.encoder import CountingEncoder
from embeddings.errors import UnopenedFileError, UnreadableFileError
from embeddings.lexical import Tokenizer
from embeddings.readers import apart, pace, pdf_pages, read, recognition
from embeddings.readers.signatures import CONTAINERS
from tests.embeddings.readers import samples
from tests.embeddings.readers.test_mutations import MUTATIONS, originals

ROOT = Path(__file__).parents[3]
POSIX = pytest.mark.skipif(os.name != "posix", reason="needs signals")


@pytest.fixture(autouse=True)
def pool() -> Iterator[None]:
    """No process of another test, and none that is left."""
    apart._pool().end()
    apart._pool.cache_clear()
    yield
    apart._pool().end()


def hostile(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Have the process run `code` instead of a parser; `data` is the file."""
    lines = "\n".join(f"    {line}" for line in code.splitlines())
    program = (
        "import sys, os, time; sys.path[:] = sys.argv[1:]\n"
        "from embeddings.readers import formats\n"
        "honest = formats.parse\n"
        f"def parse(ending, data):\n{lines}\n    return honest(ending, data)\n"
        "formats.parse = parse\n"
        "from embeddings.readers.worker import main\nmain()\n"
    )
    monkeypatch.setattr(apart, "_PROGRAM", program)


def outcome(name: str, data: bytes, *, there: bool) -> object:
    try:
        return read(name, data, apart.parse) if there else read(name, data)
    except UnreadableFileError as error:
        return type(error), str(error)


def test_the_same_is_read_here_and_there(monkeypatch: pytest.MonkeyPatch) -> None:
    # Recognition takes seconds a page.
    monkeypatch.setattr(recognition, "version", lambda: None)
    hostile(
        monkeypatch,
        "from embeddings.readers import recognition; recognition.version = lambda: None",
    )
    chance = random.Random(20210616)
    files = {n: d for n, d in originals().items() if n.endswith(CONTAINERS)}
    files |= {"两页.pdf": samples.pdf([["甲乙丙丁"], []]), "密.pdf": samples.pdf([["甲"]], "x")}
    for name, data in files.items():
        versions = [data] + [chance.choice(MUTATIONS)(data, chance) for _ in range(12)]
        for version in versions:
            assert outcome(name, version, there=True) == outcome(name, version, there=False)


def test_half_a_pair_of_surrogates_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    hostile(
        monkeypatch,
        "from embeddings.readers.reading import Reading\nreturn Reading('天\\ud800桥', 'word/1')",
    )
    assert apart.parse(".docx", b"").text == "天\ud800桥"


def test_pages_are_drawn_and_quotes_found_as_here() -> None:
    data = samples.pdf([["天桥区有企业。"], ["第二页的文字。"]])
    assert apart.draw(data, 2) == pdf_pages.draw(data, 2)
    here = pdf_pages.boxes(data, 2, ["第二页", "文字"])
    assert apart.boxes(data, 2, ["第二页", "文字"]) == here
    assert here
    with pytest.raises(UnreadableFileError, match="has no page 3; it has 2"):
        apart.draw(data, 3)


def test_a_text_file_starts_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "_Process", None)
    for name, data in originals().items():
        if not name.endswith(CONTAINERS):
            assert outcome(name, data, there=True) == outcome(name, data, there=False)


BREAKING = {
    "os._exit(3)": "exit code 3",
    "os.kill(os.getpid(), 11)": "SIGSEGV",
    "import ctypes; ctypes.string_at(0)": "SIGSEGV",
    "os._exit(0)": "exit code 0",
    "raise ValueError": "exit code 1",
    "for fd in range(3, 9):\n    try: os.write(fd, b'\\xff' * 99)\n    except OSError: pass": "",
}


@POSIX
@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM"])
def test_a_file_is_not_blamed_when_somebody_ends_the_process(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile(monkeypatch, f"import signal; os.kill(os.getpid(), signal.{name})")
    with pytest.raises(
        UnopenedFileError, match=rf"ended from outside \({name}\), perhaps for want"
    ):
        read("a.docx", samples.docx(), apart.parse)


@POSIX
def test_a_timer_of_the_process_itself_counts_as_late(monkeypatch: pytest.MonkeyPatch) -> None:
    hostile(monkeypatch, "import signal; signal.setitimer(signal.ITIMER_REAL, .1); time.sleep(9)")
    monkeypatch.setattr(apart, "SECONDS", 20.0)
    with pytest.raises(UnreadableFileError, match="takes longer to read than 20 seconds"):
        read("a.docx", samples.docx(), apart.parse)


@POSIX
@pytest.mark.parametrize("code", BREAKING)
def test_a_file_that_breaks_the_process_is_refused(
    code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile(monkeypatch, code)
    with pytest.raises(UnreadableFileError) as caught:
        read("a.docx", samples.docx(), apart.parse)
    assert not isinstance(caught.value, UnopenedFileError)
    assert str(caught.value).startswith("breaks what reads .docx files (")
    assert str(caught.value).endswith("); open it in its program and save it again as .docx")
    assert BREAKING[code] in str(caught.value)


def test_what_libraries_print_does_not_come_between(monkeypatch: pytest.MonkeyPatch) -> None:
    hostile(monkeypatch, "os.write(1, b'warning: odd file' * 1000); print('x', flush=True)")
    assert read("a.docx", samples.docx(), apart.parse) == read("a.docx", samples.docx())


def test_a_file_that_takes_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    hostile(monkeypatch, "if b'slow' in data:\n    while True: pass")
    monkeypatch.setattr(apart, "SECONDS", 2.0)
    slow = samples.docx() + b"slow"
    began = time.monotonic()
    with pytest.raises(
        UnreadableFileError, match=r"^takes longer to read than 2 seconds; split the file, or open"
    ):
        read("a.docx", slow, apart.parse)
    assert time.monotonic() - began < 20
    assert read("a.docx", samples.docx(), apart.parse).text


def test_a_page_that_is_recognised_gets_its_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "SECONDS", 3.0)
    monkeypatch.setattr(apart, "PAGE_SECONDS", 8.0)
    code = "from embeddings.readers import pace\nfor _ in range(3):\n    pace.page_begins(); time.sleep(1.5)"
    hostile(monkeypatch, code)
    assert read("a.docx", samples.docx(), apart.parse).text
    told: list[int] = []
    monkeypatch.setattr(pace, "page_begins", lambda: told.append(1))
    monkeypatch.setattr(recognition, "_engine", lambda: None)
    recognition.recognise(np.zeros((2, 2, 3), np.uint8))
    assert told == [1]


@pytest.mark.skipif(sys.platform != "linux", reason="the system limits no memory")
def test_a_file_that_needs_too_much_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "MEMORY", 600 << 20)
    hostile(monkeypatch, "if b'huge' in data: bytearray(2 << 30)")
    with pytest.raises(
        UnreadableFileError,
        match=r"^needs more than 600 megabytes of memory to be read; split the file",
    ):
        read("a.docx", samples.docx() + b"huge", apart.parse)
    assert read("a.docx", samples.docx(), apart.parse).text


@pytest.mark.skipif(sys.platform != "linux", reason="the system limits no memory")
def test_a_file_that_does_not_fit_at_all_is_refused_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    program = apart._PROGRAM.replace(
        "main()", "import embeddings.readers.worker as w; w._STACKS=0; main()"
    )
    monkeypatch.setattr(apart, "_PROGRAM", program)
    data = samples.docx() + bytes(400 << 20)
    monkeypatch.setattr(apart, "MEMORY", (400 << 20) - 3 * len(data))
    monkeypatch.setattr(apart, "SECONDS", 30.0)
    with pytest.raises(UnreadableFileError, match="more than 400 megabytes of memory"):
        apart.parse(".docx", data)


@pytest.mark.skipif(sys.platform != "linux", reason="the system limits no memory")
def test_threads_of_libraries_need_no_memory_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    code = """
import threading
os.cpu_count = lambda: 64
all_here = threading.Barrier(200)
def work():
    bytearray(100_000); all_here.wait(20)
from embeddings.readers import worker
worker._limit_memory(700 << 20)
threads = [threading.Thread(target=work) for _ in range(200)]
for one in threads: one.start()
for one in threads: one.join()"""
    hostile(monkeypatch, code)
    assert read("a.docx", samples.docx(), apart.parse).text


def test_a_file_is_not_blamed_for_what_one_before_broke(monkeypatch: pytest.MonkeyPatch) -> None:
    code = "if b'mine' in data: globals()['broken'] = True\nelif 'broken' in globals(): os._exit(9)"
    hostile(monkeypatch, code)
    assert read("a.docx", samples.docx() + b"mine", apart.parse).text
    assert read("a.docx", samples.docx(), apart.parse).text


def test_a_process_that_does_not_start_is_told_and_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(apart, "_PROGRAM", "raise SystemExit(7)")
    with pytest.raises(UnopenedFileError, match=r"does not start \(exit code 7\); install wenju"):
        read("a.docx", samples.docx(), apart.parse)
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(UnopenedFileError, match="no process can be started to read it"):
        read("a.docx", samples.docx(), apart.parse)


def test_processes_are_kept_and_end_when_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    read("a.docx", samples.docx(), apart.parse)
    (first,) = apart._pool()._idle
    read("a.xlsx", samples.xlsx(), apart.parse)
    assert apart._pool()._idle == [first]
    assert first.asked == 2
    apart._pool().end()
    program = apart._PROGRAM.replace(
        "main()", "import embeddings.readers.worker as w; w.IDLE=.1; main()"
    )
    monkeypatch.setattr(apart, "_PROGRAM", program)
    read("a.docx", samples.docx(), apart.parse)
    (short,) = apart._pool()._idle
    assert short._process.wait(timeout=20) == 0
    assert read("a.docx", samples.docx(), apart.parse).text


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_the_system_lists_none_that_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "_SWEPT", 0.2)
    read("a.docx", samples.docx(), apart.parse)
    (ended,) = apart._pool()._idle
    os.kill(ended._process.pid, signal.SIGKILL)
    due = time.monotonic() + 20
    while apart._pool()._idle and time.monotonic() < due:
        time.sleep(0.05)
    assert not Path(f"/proc/{ended._process.pid}").exists()
    assert read("a.docx", samples.docx(), apart.parse).text


def test_only_a_few_files_are_read_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        f"from pathlib import Path; own = Path({str(tmp_path)!r}, str(os.getpid())); own.touch()\n"
        "time.sleep(.3); count = len(list(own.parent.iterdir())); own.unlink()\n"
        "from embeddings.readers.reading import Reading\nreturn Reading(str(count), 'word/1')"
    )
    hostile(monkeypatch, code)
    with ThreadPoolExecutor(12) as threads:
        found = threads.map(lambda _: apart.parse(".docx", b"").text, range(12))
        assert max(map(int, found)) <= apart.AT_ONCE


@POSIX
def test_a_fork_has_processes_of_its_own() -> None:
    read("a.docx", samples.docx(), apart.parse)
    (mine,) = apart._pool()._idle
    with apart._pool()._lock:
        child = os.fork()
        if child == 0:
            signal.alarm(20)
            try:
                is_read = bool(read("a.docx", samples.docx(), apart.parse).text)
                apart._pool().end()
                os._exit(0 if is_read else 1)
            finally:
                os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert read("a.docx", samples.docx(), apart.parse).text
    assert apart._pool()._idle == [mine]


def test_a_python_without_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", None)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "path", [*sys.path, Path("x")])
    with pytest.raises(UnopenedFileError, match="no process can be started to read it"):
        apart.check(".docx", samples.docx())


def test_a_folder_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", ["", *map(os.path.abspath, sys.path)])
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert read("a.docx", samples.docx(), apart.parse).text


def test_threads_read_side_by_side() -> None:
    data = samples.docx()
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: read("a.docx", data, apart.parse).text, range(24)))
    assert len(set(found)) == 1
    assert len(apart._pool()._idle) <= apart.KEPT


def test_a_build_skips_what_breaks_and_goes_on(
    tmp_path: Path, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "甲.docx").write_bytes(samples.docx())
    (pages / "乙.docx").write_bytes(samples.docx() + b"bad")
    (pages / "丙.pdf").write_bytes(samples.pdf([["天桥区有企业。"]]))
    hostile(monkeypatch, "if data.endswith(b'bad'): os._exit(1)")
    report = build(pages, tmp_path / "index", CountingEncoder("天桥"), tokenizer)
    assert sorted(report.read) == ["丙.pdf", "甲.docx"]
    assert [file.source for file in report.skipped] == ["乙.docx"]
    assert str(report.skipped[0].reason).startswith("breaks what reads .docx files (exit code 1)")


PARENT = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have it ignored
from embeddings.readers import apart
from tests.embeddings.readers import samples
apart._PROGRAM = sys.argv[1]
made = apart._Process
class Seen(made):
    def __init__(self):
        super().__init__()
        print(self._process.pid, flush=True)
apart._Process = Seen
try:
    apart.parse(".docx", samples.docx())
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


def is_alive(pid: int) -> bool:
    try:
        return "(zombie)" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_the_process_ends_with_its_parent(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile(monkeypatch, "while True: pass")
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, apart._PROGRAM],
        stdout=subprocess.PIPE, cwd=ROOT, text=True, start_new_session=True,
    )  # fmt: skip
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    time.sleep(1.5)
    assert is_alive(child)
    os.killpg(parent.pid, number)
    rest, _ = parent.communicate(timeout=20)
    assert rest == ("interrupted\n" if number == signal.SIGINT else "")
    due = time.monotonic() + 10
    while is_alive(child) and time.monotonic() < due:
        time.sleep(0.1)
    assert not is_alive(child)
