"""MedHELM's eight public sets, on small files of our own in the same layouts."""

from __future__ import annotations

import importlib
import sqlite3
from pathlib import Path

import medhelm_files as files
import pytest
from workbooks import workbook

from medcheck import shelves
from medcheck.errors import DatasetError
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
from medcheck.suites import load_suite
from medcheck.suites.audit import audit

MODULES = {
    "medcheck.readers.medec": "medec",
    "medcheck.readers.aci_bench": "aci_bench",
    "medcheck.readers.pubmed_qa": "pubmed_qa",
    "medcheck.readers.head_qa": "head_qa",
    "medcheck.readers.medbullets": "medbullets",
    "medcheck.readers.ehr_sql": "ehr_sql",
    "medcheck.readers.medication_qa": "medication_qa",
    "medcheck.readers.mediqa": "medi_qa",
}


@pytest.mark.parametrize(("module", "benchmark"), MODULES.items())
def test_each_stands_on_the_shelf_and_in_the_taxonomy(module, benchmark):
    """Each reader can be named in a suite, has lint, and asks a benchmark of the taxonomy."""
    found = importlib.import_module(module)
    name = module.rpartition(".")[2]
    assert shelves.find("readers", name, "read") is found.read
    assert shelves.has("readers", name, "lint") is found.lint
    assert found.OPTIONS["additionalProperties"] is False
    assert found.TASK.name == benchmark
    assert taxonomy.benchmark(benchmark).access == "public"


def failure(module, path, options=None):
    with pytest.raises(DatasetError) as caught:
        list(module.read(path, options or {}))
    return str(caught.value)


# --- Medec


def medec_file(tmp_path: Path, *rows, name="m.csv"):
    return files.put(tmp_path / name, files.table_text(rows, files.MEDEC_COLUMNS))


@pytest.mark.parametrize("name", ["m.csv", "m.csv.gz"])
def test_medec(tmp_path, name):
    """A wrong text wants number and correction, a right one CORRECT; blank rows are left out."""
    path = medec_file(tmp_path, files.medec_row(), {}, files.medec_row(**files.RIGHT), name=name)
    wrong, right = medec.read(path, {})
    assert (wrong.id, right.id) == ("medec-1", "medec-2")
    assert wrong.references == ("1 Pneumonia sits in the left lung.",)
    assert right.references == (medec.CORRECT,)
    assert wrong.messages[0].text.endswith(
        "Clinical text:\n0 The lungs are clear.\n1 Pneumonia sits in the left kidney.\nAnswer:"
    )
    assert "left lung" not in wrong.messages[0].text
    assert wrong.labels["task"] == {
        "name": "medec", "key": "ms-test-0", "flag": 1, "class": 1, "sentence_id": 1,
        "sentence": "Pneumonia sits in the left kidney.",
        "corrected": "Pneumonia sits in the left lung.",
    }  # fmt: skip
    assert right.labels["task"]["flag"] == 0
    assert right.labels["task"]["sentence_id"] is None
    assert {"flag:1", "error:diagnosis", "source:ms", "task:medec"} <= set(wrong.tags)
    assert not any(tag.startswith("error:") for tag in right.tags)
    assert wrong.category == ("clinical_decision_support", "planning_treatments")
    assert [criterion.id for criterion in wrong.criteria] == ["answer"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"Error Flag": "2"}, 'Error Flag is "2", expected one of 0, 1'),
        ({"Error Sentence ID": "9"}, "Error Sentence ID is 9, which is no sentence"),
        ({"Corrected Sentence": " "}, "Corrected Sentence"),
        ({"Text ID": ""}, "Text ID"),
    ],
)
def test_medec_rows_that_cannot_be_used(tmp_path, changes, told):
    """A row that cannot be scored is refused with its line, all of them at once."""
    path = medec_file(tmp_path, files.medec_row(), files.medec_row(**changes))
    text = failure(medec, path)
    assert told in text
    assert text.startswith(f"{path}:5: ")


def test_medec_lint(tmp_path):
    """An error that stands in another sentence, and a correction that changes nothing, are told."""
    path = medec_file(
        tmp_path,
        files.medec_row(**{"Text ID": "a", "Error Sentence": "Something else."}),
        files.medec_row(**files.RIGHT),
        files.medec_row(
            **{"Text ID": "b", "Corrected Sentence": "Pneumonia sits in the left kidney"}
        ),
    )
    rules = {found.rule: found.cases for found in medec.lint(medec.read(path, {}))}
    assert rules["sentence_elsewhere"] == ("medec-1",)
    assert rules["no_correction"] == ("medec-3",)


