"""Exactly the rows without a usable answer are asked again."""

import json

import pytest
from medbench_packs import checked, errors, questions, rows_of, zipped

from medcheck.errors import SettingsError
from medcheck.packs.rerun import rows_again


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """Return the agent track's question files."""
    return questions(tmp_path_factory.mktemp("questions"), "agent")


@pytest.fixture
def odd(tmp_path, asked):
    """Return a checked pack with one odd answer of each kind."""
    files = rows_of("agent")
    rows = files["MedCOT.jsonl"]
    rows[0]["answer"] = None
    rows[1]["answer"] = "  "
    rows[2]["answer"] = "Error code: 500 - internal"
    rows[3]["answer"] = "抱歉，我无法回答这个问题。"
    rows[4]["answer"] = "首先，任务是分析病例。"
    rows[5]["answer"] = "所以，"
    rows[6]["answer"] = 7
    return checked(zipped(tmp_path / "p.zip", "agent", files), asked)


def test_no_answer_is_asked_again_for_what_it_says(odd):
    """Null, blank, no text and API errors are asked again; refusals and leaks are answers."""
    assert [(row.line, row.why.split(":")[0]) for row in rows_again(odd)] == [
        (1, "E8n"), (2, "E8n"), (3, "W4"), (7, "E8"),
    ]  # fmt: skip


def test_more_on_demand(odd):
    """Rules that are named add their rows; others cannot be named."""
    assert [row.line for row in rows_again(odd, ["W2", "W3"])] == [1, 2, 3, 5, 6, 7]
    with pytest.raises(SettingsError, match="W6"):
        rows_again(odd, ["W6"])


def test_a_row_names_its_case_and_repeats_its_question(odd):
    """A line holds the case's name and the question file's own fields."""
    row = json.loads(rows_again(odd)[0].dumped())
    assert (row["case_id"], row["set"], row["line"]) == ("MedCOT-1", "MedCOT", 1)
    assert row["question"].startswith("MedCOT 第1题")
    assert row["other"] == {"id": 1, "source": "MedCOT_V4"}


def test_questions_are_needed(tmp_path):
    """Without question files there is nothing to ask."""
    path = zipped(tmp_path / "p.zip", "agent", rows_of("agent"))
    with pytest.raises(SettingsError, match="question files"):
        rows_again(checked(path))


def test_an_answered_duplicate_counts(tmp_path, asked):
    """A row that is null and comes again with an answer is answered: nobody is asked again."""
    files = rows_of("agent")
    rows = files["MedCOT.jsonl"]
    rows.append(dict(rows[4]))
    rows[4]["answer"] = None
    rows[7]["answer"] = None
    found = checked(zipped(tmp_path / "p.zip", "agent", files), asked)
    assert [row.line for row in rows_again(found)] == [8]
    assert [(rule, line) for rule, _, line in errors(found)] == [("E6", 31), ("E7", 31)]


def test_a_pack_that_is_not_read(tmp_path):
    """Of a pack that breaks E1 it is said that it has no rows, not that questions are missing."""
    path = zipped(tmp_path / "p.zip", "agent", {"MedCOT.jsonl": []}, more=[("../x", b"")])
    with pytest.raises(SettingsError, match="breaks E1"):
        rows_again(checked(path, track="agent"))
