"""Sentinels: a few frozen answers that every gated run has judged anew, to notice a judge's drift.

They stand in a file beside the baseline, which holds no texts itself. Each is complete: question,
answer, criterion, verdict, and how the judge was asked.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from medcheck import shelves
from medcheck.certifying.bench import Bench, Said, Subject, judge_entry, with_door
from medcheck.certifying.checks import MISSING_AT_MOST
from medcheck.client import Door
from medcheck.errors import DatasetError, MedcheckError, SettingsError
from medcheck.gate.measured import digest, plain
from medcheck.graders import Grader
from medcheck.providers import Entry
from medcheck.settings import Settings
from medcheck.stats.means import row_seed
from medcheck.types import Case, Criterion, Message, Result, Run

MOST = 30
EQUAL_AT_LEAST = 0.98
"""Source: trust.md section 2.3 (more controls)."""
ALPHA = 0.05
"""Chance at most that a judge which repeats just that share of its verdicts is called drifted."""
SCHEMA = 1
GRADERS = ("rubric", "claims")
_SUFFIX = ".sentinels.json"
_ANEW = "Accept the baseline anew: medcheck baseline accept RUN --reason ..."


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentinel:
    """One frozen verdict and all that it was made of."""

    suite: str
    case_id: str
    judge: str
    messages: tuple[tuple[str, str], ...]
    """Role and text of what the model was asked."""
    answer: str
    criteria: tuple[Criterion, ...]
    """The one it is about, or with judging in batch all of its call."""
    criterion: str
    """Id of the one it is about."""
    met: bool

    @property
    def name(self) -> str:
        """Where it stands, for people."""
        return f"{self.suite}/{self.case_id}/{self.criterion}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentinels:
    """The frozen verdicts of a run."""

    run: str
    asked: Mapping[str, Mapping[str, Any]]
    """By suite: protocol, grader, judge_params, prompts, and judges as provider, model, params."""
    places: tuple[Sentinel, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """What judging the sentinels anew came to."""

    run: str
    n: int
    """Verdicts that could be compared."""
    planned: int
    flipped: tuple[str, ...] = ()
    cause: str = ""
    """Why verdicts are missing."""
    traffic: Mapping[str, Any] = field(default_factory=dict)
    """What was asked and paid for it, as the `meta` of a run says it."""

    @property
    def share(self) -> float | None:
        """Share of equal verdicts; `None`: nothing was compared."""
        return (self.n - len(self.flipped)) / self.n if self.n else None

    @property
    def measured(self) -> bool:
        """Whether enough verdicts came back."""
        return self.n > 0 and self.planned - self.n <= MISSING_AT_MOST * self.planned

    @property
    def p(self) -> float | None:
        """The exact one-sided p against "at least .98 of its verdicts come out as before"."""
        if not self.n:
            return None
        # scipy.stats has the test by name, and takes half a second to import.
        from scipy.special import bdtr

        return float(bdtr(self.n - len(self.flipped), self.n, EQUAL_AT_LEAST))

    @property
    def drifted(self) -> bool:
        """Whether the judge is not the one it was: too few equal verdicts, and not by chance.

        What could not be asked takes no part in it.
        """
        share, p = self.share, self.p
        return share is not None and p is not None and share < EQUAL_AT_LEAST and p <= ALPHA

    @property
    def lines(self) -> tuple[str, ...]:
        """It for a terminal."""
        flipped = tuple(f"  flipped: {name}" for name in self.flipped)
        told = [*self._said, *flipped] if self.n else []
        if self.n < self.planned:
            why = f" ({self.cause})" if self.cause else ""
            unsure = not self.measured and not self.drifted
            least = "the judge's drift could not be checked" if unsure else "not all of them"
            told.append(
                f"sentinels of {self.run}: {least}: {self.planned - self.n} of {self.planned} "
                f"sentinels were not judged{why}"
            )
        return tuple(told)

    @property
    def _said(self) -> tuple[str, ...]:
        said = f"{self.n - len(self.flipped)} of {self.n} verdicts as before ({self.share:.3f})"
        if not self.drifted:
            return (f"sentinels of {self.run}: {said}",)
        return (
            f"sentinels of {self.run}: NOT COMPARABLE: the judge has drifted: {said}",
            f"  p {self.p:.2g} against {EQUAL_AT_LEAST}. Accept a baseline with today's judge.",
        )


def keep(run: Run, *, most: int = MOST, seed: int = 0) -> Sentinels:
    """Return up to `most` verdicts of a run, drawn by name; as many cases as possible have one.

    Verdicts of checks, of judges of the user's own code, and on answers to pictures are left out.
    """
    by_case: dict[tuple[str, str], list[tuple[int, Sentinel]]] = defaultdict(list)
    for result in run.results:
        told = run.suites.get(result.suite, {}).get("compared") or {}
        for sentinel in _of(result, told):
            rank = row_seed(seed, sentinel.name, result.model, str(result.repeat), sentinel.judge)
            by_case[result.suite, result.case_id].append((rank, sentinel))
    columns = [sorted(found, key=lambda each: each[0]) for found in by_case.values()]
    # Level by level: the first of every case, then the second of every case.
    ranked = sorted(
        (at, rank, n) for n, column in enumerate(columns) for at, (rank, _) in enumerate(column)
    )
    chosen = {(n, at) for at, _, n in ranked[:most]}
    places = tuple(
        sentinel
        for n, column in enumerate(columns)
        for at, (_, sentinel) in enumerate(column)
        if (n, at) in chosen
    )
    suites = dict.fromkeys(sentinel.suite for sentinel in places)
    return Sentinels(run=run.id, asked={n: _asked(run.suites[n]) for n in suites}, places=places)


def recheck(
    kept: Sentinels, settings: Settings, environ: Mapping[str, str], *, account: str = ""
) -> Drift:
    """Judge the sentinels anew and compare; no stored reply is used, and nothing is changed.

    Whatever cannot be asked as it was then is missing, with its cause.

    Args:
        kept: the frozen verdicts.
        settings: store, endpoints and hard stops.
        environ: holds keys and endpoints.
        account: the run whose hard stops these calls count against; empty: a new account.
    """
    ready: list[tuple[Sentinel, Entry, Grader]] = []
    causes: dict[str, None] = {}
    for place in kept.places:
        try:
            ready.append((place, *_as_then(place, kept.asked[place.suite], settings, environ)))
        except MedcheckError as error:
            causes.setdefault(str(error))

    async def work(door: Door) -> tuple[list[Said], dict[str, Any]]:
        said = await asyncio.gather(
            *(_said(door, kept, place, entry, grader) for place, entry, grader in ready)
        )
        return said, asdict(door.traffic)

    said: list[Said] = []
    traffic: dict[str, Any] = {}
    if ready:
        fresh = replace(settings, responses="fresh")
        said, traffic = with_door(fresh, environ, work, account=account)
    known = [(place, each.met) for (place, *_), each in zip(ready, said, strict=True)
             if each.met is not None]  # fmt: skip
    causes |= dict.fromkeys(each.error for each in said if each.met is None)
    return Drift(
        run=kept.run,
        n=len(known),
        planned=len(kept.places),
        flipped=tuple(place.name for place, met in known if met != place.met),
        cause=next(iter(causes), ""),
        traffic=traffic,
    )


def beside(baseline: str | Path) -> Path:
    """Return where the sentinels of a baseline file stand."""
    path = Path(baseline)
    return path.with_name(f"{path.name.removesuffix('.json')}{_SUFFIX}")


def write(kept: Sentinels, path: Path) -> Path:
    """Write the file; it holds questions and answers as text.

    Raises:
        WriterError: the file cannot be written.
    """
    from medcheck.writers._files import replaced

    data = plain({"schema": SCHEMA, **asdict(kept)})
    with replaced(path) as file:
        json.dump({**data, "hash": digest(data)}, file, ensure_ascii=False, indent=1)
        file.write("\n")
    return path


def read(path: Path) -> Sentinels:
    """Return a file of sentinels.

    Raises:
        DatasetError: it cannot be read, is none, or was changed by hand.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        _check(data)
        places = tuple(_sentinel(block) for block in data["places"])
        return Sentinels(run=data["run"], asked=data["asked"], places=places)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise DatasetError(f"no sentinels: {error}.", hint=_ANEW, where=str(path)) from None


