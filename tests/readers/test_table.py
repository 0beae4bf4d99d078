"""Any table as cases, and the mappings that are shipped for MedHELM's other public sets."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import medhelm_files as files
import pytest
import workbooks
import yaml
from jsonschema import Draft202012Validator

from medcheck.errors import DatasetError, MedcheckError, SettingsError
from medcheck.readers import _table_options, table
from medcheck.scoring import taxonomy

ROWS = [
    {"id": "x1", "split": "test", "q": "One?", "gold": "yes", "kind": "a", "note": "N1"},
    {"id": "x2", "split": "train", "q": "Two?", "gold": "no", "kind": "", "note": "N2"},
    {"id": "x3", "split": "test", "q": "Three?", "gold": "no", "kind": "b", "note": "N3"},
]
PROMPT = "{{ q }}"


def put(tmp_path, rows=ROWS, name="own.csv"):
    return files.put(tmp_path / name, files.table_text(rows, tuple(rows[0])))


def read(path, **options):
    return list(table.read(path, {"prompt": PROMPT, **options}))


def failure(path, **options):
    with pytest.raises(MedcheckError) as caught:
        read(path, **options)
    return str(caught.value)


def test_the_options_are_a_schema():
    """The reader's options are valid JSON Schema and need a prompt."""
    Draft202012Validator.check_schema(_table_options.OPTIONS)
    assert table.OPTIONS is _table_options.OPTIONS
    assert list(Draft202012Validator(table.OPTIONS).iter_errors({}))


def test_a_closed_task(tmp_path):
    """A column is gold; ids count the file's rows; tags, facts and keys come from columns."""
    first, second = read(
        put(tmp_path), answer="gold", keep={"split": "test"}, tags={"kind": "kind"}, key="id",
        facts={"note": "note"},
    )  # fmt: skip
    assert (first.id, second.id) == ("own-1", "own-3")
    assert first.references == ("yes",)
    assert [criterion.id for criterion in first.criteria] == ["answer"]
    assert first.tags == ("task:own", "kind:a")
    assert first.labels == {"task": {"name": "own", "note": "N1", "key": "x1"}}
    assert first.origin.line == 2
    assert first.category == ()


def test_open_tasks(tmp_path):
    """Columns of references are for jurors: no criterion, empty ones left out."""
    first, second, _ = read(put(tmp_path), references=["gold", "kind"])
    assert first.references == ("yes", "a")
    assert second.references == ("no",)
    assert first.criteria == ()


def test_criteria_and_checklists(tmp_path):
    """A column may hold a list of criteria for rubric, or a checklist."""
    listed = json.dumps([{"criterion": "Names it", "points": 3}, {"text": "Invents", "points": -2}])
    path = put(tmp_path, [{"q": "Q?", "rubric": listed, "list": "核心需求：1. 说明"}])
    (case,) = read(path, criteria="rubric")
    assert [(c.id, c.text, c.points) for c in case.criteria] == [
        ("1", "Names it", 3.0), ("2", "Invents", -2.0),
    ]  # fmt: skip
    (case,) = read(path, checklist="list")
    assert [(c.id, c.text, c.scale) for c in case.criteria] == [
        ("score", "核心需求：1. 说明", (1.0, 5.0))
    ]


@pytest.mark.parametrize(
    ("rubric", "told"),
    [
        ("[]", "expected a list that is not empty"),
        ('[{"points": 1}]', "criterion 1 has no text"),
        ('[{"text": "x", "points": 0}]', "points is 0"),
        ('[{"text": "x", "points": 1e300}]', "points is 1e+300, expected 1e-15 to 1e15"),
        ('[{"text": "x", "weight": 1}]', 'unknown field "weight"'),
        ("none", "not JSON"),
    ],
)
def test_criteria_that_are_none(tmp_path, rubric, told):
    """A rubric without texts or points is refused."""
    assert told in failure(put(tmp_path, [{"q": "Q?", "rubric": rubric}]), criteria="rubric")


def test_the_place_in_the_taxonomy(tmp_path):
    """A known benchmark's name places its cases; any other set is placed by hand."""
    path = put(tmp_path)
    assert read(path, name="medalign")[0].category == taxonomy.benchmark("medalign").path
    placed = read(path, category="Planning Treatments")[0]
    assert placed.category == ("clinical_decision_support", "planning_treatments")
    assert "subcategory:planning_treatments" in placed.tags
    assert read(path, category=["own", "part"])[0].category == ("own", "part")
    assert "planning_treatments" in failure(path, category="planing_treatments")


def test_limit(tmp_path):
    """No more cases than the limit are read."""
    assert [case.id for case in read(put(tmp_path), limit=2)] == ["own-1", "own-2"]


