"""The contract of stores against a Milvus server, and what only a server can do wrong."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from embeddings.build import BuildReport, build, plan
from embeddings.encoder import CountingEncoder, Encoder
from embeddings.errors import (
    IndexDamagedError,
    IndexFolderError,
    IndexFormatError,
    IndexMissingError,
    ModelMismatchError,
    StoreError,
)
from embeddings.lexical import Tokenizer
from embeddings.milvus import Row, Server, Table
from embeddings.milvus_address import Address
from embeddings.milvus_conditions import equals
from embeddings.milvus_tables import CONTENTS, DATED, META, PASSAGES, WORDS, visible
from embeddings.settings import Settings
from embeddings.store_milvus import LEDGER, MilvusStore
from embeddings.stores import FILE, store_of
from tests.contracts.store_contract import (
    BRIDGE,
    Site,
    StoreContract,
    bot_of,
    by_id,
    fill,
    opened,
)
from tests.embeddings.building import ALPHABET, Recording, state_of, write
from tests.long import long_version
from tests.milvus_server import MISSING, milvus_server, needs_milvus

pytestmark = needs_milvus


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if MISSING:
        yield ""
        return
    with milvus_server(tmp_path_factory.mktemp("milvus")) as found:
        yield found


class MilvusSite:
    """An index in Milvus, in collections of its own."""

    def __init__(self, root: Path, tokenizer: Tokenizer, uri: str, name: str = "") -> None:
        self.documents, self.index = root / "documents", root / "index"
        self.encoder, self.tokenizer = Recording(), tokenizer
        self.documents.mkdir(parents=True, exist_ok=True)
        self.address = Address(uri, name or f"t{uuid.uuid4().hex}")
        self.store = MilvusStore(self.index, self.address)

    def build(
        self, encoder: Encoder | None = None, *, full: bool = False, replace_root: bool = False
    ) -> BuildReport:
        return build(
            self.documents, self.index, encoder or self.encoder, self.tokenizer,
            store=self.store, full=full, replace_root=replace_root,
        )  # fmt: skip

    def go_back(self) -> None:
        self.store.go_back()

    def rows(self, table: Table, generation: int | None = None) -> list[Row]:
        names = table.names
        condition = f"{table.key} >= 0" if generation is None else visible(generation)
        return list(self.store.server.every(table, condition, names))


@pytest.fixture
def site(tmp_path: Path, tokenizer: Tokenizer, uri: str) -> MilvusSite:
    return MilvusSite(tmp_path, tokenizer, uri)


class TestMilvus(StoreContract):
    @pytest.fixture
    def site(self, tmp_path: Path, tokenizer: Tokenizer, uri: str) -> Site:
        return MilvusSite(tmp_path, tokenizer, uri)


def test_a_reader_needs_only_the_address(
    site: MilvusSite, tmp_path: Path, tokenizer: Tokenizer
) -> None:
    fill(site)
    site.build()
    elsewhere = MilvusStore(tmp_path / "no such folder", site.address)
    found = elsewhere.open_published().generation
    assert found.sources == opened(site).sources
    assert not (tmp_path / "no such folder").exists()


def test_a_small_change_writes_only_what_is_new(site: MilvusSite) -> None:
    fill(site)
    site.build()
    before = {row["number"]: row for row in site.rows(PASSAGES)}
    write(site.documents / "新.txt", "党建产业园新添了天桥。")
    (site.documents / "english (1).txt").unlink()
    site.build()
    after = {row["number"]: row for row in site.rows(PASSAGES)}
    assert before.keys() <= after.keys()
    changed = [n for n in before if before[n]["last"] != after[n]["last"]]
    assert len(after) == len(before) + 1
    assert 1 <= len(changed) < len(before)
    for number in changed:
        assert after[number] == {**before[number], "last": 2}
    kept = [row for row in site.rows(WORDS) if row["first"] == 1 and row["last"] > 2]
    assert kept, "the counts of words that did not change stay"


def test_rows_of_older_generations_are_removed(site: MilvusSite) -> None:
    fill(site)
    site.build()
    for version in range(2, 5):
        write(site.documents / "天桥.txt", f"天桥区有{version}家企业。", age=3600 - version)
        site.build()
    for table in DATED:
        rows = site.rows(table)
        assert min(row["last"] for row in rows) > 3, table.name
        assert len(rows) >= len(site.rows(table, 4))
    owners = {row["owner"] for row in site.store.server.every(
        CONTENTS, equals("kind", "p"), ["owner"])}  # fmt: skip
    assert owners == {row["number"] for row in site.rows(PASSAGES)}
    assert list(site.store.compare()) == []


def test_a_build_from_another_folder_is_refused_before_anything_is_written(
    site: MilvusSite, tmp_path: Path, tokenizer: Tokenizer
) -> None:
    fill(site)
    site.build()
    other = MilvusSite(tmp_path / "other", tokenizer, site.address.uri, site.address.collection)
    write(other.documents / "a.txt", "天桥区。")
    with pytest.raises(IndexFolderError, match="was built from .*--collection NAME.*replace-root"):
        other.build()
    assert not other.index.exists()
    assert "天桥.txt" in opened(site).sources
    other.build(replace_root=True)
    assert opened(site).sources == ("a.txt",)


def test_vectors_of_another_model_are_not_mixed(site: MilvusSite) -> None:
    fill(site)
    site.build()
    before = state_of(site.index)
    for other in (CountingEncoder("企业园天桥"), CountingEncoder(ALPHABET[::-1])):
        with pytest.raises(ModelMismatchError, match="holds vectors of the model .*--collection"):
            site.build(other)
    assert state_of(site.index) == before
    assert opened(site).manifest.number == 1


def test_an_index_of_another_format_is_refused(site: MilvusSite) -> None:
    fill(site)
    site.build()
    body = site.store.server.rows(META, equals("name", "index"), ["name", "body"])[0]["body"]
    newer = json.dumps({**json.loads(body), "format": 99})
    site.store.server.put(META, [{"name": "index", "body": newer}])
    for act in (site.store.open_published, site.build, site.store.go_back, site.store.stamp):
        with pytest.raises(IndexFormatError, match=r"has format 99.*--collection NAME"):
            act()


@pytest.mark.parametrize("table", [META, PASSAGES], ids=lambda table: table.name)
def test_collections_of_something_else_are_refused(site: MilvusSite, table: Table) -> None:
    server = site.store.server
    server._client.create_collection(server.name(table), dimension=4)
    fill(site)
    with pytest.raises(StoreError, match="holds something else .*--collection NAME"):
        site.build()
    assert not (site.index / FILE).exists()


class _CutOffError(Exception):
    """The server's side of a build that is cut off."""


