"""Where an index is kept in Milvus: a server, and the name of its collections."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from embeddings.errors import SettingError

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")
_SCHEMES = ("http", "https", "tcp", "grpc")


@dataclass(frozen=True, slots=True)
class Address:
    """Which collections of which server. Never holds the token.

    Attributes:
        uri: of the server, ``http://HOST:19530``.
        collection: first part of the names of the collections that keep the index.

    Raises:
        SettingError: when either is none.
    """

    uri: str
    collection: str = "wenju"

    def __post_init__(self) -> None:
        _check_uri(self.uri)
        if not _NAME.fullmatch(self.collection):
            raise SettingError(
                f"The collection {self.collection!r} is no name for Milvus; begin with a letter "
                "and go on with letters of English, digits and _: --collection NAME"
            )

    def __str__(self) -> str:
        return f"{self.collection!r} at {self.uri}"


def _check_uri(uri: str) -> None:
    allowed = "give the address of a Milvus server, as in --uri http://localhost:19530"
    try:
        parts = urlsplit(uri)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise SettingError(f"The URI {_shown(uri)!r} is none; {allowed}") from error
    if "@" in uri:  # it would be written down with the index
        raise SettingError(
            f"The URI {_shown(uri)!r} holds a password; leave it out of the address and give it "
            "as --token USER:PASSWORD, or in the environment variable WENJU_TOKEN"
        )
    if parts.scheme not in _SCHEMES or not host or any(letter.isspace() for letter in uri):
        raise SettingError(f"The URI {_shown(uri)!r} is none; {allowed}")


def _shown(uri: str) -> str:
    """Return a URI without what stands for a user and a password."""
    return re.sub(r"(?<=//)[^/]*@|^[^/]*@", "…@", uri)[:200]
