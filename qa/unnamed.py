"""What a question names that stands nowhere in the documents: places, and what is counted."""

from __future__ import annotations

import re
from collections.abc import Sequence

from embeddings.lexical import Tokenizer, search_form
from qa.divisions import divisions
from qa.found import Found
from qa.kinds import Kind, Wanted

_PLACE_TAG = "ns"
_DIVISIONS = "市县省"

LEAST_AS_DIVISION = 0.03
"""Of all that the dictionary counted of a word, what it counted as the name of a city or county.

It knows 烟台市 (45) as a place and 烟台 (479) as a noun; also 和平县 (4), beside 和平 (7998).
"""

# Words that questions have, and not the texts that answer them.
_OF_A_QUESTION = re.compile("(?:比|比例|百分比|率|值|数|量|总额|金额|名次|者|人|人物)$")


def is_place(word: str, tokenizer: Tokenizer) -> bool:
    """Tell whether the dictionary knows a word as the name of a place."""
    return len(word) > 1 and tokenizer.tag(word) == _PLACE_TAG


def names_place(word: str, tokenizer: Tokenizer) -> bool:
    """Tell whether a word is a place, also one that is known as such by its longer name only."""
    if len(word) < 2 or is_place(word, tokenizer):
        return len(word) > 1
    longer = [word + division for division in _DIVISIONS]
    places = [tokenizer.count(one) for one in longer if is_place(one, tokenizer)]
    return bool(places) and max(places) >= LEAST_AS_DIVISION * tokenizer.count(word)


def place_is_unknown(found: Found, tokenizer: Tokenizer) -> bool:
    """Tell whether the question names a place that stands nowhere in the index.

    A place within the name of another one counts only with it (青海 in 青海地区).
    """
    places = [word for word in found.matches.weights if names_place(word, tokenizer)]
    known = [place for place in places if place in found.matches.held]
    unknown = (place for place in places if place not in found.matches.held)
    return _division_is_unknown(found, tokenizer) or any(
        not any(one in place or place in one for one in known) for place in unknown
    )


def _division_is_unknown(found: Found, tokenizer: Tokenizer) -> bool:
    """Tell whether it names a division (历下区) that no word and no candidate's text holds."""
    named = divisions(tokenizer.words(search_form(found.question)))
    return any(not _is_held(spellings, found) for spellings in named)


def noun_is_unknown(found: Found, wanted: Wanted, tokenizer: Tokenizer) -> bool:
    """Tell whether what is counted (几家医院), or who holds it (区长是谁), is named nowhere.

    Args:
        found: what was found for a question.
        wanted: what it wants.
        tokenizer: knows parts of speech.
    """
    asked = _asked_noun(wanted, tokenizer)
    return bool(asked) and not _is_held((asked,), found)


def _asked_noun(wanted: Wanted, tokenizer: Tokenizer) -> str:
    counted = wanted.kind is Kind.NUMBER and wanted.units[:1] != ("第",)
    if not counted and wanted.kind is not Kind.PERSON:
        return ""
    said = wanted.head if counted and wanted.head else wanted.before
    if _OF_A_QUESTION.search(said):
        return ""
    words = tokenizer.words(said)
    nouns = [word for word in words if len(word) > 1 and tokenizer.tag(word)[:1] == "n"]
    return nouns[0 if said == wanted.head else -1] if nouns else ""


def _is_held(spellings: Sequence[str], found: Found) -> bool:
    """Tell whether any spelling is a word of the index, or stands in a candidate's text."""
    if any(one in found.matches.held for one in spellings):
        return True
    texts = found.gathered.texts if found.gathered else None
    read = (search_form(text) for text in (*texts.titles, *texts.sentences)) if texts else ()
    return any(one in text for text in read for one in spellings)
