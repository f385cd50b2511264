"""Measures `qa.verify`: true sentences against the same with a number, name or date swapped,
negated, or cited to the wrong passage.

Run: python -m benchmarks.verification SQUAD.json... [--seeds QUESTIONS.jsonl FOLDER]
     [--write qa/verify.json] [--misses OUT.jsonl]

True sentences are the sentence of a passage that holds the gold answer, as it stands; with a clause
left out; in the other script, with its numbers written the other way; and the question turned into
a statement with the gold answer. For each file the weights and the threshold are fitted on the
other files only: the threshold lets 5 in 100 of their true sentences be taken for corrupted. XQuAD
in two languages counts as one file.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import log
from pathlib import Path

import numpy as np

from benchmarks.verification_fit import fit
from embeddings import numerals
from embeddings.cleaning import HAN, clean
from embeddings.lexical import Tokenizer, search_form, to_simplified, to_traditional
from embeddings.model import home
from embeddings.sentences import split
from qa import squad
from qa.claim_evidence import COLUMNS, columns
from qa.claims import tokens
from qa.kinds import Kind
from qa.question import analyse

FALSE_ALARMS = 0.05
CORRUPTIONS = ("number", "date", "name", "negated", "wrong passage")
FORMS = ("sentence", "shorter", "rewritten", "statement")
LONGEST_PASSAGE = {"zh": 320, "en": 1000}
OTHERS = 400
"""Passages of a file, beside those of the sample, among which a wrong one is looked for."""

NAME_KINDS = (Kind.PERSON, Kind.PLACE, Kind.ORGANISATION, Kind.NAME)

_HAN = re.compile(f"[{HAN}]")


@dataclass(frozen=True)
class Passage:
    """Sentences that are cited together; `context` says which belong to one article."""

    context: int
    sentences: tuple[str, ...]

    @property
    def text(self) -> str:
        return (
            " ".join(self.sentences) if _is_english(self.sentences[0]) else "".join(self.sentences)
        )


@dataclass(frozen=True)
class Fact:
    """A gold answer in its sentence; `names` are gold names elsewhere, of the same kind."""

    question: str
    answer: str
    kind: Kind
    sentence: str
    passage: Passage


@dataclass(frozen=True)
class Case:
    """A sentence and what it cites; `corruption` is empty for a true one."""

    file: str
    form: str
    corruption: str
    claim: str
    cited: Passage
    question: str


def main() -> None:
    """Make the cases, judge each file by a fit of the others, and write the fit of all."""
    options = _arguments()
    tokenizer = Tokenizer(home() / "jieba")
    files = {path.name: list(_squad_facts(path)) for path in options.files}
    if options.seeds:
        files["seeds"] = list(_seed_facts(*options.seeds))
    cases = [
        case
        for name, facts in files.items()
        for case in _cases(name, facts, options.sample, random.Random(name), tokenizer)
    ]
    cosines = _cosines(cases, options.vectors) if options.vectors else None
    matrix = np.array(
        [
            columns(tokens(one.claim, tokenizer), tokens(one.cited.text, tokenizer),
                    cosines[at] if cosines else 0.0)
            for at, one in enumerate(cases)
        ]
    )  # fmt: skip
    if options.dump:
        np.savez(
            options.dump,
            matrix=matrix,
            cases=np.array([json.dumps(_row(c), ensure_ascii=False) for c in cases]),
        )
    judge(cases, matrix, options)


def judge(cases: Sequence[Case], matrix: np.ndarray, options: argparse.Namespace) -> None:
    """Print what each fit catches on the file that it did not see."""
    true = np.array([not case.corruption for case in cases])
    groups = np.array([_group(case.file) for case in cases])
    odds, least = np.zeros(len(cases)), np.zeros(len(cases))
    kinds = np.array([case.corruption or case.form for case in cases])
    for group in sorted(set(groups)):
        rest, held = groups != group, groups == group
        model = fit(matrix[rest], true[rest], kinds[rest])
        seen = model(matrix[rest])
        odds[held] = model(matrix[held])
        least[held] = np.quantile(seen[true[rest]], FALSE_ALARMS)
    passed = odds >= least
    print(table(cases, true, passed))
    if options.misses:
        with options.misses.open("w", encoding="utf-8") as out:
            for at in np.flatnonzero(passed != true):
                line = {**_row(cases[at]), "odds": round(float(odds[at] - least[at]), 2)}
                line |= {
                    "columns": dict(zip(COLUMNS, np.round(matrix[at], 3).tolist(), strict=True))
                }
                out.write(json.dumps(line, ensure_ascii=False) + "\n")
    if options.write:
        model = fit(matrix, true, kinds)
        threshold = float(np.quantile(model(matrix)[true], FALSE_ALARMS))
        content = {"format": 1, "columns": list(COLUMNS), "least": round(threshold, 4),
                   "files": sorted(set(case.file for case in cases)), "layers": model.to_json()}  # fmt: skip
        options.write.write_text(json.dumps(content) + "\n", "utf-8")


def table(cases: Sequence[Case], true: np.ndarray, passed: np.ndarray) -> str:
    """Return shares by file, by form and altogether."""
    columns_ = ("false alarms", *FORMS, "caught", *CORRUPTIONS)
    lines = ["| | " + " | ".join(columns_) + " |", "|---" * (len(columns_) + 1) + "|"]

    def row(name: str, chosen: np.ndarray) -> str:
        cells = [_share(~passed[chosen & true])]
        cells += [_share(~passed[chosen & true & _of(cases, "form", f)]) for f in FORMS]
        cells += [_share(~passed[chosen & ~true])]
        cells += [_share(~passed[chosen & _of(cases, "corruption", kind)]) for kind in CORRUPTIONS]
        return f"| {name} | " + " | ".join(cells) + " |"

    everything = np.ones(len(cases), bool)
    for name in dict.fromkeys(case.file for case in cases):
        lines.append(row(name, _of(cases, "file", name)))
    lines += [row(form, _of(cases, "form", form)) for form in FORMS]
    return "\n".join([*lines, row("all", everything)])


def _of(cases: Sequence[Case], field: str, value: str) -> np.ndarray:
    return np.array([getattr(case, field) == value for case in cases])


def _share(found: np.ndarray) -> str:
    return f"{found.mean():.3f} ({len(found)})" if len(found) else "-"


def _row(case: Case) -> dict[str, str]:
    return {"file": case.file, "form": case.form, "corruption": case.corruption,
            "claim": case.claim, "cited": case.cited.text, "question": case.question}  # fmt: skip


def _group(file: str) -> str:
    return file.split(".")[0]


def _is_english(text: str) -> bool:
    return not _HAN.search(text)


# Facts: gold answers in their sentences.


def _squad_facts(path: Path) -> Iterator[Fact]:
    held = squad.read_squad(path)
    passages: dict[str, list[Passage]] = {}
    for number, context in enumerate(held.contexts):
        passages[context] = list(_passages(number, [one.text for one in split(clean(context))]))
    for item in held.questions:
        answers = [answer for answer in item.answers if answer.stands_in(item.context)]
        if not answers:
            continue
        answer = answers[0].text
        before = item.context[: answers[0].start]
        for passage in passages[item.context]:
            at = [s for s in passage.sentences if answer in s]
            if at:
                near = _tail(before)
                best = next((s for s in at if near and near in s), at[0] if len(at) == 1 else None)
                if best:
                    yield Fact(
                        item.question.text, answer, analyse(item.question.text).kind, best, passage
                    )
                    break


def _tail(before: str) -> str:
    return re.split(r"[。！？!?\n.,，]", before)[-1].strip()[-8:]


def _passages(context: int, sentences: Sequence[str]) -> Iterator[Passage]:
    limit = LONGEST_PASSAGE["en" if sentences and _is_english(sentences[0]) else "zh"]
    held: list[str] = []
    for sentence in sentences:
        if held and sum(map(len, held)) + len(sentence) > limit:
            yield Passage(context, tuple(held))
            held = []
        held.append(sentence)
    if held:
        yield Passage(context, tuple(held))


def _seed_facts(questions: Path, folder: Path) -> Iterator[Fact]:
    texts = {path.name: clean(path.read_text("utf-8")) for path in sorted(folder.glob("*.txt"))}
    held = {
        name: list(_passages(at, [re.sub(r"\s+", "", one.text) for one in split(text)]))
        for at, (name, text) in enumerate(texts.items())
    }
    for line in questions.read_text("utf-8").splitlines():
        item = json.loads(line)
        for evidence in item.get("evidence") or ():
            quote = re.sub(r"\s+", "", clean(evidence["quote"]).text)
            for passage in held[evidence["source"]]:
                for sentence in passage.sentences:
                    if len(quote) > 8 and (quote[:40] in sentence):
                        answer = next(
                            (
                                one
                                for group in item.get("answers") or ()
                                for one in group
                                if one in sentence
                            ),
                            "",
                        )
                        yield Fact(
                            item["question"],
                            answer,
                            analyse(item["question"]).kind,
                            sentence,
                            passage,
                        )


# Cases: true sentences, and what is made of them.


def _cases(
    file: str, facts: list[Fact], sample: int, draw: random.Random, tokenizer: Tokenizer
) -> Iterator[Case]:
    chosen = facts if len(facts) <= sample else draw.sample(facts, sample)
    drawn = dict.fromkeys(fact.passage for fact in chosen)
    others = [one for one in dict.fromkeys(fact.passage for fact in facts) if one not in drawn]
    passages = [*drawn, *draw.sample(others, min(len(others), OTHERS))]
    near = _Near(passages, tokenizer)
    named = [(fact.kind, fact.answer, fact.passage) for fact in facts if fact.kind in NAME_KINDS]
    seen: set[tuple[str, str]] = set()
    for fact in chosen:
        for form, claim in true_forms(fact, draw):
            if (form, claim) in seen:
                continue
            seen.add((form, claim))
            case = Case(file, form, "", claim, fact.passage, fact.question)
            yield case
            yield from _corrupted(case, fact, passages, named, near, draw)


def true_forms(fact: Fact, draw: random.Random) -> Iterator[tuple[str, str]]:
    """Yield the forms in which a fact is said truly."""
    yield "sentence", fact.sentence
    if shorter := _shorter(fact, draw):
        yield "shorter", shorter
    rewritten = _rewritten(shorter or fact.sentence)
    if rewritten != (shorter or fact.sentence):
        yield "rewritten", rewritten
    if statement := stated(fact.question, fact.answer):
        yield "statement", statement


def _shorter(fact: Fact, draw: random.Random) -> str:
    parts = re.split(r"(?<=[，；;])|(?<=,)(?!\d)", fact.sentence)
    free = [at for at, part in enumerate(parts) if not fact.answer or fact.answer not in part]
    if len(parts) < 2 or not free or (fact.answer and len(free) == len(parts)):
        return ""
    gone = draw.choice(free)
    return "".join(part for at, part in enumerate(parts) if at != gone).strip()


_ARABIC = re.compile(r"(?<![\d.,A-Za-z])\d{1,4}(?![\d.,%A-Za-z])")


def _rewritten(text: str) -> str:
    """Return the other script with numbers written the other way; of English, wide digits."""
    if _is_english(text):
        return re.sub(r"\d", lambda one: chr(ord(one[0]) - 48 + 0xFF10), text).replace(
            "percent", "%"
        )
    other = to_traditional(text) if to_simplified(text) == text else to_simplified(text)
    return _ARABIC.sub(lambda found: _han_number(found[0], other[found.end() :][:1]), other)


def _han_number(digits: str, behind: str) -> str:
    if len(digits) == 4 and behind == "年":
        return "".join("〇一二三四五六七八九"[int(one)] for one in digits)
    value, text = int(digits), ""
    for unit, word in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        part, value = divmod(value, unit)
        if part:
            text += "一二三四五六七八九"[part - 1] + word
        elif text and value and not text.endswith("零"):
            text += "零"
    text = re.sub("^一十", "十", text)
    return text if text and numerals.value(text) == int(digits) and len(text) > 1 else digits


_ASKED = re.compile(
    r"(?:是)?(?:在|于)?(?:哪一?年(?!代)份?|哪一?天|什么时候|什么时间|何时|几月几日)|多少(?!种方)|"
    r"(?:哪一?个|哪一?位)(?:人|国家|城市|地方|地区)|什么(?:名字|地方|东西)?$|谁$|^谁|(?<=[由被是])谁|"
    r"哪里$|哪儿$|何地$|何处$|几(?=[个名位年月日家次岁])"
)
_WHO = re.compile(
    r"^(?:Who|What|Which [\w ]+?) (?=(?:was|is|were|are|did not|has|had|\w+ed)\b)(?!(?:was|is|were|are) (?:the|a|an|\w+'s|[A-Z]))"
)
_IS = re.compile(r"^(?:What|Who) (is|was|are|were) (.+?)\?$")
_WHEN = re.compile(r"^(?:When|Where|In what year|What year) (?:did|was|were|is) (.+?)\?$")


def stated(question: str, answer: str) -> str:
    """Return a question as a statement with its answer; empty where no rule fits."""
    if not answer or len(answer) > 40 or re.search("[,，;；:：？?]", question[:-1]):
        return ""
    if _is_english(question):
        return _stated_english(question, answer)
    plain = to_simplified(question).rstrip("？?。 ")
    if len(plain) != len(question.rstrip("？?。 ")):
        return ""
    found = list(_ASKED.finditer(plain))
    if len(found) != 1:
        return ""
    start, end = found[0].span()
    whole = question.rstrip("？?。 ")
    behind = whole[end:]
    common = next(
        (n for n in range(min(4, len(behind), len(answer)), 0, -1) if answer.endswith(behind[:n])),
        0,
    )
    lead = (
        "在" if re.match("(?:是)?在", found[0][0]) else "于" if found[0][0].startswith("于") else ""
    )
    return f"{whole[:start]}{lead}{answer}{behind[common:]}。"


def _stated_english(question: str, answer: str) -> str:
    if found := _IS.match(question):
        return f"{found[2][:1].upper()}{found[2][1:]} {found[1]} {answer}."
    if found := _WHEN.match(question):
        return f"{found[1][:1].upper()}{found[1][1:]}, {answer}."
    if _WHO.match(question):
        return _WHO.sub(f"{answer[:1].upper()}{answer[1:]} ", question).rstrip("?") + "."
    return ""


_NUMERAL = re.compile(
    r"(?<![\d.,A-Za-z])\d+(?:,\d{3})*(?:\.\d+)?(?![\d年月日号])|"
    r"(?<![第几数〇零一二两三四五六七八九十百千万亿])(?:[二三四五六七八九十百千万两]{1,6})(?=[个名位家次岁人条项座支艘米吨元公])"
    r"|\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty)\b"
)
_DATE = re.compile(
    r"(?<!\d)\d{3,4}年(?:\d{1,2}月(?:\d{1,2}[日号])?)?|(?<!\d)\d{1,2}月\d{1,2}[日号]|"
    r"\b(?:(?:January|February|March|April|May|June|July|August|September|October|November|December) (?:\d{1,2}, )?)?"
    r"(?:1\d{3}|20[012]\d)\b(?![%年,.]\d)"
)


def _corrupted(
    case: Case,
    fact: Fact,
    passages: Sequence[Passage],
    named: Sequence[tuple[Kind, str, Passage]],
    near: _Near,
    draw: random.Random,
) -> Iterator[Case]:
    wide = unicodedata.normalize("NFKC", case.claim)
    for kind, pattern in (("number", _NUMERAL), ("date", _DATE)):
        if swapped := _swapped(wide, pattern, fact.passage, passages, draw, kind):
            yield replace(case, corruption=kind, claim=swapped)
    if swapped := _renamed(case.claim, fact, named, draw):
        yield replace(case, corruption="name", claim=swapped)
    if negated := negation(case.claim, draw):
        yield replace(case, corruption="negated", claim=negated)
    if (wrong := near.second(case.claim, fact)) is not None:
        yield replace(case, corruption="wrong passage", cited=wrong)


def _swapped(
    claim: str, pattern: re.Pattern[str], own: Passage, passages: Sequence[Passage],
    draw: random.Random, kind: str,
) -> str:  # fmt: skip
    """Return the claim with one number or date put in the place of another."""
    dates = [found.span() for found in _DATE.finditer(claim)]
    spots = [
        found for found in pattern.finditer(claim)
        if kind == "date" or not any(a < found.end() and found.start() < b for a, b in dates)
    ]  # fmt: skip
    if not spots:
        return ""
    spot = draw.choice(spots)
    others = [own, *draw.sample(list(passages), min(40, len(passages)))]
    if draw.random() < 0.5:
        others = others[1:]
    for other in others:
        text = unicodedata.normalize("NFKC", other.text)
        taken = [found.span() for found in _DATE.finditer(text)]
        found = [
            one[0] for one in pattern.finditer(text)
            if (kind == "date" or not any(a < one.end() and one.start() < b for a, b in taken))
            and one[0] not in claim and _value(one[0]) != _value(spot[0])
        ]  # fmt: skip
        if found:
            return claim[: spot.start()] + draw.choice(found) + claim[spot.end() :]
    return ""


def _value(numeral: str) -> str:
    plain = search_form(numeral).replace(",", "")
    value = numerals.value(plain)
    return plain if value is None else str(value)


def _renamed(
    claim: str, fact: Fact, named: Sequence[tuple[Kind, str, Passage]], draw: random.Random
) -> str:
    """Return the claim with a gold name put in the place of another of its kind."""
    if fact.kind not in NAME_KINDS or not fact.answer or claim.count(fact.answer) != 1:
        return ""
    if len(fact.answer) > 24 and not _is_english(fact.answer):
        return ""
    own = [name for kind, name, passage in named if kind is fact.kind and passage == fact.passage]
    any_ = [name for kind, name, _ in named if kind is fact.kind]
    pool = (
        own
        if draw.random() < 0.5 and any(_other(name, fact.answer, claim) for name in own)
        else any_
    )
    pool = [name for name in pool if _other(name, fact.answer, claim)]
    return claim.replace(fact.answer, draw.choice(pool)) if pool else ""


def _other(name: str, answer: str, claim: str) -> bool:
    """Tell whether a name is clearly another: it shares no two characters, nor a word."""
    one, two = search_form(name), search_form(answer)
    if _is_english(name):
        return not set(one.split()) & set(two.split()) and name not in claim and len(name) < 50
    pairs = {one[at : at + 2] for at in range(len(one) - 1)}
    return (
        len(one) < 20
        and name not in claim
        and not any(pair in two for pair in pairs)
        and one not in two
    )


_VERBS = re.compile(
    r"(?<![不没未就也还只都总可但若正凡于便])(?P<be>[是有])(?![些的所关效力趣益名意机于限利期害色])|"
    r"(?P<verb>完成|建立|成为|获得|发现|举行|开始|发生|参加|担任|出生|位于|属于|成立|建成|包括|进行|使用|认为|提出|影响|增加|支持|达到|毕业|加入|创立|需要|允许|出现|能够?|可以|会(?=[被在对有使]))"
)
_ENGLISH_VERBS = re.compile(
    r"\b(is|was|are|were|has|had|can|could|will|would|may|did)\b(?! not)(?!n't)"
)
_NEGATIONS = re.compile(r"没有|并不|并未|不(?=[是会能可]|允许)|(?<=[从尚并])未| not\b")


def negation(claim: str, draw: random.Random) -> str:
    """Return the claim's opposite, by a negation put in or taken away; empty where no rule fits."""
    present = list(_NEGATIONS.finditer(to_simplified(claim)))
    if present and draw.random() < 0.7:
        spot = draw.choice(present)
        put = "有" if spot[0] == "没有" else ""
        return claim[: spot.start()] + put + claim[spot.end() :]
    if _is_english(claim):
        found = list(_ENGLISH_VERBS.finditer(claim))
        spot_ = draw.choice(found) if found else None
        return claim[: spot_.end()] + " not" + claim[spot_.end() :] if spot_ else ""
    plain = to_simplified(claim)
    spots = list(_VERBS.finditer(plain))
    if not spots or len(plain) != len(claim):
        return ""
    at = draw.choice(spots)
    word = (
        "没"
        if at[0] == "有"
        else "不"
        if at[0]
        in ("是", "属于", "能", "能够", "可以", "会", "允许", "需要", "支持", "认为", "包括")
        else draw.choice(("没有", "未"))
    )
    if plain != claim:
        word = to_traditional(word)
    return claim[: at.start()] + word + claim[at.start() :]


