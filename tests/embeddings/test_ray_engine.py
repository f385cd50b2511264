"""Builds on a Ray cluster of two nodes: the same index as here, whatever is lost meanwhile."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ray")

from embeddings import ray_cluster, ray_engine
from embeddings.build import build
from embeddings.catalogue import Catalogue
from embeddings.encoder import CountingEncoder, open_encoder
from embeddings.errors import EngineError, IndexMissingError, SettingError
from embeddings.lexical import Tokenizer
from embeddings.progress import Progress
from embeddings.ray_engine import RayEngine
from embeddings.ray_worker import opener
from embeddings.store import IndexFolder
from qa.bot import Bot
from tests.embeddings import ray_encoders
from tests.embeddings.building import ALPHABET, state_of, write
from tests.embeddings.ray_encoders import encoded, logged
from tests.long import long_version

SEEDS = Path(__file__).parents[2] / "seeds"
BATCH = 4
STORE = 80 * 1024 * 1024
QUESTIONS = [
    "天桥区有多少家直播电商企业？",
    "济南高新区的党建联盟做什么？",
    "产业园里有哪些企业？",
    "记者采访了谁？",
    "从业人员有多少？",
    "什么时候开工？",
    "这个项目投资多少钱？",
    "How many companies are there in Tianqiao?",
    "黄河",
    "社区怎样服务老人？",
]

pytestmark = [
    # Ray warns of itself; and of its own sockets and processes, when a cluster ends.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ray.util.annotations.RayDeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two nodes of one processor each; they live as long as this file's tests."""
    yield from _cluster(1, 1)


def _cluster(*processors: int) -> Iterator[Any]:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    from ray.cluster_utils import Cluster

    started = Cluster()
    for number in processors:
        started.add_node(num_cpus=number, object_store_memory=STORE, include_dashboard=False)
    yield started
    started.shutdown()  # type: ignore[no-untyped-call]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A dozen documents, encoded a few texts at a time."""
    monkeypatch.setattr("embeddings.build.BATCH", BATCH)
    root = tmp_path / "documents"
    for number in range(12):
        text = f"天桥区党建{number}\n\n天桥区有{number}个产业园。济南有{number}家企业。\n"
        write(root / f"{number:02}.txt", text)
    write(root / "坏.pdf", "不是PDF")
    return root


def joined(cluster: Any, opener: Any, **more: Any) -> RayEngine:
    return RayEngine(CountingEncoder(ALPHABET), opener, address=cluster.address, **more)


def built(
    root: Path, index: Path, tokenizer: Tokenizer, engine: RayEngine | None = None, **more: Any
) -> None:
    build(root, index, CountingEncoder(ALPHABET), tokenizer, engine=engine, **more)


def same_files(one: Path, other: Path) -> bool:
    """Tell whether the published generations agree byte by byte, but for the time in them."""
    return _files(one) == _files(other)


def _files(index: Path) -> dict[str, bytes]:
    folder = IndexFolder(index).current()
    files = [file for file in folder.rglob("*") if file.is_file() and file.name != "manifest.json"]
    assert files
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def vectors_in(index: Path) -> list[tuple[bytes, bytes]]:
    with Catalogue(index / "library.db") as catalogue:
        rows = catalogue.database.execute("SELECT key, vector FROM vectors ORDER BY key")
        return rows.fetchall()


@pytest.mark.model
def test_seeds_give_the_same_index_and_the_same_hits(
    cluster: Any, tmp_path: Path, tokenizer: Tokenizer
) -> None:
    encoder = open_encoder()
    local, spread = tmp_path / "local", tmp_path / "ray"
    root = tmp_path / "pages"
    root.mkdir()
    for page in sorted(SEEDS.iterdir())[:3]:
        shutil.copy2(page, root)
    build(root, local, encoder, tokenizer)
    with RayEngine(encoder, opener(None), address=cluster.address) as engine:
        report = build(root, spread, encoder, tokenizer, engine=engine)
    assert report.encoded > 100
    nodes = {worker.partition(":")[0] for worker in engine.delivered}
    assert len(nodes) == 2
    assert vectors_in(spread) == vectors_in(local)
    assert same_files(spread, local)
    here, there = Bot.open(local), Bot.open(spread)
    for question in QUESTIONS:
        assert there.retrieve(question, 10) == here.retrieve(question, 10)


def test_a_killed_worker_costs_its_batch(
    cluster: Any, folder: Path, tmp_path: Path, tokenizer: Tokenizer
) -> None:
    log = tmp_path / "log"
    killed: list[int] = []
    with joined(cluster, logged(log, pause=0.3)) as engine:

        def kill(at: Progress) -> None:
            if at.stage == "encode" and at.done >= 2 * BATCH and not killed:
                killed.append(int(next(reversed(engine.delivered)).partition(":")[2]))
                os.kill(killed[0], signal.SIGKILL)

        built(folder, tmp_path / "ray", tokenizer, engine, on_progress=kill)
    assert len(killed) == 1
    assert len(list(log.iterdir())) >= 2
    built(folder, tmp_path / "local", tokenizer)
    assert same_files(tmp_path / "ray", tmp_path / "local")
    assert vectors_in(tmp_path / "ray") == vectors_in(tmp_path / "local")
    counts = encoded(log)
    twice = sum(counts.values()) - len(counts)
    # The killed one may have had one batch at work; what waited for it was not begun.
    assert max(counts.values()) <= 2
    assert twice <= BATCH


