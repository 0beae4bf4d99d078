"""The original's judged JSON and what an Excel cell cut off it; only for parity with its scores.

Source: gaps.md sections 2 (columns) and 4 (truncation rule).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from medcheck.scoring.gaps import IRRELEVANT, polarity_of
from medcheck.scoring.points import LOST
from medcheck.types import Ballot, Score, Verdict, VerdictState

CELL_LIMIT = 32_767
"""Characters of an Excel cell; the original's library counts code points."""
MOVES = "truncation:moves"
"""The facet of an answer that was scored after the cut: by how much the cut changed its score."""

FINAL: Mapping[VerdictState, str] = {
    "met": "Met",
    "not_met": "Not Met",
    "undecided": "ReviewNeeded",
}
"""The original's name of a verdict; every other state is `Error`."""


def judged_items(verdicts: Iterable[Verdict]) -> list[dict[str, Any]]:
    """Return the points of a rubric with their verdicts, in the original's shape.

    `confidence` and `latency` are null: the one was a constant, the other differs between runs.

    Source: clinical_answer_judge.py:548-647.
    """
    return [_item(v) for v in verdicts if IRRELEVANT not in v.criterion.tags]


def judged_json(items: Sequence[Mapping[str, Any]]) -> str:
    """Return the text of the original's column `judged_json`."""
    return json.dumps(items, ensure_ascii=False, indent=2)


def judge_summary(items: Iterable[Mapping[str, Any]]) -> str:
    """Return the text of the original's column `judge_summary`."""
    finals = Counter(item["judge_results"]["final_results"] for item in items)
    total, met, not_met = sum(finals.values()), finals["Met"], finals["Not Met"]
    return f"Total: {total}, Met: {met}, Not Met: {not_met}, Error: {total - met - not_met}"


def kept_by_original(verdicts: Sequence[Verdict]) -> tuple[Verdict, ...]:
    """Return the verdicts that the original would have scored after the cell limit cut its JSON.

    Statements found irrelevant stand in a column of their own and stay.
    """
    rubric = [v for v in verdicts if IRRELEVANT not in v.criterion.tags]
    count = len(leading_objects(judged_json(judged_items(rubric))[:CELL_LIMIT]))
    found = [v for v in verdicts if IRRELEVANT in v.criterion.tags]
    return (*rubric[:count], *found)


def counted(score: Score) -> tuple[Verdict, ...]:
    """Return the verdicts that a stored score rests on: not what the cut took, and nothing lost.

    Of an answer without a score: all verdicts, those that are lost included.
    """
    kept = kept_by_original(score.verdicts) if MOVES in score.facets else score.verdicts
    if score.value is None:
        return kept
    return tuple(verdict for verdict in kept if verdict.state not in LOST)


def leading_objects(text: str) -> list[Any]:
    """Return the complete objects at the beginning of a JSON list that may be cut off.

    Source: clinical_scoring_calculator.py:463-531 (fix_truncated_json).
    """
    decoder, found = json.JSONDecoder(), []
    at = text.find("[") + 1
    while at and (start := text.find("{", at)) >= 0:
        try:
            entry, at = decoder.raw_decode(text, start)
        except ValueError:
            break
        found.append(entry)
    return found


def _item(verdict: Verdict) -> dict[str, Any]:
    criterion = verdict.criterion
    return {
        "id": int(criterion.id) if criterion.id.isdecimal() else criterion.id,
        "claim": criterion.text,
        "level": criterion.level,
        "type": polarity_of(criterion),
        "judge_results": {
            "final_results": FINAL.get(verdict.state, "Error"),
            "origin_results": [_origin(ballot) for ballot in verdict.ballots],
        },
    }


def _origin(ballot: Ballot) -> dict[str, Any]:
    judgment = FINAL.get(ballot.state, "Unknown") if ballot.state != "undecided" else "Unknown"
    return {
        "model_id": ballot.judge,
        "explanation": ballot.explanation,
        "judgment": judgment,
        "confidence": None,
        "latency": None,
    }
