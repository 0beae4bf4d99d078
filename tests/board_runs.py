"""Runs for the tests of leaderboards: some models on some suites, with chosen scores."""

from __future__ import annotations

from gate_runs import result

from medcheck.types import Completion, Run, Usage

SUITE = {
    "protocol": "strict",
    "judges": ["judge"],
    "summary": {"by": ["theme"]},
    "compared": {"params": {"temperature": 0, "max_tokens": 100}},
}


def answers(suite, model, scores, *, cost=0.01, **changes):
    """Results of one model, a case for each score; `None`: not measured."""
    completion = Completion(
        text="Call 120.", key="k", usage=Usage(input=10, output=5), cost_usd=cost
    )
    return [
        result(
            f"case-{number:02}",
            model=model,
            suite=suite,
            value=score,
            completion=completion,
            tags=(f"theme:{'ab'[number % 2]}",),
            **changes,
        )
        for number, score in enumerate(scores)
    ]


def run_of(scores, *, name="r", suites=None, cost=None):
    """Return a run; `scores` is by suite, then model."""
    results = [
        each
        for suite, models in scores.items()
        for model, values in models.items()
        for each in answers(suite, model, values, cost=(cost or {}).get(model, 0.01))
    ]
    return Run(
        id=name,
        started="2026-11-21T08:00:00+00:00",
        settings={},
        versions={"medcheck": "0.1.0"},
        results=tuple(results),
        suites={suite: {**SUITE, **(suites or {}).get(suite, {})} for suite in scores},
    )


THREE = {
    "triage": {"a": [0.9, 0.8, 0.7], "b": [0.5, 0.6, 0.4], "c": [0.1, 0.2, 0.3]},
    "dosing": {"a": [0.4, 0.4], "b": [0.9, 0.8], "c": [0.1, 0.3]},
}

PRICES = {"a": 0.08, "b": 0.01, "c": 0.02}


def sheet_of(run=None, *, costing="paid", published_rows=False, **how):
    """Return all that the leaderboard of a run shows; prices of answers are those above."""
    from medcheck import costs, leaderboard, published
    from medcheck.providers import Entry, Price
    from medcheck.summary import summarize
    from medcheck.writers._board import Sheet

    run = run_of(THREE, cost=PRICES) if run is None else run
    price = Price(input=2, output=10, cached_input=0.5, date="2026-01-02", source="a page")
    entries = {"a": Entry(name="a", price=price, kind="medical", open_weights=True)}
    found = leaderboard.board([run], **how)
    sides = [found.billed(at) for at in range(len(found.contestants))]
    bills = [costs.official(s, entries) if costing == "official" else costs.paid(s) for s in sides]
    return Sheet(
        board=found,
        bills=tuple(bills),
        costing=costing,
        tariffs=costs.tariffs([who.model for who in found.contestants] + ["judge"], entries),
        systems=published.systems([summarize(run)], entries, published=published_rows),
    )
