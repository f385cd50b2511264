"""An index in plain Python and numpy, written without the code of any store, to compare them with.

Slow and in memory. Takes from the product only what all stores are given: documents, passages,
vectors and tokens.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embeddings.documents import list_files, read_bytes, read_document
from embeddings.encoder import Encoder
from embeddings.errors import IndexDamagedError, IndexMissingError
from embeddings.keys import encoder_inputs, found_by, repeat_key
from embeddings.lexical import Script, Tokenizer, script_of
from embeddings.manifest import Manifest
from embeddings.opening import Opened
from embeddings.records import Document, Passage, Role
from embeddings.segment import Segmenter
from embeddings.store import Stamp
from embeddings.texts import (
    DocumentHead,
    DocumentRow,
    PassageRow,
    Selection,
    SentenceRow,
    spellings,
)

Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]

K1, B = 1.2, 0.75


@dataclass
class Row:
    """A passage with all that is known of it."""

    passage: Passage
    vectors: Floats
    tokens: list[str]
    places: list[tuple[int, Passage]] = field(default_factory=list)


class ReferenceMatches:
    """BM25 by the textbook."""

    def __init__(self, rows: Sequence[Row], terms: Iterable[str]) -> None:
        self._rows = rows
        self._counts = [Counter(row.tokens) for row in rows]
        self._mean = sum(len(row.tokens) for row in rows) / len(rows) if rows else 1.0
        holding = {t: sum(t in c for c in self._counts) for t in dict.fromkeys(terms)}
        self.weights = {
            t: math.log(1 + (len(rows) - n + 0.5) / (n + 0.5)) for t, n in holding.items()
        }
        self.held = [t for t, n in holding.items() if n]

    def score(self, row: int) -> float:
        damping = K1 * (1 - B + B * len(self._rows[row].tokens) / self._mean)
        counts = ((t, self._counts[row][t]) for t in self.held)
        return sum(self.weights[t] * n / (n + damping) for t, n in counts)

    def best(self, k: int, among: Numbers | None = None) -> Numbers:
        rows = range(len(self._rows)) if among is None else among.tolist()
        found = [(-self.score(row), row) for row in rows if self.score(row) > 0]
        return np.array([row for _, row in sorted(found)[:k]], dtype=np.int64)

    def scores(self, rows: Numbers) -> Floats:
        return np.array([self.score(int(row)) for row in rows], dtype=np.float32)

    def holds(self, term: str, rows: Numbers) -> NDArray[np.bool_]:
        return np.array([self._counts[int(row)][term] > 0 for row in rows], dtype=bool)

    def words(self, row: int) -> tuple[str, ...]:
        held = [t for t in self.held if self._counts[row][t]]
        return tuple(sorted(held, key=lambda t: (-self.weights[t], t)))

    def coverage(self, row: int, *, known: bool = False) -> float:
        total = sum(self.weights[t] for t in (self.held if known else self.weights))
        return sum(self.weights[t] for t in self.words(row)) / total if total else 0.0


class ReferenceKeys(ReferenceMatches):
    """Keys of groups in the place of terms: each that is held counts once, by its idf."""

    def score(self, row: int) -> float:
        return sum(self.weights[t] for t in self.held if self._counts[row][t])


class ReferenceWords:
    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows, self.size = rows, len(rows)

    def idf(self, rows: int) -> float:
        return math.log(1 + (self.size - rows + 0.5) / (rows + 0.5))

    def match(self, tokens: Iterable[str]) -> ReferenceMatches:
        return ReferenceMatches(self._rows, tokens)

    def match_groups(self, groups: Mapping[str, Sequence[Sequence[str]]]) -> ReferenceMatches:
        keyed = []
        for row in self._rows:
            own = set(row.tokens)
            held = [k for k, some in groups.items() if any(own.issuperset(one) for one in some)]
            keyed.append(Row(row.passage, row.vectors, held))
        return ReferenceKeys(keyed, groups)


class ReferenceVectors:
    def __init__(self, rows: Sequence[Row], dimensions: int) -> None:
        own = [row.vectors[0] for row in rows]
        self._vectors = np.array(own, dtype=np.float32).reshape(-1, dimensions)
        self.size, self.dimensions = len(rows), dimensions

    def search(self, query: Floats, k: int, rows: Numbers | None = None) -> tuple[Numbers, Floats]:
        among = np.arange(self.size) if rows is None else np.sort(rows)
        cosines = self._vectors[among] @ query
        order = np.lexsort((among, -cosines))[:k]
        return among[order].astype(np.int64), cosines[order].astype(np.float32)

    def search_each(
        self, queries: Floats, k: int, rows: Numbers | None = None
    ) -> list[tuple[Numbers, Floats]]:
        return [self.search(query, k, rows) for query in queries]

    def vectors(self, rows: Sequence[int] | Numbers) -> Floats:
        return self._vectors[np.asarray(rows, dtype=np.int64)]

    def cosines(self, query: Floats, rows: Numbers) -> Floats:
        return np.asarray(self.vectors(rows) @ query, dtype=np.float32)


class ReferenceCentre:
    def __init__(self, vectors: Floats, scripts: NDArray[np.uint8]) -> None:
        means = [vectors[scripts == s].mean(axis=0) if (scripts == s).any() else 0 * vectors[0]
                 for s in range(3)]  # fmt: skip
        self._left = vectors - np.array(means)[scripts]
        self._means = np.array(means)

    def cosines(
        self, query: Floats, products: Floats, rows: Numbers, scripts: NDArray[np.uint8]
    ) -> Floats:
        lengths = np.maximum(np.linalg.norm(self._left[rows], axis=1), 1e-6)
        return np.asarray((products - (self._means @ query)[scripts]) / lengths, dtype=np.float32)


class ReferenceGeneration:
    """One state of a folder of documents."""

    map = None

    def __init__(self, root: Path, number: int, encoder: Encoder, tokenizer: Tokenizer) -> None:
        self.folder = root
        self._files: dict[str, Document] = {}
        self._titles: dict[str, str] = {}
        self._passages: dict[str, list[tuple[int, Passage]]] = {}
        self._rows: list[Row] = []
        by_repeat: dict[bytes, int] = {}
        segmenter = Segmenter(tokenizer)
        for entry in list_files(root):
            document = read_document(entry, read_bytes(entry))
            self._files[entry.source] = document
            if document.id in self._passages:
                continue
            found = segmenter.segment(document)
            self._titles[document.id] = found.title or document.title
            self._passages[document.id] = []
            for passage in found.passages:
                row = by_repeat.setdefault(repeat_key(passage), len(self._rows))
                if row == len(self._rows):
                    vectors = encoder.encode_passages(encoder_inputs(passage))
                    tokens = tokenizer.tokens(found_by(passage))
                    self._rows.append(Row(passage, vectors, tokens))
                else:
                    known = set(self._rows[row].tokens)
                    above = tokenizer.tokens(f"{passage.title}\n{passage.heading}")
                    self._rows[row].tokens += [t for t in above if t not in known]
                self._rows[row].places.append((row, passage))
                self._passages[document.id].append((row, passage))
        self.vectors = ReferenceVectors(self._rows, encoder.dimensions)
        self.postings = ReferenceWords(self._rows)
        self._counts = [len(row.passage.sentences) for row in self._rows]
        self._firsts = np.concatenate([[0], np.cumsum(self._counts)]).astype(np.int64)
        own = [row.vectors[1:] for row in self._rows] or [
            np.empty((0, encoder.dimensions), np.float32)
        ]
        self._sentences = np.concatenate(own).astype(np.float32)
        scripts = self.scripts_of(range(len(self._rows)))
        self.passage_centre = ReferenceCentre(self.vectors.vectors(self.all_rows()), scripts)
        self.sentence_centre = ReferenceCentre(self._sentences, np.repeat(scripts, self._counts))
        self.manifest = Manifest(
            number=number, created="2021-06-16T00:00:00+00:00", model=encoder.name,
            fingerprint=encoder.fingerprint, dimensions=encoder.dimensions,
            tokenizer=tokenizer.fingerprint, segmenter=segmenter.rules.version, root=str(root),
            counts={"files": len(self._files), "documents": len(self._passages),
                    "passages": len(self._rows), "sentences": len(self._sentences),
                    "places": sum(map(len, self._passages.values())),
                    "traditional": int((scripts == Script.TRADITIONAL).sum())},
            files={},
        )  # fmt: skip

    def close(self) -> None: ...

    def all_rows(self) -> Numbers:
        return np.arange(len(self._rows), dtype=np.int64)

    def spread_rows(self, most: int) -> Numbers:
        return self.all_rows()[:most]

    def scripts_of(self, rows: Iterable[int]) -> NDArray[np.uint8]:
        return np.array([script_of(self._rows[int(r)].passage.text) for r in rows], dtype=np.uint8)

    def has_script(self, script: int) -> bool:
        return script in self.scripts_of(self.all_rows())

    def map_of(self, rows: Sequence[int] | Numbers) -> None:
        return None

    def sentence_vectors(self, rows: Sequence[int] | Numbers) -> Floats:
        return self._sentences[np.asarray(rows, dtype=np.int64)]

    def sentence_ranges(self, passages: Numbers) -> Numbers:
        ranges = [(self._firsts[int(p)], self._counts[int(p)]) for p in passages]
        return np.array(ranges, dtype=np.int64).reshape(-1, 2)

    def _place(self, row: int, passage: Passage) -> PassageRow:
        own = self._rows[row].passage
        return PassageRow(
            row, passage.id, passage.document, own.role, passage.title, passage.heading,
            passage.page, own.text, passage.spans, tuple(s.spans for s in passage.sentences),
        )  # fmt: skip

    def places(self, rows: Iterable[int]) -> dict[int, list[PassageRow]]:
        return {int(r): [self._place(*at) for at in self._rows[int(r)].places] for r in rows}

    def passages(
        self, rows: Iterable[int], among: Selection | None = None
    ) -> dict[int, PassageRow]:
        found = {}
        for row, places in self.places(rows).items():
            inside = [p for p in places if among is None or p.document in among.sources]
            if inside:
                found[row] = inside[0]
        return found

    def places_in(self, document: str) -> list[PassageRow]:
        return [self._place(*at) for at in self._passages.get(document, [])]

    def around(self, passage: PassageRow, count: int) -> list[PassageRow]:
        every = self.places_in(passage.document)
        own = [at for at, one in enumerate(every) if one.id == passage.id]
        return every[max(0, own[0] - count) : own[0] + count + 1] if own else []

    def texts(self, rows: Iterable[int]) -> dict[int, tuple[Role, str]]:
        own = {int(row): self._rows[int(row)].passage for row in rows}
        return {row: (passage.role, passage.text) for row, passage in own.items()}

    def sentence_texts(self, rows: Iterable[int]) -> dict[int, list[str]]:
        return {int(r): [s.text for s in self._rows[int(r)].passage.sentences] for r in rows}

    def sentences(self, passages: Iterable[PassageRow]) -> list[SentenceRow]:
        at = {passage.row: passage for passage in passages}
        return [
            SentenceRow(int(self._firsts[row]) + place, row, text, at[row].sentences[place])
            for row in sorted(at)
            for place, text in enumerate(self.sentence_texts([row])[row])
        ]

    def sources_of(self, documents: Iterable[str]) -> dict[str, tuple[str, ...]]:
        held = {d: tuple(s for s in self.sources if self._files[s].id == d) for d in documents}
        return {document: sources for document, sources in held.items() if sources}

    @property
    def sources(self) -> tuple[str, ...]:
        return tuple(sorted(self._files))

    def document_ids(self) -> list[str]:
        return list(dict.fromkeys(self._files[source].id for source in self.sources))

    def documents(self, ids: Iterable[str]) -> dict[str, DocumentRow]:
        found = {}
        for id_, sources in self.sources_of(ids).items():
            one = self._files[sources[0]]
            title = self._titles[id_]
            found[id_] = DocumentRow(id_, one.text, title, one.date, one.page_starts, sources)
        return found

    def heads(self, ids: Iterable[str]) -> dict[str, DocumentHead]:
        whole = self.documents(ids)
        return {d: DocumentHead(d, one.title, one.date, one.sources) for d, one in whole.items()}

    def sizes(self) -> dict[str, tuple[int, int]]:
        return {
            document: (len({passage.title for _, passage in held}), len(held))
            for document, held in self._passages.items()
        }

    def select(
        self,
        sources: Iterable[str] | None = None,
        since: str | None = None,
        until: str | None = None,
    ) -> Selection:
        listed = [sources] if isinstance(sources, str) else sources
        found: dict[str, list[str]] = {}
        for source in self.sources:
            document = self._files[source]
            if listed is not None and not any(_names(one, source) for one in listed):
                continue
            date = document.date
            if (since or until) and not (date and (since or "") <= date <= (until or "9")):
                continue
            found.setdefault(document.id, []).append(source)
        return Selection({document: tuple(held) for document, held in found.items()})

    def rows_of(self, selection: Selection) -> Numbers:
        rows = {row for document in selection.sources for row, _ in self._passages[document]}
        return np.array(sorted(rows), dtype=np.int64)

    def rows_in(self, document: str) -> Numbers:
        return np.array(sorted({r for r, _ in self._passages.get(document, [])}), dtype=np.int64)

    def headlines(self) -> list[tuple[str, str]]:
        every = [p for document in self.document_ids() for _, p in self._passages[document]]
        return list(dict.fromkeys((passage.title, passage.heading) for passage in every))


def _names(wanted: str, source: str) -> bool:
    forms = spellings(wanted)
    return source in forms or any(f.endswith("/") and source.startswith(f) for f in forms)


class ReferenceStore:
    """Generations in memory."""

    def __init__(self) -> None:
        self.generations: list[ReferenceGeneration] = []
        self._at, self._serial = 0, 0

    def publish(self, generation: ReferenceGeneration) -> None:
        before = self.generations[self._at - 1 : self._at]
        self.generations = [*before, generation]
        self._at, self._serial = len(self.generations), self._serial + 1

    def is_newest(self) -> bool:
        return self._at == len(self.generations)

    def go_back(self) -> None:
        if self._at < 2:
            raise IndexDamagedError("there is none to go back to")
        self._at, self._serial = self._at - 1, self._serial + 1

    def stamp(self) -> Stamp:
        return (self._serial, 0, 0) if self.generations else None

    def open_current(self) -> Opened:
        if not self.generations:
            raise IndexMissingError("nothing is published")
        return Opened(self.generations[self._at - 1], self.stamp())

    def open_published(self) -> Opened:
        return self.open_current()

    def open_instead(self, error: IndexDamagedError, stamp: Stamp, broken: object) -> Opened:
        raise error

    def earlier(self, number: int, document: str) -> DocumentRow | None:
        older = [one for one in self.generations if one.manifest.number < number]
        return older[-1].documents([document]).get(document) if older else None
