"""From a judge and a suite with labels to a certificate: what is asked, and with which grader."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from medcheck import shelves
from medcheck.certificates import Certificate, Check
from medcheck.certifying import checks, items, labeled
from medcheck.certifying.attacks import attacks
from medcheck.certifying.bench import Bench, Subject, judge_entry, with_door
from medcheck.client import Door
from medcheck.errors import SettingsError
from medcheck.graders import Grader
from medcheck.providers import Entry
from medcheck.settings import Settings
from medcheck.suites import Suite

GRADERS = ("rubric", "claims")
"""What can be certified: graders whose verdicts are met or not met."""
PROBED = 40
"""Labeled answers that are graded again, lengthened and stripped of markup."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What certifying a judge takes."""

    entry: Entry
    grader: Grader
    """As the judge will work; canaries, bias and attacks are tried with it."""
    name: str
    protocol: str
    params: Mapping[str, Any]
    labels_grader: Grader
    """With what it is asked about labeled answers."""
    labeled: tuple[Subject, ...]
    unlabeled: str
    """Why there are none; empty where there are."""
    sample: int | None
    gradings: int
    seed: int
    data: Mapping[str, str]
    settings: Settings

    @property
    def calls(self) -> int:
        """How many calls it takes at most, re-asks aside."""
        probes = items.canaries()
        places = sum(len(s.case.criteria) for s in (*probes, *self.labeled[:PROBED]))
        all_labels = sum(len(s.case.criteria) for s in self.labeled)
        return all_labels + places * (self.gradings + 2) + len(attacks(self.seed)) + 2


def plan(
    judge: str,
    labels: Suite | None,
    settings: Settings,
    environ: Mapping[str, str],
    *,
    target: Suite | None = None,
    sample: int | None = 300,
    gradings: int = 3,
    seed: int = 0,
) -> Plan:
    """Return what certifying a judge takes; nothing is asked yet.

    Args:
        judge: its name in the registry.
        labels: a suite with answers and people's labels; `None`: there is none.
        settings: store, protocol, hard stops.
        environ: holds keys and endpoints.
        target: the suite that the judge is to work for; its grader, prompts, parameters and
            protocol are certified. `None`: those of `labels`.
        sample: how many labeled cases; `None`: all.
        gradings: how often the answers are graded that show its stability.
        seed: of all draws.

    Raises:
        SettingsError: unknown judge, no labels, or a grader that cannot be certified.
    """
    works_for = target or labels
    protocol = settings.protocol or (works_for.protocol if works_for else "strict")
    options = _options(works_for, protocol)
    grader: Grader = shelves.find("graders", options["name"], "Grader")(options)
    meta = labels is not None and labels.grader["name"] == "meta" and target is None
    own = grader
    if labels is not None and meta and protocol == "official":
        block = {**labels.grader, "protocol": protocol, "folder": str(labels.path.parent)}
        own = shelves.find("graders", "meta", "Grader")(block)
    missing = labels.missing if labels is not None else "no suite with labels was named."
    found = () if labels is None or missing else labeled.subjects(labels, sample=sample, seed=seed)
    return Plan(
        entry=judge_entry(judge, settings, environ),
        grader=grader,
        name=options["name"],
        protocol=protocol,
        params=dict(works_for.judge_params) if works_for else {},
        labels_grader=own,
        labeled=found,
        unlabeled=missing or "",
        sample=sample if sample is not None and found else None,
        gradings=gradings,
        seed=seed,
        data={**items.versions(), **(labels.versions if labels and found else {})},
        settings=settings,
    )


def certify(
    plan: Plan,
    environ: Mapping[str, str],
    *,
    by: str,
    day: date,
    valid_days: int = 180,
    more: tuple[Check, ...] = (),
) -> Certificate:
    """Ask the judge and return what was found, signed; stored replies cost nothing."""
    found = with_door(plan.settings, environ, lambda door: _checks(plan, door))
    prompts = {**plan.grader.versions, **plan.labels_grader.versions}
    return Certificate(
        judge=plan.entry.name,
        provider=plan.entry.provider,
        model=plan.entry.model,
        params=dict(plan.entry.params),
        judge_params=dict(plan.params),
        protocol=plan.protocol,
        grader=plan.name,
        prompts={k: v for k, v in sorted(prompts.items()) if k.startswith("prompt ")},
        by=" ".join(by.split()),
        day=day.isoformat(),
        valid_until=(day + timedelta(days=valid_days)).isoformat(),
        data=dict(sorted(plan.data.items())),
        sample=plan.sample,
        gradings=plan.gradings,
        seed=plan.seed,
        checks=(*found, *more),
    )


async def _checks(plan: Plan, door: Door) -> tuple[Check, ...]:
    bench = _bench(plan, door, plan.grader)
    canaries = items.canaries()
    probes = (*canaries, *plan.labeled[:PROBED])
    known = await bench.all_said(canaries)
    first = await asyncio.gather(
        *(bench.all_said(probes, grading=number) for number in range(1, plan.gradings + 1))
    )
    return (
        *await _agreement(plan, _bench(plan, door, plan.labels_grader)),
        checks.stability(probes, first),
        checks.canaries(canaries, known),
        await checks.changed("verbosity", bench, probes, items.lengthened),
        await checks.changed("markup", bench, probes, items.unmarked),
        await checks.order(bench, canaries),
        await checks.injection(bench, attacks(plan.seed)),
    )


async def _agreement(plan: Plan, bench: Bench) -> tuple[Check, Check]:
    if not plan.labeled:
        return (
            checks.unmeasured("agreement", plan.unlabeled),
            checks.unmeasured("bias", plan.unlabeled),
        )
    said = await bench.all_said(plan.labeled)
    return checks.agreement(plan.labeled, said, seed=plan.seed)


def _bench(plan: Plan, door: Door, grader: Grader) -> Bench:
    return Bench(judge=plan.entry, door=door, grader=grader, params=plan.params)


def _options(suite: Suite | None, protocol: str) -> dict[str, Any]:
    """Return the grader block of the judge's work; a meta-evaluation is about rubric grading."""
    block = dict(suite.grader) if suite is not None else {"name": "rubric"}
    if block["name"] == "meta":
        block = {"name": "rubric"}
    if block["name"] not in GRADERS:
        raise SettingsError(
            f'the grader "{block["name"]}" cannot be certified: its verdicts are not met or not.',
            hint="Name a suite whose grader is rubric or claims.",
        )
    # One judge is tried, so there is nothing to vote on, and nothing else is looked for.
    for name in ("vote", "min_judges", "judge_weights", "irrelevant", "truncate_like_original"):
        block.pop(name, None)
    folder = str(suite.path.parent) if suite is not None else "."
    return {**block, "protocol": protocol, "folder": folder}
