"""One exception tree. Every message says what was given, what is allowed, and what to do.

One class for each thing that a user does next:

    WenjuError                      base of all; command line and page show its message as it is
    ├── QuestionError               a question, history or filter that cannot be used
    ├── SettingError                a setting's value or name; also an address that is in use
    ├── SourceError                 a folder of documents: missing, empty, not readable
    │   └── UnreadableFileError     one file: it is skipped with this reason, the build goes on
    │       └── UnopenedFileError   it could not be opened; the next build tries again
    ├── EngineError                 where a build is worked on: not installed, away, refusing, lost
    ├── IndexFolderError            the index folder
    │   ├── IndexMissingError       nothing was built there yet
    │   ├── IndexFormatError        made by a newer (or unknown) version
    │   ├── IndexDamagedError       a file is missing or differs from its checksum
    │   ├── IndexLockedError        another process is writing
    │   ├── IndexWriteError         the folder cannot be written
    │   └── StoreError              the server that keeps the index: away, refusing, not ours
    └── ModelError                  the embedding model
        ├── ModelMissingError       no weights here
        ├── ModelDamagedError       weights or a cached file differ from their checksum
        └── ModelMismatchError      the index was made by another model

The names of newer classes go below the class that they are a kind of.
"""

from __future__ import annotations


class WenjuError(Exception):
    """Base of every error that a user can mend; `str(error)` is one clear sentence or two."""


class QuestionError(WenjuError):
    """A question, its history or a filter cannot be used."""


class SettingError(WenjuError):
    """A setting has an unknown name or a value out of range."""


class SourceError(WenjuError):
    """A folder of documents is missing, empty or not readable."""


class UnreadableFileError(SourceError):
    """One file cannot be read; a build reports it and goes on."""


class UnopenedFileError(UnreadableFileError):
    """One file could not be opened or listed, which may change while the file does not."""


class EngineError(WenjuError):
    """What a build is worked on by is missing, cannot be reached, is not ours, or was lost."""


class IndexFolderError(WenjuError):
    """Something about the index folder."""


class IndexMissingError(IndexFolderError):
    """No index was built at this place yet."""


class IndexFormatError(IndexFolderError):
    """The index was made by a newer or unknown version of the program."""


class IndexDamagedError(IndexFolderError):
    """A file of the index is missing or differs from its checksum."""


class IndexLockedError(IndexFolderError):
    """Another process is writing this index."""


class IndexWriteError(IndexFolderError):
    """The index folder cannot be written."""


class StoreError(IndexFolderError):
    """The server that keeps an index does not answer, refuses, or holds something else."""


class ModelError(WenjuError):
    """Something about the embedding model."""


class ModelMissingError(ModelError):
    """The weights are not on this machine."""


class ModelDamagedError(ModelError):
    """Weights or a cached file differ from their checksum."""


class ModelMismatchError(ModelError):
    """The index was made by another model than the one asked with."""
