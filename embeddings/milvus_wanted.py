"""What a generation in Milvus shall be made of, by the catalogue: a digest for each row.

Kept in temporary tables of the ledger's connection, so that memory does not grow with the index.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from embeddings.catalogue import Catalogue
from embeddings.encoder import KEY_BYTES, Encoder
from embeddings.keys import Keys, found_by, known_keys
from embeddings.lexical import Script
from embeddings.milvus_ledger import Ledger
from embeddings.milvus_tables import FOREVER, FORMAT
from embeddings.records import Passage
from embeddings.words import KEY_BYTES as WORDS_BYTES
from embeddings.words import KnownWords

_DIGEST_BYTES = 16

_TABLES = """
DROP TABLE IF EXISTS repeats; DROP TABLE IF EXISTS standing; DROP TABLE IF EXISTS want_passages;
DROP TABLE IF EXISTS want_places; DROP TABLE IF EXISTS want_documents;
DROP TABLE IF EXISTS want_files; DROP TABLE IF EXISTS want_words; DROP TABLE IF EXISTS changes;
CREATE TEMP TABLE repeats (repeat BLOB PRIMARY KEY, document TEXT NOT NULL,
  ordinal INTEGER NOT NULL, words BLOB NOT NULL, inputs BLOB NOT NULL, script INTEGER NOT NULL,
  digest BLOB);
CREATE TEMP TABLE standing (document TEXT NOT NULL, ordinal INTEGER NOT NULL, repeat BLOB NOT NULL);
CREATE TEMP TABLE want_places (digest BLOB PRIMARY KEY, document TEXT NOT NULL,
  ordinal INTEGER NOT NULL, passage BLOB NOT NULL);
CREATE TEMP TABLE want_documents (digest BLOB PRIMARY KEY, document TEXT NOT NULL);
CREATE TEMP TABLE want_files (digest BLOB PRIMARY KEY, document TEXT NOT NULL,
  source TEXT NOT NULL);
CREATE TEMP TABLE changes (term INTEGER PRIMARY KEY, count INTEGER NOT NULL);
CREATE TEMP TABLE want_words (digest BLOB PRIMARY KEY, term INTEGER NOT NULL,
  count INTEGER NOT NULL);
