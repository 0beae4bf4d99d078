"""The cases of the HTML report: a small index to list them, and packed blocks with their texts.

Results are streamed: one block of cases is held at a time, and of each case one row of the index.
What the rows and blocks look like on the page is the work of pages/report_*.js.
"""

from __future__ import annotations

import base64
import gzip
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from medcheck.types import (
    RESULT_STATES,
    Ballot,
    Completion,
    Criterion,
    Message,
    Result,
    Run,
    Score,
    Verdict,
)
from medcheck.writers._html_tables import Entry

BLOCK_CASES = 50
BLOCK_CHARACTERS = 2_000_000
"""A block ends early here, so that opening a case with huge answers stays quick."""
EXCERPT_CHARACTERS = 240
FAILED, HARM, UNMEASURED = 1, 2, 4


def pack(value: Any) -> str:
    """Return a value as gzipped JSON in base64: inert in any HTML, equal for equal values."""
    return _packed(_json(value))


def _packed(text: str) -> str:
    # In JSON the escape that replaces a lone surrogate is read back as that same character.
    data = text.encode("utf-8", errors="backslashreplace")
    return base64.b64encode(gzip.compress(data, mtime=0)).decode("ascii")


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class Cases:
    """The streamed cases of all runs; `index` is complete once `blocks` is exhausted."""

    def __init__(self, runs: Sequence[Run], entries: Sequence[Entry]) -> None:
        self._runs = runs
        self._entries = {(entry.run, entry.model): entry.index for entry in entries}
        self._labels = [entry.label for entry in entries]
        self._rows: dict[tuple[str, str], list[Any]] = {}
        self._tags: dict[str, int] = {}
        self._suites: dict[str, int] = {}
        self._block = 0

    def blocks(self) -> Iterator[str]:
        """Yield the packed blocks, in the order of their numbers."""
        held: list[str] = []
        for text in self._texts(held):
            held.append(text)
            if len(held) == BLOCK_CASES or sum(map(len, held)) > BLOCK_CHARACTERS:
                yield self._close(held)
        if held:
            yield self._close(held)

    def index(self) -> str:
        """Return the packed index of all cases seen so far."""
        return pack(
            {
                "entries": self._labels,
                "suites": list(self._suites),
                "tags": list(self._tags),
                "states": RESULT_STATES,
                "cases": list(self._rows.values()),
            }
        )

    def _texts(self, held: Sequence[str]) -> Iterator[str]:
        for run in self._runs:
            ordered = groupby(run.results, key=lambda result: (result.suite, result.case_id))
            for _, same_case in ordered:
                results = [self._known(run, result) for result in same_case]
                self._enter(results, place=(self._block, len(held)))
                yield _json(_case(results))

    def _close(self, held: list[str]) -> str:
        packed = _packed(f"[{','.join(held)}]")
        held.clear()
        self._block += 1
        return packed

    def _known(self, run: Run, result: Result) -> tuple[int, Result]:
        # A result of a model that the summary does not name still belongs on the page.
        key = (run.id, result.model)
        if key not in self._entries:
            self._entries[key] = len(self._labels)
            self._labels.append(result.model)
        return self._entries[key], result

    def _enter(self, results: Sequence[tuple[int, Result]], *, place: tuple[int, int]) -> None:
        first = results[0][1]
        row = self._rows.setdefault((first.suite, first.case_id), self._row(first))
        row[5].append(place)
        for index, same_entry in groupby(results, key=lambda pair: pair[0]):
            row[6].append([index, *_cell([result for _, result in same_entry])])

    def _row(self, result: Result) -> list[Any]:
        suite = self._suites.setdefault(result.suite, len(self._suites))
        tags = [self._tags.setdefault(tag, len(self._tags)) for tag in result.tags]
        return [result.case_id, suite, tags, result.category, _excerpt(result.messages), [], []]


