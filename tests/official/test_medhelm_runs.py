"""Whole runs of MedHELM's eight public sets, 20 items each: a local server answers and judges."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from servers import Server

from medcheck.suites import load_suites

CLOSED = ("medec", "pubmed_qa", "head_qa", "medbullets", "ehr_sql")
LETTERS = ("pubmed_qa", "head_qa", "medbullets")
OPEN = ("aci_bench", "medication_qa", "mediqa")
SETS = (*CLOSED, *OPEN)
GOLDS = ("informative", "empty")
"""Kinds of gold results of EHRSQL that are run alone: 20 items of the shipped suite hold none."""
PERFECT_SQL = ("perfect", "ehr_sql")
ITEMS = 20
MODELS = ("perfect", "silent", "wordy", "odd")
JURY = ("jury", "jury-2", "jury-3")
MARKS = ("accuracy", "completeness", "clarity")
REFUSAL = "I cannot tell."
LOST = "This one no juror but two can read."
"""In answers that the third juror answers with prose."""
INCOMPLETE = 12
"""Exit status of a run in which something was not measured."""


def gold_of(case: Any) -> str:
    """Return what answers a case perfectly, in the form that its prompt asks for."""
    if case.labels["task"]["name"] == "ehr_sql":
        return f"<sql>{case.labels['task']['sql'] or ''}</sql>"
    return case.references[0]


def answer(model: str, gold: str) -> str:
    """Return a model's answer: as asked, nothing, in a sentence, or odd."""
    if model == "silent":
        return ""
    if model == "wordy" and re.fullmatch("[A-Z]", gold):
        return f"The answer is {gold}."
    if model == "wordy":
        return gold.replace("CORRECT", "CORRECT.")
    if model == "odd":
        return f"{LOST} {gold}" if len(gold) > 1 and "<sql>" not in gold else REFUSAL
    return gold


def marks(model: str, messages: Any) -> str:
    """Return a juror's reply: the best marks; the third juror's is no JSON where it is to be lost.

    The two others mark such an answer 4 and 2, and the perfect one 5.
    """
    said = "\n".join(message["content"] for message in messages)
    lost = LOST in said
    if lost and model == "jury-3":
        return "I would say 5 of 5."
    score = {"jury": 4, "jury-2": 2}[model] if lost else 5
    found: dict[str, Any] = {name: {"score": score, "explanation": "so"} for name in MARKS}
    if verdict := re.findall(r"verdict_id: (\S+)", said):
        found["verdict_id"] = verdict[-1]
    return json.dumps(found)


def script(golds: dict[str, str]) -> Any:
    """Return what the server does: jurors mark, models answer what the case has as gold."""

    def reply(body: Any) -> str:
        if body["model"] in JURY:
            return marks(body["model"], body["messages"])
        return answer(body["model"], golds[body["messages"][-1]["content"]])

    return reply


def command(place: Path, *words: str, status: int = 0) -> str:
    """Run a command in a folder and return what it printed."""
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("MEDCHECK_", "PYTEST_"))}
    done = subprocess.run(
        [sys.executable, "-m", *words], cwd=place, capture_output=True, encoding="utf-8",
        env={**kept, "PYTHONIOENCODING": "utf-8"}, check=False,
    )  # fmt: skip
    assert done.returncode == status, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def lay_out(place: Path, project: Path, public: Path) -> list[str]:
    """Put the shipped suites and the fetched files where a user has them; return the suites."""
    (place / "cases").mkdir()
    (place / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    for name in SETS:
        shutil.copy(project / "cases" / f"medhelm_{name}.yaml", place / "cases")
        command(place, "medcheck", "fetch", f"medhelm_{name}", "--from", str(public))
    shipped = (place / "cases" / "medhelm_ehr_sql.yaml").read_text(encoding="utf-8")
    for kind in GOLDS:
        text = shipped.replace("suite: medhelm_ehr_sql", f"suite: medhelm_ehr_sql_{kind}")
        text = text.replace("gold: [informative, unanswerable]", f"gold: [{kind}]")
        assert text.count(kind) > shipped.count(kind)
        (place / "cases" / f"medhelm_ehr_sql_{kind}.yaml").write_text(text, encoding="utf-8")
    names = (*SETS, *(f"ehr_sql_{kind}" for kind in GOLDS))
    return [f"cases/medhelm_{name}.yaml" for name in names]


@dataclass(frozen=True)
class Ran:
    """What a run left behind."""

    results: dict[tuple[str, str], list[dict[str, Any]]]
    """By model and set."""
    rows: dict[tuple[str, str, str], dict[str, Any]]
    """By model, set and group."""
    notes: str

    def values(self, model: str, name: str, metric: str | None = None) -> list[float | None]:
        """Return scores; of a metric that does not lead, its facets."""
        found = self.results[model, name]
        if metric is None:
            return [line["score"] for line in found]
        return [line["facets"].get(f"metric:{metric}") for line in found]


def ran(place: Path, run: str) -> Ran:
    folder = place / "reports" / run
    results: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for text in (folder / "results.jsonl").read_text(encoding="utf-8").split("\n"):
        if text:
            line = json.loads(text)
            key = line["model"], line["suite"].removeprefix("medhelm_")
            results.setdefault(key, []).append(line)
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    rows = {
        (row["model"], row["suite"].removeprefix("medhelm_"), row["group"]): row
        for row in summary["rows"]
    }
    return Ran(results=results, rows=rows, notes="\n".join(summary["notes"]))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: Any, project: Path, shared_data: Path) -> dict[str, Ran]:
    """Run all sets under both protocols: four models, 20 items each, three jurors."""
    place = tmp_path_factory.mktemp("medhelm")
    paths = lay_out(place, project, shared_data / "medhelm" / "public")
    suites = load_suites([place / path for path in paths])
    golds = {case.messages[-1].text: gold_of(case) for suite in suites for case in suite.cases}
    with Server(script(golds)) as server:
        entries = [f"{name}: {{base_url: '{server.url}'}}\n" for name in (*MODELS, *JURY)]
        (place / "models.yaml").write_text("".join(entries), encoding="utf-8")
        for protocol in ("strict", "official"):
            command(
                place, "pytest", "-q", *paths, f"--model={','.join(MODELS)}",
                f"--judge={','.join(JURY)}", "--sample", str(ITEMS), f"--protocol={protocol}",
                f"--run={protocol}", "--yes", "-p", "no:cacheprovider", status=INCOMPLETE,
            )  # fmt: skip
    return {protocol: ran(place, protocol) for protocol in ("strict", "official")}


