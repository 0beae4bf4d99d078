"""Who answers and who judges: suites and settings become entries, graders and plans, checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from medcheck import shelves
from medcheck.answers import is_file
from medcheck.engine.evaluate import Plan
from medcheck.engine.existing import ANSWERS, Existing, existing, from_column, strays
from medcheck.errors import MedcheckError, SettingsError, nearest
from medcheck.graders import Grader
from medcheck.providers import Entry, Registry, host_note, key_of, load_registry, resolve
from medcheck.settings import Settings
from medcheck.suites import Suite
from medcheck.types import Case, Completion

T = TypeVar("T")
FREE_PROVIDERS = ("replay", "echo", "none", "conftest")
DIRECT = ""
"""Stands in the place of a suite for tests that belong to none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """Everything that the cases of a run have in common."""

    suites: Mapping[str, Suite]
    models: Mapping[str, Entry]
    judges: Mapping[tuple[str, str], tuple[Entry, ...]]
    """By suite and model: a recorded model brings the judge that was recorded with it."""
    plans: Mapping[str, Plan]
    roles: Mapping[tuple[str, str], Mapping[str, tuple[Entry, ...]]] = field(default_factory=dict)
    """By suite and model: further judges by role, where a grader names such."""
    problems: tuple[str, ...] = ()
    """Why the run must not start; one line each."""
    notes: tuple[str, ...] = ()
    """What the user must know although the run may start."""
    answers: Mapping[str, Existing] = field(default_factory=dict)
    """By model: answers that exist already, in place of a model to ask."""
    default_repeats: int = 1
    strays: tuple[str, ...] = ()
    """Files that answer cases of no suite; one line each."""

    def given(self, case: Case, model: str) -> tuple[Completion | None, ...] | None:
        """Return the existing answers of a case, one per repeat; `None`: the model is asked.

        In it `None` is a repeat of a stored run that has no answer. A grader may take the answer
        from the case itself (`answer_column`).
        """
        column = getattr(self.plans[case.suite].grader, "answer_column", None)
        if column is not None:
            return from_column(case, column)
        found = self.answers.get(model)
        return None if found is None else found.of(case)

    def own_entry(self, role: str, name: str) -> Entry:
        """Return the entry of a model or judge that the user's conftest.py supplies."""
        if role == "model":
            return self.models[name]
        return next(e for part in self.judges.values() for e in part if e.name == name)

    def repeats(self, case: Case, model: str) -> int:
        """Return how many results a case gets; a given answer that is lacking is one as well."""
        given = self.given(case, model)
        return self.default_repeats if given is None else max(1, len(given))

    def numbers(self, case: Case, model: str) -> tuple[int, ...]:
        """Return the repeats that are measured here, from 1; a stored run's gaps are not."""
        lost = {n for n, answer in enumerate(self.given(case, model) or (), 1) if answer is None}
        return tuple(n for n in range(1, self.repeats(case, model) + 1) if n not in lost)

    @property
    def versions(self) -> dict[str, str]:
        """Return what judged and what was asked, as sha256: prompts, suites, datasets, the code."""
        versions = {"medcheck": version("medcheck")}
        for name, suite in self.suites.items():
            versions |= {f"{name}: {key}": value for key, value in suite.versions.items()}
            if name in self.plans:
                versions |= self.plans[name].grader.versions
        return dict(sorted(versions.items()))


def recordings(settings: Settings) -> dict[str, Callable[[Case], bool]]:
    """Return, for each model that only repeats existing answers, whether it has one to a case.

    A case that a pack should answer and does not is one of its cases, too: it is not measured.

    Raises:
        DatasetError: a file of answers cannot be read.
    """
    given = {name: found for name in settings.models if (found := existing(name))}
    tests: dict[str, Callable[[Case], bool]] = {
        name: lambda case, found=found: bool(found.of(case)) or found.lacks(case)  # type: ignore[misc]
        for name, found in given.items()
    }
    return tests | _replayed(settings)


def _replayed(settings: Settings) -> dict[str, Callable[[Case], bool]]:
    if not settings.models:
        return {}
    path = Path(settings.models_file) if settings.models_file else None
    try:
        entries = load_registry(path).entries
    except MedcheckError:
        return {}  # the run is refused later, with this error
    known = [entries[name] for name in settings.models if name in entries]
    return {
        entry.name: _has_recording(shelves.find("providers", "replay", "Provider")(entry, {}))
        for entry in known
        if entry.provider == "replay"
    }


