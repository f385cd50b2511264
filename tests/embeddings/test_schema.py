"""What a power cut left of a catalogue is read; nothing beside it is touched."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from embeddings import schema
from embeddings.catalogue import Catalogue
from embeddings.errors import IndexFormatError, IndexWriteError


@pytest.fixture(params=["without bytes", "zero", "of an older log"])
def left(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Return a catalogue with a log, whose shared memory is not what the last writer had."""
    path = tmp_path / "library.db"
    with Catalogue(tmp_path / "open.db") as catalogue:
        for number in range(99):
            catalogue.put(f"{number}", "济阳" * 999)
        shutil.copyfile(tmp_path / "open.db-shm", tmp_path / "library.db-shm")
        catalogue.database.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()
        catalogue.put("题", "济南")
        for ending in ("", "-wal"):
            shutil.copyfile(tmp_path / f"open.db{ending}", tmp_path / f"library.db{ending}")
    memory = tmp_path / "library.db-shm"
    if request.param != "of an older log":
        memory.write_bytes(bytes(memory.stat().st_size) if request.param == "zero" else b"")
    return path


def there(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in path.parent.iterdir()}


@pytest.mark.parametrize("look", [Catalogue.peek, Catalogue.copy_of])
def test_the_log_is_read_though_its_shared_memory_is_lost(
    left: Path, look: type[Catalogue]
) -> None:
    before = there(left)
    with look(left) as catalogue:
        assert catalogue.get("题") == "济南"
        assert catalogue.get("98") == "济阳" * 999
    assert there(left) == before


def test_a_big_one_is_not_copied_for_a_short_look(
    left: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "COPIED_UP_TO", 1000)
    with pytest.raises(
        IndexFormatError, match="power failed; the next build mends it: wenju build"
    ):
        Catalogue.peek(left)
    with Catalogue.copy_of(left) as catalogue:
        assert catalogue.get("题") == "济南"


def test_a_log_that_goes_meanwhile_is_no_failure(
    left: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = shutil.copyfile

    def copyfile(source: Path, target: Path) -> None:
        if source.name.endswith("-wal"):
            Catalogue(left).__exit__()  # a build, which mends it
            assert not source.exists()
        own(source, target)

    monkeypatch.setattr("embeddings.schema.shutil.copyfile", copyfile)
    with Catalogue.peek(left) as catalogue:
        assert catalogue.get("题") == "济南"


def test_no_room_for_the_copy_is_told(left: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(source: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("embeddings.schema.shutil.copyfile", full)
    with pytest.raises(IndexWriteError, match="No space left on device.*make room"):
        Catalogue.peek(left)