@pytest.mark.parametrize("name", SETS)
def test_a_perfect_answer_scores_one(runs, name):
    """20 items of each set are asked and measured, and what the gold says scores 1."""
    found = runs["strict"]
    assert Counter(line["state"] for line in found.results["perfect", name]) == {"scored": ITEMS}
    assert found.values("perfect", name) == [1.0] * ITEMS
    row = found.rows["perfect", name, "overall"]
    assert (row["value"], row["n"], row["ungraded"]) == (1.0, ITEMS, 0)


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("protocol", ["strict", "official"])
def test_an_empty_answer_is_not_measured(runs, name, protocol):
    """An empty answer has no score, and no juror was asked: it never earns the lowest mark."""
    found = runs[protocol].results["silent", name]
    assert Counter(line["state"] for line in found) == {"empty": ITEMS}
    assert {line["score"] for line in found} == {None}
    row = runs[protocol].rows["silent", name, "overall"]
    assert (row["value"], row["n"], row["ungraded"]) == (None, 0, ITEMS)


@pytest.mark.parametrize("name", LETTERS)
def test_letters_in_a_sentence(runs, name):
    """A letter in a sentence is read; only the original calls "The answer is B." wrong for B."""
    assert runs["strict"].values("wordy", name) == [1.0] * ITEMS
    assert runs["official"].values("wordy", name) == [0.0] * ITEMS
    assert runs["official"].values("perfect", name) == [1.0] * ITEMS


def test_medec_flags(runs):
    """A refusal finds no error, and CORRECT with a stop finds none either; the original errs."""
    flags = ["flag:1" in line["tags"] for line in runs["strict"].results["perfect", "medec"]]
    assert set(flags) == {True, False}
    assert runs["strict"].values("odd", "medec") == [0.0] * ITEMS
    assert runs["official"].values("odd", "medec") == [float(flag) for flag in flags]
    assert runs["strict"].values("wordy", "medec") == [1.0] * ITEMS
    assert runs["official"].values("wordy", "medec") == [float(flag) for flag in flags]


def test_medec_sentences(runs):
    """The right sentence scores 1; the original gives 0 on every text that holds an error."""
    found = runs["official"]
    flags = ["flag:1" in line["tags"] for line in found.results["perfect", "medec"]]
    for metric in ("medec_sentence", "medec_correction"):
        assert runs["strict"].values("perfect", "medec", metric) == [1.0] * ITEMS
    wrong = found.values("perfect", "medec", "medec_sentence_official")
    assert wrong == [float(not flag) for flag in flags]


def test_sql_that_abstains(runs):
    """An empty query is an abstention; for the original only an empty reply is."""
    kinds = ["gold:unanswerable" in line["tags"] for line in runs["strict"].results[PERFECT_SQL]]
    assert all(kinds)
    assert runs["official"].values(*PERFECT_SQL) == [0.0] * ITEMS


def test_sql_that_gives_the_gold_rows(runs):
    """The gold query scores 1; by the original 0 where it gives no row, as in 1,106 of 1,959."""
    for name in GOLDS:
        assert runs["strict"].values("perfect", f"ehr_sql_{name}") == [1.0] * ITEMS
    assert runs["official"].values("perfect", "ehr_sql_informative") == [1.0] * ITEMS
    assert runs["official"].values("perfect", "ehr_sql_empty") == [0.0] * ITEMS


@pytest.mark.parametrize("name", OPEN)
def test_a_lost_juror(runs, name):
    """A juror without marks is missing: no score, or under `official` the others' mean."""
    strict, official = (runs[protocol].results["odd", name] for protocol in runs)
    assert Counter(line["state"] for line in strict) == {"judge_error": ITEMS}
    assert {line["score"] for line in strict} == {None}
    for line in official:
        # two of three jurors, marks 4 and 2: the mean 3 is half of 1 to 5
        assert (line["score"], line["facets"]["score"]) == (0.5, 3.0)
        assert line["facets"]["jury:coverage"] == pytest.approx(2 / 3)


@pytest.mark.parametrize("figure", ["balanced_accuracy", "macro_f1"])
def test_classes_weigh_the_same(runs, figure):
    """Beside the accuracy of sets with skewed classes stand figures that weigh classes alike."""
    for name, metric in (("pubmed_qa", "exact_match"), ("medec", "medec_flag")):
        row = runs["strict"].rows["perfect", name, f"{figure}:{metric}"]
        assert (row["value"], row["n"]) == (1.0, ITEMS)
        assert runs["strict"].rows["odd", name, f"{figure}:{metric}"]["value"] == 0.0


def test_the_run_says_what_it_touches(runs):
    """Each set's place in the taxonomy is told beside its figures."""
    notes = runs["strict"].notes
    told = "perfect on medhelm_medec: touches 1 of 22 MedHELM subcategories: Planning Treatments."
    assert told in notes
    assert len(re.findall("perfect on .* touches 1 of 22", notes)) == len(SETS) + len(GOLDS)