def _has_recording(provider: Any) -> Callable[[Case], bool]:
    return lambda case: bool(provider.has_recording(case.messages, later=case.follows is not None))


def prepare(
    suites: Iterable[Suite],
    settings: Settings,
    environ: Mapping[str, str],
    *,
    own: Collection[str] = (),
    direct: bool = False,
    lent: Iterable[Suite] = (),
    known: Collection[str] | None = None,
    given: Mapping[str, Existing] = MappingProxyType({}),
) -> Setup:
    """Return the setup of a run; what is wrong with it stands in `problems`, all at once.

    Args:
        suites: whose cases will run.
        settings: of the command.
        environ: holds keys and endpoints.
        own: `model`, `judges` or both, where the user's conftest.py supplies them.
        direct: whether tests of the user's own call model and judges, outside of any suite.
        lent: suites whose judges such tests use, although none of their cases will run.
        known: ids of all cases that were collected; `None`: files of answers are not checked.
        given: answers of a stored run, by the name of their model.
    """
    builder = _Builder(settings, environ, own)
    by_name = {suite.name: suite for suite in suites}
    answers = {
        name: found
        for name in settings.models
        if (found := given.get(name) or builder.existing(name))
    }
    models = {
        name: entry
        for name in settings.models
        if (entry := builder.given(name) if name in answers else builder.entry(name, "model"))
    }
    judges: dict[tuple[str, str], tuple[Entry, ...]] = {}
    plans = {}
    roles: dict[tuple[str, str], Mapping[str, tuple[Entry, ...]]] = {}
    for suite in {**{suite.name: suite for suite in lent}, **by_name}.values():
        plan = builder.plan(suite)
        if plan is None:
            continue
        plans[suite.name] = plan
        for name, model in models.items():
            if getattr(plan.grader, "judged_by_model", False):
                judges[suite.name, name] = (model,)
            elif plan.grader.needs_judge and any(judged(case, plan.grader) for case in suite.cases):
                judges[suite.name, name] = builder.judges(suite, model)
                roles[suite.name, name] = builder.roles(plan, suite, model)
    told = tuple(builder.strays(answers, known)) if known is not None else ()
    if direct:
        judges |= {(DIRECT, name): builder.direct_judges(model) for name, model in models.items()}
    return Setup(
        suites=by_name,
        models=models,
        judges=judges,
        roles=roles,
        plans=plans | ({DIRECT: builder.direct_plan()} if direct else {}),
        answers=answers,
        default_repeats=settings.repeats,
        problems=tuple(dict.fromkeys(builder.problems)),
        notes=tuple(dict.fromkeys((*told, *builder.notes))),
        strays=told,
    )


def _brought(model: Entry, suite: str) -> tuple[str, ...]:
    """Return the judges that were recorded with a model."""
    panel = model.panels.get(suite)
    if panel:
        return tuple(panel)
    return (model.judge,) if model.judge else ()


def judged(case: Case, grader: Grader) -> bool:
    """Return whether a case has criteria that only a judge can decide, its own or its suite's."""
    if getattr(grader, "judges_every_case", False):
        return True
    return any(criterion.check is None for criterion in case.criteria)


def _twice(names: Iterable[str], where: str) -> Iterator[str]:
    """Yield a problem for each judge that is named twice: one stored reply would be two votes."""
    for name, count in Counter(names).items():
        if count > 1:
            yield f'{where}: judge "{name}" stands there {count} times. Name each judge once.'


def _stray_weights(suite: Suite, judges: Collection[str]) -> Iterator[str]:
    """Yield a problem for each weight whose judge is not on the panel: it would do nothing."""
    for name in suite.grader.get("judge_weights", {}):
        if name not in judges:
            yield (
                f'{suite.path}: grader.judge_weights: judge "{name}" is not on the panel. '
                f"{nearest(name, judges)}"
            )


def _import_own(entry: Entry) -> None:
    """Import what answers for an entry, where that is the user's own code.

    Raises:
        MedcheckError: it cannot be imported, or cannot be asked.
    """
    if ":" not in entry.provider:
        return
    try:
        target = shelves.find("providers", entry.provider, "Provider")
    except MedcheckError:
        raise
    except Exception as error:
        raise SettingsError(
            f'"{entry.provider}" cannot be imported: {type(error).__name__}: {str(error)[:200]}',
            hint="Correct its code.",
        ) from error
    if not callable(getattr(target, "ask", target)):
        raise SettingsError(
            f'"{entry.provider}" has no method "ask" and cannot be called.',
            hint="Give it `ask(request)`, or make it a function of the messages.",
        )


