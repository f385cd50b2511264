"""What a user's own questions correct of the shipped weights, and whether that is worth it.

Four parts, one after the other, each on top of those that were kept. Whatever is judged, is judged
by a fit that saw neither the question nor another one over the same evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embeddings.errors import QuestionError
from qa.convex import Problem, chosen
from qa.correction import Correction, Own, log_odds, probability
from qa.examples import LEAST_QUESTIONS, odds, passage_choices, sentence_choices
from qa.folds import FOLDS, Difference, difference, folds_of, groups_of
from qa.judging import Figure, Shipped, Verdicts, figures, judge
from qa.own_questions import Case

FALSE_REFUSALS = 0.05
"""Share of answerable questions that a fitted threshold may refuse."""

LOWEST, HIGHEST = 0.01, 0.99
"""A fitted threshold lies between these."""

LIKELIHOOD = "log likelihood"

_AIMS = {"passages": "passage first", "sentences": "sentence first"}
"""The figure that a part must raise to be kept: what gets likelier need not change any order."""

_SURELY = 2
"""Standard errors."""


@dataclass(frozen=True, slots=True)
class Part:
    """What became of one part.

    Attributes:
        name: ``passages``, ``sentences``, ``threshold`` or ``support``: a field of `Own`, but for
            the threshold, which is its ``least``.
        gains: what should get better: the log likelihood, in nats a question, or for the threshold
            ``answered`` or ``refused``, a share of questions.
        gain: how much better it got, by questions left out; None where nothing could be fitted.
        kept: whether the part is kept.
    """

    name: str
    gains: str
    gain: Difference | None
    kept: bool


@dataclass(frozen=True, slots=True)
class Fit:
    """What was fitted.

    Attributes:
        own: what is corrected, and of the parts that were not kept nothing.
        parts: passages, sentences, threshold, support.
        figures: before and after, by questions left out.
        answerable, unanswerable: how many questions there were.
    """

    own: Own
    parts: tuple[Part, ...]
    figures: tuple[Figure, ...]
    answerable: int
    unanswerable: int


def fit(cases: Sequence[Case], shipped: Shipped) -> Fit:
    """Fit all parts, and keep those by which questions left out go better.

    Better and worse is what is so by more than a standard error. The weights of passages and of
    sentences are kept when the right ones get likelier and more often first, those of support when
    it gets likelier whether there is an answer; in each case if no figure gets worse.

    The threshold is that of `threshold_of`. Where the one before surely (by two standard errors)
    refuses more answerable questions than `FALSE_REFUSALS`, it is kept if it refuses fewer of them;
    else if it refuses more of what is not answered, and not surely too many of the others. Weights
    of support come with a new threshold, so that exchange is open to them as well.

    Raises:
        QuestionError: there are too few answerable questions, or they stand on too few places.
    """
    check(cases)
    work = _Work(cases, shipped)
    parts = (
        work.try_weights("passages", passage_choices),
        work.try_weights("sentences", sentence_choices),
        work.try_threshold(),
        work.try_weights("support", odds),
    )
    answerable = sum(case.answerable for case in cases)
    return Fit(work.whole, parts, work.figures(), answerable, len(cases) - answerable)


def check(cases: Sequence[Case]) -> None:
    """Refuse questions that too little can be learned from.

    Raises:
        QuestionError: as `fit`.
    """
    evidence = [case.evidence for case in cases if case.answerable]
    check_count(len(evidence))
    places = len(np.unique(groups_of(evidence)))
    if places < FOLDS:
        raise QuestionError(
            f"A fit needs questions about {FOLDS} places of the documents at least, some to learn "
            f"from and others to be judged by; the {len(evidence)} answerable ones are about "
            f"{places}: ask about more of the documents."
        )


def check_count(answerable: int) -> None:
    """Refuse too few answerable questions.

    Raises:
        QuestionError: there are fewer than `LEAST_QUESTIONS`.
    """
    if answerable < LEAST_QUESTIONS:
        raise QuestionError(
            f"A fit needs {LEAST_QUESTIONS} answerable questions at least, and {answerable} were "
            "given; write more of them: with 100, and 20 unanswerable ones, it is worth much more."
        )


Making = Callable[[Sequence[Case], Own, Shipped], Problem | None]
"""Makes the examples that a part is fitted to, on top of what is corrected; None without any."""


class _Work:
    """The questions in their folds, and what was kept so far.

    Attributes:
        whole: what is corrected, fitted to all questions.
    """

    def __init__(self, cases: Sequence[Case], shipped: Shipped) -> None:
        self._cases, self._shipped = cases, shipped
        self._groups = groups_of([case.evidence for case in cases])
        self._folds = folds_of(self._groups, [case.answerable for case in cases])
        self.whole = Own()
        self._without = [Own()] * FOLDS  # by fold, fitted to the questions of the others
        self._before = self._now = self._judged(self._without)

    def _judged(self, without: Sequence[Own]) -> Verdicts:
        return judge(self._cases, [without[fold] for fold in self._folds], self._shipped)

    def figures(self) -> tuple[Figure, ...]:
        """Return the figures before any part, and with those that were kept."""
        return tuple(figures(self._before, self._now, self._groups))

    def try_weights(self, name: str, making: Making) -> Part:
        """Fit the weights of a part, and keep them if they are worth it."""
        problems = [making(self._cases, own, self._shipped) for own in (*self._without, self.whole)]
        found = [problem for problem in problems if problem is not None]
        if len(found) < len(problems):
            return Part(name, LIKELIHOOD, None, False)
        *without, whole = (self._fitted(problem, fold) for fold, problem in enumerate(found))
        gain = self._gain(found[:FOLDS], without)
        if not gain.better:
            return Part(name, LIKELIHOOD, gain, False)
        owns = zip([*self._without, self.whole], [*without, whole], strict=True)
        *made, last = (_with(own, name, correction) for own, correction in owns)
        made, last = self._thresholds(made, last, name == "support")
        after = self._judged(made)
        kept = self._is_better(after, _AIMS.get(name))
        if kept:
            self._without, self.whole, self._now = made, last, after
        return Part(name, LIKELIHOOD, gain, kept)

    def _is_better(self, after: Verdicts, aim: str | None) -> bool:
        """Tell whether the figure that is aimed at gets better, and none gets worse.

        Without an aim, as with a threshold, more may be refused of what can be answered if more is
        of what cannot.
        """
        found = {one.name: one.change for one in figures(self._now, after, self._groups)}
        worse = {name for name, change in found.items() if change.worse}
        if aim is not None:
            return found[aim].better and not worse
        return not worse or (worse == {"answered"} and self._refused(after).kept)

    def _fitted(self, problem: Problem, left_out: int) -> Correction:
        folds = self._folds[problem.of]
        wanted = folds != left_out
        return chosen(problem.taken(wanted), folds[wanted])

    def _gain(self, problems: Sequence[Problem], without: Sequence[Correction]) -> Difference:
        """Return how much likelier questions got by the fit that was made without them."""
        before, after, groups = [], [], []
        for fold, (problem, correction) in enumerate(zip(problems, without, strict=True)):
            own = problem.taken(self._folds[problem.of] == fold)
            before.append(own.likelihood(Correction.none(len(correction.weights))))
            after.append(own.likelihood(correction))
            groups.append(self._groups[own.of])
        return difference(np.concatenate(before), np.concatenate(after), np.concatenate(groups))

    def try_threshold(self) -> Part:
        """Fit the threshold by itself, and keep it if it is worth it."""
        if self._shipped.fixed:
            return Part("threshold", "refused", None, False)
        made, whole = self._thresholds(self._without, self.whole, True)
        after = self._judged(made)
        part = self._judged_threshold(after)
        if part.kept:
            self._without, self.whole, self._now = made, whole, after
        return part

    def _judged_threshold(self, after: Verdicts) -> Part:
        if not self._refuses_too_many(self._now):
            return self._refused(after)
        before, now = (one.figure("answered") for one in (self._now, after))
        gain = difference(before, now, self._groups)
        return Part("threshold", "answered", gain, gain.better)

    def _refused(self, after: Verdicts) -> Part:
        gain = difference(self._now.refused, after.refused, self._groups)
        kept = gain.better and not self._refuses_too_many(after)
        return Part("threshold", "refused", gain, kept)

    def _refuses_too_many(self, verdicts: Verdicts) -> bool:
        allowed = np.full(len(self._groups), 1 - FALSE_REFUSALS)
        change = difference(allowed, verdicts.figure("answered"), self._groups)
        return change.mean < -_SURELY * change.error

    def _thresholds(
        self, without: Sequence[Own], whole: Own, wanted: bool
    ) -> tuple[list[Own], Own]:
        """Return corrections with thresholds that suit them; as they are if that is not wanted.

        Each threshold is made of what was said of the questions by fits without them.
        """
        if not wanted or self._shipped.fixed:
            return list(without), whole
        said = self._judged(without)
        leasts = [threshold_of(said, self._folds != fold) for fold in range(FOLDS + 1)]
        made = [replace(own, least=one) for own, one in zip([*without, whole], leasts, strict=True)]
        return made[:FOLDS], made[FOLDS]


def _with(own: Own, name: str, correction: Correction) -> Own:
    """Correct one part more. Support reads how sure a ranking is: only its order is corrected."""
    changed: dict[str, Any] = {name: correction if name == "support" else correction.of_order()}
    return replace(own, **changed)


def threshold_of(judged: Verdicts, wanted: NDArray[np.bool_]) -> float:
    """Return the threshold that refuses most while it refuses few answerable questions.

    Of answerable questions it refuses at most the share `FALSE_REFUSALS`, of those that are not
    answered as many as it then can. Between what it refuses and what it does not it lies midway, on
    the scale of log odds.

    Args:
        judged: how likely each question was said to be answered.
        wanted: the questions to make it of.
    """
    answerable = np.sort(judged.support[wanted & judged.answerable])
    unsupported = judged.unsupported[wanted]
    highest = answerable[int(FALSE_REFUSALS * len(answerable))]
    below = unsupported[unsupported < highest]  # nan is not below
    low = below.max(initial=0.0)
    high = answerable[answerable > low].min(initial=highest)
    middle = log_odds(np.clip((low, high), LOWEST, HIGHEST)).mean(keepdims=True)
    return float(probability(middle)[0])
