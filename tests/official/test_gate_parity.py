"""The gate on a real pair: the same 200 cases of HealthBench Hard, answered plainly with BODHI.

BODHI is a way of prompting; both runs and their verdicts were recorded by others.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from servers import replaying

from medcheck import baselines, comparing
from medcheck.__main__ import main
from medcheck.gate import EXIT, decide, sides
from medcheck.readers import healthbench
from medcheck.scoring.points import points
from medcheck.types import Ballot, Completion, Result, Run, Verdict

SUITE = {
    "protocol": "official",
    "summary": {"measure": "clipped_mean", "by": ["theme", "axis"]},
    "gate": {"margin": 0.03, "category_margin": 0.10, "alpha": 0.05},
}


def recorded(shared_data: Path, name: str) -> Run:
    """Return a recorded run: official cases, real answers, real verdicts, our points."""
    folder = shared_data / "e2e" / f"healthbench-hard-{name}"
    with gzip.open(folder / "verdicts.jsonl.gz", "rt", encoding="utf-8") as file:
        said = {row["id"]: row for row in map(json.loads, file)}
    results = [
        _result(case, said[case.id], position, name)
        for position, case in enumerate(healthbench.read(folder / "dataset.jsonl.gz", {}))
    ]
    return Run(id=name, started="2026-11-21T08:00:00+00:00", settings={}, versions={},
               results=tuple(results), suites={"hard": SUITE})  # fmt: skip


def _result(case, row, position, name):
    met: dict[str, list[bool]] = {}
    for item in row["criteria"]:
        met.setdefault(item["criterion"], []).append(item["criteria_met"])
    verdicts = []
    for criterion in case.criteria:
        # One text stands twice in one case, once with negative points, and its verdicts were
        # recorded without points: the recorded score says that the demand is the one that is met.
        found = sorted(met[criterion.text], reverse=criterion.points > 0)
        is_met = found[0]
        state = "met" if is_met else "not_met"
        ballot = Ballot(judge="recorded-judge", state=state, value=float(is_met))
        verdicts.append(
            Verdict(criterion=criterion, state=state, value=float(is_met), ballots=(ballot,))
        )
    return Result(
        run=name, case_id=case.id, suite="hard", model="recorded", state="scored",
        completion=Completion(text=row["answer"]), score=points(verdicts), tags=case.tags,
        messages=case.messages, position=position,
    )  # fmt: skip


@pytest.fixture(scope="module")
def runs(shared_data):
    """Return the plain run and the one with BODHI."""
    return recorded(shared_data, "baseline"), recorded(shared_data, "bodhi")


@pytest.fixture(scope="module")
def both(runs):
    """Return the two runs as sides."""
    (plain,), (bodhi,) = (sides(run) for run in runs)
    return plain, bodhi


def test_scores_are_the_recorded_ones(both, shared_data):
    """The runs that are compared have the recorded score in every case."""
    for side, name in zip(both, ("baseline", "bodhi"), strict=True):
        path = shared_data / "e2e" / f"healthbench-hard-{name}" / "expected.json"
        expected = json.loads(path.read_text(encoding="utf-8"))["examples"]
        found = {case.case_id: case.mean for case in side.cases}
        assert len(found) == 200
        assert {k: round(v, 12) for k, v in found.items()} == {
            k: round(v, 12) for k, v in expected.items()
        }


def test_paired_difference(both):
    """The mean difference is .1725 and its standard error .0237."""
    found = decide(*both).findings[0].difference
    assert found.n == 200
    assert round(found.mean, 4) == 0.1725
    assert round(found.error, 4) == 0.0237


def test_three_ways(both):
    """Plain answers fail against BODHI, BODHI passes against them, each passes against itself."""
    plain, bodhi = both
    assert EXIT[decide(bodhi, plain).status] == 10
    assert EXIT[decide(plain, bodhi).status] == 0
    assert EXIT[decide(plain, plain).status] == 0
    assert EXIT[decide(bodhi, bodhi).status] == 0


def test_three_ways_through_a_file(runs, both, tmp_path):
    """The same decisions rest on a baseline file as on the run it was made of."""
    made = baselines.accept(runs[1], by="x", reason="y", day=date(2026, 11, 21))
    path = baselines.write(made, tmp_path / "bodhi.json")
    assert path.stat().st_size < 150_000
    (stored,) = baselines.read(path).sides
    plain, bodhi = both
    assert decide(stored, plain).findings == decide(bodhi, plain).findings
    assert decide(stored, plain).status == "FAIL"
    assert decide(stored, bodhi).status == "PASS"


def small_pair(both, count=25):
    """Return 25 cases whose mean difference is small: every sixth of those that gained least."""
    plain, bodhi = both
    by_case = {case.case_id: case for case in bodhi.cases}
    ranked = sorted(plain.cases, key=lambda c: (by_case[c.case_id].mean - c.mean, c.case_id))
    kept = {case.case_id for case in ranked[: 6 * count : 6]}
    return tuple(
        replace(side, cases=tuple(c for c in side.cases if c.case_id in kept)) for side in both
    )


def test_few_cases(both):
    """25 cases with a small true difference cannot tell, and the number that could is named."""
    found = decide(*small_pair(both))
    assert EXIT[found.status] == 11
    assert found.findings[0].difference.n == 25
    assert found.needed.cases > 25
    assert f"about {found.needed.cases} cases like these" in found.lines[-1]


def test_beside_each_other(both):
    """The comparison says the same as the gate, with what flipped."""
    found = comparing.compare(*both)
    text = "\n".join(comparing.lines(found))
    assert "difference +0.173 (95 % interval +0.126 to +0.219, 200 cases; p of no" in text
    won = sum(case.by > 0 for case in found.moved)
    assert f"cases: {won} won, {len(found.moved) - won} lost" in text
    assert found.judges.flipped == 0
    assert len(comparing.markdown([found])) > len(text)


YAML = """\
suite: hard
data: {format: healthbench, path: dataset.jsonl.gz}
protocol: official
grader: {name: rubric, judges: [recorded-judge]}
policies: {truncated: score}
summary: {measure: clipped_mean, by: [theme, axis]}
"""


def commanded(url: str, name: str, *more: str) -> tuple[int, str]:
    """Measure with the real command; return its status and what it printed."""
    command = [
        sys.executable, "-m", "pytest", "-q", "cases/suite.yaml", "--model=recorded", "--yes",
        f"--base-url={url}", f"--judge-base-url={url}", f"--run={name}", f"--store={name}.sqlite",
        "-p", "no:cacheprovider", "-p", "no:html", *more,
    ]  # fmt: skip
    done = subprocess.run(
        command, capture_output=True, encoding="utf-8", check=False,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_through_the_command(shared_data, shared_tools, tmp_path, monkeypatch):
    """Plain answers end in 10 against BODHI's accepted baseline, BODHI's against theirs in 0.

    Each server knows its own recordings only, so no sentinel of the other can be judged anew:
    that is said and decides nothing.
    """
    monkeypatch.chdir(tmp_path)
    folders = {
        name: shared_data / "e2e" / f"healthbench-hard-{name}" for name in ("baseline", "bodhi")
    }
    Path("cases").mkdir()
    shutil.copy(folders["bodhi"] / "dataset.jsonl.gz", "cases")
    Path("cases/suite.yaml").write_text(YAML, encoding="utf-8")

    def measured(name: str, *more: str) -> tuple[int, str]:
        with replaying(shared_tools, folders[name]) as url:
            found = commanded(url, name, *more)
        accept = ["baseline", "accept", name, "--reason", "r", "--by", "x"]
        assert main([*accept, "--store", f"{name}.sqlite"]) == 0, found[1][-3000:]
        return found

    assert measured("baseline")[0] == 0
    gate = "--gate", "--baseline"
    status, output = measured("bodhi", *gate, "cases/baselines/baseline.json")
    assert status == 0, output[-3000:]
    assert "could not be checked: 30 of 30 sentinels were not judged" in output
    status, output = measured("baseline", *gate, "cases/baselines/bodhi.json")
    assert status == 10, output[-3000:]
    assert re.search(r"difference -0\.17[23] \(95 % interval .*, 200 cases", output)
    assert "could not be checked: 30 of 30 sentinels were not judged" in output
