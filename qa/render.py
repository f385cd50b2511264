"""Answers and hits -> text for a terminal, Markdown, and their one JSON form."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from math import ceil
from typing import Any

from embeddings.cleaning import HAN
from embeddings.lexical import search_form, to_simplified
from qa.printable import printable_line
from qa.records import Answer, Citation, Doubt, Failure, Hit, Reason, Written, WrittenSentence

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
        names = [_one_line(first.title), printable_line(first.source)]
        parts = [*names, _page(first.page), first.date or "", ranges]
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
    return f"- {_one_line(hit.title)} · {printable_line(hit.source)} · {start}"


def hits_to_text(hits: Sequence[Hit], question: str = "") -> str:
    """Return hits for the terminal: rank, score, place, words that matched, and the text.

    Words are shown as `question` writes them.
    """
    written = as_written({word for hit in hits for word in hit.signals.words}, question)
    return "\n\n".join(_hit_block(rank, hit, written) for rank, hit in enumerate(hits, 1))


def _hit_block(rank: int, hit: Hit, written: Mapping[str, str]) -> str:
    places = ", ".join(f"{span.start}-{span.end}" for span in hit.spans)
    above = " · ".join(_one_line(part) for part in (hit.title, hit.heading, hit.date) if part)
    found = hit.signals
    signals = f"dense {found.dense:.3f}, sentence {found.sentence:.3f}, BM25 {found.bm25:.1f}"
    words = " ".join(written[word] for word in found.words)
    return (
        f"{rank}. {hit.score:.3f}  {printable_line(hit.source)} · {places}\n   {above}\n"
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
    return f"\n   also in {', '.join(map(printable_line, names[:_NAMED]))}{more}" if names else ""


_BY = {
    "zh": "由 {model} 根据 {passages} 个段落写成，{count} 句中 {verified} 句已核对原文。",
    "zh-Hant": "由 {model} 根據 {passages} 個段落寫成，{count} 句中 {verified} 句已核對原文。",
    "en": "Written by {model} from {passages}, {verified} of {count} verified.",
}
_FELL_BACK = {
    "zh": "语言模型{why}，以下是文档原句；{advice}。",
    "zh-Hant": "語言模型{why}，以下是文件原句；{advice}。",
    "en": "The language model {why}; these are the documents' own sentences; {advice}.",
}
_FAILURES = {
    Failure.UNREACHABLE: ("连接不上", "連接不上", "cannot be reached"),
    Failure.TIMEOUT: ("超时没有答完", "逾時沒有答完", "took too long"),
    Failure.BUSY: ("正忙", "正忙", "is busy"),
    Failure.DENIED: ("拒绝了密钥", "拒絕了金鑰", "refused the key"),
    Failure.UNKNOWN_MODEL: (
        "地址或名称不对",
        "位址或名稱不對",
        "is not at this address, or not by this name",
    ),
    Failure.SERVER_ERROR: ("出错了", "出錯了", "failed"),
    Failure.BROKEN: ("的回答中断了", "的回答中斷了", "broke off its answer"),
    Failure.EMPTY: ("没有回答", "沒有回答", "wrote nothing"),
    Failure.NONSENSE: ("的回答无法使用", "的回答無法使用", "wrote nothing usable"),
    Failure.WRONG_LANGUAGE: (
        "没有用提问的语言回答",
        "沒有用提問的語言回答",
        "did not answer in the question's language",
    ),
    Failure.NO_ANSWER: ("没有写出答案", "沒有寫出答案", "found no answer in the passages"),
    Failure.UNVERIFIED: (
        "写的话没有一句得到原文支持",
        "寫的話沒有一句得到原文支持",
        "wrote nothing that the documents support",
    ),
    Failure.CHANGED: (
        "还在写时文档有了变化",
        "還在寫時文件有了變化",
        "was still writing when the documents changed",
    ),
}
_AGAIN = ("可再问一次", "可再問一次", "ask again")
_ANOTHER = (
    "可再问一次，或换一个模型",
    "可再問一次，或換一個模型",
    "ask again, or set another model",
)
_ADVICE = {
    Failure.UNREACHABLE: (
        "请启动它的服务，或检查 llm_url",
        "請啟動它的服務，或檢查 llm_url",
        "start its server, or check llm_url",
    ),
    Failure.TIMEOUT: (
        "可再问一次，或调大 llm_timeout",
        "可再問一次，或調大 llm_timeout",
        "ask again, or set a longer llm_timeout",
    ),
    Failure.BUSY: ("可稍后再试", "可稍後再試", "try again later"),
    Failure.DENIED: ("请检查 llm_key", "請檢查 llm_key", "check llm_key"),
    Failure.UNKNOWN_MODEL: (
        "请检查 llm_url 和 llm_model",
        "請檢查 llm_url 和 llm_model",
        "check llm_url and llm_model",
    ),
    Failure.SERVER_ERROR: (
        "原因见它的服务日志",
        "原因見它的服務日誌",
        "the log of its server says why",
    ),
    Failure.NONSENSE: _ANOTHER,
    Failure.WRONG_LANGUAGE: _ANOTHER,
    Failure.UNVERIFIED: _ANOTHER,
}
_WAIT = {
    "zh": "{seconds} 秒后可再试",
    "zh-Hant": "{seconds} 秒後可再試",
    "en": "try again in {seconds} s",
}
_DOUBTS = {
    Doubt.UNCITED: ("未注明出处", "未註明出處", "no source given"),
    Doubt.NO_SUCH_PASSAGE: ("出处不存在", "出處不存在", "no such passage"),
    Doubt.NUMBER: ("原文没有这个数字", "原文沒有這個數字", "number not in the source"),
    Doubt.NEGATION: ("原文没有这样否定", "原文沒有這樣否定", "not denied in the source"),
    Doubt.UNSUPPORTED: ("未得到原文支持", "未得到原文支持", "not supported by the source"),
}
_LANGUAGES = ("zh", "zh-Hant", "en")


def written_note(written: Written) -> str:
    """Return who wrote an answer and what of it is verified, or why the model's is not shown.

    It is in the question's language; empty where the model was not asked.
    """
    language = language_of(written.answer.question)
    if written.failure is not None:
        why = _FAILURES[written.failure][_LANGUAGES.index(language)]
        return _FELL_BACK[language].format(why=why, advice=_advice(written, language))
    if not written.sentences:
        return ""
    return _BY[language].format(
        model=_one_line(written.model),
        passages=_counted(written.passages, "passage", language),
        count=_counted(written.count, "sentence", language),
        verified=written.verified,
    )


def _counted(count: int, noun: str, language: str) -> str:
    """Return a number, in English with the noun that it counts."""
    plural = noun if count == 1 else f"{noun}s"
    return f"{count} {plural}" if language == "en" else str(count)


def _advice(written: Written, language: str) -> str:
    if written.wait:
        return _WAIT[language].format(seconds=ceil(written.wait))
    said = _ADVICE.get(written.failure, _AGAIN) if written.failure else _AGAIN
    return said[_LANGUAGES.index(language)]


def doubts_note(sentence: WrittenSentence, language: str) -> str:
    """Return why a sentence is not verified, in ``zh``, ``zh-Hant`` or ``en``; empty if it is."""
    at = _LANGUAGES.index(language)
    return (", " if language == "en" else "，").join(_DOUBTS[one][at] for one in sentence.doubts)


def written_to_json(written: Written) -> dict[str, Any]:
    """Return the JSON form of a written answer; the extractive one is whole in ``answer``."""
    fields = asdict(written)
    fields["answer"] = answer_to_json(written.answer)
    fields["sentences"] = [written_sentence_to_json(one) for one in written.sentences]
    fields["text"] = written_text(written)
    fields["note"] = written_note(written)
    return fields


def written_sentence_to_json(sentence: WrittenSentence) -> dict[str, Any]:
    """Return the JSON form of a sentence that a language model wrote."""
    return {**asdict(sentence), "verified": sentence.verified}


def written_text(written: Written) -> str:
    """Return what the model wrote, without citations; the extractive text where it has nothing."""
    if not written.sentences:
        return written.answer.text
    return glue(_language(written)).join(one.text for one in written.sentences)


def written_to_text(written: Written) -> str:
    """Return a written answer for the terminal: sentences, sources, who wrote it, the original."""
    note = written_note(written)
    if not written.sentences:
        return "\n".join([*([note, ""] if note else []), answer_to_text(written.answer)])
    said = _written_line(written, "{}")
    own = "".join(one.text for one in written.answer.sentences)
    return "\n".join(
        [said, "", *source_lines(written.citations), "", note, _OWN[_language(written)] + own]
    )


def written_to_markdown(written: Written) -> str:
    """Return a written answer as Markdown: doubts in italics, the documents' own words quoted.

    What models and documents wrote is escaped.
    """
    note = markdown_escaped(written_note(written))
    own = markdown_escaped(written.answer.text or remark(written.answer))
    if not written.sentences:
        return "\n\n".join(part for part in (f"*{note}*" if note else "", own) if part)
    lines = [f"- {markdown_escaped(line)}" for line in source_lines(written.citations)]
    return "\n\n".join(
        [
            _written_line(written, "*{}*", markdown_escaped),
            "\n".join(lines),
            f"*{note}*",
            f"> {own}",
        ]
    )


def _written_line(
    written: Written, doubt: str, escaped: Callable[[str], str] = lambda text: text
) -> str:
    language = _language(written)
    parts = [numbered(one, language, doubt, escaped) for one in written.sentences]
    return glue(language).join(parts)


def numbered(
    sentence: WrittenSentence,
    language: str,
    doubt: str = "{}",
    escaped: Callable[[str], str] = lambda text: text,
) -> str:
    """Return a sentence with the numbers that it cites, and its doubts in brackets.

    Args:
        sentence: that a language model wrote.
        language: ``zh``, ``zh-Hant`` or ``en``.
        doubt: what is put around doubts, with ``{}`` for them.
        escaped: makes the text safe for where it goes.
    """
    numbers = "".join(escaped(f"[{number}]") for number in sentence.numbers)
    noted = doubts_note(sentence, language)
    marked = doubt.format(_brackets(noted, language)) if noted else ""
    return escaped(sentence.text) + numbers + marked


def glue(language: str) -> str:
    """Return what stands between two sentences."""
    return " " if language == "en" else ""


def doubts() -> tuple[str, ...]:
    """Return every doubt in every language, as `doubts_note` says them."""
    return tuple(said for one in _DOUBTS.values() for said in one)


_OWN = {"zh": "原句：", "zh-Hant": "原句：", "en": "In the documents: "}
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+!|<>&~-])")


def markdown_escaped(text: str) -> str:
    """Return text that Markdown shows as it is, on one line."""
    return _MARKDOWN.sub(r"\\\1", _one_line(text))


def _language(written: Written) -> str:
    return language_of(written.answer.question)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _brackets(text: str, language: str) -> str:
    return f" ({text})" if language == "en" else f"（{text}）"
