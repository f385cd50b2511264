"""English questions that ask several things, taken apart.

Knows function words and common verbs, no dictionary of nouns.
"""

from __future__ import annotations

import re

from qa.follow_up_english import subject_of

_AUXILIARY = (
    r"(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should|may|might|must)"
)
_WH = r"(?:what|which|who|whom|whose|when|where|why|how)"
_ASKS = rf"(?:(?:in|on|at|by|for|from|to|with|of|under|since|until)\s+)?{_WH}\b"
_QUESTION = re.compile(rf"(?:{_ASKS}|{_AUXILIARY}\b)", re.I)
_SENTENCE = re.compile(r"[^?;]+[?;]*")
_JOINED = re.compile(
    rf"(?:,\s*(?:and\s+|but\s+|then\s+)*|\s+and\s+)(?={_ASKS}\s+(?:\w+\s+){{0,5}}?{_AUXILIARY}\b"
    rf"|(?:what|who|which)\s+\w+ed\b|how\s+(?:many|much)\b)",
    re.I,
)
_SUBORDINATE = re.compile(rf"(?:when|where|while|since|until)\s+(?!{_AUXILIARY}\b)", re.I)
_OPENS = re.compile(r"^(?:(?:and|also|but|then|so|,)\s+)+", re.I)
_ONE = re.compile(r"\b(?P<one>it|they|them|he|she|him)\b|\b(?P<whose>its|their|his|her)\b", re.I)
_NO_ONE = re.compile(r"\bit\s+(?:take|took|cost|possible|mean|rain|snow)", re.I)
_WHO = re.compile(rf"who (?!{_AUXILIARY}\b)([^?]+)", re.I)
_COUNTED = re.compile(r"^how (?:many|much) (?P<noun>[a-z][\w-]*(?: [a-z][\w-]*)?)\s+(?=\w)", re.I)
_BOUNDED = re.compile(r"how (?:many|much) (?P<where>on|in|for|at|by|from|to) (?P<rest>.+)", re.I)
_COUNTS_BARE = re.compile(rf"^(?P<how>how (?:many|much))\s+(?={_AUXILIARY}\b)", re.I)

_SIZES = {
    "large": "larger bigger greater smaller largest biggest smallest",
    "old": "older oldest",
    "young": "younger youngest",
    "tall": "taller tallest",
    "high": "higher highest lower lowest",
    "long": "longer longest shorter shortest",
    "fast": "faster fastest slower slowest",
    "far": "farther further nearer closer",
    "expensive": "cheaper",
    "heavy": "heavier lighter",
    "deep": "deeper",
    "wide": "wider",
}
_SIZE = {more: size for size, forms in _SIZES.items() for more in forms.split()}
_NAME = r"[^,?]+?"
_WHICH_IS = re.compile(
    rf"^(?:which|who|what)(?: (?P<noun>\w+))? (?P<be>is|was|are|were) (?:the )?"
    rf"(?P<more>(?:more|most|less) \w+|\w+er|\w+est|further)\s*[,:]\s*(?P<a>{_NAME}),?"
    rf" or (?P<b>{_NAME})$",
    re.I,
)
_WHICH_HAS = re.compile(
    rf"^(?:which|who) (?P<verb>[^,?]+?)\s*[,:]\s*(?P<a>{_NAME}),? or (?P<b>{_NAME})$",
    re.I,
)
_HAS_MORE = re.compile(
    r"^(?:\w+ )?(?:has|have|had) (?:the )?(?:more|most|fewer|fewest|less) (?P<what>.+)$", re.I
)
_HAS_LARGER = re.compile(
    r"^(?:\w+ )?(?:has|had) (?:the |an? )?(?:larger|bigger|higher|greater|lower|smaller|longer)"
    r" (?P<what>.+)$",
    re.I,
)
_COMPARE = re.compile(
    rf"^(?:please )?compare (?P<of>the [^,?]+? (?:of|in|at|for) )?(?P<a>{_NAME})"
    rf" (?:and|with|to|against) (?P<b>{_NAME})$",
    re.I,
)
_DIFFER = re.compile(
    rf"^(?:what (?:is|are|was|were) the (?:main )?differences? between"
    rf"|how (?:do|does|did)) (?P<a>{_NAME}) (?:and|differ from) (?P<b>{_NAME})"
    r"(?P<differ> differ(?: from each other)?)?$",
    re.I,
)
_EACH = re.compile(r"\s*,?\s*\b(?:each|respectively)\b", re.I)
_LISTED = re.compile(
    rf"^(?P<head>.*?\b{_AUXILIARY}|.*?\b(?:in|of|for|at|by|from))"
    r" (?P<list>(?:[^,?]+, )*[^,?]+?,? and (?:(?:the |an? )?"
    r"(?:[A-Z0-9][\w'’&.-]*(?: of(?: the)?(?= [A-Z]))?(?: |$))+|[^,?\s]+ ?))(?P<tail>.*)$"
)
_OWNED = re.compile(r"(?P<of>.* (?:of|in|for|at|by)) (?P<name>.+)")
_SINGULAR = {"do": "does", "are": "is", "were": "was", "have": "has"}


def parts(question: str) -> list[str]:
    """Return the questions that an English one is made of; one of them when it asks one thing."""
    asked = _questions(question)
    if len(asked) == 1:
        return _each_asked(question.strip())
    found: list[str] = []
    for part in asked:
        completed = _completed(part, found)
        if completed is None:
            return [question]
        found.append(completed)
    return [part for whole in found for part in _each_asked(whole)]


