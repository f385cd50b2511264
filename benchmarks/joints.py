"""Fits what `embeddings.joints` judges joints by, on clean paragraphs: `embeddings/joints.json`.

    python -m benchmarks.joints FILE... > embeddings/joints.json

FILE is in SQuAD format; half of the paragraphs, by hash, are kept for testing and not read. The
table has, for each common word and each part of speech, two log odds in nats: that it begins a
sentence rather than standing inside, and that it stands before a mark rather than before a word.
A word that only one of the files knows well is left out: it belongs to its subject. `pairs` has
the mutual information of neighbouring parts of speech. `weights` come from a logistic regression
over sentences cut at random places, against the same left halves with other sentences behind.
"""

from __future__ import annotations

import hashlib
import json
import math
import random
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from embeddings.cleaning import clean
from embeddings.joints import Evidence, Joints
from embeddings.lexical import Tokenizer, search_form
from embeddings.model import home
from embeddings.sentences import split

LEAST = 20
LEAST_IN_TWO_FILES = 4
SMOOTHING = 2.0
CUTS = 12_000
SET_BY_HAND = {"repeated": -3.0, "quotation": -3.0}
"""Weights of evidence that encyclopedic paragraphs show too seldom to be fitted."""

_MARKS = set("，,、；;：:。！？!?…")


def paragraphs(path: Path) -> Iterator[str]:
    """Yield the contexts of a SQuAD file that are not kept for testing."""
    for article in json.loads(path.read_text(encoding="utf-8"))["data"]:
        for paragraph in article["paragraphs"]:
            if not is_held_out(paragraph["context"]):
                yield paragraph["context"]


def is_held_out(paragraph: str) -> bool:
    """Tell whether a paragraph is kept for testing: half of them are, by hash."""
    return hashlib.sha256(paragraph.encode()).digest()[0] % 2 == 1


@dataclass(slots=True)
class Counts:
    """How often a word (or tag) begins a sentence, stands inside, before a mark, before a word."""

    first: Counter[str] = field(default_factory=Counter)
    inner: Counter[str] = field(default_factory=Counter)
    last: Counter[str] = field(default_factory=Counter)
    open: Counter[str] = field(default_factory=Counter)
    pairs: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, words: list[str]) -> None:
        """Count one sentence."""
        self.first.update(words[:1])
        for before, after in pairwise(words):
            if before in _MARKS or before == "w":
                continue
            marked = after in _MARKS or after == "w"
            self.inner[after] += not marked
            (self.last if marked else self.open)[before] += 1
            self.pairs[before, after] += not marked

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, n) + getattr(other, n) for n in self.__slots__))

    def times(self, word: str) -> int:
        """Return how often a word was seen at a start or inside."""
        return self.first[word] + self.inner[word]

    def habits(self, word: str) -> list[float]:
        """Return the log odds [begins, ends] of a word."""
        return [log_odds(self.first, self.inner, word), log_odds(self.last, self.open, word)]


def log_odds(of: Counter[str], against: Counter[str], word: str) -> float:
    """Return the smoothed log odds of a word under two counts."""
    one = (of[word] + SMOOTHING * 0.5) / (of.total() + SMOOTHING)
    other = (against[word] + SMOOTHING * 0.5) / (against.total() + SMOOTHING)
    return round(math.log(one / other), 2)


def word_habits(files: list[Counts]) -> dict[str, list[float]]:
    """Return word -> [begins, ends] for the words that are common enough."""
    whole = sum(files, Counts())
    known = sorted(whole.inner + whole.first)
    spread = {word: sorted(one.times(word) for one in files)[-2:][0] for word in known}
    return {
        word: whole.habits(word)
        for word in known
        if word.strip() not in {"", *_MARKS}
        and whole.times(word) >= LEAST
        and spread[word] >= LEAST_IN_TWO_FILES
    }


def tag_pairs(tags: Counts) -> dict[str, float]:
    """Return "t1 t2" -> mutual information of neighbouring parts of speech, in nats."""
    total = tags.pairs.total()
    left: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for (one, other), times in tags.pairs.items():
        left[one] += times
        right[other] += times
    return {
        f"{one} {other}": round(math.log(times * total / (left[one] * right[other])), 2)
        for (one, other), times in sorted(tags.pairs.items())
        if times >= LEAST
    }


def examples(sentences: list[str], joints: Joints) -> tuple[list[Evidence], list[int]]:
    """Cut sentences at random places; show each left half its own right half and another start."""
    drawn = random.Random(0)
    rows: list[Evidence] = []
    labels: list[int] = []
    for _ in range(CUTS):
        sentence, other = drawn.choice(sentences), drawn.choice(sentences)
        if len(sentence) < 12:
            continue
        at = drawn.randrange(4, len(sentence) - 4)
        left, right = sentence[:at], sentence[at:]
        if right[0] in _MARKS or right[0] in "”’」』》）)":
            continue
        rows += [joints.evidence(left, right), joints.evidence(left, other)]
        labels += [1, 0]
    return rows, labels


def fit(rows: list[Evidence], labels: list[int]) -> dict[str, float]:
    """Return the weights of a logistic regression."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=1.0, max_iter=1000).fit(rows, labels)
    print(f"accuracy on its own examples {model.score(rows, labels):.3f}", file=sys.stderr)
    weights = dict(zip(Evidence._fields, model.coef_[0], strict=True))
    weights |= {"bias": model.intercept_[0], **SET_BY_HAND}
    return {name: round(float(weight), 3) for name, weight in weights.items()}


def main() -> None:
    """Write the table to standard output."""
    tokenizer = Tokenizer(home() / "jieba")
    bare = Joints(tokenizer, {"words": {}, "tags": {}, "pairs": {}})
    files, tags, sentences = [], Counts(), []
    for name in sys.argv[1:]:
        counts = Counts()
        for text in paragraphs(Path(name)):
            for sentence in split(clean(text)):
                words = tokenizer.words(search_form(sentence.text))
                counts.add(words)
                tags.add([bare.tag(word) for word in words])
                sentences.append(search_form(sentence.text))
        files.append(counts)
    table: dict[str, Any] = {
        "source": {"script": "benchmarks/joints.py", "files": [Path(n).name for n in sys.argv[1:]]},
        "words": word_habits(files),
        "tags": {tag: tags.habits(tag) for tag in sorted(tags.inner + tags.first)},
        "pairs": tag_pairs(tags),
    }
    table["weights"] = fit(*examples(sentences, Joints(tokenizer, table)))
    print(json.dumps(table, ensure_ascii=False))


if __name__ == "__main__":
    main()