# --- ACI-Bench


def visits(*notes):
    return {"data": [{"src": f"[doctor] {n}", "tgt": n, "file": f"D{n}-aci"} for n in notes]}


def test_aci_bench(tmp_path):
    """A folder holds up to three sets, under either name; the note is the jurors' reference."""
    files.put_json(tmp_path / "aci_clinicalnlp_taskB_test1.json.gz", visits("one"))
    files.put_json(tmp_path / "clef_taskC_test3.json", visits("two", "three"))
    cases = list(aci_bench.read(tmp_path, {}))
    assert [case.id for case in cases] == [
        "aci_bench-test1-1", "aci_bench-test3-1", "aci_bench-test3-2",
    ]  # fmt: skip
    assert cases[0].references == ("one",)
    assert cases[0].criteria == ()
    assert {"set:test1", "style:aci"} <= set(cases[0].tags)
    assert "[doctor] one" in cases[0].messages[0].text
    (only,) = aci_bench.read(tmp_path / "aci_clinicalnlp_taskB_test1.json.gz", {})
    assert only.id == "aci_bench-test1-1"
    assert [c.id for c in aci_bench.read(tmp_path, {"sets": ["test1"]})] == ["aci_bench-test1-1"]
    assert aci_bench.lint(cases) == ()


def test_aci_bench_without_a_wanted_set(tmp_path):
    """A set that was asked for by name must be there; an empty folder is refused."""
    assert "holds no aci_clinicalnlp_taskB_test1.json" in failure(aci_bench, tmp_path)
    files.put_json(tmp_path / "clef_taskC_test3.json", visits("two"))
    text = failure(aci_bench, tmp_path, {"sets": ["test2", "test3"]})
    assert "aci_clinicalnlp_taskC_test2.json" in text
    assert "medcheck fetch medhelm_aci_bench" in text


def test_aci_bench_visits_that_cannot_be_used(tmp_path):
    """A visit without a note is refused with its position."""
    path = files.put_json(tmp_path / "own.json", {"data": [{"src": "a", "tgt": "", "file": "f"}]})
    assert failure(aci_bench, path).startswith(f"{path}: row 1: tgt is")


# --- PubMedQA


def test_pubmed_qa(tmp_path):
    """A labelled abstract and a question become options A to C; the decision is the letter."""
    data = {"11": files.article("yes"), "12": files.article("no"), "13": files.article("maybe")}
    path = files.put_json(tmp_path / "p.json", data)
    cases = list(pubmed_qa.read(path, {}))
    assert [case.references for case in cases] == [("A",), ("B",), ("C",)]
    assert (
        cases[0]
        .messages[0]
        .text.endswith(
            "Abstract: Background. Backs ache.\nResults. Rest did nothing.\n\n"
            "Question: Does rest help?\nA. yes\nB. no\nC. maybe\nAnswer:"
        )
    )
    assert cases[1].labels["task"]["options"] == {"A": "yes", "B": "no", "C": "maybe"}
    assert cases[1].labels["task"]["key"] == "12"
    assert "answer:no" in cases[1].tags
    assert "It does not." not in cases[0].messages[0].text
    assert "skewed" not in {doubt.rule for doubt in pubmed_qa.lint(cases)}


def test_pubmed_qa_official_half(tmp_path):
    """The test subset is half of each class, always the same, with the ids of the whole."""
    data = {str(n): files.article(("yes", "no", "maybe")[n % 3]) for n in range(12)}
    path = files.put_json(tmp_path / "p.json", data)
    chosen = [case.id for case in pubmed_qa.read(path, {"subset": "test"})]
    tagged = [case.id for case in pubmed_qa.read(path, {}) if "split:test" in case.tags]
    assert chosen == tagged
    assert len(chosen) == 6
    assert pubmed_qa.official_test(data) == pubmed_qa.official_test(dict(data))


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (files.article("perhaps"), 'final_decision is "perhaps"'),
        (files.article(LABELS=["ONE"]), "2 CONTEXTS, but 1 LABELS"),
        ({"QUESTION": "?"}, 'article "1" lacks the field'),
        ("text", 'article "1" is "text"'),
    ],
)
def test_pubmed_qa_articles_that_cannot_be_used(tmp_path, found, told):
    """An article without decision, labels or fields is refused."""
    assert told in failure(pubmed_qa, files.put_json(tmp_path / "p.json", {"1": found}))