def _of(result: Result, told: Mapping[str, Any]) -> Iterator[Sentinel]:
    """Yield the verdicts of one answer that can be asked for again."""
    entries = told.get("judges") or {}
    options = told.get("grader") or {}
    pictures = any(message.images for message in result.messages)
    if result.score is None or result.completion is None or pictures:
        return
    if options.get("name") not in GRADERS:
        return
    asked = tuple(v.criterion for v in result.score.verdicts if v.criterion.check is None)
    for verdict in result.score.verdicts:
        for ballot in verdict.ballots:
            own = entries.get(ballot.judge, ["conftest"])[0] != "conftest"
            if own and ballot.state in ("met", "not_met") and ballot.asks:
                yield Sentinel(
                    suite=result.suite,
                    case_id=result.case_id,
                    judge=ballot.judge,
                    messages=tuple((m.role, m.text) for m in result.messages),
                    answer=result.completion.text,
                    criteria=asked if options.get("batch") else (verdict.criterion,),
                    criterion=verdict.criterion.id,
                    met=ballot.state == "met",
                )


def _asked(told: Mapping[str, Any]) -> dict[str, Any]:
    compared = told["compared"]
    names = ("grader", "judge_params", "prompts", "judges")
    return {"protocol": told.get("protocol"), **{name: compared.get(name) for name in names}}