def test_a_build_that_is_cut_off_is_gone_on_with_here(
    cluster: Any, folder: Path, tmp_path: Path, tokenizer: Tokenizer
) -> None:
    def cut(at: Progress) -> None:
        if at.stage == "encode" and at.done >= 2 * BATCH:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), joined(cluster, logged(tmp_path / "log")) as engine:
        built(folder, tmp_path / "index", tokenizer, engine, on_progress=cut)
    kept = len(vectors_in(tmp_path / "index"))
    assert kept >= 2 * BATCH
    encoder = CountingEncoder(ALPHABET)
    report = build(folder, tmp_path / "index", encoder, tokenizer)
    assert report.resumed is not None
    assert (report.resumed.files, report.resumed.texts) == (13, kept)
    built(folder, tmp_path / "local", tokenizer)
    assert same_files(tmp_path / "index", tmp_path / "local")


def test_an_incremental_build_sends_what_is_new(
    cluster: Any, folder: Path, tmp_path: Path, tokenizer: Tokenizer, monkeypatch: Any
) -> None:
    built(folder, tmp_path / "index", tokenizer)
    # Files above the bound are read by the build itself: only the text below is sent.
    monkeypatch.setattr(ray_engine, "LARGE", 10)
    write(folder / "新.txt", "高新区有新产业园。\n", 60)
    seen: list[Progress] = []
    with joined(cluster, logged(tmp_path / "log")) as engine:
        built(folder, tmp_path / "index", tokenizer, engine, on_progress=seen.append)
    assert sum(engine.delivered.values()) == 1
    assert list(encoded(tmp_path / "log")) == ["高新区有新产业园。"]
    assert [(at.done, at.total) for at in seen if at.stage == "encode"] == [(0, 1), (1, 1)]
    assert [at.done for at in seen if at.stage == "read"] == list(range(15))


@long_version
def test_a_text_that_loses_every_worker_is_named(
    cluster: Any, folder: Path, tmp_path: Path, tokenizer: Tokenizer, monkeypatch: Any
) -> None:
    monkeypatch.setattr(ray_engine, "MOST", 2)
    poisoned = logged(tmp_path / "log", poison="天桥区有7个产业园。济南有7家企业。")
    with (
        pytest.raises(EngineError, match="^2 workers were lost .* on the text '天桥.* build again"),
        joined(cluster, poisoned) as engine,
    ):
        built(folder, tmp_path / "index", tokenizer, engine)
    assert len(vectors_in(tmp_path / "index")) > 0
    with pytest.raises(IndexMissingError):
        IndexFolder(tmp_path / "index").current()


def refused(cluster: Any, opener: Any, **more: Any) -> str:
    with pytest.raises(EngineError) as refusal:
        joined(cluster, opener, **more).__enter__()
    return str(refusal.value)


@pytest.fixture
def with_node(cluster: Any) -> Iterator[Callable[[dict[str, str]], None]]:
    """Adds a third node with these variables in its environment, for one test."""
    added = []

    def add(variables: dict[str, str]) -> None:
        added.append(cluster.add_node(num_cpus=1, object_store_memory=STORE, env_vars=variables))

    yield add
    for node in added:
        cluster.remove_node(node)


def test_a_machine_with_another_model_is_refused(
    cluster: Any, with_node: Callable[[dict[str, str]], None], tmp_path: Path
) -> None:
    with_node({ray_encoders.OTHER: "别的"})
    said = refused(cluster, logged(tmp_path / "log"))
    for one in (CountingEncoder("别的"), CountingEncoder(ALPHABET)):
        assert one.fingerprint in said
    assert said.endswith("Give both the same model")


@long_version
def test_a_machine_with_another_version_is_refused(
    cluster: Any, with_node: Callable[[dict[str, str]], None], tmp_path: Path
) -> None:
    write(tmp_path / "other/jieba-9.9.dist-info/METADATA", "Name: jieba\nVersion: 9.9\n")
    with_node({"PYTHONPATH": str(tmp_path / "other")})
    said = refused(cluster, logged(tmp_path / "log"))
    assert re.search(
        r"has wenju [\d.]+, segment/\d+, jieba 9\.9, .*; here it is wenju [\d.]+", said
    )


@long_version
def test_a_model_that_the_machines_lack_is_named(cluster: Any, tmp_path: Path) -> None:
    said = refused(cluster, opener(str(tmp_path / "no-such-model")))
    assert "cannot work on the build" in said
    assert "no-such-model" in said


def test_a_cluster_without_a_free_processor_is_refused(tmp_path: Path) -> None:
    for cluster in _cluster(0):
        started = time.monotonic()
        said = refused(cluster, logged(tmp_path / "log"), patience=4)
        assert "has no place for a worker, which needs 1 CPU: it has 0, of which 0 are free" in said
        assert time.monotonic() - started < 20