class _Near:
    """Finds the passage that is most like a sentence by its rare words."""

    def __init__(self, passages: Sequence[Passage], tokenizer: Tokenizer) -> None:
        self._passages, self._tokenizer = passages, tokenizer
        self._words = [Counter(tokenizer.tokens(passage.text)) for passage in passages]
        self._held: dict[str, list[int]] = defaultdict(list)
        for at, words in enumerate(self._words):
            for word in words:
                self._held[word].append(at)

    def second(self, claim: str, fact: Fact) -> Passage | None:
        """Return the best passage that does not hold the fact's sentence; None without one."""
        scores: Counter[int] = Counter()
        for word in set(self._tokenizer.tokens(claim)):
            rows = self._held.get(word, ())
            for at in rows:
                count = self._words[at][word]
                idf = log(1 + (len(self._passages) - len(rows) + 0.5) / (len(rows) + 0.5))
                scores[at] += idf * count * 2.2 / (count + 1.2)  # type: ignore[assignment]
        for at, _ in scores.most_common(5):
            if self._passages[at] != fact.passage and fact.sentence not in self._passages[at].text:
                return self._passages[at]
        return None


def _cosines(cases: Sequence[Case], kept: Path) -> list[float]:
    """Return for each case the cosine with the nearest cited sentence."""
    from embeddings.encoder import open_encoder

    encoder = open_encoder()
    texts = dict.fromkeys(text for case in cases for text in (case.claim, *case.cited.sentences))
    vectors = _read_vectors(kept)
    new = [text for text in texts if text not in vectors]
    for start in range(0, len(new), 500):
        part = new[start : start + 500]
        vectors |= dict(zip(part, encoder.encode_passages(part).astype(np.float16), strict=True))
        _write_vectors(kept, vectors)
    return [
        max(float(vectors[case.claim] @ vectors[one]) for one in case.cited.sentences)
        for case in cases
    ]


def _read_vectors(kept: Path) -> dict[str, np.ndarray]:
    if not kept.exists():
        return {}
    texts = json.loads(kept.with_suffix(".json").read_text("utf-8"))
    return dict(zip(texts, np.load(kept), strict=True))


def _write_vectors(kept: Path, vectors: dict[str, np.ndarray]) -> None:
    np.save(kept, np.stack(list(vectors.values())))
    kept.with_suffix(".json").write_text(json.dumps(list(vectors), ensure_ascii=False), "utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--seeds", nargs=2, type=Path)
    parser.add_argument("--sample", type=int, default=150)
    parser.add_argument("--vectors", type=Path)
    parser.add_argument("--dump", type=Path)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--misses", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
