"""The tables of `library.db`: making, migrating, opening and copying them. Knows no documents."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from embeddings import checksums
from embeddings.damage import build_command
from embeddings.errors import IndexDamagedError, IndexFormatError, IndexWriteError
from embeddings.locking import unwritable

FORMAT = 3
"""Version of the tables; a catalogue of a higher one is refused."""

_LOOKS, _LOOKS_EVERY_SECONDS = 3, 0.01

_SINCE_3 = """
CREATE TABLE files (source TEXT PRIMARY KEY, document TEXT, reason TEXT) WITHOUT ROWID;
CREATE TABLE scans (
  source TEXT PRIMARY KEY, document TEXT, reason TEXT, size INTEGER, mtime INTEGER, inode INTEGER,
  scanned INTEGER NOT NULL, build INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX scans_by_inode ON scans (inode);
CREATE INDEX scans_by_document ON scans (document, source);
CREATE TABLE leaving (key BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE words (key BLOB PRIMARY KEY, tokens TEXT NOT NULL) WITHOUT ROWID;
"""

_TABLES = f"""
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE documents (
  id TEXT PRIMARY KEY, reader TEXT NOT NULL, title TEXT NOT NULL, date TEXT, text TEXT NOT NULL,
  page_starts TEXT NOT NULL, segmenter TEXT NOT NULL,
  marks TEXT NOT NULL DEFAULT '[]', inputs TEXT NOT NULL DEFAULT '');
CREATE TABLE passages (
  document TEXT NOT NULL REFERENCES documents (id) ON DELETE CASCADE, ordinal INTEGER NOT NULL,
  passage TEXT NOT NULL, keys BLOB, PRIMARY KEY (document, ordinal));
CREATE TABLE vectors (
  key BLOB PRIMARY KEY, vector BLOB NOT NULL, build INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
{_SINCE_3}"""

_MIGRATIONS = {
    1: "ALTER TABLE documents ADD COLUMN marks TEXT NOT NULL DEFAULT '[]'",
    2: "ALTER TABLE files RENAME TO older_files;"  # noqa: S608 - tables of our own
    + _SINCE_3
    + """INSERT INTO files SELECT source, document, reason FROM older_files;
INSERT INTO scans SELECT source, document, reason, NULL, NULL, NULL, 0, 0 FROM older_files;
DROP TABLE older_files;
ALTER TABLE documents ADD COLUMN inputs TEXT NOT NULL DEFAULT '';
ALTER TABLE passages ADD COLUMN keys BLOB;
ALTER TABLE vectors ADD COLUMN build INTEGER NOT NULL DEFAULT 0""",
}
"""What makes a catalogue of a format one of the next."""


SEALED_UP_TO = 256 * 1024 * 1024
"""Bytes of a catalogue that is sealed; reading a bigger one twice in every build takes too long."""

COPIED_UP_TO = SEALED_UP_TO
"""Bytes of a catalogue that is copied for a short look at what a power cut left of it."""


def unseal(path: Path) -> None:
    """Make ready for writing a catalogue that nobody has open.

    Raises:
        IndexWriteError: when the folder cannot be written.
        IndexDamagedError: when the catalogue is not as the last build left it.
    """
    _check_seal(path)
    try:
        checksums.unseal(path)
    except OSError as error:
        raise unwritable(path.parent, error) from error


def seal(path: Path) -> None:
    """Note what a catalogue is that was closed; not where a log beside it has more to say."""
    with suppress(OSError):  # without a seal the next build takes the file as it is
        if not _log_of(path).exists() and path.stat().st_size <= SEALED_UP_TO:
            checksums.seal(path)


def _check_seal(path: Path) -> None:
    if not _log_of(path).exists() and checksums.is_broken(path, untouched=True):
        raise _damaged(path, "it differs from its checksum")


def _log_of(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


def _memory_of(path: Path) -> Path:
    return path.with_name(path.name + "-shm")


def connect(path: Path) -> sqlite3.Connection:
    """Open the catalogue for writing; a missing one is made, an older one brought up to date.

    Raises:
        IndexWriteError: when it cannot be written.
        IndexFormatError: when it was made by a newer version.
        IndexDamagedError: when it is not a catalogue.
    """
    with _opened(lambda: sqlite3.connect(path), path) as db:
        db.execute("PRAGMA journal_mode = WAL")
        # A killed process loses no commit; only a power cut may cost the last ones, which are
        # work that the next build does again.
        db.execute("PRAGMA synchronous = NORMAL")
        _prepare(db, path)
    return db


def copy(path: Path) -> sqlite3.Connection:
    """Open a copy of the catalogue that is gone when it is closed; touch nothing beside `path`.

    A missing catalogue gives an empty copy. The copy lies in SQLite's temporary files.

    Raises:
        IndexFormatError: when it was made by a newer version.
        IndexDamagedError: when it is not a catalogue.
    """
    _check_seal(path)
    with _opened(lambda: sqlite3.connect(""), path) as target:
        if path.exists():
            with closing(_reading(path)) as source:
                source.backup(target)
        _prepare(target, path)
    return target


def peek(path: Path) -> sqlite3.Connection:
    """Open the catalogue for a short look, also while a build writes it; touch nothing beside it.

    Raises:
        IndexFormatError: when it is missing, or not of this format: a build makes it so.
        IndexDamagedError: when it is not a catalogue.
    """
    if not path.exists():
        raise IndexFormatError(f"There is no catalogue {str(path)!r}; build it: wenju build")
    with _opened(lambda: _reading(path, COPIED_UP_TO), path) as db:
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version != FORMAT:
            raise IndexFormatError(
                f"The index {str(path.parent)!r} has format {version}; this version reads "
                f"{FORMAT}. Build it again, which encodes only what is new: wenju build"
            )
    return db


@contextmanager
def _opened(opening: Callable[[], sqlite3.Connection], path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database and leave it open, but when something fails."""
    db = None
    try:
        db = opening()
        yield db
    except BaseException as error:
        if db is not None:
            db.close()
        if isinstance(error, sqlite3.DatabaseError):
            raise error_of(error, path) from error
        raise


def _reading(path: Path, most: int | None = None) -> sqlite3.Connection:
    """Open the catalogue for reading; make no file beside it and change none.

    Args:
        path: the catalogue.
        most: bytes of one that is copied where it has to be mended; None for any.
    """
    with suppress(FileNotFoundError):  # a build ends meanwhile, and takes its log away
        if _log_of(path).exists() and _memory_of(path).exists() and not _is_shared(path):
            if most is not None and path.stat().st_size > most:
                raise IndexFormatError(
                    f"{str(path)!r} was being written when the power failed; "
                    f"the next build mends it: {build_command(path.parent)}"
                )
            return _recovered(path)
    return sqlite3.connect(_untouched(path), uri=True)


def _is_shared(path: Path) -> bool:
    """Tell whether the log's shared memory is that of the log: a power cut does not keep it.

    It begins with two equal headers (https://www.sqlite.org/walformat.html); whoever writes them
    now is done in a moment.
    """
    for _ in range(_LOOKS):
        with _memory_of(path).open("rb") as memory, _log_of(path).open("rb") as log:
            first, second, known = memory.read(48), memory.read(48), log.read(32)
        if len(first) == 48 and first == second and first[12]:
            frames, salt = first[16:20], first[32:40]
            return not any(frames) or salt == known[16:24]
        time.sleep(_LOOKS_EVERY_SECONDS)
    return False


def _recovered(path: Path) -> sqlite3.Connection:
    """Open a copy in which SQLite mends what a power cut left."""
    with TemporaryDirectory() as folder:
        copied = Path(folder) / path.name
        try:
            shutil.copyfile(path, copied)
            shutil.copyfile(_log_of(path), _log_of(copied))
        except FileNotFoundError:
            raise
        except OSError as error:
            raise sqlite3.OperationalError(str(error)) from error
        with closing(sqlite3.connect(copied)) as source:
            return _copied(source)


def _copied(source: sqlite3.Connection) -> sqlite3.Connection:
    """Return a copy of a database that is gone when it is closed."""
    target = sqlite3.connect("")
    try:
        source.backup(target)
    except BaseException:
        target.close()
        raise
    return target


def _untouched(path: Path) -> str:
    """Return a URI under which reading the catalogue makes no file and changes none."""
    beside = [_log_of(path).exists(), _memory_of(path).exists()]
    # Beside a log that a killed or running build left, its shared memory is read as it is. With
    # no log, or one that was copied here alone, the file itself holds a complete state.
    options = "mode=ro&readonly_shm=1" if all(beside) else "mode=ro&immutable=1"
    return f"{path.absolute().as_uri()}?{options}"


def _prepare(db: sqlite3.Connection, path: Path) -> None:
    db.execute("PRAGMA foreign_keys = ON")
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version > FORMAT:
        raise IndexFormatError(
            f"The index {str(path.parent)!r} has format {version}; this version writes up to "
            f"{FORMAT}. Install a newer wenju, or build into another folder: --index FOLDER"
        )
    for older in range(version, FORMAT) if version else ():
        db.executescript(f"BEGIN; {_MIGRATIONS[older]}; PRAGMA user_version = {older + 1}; COMMIT;")
    if version == 0:
        db.executescript(f"BEGIN; {_TABLES} PRAGMA user_version = {FORMAT}; COMMIT;")


def error_of(error: sqlite3.DatabaseError, path: Path) -> IndexWriteError | IndexDamagedError:
    """Return the error for the user: the folder cannot be written, or the file is damaged."""
    if isinstance(error, sqlite3.OperationalError):
        return IndexWriteError(
            f"The index folder {str(path.parent)!r} cannot be written ({error}); allow writing to "
            "it, make room, or choose another: --index FOLDER. What was read and encoded is kept"
        )
    return _damaged(path, str(error))


def _damaged(path: Path, why: str) -> IndexDamagedError:
    return IndexDamagedError(
        f"{str(path)!r} is not a catalogue ({why}); delete this file, not the folder, which may "
        f"hold uploads, and build again: {build_command(path.parent)}"
    )
