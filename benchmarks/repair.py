"""How well torn pages are mended: `python -m benchmarks.repair FILE... --half tuning`.

Clean paragraphs of SQuAD files become pages, are torn by `benchmarks.tearing`, and what
`embeddings.segment` makes of them is held against the sentences they were made of.

Figures, each over the pages of a row:

- torn: ground-truth sentences with a line break or a foreign block inside; left out: the share of
  them that no reader could mend, see `is_unrecoverable`.
- recovered: share of the other torn sentences that come out as one sentence with exactly their own
  characters; white space, glosses and zero-width characters are not counted. kept: the same for
  the sentences that were not torn.
- false joins: share of the sentences that come out with characters of two units (sentences,
  headlines, bylines, inserted blocks).
- glued: share of the inserted blocks a character of which shares a sentence with another unit.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path
from random import Random

from benchmarks import tearing
from benchmarks.tearing import Characters, Desk, Form, Half, Kind, Rule, Source, text_of
from embeddings.cleaning import HAN, clean
from embeddings.lexical import Tokenizer
from embeddings.model import home
from embeddings.records import Document, Span, document_id
from embeddings.segment import Segmenter
from embeddings.sentences import split

HALVES: dict[str, Half] = {"tuning": tearing.TUNING, "held-out": tearing.HELD_OUT}
SHORTEST_HALF = 2
"""Fewer characters of a sentence than this on one side of a tear tell nothing."""
SHORTEST_ALONE = 4
"""The same for a half that stands alone, with no other sentence of its paragraph beside it."""
LONGEST_PARAGRAPH = 350
SPARE_CAPTIONS = ("图书馆于昨日起向公众免费开放。", "清晨的公园里市民正在散步健身。")
TORN_AFTER_MARK = "after a comma or other mark"
TORN_IN_CLAUSE = "inside a clause"

_STOPS = re.compile(r"[。！？!?…：:]$")
_CLOSING = "”’」』》〉)）]】\"'"
_HAN = re.compile(f"[{HAN}]")
_MARKUP = re.compile(r"[\n<>{}]")

Outputs = Sequence[Sequence[Span]]
"""For each sentence that came out, where it stands in the torn text."""


# Paragraphs


def contexts(files: Sequence[Path]) -> list[str]:
    """Return the distinct contexts of SQuAD files, in the files' order."""
    found = (
        paragraph["context"]
        for file in files
        for article in json.loads(file.read_text(encoding="utf-8"))["data"]
        for paragraph in article["paragraphs"]
    )
    return list(dict.fromkeys(found))


def excerpt(context: str) -> str | None:
    """Return the first whole sentences of a Chinese context of one paragraph, two at least.

    None when the context has several paragraphs, has left-over markup, is not Chinese, or has
    not two such sentences.
    """
    context = context.strip()
    if _MARKUP.search(context) or len(_HAN.findall(context)) < 0.6 * len(context):
        return None
    sentences = split(clean(context))
    ends = [one.offsets[-1] + 1 for one in sentences if one.text.endswith(("。", "！", "？"))]
    within = [end for end in ends if end <= LONGEST_PARAGRAPH]
    if not within or within[-1] <= sentences[0].offsets[-1] + 1:
        return None
    return context[: within[-1]]


def half_of(paragraph: str) -> str:
    """Return which half a paragraph belongs to, whatever file it stands in."""
    return "tuning" if hashlib.sha256(paragraph.encode()).digest()[0] % 2 else "held-out"


def _sentences(texts: Sequence[str], shortest: int, longest: int) -> list[str]:
    """Return the sentences that could be a caption or a quote: whole, and without quotations."""
    found = (one.text for text in texts for one in split(clean(text)))
    return [
        one
        for one in found
        if shortest <= len(one) <= longest
        and one.endswith("。")
        and not any(mark in one for mark in "“”「」『』‘’{}\n")
    ]


# Pages


@dataclass(frozen=True)
class Recipe:
    """How one page is made: pages of equal recipes and paragraphs are equal."""

    number: int
    rule: Rule
    severity: int
    form: Form


@dataclass(frozen=True)
class Page:
    """A torn page and the recipe that it was made by."""

    recipe: Recipe
    characters: Characters


def compose(texts: Sequence[str], random: Random, form: Form) -> Characters:
    """Return a clean page: one or two articles with headlines, some with a byline."""
    page = tearing.layout(random.choice(("", "\n\n", "\n\n\n\n")))
    numbers = count()
    second = random.randrange(2, len(texts)) if len(texts) > 3 and random.random() < 0.5 else 0
    for number, text in enumerate(texts):
        if number in (0, second) or random.random() < 0.15:
            page += _heading(text, random, form, numbers)
        page += tearing.paragraph(form.text(text), number) + tearing.layout("\n\n")
    while page[-1] == ("\n", tearing.LAYOUT):
        page.pop()
    return page