class _Cutting(Server):
    """Lets only so many writes through."""

    left = 0

    def put(self, table: Table, rows: Sequence[Row]) -> None:
        if not self.left:
            raise _CutOffError
        self.left -= 1
        super().put(table, rows)


@pytest.mark.parametrize("writes", [0, 1, 3, 5, 8, 11, 12, 13, 14])
def test_a_build_that_is_cut_off_is_gone_on_with(site: MilvusSite, writes: int) -> None:
    fill(site)
    site.build()
    kept = by_id(opened(site), opened(site).all_rows())
    write(site.documents / "新.txt", "党建产业园新添了天桥。")
    (site.documents / "english (1).txt").unlink()
    site.store._server = cutting = _Cutting(site.address)
    cutting.left = writes
    with pytest.raises(_CutOffError):
        site.build()
    found = opened(site)
    assert found.manifest.number == 1
    assert by_id(found, found.all_rows()) == kept
    assert "english (1).txt" in found.sources
    write(site.documents / "新二.txt", "济南的企业。")  # and the documents change meanwhile
    (site.documents / "新.txt").unlink()
    cutting.left = 1000
    report = site.build()
    assert (report.generation, report.published) == (2, True)
    assert opened(site).sources == ("z/again.txt", "天桥.txt", "新二.txt", "繁體/濟南.txt")
    assert list(site.store.compare()) == []


def test_the_ledger_is_read_from_the_server_when_it_is_gone(site: MilvusSite) -> None:
    fill(site)
    site.build()
    before = {row["number"] for row in site.rows(PASSAGES)}
    for path in site.index.glob(f"{LEDGER}*"):
        path.unlink()
    write(site.documents / "新.txt", "党建产业园新添了天桥。")
    site.build()
    assert before < {row["number"] for row in site.rows(PASSAGES)}
    assert list(site.store.compare()) == []


