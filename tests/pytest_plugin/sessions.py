"""Suites to write and sessions to run: what the tests of the plugin have in common."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from servers import Server

PROJECT = Path(__file__).resolve().parents[2]
ALONE = pytest.mark.parametrize("workers", [0], ids=["alone"], indirect=True)
"""For what one process decides: with workers such a test would show nothing more."""

ONE = 'checks: [{contains: "120", points: 5}]'
"""Graded without a judge: `echo` meets it where the prompt names the number."""
FIRST = f"""
suite: first
cases:
  - {{id: 胸痛-1, tags: ["theme:hedging", "lang:zh"], prompt: 胸痛：叫 120, {ONE}, pass_at: 0.5}}
  - {{id: fever, tags: ["theme:hedging", gaps], prompt: call 120, {ONE}, pass_at: 0.5}}
  - {{id: low, tags: ["theme:gaps", "lang:en"], prompt: wait, {ONE}, pass_at: 0.5}}
"""
GOOD = f"""
suite: good
cases:
  - {{id: a, tags: [one], prompt: 120 a, {ONE}}}
  - {{id: b, tags: [two], prompt: 120 b, {ONE}}}
"""
JUDGED = """
suite: judged
grader: {name: rubric, judges: [judge]}
cases:
  - {id: a, prompt: question a, criteria: [{text: is kind, points: 1}]}
  - {id: b, prompt: question b, criteria: [{text: is kind, points: 1}]}
"""


class Sessions:
    """A folder with suites, and pytest sessions in it."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.path = pytester.path

    def suite(self, text: str, name: str = "a") -> Path:
        """Write `cases/NAME.yaml`."""
        return self.write(f"cases/{name}.yaml", text)

    def write(self, name: str, text: str) -> Path:
        """Write a file."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def models(self, **entries: dict[str, Any]) -> Path:
        """Write `models.yaml`, which is found by itself."""
        return self.write("models.yaml", json.dumps(entries))

    def run(self, *arguments: object, workers: int = 0, code: int | None = None) -> Outcome:
        """Run pytest: here, or in processes of its own where there are workers."""
        given = [str(argument) for argument in arguments]
        if workers:
            given += ["-n", str(workers)]
            ran = self.pytester.runpytest_subprocess(*given, timeout=120)
        else:
            ran = self.pytester.runpytest_inprocess(*given)
        done = Outcome(ran)
        assert code is None or done.code == code, done.text
        return done

    def names(self, *arguments: object) -> list[str]:
        """Return the ids that a selection collects."""
        done = self.run("--collect-only", "-q", *arguments)
        return [line for line in done.lines if "::" in line]

    def results(self, run: str | None = None) -> list[dict[str, Any]]:
        """Return the lines of the results of a run, of the only one if none is named."""
        lines = (self.folder(run) / "results.jsonl").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]

    def report(self, name: str, run: str | None = None) -> Any:
        """Return a JSON file of a run."""
        return json.loads((self.folder(run) / name).read_text(encoding="utf-8"))

    def folder(self, run: str | None = None) -> Path:
        """Return a run's folder."""
        reports = self.path / "reports"
        if run:
            return reports / run
        [folder] = [path for path in reports.iterdir() if path.is_dir()]
        return folder


class Outcome:
    """How a session ended and what it printed."""

    def __init__(self, ran: pytest.RunResult) -> None:
        self.ran = ran
        self.code = int(ran.ret)
        self.lines = ran.outlines
        self.text = ran.stdout.str() + "\n" + ran.stderr.str()

    def counts(self) -> dict[str, int]:
        """Return how many tests passed, failed and so on."""
        return self.ran.parseoutcomes()

    def calm(self) -> Outcome:
        """Assert that nothing looks like a bug: no traceback, no internal error."""
        bug = re.search(r"Traceback|INTERNALERROR|\.py:\d+: \w*(Error|Exception)", self.text)
        assert bug is None, self.text
        return self


def judging(met: bool | str = True) -> Any:
    """Return a server's script: model requests are answered, judge requests judged.

    A text in place of `met`: the verdict is whether the judge's prompt holds it.
    """

    def script(body: dict[str, Any]) -> str:
        texts = "\n".join(str(message["content"]) for message in body["messages"])
        found = re.search(r"verdict_id: ([0-9a-f]{16})", texts)
        if not found:
            return "the answer"
        verdict = met in texts if isinstance(met, str) else met
        reply = {"explanation": "because", "criteria_met": verdict, "verdict_id": found[1]}
        return json.dumps(reply)

    return script


def endpoint(server: Server, **more: Any) -> dict[str, Any]:
    """Return a registry entry for a local server."""
    return {"base_url": server.url, **more}
