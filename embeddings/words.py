"""Words of texts, kept in the catalogue: a rebuild cuts only new texts into words."""

from __future__ import annotations

import hashlib
import zlib

from embeddings.catalogue import Catalogue
from embeddings.lexical import Tokenizer

KEY_BYTES = 16
"""Length of the key of a text."""

_COMMIT_EVERY = 4096


class KnownWords:
    """Asks a tokenizer only for the words of texts that the catalogue does not know.

    Args:
        catalogue: keeps the words.
        tokenizer: makes those of new texts.

    Attributes:
        fingerprint: that of the tokenizer.
    """

    def __init__(self, catalogue: Catalogue, tokenizer: Tokenizer) -> None:
        self._db, self._tokenizer = catalogue.database, tokenizer
        self.fingerprint = tokenizer.fingerprint
        self._seed = hashlib.blake2b(self.fingerprint.encode(), digest_size=KEY_BYTES).digest()
        self._new: dict[bytes, bytes] = {}
        self._db.execute("DROP TABLE IF EXISTS used_words")
        self._db.execute("CREATE TEMP TABLE used_words (key BLOB PRIMARY KEY) WITHOUT ROWID")

    def key(self, text: str) -> bytes:
        """Return the key of a text, equal for equal words; cut it into words where it is new."""
        data = text.encode("utf-8", "surrogatepass")
        key = hashlib.blake2b(data, digest_size=KEY_BYTES, key=self._seed).digest()
        added = self._db.execute("INSERT OR IGNORE INTO used_words VALUES (?)", (key,)).rowcount
        if added and self._kept(key) is None:
            self._new[key] = _packed(self._tokenizer.tokens(text))
            if len(self._new) >= _COMMIT_EVERY:
                self.keep()
        return key

    def tokens(self, key: bytes) -> list[str]:
        """Return the tokens of the text with this key, as the tokenizer gives them."""
        kept = self._new.get(key) or self._kept(key)
        assert kept is not None, "the key of a text that was not asked for"
        return _unpacked(kept)

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
