"""What a power cut left of a catalogue is read; nothing beside it is touched."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from embeddings import schema
from embeddings.catalogue import Catalogue
from embeddings.errors import IndexFormatError, IndexWriteError


@pytest.fixture
def left(tmp_path: Path) -> Path:
    """Return a catalogue with a log, whose shared memory did not survive."""
    with Catalogue(tmp_path / "open.db") as catalogue:
        catalogue.put("题", "济南")
        for ending in ("", "-wal", "-shm"):
            shutil.copyfile(tmp_path / f"open.db{ending}", tmp_path / f"library.db{ending}")
    memory = tmp_path / "library.db-shm"
    memory.write_bytes(bytes(memory.stat().st_size))
    return tmp_path / "library.db"


def there(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in path.parent.iterdir()}


@pytest.mark.parametrize("look", [Catalogue.peek, Catalogue.copy_of])
def test_the_log_is_read_though_its_shared_memory_is_lost(
    left: Path, look: type[Catalogue]
) -> None:
    before = there(left)
    with look(left) as catalogue:
        assert catalogue.get("题") == "济南"
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
