"""What a run keeps of its suites, so that reports and comparisons need no YAML."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from medcheck import canonical
from medcheck.canonical import Prepared
from medcheck.engine.evaluate import first_request
from medcheck.engine.setup import FREE_PROVIDERS, Setup
from medcheck.graders import Grader
from medcheck.providers import Entry
from medcheck.scoring.circular import number_of
from medcheck.settings import Settings
from medcheck.suites import Suite
from medcheck.types import Case, Request

OF_LEVELS = ("tier", "incidence", "any", "delta")
"""Groups of suites whose criteria have levels."""
MANY = ("group", "base")
"""Tags of which there are as many as questions."""
COPIED = ("group_accuracy", "circular_drop")
"""Groups of suites that ask questions in several orders of their options."""

FAMILIES: Mapping[str, tuple[str, ...]] = {
    "openai": ("gpt-", "chatgpt-", "o1", "o3", "o4-"),
    "anthropic": ("claude",),
    "google": ("gemini", "gemma", "medgemma"),
    "meta": ("llama", "meta-llama"),
    "mistral": ("mistral", "mixtral", "ministral", "magistral"),
    "microsoft": ("phi-",),
    "xai": ("grok",),
    "deepseek": ("deepseek",),
    "qwen": ("qwen", "qwq"),
    "moonshot": ("kimi", "moonshot"),
    "zhipu": ("glm-", "chatglm"),
    "baichuan": ("baichuan",),
}
"""How names of models begin, by family: for those that no registry knows."""


def described(setup: Setup, settings: Settings) -> dict[str, dict[str, Any]]:
    """Return, by suite, what reports need so that they need no YAML."""
    return {name: _described(setup, suite, settings) for name, suite in setup.suites.items()}


def _described(setup: Setup, suite: Suite, settings: Settings) -> dict[str, Any]:
    judges = {model: setup.judges.get((suite.name, model), ()) for model in setup.models}
    entries = {entry.name: entry for found in judges.values() for entry in found}
    allowed = settings.ungraded_at_most
    grader = setup.plans[suite.name].grader if suite.name in setup.plans else None
    return {
        "title": suite.title,
        "protocol": settings.protocol or suite.protocol,
        "summary": {**suite.summary, "by": _prefixes(suite)},
        "gate": dict(suite.gate),
        "judges": sorted(entries),
        "roles": _named_roles(setup, suite.name),
        "undecided": getattr(grader, "undecided", None),
        "points": getattr(grader, "rule", None),
        "usability": getattr(grader, "usability", None),
        "cluster": suite.cluster,
        "conversations": conversations(suite.cases),
        "compared": _compared(suite, grader, entries),
        "ungraded_at_most": suite.ungraded_at_most if allowed is None else allowed,
        "notes": [*setup.strays, *suite.notes, *_notes(setup, suite)],
    }


def _named_roles(setup: Setup, suite: str) -> dict[str, list[str]]:
    """Return the names of the judges in further roles."""
    found: dict[str, set[str]] = {}
    for (name, _), roles in setup.roles.items():
        for role, entries in roles.items() if name == suite else ():
            found.setdefault(role, set()).update(entry.name for entry in entries)
    return {role: sorted(names) for role, names in sorted(found.items())}


def _notes(setup: Setup, suite: Suite) -> list[str]:
    """Return what of the suite's settings its models and judges do not take."""
    if not suite.cases or suite.name not in setup.plans:
        return []
    plan = setup.plans[suite.name]
    request = first_request(plan, suite.cases[0])
    notes = [note for m in setup.models.values() for note in prepare_request(m, request).notes]
    messages = suite.cases[0].messages
    asked = Request(messages=messages, params=plan.judge_params, role="judge")
    own = (part for (name, _), part in setup.judges.items() if name == suite.name)
    entries = [entry for part in own for entry in part]
    notes += [note for entry in entries for note in prepare_request(entry, asked).notes]
    return list(dict.fromkeys([*notes, *_own_family(setup, suite.name)]))


def _own_family(setup: Setup, suite: str) -> Iterator[str]:
    """Yield which judges mark answers of their own or of a relative; recorded ones do not."""
    for (name, model), judges in sorted(setup.judges.items()):
        entry = setup.models.get(model)
        if name != suite or entry is None:
            continue
        asked = [judge for judge in judges if judge.provider not in FREE_PROVIDERS]
        itself = [judge for judge in asked if _is_same(judge, entry)]
        if itself:
            yield (
                f"{suite}: {_names(itself)} judged answers of {model}, the same model: compare the "
                "figures without such a judge."
            )
        family = family_of(entry)
        near = [judge for judge in asked if judge not in itself and family_of(judge) == family]
        if near and family is not None:
            yield (
                f"{suite}: {_names(near)} judged answers of {model}, of the same family "
                f"({family}): compare the figures without such a judge."
            )


def _is_same(judge: Entry, model: Entry) -> bool:
    # The endpoint may be another: the weights are what is partial to its own words.
    named = bool(model.model) and (judge.provider, judge.model) == (model.provider, model.model)
    return judge.name == model.name or named


def _names(judges: Iterable[Entry]) -> str:
    return ", ".join(dict.fromkeys(judge.name for judge in judges))


def family_of(entry: Entry) -> str | None:
    """Return who made a model: as the registry says, else by how its name begins; `None`: unknown.

    What stands before a slash is the name of a host or publisher and does not count.
    """
    if entry.family is not None:
        return entry.family
    names = [name.rpartition("/")[2].casefold() for name in (entry.model, entry.name)]
    return next(
        (
            family
            for name in names
            for family, begins in FAMILIES.items()
            if name.startswith(begins)
        ),
        None,
    )


def _compared(suite: Suite, grader: Grader | None, judges: Mapping[str, Entry]) -> dict[str, Any]:
    """Return what two runs must have in common besides their cases to be compared."""
    left_out = ("judges", "params", "prompt")  # a prompt is known by its hash, judges by name
    return {
        "prompts": dict(grader.versions) if grader else {},
        "judges": {
            name: [entry.provider, entry.model, dict(entry.params)]
            for name, entry in sorted(judges.items())
        },
        "params": dict(suite.params),
        "judge_params": dict(suite.judge_params),
        "system": suite.system,
        "policies": dict(suite.policies),
        "grader": {key: value for key, value in suite.grader.items() if key not in left_out},
    }


def conversations(cases: Iterable[Case]) -> dict[str, str]:
    """Return, for each case that follows another, the first case of its conversation."""
    first: dict[str, str] = {}
    for case in cases:
        if case.follows:
            first[case.id] = first.get(case.follows, case.follows)
    return first


def _prefixes(suite: Suite) -> list[str]:
    """Return the tag prefixes of the short tables: the suite's choice, else those of its cases."""
    chosen = suite.summary.get("by")
    copied = any(number_of(case.labels) is not None for case in suite.cases)
    shown = COPIED if copied else ()
    if chosen:
        return list(dict.fromkeys([*chosen, *shown]))
    tags = (tag for case in suite.cases for tag in case.tags if ":" in tag)
    found = dict.fromkeys(tag.partition(":")[0] for tag in tags)
    if any(criterion.level for case in suite.cases for criterion in case.criteria):
        found |= dict.fromkeys(OF_LEVELS)
    return [*(prefix for prefix in found if prefix not in MANY), *shown]


def prepare_request(entry: Entry, request: Request) -> Prepared:
    """Return a request in its endpoint's form."""
    return canonical.prepare(entry, request, salt=None)