"""


class WantedPassage(NamedTuple):
    """Where the text of a passage is, and what is known of it.

    Attributes:
        document, ordinal: of its first place.
        words: keys (`KnownWords.key`) of the text that its words are from, then of the headlines of
            its repeats.
        inputs: keys of its vector, then of those of its sentences.
        script: its script.
    """

    document: str
    ordinal: int
    words: tuple[bytes, ...]
    inputs: tuple[bytes, ...]
    script: Script


class WantedRows:
    """The rows that the documents of the last scan make.

    Equal passages share a row, as in a generation on disk.

    Args:
        ledger: keeps the temporary tables.
        catalogue: of the documents.
        encoder: made their vectors.
        words: of their texts.
        rules: what else rows depend on; where it is another, none is taken over.

    Attributes:
        counts: as in a manifest.
    """

    def __init__(
        self,
        ledger: Ledger,
        catalogue: Catalogue,
        encoder: Encoder,
        words: KnownWords,
        rules: Sequence[str],
    ) -> None:
        self._catalogue, self._encoder, self._words = catalogue, encoder, words
        self._db = ledger.database
        every = (FORMAT, encoder.fingerprint, words.fingerprint, *rules)
        self._rules = "\0".join(map(str, every))
        self._db.create_function("digest_of", -1, self._digest, deterministic=True)
        self._db.executescript(_TABLES)
        self.counts = dict.fromkeys(("files", "documents", "places"), 0)

    def collect(self) -> Iterator[str]:
        """Fill the tables but that of words; yield each document when it is done."""
        for document in self._catalogue.document_ids():
            self._add_document(document)
            yield document
        with self._db as db:
            db.execute("UPDATE repeats SET digest = digest_of(repeat, words, inputs, script)")
            db.execute("CREATE UNIQUE INDEX temp.repeats_by_digest ON repeats (digest)")
            db.execute(
                "INSERT INTO want_places SELECT digest_of(s.document, s.ordinal, r.digest),"
                " s.document, s.ordinal, r.digest FROM standing AS s JOIN repeats AS r"
                " ON r.repeat = s.repeat"
            )
            db.execute("DROP TABLE standing")
        query = (
            "SELECT count(*), coalesce(sum(length(inputs) / ? - 1), 0),"
            " coalesce(sum(script = ?), 0) FROM repeats"
        )
        found = self._db.execute(query, (KEY_BYTES, int(Script.TRADITIONAL))).fetchone()
        self.counts |= dict(zip(("passages", "sentences", "traditional"), found, strict=True))

    def _digest(self, *parts: object) -> bytes:
        digest = hashlib.blake2b(self._rules.encode(), digest_size=_DIGEST_BYTES)
        for part in parts:
            own = part if isinstance(part, bytes) else str(part).encode("utf-8", "surrogatepass")
            digest.update(len(own).to_bytes(8, "little") + own)
        return digest.digest()

    def _add_document(self, document: str) -> None:
        about = self._catalogue.database.execute(
            "SELECT reader, title, date, page_starts FROM documents WHERE id = ?", (document,)
        ).fetchone()
        sources = self._catalogue.sources_of(document)
        passages = self._catalogue.passages(document)
        keys = known_keys(self._catalogue, document, self._encoder)
        with self._db as db:
            db.execute(
                "INSERT INTO want_documents VALUES (?, ?)",
                (self._digest(document, *about), document),
            )
            db.executemany(
                "INSERT INTO want_files VALUES (?, ?, ?)",
                ((self._digest(document, source), document, source) for source in sources),
            )
            for ordinal, (passage, known) in enumerate(zip(passages, keys, strict=True)):
                self._add_passage(document, ordinal, passage, known)
        self.counts["documents"] += 1
        self.counts["files"] += len(sources)
        self.counts["places"] += len(passages)

    def _add_passage(self, document: str, ordinal: int, passage: Passage, known: Keys) -> None:
        words = self._words.key(found_by(passage))
        first = self._db.execute(
            "INSERT OR IGNORE INTO repeats VALUES (?, ?, ?, ?, ?, ?, NULL)",
            (known.repeat, document, ordinal, words, b"".join(known.inputs), int(known.script)),
        ).rowcount
        if not first:
            headlines = self._words.key(f"{passage.title}\n{passage.heading}")
            self._db.execute(
                "UPDATE repeats SET words = CAST(words || ? AS BLOB) WHERE repeat = ?"
                " AND instr(substr(words, ?), ?) = 0",
                (headlines, known.repeat, WORDS_BYTES + 1, headlines),
            )
        self._db.execute("INSERT INTO standing VALUES (?, ?, ?)", (document, ordinal, known.repeat))

    def passage(self, digest: bytes) -> WantedPassage:
        """Return the passage with a digest."""
        document, ordinal, words, inputs, script = self._db.execute(
            "SELECT document, ordinal, words, inputs, script FROM repeats WHERE digest = ?",
            (digest,),
        ).fetchone()
        return WantedPassage(
            document, ordinal, _cut(words, WORDS_BYTES), _cut(inputs, KEY_BYTES), Script(script)
        )

    def place(self, digest: bytes) -> tuple[str, int, bytes]:
        """Return document and ordinal of a place, and the digest of the passage that is there."""
        query = "SELECT document, ordinal, passage FROM want_places WHERE digest = ?"
        document, ordinal, passage = self._db.execute(query, (digest,)).fetchone()
        return document, ordinal, passage

    def document(self, digest: bytes) -> str:
        """Return the document with a digest."""
        query = "SELECT document FROM want_documents WHERE digest = ?"
        return str(self._db.execute(query, (digest,)).fetchone()[0])

    def file(self, digest: bytes) -> tuple[str, str]:
        """Return document and source of the file with a digest."""
        query = "SELECT document, source FROM want_files WHERE digest = ?"
        document, source = self._db.execute(query, (digest,)).fetchone()
        return document, source

    def inputs(self) -> Iterator[tuple[Script, tuple[bytes, ...]]]:
        """Yield script and vector keys of each passage."""
        for script, inputs in self._db.execute("SELECT script, inputs FROM repeats"):
            yield Script(script), _cut(inputs, KEY_BYTES)

    def count_words(self, number: int, added: Counter[int], ended: Counter[int]) -> None:
        """Fill the table of words out of those of the generation before.

        Args:
            number: of the generation that is being made.
            added: how many of the passages that it adds hold each term.
            ended: the same for those that it has no more.
        """
        terms = added.keys() | ended.keys()
        with self._db as db:
            db.executemany(
                "INSERT INTO changes VALUES (?, ?)",
                ((term, added[term] - ended[term]) for term in terms),
            )
            db.execute("DELETE FROM changes WHERE count = 0")
            before = f"kind = 'words' AND first < {number} AND last IN ({number}, {FOREVER})"
            db.execute(
                f"INSERT INTO want_words SELECT digest, term, count FROM kept WHERE {before}"  # noqa: S608
                " AND term NOT IN (SELECT term FROM changes)"
            )
            db.execute(
                "INSERT INTO want_words SELECT digest_of(c.term, c.count + coalesce(k.count, 0)),"  # noqa: S608
                " c.term, c.count + coalesce(k.count, 0) FROM changes AS c LEFT JOIN"
                f" (SELECT term, count FROM kept WHERE {before}) AS k ON k.term = c.term"
                " WHERE c.count + coalesce(k.count, 0) > 0"
            )

    def word(self, digest: bytes) -> tuple[int, int]:
        """Return term and count of a row of words."""
        query = "SELECT term, count FROM want_words WHERE digest = ?"
        term, count = self._db.execute(query, (digest,)).fetchone()
        return term, count


def _cut(data: bytes, size: int) -> tuple[bytes, ...]:
    return tuple(data[at : at + size] for at in range(0, len(data), size))


def tokens_of(keys: Sequence[bytes], words: KnownWords) -> list[str]:
    """Return the tokens of a passage's text, then those of headlines that it does not have yet."""
    first, *others = keys
    tokens = words.tokens(first)
    known = set(tokens)
    for key in others:
        new = [word for word in words.tokens(key) if word not in known]
        tokens += new
        known.update(new)
    return tokens
