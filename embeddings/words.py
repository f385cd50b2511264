"""Words of texts, kept in the catalogue: a rebuild cuts only new texts into words."""

from __future__ import annotations

import hashlib
import zlib

from embeddings.catalogue import Catalogue
from embeddings.lexical import Tokenizer

_COMMIT_EVERY = 256


class KnownWords:
    """Stands in for a tokenizer, and asks it only for texts that the catalogue does not know.

    Args:
        catalogue: keeps the words.
        tokenizer: makes those of new texts.
    """

    def __init__(self, catalogue: Catalogue, tokenizer: Tokenizer) -> None:
        self._db, self._tokenizer = catalogue.database, tokenizer
        self.fingerprint = tokenizer.fingerprint
        self._seed = hashlib.blake2b(self.fingerprint.encode(), digest_size=16).digest()
        self._new: dict[bytes, bytes] = {}
        self._db.execute("DROP TABLE IF EXISTS used_words")
        self._db.execute("CREATE TEMP TABLE used_words (key BLOB PRIMARY KEY) WITHOUT ROWID")

    def tokens(self, text: str) -> list[str]:
        """Return the tokens of `text` as the tokenizer gives them."""
        key = self._key(text)
        self._db.execute("INSERT OR IGNORE INTO used_words VALUES (?)", (key,))
        kept = self._new.get(key) or self._kept(key)
        if kept is not None:
            return _unpacked(kept)
        found = self._tokenizer.tokens(text)
        self._new[key] = _packed(found)
        if len(self._new) >= _COMMIT_EVERY:
            self.keep()
        return found

    def _key(self, text: str) -> bytes:
        data = text.encode("utf-8", "surrogatepass")
        return hashlib.blake2b(data, digest_size=16, key=self._seed).digest()

    def _kept(self, key: bytes) -> bytes | None:
        row = self._db.execute("SELECT tokens FROM words WHERE key = ?", (key,)).fetchone()
        return row[0] if row else None

    def keep(self) -> None:
        """Commit the words of the texts that were new."""
        with self._db:
            self._db.executemany("INSERT OR REPLACE INTO words VALUES (?, ?)", self._new.items())
        self._new.clear()

    def forget_others(self) -> None:
        """Forget the words of texts that were not asked for."""
        with self._db:
            self._db.execute("DELETE FROM words WHERE key NOT IN (SELECT key FROM used_words)")


def _packed(tokens: list[str]) -> bytes:
    return zlib.compress("\n".join(tokens).encode("utf-8", "surrogatepass"), 1)


def _unpacked(data: bytes) -> list[str]:
    text = zlib.decompress(data).decode("utf-8", "surrogatepass")
    return text.split("\n") if text else []
