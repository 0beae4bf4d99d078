"""Runs with panels, and what people said of them, for the tests of the review queue."""

from __future__ import annotations

import csv
import json
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from medcheck.scoring import voting
from medcheck.store.database import open_database
from medcheck.store.runs import Runs
from medcheck.types import (
    Ballot,
    Completion,
    Criterion,
    Message,
    Result,
    Run,
    Score,
)

STARTED = "2026-11-21T08:00:00+00:00"
JUDGES = ("judge-a", "judge-b", "judge-c")
SCALE = (1.0, 5.0)


def criterion(number=1, *, points=5.0, **changes):
    """Return a requirement, or with negative points a flaw."""
    return Criterion(id=f"c{number}", text=f"要点 {number}", points=points, **changes)


def ballot(judge, said):
    """Return a ballot: True, False, a score, None for an abstention, "lost" for a failure."""
    if said == "lost":
        return Ballot(judge=judge, state="judge_error", value=None, error="HTTP 500")
    if said is None:
        return Ballot(judge=judge, state="undecided", value=None)
    if isinstance(said, bool):
        return Ballot(judge=judge, state="met" if said else "not_met", value=float(said))
    return Ballot(judge=judge, state="scored", value=float(said))


def verdict(of, *said, how="majority", judges=JUDGES):
    """Return what a panel makes of these ballots; True and False may be written as + and -."""
    words = {"+": True, "-": False, "?": None, "x": "lost"}
    said = [words[each] for each in said[0]] if isinstance(said[0], str) else said
    ballots = [ballot(judges[at % len(judges)], each) for at, each in enumerate(said)]
    return voting.vote(of, ballots, how)


def answer(case_id, verdicts, *, model="alpha", **changes):
    """Return the result of an answer with these verdicts."""
    fields = {
        "run": "run-1",
        "case_id": case_id,
        "suite": "triage",
        "model": model,
        "state": "scored",
        "completion": Completion(text=f"Answer to {case_id}. 请立即拨打120。"),
        "score": Score(value=0.5, verdicts=tuple(verdicts)),
        "messages": (Message(role="user", text=f"Question {case_id}: 胸痛?"),),
    }
    return Result(**{**fields, **changes})


def run_of(results: Iterable[Result], *, seed: int = 0, run: str = "run-1") -> Run:
    """Return a run of these results."""
    return Run(
        id=run, started=STARTED, settings={"seed": seed, "repeats": 1}, versions={},
        results=tuple(results), suites={"triage": {"judges": list(JUDGES)}},
    )  # fmt: skip


def panel_run(cases=40, **changes) -> Run:
    """Return a run of two models: per answer a point agreed, disputed, agreed not met, and open."""
    results = []
    for number in range(cases):
        for rank, model in enumerate(("alpha", "beta")):
            flaw = criterion(3, points=-3.0, level="S3")
            verdicts = (
                verdict(criterion(1, level="A1"), "+++"),
                verdict(criterion(2, level="A2"), "++-" if number % 2 else "-+-"),
                verdict(flaw, "---" if number % 5 else "+++"),
                verdict(criterion(4, points=1.0, level="A3"), "+-?"),
            )
            category = (f"G{number % 2 + 1}",)
            results.append(
                answer(f"case-{number:02}", verdicts, model=model, category=category,
                       position=2 * number + rank)
            )  # fmt: skip
    return run_of(results, **changes)


def scaled_run(scores: Sequence[Sequence[float]], *, model="alpha") -> Run:
    """Return a run with one scored criterion for each case; each row is one panel's scores."""
    of = Criterion(id="score", text="1. 核心需求", points=1.0, scale=SCALE)
    return run_of(
        answer(f"MK-{at}-1", [verdict(of, *map(float, row), how="mean")], model=model)
        for at, row in enumerate(scores, start=1)
    )


def stored(folder: Path, run: Run) -> Path:
    """Write a run into a real store where commands look for one; return the folder."""
    path = folder / "reports" / "medcheck.sqlite"
    path.parent.mkdir(parents=True, exist_ok=True)
    with open_database(path) as database:
        runs = Runs(database)
        runs.begin(run.id, started=run.started, settings=run.settings, versions={},
                   suites=run.suites)  # fmt: skip
        runs.record_many(run.results)
    return folder


def saved(book, path: Path) -> Path:
    """Save a workbook; openpyxl opens its drafts without an encoding."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EncodingWarning)
        book.save(path)
    return path


def table(path: Path, rows: Sequence[Mapping[str, object]]) -> Path:
    """Write rows as CSV, or as JSON lines, or as a workbook, by the path's ending."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    if path.suffix == ".jsonl":
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        path.write_text(text, encoding="utf-8")
    elif path.suffix == ".xlsx":
        import openpyxl

        book = openpyxl.Workbook()
        book.active.append(columns)
        for row in rows:
            book.active.append([row.get(name) for name in columns])
        saved(book, path)
    else:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(rows)
    return path
