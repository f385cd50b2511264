"""The contract of stores: an index in its folder, and the plain reference of the tests."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from embeddings.build import BuildReport, build
from embeddings.encoder import Encoder
from embeddings.errors import IndexDamagedError, SettingError
from embeddings.lexical import Tokenizer
from embeddings.milvus_address import Address
from embeddings.settings import Settings
from embeddings.store import IndexFolder
from embeddings.stores import FILE, FolderStore, address_of, remember, store_of
from tests.contracts.reference_store import ReferenceGeneration, ReferenceStore
from tests.contracts.store_contract import Site, StoreContract
from tests.embeddings.building import Recording


class LocalSite:
    """An index in a folder."""

    def __init__(self, root: Path, tokenizer: Tokenizer) -> None:
        self.documents, self.index = root / "documents", root / "index"
        self.encoder, self.tokenizer = Recording(), tokenizer
        self.documents.mkdir()
        self.store = FolderStore(self.index)

    def build(self, encoder: Encoder | None = None) -> BuildReport:
        return build(self.documents, self.index, encoder or self.encoder, self.tokenizer)

    def go_back(self) -> None:
        IndexFolder(self.index).go_back()


class TestLocal(StoreContract):
    @pytest.fixture
    def site(self, tmp_path: Path, tokenizer: Tokenizer) -> Site:
        return LocalSite(tmp_path, tokenizer)


class ReferenceSite:
    """The reference, with a cache of vectors where the others have their catalogue."""

    def __init__(self, root: Path, tokenizer: Tokenizer) -> None:
        self.documents, self.index = root / "documents", root / "index"
        self.encoder, self.tokenizer = Recording(), tokenizer
        self.documents.mkdir()
        self.store = ReferenceStore()
        self._known: set[str] = set()
        self._number = 0
        self._state: list[tuple[str, bytes]] = []

    def build(self, encoder: Encoder | None = None) -> None:
        paths = sorted(path for path in self.documents.rglob("*") if path.is_file())
        state = [(str(path), path.read_bytes()) for path in paths]
        if state == self._state and self.store.is_newest():
            return
        self._number, self._state = self._number + 1, state
        made = ReferenceGeneration(
            self.documents, self._number, encoder or self.encoder, self.tokenizer
        )
        self.encoder.encoded[:] = [t for t in self.encoder.encoded if t not in self._known]
        self._known.update(self.encoder.encoded)
        self.store.publish(made)

    def go_back(self) -> None:
        self.store.go_back()


class TestReference(StoreContract):
    @pytest.fixture
    def site(self, tmp_path: Path, tokenizer: Tokenizer) -> Site:
        return ReferenceSite(tmp_path, tokenizer)


URI = "http://localhost:19530"


def test_an_index_folder_keeps_its_index_unless_told_otherwise(tmp_path: Path) -> None:
    assert address_of(tmp_path, Settings()) is None
    assert address_of(tmp_path, Settings(store="local")) is None
    assert isinstance(store_of(tmp_path, Settings()), FolderStore)


def test_settings_name_a_server_and_the_folder_remembers_it(tmp_path: Path) -> None:
    chosen = Settings(store="milvus", uri=URI, collection="archive", token="root:secret")
    address = address_of(tmp_path, chosen)
    assert address == Address(URI, "archive")
    remember(tmp_path, address)
    assert address_of(tmp_path, Settings()) == address
    assert address_of(tmp_path, Settings(collection="other")) == Address(URI, "other")
    assert address_of(tmp_path, Settings(uri="https://h:1")) == Address("https://h:1", "archive")
    assert address_of(tmp_path, Settings(store="local")) is None
    assert "secret" not in (tmp_path / FILE).read_text() + repr(chosen) + repr(address)
    remember(tmp_path, None)
    assert not (tmp_path / FILE).exists()
    assert address_of(tmp_path, Settings(store="milvus", uri=URI)) == Address(URI, "wenju")


def test_what_is_remembered_is_written_once(tmp_path: Path) -> None:
    remember(tmp_path, Address(URI))
    before = (tmp_path / FILE).stat().st_mtime_ns, (tmp_path / FILE).stat().st_ino
    remember(tmp_path, Address(URI))
    assert ((tmp_path / FILE).stat().st_mtime_ns, (tmp_path / FILE).stat().st_ino) == before
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"store": "milvus"}'])
def test_a_damaged_note_says_what_to_do(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).write_text(content)
    with pytest.raises(IndexDamagedError, match=r"delete it and give --store milvus and --uri"):
        address_of(tmp_path, Settings())
    assert address_of(tmp_path, Settings(store="local")) is None


@pytest.mark.parametrize(
    ("chosen", "says"),
    [
        (Settings(store="mongo"), "'mongo' is unknown; give --store local or --store milvus"),
        (Settings(store="milvus"), "needs the address of the server: --uri http"),
        (Settings(store="local", uri=URI), "leave it out, or give --store milvus"),
        (Settings(uri="localhost:19530"), "The URI 'localhost:19530' is none"),
        (Settings(uri="./milvus.db"), "The URI './milvus.db' is none"),
        (Settings(uri="http://"), "The URI 'http://' is none"),
        (Settings(uri="http://host:port"), "The URI 'http://host:port' is none"),
        (Settings(uri=URI, collection="档案"), "'档案' is no name for Milvus"),
        (Settings(uri=URI, collection="a b"), "'a b' is no name for Milvus"),
    ],
    ids=repr,
)
def test_what_names_no_store_is_refused(tmp_path: Path, chosen: Settings, says: str) -> None:
    with pytest.raises(SettingError) as error:
        address_of(tmp_path, chosen)
    assert says in str(error.value)


@pytest.mark.parametrize("uri", ["http://root:secret@host:19530", "root:secret@host"])
def test_a_password_in_an_address_is_refused_and_not_repeated(tmp_path: Path, uri: str) -> None:
    with pytest.raises(SettingError, match="give it as --token USER:PASSWORD") as error:
        address_of(tmp_path, Settings(uri=uri))
    assert "secret" not in str(error.value)


def test_a_note_holds_the_address_alone(tmp_path: Path) -> None:
    remember(tmp_path, Address(URI))
    found = json.loads((tmp_path / FILE).read_text())
    assert found == {"store": "milvus", "uri": URI, "collection": "wenju"}
