"""An answer in a language model's words as HTML, for the card that holds the documents' own.

It stands above them while the model writes, and takes their place once it is whole. What the model
wrote is text here, as everything is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from qa.page.markup import Markup, element, join
from qa.page.places import place
from qa.page.references import Kind, Reference, passage_reference, written_references
from qa.page.source_list import cite_html, sources_html
from qa.page.texts import Texts
from qa.page.written_texts import WRITTEN_TEXTS, doubt_words
from qa.records import Failure, Hit, Written, WrittenSentence
from qa.render import doubts_note, language_of, written_note


def written_id(group: str) -> str:
    """Return the id of where a turn's written text stands, or why there is none."""
    return f"{group}-written"


def prose_id(group: str) -> str:
    """Return the id of where its sentences come one by one."""
    return f"{group}-prose"


def by_id(group: str) -> str:
    """Return the id of where it says who wrote it, beside the switch to the documents' own."""
    return f"{group}-by"


def copy_id(group: str) -> str:
    """Return the id of where it is copied from."""
    return f"{group}-copy"


def writing_html(model: str, group: str, texts: Texts) -> Markup:
    """Return what stands there before the first sentence: who writes, and the way to stop it."""
    words = WRITTEN_TEXTS[texts.language]
    stop = element(
        "button", words.stop, type="button", class_="link", data_act="unwrite", data_group=group
    )
    told = element("span", words.writing.format(model=model), class_="busy", role="status")
    return join(
        [
            element("p", told, " ", stop, class_="writing"),
            element("p", id=prose_id(group), class_="prose"),
        ]
    )


def passage_cited(number: int, hit: Hit, group: str) -> Reference:
    """Return the whole passage, for a sentence whose exact place is not known yet."""
    return passage_reference(hit, Kind.CITATION, number, f"{written_id(group)}-passages", number)


def written_sentence_html(
    sentence: WrittenSentence, cited: Mapping[int, Reference], question: str, texts: Texts
) -> Markup:
    """Return a sentence with its numbers; one that is not verified with why it is not.

    Args:
        sentence: as the model wrote it.
        cited: references by citation number; a number without one is left out.
        question: in whose language the doubts are told.
        texts: the words of the page.
    """
    language = language_of(question)
    why = doubts_note(sentence, language)
    numbers = [cite_html(cited[one], texts) for one in sentence.numbers if one in cited]
    # A number stays on the line of the mark before it.
    end = element("span", sentence.text[-1:], *numbers, class_="end")
    said = element("span", sentence.text[:-1], end, class_="said doubted" if why else "said")
    doubt = element("small", doubt_words(why, language), class_="doubt") if why else Markup()
    return join([said, doubt, " " if language == "en" else ""])


def text_html(written: Written, group: str, texts: Texts) -> Markup:
    """Return the whole text with its sources, or the note that says why there is none.

    A text of which nothing is verified has both: the note stands above the documents' own.
    """
    if not written.sentences:
        return _why_not(written)
    references = written_references(written, written_id(group))
    cited = {reference.number: reference for reference in references}
    question = written.answer.question
    said = [written_sentence_html(one, cited, question, texts) for one in written.sentences]
    unsupported = replace(written, failure=Failure.UNVERIFIED)
    return join(
        [
            Markup() if written.verified else _why_not(unsupported),
            element("p", *said, class_="prose"),
            sources_html(references, texts) if references else Markup(),
        ]
    )


def _why_not(written: Written) -> Markup:
    note = written_note(written)
    return element("p", note, class_="unwritten", role="note") if note else Markup()


def by_html(written: Written, *, is_own: bool, texts: Texts) -> Markup:
    """Return who wrote it and the switch; empty where there is nothing to switch.

    Args:
        written: the text.
        is_own: whether the documents' own sentences are shown.
        texts: the words of the page.
    """
    if not written.sentences:
        return Markup()
    words = WRITTEN_TEXTS[texts.language]
    ways = (("written", words.written, not is_own), ("own", words.own, is_own))
    switch = element(
        "span",
        *[
            element(
                "button", name, type="button", data_act="way", data_way=way,
                aria_pressed="true" if is_pressed else "false",
            )
            for way, name, is_pressed in ways
        ],
        class_="ways",
        role="group",
        aria_label=words.ways,
    )  # fmt: skip
    return join([element("span", written_note(written), class_="author"), switch])


def copy_html(written: Written, texts: Texts) -> Markup:
    """Return the button that copies the written text with its sources and who wrote it."""
    if not written.sentences:
        return Markup()
    copied = "\n".join([written_line(written), *_places(written, texts), written_note(written)])
    return element("button", texts.copy, type="button", data_act="copy", data_copy=copied)


def written_line(written: Written) -> str:
    """Return the text in one line, with numbers and doubts in brackets."""
    language = language_of(written.answer.question)
    return (" " if language == "en" else "").join(
        one.text + "".join(f"[{number}]" for number in one.numbers) + _bracketed(one, language)
        for one in written.sentences
    )


def _bracketed(sentence: WrittenSentence, language: str) -> str:
    why = doubts_note(sentence, language)
    if not why:
        return ""
    told = doubt_words(why, language)
    return f" ({told})" if language == "en" else f"（{told}）"


def _places(written: Written, texts: Texts) -> Sequence[str]:
    return [f"[{one.number}] {place(one, texts)}" for one in written_references(written)]
