"""Catalogue -> the rows of a generation in Milvus: only what changed is written.

The last write is a small one, which names the generation: until then the one before answers, and
a build that was cut off is gone on with by the next.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from embeddings.catalogue import Catalogue, spans_to_json
from embeddings.encoder import Encoder
from embeddings.errors import IndexFolderError, ModelMismatchError, StoreError
from embeddings.keys import found_by
from embeddings.lexical import Script, UserWord, search_form, term_hash
from embeddings.manifest import Manifest
from embeddings.milvus import HNSW, MIN_EFFORT, Row, Server, Table
from embeddings.milvus_conditions import among, both, equals
from embeddings.milvus_ledger import Kept, Ledger
from embeddings.milvus_state import (
    Facts,
    State,
    read_contents,
    read_facts,
    read_state,
    write_builder,
    write_facts,
    write_index,
    write_state,
)
from embeddings.milvus_tables import (
    ALL,
    CONTENTS,
    DATED,
    DOCUMENT,
    DOCUMENTS,
    FILES,
    GENERATION,
    MOST_SENTENCES,
    PASSAGE,
    PASSAGES,
    PLACES,
    WORDS,
    Content,
    content_rows,
    plain,
    signed,
    to_json,
    visible,
)
from embeddings.milvus_wanted import WantedRows, tokens_of
from embeddings.records import Passage
from embeddings.texts import sentence_spans_to_json
from embeddings.words import KnownWords

BATCH = 200
"""Rows that are made and sent together."""

DRIFT = 0.02
"""Share of the passages that may change before the means of their vectors are computed again."""

SAMPLES = 8
"""Passages that must find themselves before a generation is published."""

NEARNESS = 1e-3
"""How far the cosine of a passage with itself may be off."""

_WANTED = {
    PASSAGES: "repeats", PLACES: "want_places", DOCUMENTS: "want_documents", FILES: "want_files",
    WORDS: "want_words",
}  # fmt: skip

_T = TypeVar("_T")


class Publisher:
    """Writes one generation.

    Args:
        server: where to.
        ledger: what was written there before.
        catalogue: of the documents; every vector must be in it.
        encoder: made the vectors.
        words: of the texts.
        segmenter: version of the rules that documents were taken apart by.
        user_words: of the user dictionary that the words were made with.
        anew: take over no row, write all.
    """

    def __init__(
        self,
        server: Server,
        ledger: Ledger,
        catalogue: Catalogue,
        encoder: Encoder,
        words: KnownWords,
        segmenter: str,
        user_words: tuple[UserWord, ...] = (),
        *,
        anew: bool = False,
    ) -> None:
        self._anew = anew
        self._server, self._ledger, self._catalogue = server, ledger, catalogue
        self._encoder, self._words, self._segmenter = encoder, words, segmenter
        self._user_words = user_words

    def publish(self, *, on_document: Callable[[], None] = lambda: None) -> Manifest:
        """Write what is new, end what is gone, check it all and publish it.

        Raises:
            ModelMismatchError: when the collections hold vectors of another model.
            StoreError: when the server refuses, or does not have what was written.
        """
        state = prepare(self._server, self._encoder)
        step(self._server, self._ledger, state)
        number = state.newest + 1
        state = replace(state, salt=number) if self._anew else state
        rules = (self._segmenter, str(state.salt))
        self._wanted = WantedRows(self._ledger, self._catalogue, self._encoder, self._words, rules)
        for _ in self._wanted.collect():
            on_document()
        for table in (PASSAGES, PLACES, DOCUMENTS, FILES):
            self._plan(table, number)
        before = read_facts(self._server, state.newest) if state.newest else None
        length = self._plan_words(number) + (before.length if before else 0)
        for table in DATED:
            self._send(table, number)
        manifest = self._manifest(number, state)
        facts = self._facts(manifest, before, length, number)
        write_facts(self._server, facts)
        self._check(number)
        self._check_alone(state)
        state = state.publishing(number)
        write_state(self._server, state)
        self._ledger.put("newest", str(number))
        self._clean(state)
        return manifest

    def _plan(self, table: Table, number: int) -> None:
        wanted = _WANTED[table]
        self._discard(table, self._ledger.unborn(table.name, wanted, number))
        self._ledger.plan(table.name, wanted, number)

    def _plan_words(self, number: int) -> int:
        """Plan the table of words; return how many words more the passages have than before."""
        added, ended = _Count(), _Count()
        for row in self._ledger.of(PASSAGES.name, "first =", number):
            keys = self._wanted.passage(row.digest).words
            added.add(Counter(tokens_of(keys, self._words)))
        gone = (row.number for row in self._ledger.of(PASSAGES.name, "last =", number))
        for numbers in _parts(gone, BATCH):
            for text in read_contents(self._server, PASSAGE, numbers).values():
                ended.add(Content.from_json(text).terms)
        self._wanted.count_words(number, added.holding, ended.holding)
        self._plan(WORDS, number)
        return added.length - ended.length

    def _discard(self, table: Table, numbers: Sequence[int]) -> None:
        """Remove rows for good."""
        kinds = {PASSAGES: PASSAGE, DOCUMENTS: DOCUMENT}
        for part in _parts(numbers, 1000):
            if table in kinds:
                own = both(equals("kind", kinds[table]), among("owner", part))
                self._server.remove(CONTENTS, own)
            self._server.remove(table, among("number", part))
            self._ledger.forget(table.name, part)

    def _send(self, table: Table, number: int) -> None:
        """Send the rows of a table that are new or ended."""
        for rows in _parts(self._ledger.added(table.name, number), BATCH):
            made, contents = self._made(table, rows)
            self._server.put(CONTENTS, contents)
            self._server.put(table, made)
            self._ledger.sent(table.name, [row.number for row in rows])
        for rows in _parts(self._ledger.ended(table.name, number), BATCH):
            self._end(table, {row.number: row.last for row in rows})
            self._ledger.sent(table.name, [row.number for row in rows])

    def _end(self, table: Table, lasts: dict[int, int]) -> None:
        """Write another `last` into rows; whole, for not every server changes one field alone."""
        condition = among("number", list(lasts))
        held = self._server.rows(table, condition, table.names)
        self._server.put(table, [{**row, "last": lasts[row["number"]]} for row in held])

    def _made(self, table: Table, rows: Sequence[Kept]) -> tuple[list[Row], list[Row]]:
        """Return rows as they are sent, and the contents that belong to them."""
        if table is PASSAGES:
            return self._passages(rows)
        if table is DOCUMENTS:
            return self._documents(rows)
        make = {PLACES: self._places, FILES: self._files, WORDS: self._counts}[table]
        return [{**_own(row), **made} for row, made in zip(rows, make(rows), strict=True)], []

    def _passages(self, rows: Sequence[Kept]) -> tuple[list[Row], list[Row]]:
        wanted = [self._wanted.passage(row.digest) for row in rows]
        keys = [key for one in wanted for key in one.inputs]
        vectors = self._catalogue.vectors(keys, self._encoder.dimensions)
        made, contents, at = [], [], 0
        for row, one in zip(rows, wanted, strict=True):
            own = vectors[at : at + len(one.inputs)]
            at += len(own)
            passage = self._catalogue.passage(one.document, one.ordinal)
            tokens = tokens_of(one.words, self._words)
            content = _content(passage, one.script, tokens, own)
            words = searched_text(passage)
            fields = {"script": int(one.script), "vector": own[0], "words": words}
            made.append({**_own(row), **fields})
            contents += content_rows(PASSAGE, row.number, content.to_json())
        return made, contents

    def _places(self, rows: Sequence[Kept]) -> Iterator[Row]:
        places = [self._wanted.place(row.digest) for row in rows]
        passages = self._ledger.numbers(PASSAGES.name, {passage for _, _, passage in places})
        for document, ordinal, passage in places:
            yield {
                "document": document,
                "passage": passages[passage],
                "ordinal": ordinal,
                "body": _place(self._catalogue.passage(document, ordinal)),
            }

    def _documents(self, rows: Sequence[Kept]) -> tuple[list[Row], list[Row]]:
        made, contents = [], []
        for row in rows:
            document = self._catalogue.document(self._wanted.document(row.digest))
            assert document is not None
            titles = [passage.title for passage in self._catalogue.passages(document.id)]
            fields = {"document": document.id, "date": document.date or "", "places": len(titles)}
            fields |= {"title": plain(document.title), "articles": len(set(titles))}
            made.append({**_own(row), **fields})
            whole = [document.text, document.title, document.date, document.page_starts]
            contents += content_rows(DOCUMENT, row.number, to_json(whole))
        return made, contents

    def _files(self, rows: Sequence[Kept]) -> Iterator[Row]:
        for document, source in (self._wanted.file(row.digest) for row in rows):
            yield {"document": document, "source": source}

    def _counts(self, rows: Sequence[Kept]) -> Iterator[Row]:
        for term, count in (self._wanted.word(row.digest) for row in rows):
            yield {"term": term, "count": count}

    def _manifest(self, number: int, state: State) -> Manifest:
        return Manifest(
            number=number,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            model=self._encoder.name,
            fingerprint=self._encoder.fingerprint,
            dimensions=self._encoder.dimensions,
            tokenizer=self._words.fingerprint,
            segmenter=self._segmenter,
            root=self._catalogue.get("root") or "",
            counts=self._wanted.counts,
            files={},
            before=state.number or None,
            search={"kind": "milvus", "index": "HNSW", **HNSW, "ef": MIN_EFFORT},
        )

    def _facts(self, manifest: Manifest, before: Facts | None, length: int, number: int) -> Facts:
        """Return what is kept of the generation; the means only computed where they may differ."""
        changed = sum(
            1
            for condition in ("first =", "last =")
            for _ in self._ledger.of(PASSAGES.name, condition, number)
        )
        changed += before.changed if before else 0
        if before is None or changed > DRIFT * manifest.counts["passages"]:
            passages, sentences = self._means()
            return Facts(manifest, passages, sentences, 0, length, self._user_words)
        return replace(
            before, manifest=manifest, changed=changed, length=length, user_words=self._user_words
        )

    def _means(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the mean vectors of passages and of sentences by script."""
        sums = np.zeros((2, len(Script), self._encoder.dimensions))
        counts = np.zeros((2, len(Script)))
        for some in _parts(self._wanted.inputs(), BATCH):
            keys = [key for _, inputs in some for key in inputs]
            vectors = iter(self._catalogue.vectors(keys, self._encoder.dimensions))
            for script, inputs in some:
                first, *others = islice(vectors, len(inputs))
                sums[0, script] += first
                sums[1, script] += np.sum(others, axis=0)
                counts[:, script] += 1, len(others)
        means = (sums / np.maximum(counts, 1)[:, :, None]).astype(np.float32)
        return means[0], means[1]

    def _check(self, number: int) -> None:
        """Refuse to publish what the server does not have."""
        for table in DATED:
            found = self._server.count(table, visible(number))
            (wanted,) = self._ledger.database.execute(
                "SELECT count(*) FROM kept WHERE kind = ? AND first <= ? AND last > ?",
                (table.name, number, number),
            ).fetchone()
            if found != wanted:
                self._ledger.clear()  # what the server really has is read before the next build
                raise StoreError(
                    f"Milvus at {self._server.address.uri} has {found} rows of generation "
                    f"{number} in {self._server.name(table)!r}, not {wanted}, so it is not "
                    "published; build again, which writes what is missing"
                )
        self._check_samples(number)

    def _check_samples(self, number: int) -> None:
        for row in islice(self._ledger.of(PASSAGES.name, "first =", number), SAMPLES):
            key = self._wanted.passage(row.digest).inputs[0]
            own = self._catalogue.vectors([key], self._encoder.dimensions)[0]
            found = self._server.nearest(PASSAGES, own, 1, visible(number))
            if not found or abs(found[0][1] - 1) > NEARNESS:
                raise StoreError(
                    f"Milvus at {self._server.address.uri} does not find a passage by its own "
                    f"vector, so generation {number} is not published; build again, and look "
                    "into the log of Milvus if that does not help"
                )

    def _check_alone(self, state: State) -> None:
        """Refuse to publish when another index folder began to write meanwhile."""
        now = read_state(self._server)
        ours = self._ledger.get("builder")
        if now is None or now.builder != ours or now.serial != state.serial:
            raise StoreError(
                f"Another build writes to the index {self._server.address} as well; let it end, "
                "then build again"
            )

    def _clean(self, state: State) -> None:
        """Remove the rows that no generation has to which anybody goes back."""
        for table in DATED:
            self._discard(table, self._ledger.of_no_generation(table.name, state.kept))
        old = both(equals("kind", GENERATION), f"owner < {min(state.kept)}")
        self._server.remove(CONTENTS, old)


