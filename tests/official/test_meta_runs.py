"""A meta-evaluation through the real command: a recorded grader gives its recorded figures."""

import gzip
import json

import pytest
from runs import command, registry_text
from servers import Reply, Server

from medcheck.stats.agreement import HEADLINE, theme_of

SUITE = """\
suite: meta
data: {format: healthbench_meta, path: data/meta.jsonl}
grader: {name: meta, params: {temperature: 0.5, max_tokens: 2048}}
protocol: official
summary: {measure: pairwise_f1, by: [theme], bootstrap: {n: 1000, seed: 0}}
"""
ERROR = ":bootstrap_std"
COUNT = ":n_samples"


def lines(path):
    with gzip.open(path, "rt", encoding="utf-8", newline="\n") as file:
        return [json.loads(line) for line in file]


def official(row):
    """A recorded row in the layout of the official file, the conversation as one turn."""
    # Wherever the texts are cut: the judge is shown them joined.
    asked, _, completion = row["conversation_with_completion"].rpartition("\n\nassistant: ")
    assert asked.startswith("user: ")
    return {
        # Who labeled is not recorded.
        "anonymized_physician_ids": [f"p{n}" for n in range(len(row["binary_labels"]))],
        "binary_labels": row["binary_labels"],
        "category": row["category"],
        "completion": completion,
        "completion_id": f"c{row['row']}",
        "prompt": [{"role": "user", "content": asked.removeprefix("user: ")}],
        "prompt_id": row["prompt_id"] or f"p{row['row']}",
        "rubric": row["rubric"],
        "canary": row["canary"],
    }


def placed(folder, rows, url):
    """Write suite, data and models file into `folder`."""
    (folder / "cases" / "data").mkdir(parents=True)
    texts = {
        "cases/meta.yaml": SUITE,
        "cases/data/meta.jsonl": "".join(f"{json.dumps(official(row))}\n" for row in rows),
        "models.yaml": registry_text(url),
        "pytest.ini": "[pytest]\n",
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def grader(rows, grades):
    """A server that replies what the grader replied to the same conversation and criterion."""

    def reply(body):
        text = body["messages"][-1]["content"]
        said = [
            grade["reply"]
            for row, grade in zip(rows, grades, strict=True)
            if row["conversation_with_completion"] in text and row["rubric"] in text
        ]
        return Reply(text=said[0] if said else "which row?")

    return Server(reply)


@pytest.mark.parametrize("name", ["llama-3.1-70b", "llama-3.3-70b"])
def test_every_recorded_key(shared_data, tmp_path, name):
    """Every key of the recorded report stands in the rows; agreement is equal to the last bit."""
    data = shared_data / "healthbench"
    rows = lines(data / "healthbench_meta_rows.jsonl.gz")
    grades = lines(data / f"healthbench_meta_grades_{name}.jsonl.gz")
    with grader(rows, grades) as server:
        ended = command(placed(tmp_path, rows, server.url), workers=0)
    assert ended.status == 0, ended.output
    assert len(server.requests) == len(rows)
    summary = ended.data("summary.json")
    found = {row["group"]: row for row in summary["rows"]}
    assert summary["complete"]
    recorded = lines(data / f"healthbench_meta_grades_{name}.metrics.json.gz")[0]
    assert differences(found, recorded["metrics"]) == []
    assert found["overall"]["value"] == recorded["score"]
    assert found["overall"]["std"] is None
    for key, metric in recorded["model_agreement_metrics"].items():
        assert {k: found[key][k] for k in ("value", "n")} == metric, key
    themes = {group.partition(": ")[0] for group in found if group.startswith("theme:")}
    balanced = (k for k in recorded["model_agreement_metrics"] if k.endswith(f": {HEADLINE}"))
    assert themes == {f"theme:{theme_of(key)}" for key in balanced}


def differences(found, metrics):
    """The recorded keys that the rows do not repeat."""
    wrong = []
    for key, recorded in metrics.items():
        group = key.removesuffix(ERROR).removesuffix(COUNT)
        column = "std" if key.endswith(ERROR) else "n" if key.endswith(COUNT) else "value"
        # The official error of the score is that of the share of positive predictions.
        is_error = column == "std" and group == "score"
        row = found[
            "model_predicted_positive" if is_error else "overall" if group == "score" else group
        ]
        # Which draw, and in which order rows were averaged, is not recorded.
        slack = {"std": 0.10, "n": 0.0, "value": 1e-12}[column]
        expected = pytest.approx(recorded, rel=slack, abs=1e-12 if slack else 0.0)
        if row[column] != expected:
            wrong.append(f"{key}: {recorded} recorded, {row[column]} here")
    return wrong
