"""One call for all criteria against one call for each, on the stored answers of a run."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from medcheck import shelves
from medcheck.certificates import Check
from medcheck.certifying.bench import Bench, Said, Subject, judge_entry, with_door
from medcheck.certifying.checks import checked, too_few, unmeasured
from medcheck.client import Door
from medcheck.errors import SettingsError
from medcheck.graders import Grader
from medcheck.settings import Settings
from medcheck.stats.means import interval, row_seed
from medcheck.suites import Suite
from medcheck.types import Result, Run

GRADERS = ("rubric", "claims")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """How far one call for all criteria says what single calls say."""

    check: Check
    prompts: Mapping[str, str]
    """Of judging in batch, to be covered by the certificate."""
    calls: tuple[int, int]
    """Of single and of batch judging."""


def prove(
    judge: str,
    run: Run,
    suite: Suite,
    settings: Settings,
    environ: Mapping[str, str],
    *,
    sample: int | None = 100,
    seed: int = 0,
) -> Proof:
    """Ask a judge about stored answers both ways and compare the verdicts, by theme too.

    Args:
        judge: its name in the registry.
        run: whose answers are judged.
        suite: one of the run's, as it is now; its grader is used both ways.
        settings: store, hard stops; the protocol is the suite's unless they say otherwise.
        environ: holds keys and endpoints.
        sample: how many answers; `None`: all.
        seed: of the draw.

    Raises:
        SettingsError: the official protocol, another grader, or no answers.
    """
    protocol = settings.protocol or suite.protocol
    if protocol == "official":
        raise SettingsError(
            "judging in batch is another measurement than the official protocol.",
            hint="Compare under --protocol strict.",
        )
    if suite.grader["name"] not in GRADERS:
        raise SettingsError(
            f'the grader "{suite.grader["name"]}" does not judge in batch.',
            hint=f"Those that do: {', '.join(GRADERS)}.",
        )
    found = _subjects(run, suite, sample=sample, seed=seed)
    entry = judge_entry(judge, settings, environ)
    graders = [_grader(suite, protocol, batch=batch) for batch in (False, True)]

    async def work(door: Door) -> list[list[dict[str, Said]]]:
        return [
            await _said(
                Bench(judge=entry, door=door, grader=grader, params=suite.judge_params), found
            )
            for grader in graders
        ]

    single, batch = with_door(settings, environ, work)
    subjects = [subject for subject, _ in found]
    criteria = sum(c.check is None for s in subjects for c in s.case.criteria)
    return Proof(
        check=_compared(subjects, single, batch),
        prompts={k: v for k, v in graders[1].versions.items() if k.startswith("prompt ")},
        calls=(criteria, len(subjects)),
    )


def _grader(suite: Suite, protocol: str, *, batch: bool) -> Grader:
    left_out = ("irrelevant", "vote", "min_judges", "judge_weights")
    options: dict[str, Any] = {k: v for k, v in suite.grader.items() if k not in left_out}
    options |= {"protocol": protocol, "batch": batch, "folder": str(suite.path.parent)}
    grader: Grader = shelves.find("graders", options["name"], "Grader")(options)
    return grader


def _subjects(
    run: Run, suite: Suite, *, sample: int | None, seed: int
) -> list[tuple[Subject, int]]:
    """Return answers, drawn by name, with the number of the answer to its case."""
    kept = [r for r in run.results if r.suite == suite.name and r.measured and r.completion]
    if not kept:
        raise SettingsError(
            f'run "{run.id}" has no measured answers on suite "{suite.name}".',
            hint="Name another run or suite.",
        )
    drawn = sorted(kept, key=lambda r: row_seed(seed, r.case_id, r.model, str(r.repeat)))
    chosen = set(map(id, drawn[:sample]))
    return [(_subject(r, suite), r.repeat) for r in kept if id(r) in chosen]


def _subject(result: Result, suite: Suite) -> Subject:
    assert result.completion is not None
    prefixes = tuple(f"{prefix}:" for prefix in suite.summary.get("by") or ())
    case = replace(suite.case(result.case_id), messages=result.messages)
    return Subject(
        name=f"{result.case_id}[{result.model}]#{result.repeat}",
        case=case,
        answer=result.completion.text,
        category=next((tag for tag in result.tags if tag.startswith(prefixes)), ""),
        cluster=result.case_id,
    )


async def _said(bench: Bench, found: Sequence[tuple[Subject, int]]) -> list[dict[str, Said]]:
    # With the answer's own number, single verdicts of the run's own judge are in the store.
    return await asyncio.gather(*(bench.said(subject, grading=repeat) for subject, repeat in found))


def _compared(
    subjects: Sequence[Subject], single: list[dict[str, Said]], batch: list[dict[str, Said]]
) -> Check:
    places = [
        (subject, criterion.id, one[criterion.id], other[criterion.id])
        for subject, one, other in zip(subjects, single, batch, strict=True)
        for criterion in subject.case.criteria
        if criterion.check is None
    ]
    cause, note = too_few(said for *_, one, other in places for said in (one, other))
    if cause or not places:
        return unmeasured("batch", cause or "no criterion goes to a judge.")
    known = [place for place in places if None not in (place[2].met, place[3].met)]
    equal = [float(one.met == other.met) for _, _, one, other in known]
    themes: dict[str, list[float]] = defaultdict(list)
    for (subject, *_), same in zip(known, equal, strict=True):
        themes[subject.category or "no theme"].append(same)
    return checked(
        "batch",
        sum(equal) / len(equal),
        n=len(known),
        note=note,
        ci95=interval(equal, clusters=[subject.cluster for subject, *_ in known]),
        figures={
            "met_rate_single": sum(bool(one.met) for _, _, one, _ in known) / len(known),
            "met_rate_batch": sum(bool(other.met) for *_, other in known) / len(known),
            **{name: sum(same) / len(same) for name, same in sorted(themes.items())},
        },
        failures=[
            f"{subject.name}/{name}"
            for (subject, name, *_), same in zip(known, equal, strict=True)
            if not same
        ],
    )
