"""HealthBench files: one example a line, main, hard or consensus, plain or gzipped.

One main file is enough: consensus and hard are derived from it. Filters by tag and samples are
the business of the suites.

Source: simple-evals healthbench_eval.py (record layout, assertions); the subsets are OpenAI's.
"""

from __future__ import annotations

import functools
import gzip
import json
import math
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from medcheck.errors import DatasetError, SettingsError, nearest
from medcheck.types import Case, Criterion, Message, Origin

PROTOCOL = "official"
OPTIONS: Mapping[str, Any] = {
    "type": "object",
    "properties": {"subset": {"enum": ["main", "hard", "consensus"]}},
    "additionalProperties": False,
}

_MAX_ERRORS = 50
_FIELDS = {"example_tags", "prompt", "prompt_id", "rubrics"}
_OPTIONAL = {"ideal_completions_data", "canary"}
_ROLES = ("user", "assistant")

Record = dict[str, Any]


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Case]:
    """Yield the cases of a HealthBench file in file order.

    Raises:
        DatasetError: every malformed line, at most 50; after the first one no case is yielded.

    """
    name = options.get("subset", "main")
    if name not in _SUBSETS:
        raise SettingsError(f'unknown subset "{name}".', hint=nearest(name, _SUBSETS))
    errors: list[str] = []
    found = 0
    for case in _cases(Path(path), _SUBSETS[name], errors):
        if not errors:
            found += 1
            yield case
    if errors:
        raise DatasetError("\n".join(errors))
    if not found:
        raise DatasetError(f'no example of the subset "{name}".', where=str(path))


def _cases(
    path: Path, subset: Callable[[Record], list[Record]], errors: list[str]
) -> Iterator[Case]:
    """Yield the cases of a subset; what is wrong goes to `errors`."""
    seen: dict[str, int] = {}
    tags: dict[tuple[str, ...], tuple[str, ...]] = {}
    for number, line in _lines(path):
        where = f"{path}:{number}"
        try:
            record = _checked(_parsed(line))
            _check_new(record["prompt_id"], number, seen)
        except DatasetError as error:
            error.where = where
            errors.append(str(error))
            if len(errors) == _MAX_ERRORS:
                errors.append(f"{path}: stopped after {_MAX_ERRORS} errors.")
                return
            continue
        if rubrics := subset(record):
            origin = Origin(path=str(path), line=number)
            yield _case(record, rubrics, origin, tags=tags)


def _case(
    record: Record,
    rubrics: list[Record],
    origin: Origin,
    *,
    tags: dict[tuple[str, ...], tuple[str, ...]],
) -> Case:
    """Build a case; `tags` lets equal tags of all criteria share their memory."""
    criteria = []
    for position, rubric in enumerate(rubrics, start=1):
        own = tuple(rubric["tags"])
        criteria.append(
            Criterion(
                id=str(position),
                text=rubric["criterion"],
                points=float(rubric["points"]),
                tags=tags.setdefault(own, own),
            )
        )
    return Case(
        id=record["prompt_id"],
        suite="",
        messages=tuple(Message(role=m["role"], text=m["content"]) for m in record["prompt"]),
        grader="",
        criteria=tuple(criteria),
        tags=tuple(record["example_tags"]),
        origin=origin,
    )


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    r"""Yield numbered lines, split at "\n" only: JSON strings may hold other line separators."""
    try:
        with _opened(path) as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield number, line
    except FileNotFoundError:
        hint = "Run: medcheck fetch healthbench"
        raise DatasetError("no such file.", where=str(path), hint=hint) from None
    except (OSError, EOFError, zlib.error) as error:
        reason = str(error) or type(error).__name__
        raise DatasetError(f"cannot read the file: {reason}.", where=str(path)) from None


def _opened(path: Path) -> gzip.GzipFile | BinaryIO:
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")


