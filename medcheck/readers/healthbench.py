"""HealthBench files: one example a line, main, hard or consensus, plain or gzipped.

One main file is enough: consensus and hard are derived from it. Filters by tag and samples are
the business of the suites.

Source: simple-evals healthbench_eval.py (record layout, assertions); the subsets are OpenAI's.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medcheck.errors import DatasetError, SettingsError, nearest
from medcheck.lines import Record, any_text, checked_object, each, filled_text, shown
from medcheck.readers._examples import check_new, items, turns, unique_tags
from medcheck.types import Case, Criterion, Origin

PROTOCOL = "official"
OPTIONS: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "subset": {"enum": ["main", "hard", "consensus"]},
        "completions": {
            "type": "boolean",
            "description": "Also read the physicians' completions and their references, as answers "
            "that can be judged.",
        },
    },
    "additionalProperties": False,
}

_FIELDS = ("example_tags", "prompt", "prompt_id", "rubrics")
_OPTIONAL = ("ideal_completions_data", "canary")
_IDEAL = ("ideal_completion", "ideal_completions_group", "ideal_completions_ref_completions")
_REFERENCES = {"Group 1": 0, "Group 2": 4, "Group 3": 4}
"""How many reference completions the physicians of a group were shown."""


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Case]:
    """Yield the cases of a HealthBench file in file order.

    With the option `completions`, `Case.answers` holds the physician's answer as
    `ideal_completion` and the ones shown to the physician as `reference`, and the case is tagged
    `completions:group-1` to `-3`; examples without such data have neither.

    Raises:
        DatasetError: every malformed line, at most 50; after the first one no case is yielded.

    """
    name = options.get("subset", "main")
    if name not in _SUBSETS:
        raise SettingsError(f'unknown subset "{name}".', hint=nearest(name, _SUBSETS))
    builder = _Builder(
        path=str(path),
        subset=_SUBSETS[name],
        completions=bool(options.get("completions", False)),
    )
    found = 0
    for case in each(Path(path), builder.case, hint="Run: medcheck fetch healthbench"):
        found += 1
        yield case
    if not found:
        raise DatasetError(f'no example of the subset "{name}".', where=str(path))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Builder:
    """Makes a case of a line."""

    path: str
    subset: Callable[[Record], list[Record]]
    completions: bool
    seen: dict[str, int] = field(default_factory=dict)
    """The line of each id."""
    tags: dict[tuple[str, ...], tuple[str, ...]] = field(default_factory=dict)
    """Lets equal tags of all criteria share their memory."""

    def case(self, number: int, found: object) -> Case | None:
        """Return the case of a record; `None`: it is not of the subset."""
        record = checked_object(found, _FIELDS, _OPTIONAL, "the line")
        case_id = filled_text(record["prompt_id"], "prompt_id")
        tags = unique_tags(record["example_tags"], "example_tags")
        messages = turns(record["prompt"])
        _check_rubrics(record["rubrics"])
        check_new("prompt_id", case_id, number, self.seen)
        answers, group = self._answers(record)
        rubrics = self.subset(record)
        if not rubrics:
            return None
        return Case(
            id=case_id,
            suite="",
            messages=messages,
            grader="",
            criteria=self._criteria(rubrics),
            tags=tags + group,
            answers=answers,
            origin=Origin(path=self.path, line=number),
        )

    def _criteria(self, rubrics: list[Record]) -> tuple[Criterion, ...]:
        return tuple(
            Criterion(
                id=str(position),
                text=rubric["criterion"],
                points=float(rubric["points"]),
                tags=self.tags.setdefault(own := tuple(rubric["tags"]), own),
            )
            for position, rubric in enumerate(rubrics, start=1)
        )

    def _answers(self, record: Record) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
        """Return the completions by column, and the tag of their group."""
        ideal = record.get("ideal_completions_data")
        if not self.completions or ideal is None:
            return {}, ()
        where = "ideal_completions_data"
        checked_object(ideal, _IDEAL, (), where)
        group = ideal["ideal_completions_group"]
        if group not in _REFERENCES:
            known = ", ".join(_REFERENCES)
            raise DatasetError(f"{where}.ideal_completions_group is {shown(group)}, not {known}.")
        answers = {
            "ideal_completion": (
                any_text(ideal["ideal_completion"], f"{where}.ideal_completion"),
            ),
            "reference": _references(ideal["ideal_completions_ref_completions"], group),
        }  # fmt: skip
        return answers, (f"completions:{group.lower().replace(' ', '-')}",)


def _references(found: object, group: str) -> tuple[str, ...]:
    """Return the reference completions of a group.

    Source: simple-evals healthbench_eval.py:193-209, 320-333.
    """
    where = "ideal_completions_data.ideal_completions_ref_completions"
    expected = _REFERENCES[group]
    if not isinstance(found, list) or len(found) != expected:
        raise DatasetError(f"{where} is not a list of {expected}, as {group} has.")
    return tuple(any_text(text, f"{where}[{number}]") for number, text in enumerate(found))


def _check_rubrics(rubrics: object) -> None:
    for position, rubric in enumerate(
        items(rubrics, "rubrics", text="criterion", others=("tags",))
    ):
        unique_tags(rubric["tags"], f"rubrics[{position}].tags")


def _main(record: Record) -> list[Record]:
    return list(record["rubrics"])


def _hard(record: Record) -> list[Record]:
    return list(record["rubrics"]) if record["prompt_id"] in _hard_ids() else []


def _consensus(record: Record) -> list[Record]:
    """Keep the criteria that physicians agreed on; none leaves the example out."""
    return [rubric for rubric in record["rubrics"] if "level:cluster" in rubric["tags"]]


@functools.cache
def _hard_ids() -> frozenset[str]:
    file = Path(__file__).with_name("healthbench_hard.txt")
    return frozenset(file.read_text(encoding="utf-8").split())


_SUBSETS: Mapping[str, Callable[[Record], list[Record]]] = {
    "main": _main,
    "hard": _hard,
    "consensus": _consensus,
}
