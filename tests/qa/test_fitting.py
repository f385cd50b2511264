"""What questions correct: found where there is something to find, and nothing made of noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embeddings.errors import QuestionError
from qa.correction import Own, Values, probability
from qa.evidence import PASSAGE_FEATURES, SENTENCE_FEATURES, Evidence
from qa.examples import odds
from qa.fitting import FALSE_REFUSALS, Fit, fit, threshold_of
from qa.judging import Shipped, Verdicts, judge
from qa.own_questions import Candidates, Case, Told
from qa.ranking import Layers
from qa.support import COLUMNS, Support, columns
from tests.rankings import ranking_by

PASSAGES, EACH = 3, 3
NONE = np.zeros(0, np.bool_)
TELLING = "sentence number"
"""Column of support by which the tests tell an answer: the shipped odds are this column."""


def support() -> Support:
    weight = np.zeros((len(COLUMNS), 1), np.float32)
    weight[COLUMNS.index(TELLING)] = 1
    nothing = np.zeros(len(COLUMNS), np.float32)
    return Support(Layers(nothing, nothing + 1, (weight,), (np.zeros(1, np.float32),)), ())


RANKING = ranking_by({"dense": 1.0}, {"cosine": 1.0}, trust=1.0)
SUPPORT = support()
SHIPPED = Shipped(RANKING, SUPPORT, 0.5)


@dataclass(frozen=True)
class Made:
    """Candidates whose evidence is made, and whose support is decided by weights unless told."""

    evidence: Evidence
    known: Values | None = None
    certain: float | None = None

    def told(self, own: Own) -> Told:
        ranked = own.ranking(RANKING)(self.evidence, self.known)
        weighed = own.chosen(self.evidence, ranked)
        if self.certain is not None:
            return Told(weighed, self.certain, False)
        return Told(weighed, SUPPORT(columns(self.evidence, weighed)), True)


def made(rng: np.random.Generator, odds: float = 0.0, **strength: float) -> tuple[Made, int, int]:
    """Candidates, and the gold passage and sentence drawn by `dense`, `cosine` and what is told."""
    passages = rng.normal(0, 1, (PASSAGES, len(PASSAGE_FEATURES))).astype(np.float32)
    sentences = rng.normal(0, 1, (PASSAGES * EACH, len(SENTENCE_FEATURES))).astype(np.float32)
    sentences[:, SENTENCE_FEATURES.index("number")] = odds
    passages[:, PASSAGE_FEATURES.index("dense")] *= 3
    weight = passages[:, PASSAGE_FEATURES.index("dense")].astype(np.float64)
    weight += strength.get("passages", 0.0) * passages[:, PASSAGE_FEATURES.index("pairs")]
    own = sentences[:, SENTENCE_FEATURES.index("cosine")].astype(np.float64)
    own += strength.get("sentences", 0.0) * sentences[:, SENTENCE_FEATURES.index("form")]
    gold = rng.choice(PASSAGES, p=shares(weight))
    first = gold * EACH
    inside = rng.choice(EACH, p=shares(own[first : first + EACH]))
    starts = np.arange(PASSAGES) * EACH
    return Made(Evidence(passages, sentences, starts)), int(gold), int(first + inside)


def shares(weights: Values) -> Values:
    found: Values = np.exp(weights - np.logaddexp.reduce(weights))
    return found


def answerable(
    rng: np.random.Generator, place: int, odds: float, near: float | None, **strength: float
) -> Case:
    found, passage, sentence = made(rng, odds, **strength)
    rest = None if near is None else (made(rng, near)[0],)
    return Case(
        True, (found,), rest, np.arange(PASSAGES) == passage,
        np.arange(PASSAGES * EACH) == sentence, frozenset([("甲.txt", place)]),
    )  # fmt: skip


def unanswerable(rng: np.random.Generator, odds: float) -> Case:
    return Case(False, (made(rng, odds)[0],), None, NONE, NONE)


def questions(
    seed: int, count: int, low: float = -3.0, high: float = 3.0, **strength: float
) -> list[Case]:
    """Answerable questions, and a quarter as many others.

    By these means and this spread the shipped odds are right but for what is added to both.
    """
    rng = np.random.default_rng(seed)
    spread = (high - low) ** 0.5
    answered = [
        answerable(rng, at, rng.normal(high, spread), rng.normal(low, spread), **strength)
        for at in range(count)
    ]
    return answered + [unanswerable(rng, rng.normal(low, spread)) for _ in range(count // 4)]


def kept(found: Fit) -> list[str]:
    return [part.name for part in found.parts if part.kept]


def figure(found: Fit, name: str) -> tuple[float, float]:
    (one,) = (one for one in found.figures if one.name == name)
    return one.before, one.after


@pytest.mark.parametrize("seed", range(2))
def test_noise_changes_nothing(seed: int) -> None:
    found = fit(questions(seed, 40), SHIPPED)
    assert kept(found) == []
    assert found.own == Own()
    assert all(one.before == one.after for one in found.figures)
    assert (found.answerable, found.unanswerable) == (40, 10)


def test_a_column_that_tells_the_passage_is_found() -> None:
    found = fit(questions(1, 120, passages=4.0), SHIPPED)
    assert "passages" in kept(found)
    assert "sentences" not in kept(found)
    assert found.own.passages is not None
    assert int(np.abs(found.own.passages.weights).argmax()) == PASSAGE_FEATURES.index("pairs")
    before, after = figure(found, "passage first")
    assert after > before + 0.1


def test_a_column_that_tells_the_sentence_is_found() -> None:
    found = fit(questions(2, 120, sentences=3.0), SHIPPED)
    assert "sentences" in kept(found)
    assert "passages" not in kept(found)
    assert found.own.sentences is not None
    assert int(np.abs(found.own.sentences.weights).argmax()) == SENTENCE_FEATURES.index("form")
    before, after = figure(found, "sentence first")
    assert after > before + 0.1


def test_what_is_promised_holds_for_new_questions() -> None:
    found = fit(questions(3, 120, sentences=3.0), SHIPPED)
    fresh = questions(4, 400, sentences=3.0)
    now = judge(fresh, [found.own] * len(fresh), SHIPPED).figure("sentence first")
    _, promised = figure(found, "sentence first")
    assert np.nanmean(now) == pytest.approx(promised, abs=0.08)


def test_a_threshold_that_refuses_too_little_is_raised() -> None:
    found = fit(questions(5, 80, low=1.0, high=7.0), SHIPPED)
    assert "threshold" in kept(found)
    assert found.own.least is not None
    assert figure(found, "refused")[1] > figure(found, "refused")[0] + 0.3
    assert figure(found, "answered")[1] >= 0.9


def test_a_threshold_that_surely_refuses_too_many_is_lowered() -> None:
    found = fit(questions(6, 80, low=-6.0, high=-1.0), SHIPPED)
    assert "threshold" in kept(found)
    assert found.own.least is not None
    assert found.own.least < 0.4
    before, after = figure(found, "answered")
    assert before < 0.5
    assert after > 0.85


def test_a_threshold_that_the_user_set_is_left_alone() -> None:
    found = fit(questions(5, 60, low=1.0, high=7.0), replace(SHIPPED, fixed=True))
    assert found.own.least is None
    threshold = found.parts[2]
    assert (threshold.name, threshold.gain, threshold.kept) == ("threshold", None, False)


def test_a_column_that_tells_answers_from_near_misses_is_found() -> None:
    """All shipped odds are the same; the cosine of the best sentence tells what they do not."""
    rng = np.random.default_rng(7)
    cases = [answerable(rng, at, 0.0, 0.0) for at in range(80)]
    for case in cases:
        assert case.near is not None
        for one, mean in ((case.found[0], 2.0), (case.near[0], -2.0)):
            one.evidence.passages[:, PASSAGE_FEATURES.index("terms")] = rng.normal(mean, 1)
    found = fit(cases, SHIPPED)
    assert "support" in kept(found)
    assert found.own.least is not None
    assert figure(found, "near misses refused")[1] > 0.85
    assert figure(found, "answered")[1] >= 0.9


def test_what_a_rule_decides_is_neither_learned_nor_corrected() -> None:
    rng = np.random.default_rng(8)
    cases = [answerable(rng, at, 0.0, 0.0) for at in range(40)]
    sure = [
        replace(case, found=(Made(case.found[0].evidence, certain=1.0),), near=()) for case in cases
    ]
    assert odds(sure, Own(), SHIPPED) is None
    found = fit(sure, SHIPPED)
    assert figure(found, "answered") == (1.0, 1.0)
    assert figure(found, "near misses refused") == (1.0, 1.0)
    assert found.parts[3].gain is None


def test_a_question_in_several_parts_is_as_likely_as_the_likeliest() -> None:
    rng = np.random.default_rng(9)
    case = answerable(rng, 0, -2.0, None)
    several = replace(case, found=(*case.found, made(rng, 1.0)[0], made(rng, -5.0)[0]))
    found = judge([several], [Own()], SHIPPED)
    assert found.support == pytest.approx(probability(np.array([1.0])))
    assert np.isnan(found.near).all()


def test_small_talk_and_nothing_found_are_refused() -> None:
    empty = Case(True, (), None, NONE, NONE, frozenset([("甲.txt", 1)]))
    talk = Case(False, (), None, NONE, NONE)
    found = judge([empty, talk], [Own()] * 2, SHIPPED)
    assert found.support.tolist() == [0.0, 0.0]
    assert found.figure("passage first").tolist()[0] == 0.0
    assert found.figure("refused").tolist()[1] == 1.0


def test_too_few_questions() -> None:
    with pytest.raises(
        QuestionError,
        match=r"needs 20 answerable questions at least, and 19 were given; write more",
    ):
        fit(questions(10, 19), SHIPPED)


def test_too_few_places() -> None:
    rng = np.random.default_rng(11)
    cases = [answerable(rng, at % 4, 3.0, -3.0) for at in range(40)]
    with pytest.raises(
        QuestionError, match="about 5 places .* the 40 answerable ones are about 4: ask"
    ):
        fit(cases, SHIPPED)


def test_no_question_is_judged_by_a_fit_that_saw_its_evidence() -> None:
    """Each place has a sign of its own that tells its passage, and only to who saw that place."""
    rng = np.random.default_rng(12)
    cases = []
    for place in range(20):
        column = 3 + place
        for _ in range(4):
            case = answerable(rng, place, 3.0, -3.0)
            own = case.found[0].evidence.passages
            own[:, 3:23] = 0
            own[:, column] = 4 * case.passages
            cases.append(case)
    found = fit(cases, SHIPPED)
    assert "passages" not in kept(found)
    assert figure(found, "passage first")[0] == figure(found, "passage first")[1]


def verdicts(answered: Sequence[float], not_answered: Sequence[float]) -> Verdicts:
    said = np.array([*answered, *not_answered], np.float64)
    yes = np.arange(len(said)) < len(answered)
    nothing = np.full(len(said), np.nan)
    return Verdicts(yes, nothing, nothing, said, nothing, np.full(len(said), 0.5))


def middle(low: float, high: float) -> float:
    either = np.log(np.array([low / (1 - low), high / (1 - high)]))
    return float(probability(either.mean(keepdims=True))[0])


@pytest.mark.parametrize(
    ("answered", "not_answered", "wanted"),
    [
        ([0.8] * 20, [0.1, 0.4], middle(0.4, 0.8)),
        ([0.2, *[0.8] * 19], [0.1, 0.4], middle(0.4, 0.8)),  # one in twenty may be refused
        ([0.2, 0.3, *[0.8] * 18], [0.1, 0.4], middle(0.1, 0.2)),  # two may not
        ([0.2, *[0.8] * 18], [0.1, 0.4], middle(0.1, 0.2)),  # nor one in nineteen
        ([0.8] * 20, [0.9], middle(0.01, 0.8)),  # nothing to be refused
        ([0.0, 0.0, *[0.8] * 18], [0.1], 0.01),  # rules refuse too many already
    ],
)
def test_thresholds_by_hand(
    answered: list[float], not_answered: list[float], wanted: float
) -> None:
    judged = verdicts(answered, not_answered)
    everything = np.ones(len(judged.support), np.bool_)
    assert threshold_of(judged, everything) == pytest.approx(wanted)


# In thousandths: between two floats that are neighbours there is no threshold.
LIKELY = st.lists(st.integers(20, 980).map(lambda n: n / 1000), min_size=1, max_size=60)


@given(LIKELY, LIKELY)
def test_a_threshold_refuses_few_and_none_refuses_more(
    answered: list[float], not_answered: list[float]
) -> None:
    judged = verdicts(answered, not_answered)
    least = threshold_of(judged, np.ones(len(judged.support), np.bool_))
    allowed = FALSE_REFUSALS * len(answered)
    assert np.sum(np.array(answered) < least) <= allowed
    for other in [*answered, *not_answered]:
        if np.sum(np.array(answered) <= other) <= allowed:
            assert other < least or other not in not_answered


def test_a_threshold_is_made_of_the_questions_that_are_wanted() -> None:
    judged = verdicts([0.8] * 20, [0.1, 0.7])
    wanted = np.arange(22) != 21
    assert threshold_of(judged, wanted) == pytest.approx(middle(0.1, 0.8))


def test_candidates_are_what_the_protocol_says() -> None:
    found: Candidates = made(np.random.default_rng(0))[0]
    assert found.known is None
