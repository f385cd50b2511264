"""Measures `qa.verify` by true sentences and by what is made of them.

Corrupted are those with a number, name or date swapped, negated, or cited to the wrong passage.

Run: python -m benchmarks.verification SQUAD.json... [--seeds QUESTIONS.jsonl FOLDER]
     [--sample 250] [--seed 1] [--vectors KEPT.npz] [--write qa/verify.json] [--misses OUT.jsonl]

True sentences are the sentence of a passage that holds the gold answer as it stands, without a
clause, and in the other script or with its numbers written the other way; and those that no passage
holds so: the beginnings of two sentences joined, other words in another order, and the question
turned into a statement with the gold answer. Each file is judged by networks and a threshold of the
other files; the threshold is taken on files held out within those, never on sentences of a fit. A
set in two languages, and the parts of one set, count as one file. A number that does not stand in
the passage is caught by rule.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.verification_corruptions import CORRUPTIONS, Corruptor
from benchmarks.verification_facts import Fact, Passage, seed_facts, squad_facts
from benchmarks.verification_fit import Judged, fit
from benchmarks.verification_truths import FORMS, REWORDED, true_forms
from embeddings.encoder import Encoder, open_encoder
from embeddings.lexical import Tokenizer
from embeddings.model import home
from qa.claims import tokens
from qa.verify import Gatherer, Vectors, missing_numbers, odds

FALSE_ALARMS = 0.035
"""Share of true sentences held out that may fall below the threshold.

It is less than the 0.05 that is promised: fewer of those in other words are doubted, and enough of
the corrupted ones are still caught.
"""

OTHERS = 400
"""Passages of a file, beside those of the sample, among which a wrong one is looked for."""


@dataclass(frozen=True)
class Case:
    """A sentence and what it cites.

    Attributes:
        form: one of `FORMS`, of a corrupted one that of the sentence that it was made of.
        corruption: one of `CORRUPTIONS`, empty for a true one.
        near: what was put in stands in the cited passage.
    """

    file: str
    form: str
    corruption: str
    near: bool
    claim: str
    cited: Passage
    question: str


class KeptEncoder:
    """An encoder that keeps its vectors in a file, for the next run.

    Args:
        kept: where to; None keeps them for this run only.
    """

    def __init__(self, encoder: Encoder, kept: Path | None) -> None:
        self._encoder, self._kept = encoder, kept
        self._vectors: dict[str, NDArray[np.float16]] = {}
        if kept and kept.exists():
            with np.load(kept) as held:
                self._vectors = dict(zip(held["texts"].tolist(), held["vectors"], strict=True))

    def encode_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors of texts, shape (texts, dimensions)."""
        new = [text for text in dict.fromkeys(texts) if text not in self._vectors]
        if new:
            made = self._encoder.encode_passages(new).astype(np.float16)
            self._vectors.update(zip(new, made, strict=True))
        return np.stack([self._vectors[text] for text in texts]).astype(np.float32)

    def keep(self) -> None:
        """Write the file."""
        if self._kept:
            np.savez(self._kept, texts=list(self._vectors), vectors=list(self._vectors.values()))


def main() -> None:
    """Make the cases, judge each file by a fit of the others, and write the fit of all."""
    options = _arguments()
    tokenizer = Tokenizer(home() / "jieba")
    cases = list(all_cases(options.files, options.seeds, options.sample, options.seed, tokenizer))
    encoder = KeptEncoder(open_encoder(), options.vectors)
    judged = judged_of(cases, encoder, tokenizer)
    encoder.keep()
    missing = np.array([_lacks_number(case, tokenizer) for case in cases])
    passed, margins = judge(judged)
    print(table(cases, passed & ~missing))
    if options.misses:
        write_misses(options.misses, cases, passed & ~missing, margins)
    if options.write:
        content = fit(judged, FALSE_ALARMS).to_json()
        options.write.write_text(json.dumps(content) + "\n", "utf-8")


def all_cases(
    files: Sequence[Path],
    seeds: Sequence[Path] | None,
    sample: int,
    seed: int,
    tokenizer: Tokenizer,
) -> Iterator[Case]:
    """Yield the cases of all files.

    Args:
        files: SQuAD files.
        seeds: a file of questions and the folder of its texts, or None.
        sample: facts of each file, at most.
        seed: of the sample and of what is made of it.
        tokenizer: cuts Chinese.
    """
    held = {path.name: list(squad_facts(path)) for path in files}
    if seeds:
        held["seeds"] = list(seed_facts(*seeds))
    for name, facts in held.items():
        yield from _cases(name, facts, sample, random.Random(f"{seed} {name}"), tokenizer)