class _Count:
    """How many passages hold each term, and how many words they have together."""

    def __init__(self) -> None:
        self.holding: Counter[int] = Counter()
        self.length = 0

    def add(self, terms: dict[str, int]) -> None:
        self.holding.update(signed(term_hash(term)) for term in terms)
        self.length += sum(terms.values())


def prepare(server: Server, encoder: Encoder) -> State:
    """Return the state of the index, which is made where there is none.

    Raises:
        ModelMismatchError: when it holds vectors of another model.
        StoreError: when the server refuses.
    """
    state = read_state(server)
    if state is None:
        for table in ALL:
            server.make(table, encoder.dimensions)
        state = State(uuid.uuid4().hex, encoder.name, encoder.fingerprint, encoder.dimensions)
        write_index(server, state)
    check_model(server, state, encoder)
    return state


def check_model(server: Server, state: State, encoder: Encoder) -> None:
    """Refuse to mix the vectors of two models.

    Raises:
        ModelMismatchError: when the index holds vectors of another one.
    """
    if state.fingerprint != encoder.fingerprint:
        raise ModelMismatchError(
            f"The index {server.address} holds vectors of the model {state.model!r}, and these "
            f"would be of {encoder.name!r}; build with the same model, or into other "
            "collections: --collection NAME"
        )


