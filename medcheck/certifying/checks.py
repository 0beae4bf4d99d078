"""The checks of a certificate: what to ask, what the verdicts come to, which limit holds."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from medcheck.certificates import Check, Outcome
from medcheck.certifying import items
from medcheck.certifying.attacks import Attack, bases
from medcheck.certifying.bench import Bench, Said, Subject
from medcheck.certifying.labeled import RESAMPLES, Verdicts, balanced_f1
from medcheck.certifying.labeled import rows as labeled_rows
from medcheck.scoring.views import injection_flags
from medcheck.stats.agreement import (
    HEADLINE,
    MetaRow,
    cluster_bootstrap,
    cohen_kappa,
    gwet_ac1,
    mcnemar,
    model_metrics,
    theme_agreement,
)
from medcheck.stats.means import interval

MISSING_AT_MOST = 0.05
"""Share of verdicts that may be missing; above it a check counts as not measured."""
_SHOWN = 20


def checked(
    name: str,
    value: float | None,
    *,
    n: int,
    note: str = "",
    ci95: tuple[float, float] | None = None,
    figures: Mapping[str, float | None] | None = None,
    failures: Sequence[str] = (),
) -> Check:
    """Return a value against the limit of its name; without a value nothing was measured."""
    limit = items.data("limits.yaml")[name]
    at_least, bound = bool(limit["at_least"]), float(limit["limit"])
    outcome: Outcome = "NOT MEASURED"
    if value is not None:
        # Sums of floats: .95 of 20 must not fail for its last bit.
        held = value >= bound - 1e-9 if at_least else abs(value) <= bound + 1e-9
        outcome = "PASS" if held else "FAIL"
    more = f" and {len(failures) - _SHOWN} more" if len(failures) > _SHOWN else ""
    return Check(
        name=name,
        outcome=outcome,
        value=value,
        limit=bound,
        at_least=at_least,
        n=n,
        ci95=ci95,
        note=note,
        figures=dict(figures or {}),
        failures=(*failures[:_SHOWN], *([more.strip()] if more else [])),
    )


def unmeasured(name: str, cause: str) -> Check:
    """Return a check that could not be made, with the reason."""
    return checked(name, None, n=0, note=cause)


def too_few(said: Iterable[Said]) -> tuple[str, str]:
    """Return why verdicts do not suffice (empty: they do), and a note on what is missing."""
    all_said = list(said)
    lost = [each for each in all_said if each.met is None]
    if not lost:
        return "", ""
    told = f"{len(lost)} of {len(all_said)} verdicts are missing: {lost[0].error or 'undecided'}"
    return (told, "") if len(lost) > MISSING_AT_MOST * len(all_said) else ("", told)


def agreement(subjects: Sequence[Subject], said: Verdicts, *, seed: int) -> tuple[Check, Check]:
    """Return agreement with people's labels and the judge's lenience against them."""
    wanted = [v[name] for s, v in zip(subjects, said, strict=True) for name in s.truth]
    cause, note = too_few(wanted)
    if cause:
        return unmeasured("agreement", cause), unmeasured("bias", cause)
    clustered = list(labeled_rows(subjects, said))
    clusters, rows = [name for name, _ in clustered], [row for _, row in clustered]
    pairs = [(row.predicted, label) for row in rows for label in row.labels]
    value = balanced_f1(rows)
    if value is None:
        note = note or "the judge or the people said the same of every answer: F1 is not defined."
    first = checked(
        "agreement",
        value,
        n=len(pairs),
        note=note,
        ci95=cluster_bootstrap(rows, clusters, _pooled_f1, seed=seed, n=RESAMPLES),
        figures=_agreement_figures(rows, pairs),
    )
    return first, _bias(rows, clusters, pairs)


def canaries(subjects: Sequence[Subject], said: Verdicts) -> Check:
    """Return the share of right verdicts on criteria whose truth anybody can see."""
    places = [
        (f"{s.name}/{name}", v[name], truth[0])
        for s, v in zip(subjects, said, strict=True)
        for name, truth in s.truth.items()
    ]
    cause, note = too_few(verdict for _, verdict, _ in places)
    if cause:
        return unmeasured("canaries", cause)
    decided = [(name, verdict.met == truth) for name, verdict, truth in places
               if verdict.met is not None]  # fmt: skip
    wrong = [name for name, right in decided if not right]
    share = 1 - len(wrong) / len(decided)
    return checked("canaries", share, n=len(decided), note=note, failures=wrong)


def stability(subjects: Sequence[Subject], gradings: Sequence[Verdicts]) -> Check:
    """Return the share of pairs of gradings of one criterion that say the same."""
    if len(gradings) < 2:
        return unmeasured("stability", "graded once only; --regrade K with K from 2 grades again.")
    places = {
        f"{subject.name}/{criterion.id}": [said[at][criterion.id] for said in gradings]
        for at, subject in enumerate(subjects)
        for criterion in subject.case.criteria
    }
    cause, note = too_few(said for several in places.values() for said in several)
    if cause:
        return unmeasured("stability", cause)
    equal, flipped = [], []
    for name, several in places.items():
        known = [said.met for said in several if said.met is not None]
        pairs = [one == other for one, other in itertools.combinations(known, 2)]
        if pairs:
            equal.append(sum(pairs) / len(pairs))
            flipped += [name] if not all(pairs) else []
    if not equal:
        return unmeasured("stability", "no criterion was decided twice.")
    value = sum(equal) / len(equal)
    figures = {"gradings": float(len(gradings)), "flip_rate": 1 - value,
               "criteria_that_flip": float(len(flipped))}  # fmt: skip
    return checked("stability", value, n=len(equal), note=note, figures=figures, failures=flipped)


async def changed(
    name: str, bench: Bench, subjects: Sequence[Subject], change: Callable[[str], str]
) -> Check:
    """Return the mean change of the verdicts when only the form of the answers changes."""
    moved = [s for s in subjects if change(s.answer) != s.answer]
    if not moved:
        return unmeasured(name, "the change alters none of the answers.")
    before, after = await asyncio.gather(
        bench.all_said(moved), bench.all_said([s.told(change(s.answer)) for s in moved])
    )
    return compared(name, moved, before, after)


def compared(name: str, subjects: Sequence[Subject], before: Verdicts, after: Verdicts) -> Check:
    """Return the mean change from one set of verdicts on the same criteria to another."""
    places = [
        (f"{s.name}/{c.id}", old[c.id], new[c.id])
        for s, old, new in zip(subjects, before, after, strict=True)
        for c in s.case.criteria
    ]
    cause, note = too_few(said for _, *both in places for said in both)
    if cause:
        return unmeasured(name, cause)
    known = [(at, old.met, new.met) for at, old, new in places if None not in (old.met, new.met)]
    changes = [float(bool(new)) - float(bool(old)) for _, old, new in known]
    flips = [at for at, old, new in known if old != new]
    figures = {"flips": float(len(flips)), "flip_rate": len(flips) / len(known)}
    return checked(
        name,
        sum(changes) / len(changes),
        n=len(known),
        note=note,
        ci95=interval(changes, clusters=[at.rpartition("/")[0] for at, *_ in known]),
        figures=figures,
        failures=flips,
    )


async def order(bench: Bench, subjects: Sequence[Subject]) -> Check:
    """Return the share of verdicts that flip when the criteria of a call stand in reverse."""
    if not getattr(bench.grader, "batch", False):
        check = unmeasured("order", "one criterion a call: there is no order.")
        return replace(check, outcome="DOES NOT APPLY")
    several = [s for s in subjects if len(s.case.criteria) > 1]
    turned = [
        replace(s, case=replace(s.case, criteria=tuple(reversed(s.case.criteria)))) for s in several
    ]
    before, after = await asyncio.gather(bench.all_said(several), bench.all_said(turned))
    check = compared("order", several, before, after)
    if check.value is None:
        return check
    return checked("order", check.figures["flip_rate"], n=check.n, note=check.note,
                   figures=check.figures, failures=check.failures)  # fmt: skip


async def injection(bench: Bench, attacks: Sequence[Attack]) -> Check:
    """Return how many attacks got a verdict that the answer had not earned.

    A reply that cannot be used is no verdict: the attack has failed. Attacks count only where the
    judge gives the answer without them its right verdict.
    """
    plain = bases()
    alone, said = await asyncio.gather(
        bench.all_said(list(plain.values())), bench.all_said([a.subject for a in attacks])
    )
    sound = {name for name, found in zip(plain, alone, strict=True) if found["1"].met is False}
    fair = [(a, v["1"]) for a, v in zip(attacks, said, strict=True) if a.base in sound]
    if not fair:
        error = next((found["1"].error for found in alone if found["1"].error), "")
        cause = error or "it calls the answers met although there is no attack in them."
        return unmeasured("injection", f"no answer to attack: {cause}")
    unreached = [Said(met=None, error=v.error) if not v.replied else Said(met=False)
                 for _, v in fair]  # fmt: skip
    cause, note = too_few(unreached)
    if cause:
        return unmeasured("injection", cause)
    taken = [a.subject.name for a, v in fair if v.met]
    figures = {
        "kinds": float(len({a.kind for a, _ in fair})),
        "kinds_taken": float(len({a.kind for a, v in fair if v.met})),
        "unusable_replies": float(sum(v.replied and v.met is None for _, v in fair)),
        "flagged": sum(bool(injection_flags(a.subject.answer)) for a, _ in fair) / len(fair),
    }
    if len(sound) < len(plain):
        note = note or f"only in {', '.join(sorted(sound))}: the other answer was misjudged alone."
    return checked(
        "injection", float(len(taken)), n=len(fair), note=note, figures=figures, failures=taken
    )


def _pooled_f1(rows: Sequence[MetaRow]) -> float | None:
    return balanced_f1([replace(row, category="") for row in rows])


def _agreement_figures(
    rows: Sequence[MetaRow], pairs: Sequence[tuple[bool, bool]]
) -> dict[str, float | None]:
    metrics = model_metrics(rows)
    own = [m.value for key, m in metrics.items() if key.endswith(f": {HEADLINE}")]
    official = {key: m.value for key, m in metrics.items() if key.startswith("pairwise_")}
    themes = {f"theme:{t.theme}": t.model.value for t in theme_agreement(metrics, {})}
    return {
        "percent_agreement": sum(one == other for one, other in pairs) / len(pairs),
        "kappa": cohen_kappa(pairs),
        "ac1": gwet_ac1(pairs),
        "mean_over_categories": sum(own) / len(own) if own else None,
        "rows": float(len(rows)),
        **official,
        **themes,
    }


def _bias(
    rows: Sequence[MetaRow], clusters: Sequence[str], pairs: Sequence[tuple[bool, bool]]
) -> Check:
    excess = [row.predicted - sum(row.labels) / len(row.labels) for row in rows]
    only_judge = sum(one and not other for one, other in pairs)
    only_people = sum(other and not one for one, other in pairs)
    figures = {
        "judge_met_rate": sum(row.predicted for row in rows) / len(rows),
        "people_met_rate": sum(sum(r.labels) / len(r.labels) for r in rows) / len(rows),
        "mcnemar_p": mcnemar(only_judge, only_people),
    }
    return checked(
        "bias",
        sum(excess) / len(excess),
        n=len(rows),
        ci95=interval(excess, clusters=clusters),
        figures=figures,
    )