def _heading(text: str, random: Random, form: Form, numbers: Iterator[int]) -> Characters:
    found = tearing.clauses(text)
    if not found:
        return []
    lines = random.sample(found, min(len(found), random.choice((1, 1, 2))))
    headline = form.text(random.choice(("\n", " ")).join(lines))
    page = tearing.unit(headline, Kind.HEADLINE, next(numbers)) + tearing.layout("\n\n")
    if random.random() < 0.3:
        byline = random.choice(("记者 王立强", "本报记者 李敏 通讯员 张晓东"))
        page += tearing.unit(form.text(byline), Kind.BYLINE, next(numbers)) + tearing.layout("\n\n")
    return page


def make_page(recipe: Recipe, paragraphs: Sequence[str], seed: int) -> Page:
    """Return the page that `recipe` makes of some of `paragraphs`."""
    random = Random(f"{seed}:{recipe.number}:{recipe.rule.name}")
    picked = random.sample(paragraphs, min(len(paragraphs), 14))
    size = min(random.randint(3, 6), len(picked))
    here, others = picked[:size], picked[size:] or picked
    captions = [*_sentences(others, 12, 60), *SPARE_CAPTIONS]
    desk = Desk(random, recipe.severity, captions, _sentences(here, 20, 120), recipe.form)
    clean_page = compose(here, random, recipe.form)
    torn = recipe.rule.tear(clean_page, desk)
    return Page(recipe, recipe.form.marks(torn, random))


def recipes(half: Half, severities: Sequence[int], pages: int, seed: int) -> Iterator[Recipe]:
    """Yield recipes that go through all rules and severities evenly; half in the plain form."""
    rules = (*half.rules, tearing.mixed(half.rules), tearing.mixed(half.rules))
    random = Random(f"{seed}:forms")
    for number in range(pages):
        turn, place = divmod(number, len(rules))
        form = half.forms[0] if random.random() < 0.5 else random.choice(half.forms[1:])
        yield Recipe(number, rules[place], severities[turn % len(severities)], form)


# Judging


@dataclass
class Lie:
    """How a unit lies on a torn page.

    Attributes:
        places: positions of its characters on the page.
        pieces: its text, cut where a blank line or another unit stands inside it.
        is_torn: whether any line break or other unit does.
    """

    places: list[int] = field(default_factory=list)
    pieces: list[str] = field(default_factory=lambda: [""])
    is_torn: bool = False


def units(page: Characters) -> dict[Source, Lie]:
    """Return all units of a page, in reading order, with how they lie on it."""
    found: defaultdict[Source, Lie] = defaultdict(Lie)
    last, breaks = tearing.LAYOUT, 0
    for at, (character, source) in enumerate(page):
        breaks += character == "\n"
        if not source.is_unit:
            continue
        lie = found[source]
        if lie.places and (breaks or source != last):
            lie.is_torn = True
            if breaks > 1 or source != last:
                lie.pieces.append("")
        lie.places.append(at)
        lie.pieces[-1] += character
        last, breaks = source, 0
    return dict(found)


def is_unrecoverable(pieces: Sequence[str], is_first: bool, is_last: bool) -> bool:
    """Tell whether no reader could know that the sentence in `pieces` goes on after a tear.

    So it is where what stands before the tear reads as a whole sentence, its end mark included,
    or where a piece has fewer than `SHORTEST_HALF` characters (`SHORTEST_ALONE` for one with no
    other sentence of its paragraph beside it). Single line breaks make no pieces.

    Args:
        pieces: the sentence, cut at its tears.
        is_first: whether it is the first sentence of its paragraph.
        is_last: whether it is the last one.
    """
    if len(pieces) == 1:
        return False
    if any(_STOPS.search(piece.rstrip(_CLOSING)) for piece in pieces[:-1]):
        return True
    least = [SHORTEST_ALONE] * len(pieces)
    least[0] = SHORTEST_ALONE if is_first else SHORTEST_HALF
    least[-1] = SHORTEST_ALONE if is_last else SHORTEST_HALF
    return any(len(piece) < wanted for piece, wanted in zip(pieces, least, strict=True))


@dataclass(frozen=True)
class Failure:
    """Something that came out wrong: what, where, what was wanted and what came."""

    what: str
    rule: str
    form: str
    torn: str
    wanted: str
    came: tuple[str, ...]


