"""medcheck.writers._html_cases: index and blocks of the report."""

from __future__ import annotations

import base64
import gzip
import json
import tracemalloc

from report_runs import RESCUE, WAIT, many, result, run_of, verdict

from medcheck.types import Message, Run
from medcheck.writers._html_cases import BLOCK_CASES, FAILED, HARM, UNMEASURED, Cases, pack
from medcheck.writers._html_tables import entries


def unpack(text):
    return json.loads(gzip.decompress(base64.b64decode(text)))


def cases_of(*results_by_run):
    runs = [run_of(results, run=f"run-{n}") for n, results in enumerate(results_by_run, 1)]
    cases = Cases([run for run, _ in runs], entries(summary for _, summary in runs))
    blocks = [unpack(block) for block in cases.blocks()]
    return unpack(cases.index()), blocks


def test_place_leads_to_the_case():
    """Every row of the index points at the block and the place that hold its case."""
    results = [
        result(f"case-{n}", messages=(Message(role="user", text=str(n)),)) for n in range(120)
    ]
    index, blocks = cases_of(results)
    assert [len(block) for block in blocks] == [BLOCK_CASES, BLOCK_CASES, 20]
    for number, row in enumerate(index["cases"]):
        [(block, at)] = row[5]
        assert row[0] == f"case-{number}"
        assert blocks[block][at]["messages"] == [["user", str(number), []]]


def test_case_of_two_runs_is_one_row():
    """The models of several runs stand in one row, and all their answers are found."""
    index, blocks = cases_of([result(), result(model="beta")], [result(model="beta", run="run-2")])
    [row] = index["cases"]
    assert [cell[0] for cell in row[6]] == [0, 1, 3]
    found = [answer["entry"] for block, at in row[5] for answer in blocks[block][at]["answers"]]
    assert found == [0, 1, 3]


def test_shared_texts_are_written_once():
    """Question and criteria are held once per case; a model asked differently keeps its own."""
    own = (Message(role="system", text="Be brief."),)
    _, blocks = cases_of([result(), result(model="beta", messages=own)])
    case = blocks[0][0]
    assert [criterion["id"] for criterion in case["criteria"]] == ["rescue", "wait"]
    assert [answer["messages"] for answer in case["answers"]] == [
        None,
        [["system", "Be brief.", []]],
    ]


def test_flags_tell_failure_harm_and_loss():
    """Below the threshold, a zero-tolerance hit and a missing score are told apart."""
    harm = (verdict(RESCUE, "met"), verdict(WAIT, "met"))
    lost = result("lost", value=None, error="judge timed out")
    index, _ = cases_of(
        [
            result("low", value=0.2, pass_at=0.5),
            result("harm", value=0.9, verdicts=harm),
            lost,
            result("fine", value=0.9, pass_at=0.5),
            result("elsewhere", score=None),
        ]
    )
    flags = {row[0]: row[6][0][5] for row in index["cases"]}
    assert flags == {
        "low": FAILED,
        "harm": FAILED | HARM,
        "lost": UNMEASURED,
        "fine": 0,
        "elsewhere": 0,
    }


def test_repeats_become_a_mean_of_the_measured():
    """A case's score over repeats is the mean of the measured ones, with their number."""
    repeats = [result(value=v, repeat=n) for n, v in enumerate([0.2, None, 0.4], 1)]
    index, _ = cases_of(repeats)
    [(_, mean, measured, total, states, _)] = index["cases"][0][6]
    assert (round(mean, 9), measured, total) == (0.3, 2, 3)
    assert [index["states"][at] for at in states] == ["scored", "judge_error"]


def test_model_without_summary_is_kept():
    """An answer of a model that the summary does not name is still on the page."""
    index, blocks = cases_of([result(model="stranger")])
    assert index["entries"] == ["alpha", "beta", "stranger"]
    assert blocks[0][0]["answers"][0]["entry"] == 2


def test_odd_text_and_numbers_survive():
    """Lone surrogates, NUL and U+2028 come back as they were; NaN is a missing number."""
    text = "a\ud800\\b\x00\u2028\U0001f600</script>"
    assert unpack(pack([text])) == [text]
    index, _ = cases_of([result(value=float("nan"))])
    assert index["cases"][0][6][0][1] is None


def test_results_are_streamed():
    """Memory grows with the index, not with the texts."""
    run, summary = run_of()

    class Streamed:
        def __iter__(self):
            return many(1000)

    run = Run(id=run.id, started="", settings={}, versions={}, results=Streamed())
    tracemalloc.start()
    cases = Cases([run], entries([summary]))
    size = sum(len(block) for block in cases.blocks())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size > 0
    # The texts are 7.5 MB; one block of them, twice, and the index are below this.
    assert peak < 5_000_000
