"""HELM's own configurable benchmarks, read as they are: a YAML file, a prompt and a CSV.

The YAML has name, description, prompt_file, dataset_file, max_tokens and metrics; the prompt holds
`{column}`, the data set `correct_answer` and maybe `incorrect_answers` (a JSON list). `suite_of`
proposes the suite that measures the same; judges stand in the metric or in a judges.yaml.

Source: medhelm.md section 4 (stanford-crfm/helm at 63754d0, run_specs/medhelm/benchmark_config.py,
scenarios/medhelm_configurable_scenario.py, scenarios/medhelm/judges.yaml).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medcheck.errors import DatasetError, nearest
from medcheck.lines import Record, any_text, checked_object, filled_list, filled_text, parsed, shown
from medcheck.readers import _medhelm, _medhelm_lint
from medcheck.readers._medhelm import Row
from medcheck.readers._medhelm_lint import Doubt
from medcheck.scoring import taxonomy
from medcheck.types import Case, Message, Origin

FOLDERS = True
"""Its data is best a folder, so that prompt and data set stand in it too."""
OPTIONS: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "config": {
            "type": "string",
            "minLength": 1,
            "description": "The benchmark's file in a folder of several.",
        },
        "category": {
            "type": "string",
            "minLength": 1,
            "description": "What in MedHELM's taxonomy it belongs to, by id or name.",
        },
    },
    "additionalProperties": False,
}
JURY = "jury_score"
METRICS = ("exact_match", "rouge_1", "rouge_2", "rouge_l", JURY)
NOT_HERE = ("BERTScore-P", "BERTScore-R", "BERTScore-F")
"""Metrics of the original that need a model of their own; they are named, never replaced."""
MAX_TOKENS = 1024
"""Source: benchmark_config.py (the default)."""

_NEEDED = ("name", "description", "prompt_file", "dataset_file", "metrics")
_FIELD = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_RUBRIC = re.compile(r"<rubric_criteria>\s*(\{.*?\})\s*</rubric_criteria>", re.DOTALL)
_JURY_SCALE = (1, 5)
"""Of the benchmarks that MedHELM ships; in a jury's prompt the scale is words. Source: medhelm.md
section 4."""
_MODEL = ("model_name", "model")
"""What a juror's model is called in a benchmark's file, and in a judges.yaml; either is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """One benchmark's file and the texts that it names."""

    path: Path
    name: str
    description: str
    prompt: str
    dataset: Path
    max_tokens: int
    metrics: tuple[Mapping[str, Any], ...]
    """Each with `name`; `jury_score` also with `criteria` and, as they stand there, `judges`."""

    @property
    def slug(self) -> str:
        """The name as an id."""
        return re.sub(r"[^\w.-]+", "-", self.name).strip("-").lower()


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Case]:
    """Yield a case for each row of the data set: NAME-N.

    The reference is `correct_answer`; `labels["task"]["incorrect"]` holds the other answers.

    Raises:
        DatasetError: the benchmark's files, or every row that cannot be used.
    """
    config = config_of(Path(path), options.get("config"))
    place = taxonomy.path_of(options["category"]) if "category" in options else ()
    only_jury = [metric["name"] for metric in config.metrics] == [JURY]
    needed = [] if only_jury else ["correct_answer"]
    needed += [name for name in fields(config.prompt) if name not in needed]
    rows = _medhelm.csv_rows(config.dataset, needed=needed)

    def build(number: int, row: Row) -> Case:
        return _case(number, row, config, place, closed=not only_jury)

    return _medhelm.built(config.dataset, rows, build)


def lint(cases: Iterable[Case], options: Mapping[str, Any] | None = None) -> tuple[Doubt, ...]:
    """Return what is doubtful about the cases."""
    del options
    return _medhelm_lint.findings(cases, _both)


