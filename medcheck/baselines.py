"""Baselines: small reviewed files of what a run measured, accepted by somebody for a reason.

A file holds hashes, scores and verdicts by case, no texts. The same run, person, reason and day
give the same bytes. Whether a run is as good as its baseline is decided in `gate`.
"""

from __future__ import annotations

import functools
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from medcheck.errors import DatasetError, SettingsError, WriterError
from medcheck.gate.measured import Measured, Side, digest, sides
from medcheck.lines import document
from medcheck.types import Run

FOLDER = Path("cases") / "baselines"
SCHEMA = 1
_SCHEMA_FILE = Path(__file__).parent / "schemas" / "baseline.json"
_BY_HAND = "Accept the run anew: medcheck baseline accept RUN --reason ..."


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What was accepted, by whom, when and why."""

    name: str
    """The path it was read from, or the run's id."""
    run: str
    started: str
    """When the run began; ISO 8601, UTC."""
    sides: tuple[Side, ...]
    by: str = ""
    reason: str = ""
    day: str = ""
    """ISO 8601 date, UTC."""

    @property
    def title(self) -> str:
        """What it is, for people."""
        if not self.by:
            return f"run {self.run}"
        return f"run {self.run}, accepted on {self.day} by {self.by}: {self.reason}"


def accept(run: Run, *, by: str, reason: str, day: date) -> Baseline:
    """Return a run as a baseline.

    Raises:
        SettingsError: nobody, no reason, no answers, or more are missing than the suites allow.
    """
    if not by.strip() or not reason.strip():
        raise SettingsError(
            "a baseline needs a person and a reason.", hint="Say why with --reason, who with --by."
        )
    found = sides(run)
    incomplete = [side for side in found if side.incomplete]
    if incomplete or not found:
        told = "; ".join(
            f"{s.lost} of {s.planned} answers of {s.model} on {s.suite}" for s in incomplete
        )
        raise SettingsError(
            f'run "{run.id}" cannot be a baseline: {told or "no answer"} not measured.',
            hint="Run it again: what is stored is not paid twice.",
        )
    return Baseline(
        name=run.id,
        run=run.id,
        started=run.started,
        sides=found,
        by=" ".join(by.split()),
        reason=" ".join(reason.split()),
        day=day.isoformat(),
    )


def find(name: str, stored: Callable[[str], Run]) -> Baseline:
    """Return the baseline of this path or run id.

    Args:
        name: what `--baseline` says; a file of this name is preferred.
        stored: gives a run of the store, or raises.

    Raises:
        DatasetError: the file is no baseline.
        SettingsError: a path without a file.
        StoreError: no such run.
    """
    path = Path(name)
    if path.is_file():
        return read(path)
    if path.suffix == ".json" or "/" in name:
        raise SettingsError(
            f'"{name}": there is no such baseline file.',
            hint="Correct the path, or name a stored run.",
        )
    run = stored(name)
    return Baseline(name=name, run=run.id, started=run.started, sides=sides(run))


def place(run: str, folder: Path = FOLDER) -> Path:
    """Return where a run's baseline is kept unless the user says otherwise."""
    name = re.sub(r"[^\w.-]+", "-", run)
    return folder / f"{name}.json"


def write(baseline: Baseline, path: Path) -> Path:
    """Write the file, a line for each case, in place of an earlier one.

    Raises:
        WriterError: the file cannot be written; an earlier one is as it was.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # A lone surrogate is written as its escape, which JSON reads back as the same character.
        part.write_text(text(baseline), encoding="utf-8", errors="backslashreplace", newline="\n")
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise WriterError(
            f"cannot write the baseline: {error.strerror or error}.",
            hint="Choose another place with --out.",
            where=str(path),
        ) from error
    return path


def text(baseline: Baseline) -> str:
    """Return the file's text."""
    data = _plain(baseline)
    blocks = data.pop("sides")
    head = json.dumps(data, ensure_ascii=False, allow_nan=False, indent=1).removesuffix("\n}")
    written = ",\n".join("\n".join(_side_lines(block)) for block in blocks)
    return f'{head},\n "sides": [\n{written}\n ]\n}}\n'