def check_root(state: Facts, server: Server, root: str, replace_root: bool) -> None:
    """Refuse to put one folder of documents in the place of another one.

    Raises:
        IndexFolderError: when the index was built from another folder.
    """
    before = state.manifest.root
    if before and before != root and not replace_root:
        raise IndexFolderError(
            f"The index {server.address} was built from {before!r}, not from {root!r}; build into "
            "other collections (--collection NAME) or put this one in its place: --replace-root"
        )


def step(server: Server, ledger: Ledger, state: State) -> None:
    """Have the ledger in step with the server, and the server know who writes."""
    same = ledger.get("epoch") == state.epoch and ledger.get("newest") == str(state.newest)
    if not same or not state.builder or ledger.get("builder") != state.builder:
        ledger.clear()
        for table in DATED:
            ledger.take(table.name, _listed(server, table))
        _remove_strays(server, ledger)
        ledger.put("epoch", state.epoch)
        ledger.put("newest", str(state.newest))
        ledger.put("builder", uuid.uuid4().hex)
        write_builder(server, ledger.get("builder"))


def _listed(server: Server, table: Table) -> Iterator[tuple[object, ...]]:
    words = ["term", "count"] if table is WORDS else []
    for row in server.every(table, "number >= 0", ["digest", "first", "last", *words]):
        digest = bytes.fromhex(row["digest"])
        yield row["number"], digest, row["first"], row["last"], *map(row.get, ("term", "count"))