def test_several_cases_a_row(tmp_path):
    """Variants of a row name columns anew and have gold of their own."""
    found = read(
        put(tmp_path, ROWS[:1]),
        prompt="{{ shown }}",
        each=[
            {"name": "good", "columns": {"shown": "gold"}, "gold": "0"},
            {"name": "bad", "columns": {"shown": "note"}, "gold": "1"},
        ],
        key="id",
    )
    assert [(c.id, c.messages[0].text, c.references) for c in found] == [
        ("own-1-good", "yes", ("0",)), ("own-1-bad", "N1", ("1",)),
    ]  # fmt: skip
    assert "variant:bad" in found[1].tags
    assert found[1].labels["task"]["key"] == "x1-bad"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"answer": "gold", "references": "note"}, "answer and references"),
        ({"answer": "gold", "each": [{"name": "a", "gold": "x"}]}, "answer and each.gold"),
        ({"each": [{"name": "a", "gold": "x"}, {"name": "b"}]}, "some have a gold"),
        ({"criteria": "q", "checklist": "q"}, "criteria and checklist"),
        ({"prompt": "{{ x "}, "line 1"),
    ],
)
def test_settings_that_contradict(tmp_path, options, told):
    """Gold from two places, or none for a variant, is a mistake of the suite."""
    with pytest.raises(SettingsError) as caught:
        read(put(tmp_path), **options)
    assert told in str(caught.value)


def test_no_prompt(tmp_path):
    """Without a template there is nothing to ask."""
    with pytest.raises(SettingsError, match="prompt is missing"):
        list(table.read(put(tmp_path), {}))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"answer": "golden"}, 'own.csv:2: no column "golden"'),
        ({"checklist": "kind"}, 'own.csv:3: column "kind" has no checklist'),
        ({"answer": "kind"}, 'own.csv:3: column "kind" has no answer'),
        ({"keep": {"part": "x"}}, 'own.csv:2: no column "part"'),
        ({"keep": {"split": "dev"}}, "holds no cases"),
        ({"prompt": "{{ gone }}"}, "own.csv:2: data.options.prompt: 'gone' is undefined"),
        ({"key": "split"}, 'own.csv:4: column "split": "test" stands already in row 2'),
    ],
)
def test_rows_that_cannot_be_used(tmp_path, options, told):
    """A missing column, an empty gold and a key that repeats are told with the row."""
    assert told in failure(put(tmp_path), **options)


def test_a_null_and_an_empty_cell_are_nothing(tmp_path):
    """The word None never reaches a prompt."""
    path = files.put(tmp_path / "n.jsonl", '{"q": "One?", "f": null}\n{"q": "Two?", "f": 2}\n')
    first, second = read(path, prompt="{{ q }} value {{ f }}")
    assert first.messages[0].text == "One? value"
    assert second.messages[0].text == "Two? value 2"


def test_a_column_called_options(tmp_path):
    """It is sent as it stands, unless it would be hidden by the block of choices."""
    path = put(tmp_path, [{"q": "Q?", "options": "X Y", "a": "one", "b": "two"}])
    (case,) = read(path, prompt="{{ q }} {{ options }}")
    assert case.messages[0].text == "Q? X Y"
    told = failure(path, prompt="{{ options }}", choices=["a", "b"])
    assert "own.csv:2" in told
    assert "{{ options }} is a column, and the block of choices" in told


def test_answers_say_what_every_value_is(tmp_path):
    """A gold value that is neither mapped nor one of the answers is told, and never gold."""
    path = put(tmp_path, [{"q": "Q?", "gold": "1"}, {"q": "R?", "gold": "7"}])
    told = failure(path, answer="gold", answers={"1": "yes", "0": "no"})
    assert 'own.csv:3: column "gold" is "7", but data.options.answers maps "1", "0"' in told


def test_booleans(tmp_path):
    """A boolean of JSON or of a workbook is true or false, for answers, filters and prompts."""
    listed = files.put(tmp_path / "b.jsonl", '{"q": "Q?", "h": true}\n{"q": "R?", "h": false}\n')
    book = workbooks.workbook(
        tmp_path / "b.xlsx", ("Q?", True), ("R?", False), header=("q", "h")
    )  # fmt: skip
    for path in (listed, book):
        for answers in ({"true": "yes", "false": "no"}, {"True": "yes", "False": "no"}):
            cases = read(path, prompt="{{ q }} {{ h }}", answer="h", answers=answers)
            assert [case.references for case in cases] == [("yes",), ("no",)]
        assert cases[0].messages[0].text == "Q? true"
        assert len(read(path, keep={"h": [True]})) == 1


