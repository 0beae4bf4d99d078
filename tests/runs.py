"""Whole runs against a scripted server: twelve cases, four criteria each, a judge that is a rule.

The judge's verdict is a pure function of answer and criterion, so any change of a score is ours.
`measure` runs the engine in this process; `command` runs the real pytest command.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from servers import Reply, Server

from medcheck.engine.described import described
from medcheck.engine.evaluate import planned
from medcheck.engine.session import Engine, Share, Work
from medcheck.engine.setup import Setup, prepare
from medcheck.settings import Settings
from medcheck.store.database import open_database
from medcheck.store.runs import Runs
from medcheck.suites import load_suite
from medcheck.summary import Summary, summarize
from medcheck.types import Result
from medcheck.writers import json as json_writer
from medcheck.writers import jsonl as jsonl_writer

CASES = 12
CRITERIA = 4
JUDGES = ("judge", "other")
POINTS = (5, 3, 2, -4)
USAGE = {"prompt_tokens": 10, "completion_tokens": 5}


def suite_text(*, cases: int = CASES, more: str = "") -> str:
    """Return a suite of `cases` cases; `more` is YAML that stands before them."""
    blocks = []
    for number in range(cases):
        criteria = "".join(
            f"      - {{text: 'case {number:02} demand {index}', points: {points}, "
            f"tags: ['axis:{'ab'[index % 2]}']}}\n"
            for index, points in enumerate(POINTS)
        )
        blocks.append(
            f"  - id: case-{number:02}\n"
            f"    prompt: 'question {number:02}: 胸痛?'\n"
            f"    tags: ['theme:{'xyz'[number % 3]}']\n"
            f"    criteria:\n{criteria}"
        )
    head = "suite: faults\ngrader: {name: rubric, judges: [judge]}\n"
    return f"{head}summary: {{measure: clipped_mean, by: [theme, axis]}}\n{more}cases:\n" + "".join(
        blocks
    )


def registry_text(url: str, *, timeout: float = 20.0) -> str:
    """Return a models file that places `m` and `judge` at one server."""
    settings = f"{{base_url: '{url}', timeout: {{idle: {timeout}, total: {timeout}}}}}"
    return f"m: {settings}\njudge: {settings}\n"


def place(folder: Path, url: str, *, timeout: float = 20.0, **suite: Any) -> Path:
    """Write suite and models file into `folder` and return it."""
    (folder / "cases").mkdir(parents=True, exist_ok=True)
    text = suite_text(**suite)
    (folder / "cases" / "faults.yaml").write_text(text, encoding="utf-8")
    registry = registry_text(url, timeout=timeout)
    (folder / "models.yaml").write_text(registry, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    return folder


def is_judge(body: Mapping[str, Any]) -> bool:
    """Return whether a request goes to the judge."""
    return body["model"] in JUDGES


def question(body: Mapping[str, Any]) -> int:
    """Return the number of the case that a request, of model or judge, is about."""
    texts = " ".join(message["content"] for message in body["messages"])
    found = re.search(r"question (\d\d)", texts)
    assert found
    return int(found[1])


def healthy(body: Mapping[str, Any]) -> str:
    """Return the text of an answer, or of a verdict that depends on what is judged only."""
    if not is_judge(body):
        return f"{body['model']} answers {body['messages'][-1]['content']}"
    text = "\n".join(message["content"] for message in body["messages"])
    judged, _, verdict_id = text.partition("\nverdict_id: ")
    digest = hashlib.sha256(judged.encode()).digest()
    said = {"explanation": "so", "criteria_met": digest[0] % 3 > 0}
    if verdict_id:
        said["verdict_id"] = verdict_id.strip()
    return json.dumps(said)


class Faulty:
    """A server script: `fault(body, time)` for the time a body arrives (from 0), else healthy."""

    def __init__(self, fault: Callable[[Any, int], Reply | None], *, delay: float = 0.0) -> None:
        self._fault = fault
        self._delay = delay
        self._times: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __call__(self, body: Any) -> Reply:
        name = identity(body)
        with self._lock:
            time = self._times[name]
            self._times[name] += 1
        return self._fault(body, time) or Reply(text=healthy(body), usage=USAGE, delay=self._delay)


def identity(body: Mapping[str, Any]) -> str:
    """Return what a request is about, whatever its verdict id."""
    return re.sub(r"verdict_id: \w+", "", json.dumps(body, sort_keys=True))


def server(fault: Callable[[Any, int], Reply | None] = lambda *_: None, **how: Any) -> Server:
    """Return a server, healthy but for `fault`."""
    return Server(Faulty(fault, **how))


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What a run in this process came to."""

    results: tuple[Result, ...]
    summary: Summary
    requests: Mapping[str, int]
    spent: Any = None
    folder: Path = field(default_factory=Path)

    @property
    def overall(self) -> Any:
        """The first row."""
        return self.summary.rows[0]

    @property
    def states(self) -> Mapping[str, int]:
        """Results by state."""
        return self.summary.states["m"]

    @property
    def scores(self) -> list[float | None]:
        """Scores in the order of the run."""
        return [result.score.value if result.score else None for result in self.results]


