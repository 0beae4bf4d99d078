"""What contestants cost: as paid, as MedHELM estimates it, for each point, and who is beaten."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from board_runs import THREE, run_of

from medcheck.costs import Part, estimate, exact, official, paid, pareto, per_point, tariffs
from medcheck.gate.measured import sides
from medcheck.providers import Entry, Price
from medcheck.summary import summarize

MODEL, JUDGE = Price(input=2, output=10), Price(input=3, output=15)
ENTRIES = {"a": Entry(name="a", price=MODEL), "judge": Entry(name="judge", price=JUDGE)}


def of(run, model):
    return [side for side in sides(run) if side.model == model]


def test_paid_is_what_the_summary_counts():
    """Bills of all models add up to the summary's usage, models and judges apart."""
    run = run_of(THREE)
    usage = summarize(run).usage
    bills = {model: paid(of(run, model)) for model in "abc"}
    for model, bill in bills.items():
        used = usage[f"model {model}"]
        assert (bill.answering.input, bill.answering.output) == (used["input"], used["output"])
        assert bill.answering.cost_usd == pytest.approx(used["cost_usd"])
    jury = usage["judge judge"]
    assert sum(bill.judging.input for bill in bills.values()) == jury["input"]
    assert sum(bill.judging.output for bill in bills.values()) == jury["output"]


def test_an_unknown_price_makes_the_cost_unknown():
    """A part without a price is not taken for free: the cost and the total are unknown."""
    run = run_of(THREE)
    bill = paid(of(run, "a"))
    # The judge of these runs has no price.
    assert bill.judging.cost_usd is None
    assert bill.total_usd is None
    assert bill.answering.cost_usd == pytest.approx(0.05)


def test_a_file_that_does_not_say_is_unknown():
    """A side without counts of calls has no bill."""
    side = replace(of(run_of(THREE), "a")[0], answering=None)
    assert paid([side]).answering == Part(input=None, output=None, cost_usd=None)


def test_existing_answers_cost_nothing():
    """Answers that nobody was asked for cost nothing; they do not make the bill unknown."""
    run = run_of(THREE)
    results = tuple(replace(r, completion=replace(r.completion, key="", cost_usd=None))
                    for r in run.results)  # fmt: skip
    assert paid(of(replace(run, results=results), "a")).answering.cost_usd == 0


def test_the_estimate_by_hand():
    """Output is the limit for each answer; a judge reads prompt and answer and writes 4,096."""
    bill = estimate(
        prompt_tokens=1_000_000, max_tokens=100, instances=1000, price=MODEL, jury=[JUDGE] * 3
    )
    assert bill.answering == Part(input=1_000_000, output=100_000, cost_usd=3.0)
    assert (bill.judging.input, bill.judging.output) == (1_100_000, 4_096_000)
    assert bill.judging.cost_usd == pytest.approx(3 * (1.1 * 3 + 4.096 * 15))
    assert bill.total_usd == pytest.approx(3.0 + bill.judging.cost_usd)


def test_no_jury_costs_nothing():
    """A benchmark with a rule for a judge has no jury to pay."""
    bill = estimate(prompt_tokens=100, max_tokens=1, instances=10, price=MODEL)
    assert bill.judging == Part(input=0, output=0, cost_usd=0)


def test_the_official_bill_of_a_run():
    """It takes prompt tokens and limits from the run, and today's prices."""
    bill = official(of(run_of(THREE), "a"), ENTRIES)
    assert (bill.answering.input, bill.answering.output) == (50, 500)
    assert bill.answering.cost_usd == pytest.approx((50 * 2 + 500 * 10) / 1e6)
    assert (bill.judging.input, bill.judging.output) == (550, 5 * 4096)
    assert bill.judging.cost_usd == pytest.approx((550 * 3 + 5 * 4096 * 15) / 1e6)


def test_the_model_entry_sets_the_limit():
    """A model's own setting takes the place of the suite's, as when it is asked."""
    entries = {**ENTRIES, "a": Entry(name="a", price=MODEL, params={"max_tokens": 7})}
    assert official(of(run_of(THREE), "a"), entries).answering.output == 35


@pytest.mark.parametrize("model", ["b", "a"])
def test_the_official_bill_may_be_unknown(model):
    """Without a price, or without a limit, there is no estimate."""
    unlimited = {name: {"compared": {"params": {}}} for name in THREE}
    run = run_of(THREE, suites=unlimited if model == "a" else None)
    bill = official(of(run, model), ENTRIES)
    assert bill.answering.cost_usd is None
    assert bill.total_usd is None
    assert (bill.answering.output is None) == (model == "a")


def test_exact():
    """An amount keeps four digits, or as many as it takes to be seen."""
    assert [exact(x) for x in (0.0, 1234.5, 0.01, 0.0012, 0.00123, 3.2e-5, -3.2e-6, 1e-17)] == [
        "0.0000", "1,234.5000", "0.0100", "0.0012", "0.0012", "0.000032", "-0.0000032", "0.0000",
    ]  # fmt: skip


def test_per_point():
    """A point is a hundredth of a score; nothing is divided by nothing."""
    assert per_point(4.0, 0.5) == pytest.approx(0.08)
    assert per_point(None, 0.5) is None
    assert per_point(4.0, None) is None
    assert per_point(4.0, 0.0) is None
    assert per_point(4.0, -0.1) is None


@pytest.mark.parametrize("seed", range(20))
def test_the_front_holds_whom_nobody_beats(seed):
    """On the front is who has no other that is no worse in both and better in one."""
    draw = random.Random(seed)
    points = [(draw.randrange(1, 6), draw.randrange(6) / 5) for _ in range(9)]

    def beaten(cost, score):
        return any(c <= cost and s >= score and (c, s) != (cost, score) for c, s in points)

    expected = {at for at, point in enumerate(points) if not beaten(*point)}
    found = pareto(points)
    assert set(found) == expected
    assert [points[at] for at in found] == sorted(points[at] for at in found)


def test_no_points_have_no_front():
    """Nothing is drawn from nothing."""
    assert pareto([]) == ()


def test_tariffs_name_the_unknown():
    """Each name once; what the registry does not know has no price."""
    found = tariffs(["a", "other", "judge", "a"], ENTRIES)
    assert [(each.name, each.price) for each in found] == [
        ("a", MODEL), ("other", None), ("judge", JUDGE),
    ]  # fmt: skip
