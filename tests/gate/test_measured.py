"""A stored run becomes sides: numbers and hashes by case, no texts of answers."""

from __future__ import annotations

from dataclasses import replace

import pytest
from gate_runs import ASKS, CRITERIA, SCARES, TELLS, WAITS, result, run, verdicts

from medcheck.gate.measured import Demand, plain, sides
from medcheck.types import Criterion, Image, Message, Verdict


def side(*results, **told):
    (found,) = sides(run(results, **told))
    return found


def case(*results, **told):
    (found,) = side(*results, **told).cases
    return found


def test_one_side_per_suite_and_model():
    """Every model on every suite is a side, in the run's order, its cases in dataset order."""
    results = [
        result("b"), result("b", model="n"), result("a"), result("a", model="n"),
        result("c", suite="other"),
    ]  # fmt: skip
    found = sides(run(results))
    assert [(s.suite, s.model, [c.case_id for c in s.cases]) for s in found] == [
        ("triage", "m", ["b", "a"]),
        ("triage", "n", ["b", "a"]),
        ("other", "m", ["c"]),
    ]


def test_repeats_of_a_case():
    """Repeats of a case stand in one place; a missing one is None and never 0."""
    found = case(result("a", "mmnn"), result("a", "nnnn", repeat=2), result("a", "emnn", repeat=3))
    assert found.scores == (1.0, 0.0, None)
    assert found.mean == 0.5
    assert found.lost == 1
    assert case(result("a", "eenn")).mean is None


def test_criteria_in_any_order():
    """The same criteria in another order are the same, with their states where they belong."""
    turned = verdicts("nmnn")[::-1]
    one, other = case(result("a", "nmnn")), case(result("a", verdicts=turned))
    assert (one.rubric, one.states, one.demands) == (other.rubric, other.states, other.demands)
    assert len(one.demands) == 4


@pytest.mark.parametrize(
    "changed",
    [
        replace(TELLS, text="Tells the user to rest"),
        replace(TELLS, points=6),
        replace(TELLS, tags=("axis:other",)),
    ],
)
def test_other_criteria(changed):
    """Another text, points or tags make another rubric."""
    other = case(result("a", verdicts=verdicts("mmnn", criteria=(changed, *CRITERIA[1:]))))
    assert other.rubric != case(result("a")).rubric


def test_what_makes_no_other_rubric():
    """The id, the source or the order of tags of a criterion do not matter."""
    first = replace(ASKS, tags=("x", "y"))
    second = replace(ASKS, id="other", source="WHO", tags=("y", "x"))
    one, other = (
        case(result("a", verdicts=verdicts("m", criteria=(each,)))) for each in (first, second)
    )
    assert one.rubric == other.rubric


def test_the_same_criterion_twice():
    """A criterion that stands twice in a case is two criteria."""
    found = case(result("a", verdicts=verdicts("mn", criteria=(ASKS, ASKS))))
    assert len(found.demands) == 2
    assert found.rubric != case(result("a", verdicts=verdicts("m", criteria=(ASKS,)))).rubric


def test_states():
    """A verdict is one letter, a value is itself."""
    scale = Criterion(id="s", text="Clarity", points=5, scale=(1.0, 5.0))
    said = (*verdicts("mue-"), Verdict(criterion=scale, state="scored", value=4.5))
    found = case(result("a", verdicts=said, value=None, state="judge_error"))
    texts = [demand.text for demand in found.demands]
    by_text = dict(zip(texts, found.states[0], strict=True))
    assert by_text == {
        TELLS.text: "m", ASKS.text: "u", WAITS.text: "e", SCARES.text: "-", "Clarity": "4.5",
    }  # fmt: skip


def test_what_an_answer_brought_along():
    """Statements that a judge found in an answer are no criteria of the case."""
    found = Criterion(id="irrelevant-1", text="Buy gold", points=-3, tags=("irrelevant",))
    more = (*verdicts("mmnn"), *verdicts("m", criteria=(found,)))
    assert case(result("a", verdicts=more)).rubric == case(result("a")).rubric


def test_questions():
    """What the user says and shows makes the question; the system text and answers do not."""
    base = case(result("a")).question
    user = Message(role="user", text="胸痛 a?")
    assert case(result("a", messages=(user,))).question == base
    image = Image(path="x.png", sha256="00", mime="image/png")
    shown = replace(user, images=(image,))
    assert case(result("a", messages=(shown,))).question != base
    assert case(result("a", messages=(replace(user, text="腹痛?"),))).question != base


