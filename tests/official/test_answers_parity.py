"""Recorded answers and physicians' completions of official files are read, all of them."""

import collections
import gzip
import json

from medcheck.answers import load_answers
from medcheck.readers import healthbench


def test_recorded_answers(shared_data):
    """The 200 recorded answers of a run on Hard come as they were recorded."""
    path = shared_data / "e2e" / "healthbench-hard-baseline" / "verdicts.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8", newline="\n") as file:
        expected = {row["id"]: (row["answer"],) for row in map(json.loads, file)}
    assert len(expected) == 200
    assert load_answers(path).by_case == expected


def test_completions(shared_data):
    """Each official example has the physician's answer of its group and its 0 or 4 references."""
    path = shared_data / "healthbench" / "healthbench_sample.jsonl.gz"
    found = collections.Counter(
        (case.tags[-1].removeprefix("completions:"), len(case.answers["reference"]))
        for case in healthbench.read(path, {"completions": True})
        if case.answers
    )
    assert found == {("group-1", 0): 118, ("group-2", 4): 136, ("group-3", 4): 127}