def _as_then(
    place: Sentinel, told: Mapping[str, Any], settings: Settings, environ: Mapping[str, str]
) -> tuple[Entry, Grader]:
    """Return judge and grader as they were.

    Raises:
        SettingsError: they are others now.
    """
    options = {k: v for k, v in told["grader"].items() if k not in ("vote", "irrelevant")}
    options["protocol"] = told["protocol"]
    grader: Grader = shelves.find("graders", options["name"], "Grader")(options)
    before = told["prompts"] or {}
    if any(before.get(name) != version for name, version in grader.versions.items()):
        raise SettingsError(f'the prompts of suite "{place.suite}" have changed.')
    entry = judge_entry(place.judge, settings, environ)
    if plain([entry.provider, entry.model, dict(entry.params)]) != told["judges"][place.judge]:
        raise SettingsError(f'judge "{place.judge}" is another model, or has other parameters.')
    return entry, grader


async def _said(door: Door, kept: Sentinels, place: Sentinel, entry: Entry, grader: Grader) -> Said:
    params = kept.asked[place.suite].get("judge_params") or {}
    bench = Bench(judge=entry, door=door, grader=grader, params=params)
    case = Case(
        id=place.case_id,
        suite=place.suite,
        messages=tuple(Message(role=role, text=text) for role, text in place.messages),
        grader="",
        criteria=place.criteria,
    )
    said = await bench.said(Subject(name=place.name, case=case, answer=place.answer))
    return said[place.criterion]


def _check(data: Mapping[str, Any]) -> None:
    signed = {name: value for name, value in data.items() if name != "hash"}
    if data["schema"] != SCHEMA or digest(signed) != data["hash"]:
        raise ValueError("another version, or changed after it was written")
    if missing := {place["suite"] for place in data["places"]} - set(data["asked"]):
        raise ValueError(f"how the judge was asked is missing for {', '.join(sorted(missing))}")


def _sentinel(block: Mapping[str, Any]) -> Sentinel:
    return Sentinel(
        **{n: block[n] for n in ("suite", "case_id", "judge", "answer", "criterion", "met")},
        messages=tuple((role, text) for role, text in block["messages"]),
        criteria=tuple(_criterion(each) for each in block["criteria"]),
    )


def _criterion(block: Mapping[str, Any]) -> Criterion:
    lists: Iterable[str] = ("tags", "scale")
    return Criterion(**{**block, **{name: _tuple(block[name]) for name in lists}})


def _tuple(values: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(values)