def _remove_strays(server: Server, ledger: Ledger) -> None:
    """Remove the places of passages that the server has lost, so that both are written again."""
    held = {row.number for row in ledger.of(PASSAGES.name, "first >=", 0)}
    every = server.every(PLACES, "number >= 0", ["passage"])
    for strays in _parts((r["number"] for r in every if r["passage"] not in held), 1000):
        server.remove(PLACES, among("number", strays))
        ledger.forget(PLACES.name, strays)


def _own(row: Kept) -> Row:
    return {
        "number": row.number, "digest": row.digest.hex(), "first": row.first, "last": row.last,
    }  # fmt: skip


def _content(
    passage: Passage, script: Script, tokens: Sequence[str], vectors: NDArray[np.float32]
) -> Content:
    assert len(passage.sentences) < MOST_SENTENCES, "a passage of more sentences than have rows"
    said = tuple(sentence.text for sentence in passage.sentences)
    terms = dict(Counter(tokens))
    return Content(
        passage.role, script, passage.text, said, terms, len(tokens), vectors.astype(np.float16)
    )


def _place(passage: Passage) -> str:
    sentences = sentence_spans_to_json(sentence.spans for sentence in passage.sentences)
    fields = [passage.id, passage.title, passage.heading, passage.page]
    return to_json([*fields, spans_to_json(passage.spans), sentences])


def searched_text(passage: Passage) -> str:
    """Return the text by whose words Milvus finds a passage, in search form."""
    return plain(search_form(found_by(passage)))


def _parts(items: Iterable[_T], size: int) -> Iterator[list[_T]]:
    waiting = iter(items)
    while part := list(islice(waiting, size)):
        yield part
