"""The raw public files of MedHELM's sets load with their published counts, defects included."""

from __future__ import annotations

import gzip
import hashlib
from collections import Counter
from pathlib import Path

import pytest
import yaml

from medcheck.fetching import fetch, find
from medcheck.readers import (
    aci_bench,
    ehr_sql,
    head_qa,
    medbullets,
    medec,
    medication_qa,
    mediqa,
    pubmed_qa,
)
from medcheck.scoring import taxonomy
from medcheck.suites.files import sha256_of

SETS = {
    "medec": (medec, "medec_test.csv.gz", 597),
    "aci_bench": (aci_bench, "", 120),
    "pubmed_qa": (pubmed_qa, "pubmedqa_pqal.json.gz", 1000),
    "head_qa": (head_qa, "headqa_en.json.gz", 6765),
    "medbullets": (medbullets, "medbullets_op5.csv.gz", 308),
    "ehr_sql": (ehr_sql, "", 2909),
    "medication_qa": (medication_qa, "medicationqa.xlsx.gz", 690),
    "mediqa": (mediqa, "mediqa2019_qa_test.xml.gz", 150),
}


@pytest.fixture(scope="module")
def public(shared_data: Path) -> Path:
    """Return the folder of raw public files, gzipped."""
    return shared_data / "medhelm" / "public"


@pytest.fixture(scope="module")
def cases(public):
    """Return all cases by set."""
    return {name: list(module.read(public / file, {})) for name, (module, file, _) in SETS.items()}


@pytest.fixture(scope="module")
def doubts(cases):
    """Return the number of cases by set and rule of lint."""
    return {
        name: Counter({found.rule: found.count for found in module.lint(cases[name])})
        for name, (module, _, _) in SETS.items()
    }


@pytest.mark.parametrize("name", SETS)
def test_counts(cases, name):
    """Each file gives as many cases as published, each with its own id and place."""
    found = cases[name]
    assert len(found) == SETS[name][2]
    assert len({case.id for case in found}) == len(found)
    assert len({case.category for case in found}) == 1
    assert all(case.labels["task"]["name"] == SETS[name][0].TASK.name for case in found)
    assert all(case.references for case in found if case.labels["task"].get("answerable", True))


def test_the_taxonomy_is_the_compiled_one(shared_data):
    """Our table says of each benchmark what the compiled one says."""
    text = (shared_data / "medhelm" / "taxonomy.yaml").read_text(encoding="utf-8")
    compiled = yaml.safe_load(text)
    ours = iter(taxonomy.benchmarks())
    for category in compiled["categories"]:
        for part in category["subcategories"]:
            for entry in part["benchmarks"]:
                found = next(ours)
                assert found.path == (category["id"], part["id"])
                assert (found.id, found.name, found.access) == (
                    entry["id"], entry["name"], entry["access"],
                )  # fmt: skip
                assert found.type == entry["task_type"]
                assert found.first_35 == entry["in_first_35"]
                assert found.instances_run == entry["instances_run"]
                assert (found.metric == taxonomy.JURY) == entry["main_metric"].startswith("jury")


def test_medec(cases, doubts):
    """311 of 597 texts hold an error, and each stands in the sentence of its number."""
    flags = Counter(case.labels["task"]["flag"] for case in cases["medec"])
    assert flags == {1: 311, 0: 286}
    assert set(doubts["medec"]) == {"picture_missing"}


def test_pubmed_qa(cases, public, doubts):
    """The official test half has 500 articles; the classes are 552, 338 and 110."""
    classes = Counter(case.labels["task"]["class"] for case in cases["pubmed_qa"])
    assert classes == {"yes": 552, "no": 338, "maybe": 110}
    half = list(pubmed_qa.read(public / "pubmedqa_pqal.json.gz", {"subset": "test"}))
    # the sorted PubMed ids of the repository's own test_ground_truth.json
    ids = "\n".join(sorted(case.labels["task"]["key"] for case in half))
    assert len(half) == 500
    assert hashlib.sha256(ids.encode()).hexdigest() == PUBMED_TEST
    assert doubts["pubmed_qa"] == {"skewed": 110}


PUBMED_TEST = "406e3b89eff577ed38571eca5a5819734a6f49ac0437d171b6c64e5c3cd195f8"


def test_head_qa(cases, public, doubts):
    """The test papers have 2,742 questions with four options, 67 of them with a picture."""
    test = [case for case in cases["head_qa"] if "split:test" in case.tags]
    assert len(test) == 2742
    assert {len(case.labels["task"]["options"]) for case in test} == {4}
    assert sum("modality:picture" in case.tags for case in test) == 67
    subset = head_qa.read(public / "headqa_en.json.gz", {"subset": "test"})
    assert [case.id for case in subset] == [case.id for case in test]
    assert doubts["head_qa"]["option_twice"] == 6


def test_medbullets(doubts):
    """Ten questions stand twice, and four in ten speak of a figure that is not there."""
    assert doubts["medbullets"] == {"duplicate_question": 10, "picture_missing": 116}


def test_ehr_sql(cases, doubts):
    """Of 1,959 gold queries 1,114 give nothing (8 do not run), 241 NULL, 563 zero, 41 something."""
    gold = Counter(case.labels["task"]["gold"] for case in cases["ehr_sql"])
    assert gold == {
        "empty": 1106, "error": 8, "null": 241, "zero": 563, "informative": 41,
        "unanswerable": 950,
    }  # fmt: skip
    found = doubts["ehr_sql"]
    assert found["empty_gold_result"] + found["error_gold_result"] == 1114
    assert (found["null_gold_result"], found["zero_gold_result"]) == (241, 563)
    assert "empty_gold" not in found


def test_medication_qa(cases, doubts):
    """13 of 690 gold answers say that there is none."""
    assert doubts["medication_qa"]["uninformative_gold"] == 13
    assert sum("gold:none" in case.tags for case in cases["medication_qa"]) == 13


def test_mediqa(cases, doubts):
    """1,107 answers are ranked; for 32 questions the best one is incomplete."""
    assert sum(case.labels["task"]["answers"] for case in cases["mediqa"]) == 1107
    assert doubts["mediqa"]["poor_gold"] == 32


def test_no_reference_stands_in_a_prompt(doubts):
    """None of the eight sets leaves a reference in its prompt."""
    assert not [name for name, found in doubts.items() if "contained" in found]


@pytest.mark.parametrize("name", SETS)
def test_shipped_suites_pin_what_is_fetched(project, public, tmp_path, name):
    """`medcheck fetch` puts the pinned files where the shipped suite reads them."""
    text = (project / "cases" / f"medhelm_{name}.yaml").read_text(encoding="utf-8")
    data = yaml.safe_load(text)["data"]
    assert data["format"] == name
    got = fetch(find(data["fetch"]), folder=tmp_path / "data", origin=str(public))
    assert sha256_of(tmp_path / data["path"]) == data["sha256"]
    for file in got:
        packed = public / f"{file.path.name}.gz"
        assert file.path.read_bytes() == gzip.decompress(packed.read_bytes())