def _excerpt(messages: Sequence[Message]) -> str:
    asked = [message.text for message in messages if message.role == "user"]
    return " ".join(asked[-1].split())[:EXCERPT_CHARACTERS] if asked else ""


def _cell(results: Sequence[Result]) -> list[Any]:
    """Return mean score, how many answers it rests on, how many there are, states and flags."""
    scores = [r.score.value for r in results if r.score and r.score.value is not None]
    states = dict.fromkeys(RESULT_STATES.index(result.state) for result in results)
    flags = (
        FAILED * any(result.passed is False for result in results)
        | HARM * any(result.harms for result in results)
        # A suite without a grader is scored elsewhere: its answers lack nothing.
        | UNMEASURED * any(not r.measured and r.state != "scored" for r in results)
    )
    mean = math.fsum(scores) / len(scores) if scores else None
    return [_number(mean), len(scores), len(results), list(states), flags]


def _number(number: float | None) -> float | None:
    # JSON has no NaN, and a page that cannot be read helps nobody.
    return number if number is not None and math.isfinite(number) else None


def _case(results: Sequence[tuple[int, Result]]) -> dict[str, Any]:
    """Return a case with all its answers; what all of them share is written once."""
    asked = results[0][1].messages
    criteria: dict[str, int] = {}
    answers = [
        _answer(index, result, criteria, None if result.messages == asked else result.messages)
        for index, result in results
    ]
    return {
        "messages": _messages(asked),
        "criteria": [json.loads(text) for text in criteria],
        "answers": answers,
    }


def _messages(messages: Sequence[Message]) -> list[Any]:
    return [[m.role, m.text, [image.path for image in m.images]] for m in messages]


def _answer(
    index: int, result: Result, criteria: dict[str, int], asked: Sequence[Message] | None
) -> dict[str, Any]:
    return {
        "entry": index,
        "repeat": result.repeat,
        "state": result.state,
        "error": result.error,
        "passed": result.passed,
        "pass_at": _number(result.pass_at),
        "messages": None if asked is None else _messages(asked),
        "completion": result.completion and _completion(result.completion),
        "score": result.score and _score(result.score, criteria),
    }


def _completion(completion: Completion) -> dict[str, Any]:
    usage = completion.usage
    return {
        "text": completion.text,
        "reasoning": completion.reasoning,
        "finish": completion.finish,
        "tokens": [usage.input, usage.cached_input, usage.output, usage.reasoning],
        "seconds": _number(completion.seconds),
        "cost_usd": _number(completion.cost_usd),
        "evidence": [
            json.dumps(dict(item), ensure_ascii=False, indent=2, default=str)
            for item in completion.evidence
        ],
    }


def _score(score: Score, criteria: dict[str, int]) -> dict[str, Any]:
    return {
        "value": _number(score.value),
        "earned": _number(score.earned),
        "possible": _number(score.possible),
        "verdicts": [_verdict(verdict, criteria) for verdict in score.verdicts],
    }


def _verdict(verdict: Verdict, criteria: dict[str, int]) -> list[Any]:
    text = _json(_criterion(verdict.criterion))
    return [
        criteria.setdefault(text, len(criteria)),
        verdict.state,
        _number(verdict.value),
        verdict.label,
        verdict.how,
        _ballots(verdict.ballots),
    ]


def _criterion(criterion: Criterion) -> dict[str, Any]:
    return {
        "id": criterion.id,
        "text": criterion.text,
        "points": _number(criterion.points),
        "level": criterion.level,
        "zero": criterion.zero_tolerance,
        "scale": [_number(end) for end in criterion.scale],
        "tags": criterion.tags,
        "check": criterion.check and json.dumps(dict(criterion.check), default=str),
        "source": criterion.source,
    }


def _ballots(ballots: Iterable[Ballot]) -> list[Any]:
    return [[b.judge, b.state, _number(b.value), b.label, b.explanation, b.error] for b in ballots]
