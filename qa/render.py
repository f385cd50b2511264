"""Answers and hits -> text for a terminal, Markdown, and their one JSON form."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from embeddings.cleaning import HAN
from embeddings.lexical import search_form, to_simplified
from qa.records import Answer, Citation, Hit, Reason

_NAMED = 5
"""Other files that are named for a hit; of more, only the number is."""

_LONGEST_READ = 2000
"""Characters of a question that are looked through for its words."""

_HAN = re.compile(rf"[{HAN}]")

_REFUSALS = {
    "zh": "文档里没有答案。",
    "zh-Hant": "文件裡沒有答案。",
    "en": "The documents do not answer this.",
}
_NEAREST = {"zh": "最接近的段落：", "zh-Hant": "最接近的段落：", "en": "Nearest passages:"}
_SMALL_TALK = {
    "zh": (
        "你好！我只根据你的文档回答问题，每句话都注明出处。问问文档里写的人、事、数字或日期吧。"
    ),
    "zh-Hant": (
        "你好！我只根據你的文件回答問題，每句話都註明出處。問問文件裡寫的人、事、數字或日期吧。"
    ),
    "en": (
        "Hello! I answer from your documents only, and every sentence names its source. "
        "Ask about the people, events, figures or dates in them."
    ),
}


def language_of(question: str) -> str:
    """Return ``zh``, ``zh-Hant`` or ``en``, the language to reply in."""
    if not _HAN.search(question):
        return "en"
    return "zh" if to_simplified(question) == question else "zh-Hant"


def remark(answer: Answer) -> str:
    """Return the bot's own sentence beside an answer: empty, or why there is none."""
    language = language_of(answer.question)
    if answer.answered:
        return ""
    return (_SMALL_TALK if answer.reason is Reason.SMALL_TALK else _REFUSALS)[language]


def remarks() -> tuple[str, ...]:
    """Return every sentence that `remark` can say."""
    return (*_REFUSALS.values(), *_SMALL_TALK.values())


def hit_to_json(hit: Hit) -> dict[str, Any]:
    """Return the JSON form of a hit; spans are ``[start, end]``."""
    fields = asdict(hit)
    fields["spans"] = _pairs(fields["spans"])
    for place in fields["places"]:
        place["spans"] = _pairs(place["spans"])
    return fields


def answer_to_json(answer: Answer) -> dict[str, Any]:
    """Return the JSON form of an answer."""
    fields = asdict(answer)
    fields["nearest"] = [hit_to_json(hit) for hit in answer.nearest]
    for sentence in fields["sentences"]:
        sentence["marks"] = _pairs(sentence["marks"])
    fields["remark"] = remark(answer)
    return fields


def _pairs(spans: Iterable[dict[str, int]]) -> list[list[int]]:
    return [[span["start"], span["end"]] for span in spans]


def answer_to_text(answer: Answer) -> str:
    """Return an answer for the terminal: numbered sentences, then their sources."""
    if not answer.answered:
        return "\n".join([remark(answer), *_nearest_lines(answer)])
    said = "".join(f"{sentence.text}[{sentence.number}]" for sentence in answer.sentences)
    return "\n".join([said, "", *source_lines(answer.citations)])


def source_lines(citations: Sequence[Citation]) -> list[str]:
    """Return a line for each citation number: title, file, page, date and character ranges."""
    lines = []
    for number in dict.fromkeys(citation.number for citation in citations):
        pieces = [citation for citation in citations if citation.number == number]
        ranges = ", ".join(f"{piece.start}-{piece.end}" for piece in pieces)
        first = pieces[0]
        parts = [first.title, first.source, _page(first.page), first.date or "", ranges]
        lines.append(f"[{number}] " + " · ".join(part for part in parts if part))
    return lines


def _page(page: int | None) -> str:
    return f"p. {page}" if page else ""


def _nearest_lines(answer: Answer) -> list[str]:
    if not answer.nearest:
        return []
    return ["", _NEAREST[language_of(answer.question)], *map(_hit_line, answer.nearest[:3])]


def _hit_line(hit: Hit) -> str:
    start = hit.text[:60] + ("…" if len(hit.text) > 60 else "")
    return f"- {hit.title} · {hit.source} · {start}"


def hits_to_text(hits: Sequence[Hit], question: str = "") -> str:
    """Return hits for the terminal: rank, score, place, words that matched, and the text.

    Words are shown as `question` writes them.
    """
    written = as_written({word for hit in hits for word in hit.signals.words}, question)
    return "\n\n".join(_hit_block(rank, hit, written) for rank, hit in enumerate(hits, 1))


def _hit_block(rank: int, hit: Hit, written: Mapping[str, str]) -> str:
    places = ", ".join(f"{span.start}-{span.end}" for span in hit.spans)
    above = " · ".join(part for part in (hit.title, hit.heading, hit.date or "") if part)
    found = hit.signals
    signals = f"dense {found.dense:.3f}, sentence {found.sentence:.3f}, BM25 {found.bm25:.1f}"
    words = " ".join(written[word] for word in found.words)
    return (
        f"{rank}. {hit.score:.3f}  {hit.source} · {places}\n   {above}\n"
        f"   ({signals}{words and f', words {words}'})\n   {hit.text}{_also_in(hit)}"
    )


def as_written(words: Iterable[str], question: str) -> dict[str, str]:
    """Return words, which are in search form, as a question writes them: 濟陽 for 济阳.

    One that does not stand in it as it is, such as 1200 for 1,200, stays in search form.
    """
    read = question[:_LONGEST_READ].encode("utf-8", "replace").decode()
    forms = [search_form(character) for character in read]
    owners = [at for at, form in enumerate(forms) for _ in form]
    whole = "".join(forms)
    return {word: _written(word, whole.find(word), owners, read) for word in words}


def _written(word: str, at: int, owners: Sequence[int], question: str) -> str:
    return word if at < 0 else question[owners[at] : owners[at + len(word) - 1] + 1]


def _also_in(hit: Hit) -> str:
    """Return a line that names other files with the same text; empty when there are none."""
    names = [name for name in dict.fromkeys(p.source for p in hit.places) if name != hit.source]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"\n   also in {', '.join(names[:_NAMED])}{more}" if names else ""
