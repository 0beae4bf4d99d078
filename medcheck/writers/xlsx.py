"""`results.xlsx`: summary, answers and verdicts as three sheets for people who work in Excel."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from medcheck.summary import Row, Summary
from medcheck.types import Result, Run, Verdict
from medcheck.writers._cells import Value, workbook

SUMMARY = ("model", "suite", "group", "value", "raw", "std", "low95", "high95", "n", "ungraded")
ANSWERS = (
    "case_id", "suite", "model", "repeat", "category", "tags", "state", "score", "earned",
    "possible", "question", "answer", "error",
)  # fmt: skip
VERDICTS = (
    "case_id", "suite", "model", "repeat", "criterion_id", "criterion", "points", "level", "tags",
    "state", "value", "vote", "judge", "ballot", "ballot_value", "explanation", "error",
)  # fmt: skip


def write(run: Run, summary: Summary, path: Path) -> Path:
    """Write the workbook; a verdict takes a row for each of its ballots, or one without any."""
    with workbook(path) as book:
        rows = book.sheet("summary", SUMMARY)
        for row in summary.rows:
            rows.append(_summary(row))
        answers, verdicts = book.sheet("answers", ANSWERS), book.sheet("verdicts", VERDICTS)
        for result in run.results:
            answers.append(_answer(result))
            for verdict in result.score.verdicts if result.score else ():
                for line in _verdict(result, verdict):
                    verdicts.append(line)
    return path


def _summary(row: Row) -> tuple[Value, ...]:
    low, high = row.ci95 or (None, None)
    return (
        row.model, row.suite, row.group, row.value, row.raw, row.std, low, high, row.n,
        row.ungraded,
    )  # fmt: skip


def _answer(result: Result) -> tuple[Value, ...]:
    score, completion = result.score, result.completion
    return (
        *_case(result),
        " / ".join(result.category),
        " ".join(result.tags),
        result.state,
        score.value if score else None,
        score.earned if score else None,
        score.possible if score else None,
        "\n\n".join(f"{message.role}: {message.text}" for message in result.messages),
        completion.text if completion else None,
        result.error,
    )


def _verdict(result: Result, verdict: Verdict) -> Iterator[tuple[Value, ...]]:
    criterion = verdict.criterion
    head = (
        *_case(result),
        criterion.id,
        criterion.text,
        criterion.points,
        criterion.level,
        " ".join(criterion.tags),
        verdict.state,
        verdict.value,
        verdict.how,
    )
    if not verdict.ballots:
        yield (*head, None, None, None, None, None)
    for ballot in verdict.ballots:
        yield (*head, ballot.judge, ballot.state, ballot.value, ballot.explanation, ballot.error)


def _case(result: Result) -> tuple[Value, ...]:
    return result.case_id, result.suite, result.model, result.repeat