def test_lint_finds_empty_cells(tmp_path):
    """A column that the prompt shows and a row lacks is told; what an if asks for is not."""
    rows = [{"q": "One?", "note": "", "more": ""}, {"q": "Two?", "note": "N", "more": ""}]
    prompt = "{{ q }} {{ row['note'] }} {% if more %}{{ more }}{% endif %} {{ more|upper }}"
    cases = read(put(tmp_path, rows), prompt=prompt)
    found = [doubt for doubt in table.lint(cases, {"prompt": prompt}) if doubt.rule == "empty_cell"]
    assert [(doubt.cases, doubt.severity) for doubt in found] == [(("own-1",), "warning")]
    assert 'column "note"' in found[0].message


def test_lint_finds_its_rules(tmp_path):
    """The common rules look at tables too: here a plan that stands in its own report."""
    plan = "Start the drug, check the kidneys in a week, and call."
    path = put(tmp_path, [{"q": f"Report. PLAN: {plan}", "gold": plan}])
    (doubt,) = table.lint(read(path, references="gold"))
    assert doubt.rule == "contained"


# --- the shipped mappings


def options_of(project: Path, name: str):
    suite = yaml.safe_load((project / "cases" / f"{name}.yaml").read_text(encoding="utf-8"))
    assert suite["data"]["format"] == "table"
    Draft202012Validator(table.OPTIONS).validate(suite["data"]["options"])
    return suite["data"]["options"]


def shipped(project, tmp_path, name, rows, file):
    """Read rows of our own in the layout of a set, by the mapping that is shipped for it."""
    path = tmp_path / file
    if file.endswith(".csv"):
        files.put(path, files.table_text(rows, tuple(rows[0])))
    elif file.endswith(".jsonl"):
        files.put(path, "".join(f"{json.dumps(row)}\n" for row in rows))
    else:
        files.put_json(path, rows)
    return list(table.read(path, options_of(project, name)))


def calculation(number, **changes):
    return {
        "Row Number": number, "Calculator ID": 2, "Calculator Name": "C", "Category": "lab test",
        "Output Type": "decimal", "Note ID": "n", "Note Type": "own",
        "Patient Note": "Weighs 70 kg.", "Question": "What is the rate?", "Relevant Entities": "{}",
        "Ground Truth Answer": "10.0",
        "Lower Limit": "9.5", "Upper Limit": "10.5", "Ground Truth Explanation": "70 / 7",
    } | changes  # fmt: skip


def test_medcalc_bench(project, tmp_path):
    """MedCalc-Bench: the calculator, limits and category reach the metric, and lint knows it."""
    rows = [calculation(1), calculation(2, Question="And that?", Category="risk")]
    first, second = shipped(project, tmp_path, "medhelm_medcalc_bench", rows, "medcalc_test.csv")
    assert first.id == "medcalc_bench-1"
    assert first.references == ("10.0",)
    assert first.labels["task"] == {
        "name": "medcalc_bench", "calculator": "2", "category": "lab test", "output": "decimal",
        "lower": "9.5", "upper": "10.5", "key": "1",
    }  # fmt: skip
    assert "Patient note: Weighs 70 kg." in first.messages[0].text
    assert "70 / 7" not in first.messages[0].text
    (doubt,) = table.lint([first, second])
    assert (doubt.rule, doubt.cases) == ("unhandled_category", ("medcalc_bench-1",))


def test_medhallu(project, tmp_path):
    """MedHallu: each row makes a true and a made-up case, 0 and 1."""
    rows = [{
        "Question": "Does it help?", "Knowledge": "A trial.", "Ground Truth": "It helps.",
        "Hallucinated Answer": "It cures.",
    }]  # fmt: skip
    true, made_up = shipped(project, tmp_path, "medhelm_medhallu", rows, "medhallu.csv")
    assert (true.references, made_up.references) == (("0",), ("1",))
    assert "Answer: It helps." in true.messages[0].text
    assert "It cures." not in true.messages[0].text
    assert "Answer: It cures." in made_up.messages[0].text
    assert made_up.category == taxonomy.benchmark("medhallu").path


def test_medqa(project, tmp_path):
    """MedQA: options by letter, gold by letter."""
    rows = [{
        "question": "Which drug?", "answer": "Y",
        "options": {"A": "X", "B": "Y", "C": "Z", "D": "W"},
        "meta_info": "step1", "answer_idx": "B", "metamap_phrases": [],
    }]  # fmt: skip
    (case,) = shipped(project, tmp_path, "medhelm_medqa", rows, "medqa_test.jsonl")
    assert case.references == ("B",)
    assert case.messages[0].text.endswith("Which drug?\nA. X\nB. Y\nC. Z\nD. W\nAnswer:")
    assert "step:step1" in case.tags