def _cases(
    file: str, facts: Sequence[Fact], sample: int, draw: random.Random, tokenizer: Tokenizer
) -> Iterator[Case]:
    chosen = facts if len(facts) <= sample else draw.sample(list(facts), sample)
    corruptor = Corruptor(facts, _passages(chosen, facts, draw), tokenizer)
    seen: set[tuple[str, str]] = set()
    for fact in chosen:
        for form, claim in true_forms(fact, draw, tokenizer):
            if (form, claim) in seen:
                continue
            seen.add((form, claim))
            yield Case(file, form, "", False, claim, fact.passage, fact.question)
            for one in corruptor.of(claim, fact, draw):
                yield Case(file, form, one.kind, one.near, one.claim, one.cited, fact.question)


def _passages(chosen: Sequence[Fact], facts: Sequence[Fact], draw: random.Random) -> list[Passage]:
    own = dict.fromkeys(fact.passage for fact in chosen)
    others = [one for one in dict.fromkeys(fact.passage for fact in facts) if one not in own]
    return [*own, *draw.sample(others, min(len(others), OTHERS))]


def judged_of(cases: Sequence[Case], encoder: Vectors, tokenizer: Tokenizer) -> Judged:
    """Return the cases with the evidence that a verifier finds."""
    gather = Gatherer(encoder, tokenizer)
    return Judged(
        [gather(case.claim, [case.cited.text]) for case in cases],
        np.array([not case.corruption for case in cases]),
        np.array([case.corruption or case.form for case in cases]),
        np.array([group_of(case.file) for case in cases]),
    )


def group_of(file: str) -> str:
    """Return what a file is judged with: cmrc of cmrc_dev.json, xquad of xquad.zh.json."""
    return file.split(".")[0].split("_")[0]


def judge(judged: Judged) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return which sentences pass, and their odds above the threshold; no file judges itself."""
    margins = np.zeros(len(judged.true))
    for group in sorted(set(judged.groups)):
        own = judged.groups == group
        weights = fit(judged.part(~own), FALSE_ALARMS)
        found = [odds(one, weights.whole, weights.words) for one in judged.part(own).evidence]
        margins[own] = np.array(found) - weights.least
    return margins >= 0, margins


def _lacks_number(case: Case, tokenizer: Tokenizer) -> bool:
    return bool(missing_numbers(tokens(case.claim, tokenizer), tokens(case.cited.text, tokenizer)))


# What is reported.


def table(cases: Sequence[Case], passed: NDArray[np.bool_]) -> str:
    """Return shares by file, by form and altogether, each with its number of sentences."""
    true = np.array([not case.corruption for case in cases])
    groups = {name: _of(cases, "file", name) for name in dict.fromkeys(one.file for one in cases)}
    groups |= {form: _of(cases, "form", form) for form in FORMS}
    reworded = np.isin([case.form for case in cases], REWORDED)
    near = _of(cases, "near", True)
    groups |= {"all that stand so": ~reworded, "all reworded": reworded}
    groups |= {"from the same passage": near, "all": np.ones(len(cases), bool)}
    heads = ("false alarms", "caught", *CORRUPTIONS)
    lines = ["| | " + " | ".join(heads) + " |", "|---" * (len(heads) + 1) + "|"]
    for name, rows in groups.items():
        cells = [_share(~passed[rows & true]), _share(~passed[rows & ~true])]
        cells += [_share(~passed[rows & _of(cases, "corruption", kind)]) for kind in CORRUPTIONS]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _of(cases: Sequence[Case], field: str, value: object) -> NDArray[np.bool_]:
    return np.array([getattr(case, field) == value for case in cases])


def _share(found: NDArray[np.bool_]) -> str:
    return f"{found.mean():.3f} ({len(found)})" if len(found) else "-"


def write_misses(
    path: Path, cases: Sequence[Case], passed: NDArray[np.bool_], margins: NDArray[np.float64]
) -> None:
    """Write the sentences that were judged wrongly, one JSON object a line."""
    with path.open("w", encoding="utf-8") as out:
        for case, said, margin in zip(cases, passed, margins, strict=True):
            if said != (not case.corruption):
                row = {**asdict(case), "cited": case.cited.text, "odds": round(float(margin), 2)}
                out.write(json.dumps(row, ensure_ascii=False) + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--seeds", nargs=2, type=Path)
    parser.add_argument("--sample", type=int, default=250)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--vectors", type=Path)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--misses", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
