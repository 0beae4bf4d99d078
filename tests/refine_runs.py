"""A refinement of the starter suite on the demo models, in a folder of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from medcheck.stats.human import Pair, Rating
from medcheck.types import Ballot, Completion, Criterion, Message, Result, Score, Verdict

PROJECT = Path(__file__).resolve().parents[1]
SUITE = "llmeval_starter"
RATINGS = PROJECT / "docs" / "examples" / "llmeval_ratings.csv"
EDIT = PROJECT / "docs" / "examples" / "llmeval_refine_edit.yaml"


def make(folder: Path) -> Path:
    """Measure the starter suite once, as run `starter`; return its folder."""
    (folder / "cases").mkdir(parents=True)
    for name in (f"{SUITE}.yaml", f"{SUITE}.json"):
        shutil.copy(PROJECT / "cases" / name, folder / "cases")
    shutil.copy(PROJECT / "pytest.ini", folder)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"cases/{SUITE}.yaml",
               "--model=demo,demo-weak", "--run", "starter"]  # fmt: skip
    done = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout
    return folder


def result(
    case_id: str,
    scores: Iterable[float],
    *,
    model: str = "m",
    category: tuple[str, ...] = ("医疗推理", "病症推断"),
    checklist: str = "核心需求：\n1. 说出诊断\n次要需求：\n1. 说出依据",
    explanation: str = "",
    state: str = "scored",
) -> Result:
    """Return a graded answer with these scores of the judge's runs."""
    runs = tuple(scores)
    criterion = Criterion(id="score", text=checklist, points=1.0, scale=(1.0, 5.0))
    ballots = tuple(
        Ballot(judge="j", state="scored", value=score, explanation=explanation) for score in runs
    )
    verdict = Verdict(criterion=criterion, state="scored", value=None, ballots=ballots)
    facets = {f"run:{number}": score for number, score in enumerate(runs, start=1)}
    measured = state == "scored"
    return Result(
        run="r",
        case_id=case_id,
        suite="s",
        model=model,
        state=state,  # type: ignore[arg-type]
        completion=Completion(text=f"answer {case_id} {model}"),
        score=Score(value=0.5 if measured else None, facets=facets, verdicts=(verdict,)),
        category=category,
        messages=(Message(role="user", text=f"question {case_id}"),),
    )


def ratings(said: Mapping[str, float], *, model: str | None = None) -> list[Rating]:
    """Return one person's scores by case."""
    return [
        Rating(case_id=name, rater="p", usable=score >= 4, score=score, model=model)
        for name, score in said.items()
    ]


def pairs(tp: int, fn: int, fp: int, tn: int) -> list[Pair]:
    """Return judge and people on as many answers, each of a conversation of its own."""
    counts = {(True, True): tp, (True, False): fn, (False, True): fp, (False, False): tn}
    listed = [verdicts for verdicts, count in counts.items() for _ in range(count)]
    return [
        Pair(group="MR", cluster=f"c{number}", human=human, judge=judge)
        for number, (human, judge) in enumerate(listed)
    ]