def read(path: Path) -> Baseline:
    """Return a baseline file.

    Raises:
        DatasetError: it cannot be read, is none, of another version, or was changed by hand.
    """
    data: Any = document(path, hint=_BY_HAND)
    _check(data, path)
    return Baseline(
        name=str(path),
        run=data["run"],
        started=data["started"],
        sides=tuple(_side(block, str(path)) for block in data["sides"]),
        by=data["by"],
        reason=data["reason"],
        day=data["day"],
    )


def _check(data: Any, path: Path) -> None:
    from jsonschema import exceptions

    error = exceptions.best_match(_validator().iter_errors(data))
    if error is not None:
        spot = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.path)
        message = f"{spot.lstrip('.') or 'the file'}: {error.message[:200]}."
        raise DatasetError(f"no baseline: {message}", hint=_BY_HAND, where=str(path))
    if digest(data["sides"]) != data["hash"]:
        raise DatasetError("was changed after it was accepted.", hint=_BY_HAND, where=str(path))
    for number, case in enumerate(case for side in data["sides"] for case in side["cases"]):
        if len({len(case["scores"]), len(case["states"])}) > 1:
            raise DatasetError(
                f"no baseline: case {number + 1} ({case['id']}) has {len(case['scores'])} scores "
                f"and {len(case['states'])} lines of states.",
                hint=_BY_HAND,
                where=str(path),
            )


@functools.cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(json.loads(_SCHEMA_FILE.read_text(encoding="utf-8")))


def _plain(baseline: Baseline) -> dict[str, Any]:
    blocks = [_block(side) for side in baseline.sides]
    return {
        "schema": SCHEMA,
        "run": baseline.run,
        "started": baseline.started,
        "by": baseline.by,
        "reason": baseline.reason,
        "day": baseline.day,
        "hash": digest(blocks),
        "sides": blocks,
    }


def _block(side: Side) -> dict[str, Any]:
    return {
        "suite": side.suite,
        "model": side.model,
        "protocol": side.protocol,
        "judges": list(side.judges),
        "ungraded_at_most": side.ungraded_at_most,
        "gate": dict(side.gate),
        "compared": dict(side.compared),
        "cases": [_case_block(case) for case in side.cases],
    }


def _case_block(case: Measured) -> dict[str, Any]:
    return {
        "id": case.case_id,
        "question": case.question,
        "rubric": case.rubric,
        "terms": case.terms,
        "categories": list(case.categories),
        "cluster": case.cluster,
        "scores": list(case.scores),
        "states": [" ".join(states) for states in case.states],
    }


def _side_lines(block: Mapping[str, Any]) -> Iterator[str]:
    yield "  {"
    for name, value in block.items():
        if name != "cases":
            yield f"   {_line(name)}: {_line(value, sort=True)},"
    yield '   "cases": ['
    yield ",\n".join(f"    {_line(case)}" for case in block["cases"])
    yield "   ]\n  }"


def _line(value: Any, *, sort: bool = False) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=sort)


def _side(block: Mapping[str, Any], name: str) -> Side:
    return Side(
        name=name,
        suite=block["suite"],
        model=block["model"],
        protocol=block["protocol"],
        judges=tuple(block["judges"]),
        compared=block["compared"],
        cases=tuple(_case(case) for case in block["cases"]),
        ungraded_at_most=block["ungraded_at_most"],
        gate=block.get("gate", {}),
    )


def _case(block: Mapping[str, Any]) -> Measured:
    return Measured(
        case_id=block["id"],
        question=block["question"],
        rubric=block["rubric"],
        # Files of before 2026-11-21 have neither terms nor the settings of the gate.
        terms=block.get("terms"),
        categories=tuple(block["categories"]),
        cluster=block["cluster"],
        scores=tuple(block["scores"]),
        states=tuple(tuple(states.split()) for states in block["states"]),
    )