@pytest.mark.parametrize("address", ["nonsense", "host:port", "ray://127.0.0.1:10001", ":6379"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(EngineError, match="no address of a Ray cluster; give HOST:PORT"):
        RayEngine(CountingEncoder("天"), opener(None), address=address).__enter__()


def test_an_address_where_nobody_answers_is_refused_soon(tmp_path: Path) -> None:
    def refusal(address: str) -> str:
        started = time.monotonic()
        engine = RayEngine(CountingEncoder("天"), opener(None), address=address, patience=4)
        with pytest.raises(EngineError) as refused:
            engine.__enter__()
        assert time.monotonic() - started < 10
        return str(refused.value)

    with socket.create_server(("127.0.0.1", 0)) as deaf:
        address = f"127.0.0.1:{deaf.getsockname()[1]}"
        assert "does not answer as a Ray cluster within 4 seconds" in refusal(address)
    assert refusal(address).startswith(f"No Ray cluster answers at {address!r}")


def test_no_workers_are_refused() -> None:
    with pytest.raises(SettingError, match="workers is 0"):
        RayEngine(CountingEncoder("天"), opener(None), workers=0)


def test_an_interrupt_that_ray_swallows_is_not_forgotten() -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        engine = RayEngine(CountingEncoder(ALPHABET), opener(None))
        with engine._noting_interrupts():
            with suppress(KeyboardInterrupt):  # as in a callback from C
                signal.raise_signal(signal.SIGINT)
            with pytest.raises(KeyboardInterrupt):
                engine._check_interrupted()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


_ALONE = """
import os, signal, sys
from pathlib import Path
from embeddings import build as module
from embeddings.encoder import CountingEncoder
from embeddings.lexical import Tokenizer
from embeddings.model import home
from embeddings.ray_engine import RayEngine
from tests.embeddings.building import ALPHABET
from tests.embeddings.ray_encoders import logged
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where tests run in the background
module.BATCH = 4
encoder = CountingEncoder(ALPHABET)
def tell(at):
    if at.stage == "encode" and at.done >= 8:
        print("encoding", file=sys.stderr, flush=True)
with RayEngine(encoder, logged(Path(sys.argv[3]), pause=0.5), workers=1) as engine:
    module.build(Path(sys.argv[1]), Path(sys.argv[2]), encoder, Tokenizer(home() / "jieba"),
                 engine=engine, on_progress=tell)
"""


@long_version
def test_interrupted_ray_of_our_own_leaves_nothing_running(
    folder: Path, tmp_path: Path, tokenizer: Tokenizer
) -> None:
    index, log = tmp_path / "index", tmp_path / "log"
    temporary = tmp_path / "t"
    temporary.mkdir()
    # A short way to it: sockets of Ray are below, and their paths have a hundred characters.
    short = Path(f"/tmp/wenju-{os.getpid()}")
    short.symlink_to(temporary)
    process = subprocess.Popen(
        [sys.executable, "-c", _ALONE, str(folder), str(index), str(log)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        cwd=Path(__file__).parents[2], env={**os.environ, "TMPDIR": str(short)},
    )  # fmt: skip
    assert process.stderr is not None
    first = process.stderr.readline()
    assert first == "encoding\n", first
    os.killpg(process.pid, signal.SIGINT)
    said, complained = process.communicate(timeout=60)
    short.unlink()
    assert said == ""
    # Nothing but the traceback of an interrupted script.
    assert complained.replace("encoding\n", "").startswith("Traceback")
    assert complained.rstrip().endswith("KeyboardInterrupt")
    assert process.returncode == -signal.SIGINT
    assert list(temporary.iterdir()) == []
    (worker,) = [int(file.name) for file in log.iterdir()]
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)
    report = build(folder, index, CountingEncoder(ALPHABET), tokenizer)
    assert report.resumed is not None
    assert report.resumed.texts >= 8


def test_without_ray_a_sentence_tells_how_to_get_it(folder: Path, tmp_path: Path) -> None:
    code = "import sys; sys.modules['ray'] = None; from qa.cli import main; main()"
    options = ["build", str(folder), "--index", str(tmp_path / "index"), "--engine", "ray"]
    done = subprocess.run(
        [sys.executable, "-c", code, *options], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        "wenju: A build on Ray needs the package ray, which is not installed: "
        "run `pip install 'wenju[ray]'`, or build without --engine ray"
    )
    assert not (tmp_path / "index").exists()


def test_a_refused_cluster_leaves_the_index_as_it_is(folder: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    build(folder, index, CountingEncoder(ALPHABET), Tokenizer(tmp_path / "jieba"))
    before = state_of(index)
    options = ["build", str(folder), "--index", str(index), "--engine", "ray", "--address"]
    done = subprocess.run(
        [sys.executable, "-m", "qa.cli", *options, "127.0.0.1:1"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "No Ray cluster answers at '127.0.0.1:1'" in done.stderr
    assert state_of(index) == before
    assert ray_cluster.KNOCKING < 10