def test_pubmed_qa_files_that_are_none(tmp_path):
    """A list, an empty object, a key that stands twice, and no file at all are refused."""
    path = tmp_path / "p.json"
    assert "medcheck fetch medhelm_pubmed_qa" in failure(pubmed_qa, path)
    assert "not a JSON object" in failure(pubmed_qa, files.put_json(path, []))
    assert "holds no cases" in failure(pubmed_qa, files.put_json(path, {}))
    assert 'key "1" stands twice' in failure(pubmed_qa, files.put(path, '{"1": {}, "1": {}}'))


# --- HEAD-QA


def head_file(tmp_path, **exams):
    return files.put_json(tmp_path / "h.json", {"version": "1.0", "exams": exams})


def test_head_qa(tmp_path):
    """The year of a paper is its split; the number of the right answer becomes its letter."""
    path = head_file(
        tmp_path,
        old=files.exam("2013"),
        new=files.exam("2017", category="medicine"),
        seen=files.exam("2016", image="./a.png"),
    )
    old, new, seen = head_qa.read(path, {})
    assert (old.id, new.id) == ("head_qa-1", "head_qa-2")
    assert new.references == ("B",)
    assert new.labels["task"]["options"] == {"A": "Aorta", "B": "Vena cava"}
    assert new.labels["task"]["key"] == "new-7"
    assert {"split:test", "year:2017", "subject:medicine", "modality:text"} <= set(new.tags)
    assert "split:train" in old.tags
    assert "modality:picture" in seen.tags
    assert [c.id for c in head_qa.read(path, {"subset": "test"})] == ["head_qa-2", "head_qa-3"]
    (doubt,) = [d for d in head_qa.lint([seen]) if d.rule == "picture_missing"]
    assert doubt.cases == ("head_qa-3",)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"ra": "5"}, "ra is 5, which is no answer of 1, 2"),
        ({"answers": [{"aid": 1, "atext": "a"}]}, "1 answer options"),
        ({"answers": [{"aid": 1, "atext": "a"}, {"aid": 2, "atext": " "}]}, "option B has no text"),
        ({"qtext": ""}, "qtext"),
    ],
)
def test_head_qa_questions_that_cannot_be_used(tmp_path, changes, told):
    """A question without its right answer, options or text is refused."""
    assert told in failure(head_qa, head_file(tmp_path, p=files.exam(**changes)))


def test_head_qa_files_that_are_none(tmp_path):
    """A file without papers is refused."""
    assert "exams is []" in failure(head_qa, files.put_json(tmp_path / "h.json", {"exams": []}))


# --- Medbullets


def bullets(tmp_path, *rows, columns=files.MEDBULLETS_COLUMNS):
    rows = [{name: row[name] for name in columns} for row in rows]
    return files.put(tmp_path / "b.csv", files.table_text(rows, columns))


def test_medbullets(tmp_path):
    """Five options, or four where the file has no fifth; the letter is the reference."""
    (case,) = medbullets.read(bullets(tmp_path, files.vignette()), {})
    assert case.references == ("B",)
    assert list(case.labels["task"]["options"]) == ["A", "B", "C", "D", "E"]
    assert case.messages[0].text.endswith("D. Biopsy\nE. Nothing\nAnswer:")
    assert case.origin.line == 2
    four = [name for name in files.MEDBULLETS_COLUMNS if name != "ope"]
    (case,) = medbullets.read(bullets(tmp_path, files.vignette(), columns=four), {})
    assert list(case.labels["task"]["options"]) == ["A", "B", "C", "D"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"answer_idx": "F"}, 'answer_idx is "F"'),
        ({"answer": "Wait"}, "answer is not the text of option B"),
        ({"opd": ""}, "option D has no text"),
        ({"question": ""}, "question"),
    ],
)
def test_medbullets_rows_that_cannot_be_used(tmp_path, changes, told):
    """A row whose answer is none of its options is refused."""
    assert told in failure(medbullets, bullets(tmp_path, files.vignette(**changes)))