def suite_of(
    path: Path, *, data_path: str, judges: Path | None = None
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the suite that measures what a HELM benchmark does, and what it leaves out.

    Args:
        path: the benchmark's file or folder.
        data_path: what the suite calls it, relative to the suite's folder.
        judges: a judges.yaml in the place of the judges that the metric names.

    Raises:
        DatasetError: the benchmark's files.
    """
    config = config_of(path)
    names = [str(metric["name"]) for metric in config.metrics]
    left_out = [
        f"{name} needs a model of its own; it is left out." for name in names if name in NOT_HERE
    ]
    wanted = [name for name in names if name not in NOT_HERE]
    if JURY in wanted:
        metric = next(metric for metric in config.metrics if metric["name"] == JURY)
        grader = _jury(metric, judges, f"{config.path}: metrics")
        plain = [name for name in wanted if name != JURY]
        left_out += [f"{name} stands beside jury_score: run a second suite." for name in plain]
        left_out.append("The jury's prompt is medcheck's own; the criteria are the benchmark's.")
        low, high = _JURY_SCALE
        left_out.append(
            f"The jury marks from {low} to {high}: if the benchmark's prompt has another scale, "
            "change scale."
        )
    else:
        grader = {"name": "short_answer", "metric": wanted or ["exact_match"]}
    data: dict[str, Any] = {"format": "helm_yaml", "path": data_path}
    if path.is_dir():
        data["options"] = {"config": config.path.relative_to(path).as_posix()}
    suite = {
        "suite": config.slug,
        "title": config.name,
        "description": config.description,
        "data": data,
        "params": {"temperature": 0, "max_tokens": config.max_tokens},
        "grader": grader,
        "protocol": "strict",
    }
    return suite, tuple(left_out)


def judges_of(path: Path) -> tuple[str, ...]:
    """Return the models of a judges.yaml, without the names of their makers.

    Raises:
        DatasetError: it is none.
    """
    found = checked_object(_yaml(path), ("judges",), None, str(path))
    return _models(found["judges"], str(path))


def config_of(path: Path, name: str | None = None) -> Config:
    """Return the benchmark that a file, or a folder with one such file, describes.

    Raises:
        DatasetError: no such file, a field is missing or unknown, or a file that it names is not
            in the folder.
    """
    folder = path if path.is_dir() else path.parent
    file = _inside(folder, folder, name) if name else _only(path)
    where = str(file)
    known = (*_NEEDED, "max_tokens")
    found = checked_object(_yaml(file), _NEEDED, known, where)
    max_tokens = found.get("max_tokens", MAX_TOKENS)
    if type(max_tokens) is not int or max_tokens < 1:
        raise DatasetError(f"max_tokens is {shown(max_tokens)}, expected a number.", where=where)
    prompt, dataset = (
        _inside(folder, file.parent, filled_text(found[key], f"{where}: {key}"))
        for key in ("prompt_file", "dataset_file")
    )
    return Config(
        path=file,
        name=filled_text(found["name"], f"{where}: name"),
        description=any_text(found["description"], f"{where}: description"),
        prompt=_medhelm.text(prompt),
        dataset=dataset,
        max_tokens=max_tokens,
        metrics=tuple(_metric(item, folder, file) for item in _metric_list(found, where)),
    )


def fields(template: str) -> tuple[str, ...]:
    """Return the columns that a prompt names, each once.

    Raises:
        DatasetError: a brace that begins or ends nothing, or a name that is empty.
    """
    found = []
    for match in _FIELD.finditer(template):
        if match.group() in ("{{", "}}"):
            continue
        if not match.group(1):
            hint = "Write {column}; a brace itself is {{ or }}."
            raise DatasetError(f'the prompt has a stray "{match.group()}".', hint=hint)
        found.append(match.group(1))
    return tuple(dict.fromkeys(found))


def filled(template: str, record: Record) -> str:
    """Return a prompt with its columns filled in one pass: braces inside a value stay text."""
    braces = {"{{": "{", "}}": "}"}
    return _FIELD.sub(lambda m: braces.get(m[0]) or str(record[m[1]]), template)


def _case(number: int, row: Row, config: Config, place: tuple[str, ...], *, closed: bool) -> Case:
    line, record = row
    gold = record.get("correct_answer", "").strip()
    if closed and not gold:
        raise DatasetError("correct_answer is empty.")
    facts: dict[str, Any] = {"name": config.slug}
    if given := record.get("incorrect_answers", "").strip():
        listed = filled_list(parsed(given.encode("utf-8", "surrogatepass")), "incorrect_answers")
        facts["incorrect"] = [str(answer) for answer in listed]
    return Case(
        id=f"{config.slug}-{number}",
        suite="",
        messages=(Message(role="user", text=filled(config.prompt, record).strip()),),
        grader="",
        criteria=(_medhelm.ANSWER,) if closed else (),
        references=(gold,) if gold else (),
        tags=(f"task:{config.slug}",),
        category=place,
        labels={"task": facts},
        origin=Origin(path=str(config.dataset), line=line, record=record),
    )


def _both(cases: Sequence[Case]) -> Iterator[Doubt]:
    """Find rows whose right answer is listed among the wrong ones."""
    found = [
        c for c in cases if set(c.references) & set(_medhelm_lint.facts(c).get("incorrect", ()))
    ]
    text = "the right answer stands among the incorrect ones."
    yield from _medhelm_lint.doubt("error", "right_and_wrong", text, found)


def _only(path: Path) -> Path:
    if not path.is_dir():
        return path
    files = sorted(file for pattern in ("*.yaml", "*.yml") for file in path.rglob(pattern))
    found = [file for file in files if _is_config(file)]
    if len(found) != 1:
        named = ", ".join(file.relative_to(path).as_posix() for file in found) or "none"
        hint = "Name one as data.options.config."
        raise DatasetError(f"benchmark files in the folder: {named}.", hint=hint, where=str(path))
    return found[0]


def _is_config(file: Path) -> bool:
    found = _yaml(file)
    return isinstance(found, dict) and "dataset_file" in found


def _yaml(path: Path) -> Any:
    import yaml

    try:
        return yaml.safe_load(_medhelm.text(path))
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        reason = getattr(error, "problem", None) or type(error).__name__
        raise DatasetError(f"not YAML: {reason}.", where=str(path)) from None


def _inside(folder: Path, start: Path, name: str) -> Path:
    """Return a file that another names, which must lie in the data's folder."""
    found = start / name
    if not Path(os.path.realpath(found)).is_relative_to(os.path.realpath(folder)):
        hint = "Put it in the folder of the benchmark, and name that folder as data.path."
        raise DatasetError(f'"{name}" leads out of the folder.', hint=hint, where=str(folder))
    if not found.is_file():
        raise DatasetError("no such file.", where=str(found))
    return found


def _metric_list(found: Record, where: str) -> list[Any]:
    """Return the metrics, the one called `main` first: it is the score."""
    listed = filled_list(found["metrics"], f"{where}: metrics")
    return sorted(listed, key=lambda item: not (isinstance(item, dict) and item.get("main")))


def _metric(item: object, folder: Path, file: Path) -> Mapping[str, Any]:
    where = f"{file}: metrics"
    found = checked_object(item, ("name",), ("prompt_file", "judges", "main"), where)
    name = found["name"]
    if name not in (*METRICS, *NOT_HERE):
        hint = nearest(str(name), (*METRICS, *NOT_HERE))
        raise DatasetError(f"unknown metric {shown(name)}.", hint=hint, where=where)
    if name != JURY:
        return {"name": name}
    checked_object(item, ("name", "prompt_file"), ("judges", "main"), where)
    prompt = _medhelm.text(_inside(folder, file.parent, str(found["prompt_file"])))
    rubric = _RUBRIC.search(prompt)
    if rubric is None:
        hint = "It holds the criteria as JSON."
        raise DatasetError("the jury's prompt has no <rubric_criteria>.", hint=hint, where=where)
    criteria = parsed(rubric[1].encode("utf-8", "surrogatepass"))
    if not isinstance(criteria, dict) or not criteria:
        raise DatasetError(f"rubric_criteria is {shown(criteria)}.", where=where)
    return {"name": JURY, "judges": found.get("judges"), "criteria": tuple(criteria)}


def _models(found: object, where: str) -> tuple[str, ...]:
    names = []
    for item in filled_list(found, f"{where}: judges"):
        judge = checked_object(item, ("name",), None, f"{where}: judges")
        field = next((name for name in _MODEL if name in judge), None)
        if field is None:
            problem = f"a judge has neither {' nor '.join(_MODEL)}: {shown(judge)}."
            raise DatasetError(problem, hint="Name the model of each judge.", where=where)
        names.append(filled_text(judge[field], f"{where}: {field}").rpartition("/")[2])
    return tuple(names)


def _jury(metric: Mapping[str, Any], judges: Path | None, where: str) -> dict[str, Any]:
    named = _models(metric["judges"], where) if judges is None else judges_of(judges)
    return {
        "name": "jury",
        "judges": list(named),
        "criteria": list(metric["criteria"]),
        "scale": list(_JURY_SCALE),
    }
