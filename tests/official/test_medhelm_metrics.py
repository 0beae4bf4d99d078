"""Metrics on the real files: the right answer, and what the original makes of it."""

from __future__ import annotations

import gzip
from collections import Counter

import pytest

from medcheck.readers import ehr_sql, head_qa, medbullets, medec, pubmed_qa
from medcheck.scoring.metrics import Gold, measure
from medcheck.scoring.metrics.classes import class_figures


def gold(case):
    return Gold(references=case.references, facts=case.labels["task"])


@pytest.fixture(scope="module")
def public(shared_data):
    return shared_data / "medhelm" / "public"


@pytest.fixture(scope="module")
def queries(public, tmp_path_factory):
    """All 2,909 questions, on a database that can be opened."""
    folder = tmp_path_factory.mktemp("ehr_sql")
    for path in public.glob("ehrsql_eicu_*"):
        (folder / path.stem).write_bytes(gzip.decompress(path.read_bytes()))
    return list(ehr_sql.read(folder, {}))


@pytest.mark.parametrize(
    ("reader", "name", "options"),
    [
        (head_qa, "headqa_en.json.gz", {"subset": "test"}),
        (medbullets, "medbullets_op5.csv.gz", {}),
        (pubmed_qa, "pubmedqa_pqal.json.gz", {}),
    ],
)
def test_letters_in_sentences(public, reader, name, options):
    """A right letter is right in a sentence and with its text; the original wants it bare."""
    for case in reader.read(public / name, options):
        right, known = case.references[0], gold(case)
        text = known.facts["options"][right]
        said = f"The answer is {right}. Other options are less likely."
        assert measure("exact_match", said, known).value == 1
        assert measure("exact_match", f"{right}. {text}", known).value == 1, case.id
        assert measure("exact_match", "", known).value == 0
        assert measure("exact_match_official", right, known).value == 1
        assert measure("exact_match_official", said, known).value == 0


def test_always_yes_on_pubmed_qa(public):
    """Saying yes throughout is right in 55 %, and balanced accuracy shows a third."""
    cases = list(pubmed_qa.read(public / "pubmedqa_pqal.json.gz", {}))
    found = class_figures(
        (gold(case).wanted, measure("exact_match", "A", gold(case)).given) for case in cases
    )
    assert found.accuracy == 0.552
    assert found.balanced_accuracy == pytest.approx(1 / 3)
    assert found.macro_f1 < 0.24


def test_medec(public):
    """Right answers earn 1; the original's sentence metric cannot exceed .66 on the whole file."""
    cases = list(medec.read(public / "medec_test.csv.gz", {}))
    names = ("medec_flag", "medec_sentence", "medec_correction", "medec_sentence_official")
    found = {
        name: [measure(name, case.references[0], gold(case)).value for case in cases]
        for name in names
    }
    assert set(found["medec_flag"]) == set(found["medec_sentence"]) == {1}
    assert set(found["medec_correction"]) == {1}
    errors = sum(case.labels["task"]["flag"] for case in cases)
    assert (len(cases), errors) == (597, 311)
    assert sum(found["medec_sentence_official"]) == 597 - errors
    assert (925 - errors) / 925 == pytest.approx(0.66, abs=0.005)
    copied = [measure("medec_correction", _copied(case), gold(case)).value for case in cases]
    flags = [case.labels["task"]["flag"] for case in cases]
    assert not any(value for value, flag in zip(copied, flags, strict=True) if flag)
    refused = [measure("medec_flag_official", "I cannot help.", gold(case)).value for case in cases]
    assert sum(refused) == errors
    assert not any(measure("medec_flag", "I cannot help.", gold(case)).value for case in cases)


def _copied(case):
    facts = case.labels["task"]
    return f"{facts['sentence_id']} {facts['sentence']}"


def test_ehr_sql_official(queries):
    """The gold query scores 43 %, and with every abstention 61.7 % is the most."""
    told = Counter()
    for case in queries:
        answer = case.references[0] if case.references else ""
        state = case.labels["task"]["gold"]
        told[state] += measure("ehr_sql_official", answer, gold(case)).value
    assert told == {"zero": 563, "null": 241, "informative": 41, "unanswerable": 950,
                    "empty": 0, "error": 0}  # fmt: skip
    answerable = sum(1 for case in queries if case.references)
    assert (told.total() - 950) / answerable == pytest.approx(0.431, abs=0.0005)
    assert told.total() / len(queries) == pytest.approx(0.617, abs=0.0005)


def test_ehr_sql(queries):
    """The gold answer earns 1 everywhere; a query that finds nothing earns 1 nowhere."""
    nothing = "SELECT NULL WHERE 0"
    for case in queries[::7]:
        answer = case.references[0] if case.references else "<sql></sql>"
        assert measure("ehr_sql", answer, gold(case)).value == 1, case.id
        assert measure("ehr_sql", nothing, gold(case)).value < 0.5
        assert measure("ehr_sql", "", gold(case)).value == 0
    informative = [c for c in queries if c.labels["task"]["gold"] == "informative"]
    found = [measure("ehr_sql_execution", c.references[0], gold(c)).value for c in informative]
    assert found == [1] * 41