def test_medbullets_lint(tmp_path):
    """A question on a figure, and one that stands twice with the same answer, are told."""
    seen = files.vignette(question="The rash is seen in Figure A. What is it?")
    path = bullets(tmp_path, seen, files.vignette(link="b"), files.vignette(link="c", opa="Rest"))
    rules = {found.rule: found.cases for found in medbullets.lint(medbullets.read(path, {}))}
    assert rules["picture_missing"] == ("medbullets-1",)
    again = bullets(tmp_path, files.vignette(link="b"), files.vignette(link="c"))
    rules = {found.rule: found.cases for found in medbullets.lint(medbullets.read(again, {}))}
    assert rules["duplicate_question"] == ("medbullets-2",)


def test_the_lint_is_part_of_check(tmp_path, monkeypatch):
    """What is doubtful about a set is told with its file, as a suite's audit."""
    monkeypatch.chdir(tmp_path)
    bullets(tmp_path, files.vignette(link="b"), files.vignette(link="c"))
    text = "suite: s\ndata: {format: medbullets, path: b.csv}\ngrader: closed\n"
    (finding,) = audit(load_suite(files.put(tmp_path / "s.yaml", text)))
    assert finding.severity == "warning"
    assert finding.text.startswith("b.csv: warning: row 3, duplicate_question: ")


# --- EHRSQL


@pytest.fixture
def hospital(tmp_path):
    """Return a folder with a database and a question of every kind."""
    files.database(tmp_path / "eicu.sqlite")
    kinds = [*files.QUERIES.values(), None]
    rows = [files.question(query, number) for number, query in enumerate(kinds, start=1)]
    files.put_json(tmp_path / "test.json", rows)
    files.put_json(tmp_path / "valid.json", [files.question(None, 9)])
    return tmp_path


def test_ehr_sql(hospital):
    """What a gold query gives is known of every question; the unanswerable have no reference."""
    cases = list(ehr_sql.read(hospital, {}))
    assert [case.labels["task"]["gold"] for case in cases] == [
        *files.QUERIES, "unanswerable", "unanswerable",
    ]  # fmt: skip
    first, last = cases[0], cases[-1]
    assert (first.id, last.id) == ("ehr_sql-test-1", "ehr_sql-valid-1")
    assert first.references == (files.QUERIES["informative"],)
    assert last.references == ()
    task = first.labels["task"]
    assert (task["sql"], task["answerable"], task["class"]) == (
        files.QUERIES["informative"], True, "answerable",
    )  # fmt: skip
    assert task["database"] == str(hospital / "eicu.sqlite")
    assert task["value"] == {"n": 1}
    assert last.labels["task"]["sql"] is None
    assert "CREATE TABLE patient" in first.messages[0].text
    assert "Which one, number 1?" in first.messages[0].text
    assert files.QUERIES["informative"] not in first.messages[0].text
    assert {"split:test", "gold:informative", "para:human"} <= set(first.tags)


def test_ehr_sql_choices(hospital):
    """Questions are chosen by split and by what the gold query gives."""
    wanted = {"gold": ["informative", "unanswerable"]}
    assert [case.id for case in ehr_sql.read(hospital, wanted)] == [
        "ehr_sql-test-1", "ehr_sql-test-6", "ehr_sql-valid-1",
    ]  # fmt: skip
    assert len(list(ehr_sql.read(hospital, {"splits": ["valid"]}))) == 1
    assert "no question has such a gold result" in failure(
        ehr_sql, hospital, {"splits": ["valid"], "gold": ["zero"]}
    )


def test_ehr_sql_on_another_database(hospital):
    """With a database of one's own the same questions have other gold results."""
    other = files.database(hospital / "own.sqlite")
    with sqlite3.connect(other) as connection:
        connection.execute("INSERT INTO visit VALUES (1)")
    connection.close()
    found = {c.id: c.labels["task"] for c in ehr_sql.read(hospital, {"database": "own.sqlite"})}
    assert found["ehr_sql-test-2"]["gold"] == "informative"
    assert found["ehr_sql-test-2"]["database"] == str(other)


