"""Answers that exist already: files of answers by case, judged without asking a model.

Understood: packs of MedBench (a zip or a folder), and, each also gzipped: JSON lines of
`{case_id, answer}` (other names in `ID_NAMES` and `ANSWER_NAMES`, `repeat` and `model` beside
them), our own results.jsonl, and the `_allresults.json` of HealthBench's official code. Which
cases a run has is not known here.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from medcheck.errors import DatasetError, located, nearest
from medcheck.lines import (
    MAX_ERRORS,
    Record,
    any_text,
    checked_object,
    each,
    filled_text,
    numbered,
    parsed,
    shown,
    texts,
)
from medcheck.types import Ballot, Criterion, Message, Verdict, VerdictState

if TYPE_CHECKING:
    from medcheck.packs.answers import PackAnswers

ID_NAMES = ("case_id", "prompt_id", "id")
"""Names of a line's case; the first that is there counts."""
ANSWER_NAMES = ("answer", "response", "completion", "text")
"""Names of a line's answer; exactly one may be there."""
NOT_A_FILE = "Name a file of answers: answers:PATH, or answers:PATH#MODEL for one of its models."
_EXAMPLES = "metadata.example_level_metadata"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """The answers of one model in one file."""

    path: str
    """As given, without `#MODEL`."""
    sha256: str
    """Of the file's bytes."""
    by_case: Mapping[str, tuple[str, ...]]
    """By case id; several are repeats, in order. An empty text is an answer that said nothing."""
    finishes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """How the answers of a case ended, where not all of them ended with `stop`."""
    pack: PackAnswers | None = None
    """A pack's answers by the question that they repeat; `by_case` has them by the pack's lines."""
    meta: Mapping[str, Any] = field(default_factory=dict)
    """`format` (lines, allresults, pack), `model` (or `None`), `answers`, and the lines
    `without_answer`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One graded answer of an `_allresults.json`, enough to score it again without a judge."""

    prompt_id: str
    repeat: int
    """From 1, in the file's order."""
    messages: tuple[Message, ...]
    """What the model was asked, system text included."""
    answer: str
    score: float | None
    """As recorded, unclipped."""
    verdicts: tuple[Verdict, ...]
    """In the file's order; a verdict that is neither true nor false is undecided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """One answer as it stands in a file."""

    case_id: str
    repeat: int
    text: str | None
    """`None`: its model gave none."""
    line: int = 0
    model: str | None = None
    suite: str | None = None
    finish: str = "stop"


def load_answers(path: str | Path) -> Answers:
    """Return the answers in a file; `PATH#MODEL` takes those of one of its models.

    Repeats are numbered by `repeat` (1 where it is left out) and come in that order; a gap closes
    up. Lines whose completion is null are counted, not answers.

    Raises:
        DatasetError: the file cannot be read, a line is wrong, an answer stands twice, or the file
            holds several models and none is named; all errors of a file at once.
    """
    file, model = _split(str(path))
    if is_pack(file):
        return _from_pack(file, model)
    if _is_allresults(file):
        return _from_allresults(file, model)
    found = list(each(file, _line, hint=NOT_A_FILE))
    chosen, name = _of_model(found, model, str(file))
    _check_repeats(chosen, str(file))
    kept = sorted((row for row in chosen if row.text is not None), key=lambda row: row.repeat)
    return _answers(file, kept, format="lines", model=name, without_answer=len(chosen) - len(kept))


def read_allresults(path: str | Path) -> Iterator[Recorded]:
    """Yield the graded answers of an official `_allresults.json`, in its order.

    Raises:
        DatasetError: the file is not such a file; at the first thing that is wrong.
    """
    times: Counter[str] = Counter()
    with located(str(path)):
        for where, found in _examples(Path(path)):
            case_id, answer = _answered(found, where)
            record = checked_object(found, (), None, where)
            times[case_id] += 1
            score = record.get("score")
            yield Recorded(
                prompt_id=case_id,
                repeat=times[case_id],
                messages=_messages(record.get("prompt", []), f"{where}.prompt"),
                answer=answer,
                score=None if score is None else _number(score, f"{where}.score"),
                verdicts=_verdicts(record.get("rubric_items", []), f"{where}.rubric_items"),
            )


def is_file(given: str) -> bool:
    """Return whether a name means a file of answers rather than a column of the data."""
    path, _ = _split(given)
    looks_like_one = len(path.parts) > 1 or path.suffix in (".json", ".jsonl", ".gz", ".csv")
    return path.is_file() or looks_like_one or is_pack(path)


def is_pack(path: Path) -> bool:
    """Return whether a path means a MedBench pack: a zip, or a folder."""
    return path.suffix == ".zip" or path.is_dir()


def _from_pack(path: Path, model: str | None) -> Answers:
    from medcheck.packs.answers import load_pack_answers, pack_answers, pack_sha256

    if model is not None:
        raise DatasetError(
            f'"#{model}": a pack holds one model.', hint="Leave it out.", where=str(path)
        )
    found = load_pack_answers(path)
    # a null row is a row that the model did not answer: counted so, and given back as null
    by_case = {f"{name}-{n}": (text or "",) for (name, n), text in found.items()}
    finishes = {f"{name}-{n}": ("unknown",) for (name, n), text in found.items() if text is None}
    return Answers(
        path=str(path),
        sha256=pack_sha256(path),
        by_case=MappingProxyType(by_case),
        finishes=MappingProxyType(finishes),
        pack=pack_answers(path),
        meta={
            "format": "pack",
            "model": None,
            "answers": len(by_case) - len(finishes),
            "without_answer": len(finishes),
        },
    )


def _split(given: str) -> tuple[Path, str | None]:
    """Separate `#MODEL` from a path, unless a file has that very name."""
    name, separator, model = given.rpartition("#")
    if not separator or Path(given).is_file():
        return Path(given), None
    return Path(name), model


def _is_allresults(path: Path) -> bool:
    """Return whether a file is one JSON document rather than lines of JSON."""
    _, first = next(numbered(path, hint=NOT_A_FILE), (0, b""))
    try:
        found = parsed(first)
    except DatasetError:
        return first.strip() == b"{" or path.name.endswith((".json", ".json.gz"))
    return isinstance(found, dict) and "metadata" in found and "metrics" in found


def _line(number: int, found: object) -> _Found:
    record = checked_object(found, (), None, "the line")
    case_id = next((name for name in ID_NAMES if name in record), None)
    if case_id is None:
        raise DatasetError(f"the line names no case. Expected one of: {', '.join(ID_NAMES)}.")
    text, finish = _text(record)
    repeat = record.get("repeat", 1)
    if type(repeat) is not int or repeat < 1:
        raise DatasetError(f"repeat is {shown(repeat)}, expected a number from 1.")
    return _Found(
        case_id=filled_text(record[case_id], case_id),
        repeat=repeat,
        line=number,
        text=text,
        model=_optional_text(record, "model"),
        suite=_optional_text(record, "suite"),
        finish=finish,
    )


def _text(record: Record) -> tuple[str | None, str]:
    """Return the answer of a line and how it ended; `None`: its model gave none."""
    names = [name for name in ANSWER_NAMES if name in record]
    if len(names) != 1:
        given = f"answers under {' and '.join(names)}" if names else "no answer"
        known = ", ".join(ANSWER_NAMES)
        raise DatasetError(f"the line has {given}. Expected exactly one of: {known}.")
    value = record[names[0]]
    if names[0] != "completion" or isinstance(value, str):
        return any_text(value, names[0]), "stop"
    if value is None:
        return None, "stop"
    if isinstance(value, list):
        return _last_turn(value, "completion"), "stop"
    # our own results.jsonl
    fields = checked_object(value, ("text",), None, "completion")
    finish = any_text(fields.get("finish", "stop"), "completion.finish")
    return any_text(fields["text"], "completion.text"), finish


def _optional_text(record: Record, name: str) -> str | None:
    value = record.get(name)
    return None if value is None else filled_text(value, name)


def _of_model(found: list[_Found], model: str | None, path: str) -> tuple[list[_Found], str | None]:
    """Return the rows of the model that is named, or of the only one."""
    names = sorted({row.model for row in found if row.model is not None})
    if model is not None:
        if model not in names:
            hint = nearest(model, names)
            raise DatasetError(f'no answers of the model "{model}".', where=path, hint=hint)
        return [row for row in found if row.model == model], model
    if len(names) > 1:
        raise DatasetError(
            f"answers of {len(names)} models: {', '.join(names)}.",
            where=path,
            hint=f"Name one: {path}#{names[0]}",
        )
    return found, names[0] if names else None


def _check_repeats(rows: list[_Found], path: str) -> None:
    """Refuse two answers to the same case and repeat, unless two suites share one answer."""
    first: dict[tuple[str, int], _Found] = {}
    errors = []
    for row in rows:
        seen = first.setdefault((row.case_id, row.repeat), row)
        if seen is row or (seen.suite != row.suite and seen.text == row.text):
            continue
        errors.append(
            f'{path}:{row.line}: case "{row.case_id}" has an answer to repeat {row.repeat} already '
            f"on line {seen.line}. Number them with repeat, or remove one."
        )
    if errors:
        raise DatasetError("\n".join(errors))


def _answers(path: Path, rows: list[_Found], **meta: Any) -> Answers:
    """Gather rows that come in the order of their repeats."""
    by_case: dict[str, dict[int, _Found]] = {}
    for row in rows:
        by_case.setdefault(row.case_id, {}).setdefault(row.repeat, row)
    if not by_case:
        raise DatasetError("the file holds no answer.", where=str(path), hint=NOT_A_FILE)
    finishes = {
        case_id: tuple(row.finish for row in repeats.values())
        for case_id, repeats in by_case.items()
        if any(row.finish != "stop" for row in repeats.values())
    }
    return Answers(
        path=str(path),
        sha256=_sha256(path),
        by_case=MappingProxyType(
            {name: tuple(row.text or "" for row in rows.values()) for name, rows in by_case.items()}
        ),
        finishes=MappingProxyType(finishes),
        meta=MappingProxyType({**meta, "answers": sum(map(len, by_case.values()))}),
    )


def _from_allresults(path: Path, model: str | None) -> Answers:
    if model is not None:
        hint = f"Leave out #{model}."
        raise DatasetError("the official format names no models.", where=str(path), hint=hint)
    times: Counter[str] = Counter()
    rows, errors = [], []
    with located(str(path)):
        for where, record in _examples(path):
            try:
                case_id, text = _answered(record, where)
            except DatasetError as error:
                errors.append(f"{path}: {error}")
                continue
            times[case_id] += 1
            rows.append(_Found(case_id=case_id, repeat=times[case_id], text=text))
    if errors:
        raise DatasetError("\n".join(errors[:MAX_ERRORS]))
    return _answers(path, rows, format="allresults", model=None, without_answer=0)


def _examples(path: Path) -> Iterator[tuple[str, object]]:
    """Yield the examples of an official file, each with its place in the file."""
    content = b"".join(line for _, line in numbered(path, hint=NOT_A_FILE))
    report = checked_object(parsed(content), ("metadata",), None, "the file")
    found = checked_object(report["metadata"], ("example_level_metadata",), None, "metadata")
    listed = found["example_level_metadata"]
    if not isinstance(listed, list):
        raise DatasetError(f"{_EXAMPLES} is {shown(listed)}, expected a list.")
    for position, record in enumerate(listed):
        yield f"{_EXAMPLES}[{position}]", record


def _answered(found: object, where: str) -> tuple[str, str]:
    """Return the id and the answer of an example."""
    record = checked_object(found, ("prompt_id", "completion"), None, where)
    case_id = filled_text(record["prompt_id"], f"{where}.prompt_id")
    return case_id, _last_turn(record["completion"], f"{where}.completion")


def _number(found: object, where: str) -> float:
    if isinstance(found, bool) or not isinstance(found, (int, float)):
        raise DatasetError(f"{where} is {shown(found)}, not a number.")
    return float(found)


def _messages(found: object, where: str) -> tuple[Message, ...]:
    if not isinstance(found, list):
        raise DatasetError(f"{where} is {shown(found)}, expected a list.")
    turns = []
    for position, turn in enumerate(found):
        place = f"{where}[{position}]"
        fields = checked_object(turn, ("role", "content"), None, place)
        role = filled_text(fields["role"], f"{place}.role")
        turns.append(Message(role=role, text=any_text(fields["content"], f"{place}.content")))
    return tuple(turns)


def _last_turn(found: object, where: str) -> str:
    """Return the text of the last assistant message."""
    said = [turn.text for turn in _messages(found, where) if turn.role == "assistant"]
    if not said:
        raise DatasetError(f"{where} holds no message of the assistant.")
    return said[-1]


def _verdicts(found: object, where: str) -> tuple[Verdict, ...]:
    if not isinstance(found, list):
        raise DatasetError(f"{where} is {shown(found)}, expected a list.")
    return tuple(_verdict(item, f"{where}[{i}]", number=i + 1) for i, item in enumerate(found))


def _verdict(found: object, where: str, *, number: int) -> Verdict:
    item = checked_object(found, ("criterion", "points", "criteria_met"), None, where)
    criterion = Criterion(
        id=str(number),
        text=filled_text(item["criterion"], f"{where}.criterion"),
        points=_number(item["points"], f"{where}.points"),
        tags=texts(item.get("tags", []), f"{where}.tags"),
    )
    met = item["criteria_met"]
    state: VerdictState = "undecided" if met is None else "met" if met else "not_met"
    if not (met is None or isinstance(met, bool)):
        raise DatasetError(f"{where}.criteria_met is {shown(met)}, expected true, false or null.")
    value = None if met is None else float(met)
    said = item.get("explanation")
    explanation = said if isinstance(said, str) else "" if said is None else json.dumps(said)
    ballot = Ballot(judge="recorded", state=state, value=value, explanation=explanation)
    return Verdict(criterion=criterion, state=state, value=value, ballots=(ballot,))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