def test_medmcqa(project, tmp_path):
    """MedMCQA: cop counts from 1; a file of lines that is named .json is read; 0 is refused."""
    row = {
        "id": "u", "question": "Which bone?", "opa": "a", "opb": "b", "opc": "c", "opd": "d",
        "cop": 3, "subject_name": "Anatomy", "choice_type": "single",
    }  # fmt: skip
    path = files.put(
        tmp_path / "dev.json", f"{json.dumps(row)}\n{json.dumps({**row, 'id': 'v'})}\n"
    )
    first, _ = table.read(path, options_of(project, "medhelm_medmcqa"))
    assert first.references == ("C",)
    assert "subject:Anatomy" in first.tags
    files.put(path, json.dumps({**row, "cop": 0}))
    with pytest.raises(DatasetError, match="from_1"):
        list(table.read(path, options_of(project, "medhelm_medmcqa")))


def test_meddialog(project, tmp_path):
    """MedDialog: a consultation for jurors, its summary as the reference."""
    rows = {"data": [{"src": "Patient: cough. Doctor: rest.", "tgt": "Cough.", "id": 1}]}
    (case,) = shipped(project, tmp_path, "medhelm_meddialog", rows, "meddialog.json")
    assert case.references == ("Cough.",)
    assert case.criteria == ()
    assert "Patient: cough." in case.messages[0].text


def test_race_bias(project, tmp_path):
    """RaceBias: True is yes, option A."""
    rows = [
        {"Question": "Skin?", "Response": "Thicker.", "True/False": "True"},
        {"Question": "Lungs?", "Response": "The same.", "True/False": "False"},
    ]
    yes, no = shipped(project, tmp_path, "medhelm_race_bias", rows, "race_bias.csv")
    assert (yes.references, no.references) == (("A",), ("B",))
    assert "biased:True" in yes.tags


def test_mtsamples(project, tmp_path):
    """MTSamples: the reference is cut from the report; reports without one are left out."""
    reports = {
        "one": "SUBJECTIVE: Pain.\nFINDINGS: Swelling of the knee, warm to the touch.\nPLAN: Ice "
        "and rest for two weeks, then physiotherapy.\nSee us again.",
        "two": "EXAM: Fine.\nFINDINGS: A mass of four centimetres in the left lobe.",
        "three": "Nothing to plan.",
    }
    for name, text in reports.items():
        files.put(tmp_path / "reports" / f"{name}.txt", text)
    options = options_of(project, "medhelm_mtsamples")
    cases = list(table.read(tmp_path / "reports", options))
    assert [case.origin.record["file"] for case in cases] == ["one", "two"]
    assert cases[0].references == (
        "Ice and rest for two weeks, then physiotherapy.\nSee us again.",
    )
    assert cases[1].references == ("A mass of four centimetres in the left lobe.",)
    assert "contained" not in {doubt.rule for doubt in table.lint(cases)}
    whole = {**options, "references": "text"}
    del whole["section"]
    (doubt,) = [
        d for d in table.lint(table.read(tmp_path / "reports", whole)) if d.rule == "contained"
    ]
    assert len(doubt.cases) == 2, "what the original leaves in is found"


@pytest.mark.parametrize(
    "name",
    ["medcalc_bench", "medhallu", "medqa", "medmcqa", "meddialog", "race_bias", "mtsamples"],
)
def test_shipped_mappings_say_how_to_get_the_file(project, name):
    """Each shipped mapping names a source that says where its file comes from and where it goes."""
    from medcheck.fetching import find

    suite = yaml.safe_load((project / f"cases/medhelm_{name}.yaml").read_text(encoding="utf-8"))
    source = find(suite["data"]["fetch"])
    assert suite["data"]["fetch"] == suite["suite"] == f"medhelm_{name}"
    assert source.files == ()
    assert f"cases/{suite['data']['path']}" in source.note


def test_the_worked_example_of_a_gated_set(project, tmp_path):
    """The gated set in docs/medhelm.md can be read as it is written there."""
    page = (project / "docs/medhelm.md").read_text(encoding="utf-8")
    section = page.partition("## A gated set of your own")[2]
    suite = yaml.safe_load(re.search(r"```yaml\n(.*?)```", section, re.DOTALL)[1])
    sheet = re.search(r"```csv\n(.*?)```", section, re.DOTALL)[1]
    rows = list(csv.DictReader(io.StringIO(sheet)))
    path = files.put(tmp_path / Path(suite["data"]["path"]).name, sheet)
    Draft202012Validator(table.OPTIONS).validate(suite["data"]["options"])
    cases = list(table.read(path, suite["data"]["options"]))
    assert len(cases) == len([row for row in rows if row["split"] == "test"])
    assert {case.category for case in cases} == {taxonomy.benchmark("n2c2_ct_matching").path}
    assert cases[0].references in (("A",), ("B",))
    assert rows[0]["note"] in cases[0].messages[0].text
