"""Who answers and who judges: suites and settings become entries, graders and plans, checked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

from medcheck import client, shelves
from medcheck.client import Prepared
from medcheck.engine.evaluate import Plan, first_request
from medcheck.errors import MedcheckError
from medcheck.graders import Grader
from medcheck.providers import Entry, Registry, host_note, key_of, load_registry, resolve
from medcheck.settings import Settings
from medcheck.suites import Suite
from medcheck.types import Case, Message, Request

T = TypeVar("T")
FREE_PROVIDERS = ("replay", "echo")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """Everything that the cases of a run have in common."""

    suites: Mapping[str, Suite]
    models: Mapping[str, Entry]
    judges: Mapping[tuple[str, str], tuple[Entry, ...]]
    """By suite and model: a recorded model brings the judge that was recorded with it."""
    plans: Mapping[str, Plan]
    problems: tuple[str, ...] = ()
    """Why the run must not start; one line each."""
    notes: tuple[str, ...] = ()
    """What the user must know although the run may start."""

    @property
    def versions(self) -> dict[str, str]:
        """Return what judged and what was asked, as sha256: prompts, suites, datasets, the code."""
        versions = {"medcheck": version("medcheck")}
        for name, suite in self.suites.items():
            versions |= {f"{name}: {key}": value for key, value in suite.versions.items()}
            if name in self.plans:
                versions |= self.plans[name].grader.versions
        return dict(sorted(versions.items()))

    def described(self, settings: Settings) -> dict[str, dict[str, Any]]:
        """Return, by suite, what reports need so that they need no YAML."""
        return {name: self._described(suite, settings) for name, suite in self.suites.items()}

    def _described(self, suite: Suite, settings: Settings) -> dict[str, Any]:
        judges = {model: self.judges.get((suite.name, model), ()) for model in self.models}
        allowed = settings.ungraded_at_most
        return {
            "title": suite.title,
            "protocol": settings.protocol or suite.protocol,
            "summary": {**suite.summary, "by": _prefixes(suite)},
            "gate": dict(suite.gate),
            "judges": sorted({entry.name for entries in judges.values() for entry in entries}),
            "ungraded_at_most": suite.ungraded_at_most if allowed is None else allowed,
            "notes": self._notes(suite),
        }

    def _notes(self, suite: Suite) -> list[str]:
        """Return what of the suite's settings its models and judges do not take."""
        if not suite.cases or suite.name not in self.plans:
            return []
        plan = self.plans[suite.name]
        request = first_request(plan, suite.cases[0])
        notes = [note for m in self.models.values() for note in prepare_request(m, request).notes]
        asked = Request(messages=suite.cases[0].messages, role="judge")
        own = (part for (name, _), part in self.judges.items() if name == suite.name)
        entries = [entry for part in own for entry in part]
        notes += [note for entry in entries for note in prepare_request(entry, asked).notes]
        return list(dict.fromkeys(notes))


def _prefixes(suite: Suite) -> list[str]:
    """Return the tag prefixes of the short tables: the suite's choice, else those of its cases."""
    chosen = suite.summary.get("by")
    if chosen:
        return list(chosen)
    tags = (tag for case in suite.cases for tag in case.tags if ":" in tag)
    return list(dict.fromkeys(tag.partition(":")[0] for tag in tags))


def prepare_request(entry: Entry, request: Request) -> Prepared:
    """Return a request in its endpoint's form."""
    return client.prepare(entry, request, salt=None)


def recordings(settings: Settings) -> dict[str, Callable[[tuple[Message, ...]], bool]]:
    """Return, for each model that repeats recorded answers, whether it knows a conversation."""
    if not settings.models:
        return {}
    path = Path(settings.models_file) if settings.models_file else None
    try:
        entries = load_registry(path).entries
    except MedcheckError:
        return {}  # the run is refused later, with this error
    known = [entries[name] for name in settings.models if name in entries]
    return {
        entry.name: shelves.find("providers", "replay", "Provider")(entry, {}).has_recording
        for entry in known
        if entry.provider == "replay"
    }


