"""The commands on an index that Milvus keeps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from qa.cli import main
from tests.long import long_version
from tests.milvus_server import MISSING, milvus_server, needs_milvus

pytestmark = needs_milvus

QUESTION = "天桥区有多少家直播电商企业？"


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if MISSING:
        yield ""
        return
    with milvus_server(tmp_path_factory.mktemp("milvus")) as found:
        yield found


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def test_every_command_works_on_it(
    uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    documents = tmp_path / "documents"
    documents.mkdir()
    (documents / "a.txt").write_text("天桥区共有直播电商企业136家，从业人员9800多人。", "utf-8")
    where = ("--store", "milvus", "--uri", uri, "--token", "root:secret")
    built = run("build", str(documents), *where, "--json")
    assert built.exit_code == 0, built.output
    assert json.loads(built.stdout)["passages"] == 1
    assert "secret" not in built.output

    said = run("ask", QUESTION)  # the folder remembers
    assert (said.exit_code, "136家" in said.output) == (0, True), said.output
    elsewhere = run("ask", QUESTION, "--index", "none", *where)
    assert elsewhere.output == said.output
    assert not Path("none").exists()
    hits = json.loads(run("retrieve", QUESTION, "--json").stdout)
    assert [hit["source"] for hit in hits] == ["a.txt"]
    Path("questions.jsonl").write_text(
        json.dumps({"id": "1", "question": QUESTION}, ensure_ascii=False) + "\n", "utf-8"
    )
    rows = run("ask", "--batch", "questions.jsonl")
    assert "136家" in rows.output, rows.output

    info = run("info")
    assert (info.exit_code, "in Milvus, HNSW" in info.output) == (0, True), info.output
    assert run("verify").exit_code == 0
    assert "a.txt" in run("documents").output
    assert run("build", "--rollback").exit_code == 2  # there is none before
    (documents / "b.txt").write_text("高新区有产业园。", "utf-8")
    assert run("build", str(documents)).exit_code == 0
    assert json.loads(run("info", "--json").stdout)["documents"] == 2
    back = run("build", "--rollback")
    assert back.exit_code == 0, back.output
    assert json.loads(run("info", "--json").stdout)["documents"] == 1
    for path in Path("index").rglob("*"):
        assert not path.is_file() or b"secret" not in path.read_bytes()

    local = run("build", str(documents), "--store", "local")
    assert local.exit_code == 0, local.output
    assert not Path("index/store.json").exists()
    assert json.loads(run("info", "--json").stdout)["search"] == {"kind": "exact"}


COMMANDS = ("ask", "build", "info", "verify", "retrieve")
AWAY = ["--store", "milvus", "--uri", "http://127.0.0.1:1"]
NONSENSE = [
    (["--store", "milvus"], "needs the address of the server"),
    (["--store", "milvus", "--uri", "x.db"], "The URI 'x.db' is none"),
    (["--store", "faiss"], "The store 'faiss' is unknown"),
]


@pytest.mark.parametrize(
    ("command", "given", "says"),
    [
        *((command, *one) for one in NONSENSE for command in COMMANDS),
        # Each waits for six seconds.
        ("ask", AWAY, "does not answer; start it"),
        pytest.param("build", AWAY, "does not answer; start it", marks=long_version),
    ],
)
def test_what_cannot_work_is_one_sentence(
    command: str, given: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("documents").mkdir()
    Path("documents/a.txt").write_text("天桥区。", "utf-8")
    result = run(command, "documents" if command == "build" else "问", *given) if command not in (
        "info", "verify") else run(command, *given)  # fmt: skip
    assert result.exit_code == 2
    assert says in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not Path("index").exists()