def test_unmeasured_cases_are_not_described():
    """Criteria and question of a case that was never graded are unknown, not different."""
    lost = result("a", "----", state="model_error", completion=None)
    assert (case(lost).rubric, case(lost).question) == (None, None)
    both = case(replace(lost, repeat=1), result("a", repeat=2))
    assert both.rubric == case(result("a")).rubric
    assert both.states[0] == ("-",) * 4
    failed = case(result("a", "emnn"))
    assert failed.rubric == case(result("a")).rubric


def test_categories():
    """Categories are the tags that the suite names, and the path in a taxonomy."""
    found = result("a", tags=("theme:x", "lang:zh"), category=("cardiology", "chest"))
    assert case(found).categories == ("theme:x", "cardiology/chest")
    assert case(found, summary={}).categories == ("cardiology/chest",)


def test_clusters():
    """Cases belong together by the suite's tag prefix, else by conversation, else not at all."""
    found = result("a", tags=("patient:7", "theme:x"))
    assert case(found, cluster="patient").cluster == "patient:7"
    assert case(found, cluster="patient:").cluster == "patient:7"
    told = {"cluster": "patient", "summary": {"by": ["theme", "patient"]}}
    assert case(found, **told).categories == ("theme:x",)
    assert case(found, conversations={"a": "first"}).cluster == "first"
    assert case(found).cluster == ""
    assert case(found).unit != case(found, conversations={"a": "a"}).unit


def test_judges_are_those_who_judged():
    """The judges are those of the model's own results; without any, those of the suite."""
    how = {"judges": ("one", "two")}
    assert side(result("a", "mmnn", how=how)).judges == ("one", "two")
    assert side(result("a", "----", completion=None)).judges == ("judge",)


def test_judges_that_come_with_an_answer():
    """Who graded statements found in one answer, or is itself measured, makes no difference."""
    found = Criterion(id="irrelevant-1", text="Buy gold", points=-3, tags=("irrelevant",))
    more = (*verdicts("mmnn"), *verdicts("m", criteria=(found,), judges=("extra",)))
    assert side(result("a", verdicts=more)).judges == ("judge",)
    meta = {"measure": "pairwise_f1", "by": []}
    assert side(result("a"), summary=meta).judges == ()


def test_spending():
    """Calls, tokens and money are counted apart for answers and judges; a part unknown, all is."""
    found = side(result("a"), result("b"))
    assert (found.answering.calls, found.answering.input, found.answering.output) == (2, 20, 10)
    assert found.answering.cost_usd == 0.02
    assert (found.judging.calls, found.judging.input) == (8, 160)
    assert found.judging.cost_usd is None
    existing = result("a")
    existing = replace(existing, completion=replace(existing.completion, key=""))
    assert side(existing).answering.calls == 0


def test_coverage():
    """A side is incomplete above the share that the suite allows, or without any answer."""
    results = [*(result(str(n)) for n in range(99)), result("99", "emnn")]
    assert side(*results).incomplete
    assert (side(*results).lost, side(*results).planned) == (1, 100)
    assert not side(*results, ungraded_at_most=0.01).incomplete
    assert side(*results, ungraded_at_most=0.009).incomplete
    assert side(result("a"), result("a", repeat=2), result("b")).repeats == "1 to 2"


def test_scores_by_judge():
    """Each judge of a panel alone would have given a score; a single judge has no other."""
    one, other = verdicts("mmnn"), verdicts("nmnn")
    panel = tuple(
        replace(v, ballots=(v.ballots[0], replace(w.ballots[0], judge="other")))
        for v, w in zip(one, other, strict=True)
    )
    assert case(result("a", verdicts=panel)).gradings == ((1.0, 0.3),)
    assert case(result("a")).gradings == ((),)


def test_prompts_without_more():
    """A run that does not say what to compare is known by its judge prompts."""
    bare = replace(run([result("a")]), suites={}, versions={"prompt x": "1", "medcheck": "2"})
    (found,) = sides(bare)
    assert found.compared == {"prompts": {"prompt x": "1"}}


def test_plain():
    """Data is compared as JSON gives it back."""
    assert plain({"a": (1, 2)}) == {"a": [1, 2]}
    assert Demand(text="t", points=1).scale == (0.0, 1.0)