def test_an_index_folder_that_is_gone_is_built_again_over_the_same_rows(
    site: MilvusSite, tokenizer: Tokenizer
) -> None:
    fill(site)
    site.build()
    before = {row["number"] for row in site.rows(PASSAGES)}
    site.index.rename(site.index.with_name("lost"))
    report = site.build()
    assert (report.generation, report.published) == (2, True)
    assert {row["number"] for row in site.rows(PASSAGES)} == before


def test_a_damaged_ledger_is_named(site: MilvusSite) -> None:
    fill(site)
    site.build()
    for path in site.index.glob(f"{LEDGER}*"):
        path.unlink()
    (site.index / LEDGER).write_text("no database" * 100)
    write(site.documents / "新.txt", "党建产业园新添了天桥。")
    with pytest.raises(IndexDamagedError, match=f"{LEDGER}.* is damaged; delete it and build"):
        site.build()


def test_rows_that_the_server_lost_are_noticed_and_written_again(site: MilvusSite) -> None:
    fill(site)
    site.build()
    lost = site.rows(PASSAGES)[0]["number"]
    site.store.server.remove(PASSAGES, equals("number", lost))
    assert any("passages" in line for line in site.store.compare())
    write(site.documents / "新.txt", "党建产业园新添了天桥。")
    with pytest.raises(StoreError, match="is not published; build again"):
        site.build()
    assert opened(site).manifest.number == 1
    site.build()
    assert opened(site).manifest.number == 2
    assert not any("generation 2" in line for line in site.store.compare())


def test_lost_contents_are_damage(site: MilvusSite) -> None:
    fill(site)
    site.build()
    row = int(opened(site).all_rows()[0])
    site.store.server.remove(CONTENTS, equals("owner", row))
    with pytest.raises(IndexDamagedError, match="is not there, or cannot be read"):
        opened(site).texts([row])
    assert list(site.store.compare()) != []


def test_a_full_build_writes_all_anew(site: MilvusSite) -> None:
    fill(site)
    site.build()
    before = {row["number"] for row in site.rows(PASSAGES)}
    site.store.server.remove(CONTENTS, equals("owner", min(before)))
    assert list(site.store.compare()) != []
    site.build(full=True)
    assert not before & {row["number"] for row in site.rows(PASSAGES, 2)}
    assert not any("generation 2" in line for line in site.store.compare())
    numbers = {row["number"] for row in site.rows(PASSAGES, 2)}
    write(site.documents / "新.txt", "党建产业园新添了天桥。")
    site.build()
    assert numbers < {row["number"] for row in site.rows(PASSAGES, 3)}


def test_two_builders_do_not_publish_over_each_other(site: MilvusSite) -> None:
    fill(site)
    site.build()
    write(site.documents / "新.txt", "党建产业园新添了天桥。")
    server = site.store.server
    put = server.put

    def put_after_another(table: Table, rows: Sequence[Row]) -> None:
        put(META, [{"name": "builder", "body": "somebody else"}])
        put(table, rows)

    server.put = put_after_another  # type: ignore[method-assign]
    with pytest.raises(StoreError, match="Another build writes to the index"):
        site.build()
    server.put = put  # type: ignore[method-assign]
    assert opened(site).manifest.number == 1
    site.build()
    assert list(site.store.compare()) == []


def test_a_dry_run_writes_nothing(site: MilvusSite) -> None:
    fill(site)
    found = plan(site.documents, site.index, site.encoder, site.tokenizer, store=site.store)
    assert found.publishes
    assert site.store.stamp() is None
    assert not site.index.exists()


def test_the_folder_remembers_where_the_index_is(site: MilvusSite) -> None:
    fill(site)
    site.build()
    store = store_of(site.index, Settings())
    assert isinstance(store, MilvusStore)
    assert store.open_current().generation.manifest.number == 1