@dataclass
class Judgement:
    """What became of one page or of many.

    Attributes:
        counts: torn, left_out, recovered, whole, kept, outputs, joined, blocks, glued.
        cuts: for recoverable sentences torn once by a blank line or block, by where the tear
            falls: `TORN_AFTER_MARK` or `TORN_IN_CLAUSE` -> torn, recovered.
        failures: all that came out wrong.
    """

    counts: Counter[str] = field(default_factory=Counter)
    cuts: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    failures: list[Failure] = field(default_factory=list)

    def add(self, other: Judgement) -> None:
        """Count `other` in."""
        self.counts += other.counts
        self.failures += other.failures
        for name, counts in other.cuts.items():
            self.cuts[name] += counts


def judge(page: Page, outputs: Outputs) -> Judgement:
    """Hold what came out against what the page was made of."""
    judgement = Judgement()
    here = units(page.characters)
    own = [_own_places(page.characters, spans) for spans in outputs]
    joined = [places for places in own if len({page.characters[at][1] for at in places}) > 1]
    exact = {tuple(places) for places in own}
    judgement.counts.update(outputs=len(own), joined=len(joined))
    lasts = {source.number: source for source in here if source.kind is Kind.SENTENCE}
    for source, lie in here.items():
        if source.kind is Kind.SENTENCE:
            unfit = is_unrecoverable(
                lie.pieces, source.sentence == 0, source == lasts[source.number]
            )
            came_whole = tuple(lie.places) in exact
            _count_sentence(judgement, lie, unfit, came_whole)
            if not (came_whole or unfit):
                what = "torn, not recovered" if lie.is_torn else "whole, not kept"
                judgement.failures.append(_failure(what, page, outputs, lie))
    glued = {page.characters[at][1] for places in joined for at in places}
    for source, lie in here.items():
        if source.kind is Kind.BLOCK:
            judgement.counts.update(blocks=1, glued=int(source in glued))
            if source in glued:
                judgement.failures.append(_failure("block glued", page, outputs, lie))
    return judgement


def _count_sentence(judgement: Judgement, lie: Lie, unfit: bool, came_whole: bool) -> None:
    if not lie.is_torn:
        judgement.counts.update(whole=1, kept=int(came_whole))
        return
    judgement.counts.update(torn=1, left_out=int(unfit))
    if unfit:
        return
    judgement.counts.update(recovered=int(came_whole))
    if len(lie.pieces) == 2:
        name = TORN_IN_CLAUSE if lie.pieces[0][-1].isalnum() else TORN_AFTER_MARK
        judgement.cuts[name].update(torn=1, recovered=int(came_whole))


def _own_places(page: Characters, spans: Sequence[Span]) -> list[int]:
    """Return the positions in `spans` of characters that belong to a unit."""
    every = (at for span in spans for at in range(span.start, span.end))
    return sorted(at for at in every if page[at][1].is_unit)


def _failure(what: str, page: Page, outputs: Outputs, lie: Lie) -> Failure:
    text = text_of(page.characters)
    start, end = lie.places[0], lie.places[-1] + 1
    touching = (
        " | ".join(span.of(text) for span in spans)
        for spans in outputs
        if any(span.start < end and start < span.end for span in spans)
    )
    return Failure(
        what,
        f"{page.recipe.rule.name}, severity {page.recipe.severity}, page {page.recipe.number}",
        page.recipe.form.name,
        text[max(0, start - 40) : end + 40],
        " | ".join(lie.pieces),
        tuple(touching),
    )


# Report


Reader = Callable[[str], Outputs]
"""The text of a page -> the sentences that are made of it."""


def reader() -> Reader:
    """Return what the project makes of a page."""
    segmenter = Segmenter(Tokenizer(home() / "jieba"))

    def read(text: str) -> Outputs:
        document = Document(document_id(text.encode()), "page.txt", text, "text/1", "page")
        passages = segmenter.segment(document).passages
        return [sentence.spans for passage in passages for sentence in passage.sentences]

    return read


def run(
    read: Reader, pages: Iterable[Page], rules: Sequence[Rule]
) -> dict[tuple[str, str], Judgement]:
    """Return the judgements by ("rule" | "form" | "severity" | "all", name), `rules` first."""
    rows: dict[tuple[str, str], Judgement] = {("rule", rule.name): Judgement() for rule in rules}
    for page in pages:
        judgement = judge(page, read(text_of(page.characters)))
        recipe = page.recipe
        for row in (
            ("rule", recipe.rule.name),
            ("form", recipe.form.name),
            ("severity", str(recipe.severity)),
            ("all", "by sentence"),
        ):
            rows.setdefault(row, Judgement()).add(judgement)
    return rows