def _parsed(line: bytes) -> object:
    try:
        return json.loads(
            line.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant
        )
    except UnicodeDecodeError as error:
        raise DatasetError(f"byte {error.start + 1} is not UTF-8.") from None
    except RecursionError:
        raise DatasetError("JSON nested too deeply.") from None
    except json.JSONDecodeError as error:
        raise DatasetError(f"not JSON at character {error.pos + 1}: {error.msg}.") from None
    except ValueError:
        raise DatasetError("not JSON: a number is too long.") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise DatasetError(f'key "{twice}" stands twice in one object.')
    return found


def _no_constant(name: str) -> None:
    raise DatasetError(f"{name} is not a JSON number.")


def _checked(record: object) -> Record:
    _check_keys(record, _FIELDS, _OPTIONAL, "the line")
    assert isinstance(record, dict)
    if not isinstance(record["prompt_id"], str) or not record["prompt_id"]:
        raise DatasetError(f"prompt_id is {_shown(record['prompt_id'])}, expected a text.")
    _check_tags(record["example_tags"], "example_tags")
    _check_prompt(record["prompt"])
    _check_rubrics(record["rubrics"])
    return record


def _check_prompt(prompt: object) -> None:
    for position, message in enumerate(_filled_list(prompt, "prompt")):
        where = f"prompt[{position}]"
        _check_keys(message, {"role", "content"}, set(), where)
        if message["role"] not in _ROLES:
            found = _shown(message["role"])
            raise DatasetError(f"{where}.role is {found}, expected user or assistant.")
        if not isinstance(message["content"], str):
            found = _shown(message["content"])
            raise DatasetError(f"{where}.content is {found}, expected a text.")
    if isinstance(prompt, list) and prompt[-1]["role"] != "user":
        raise DatasetError("the last message is not the user's.")


def _check_rubrics(rubrics: object) -> None:
    possible = 0.0
    for position, rubric in enumerate(_filled_list(rubrics, "rubrics")):
        where = f"rubrics[{position}]"
        _check_keys(rubric, {"criterion", "points", "tags"}, set(), where)
        if not isinstance(rubric["criterion"], str) or not rubric["criterion"].strip():
            raise DatasetError(f"{where}.criterion is {_shown(rubric['criterion'])}, not a text.")
        points = rubric["points"]
        if type(points) not in (int, float) or not math.isfinite(points) or not points:
            raise DatasetError(f"{where}.points is {_shown(points)}, not a number other than 0.")
        possible += max(points, 0)
        _check_tags(rubric["tags"], f"{where}.tags")
    if not possible:
        raise DatasetError("no criterion has positive points: there is nothing to earn.")


def _check_tags(tags: object, where: str) -> None:
    if not isinstance(tags, list) or not all(isinstance(tag, str) and tag for tag in tags):
        raise DatasetError(f"{where} is not a list of texts.")
    if len(set(tags)) != len(tags):
        twice = next(tag for tag in tags if tags.count(tag) > 1)
        raise DatasetError(f'{where}: tag "{twice}" stands twice.')


def _check_keys(found: object, needed: set[str], optional: set[str], where: str) -> None:
    if not isinstance(found, dict):
        raise DatasetError(f"{where} is {_shown(found)}, expected an object.")
    keys = found.keys()
    if missing := needed - keys:
        raise DatasetError(f'{where} lacks the field "{min(missing)}".')
    if unknown := keys - needed - optional:
        name = min(unknown)
        hint = nearest(name, needed | optional)
        raise DatasetError(f'{where} has the unknown field "{name}".', hint=hint)


def _check_new(case_id: str, number: int, seen: dict[str, int]) -> None:
    first = seen.setdefault(case_id, number)
    if first != number:
        raise DatasetError(f'prompt_id "{case_id}" stands already on line {first}.')


def _filled_list(found: object, where: str) -> Iterable[Any]:
    if not isinstance(found, list) or not found:
        raise DatasetError(f"{where} is {_shown(found)}, expected a list that is not empty.")
    return found


def _shown(found: object) -> str:
    """Return a value for an error message, cut so that no example is spelled out."""
    text = json.dumps(found, ensure_ascii=False)
    return text if len(text) <= 30 else f"{text[:27]}..."


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