@pytest.mark.parametrize(
    "listening",
    [
        pytest.param(False, id="nobody listens"),
        pytest.param(True, id="nobody answers", marks=long_version),
    ],
)
def test_a_server_that_is_away_is_told_in_time(
    tmp_path: Path, tokenizer: Tokenizer, listening: bool
) -> None:
    import socket

    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        if listening:
            silent.listen(8)
        uri = f"http://127.0.0.1:{silent.getsockname()[1]}"
        site = MilvusSite(tmp_path, tokenizer, uri)
        fill(site)
        for act in (site.build, site.store.open_published):
            began = time.monotonic()
            with pytest.raises(StoreError, match="does not answer; start it, or give the address"):
                act()
            assert time.monotonic() - began < 20
    assert not site.index.exists()


def test_a_server_that_goes_away_is_told_and_found_again(
    tmp_path: Path, tokenizer: Tokenizer
) -> None:
    with milvus_server(tmp_path / "server") as uri:
        site = MilvusSite(tmp_path, tokenizer, uri, "kept")
        fill(site)
        site.build()
        bot = bot_of(site)
        assert bot.retrieve("直播电商企业136家", 1)
    before = state_of(site.index)
    began = time.monotonic()
    with pytest.raises(StoreError, match="does not answer"):
        bot.retrieve("党建园", 1)
    write(site.documents / "新.txt", "党建产业园新添了天桥。")
    with pytest.raises(StoreError, match="does not answer"):
        site.build()
    assert time.monotonic() - began < 60
    assert state_of(site.index) == before
    with milvus_server(tmp_path / "server", int(uri.rpartition(":")[2])):
        assert bot.retrieve("直播电商企业136家", 1)
        site.build()
        assert bot.info().generation == 2


def test_a_token_that_is_refused_is_not_repeated(tmp_path: Path, tokenizer: Tokenizer) -> None:
    from concurrent.futures import ThreadPoolExecutor

    import grpc

    class Refusing(grpc.GenericRpcHandler):  # type: ignore[misc]
        def service(self, _: object) -> object:
            def refuse(_: object, context: grpc.ServicerContext) -> None:
                context.abort(grpc.StatusCode.UNAUTHENTICATED, "auth check failure: root:secret")

            return grpc.unary_unary_rpc_method_handler(refuse)

    server = grpc.server(ThreadPoolExecutor(2), handlers=(Refusing(),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        address = Address(f"http://127.0.0.1:{port}")
        store = MilvusStore(tmp_path / "index", address, "root:secret")
        write(tmp_path / "documents/a.txt", BRIDGE)
        with pytest.raises(StoreError, match="refuses the token; give the right one") as error:
            build(tmp_path / "documents", tmp_path / "index", Recording(), tokenizer, store=store)
        with pytest.raises(StoreError, match="refuses the token"):
            store.open_published()
    finally:
        server.stop(None)
    shown: BaseException | None = error.value
    while shown is not None:
        assert "secret" not in str(shown)
        shown = shown.__cause__
    assert "secret" not in repr(store)
    assert not (tmp_path / "index").exists()


def test_what_is_no_milvus_is_told(tmp_path: Path) -> None:
    from http.server import BaseHTTPRequestHandler, HTTPServer
    from threading import Thread

    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as other:
        Thread(target=other.serve_forever, daemon=True).start()
        store = MilvusStore(tmp_path, Address(f"http://127.0.0.1:{other.server_port}"))
        with pytest.raises(StoreError, match=r"--uri http://HOST:19530"):
            store.open_published()
        other.shutdown()


def test_nothing_is_logged_and_nothing_printed(
    site: MilvusSite, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        fill(site)
        site.build()
        bot_of(site).retrieve("党建园", 1)
        with pytest.raises(IndexMissingError):
            MilvusStore(site.index, Address(site.address.uri, "nothing")).open_published()
    assert [record.getMessage() for record in caplog.records] == []
    assert capfd.readouterr() == ("", "")


def test_pymilvus_is_imported_only_when_it_is_used(tmp_path: Path) -> None:
    program = (
        "import sys; from embeddings import build, stores, settings, library; from qa import bot,"
        " cli, terminal; from pathlib import Path;"
        "stores.address_of(Path('.'), settings.Settings());"
        "found = {'pymilvus', 'grpc', 'milvus_lite'} & set(sys.modules); print(sorted(found))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