def settings_for(folder: Path, **changes: Any) -> Settings:
    """Return settings for a placed suite."""
    fields: dict[str, Any] = {
        "models": ("m",),
        "models_file": str(folder / "models.yaml"),
        "store": str(folder / "store.sqlite"),
        "reports": str(folder / "reports"),
        "run": "r",
    }
    return Settings(**{**fields, **changes})


def started(folder: Path, settings: Settings) -> tuple[Setup, tuple[Work, ...]]:
    """Write the plan of a run into its store; return its setup and works."""
    suite = load_suite(folder / "cases" / "faults.yaml")
    setup = prepare([suite], settings, {})
    assert not setup.problems, setup.problems
    pairs = [(case, model) for case in suite.cases for model in settings.models]
    works = tuple(Work.of(case, model, at) for at, (case, model) in enumerate(pairs))
    with open_database(settings.store) as database:
        runs = Runs(database)
        runs.begin(
            settings.run,
            started="2026-01-01T00:00:00+00:00",
            settings=settings.record(),
            versions=setup.versions,
            suites=described(setup, settings),
        )
        repeats = range(1, settings.repeats + 1)
        runs.plan([planned(settings.run, w.case, w.model, w.position, r)
                   for w in works for r in repeats])  # fmt: skip
    return setup, works


def measure(folder: Path, **changes: Any) -> Measured:
    """Run a placed suite in this process; return what the store then holds."""
    settings = settings_for(folder, **changes)
    setup, works = started(folder, settings)
    engine = Engine(setup, settings, Share(ahead=works), {})
    engine.start()
    try:
        for work in works:
            engine.wait(work)
    finally:
        engine.close()
    with open_database(settings.store) as database:
        run = Runs(database).read(settings.run)
        summary = summarize(run)
        json_writer.write(run, summary, settings.folder / "summary.json")
        jsonl_writer.write(run, summary, settings.folder / "results.jsonl")
        data = json_writer.run_data(run, summary)
        return Measured(
            results=tuple(run.results),
            summary=summary,
            requests=data["requests"],
            spent=data["spent_usd"],
            folder=settings.folder,
        )


@dataclass(frozen=True, kw_only=True)
class Ended:
    """What a pytest command came to."""

    status: int
    output: str
    folder: Path

    def data(self, name: str) -> Any:
        """Return the JSON of a file of the run folder."""
        return json.loads((self.folder / name).read_text(encoding="utf-8"))

    @property
    def reports(self) -> tuple[bytes, bytes]:
        """The two files that equal replies make equal."""
        names = ("results.jsonl", "summary.json")
        return tuple((self.folder / name).read_bytes() for name in names)  # type: ignore[return-value]


def start(
    folder: Path, *more: str, workers: int = 0, concurrency: int = 4
) -> subprocess.Popen[str]:
    """Start the pytest command on a placed suite, in a process group of its own."""
    arguments = [
        sys.executable, "-m", "pytest", "-q", "-n", str(workers), "--model=m", "--run=r",
        f"--concurrency={concurrency}", "-p", "no:cacheprovider", "-p", "no:html", *more,
    ]  # fmt: skip
    return subprocess.Popen(
        arguments,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONUTF8": "1"},
        start_new_session=True,
    )


def ended(process: subprocess.Popen[str], folder: Path) -> Ended:
    """Wait for a started command."""
    output, _ = process.communicate(timeout=60)
    return Ended(status=process.returncode, output=output, folder=folder / "reports" / "r")


def command(folder: Path, *more: str, workers: int = 0, concurrency: int = 4) -> Ended:
    """Run the pytest command on a placed suite."""
    return ended(start(folder, *more, workers=workers, concurrency=concurrency), folder)