def prepare(suites: Iterable[Suite], settings: Settings, environ: Mapping[str, str]) -> Setup:
    """Return the setup of a run; what is wrong with it stands in `problems`, all at once."""
    builder = _Builder(settings, environ)
    by_name = {suite.name: suite for suite in suites}
    models = {name: entry for name in settings.models if (entry := builder.entry(name, "model"))}
    judges = {}
    plans = {}
    for suite in by_name.values():
        plan = builder.plan(suite)
        if plan is None:
            continue
        plans[suite.name] = plan
        for model in models.values():
            if plan.grader.needs_judge and any(_judged(case) for case in suite.cases):
                judges[suite.name, model.name] = builder.judges(suite, model)
    return Setup(
        suites=by_name,
        models=models,
        judges=judges,
        plans=plans,
        problems=tuple(dict.fromkeys(builder.problems)),
        notes=tuple(dict.fromkeys(builder.notes)),
    )


def _judged(case: Case) -> bool:
    return any(criterion.check is None for criterion in case.criteria)


class _Builder:
    def __init__(self, settings: Settings, environ: Mapping[str, str]) -> None:
        self.settings = settings
        self.environ = environ
        self.problems: list[str] = []
        self.notes: list[str] = []
        path = Path(settings.models_file) if settings.models_file else None
        self.registry = self._try(lambda: load_registry(path)) or Registry()

    def entry(self, name: str, role: str) -> Entry | None:
        """Return the entry of a model or judge whose key is present."""
        url = self.settings.base_url if role == "model" else self.settings.judge_base_url

        def find() -> Entry:
            entry = resolve(
                name,
                registry=self.registry,
                environ=self.environ,
                base_url=url,
                role=role,  # type: ignore[arg-type]
            )
            key_of(entry, self.environ)
            note = host_note(entry, self.environ)
            if note:
                self.notes.append(note)
            return entry

        found = self._try(find)
        unpriced = found and found.price is None and found.provider not in FREE_PROVIDERS
        if self.settings.budget is not None and unpriced:
            self.problems.append(
                f'--budget {self.settings.budget:g}: the price of "{name}" is not known. '
                "Give it a price in your models file, or use --max-calls."
            )
        return found

    def judges(self, suite: Suite, model: Entry) -> tuple[Entry, ...]:
        """Return the judges of a suite for a model, or note that there are none."""
        own = (model.judge,) if model.judge else ()
        names = self.settings.judges or own or suite.judges
        if not names:
            self.problems.append(
                f'{suite.path}: suite "{suite.name}" needs a judge. '
                "Name one with --judge, or under grader.judges in the suite."
            )
        entries = [entry for name in names if (entry := self.entry(name, "judge"))]
        if len(entries) > 1 and suite.grader.get("vote") == "single":
            self.problems.append(
                f'{suite.path}: grader.vote: "single" takes one judge, found {len(entries)}. '
                "Choose majority, unanimous, any or mean."
            )
        params = suite.grader.get("params") or {}
        return tuple(replace(entry, params={**params, **entry.params}) for entry in entries)

    def plan(self, suite: Suite) -> Plan | None:
        """Return how the cases of a suite are run."""

        def build() -> Plan:
            protocol = self.settings.protocol or suite.protocol
            options = {**suite.grader, "protocol": protocol, "folder": str(suite.path.parent)}
            grader: Grader = shelves.find("graders", str(suite.grader["name"]), "Grader")(options)
            return Plan(
                run=self.settings.run,
                grader=grader,
                system=suite.system,
                params=suite.params,
                truncated=str(suite.policies.get("truncated", "error")),
                refusal=str(suite.policies.get("refusal", "score")),
            )

        return self._try(build, where=str(suite.path))

    def _try(self, build: Callable[[], T], *, where: str = "") -> T | None:
        """Return what `build` gives; an error of ours becomes one of the problems."""
        try:
            return build()
        except MedcheckError as error:
            self.problems.append(f"{where}: {error}" if where and not error.where else str(error))
            return None