def test_ehr_sql_data_cannot_write(hospital):
    """A gold query that would change or attach a database does not run."""
    before = (hospital / "eicu.sqlite").read_bytes()
    evil = [
        "DELETE FROM patient",
        f"ATTACH '{hospital / 'new.db'}' AS x",
        "PRAGMA user_version = 5",
    ]
    rows = [files.question(query, number) for number, query in enumerate(evil, start=1)]
    files.put_json(hospital / "test.json", rows)
    assert {c.labels["task"]["gold"] for c in ehr_sql.read(hospital, {"splits": ["test"]})} == {
        "error"
    }
    assert (hospital / "eicu.sqlite").read_bytes() == before
    assert not (hospital / "new.db").exists()


def test_ehr_sql_lint(hospital):
    """Gold queries that say nothing are counted by what they give."""
    rules = {found.rule: found for found in ehr_sql.lint(ehr_sql.read(hospital, {}))}
    for number, state in ((2, "zero"), (3, "null"), (4, "empty"), (5, "error")):
        assert rules[f"{state}_gold_result"].cases == (f"ehr_sql-test-{number}",)
    assert "empty_gold" not in rules


def test_ehr_sql_folders_that_are_none(hospital):
    """A file, a missing part and a database that is none are refused."""
    assert "not a folder" in failure(ehr_sql, hospital / "test.json")
    assert "holds no own.sqlite" in failure(ehr_sql, hospital, {"database": "own.sqlite"})
    (hospital / "bad.sqlite").write_text("no database at all", encoding="utf-8")
    assert "not a SQLite database" in failure(ehr_sql, hospital, {"database": "bad.sqlite"})
    files.put_json(hospital / "test.json", [files.question("x", is_impossible="no")])
    assert "is_impossible is" in failure(ehr_sql, hospital)
    (hospital / "test.json").unlink()
    assert "holds no ehrsql_eicu_test.json" in failure(ehr_sql, hospital)


# --- MedicationQA


def test_medication_qa(tmp_path):
    """A workbook's rows become questions for jurors; answers that say nothing are tagged."""
    header = ("Question", "Focus (Drug)", "Question Type", "Answer")
    rows = [
        ("what is x", "x", "Information", "X is a drug."),
        ("can i take y", "y", "Interaction", "No answers"),
    ]
    path = workbook(tmp_path / "m.xlsx", *rows, header=header)
    good, none = medication_qa.read(path, {})
    assert (good.id, good.references) == ("medication_qa-1", ("X is a drug.",))
    assert {"kind:information", "gold:answer"} <= set(good.tags)
    assert "gold:none" in none.tags
    assert good.criteria == ()
    (doubt,) = medication_qa.lint([good, none])
    assert (doubt.rule, doubt.cases) == ("uninformative_gold", ("medication_qa-2",))


def test_medication_qa_rows_that_cannot_be_used(tmp_path):
    """A row without an answer is refused; a missing file names the command that fetches it."""
    header = ("Question", "Question Type", "Answer")
    path = workbook(tmp_path / "m.xlsx", ("what", "Dose", ""), header=header)
    assert failure(medication_qa, path).startswith(f"{path}:2: Answer")
    assert "medcheck fetch medhelm_medication_qa" in failure(medication_qa, tmp_path / "no.xlsx")


# --- MEDIQA


def test_mediqa(tmp_path):
    """The answer of rank 1 is the reference; what its makers thought of it is known."""
    text = files.mediqa(files.ranked(), files.ranked("And that?", "2", (1, 3)))
    first, second = mediqa.read(files.put(tmp_path / "q.xml.gz", text), {})
    assert (first.id, first.references) == ("medi_qa-1", ("Answer 2 & more",))
    assert first.labels["task"] == {
        "name": "medi_qa", "key": "1", "rated": "excellent", "answers": 2,
    }  # fmt: skip
    assert "gold:incomplete" in second.tags
    (doubt,) = mediqa.lint([first, second])
    assert (doubt.rule, doubt.cases) == ("poor_gold", ("medi_qa-2",))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("<Set><Question/>", "not XML"),
        ("<!DOCTYPE x [<!ENTITY a 'b'>]><Set/>", "declares a document type"),
        ("<Set/>", "holds no cases"),
        (files.mediqa(files.ranked(" ")), "QuestionText"),
        (files.mediqa('<Question QID="1"><QuestionText>?</QuestionText></Question>'), "0 answers"),
    ],
)
def test_mediqa_files_that_cannot_be_used(tmp_path, text, told):
    """Broken XML, entities, and questions without text or best answer are refused."""
    assert told in failure(mediqa, files.put(tmp_path / "q.xml", text))
