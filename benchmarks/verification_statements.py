"""A question and its answer -> a statement: a true sentence in words that no passage holds."""

from __future__ import annotations

import re

from benchmarks.verification_facts import is_english
from embeddings.lexical import Tokenizer, to_simplified

LONGEST_ANSWER = 40

_ASKED = re.compile(
    r"(?P<lead>是?[在于])?(?:(?P<when>什么时候|什么时间|什么时期|何时|哪一?[年天](?!代)份?|几月几日|几几年)"
    r"|(?P<where>什么地方|哪里|哪儿|何地|何处|何方)|(?P<count>多少|几(?=[个名位年月日家次岁人条]))"
    r"|(?P<size>多[大长高久远深宽重])|(?P<who>谁)"
    r"|(?P<which>(?:什么|哪)(?:[一几]?[个家位部款种所座条支只次本名项类届间场门架辆艘首])?))"
)
_NOT_STATED = re.compile(
    r"为(?:了)?什么|怎|如何|什么样|是否|[是可能会]不[是可能会]|有没有|哪些|各|分别"
)
_ENDS_OPEN = re.compile(r"(?:[是为叫]|名为|名叫|称为|叫作|叫做|在|位于|于)$")
_MARKS = "？?。 ."

_WHO = re.compile(
    r"^(?:Who|What|Which [\w ]+?) (?=(?:was|is|were|are|did not|has|had|\w+ed)\b)"
    r"(?!(?:was|is|were|are) (?:the|a|an|\w+'s|[A-Z]))"
)
_IS = re.compile(r"^(?:What|Who) (is|was|are|were) (.+?)\?$")
_WHEN = re.compile(r"^(?:When|Where|In what year|What year) (?:did|was|were|is) (.+?)\?$")
_WHAT_LAST = re.compile(r"^(?P<before>.+ )(?:what|whom|who)(?P<noun> \w+)?\?$")


def stated(question: str, answer: str, tokenizer: Tokenizer) -> str:
    """Return a question as a statement with its answer; empty where no rule fits."""
    if not answer or len(answer) > LONGEST_ANSWER or re.search("[;；:：？?]", question[:-1]):
        return ""
    answer = answer.rstrip("。.，, ")
    return (
        _english(question, answer)
        if is_english(question)
        else _chinese(question, answer, tokenizer)
    )


def _chinese(question: str, answer: str, tokenizer: Tokenizer) -> str:
    whole = question.strip().rstrip(_MARKS)
    plain = to_simplified(whole)
    if len(plain) != len(whole) or _NOT_STATED.search(plain):
        return ""
    asked = list(_ASKED.finditer(plain))
    if not asked and _ENDS_OPEN.search(plain):
        return f"{whole}{answer}。"
    if len(asked) != 1 or re.search("[，,。；]", answer):
        return ""
    found = asked[0]
    behind = whole[found.end() :]
    if found["which"]:
        noun = _noun(plain[found.end() :], tokenizer)
        behind = behind[0 if answer.isdigit() else noun :]
    lead = whole[slice(*found.span("lead"))] if found["lead"] else ""
    if lead and answer.startswith(("在", "于")):
        lead = lead[:-1]
    behind = behind[_common(answer, behind) :].removesuffix("呢").removesuffix("吗")
    return f"{whole[: found.start()]}{lead}{answer}{behind}。"


def _noun(behind: str, tokenizer: Tokenizer) -> int:
    """Return the length of the noun that 什么 or 哪个 asks for."""
    length = 0
    for word in tokenizer.words(behind)[:3]:
        tag = tokenizer.tag(word)
        if not tag.startswith(("n", "s", "t", "vn", "a", "b")) or tag.startswith("nr"):
            break
        length += len(word)
    return length


def _common(answer: str, behind: str) -> int:
    """Return how much of what follows the answer says itself (300人, 人)."""
    most = min(4, len(behind), len(answer))
    return next((n for n in range(most, 0, -1) if answer.endswith(behind[:n])), 0)


def _english(question: str, answer: str) -> str:
    if found := _IS.match(question):
        return f"{_capital(found[2])} {found[1]} {answer}."
    if found := _WHEN.match(question):
        return f"{_capital(found[1])}, {answer}."
    if found := _WHAT_LAST.match(question):
        return f"{found['before']}{answer}."
    if _WHO.match(question):
        return _WHO.sub(lambda _: f"{_capital(answer)} ", question).rstrip("?") + "."
    return ""


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