def _questions(question: str) -> list[str]:
    """Return the pieces of a text that ask, in order; the whole when they are not all questions."""
    found: list[str] = []
    for sentence in _SENTENCE.findall(question):
        if not sentence.strip(" ?;,.") or not _QUESTION.match(_plain(sentence)):
            return [question]
        found += _clauses(_plain(sentence))
    return found or [question]


def _plain(text: str) -> str:
    return _OPENS.sub("", text.strip(" ?;,.\t\n"))


def _clauses(sentence: str) -> list[str]:
    """Return the questions that and or a comma joins; each with words of its own."""
    pieces = _JOINED.split(sentence)
    bare = any(len(piece.split()) < 3 for piece in pieces)
    asks = re.match(_ASKS, sentence, re.I) and not _SUBORDINATE.match(sentence)
    return pieces if asks and not bare else [sentence]


def _completed(part: str, before: list[str]) -> str | None:
    """Return a later question with what it leaves to the one before; None when that is unknown."""
    plain = _plain(part)
    if not before:
        return plain + "?"
    pronoun = _ONE.search(plain)
    if pronoun and not _NO_ONE.search(plain):
        who = _WHO.match(before[0])
        human = pronoun[0].lower() in ("he", "she", "him", "his", "her")
        about = f"the person who {who[1]}" if who and human else _subject(before[0])
        if not about:
            return None
        about += "'s" if pronoun["whose"] else ""
        plain = plain[: pronoun.start()] + about + plain[pronoun.end() :]
    bounded = _BOUNDED.match(plain)
    if bounded:
        before_it, found, _ = before[-1].partition(f" {bounded['where']} ")
        return f"{before_it}{found}{bounded['rest']}?" if found else None
    counted = _COUNTED.match(before[-1])
    bare = _COUNTS_BARE.match(plain)
    if bare and counted and not re.fullmatch(_AUXILIARY, counted["noun"].split()[0], re.I):
        noun = counted["noun"].split()
        kept = noun[:1] if re.fullmatch(_AUXILIARY, noun[-1], re.I) else noun
        plain = f"{bare['how']} {' '.join(kept)} {plain[bare.end() :]}"
    return plain[:1].upper() + plain[1:] + "?"


def _subject(question: str) -> str:
    """Return what a question is about, without the participle behind it."""
    return re.sub(r"(?<=\w) (?:born|built|held|made|\w+ed)$", "", subject_of(question))


def _each_asked(question: str) -> list[str]:
    plain = _plain(question)
    for rule in (_compared, _sized, _chosen, _distributed):
        found = rule(plain)
        if found:
            return found
    return [question]


def _compared(plain: str) -> list[str]:
    """Take apart an order to compare, or a question for a difference."""
    order = _COMPARE.match(plain)
    if order:
        return [f"{order['of'] or ''}{order[side]}?" for side in ("a", "b")]
    differ = _DIFFER.match(plain)
    if differ and ("differ" in plain.lower()):
        return [f"What is {differ[side]}?" for side in ("a", "b")]
    return []


def _sized(plain: str) -> list[str]:
    """Ask how large each is when the question asks which is larger."""
    match = _WHICH_IS.match(plain)
    if not match:
        return []
    more = match["more"].lower()
    size = more.split()[-1] if " " in more else _SIZE.get(more)
    noun = f" {match['noun']}" if match["noun"] else " one"
    sides = [re.sub(r" one$", noun, match[side]) for side in ("a", "b")]
    if size:
        return [f"How {size} {match['be']} {side}?" for side in sides]
    return [f"When {match['be']} {side}?" for side in sides] if more in ("earlier", "later") else []


def _chosen(plain: str) -> list[str]:
    """Ask of each of two what the question asks of the one that it chooses."""
    match = _WHICH_HAS.match(plain)
    if not match:
        return []
    has = _HAS_MORE.match(match["verb"])
    larger = _HAS_LARGER.match(match["verb"])
    if larger:
        return [f"What is the {larger['what']} of {match[side]}?" for side in ("a", "b")]
    if has:
        return [f"How many {has['what']} does {match[side]} have?" for side in ("a", "b")]
    verb = re.sub(r"\s+(?:first|earlier|later|more|most|better|best)$", "", match["verb"])
    return [f"When {match[side]} {verb}?" for side in ("a", "b")] if verb != match["verb"] else []


def _distributed(plain: str) -> list[str]:
    """Ask of each what the question asks of several with each or respectively."""
    if not _EACH.search(plain):
        return []
    match = _LISTED.match(_EACH.sub("", plain))
    if not match or not _QUESTION.match(plain):
        return []
    names = re.split(r",? and |, ", match["list"].strip())
    head = re.sub(r"\w+$", lambda verb: _SINGULAR.get(verb[0], verb[0]), match["head"])
    owned = _OWNED.match(names[0])
    if owned and not _OWNED.match(names[-1]):
        head, names[0] = f"{match['head']} {owned['of']}", owned["name"]
    tail = match["tail"].strip()
    heads = [match["head"] if name.rstrip().endswith("s") else head for name in names]
    pairs = zip(heads, names, strict=True)
    return [f"{head} {name.strip()} {tail}".strip() + "?" for head, name in pairs]