FIGURES = {
    "left out": ("left_out", "torn"),
    "recovered": ("recovered", "recoverable"),
    "kept": ("kept", "whole"),
    "false joins": ("joined", "outputs"),
    "glued": ("glued", "blocks"),
}
"""Name of a figure -> the counts that it is the ratio of."""


def figures(counts: Counter[str]) -> dict[str, float | None]:
    """Return the figures of some counts, 0 to 1; None where there was nothing to count."""
    every = counts | Counter(recoverable=counts["torn"] - counts["left_out"])
    return {
        name: every[part] / every[whole] if every[whole] else None
        for name, (part, whole) in FIGURES.items()
    }


def report(rows: dict[tuple[str, str], Judgement]) -> list[dict[str, object]]:
    """Return one JSON object for each row, and one for the unweighted mean of the rules."""
    made: list[dict[str, object]] = []
    for group in ("rule", "form", "severity", "all"):
        for (of, name), judgement in rows.items():
            if of == group:
                counts = {"torn": judgement.counts["torn"], "whole": judgement.counts["whole"]}
                made.append({"row": group, "name": name, **counts, **figures(judgement.counts)})
    by_rule = [figures(judgement.counts) for (of, _), judgement in rows.items() if of == "rule"]
    means = {name: _mean([row[name] for row in by_rule]) for name in FIGURES}
    return [*made, {"row": "all", "name": "mean of rules", **means}, *_cut_rows(rows)]


def _cut_rows(rows: dict[tuple[str, str], Judgement]) -> Iterator[dict[str, object]]:
    for name, counts in sorted(rows["all", "by sentence"].cuts.items()):
        share = counts["recovered"] / counts["torn"]
        yield {"row": "cut", "name": name, "torn": counts["torn"], "recovered": share}


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def table(made: Sequence[dict[str, object]]) -> str:
    """Return the rows of a report as lines of text."""
    columns = ("torn", *(name for name in FIGURES))
    lines = [f"{'':<32}" + "".join(f"{name:>12}" for name in columns)]
    for row in made:
        label = f"{row['row']}: {row['name']}"
        wide = sum(bool(_HAN.match(character)) for character in label)
        lines.append(f"{label:<{32 - wide}}" + "".join(f"{_cell(row.get(c)):>12}" for c in columns))
    return "\n".join(lines)


def _cell(value: object) -> str:
    return "-" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)


def sample(failures: Sequence[Failure], wanted: int, seed: int) -> list[Failure]:
    """Return up to `wanted` of the failures, the same ones for the same seed."""
    return Random(seed).sample(failures, min(wanted, len(failures)))


def show(failure: Failure) -> str:
    """Return a failure as lines of text, line breaks shown as a mark."""
    came = "".join(f"\n  came    {one}" for one in failure.came) or "\n  came    nothing"
    text = (
        f"{failure.what} ({failure.rule}, {failure.form})\n  torn    {failure.torn}"
        f"\n  wanted  {failure.wanted}{came}"
    )
    marked = re.sub(r"\n(?!  (?:torn|wanted|came)  )", "⏎", text)
    return marked.replace("\r", "␍")


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="How well torn pages are mended.")
    parser.add_argument("files", nargs="+", type=Path, help="SQuAD-format files, Chinese")
    parser.add_argument("--half", choices=sorted(HALVES), default="tuning")
    parser.add_argument(
        "--severity", nargs="+", type=int, default=[1, 2, 3, 4], choices=range(1, 5)
    )
    parser.add_argument("--pages", type=int, default=360)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", type=int, default=0, metavar="K", help="print K failures")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> None:
    """Run the benchmark on the command line's arguments and print its report."""
    asked = _arguments(given)
    found = [text for text in map(excerpt, contexts(asked.files)) if text]
    paragraphs = [text for text in found if half_of(text) == asked.half]
    if len(paragraphs) < 3:
        raise SystemExit(
            f"{len(paragraphs)} paragraphs of the {asked.half} half; wanted at least 3"
        )
    half = HALVES[asked.half]
    plans = recipes(half, asked.severity, asked.pages, asked.seed)
    pages = (make_page(plan, paragraphs, asked.seed) for plan in plans)
    rows = run(reader(), pages, half.rules)
    failures = sample(rows["all", "by sentence"].failures, asked.show, asked.seed)
    if asked.json:
        result = {"rows": report(rows), "failures": [asdict(one) for one in failures]}
        print(json.dumps(result, ensure_ascii=False, indent=1))
        return
    print(f"{asked.pages} pages, {len(paragraphs)} paragraphs, {asked.half} rules\n")
    print("\n\n".join([table(report(rows)), *map(show, failures)]))


if __name__ == "__main__":
    main()
