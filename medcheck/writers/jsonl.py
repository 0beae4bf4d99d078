"""`results.jsonl`: one line per case, model and repeat; equal replies give equal bytes."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from medcheck.summary import Summary
from medcheck.types import Ballot, Completion, Result, Run, Verdict
from medcheck.writers._files import replaced


def write(run: Run, summary: Summary, path: Path) -> Path:
    """Write the results in dataset order; see the shelf's contract."""
    del summary
    with replaced(path) as file:
        for result in run.results:
            line = json.dumps(plain(result), ensure_ascii=False, allow_nan=False)
            file.write(line + "\n")
    return path


def plain(result: Result) -> dict[str, Any]:
    """Return a result under the names that readers of the file rely on."""
    score = result.score
    return {
        "case_id": result.case_id,
        "suite": result.suite,
        "model": result.model,
        "repeat": result.repeat,
        "category": list(result.category),
        "tags": list(result.tags),
        "score": score.value if score else None,
        "state": result.state,
        "earned": score.earned if score else None,
        "possible": score.possible if score else None,
        "facets": dict(score.facets) if score else {},
        "verdicts": [_verdict(verdict) for verdict in score.verdicts] if score else [],
        "completion": _completion(result.completion) if result.completion else None,
        "error": result.error,
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    criterion = verdict.criterion
    told: dict[str, Any] = {
        "id": criterion.id,
        "criterion": criterion.text,
        "points": criterion.points,
        "tags": list(criterion.tags),
        "zero_tolerance": criterion.zero_tolerance,
        "state": verdict.state,
        "value": verdict.value,
        "ballots": [_ballot(ballot) for ballot in verdict.ballots],
    }
    # Only where there is one: the line of a rubric without levels stays as short as it was.
    if criterion.level is not None:
        told["level"] = criterion.level
    if verdict.label is not None:
        told["label"] = verdict.label
    return told


def _ballot(ballot: Ballot) -> dict[str, Any]:
    told: dict[str, Any] = {
        "judge": ballot.judge,
        "state": ballot.state,
        "value": ballot.value,
        "explanation": ballot.explanation,
        "error": ballot.error,
    }
    if ballot.label is not None:
        told["label"] = ballot.label
    return told


def _completion(completion: Completion) -> dict[str, Any]:
    told: dict[str, Any] = {
        "text": completion.text,
        "finish": completion.finish,
        "usage": asdict(completion.usage),
        "cost_usd": completion.cost_usd,
        "key": completion.key,
    }
    # Only of an application: the line of a plain model stays as short as it was.
    if completion.evidence:
        told["evidence"] = [dict(item) for item in completion.evidence]
    return told