class _Builder:
    def __init__(
        self, settings: Settings, environ: Mapping[str, str], own: Collection[str]
    ) -> None:
        self.settings = settings
        self.own = own
        self.environ = environ
        self.problems: list[str] = []
        self.notes: list[str] = []
        path = Path(settings.models_file) if settings.models_file else None
        read = self._try(lambda: load_registry(path))
        self.readable = read is not None
        """Whether the registry could be read: else every name would seem to be unknown."""
        self.registry = read or Registry()

    def entry(self, name: str, role: str) -> Entry | None:
        """Return the entry of a model or judge whose key is present."""
        if role in self.own:
            return Entry(name=name, provider="conftest", model=name)
        if not self.readable:
            return None
        url = self.settings.base_url if role == "model" else self.settings.judge_base_url

        def find() -> Entry:
            entry = resolve(
                name,
                registry=self.registry,
                environ=self.environ,
                base_url=url,
                role=role,  # type: ignore[arg-type]
            )
            key_of(entry, self.environ, role=role)  # type: ignore[arg-type]
            _import_own(entry)
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

    def existing(self, name: str) -> Existing | None:
        """Return the answers that exist under a name, if it means such."""
        return self._try(lambda: existing(name))

    def given(self, name: str) -> Entry:
        """Return the entry that stands for existing answers: it is never asked."""
        if not name.startswith(ANSWERS):
            known = self.registry.entries.get(name)
            blank = Entry(name=name, provider="none", model=name)
            if known is None:
                return blank
            return replace(blank, family=known.family, judge=known.judge, panels=known.panels)
        place = name.removeprefix(ANSWERS)
        label = Path(place).name.partition(".")[0] if is_file(place) else place
        model = place.partition("#")[2]
        return Entry(name=model or label, provider="none", model=name)

    def strays(self, answers: Mapping[str, Existing], known: Collection[str]) -> Iterator[str]:
        """Yield a note for each file that answers unknown cases, too; only those is a problem."""
        for line, is_all in strays(answers, known):
            if is_all:
                self.problems.append(f"{line} Is it the right file, and were all suites collected?")
            else:
                yield line

    def judges(self, suite: Suite, model: Entry) -> tuple[Entry, ...]:
        """Return the judges of a suite for a model, or note that there are none."""
        names = self.settings.judges or _brought(model, suite.name) or suite.judges
        if "judge" in self.own:
            names = names or ("judge",)
        if not names:
            self.problems.append(
                f'{suite.path}: suite "{suite.name}" needs a judge. '
                "Name one with --judge, or under grader.judges in the suite."
            )
        self.problems += _twice(names, f"{suite.path}: grader.judges")
        self.problems += _stray_weights(suite, names)
        entries = [entry for name in names if (entry := self.entry(name, "judge"))]
        if len(entries) > 1 and suite.grader.get("vote") == "single":
            self.problems.append(
                f'{suite.path}: grader.vote: "single" takes one judge, found {len(entries)}. '
                "Choose majority, unanimous, any or mean."
            )
        return tuple(entries)

    def roles(self, plan: Plan, suite: Suite, model: Entry) -> dict[str, tuple[Entry, ...]]:
        """Return the judges in further roles; whoever brings or supplies judges has them do all."""
        if "judge" in self.own or _brought(model, suite.name):
            return {}
        named: Mapping[str, tuple[str, ...]] = getattr(plan.grader, "roles", {})
        for role, names in named.items():
            self.problems += _twice(names, f"{suite.path}: {role.replace('_', ' ')}")
        return {
            role: tuple(entry for name in names if (entry := self.entry(name, "judge")))
            for role, names in named.items()
        }

    def direct_judges(self, model: Entry) -> tuple[Entry, ...]:
        """Return the judges of tests that belong to no suite."""
        names = self.settings.judges or ((model.judge,) if model.judge else ())
        if "judge" in self.own:
            names = names or ("judge",)
        return tuple(entry for name in names if (entry := self.entry(name, "judge")))

    def direct_plan(self) -> Plan:
        """Return how answers are graded that belong to no suite."""
        options = {"protocol": self.settings.protocol or "strict"}
        grader: Grader = shelves.find("graders", "rubric", "Grader")(options)
        return Plan(run=self.settings.run, grader=grader)

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
                judge_params=suite.judge_params,
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
