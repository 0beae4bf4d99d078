"""GAPS questions are read as they stand; what cannot be used is an error with row and column."""

import jsonschema
import pytest
from workbooks import HEADER, POINTS, lines, row, workbook

from medcheck.errors import DatasetError, SettingsError
from medcheck.readers.gaps import OPTIONS, PROTOCOL, lint, read
from medcheck.scoring.gaps import polarity_of


def cases(path, **options):
    """Return the cases of a file."""
    jsonschema.validate(options, OPTIONS)
    return list(read(path, options))


def question(number=1, **more):
    """Return a record of JSON lines."""
    return {"index": number, "question": "怎么办?", "category": "G2", "points": POINTS, **more}


def test_a_workbook(tmp_path):
    """A row becomes a case: one user message, points with weights, tiers and polarity."""
    header = (*HEADER, "gpt_5", "claude")
    path = workbook(
        tmp_path / "q.xlsx", row(7, "怎么办?", "G3", None, "先测量。", None), header=header
    )
    [case] = cases(path)
    assert PROTOCOL == "official"
    assert case.id == "gaps-nsclc-007"
    assert [(m.role, m.text) for m in case.messages] == [("user", "怎么办?")]
    assert [(c.id, c.level, c.points) for c in case.criteria] == [
        ("1", "A1", 5.0), ("2", "A2", 3.0), ("3", "S4", -4.0),
    ]  # fmt: skip
    assert case.criteria[2].tags == ("tier:S4", "polarity:negative")
    assert case.tags == ("grounding:G3", "perturbation:P0")
    assert case.category == ("G3",)
    assert case.answers == {"gpt_5": ("先测量。",)}
    assert case.origin.line == 2
    assert case.origin.record["question"] == "怎么办?"


def test_json_lines_are_the_same(tmp_path):
    """JSON lines give the same cases as a workbook; they may carry answers, also several."""
    record = question(7, answers={"gpt_5": "先测量。", "x": ["一", "二"], "none": []})
    [case] = cases(lines(tmp_path / "q.jsonl", record))
    [other] = cases(workbook(tmp_path / "q.xlsx", row(7, "怎么办?", "G2")))
    assert (case.id, case.messages, case.criteria) == (other.id, other.messages, other.criteria)
    assert (case.tags, case.category) == (other.tags, other.category)
    assert case.answers == {"gpt_5": ("先测量。",), "x": ("一", "二")}


def test_options_name_the_columns(tmp_path):
    """Every column may have another name, and only the named answers are taken."""
    header = ("no", "q", "level", "points", "base_of", "p", "one", "two")
    more = (None, None, "A", "B")
    path = workbook(tmp_path / "q.xlsx", row(1, "q?", "G4", None, *more), header=header, title="S")
    [case] = cases(
        path, index_column="no", question_column="q", category_column="level",
        rubric_column="points", base_column="base_of", perturbation_column="p",
        answer_columns=["two"], sheet="S", prefix="own",
    )  # fmt: skip
    assert case.id == "own-001"
    assert case.tags == ("grounding:G4", "perturbation:P0")
    assert case.answers == {"two": ("B",)}


def test_weights(tmp_path):
    """Weights by level replace the official ones; a level that has none is worth nothing."""
    path = lines(
        tmp_path / "q.jsonl", question(points=[*POINTS, {**POINTS[0], "id": 4, "level": " A4 "}])
    )
    [case] = cases(path, weights={"A1": 3})
    assert [c.points for c in case.criteria] == [3, 3, -4, 0]
    assert case.criteria[3].level == "A4"
    assert polarity_of(case.criteria[3]) == "positive"
    [case] = cases(path, weights={"A4": 0.5})
    assert case.criteria[3].points == 0.5


@pytest.mark.parametrize("weights", [{"A1": -1}, {"S2": 2}])
def test_weights_keep_their_sign(tmp_path, weights):
    """A levels that cost and S levels that earn are an error."""
    with pytest.raises(SettingsError, match="A levels earn"):
        cases(lines(tmp_path / "q.jsonl", question()), weights=weights)


def test_types_decide_the_question(tmp_path):
    """A point without a type takes its level's; an unknown level needs one."""
    points = [
        {"id": 1, "claim": "a", "level": "A1"},
        {"id": 2, "claim": "b", "level": "S1", "type": ""},
        {"id": 3, "claim": "c", "level": "X9", "type": "negative"},
    ]
    [case] = cases(lines(tmp_path / "q.jsonl", question(points=points)))
    assert [polarity_of(c) for c in case.criteria] == ["positive", "negative", "negative"]


def test_ids(tmp_path):
    """An id of its own stands; without id and index the row's place is its number."""
    records = [
        question(id="mine"),
        {**question(), "index": "B-2"},
        {"question": "q", "points": POINTS},
    ]
    found = cases(lines(tmp_path / "q.jsonl", *records), prefix="p")
    assert [case.id for case in found] == ["mine", "p-B-2", "p-003"]
    assert found[2].category == ()
    assert found[2].tags == ("perturbation:P0",)
    path = workbook(tmp_path / "q.xlsx", row(None), row(None))
    assert [case.id for case in cases(path, prefix="p")] == ["p-001", "p-002"]


def test_other_categories_and_labels(tmp_path):
    """A category that is no G level, a specialty and a difficulty become tags."""
    record = question(category="急诊", specialty="内科", difficulty="简单", source="own")
    [case] = cases(lines(tmp_path / "q.jsonl", record))
    assert case.tags == ("category:急诊", "perturbation:P0", "specialty:内科", "difficulty:简单")


def test_variants_share_the_points_of_their_base(tmp_path):
    """A variant has its base's points, then its own; both are tagged so that they can be paired."""
    extra = {"id": 9, "claim": "纠正错误的前提", "level": "A1", "type": "positive"}
    records = [
        question(1),
        {"index": 2, "question": "变体?", "base": 1, "perturbation": "P3", "points": [extra]},
        {"index": 3, "question": "变体二?", "base": "gaps-nsclc-001", "perturbation": "P1"},
        question(4),
    ]
    base, third, first, other = cases(lines(tmp_path / "q.jsonl", *records))
    assert third.criteria[:3] == first.criteria == base.criteria
    assert [c.id for c in third.criteria] == ["1", "2", "3", "9"]
    assert base.tags == ("grounding:G2", "perturbation:P0", "base:gaps-nsclc-001")
    assert third.tags == ("grounding:G2", "perturbation:P3", "base:gaps-nsclc-001")
    assert first.tags[1:] == ("perturbation:P1", "base:gaps-nsclc-001")
    assert other.tags == ("grounding:G2", "perturbation:P0")
    assert third.category == base.category


def test_variants_in_a_workbook(tmp_path):
    """Base and perturbation are columns of a workbook as well."""
    header = (*HEADER, "base", "perturbation", "answer")
    path = workbook(
        tmp_path / "q.xlsx",
        row(1, "q", "G1", None, None, "P0", "a"),
        (2, "variant", None, None, 1, "P2", "b"),
        header=header,
    )
    base, variant = cases(path)
    assert variant.criteria == base.criteria
    assert variant.tags == ("grounding:G1", "perturbation:P2", "base:gaps-nsclc-001")
    assert variant.answers == {"answer": ("b",)}


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"base": 1}, "a variant is P1, P2 or P3"),
        ({"perturbation": "P2"}, 'needs the question it is of in "base"'),
        ({"base": 9, "perturbation": "P2"}, 'no earlier question "9"'),
        ({"base": 2, "perturbation": "P2"}, 'no earlier question "2"'),
        ({"base": 1, "perturbation": "P4"}, "expected P0, P1, P2 or P3"),
        ({"base": 1, "perturbation": "P1", "points": POINTS}, 'point "1" has the id of a point'),
    ],
)
def test_broken_variants(tmp_path, record, message):
    """A variant without its question, its level, or ids of its own is an error with its line."""
    variant = {"index": 2, "question": "q", **record}
    with pytest.raises(DatasetError, match=rf"q\.jsonl:2: .*{message}"):
        cases(lines(tmp_path / "q.jsonl", question(1), variant))


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ("[{]", r'q\.xlsx:2: column "rubrics": not JSON at character'),
        ("[]", r'q\.xlsx:2: column "rubrics" is \[\], expected a list that is not empty'),
        ("{}", "expected a list"),
        ("[1]", 'column "rubrics", point 1 is 1, expected an object'),
        ('[{"level": "A1"}]', "point 1: claim is null"),
        ('[{"claim": "x"}]', "point 1: level is null"),
        ('[{"claim": " ", "level": "A1"}]', "claim"),
        ('[{"claim": "x", "level": "A1", "id": [1]}]', "id is"),
        ('[{"claim": "x", "level": "A1", "level": "S1"}]', "stands twice"),
        ('[{"claim": "x", "level": "A1", "type": "negative"}]', 'point "1": level A1 is positive'),
        ('[{"claim": "x", "level": "S1", "type": "positive"}]', "Correct one of them"),
        ('[{"claim": "x", "level": "A1", "type": "good"}]', "neither positive nor negative"),
        ('[{"claim": "x", "level": "X1"}]', "neither positive nor negative"),
        ('[{"id": 1, "claim": "x", "level": "A1"}, {"id": "1", "claim": "y", "level": "A1"}]',
         'point "1": the id stands twice'),
    ],
)  # fmt: skip
def test_broken_rubrics(tmp_path, points, message):
    """A rubric that cannot be used is an error that names row, column and point."""
    path = workbook(tmp_path / "q.xlsx", (1, "q", "G1", points))
    with pytest.raises(DatasetError, match=message):
        cases(path)


def test_all_errors_at_once(tmp_path):
    """Every wrong row is named in one error, and no case is given."""
    rows = [row(1), (2, None, "G1", "[]"), (3, "q", "G1", "x"), row(1)]
    with pytest.raises(DatasetError) as caught:
        cases(workbook(tmp_path / "q.xlsx", *rows))
    places = [line.split(": ")[0].rsplit(":", 1)[1] for line in str(caught.value).split("\n")]
    assert places == ["3", "4", "5"]
    assert 'the question "gaps-nsclc-001" stands already on line 2' in str(caught.value)


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ([1], "expected an object"),
        (question(perturbaton="P1"), 'unknown field "perturbaton"'),
        (question(question=""), "question is"),
        (question(answers=["a"]), "answers is"),
        (question(answers={"a": 1}), "answers.a is not a list of texts"),
        ({"index": 1, "question": "q"}, "points"),
    ],
)
def test_broken_lines(tmp_path, record, message):
    """A line of another shape is an error that names it."""
    with pytest.raises(DatasetError, match=rf"q\.jsonl:1: .*{message}"):
        cases(lines(tmp_path / "q.jsonl", record))


def test_missing_columns(tmp_path):
    """A column that is not there is an error that names those that are."""
    path = workbook(tmp_path / "q.xlsx", row())
    with pytest.raises(DatasetError, match=r'no column "frage".*index, question, 分类, rubrics'):
        cases(path, question_column="frage")
    with pytest.raises(DatasetError, match='no column "gpt"'):
        cases(path, answer_columns=["gpt"])
    with pytest.raises(DatasetError, match=r'no sheet "Two".*Sheet1'):
        cases(path, sheet="Two")


def test_no_question(tmp_path):
    """A file without questions is an error."""
    with pytest.raises(DatasetError, match="no question"):
        cases(workbook(tmp_path / "q.xlsx"))


def test_columns_of_an_output_are_no_answers(tmp_path):
    """Columns that judging added to a workbook are not taken for answers."""
    header = (*HEADER, "m", "m_judged_json", "m_judge_summary", "m_judged_json_scores")
    path = workbook(
        tmp_path / "q.xlsx", row(1, "q", "G1", None, "a", "[]", "x", "{}"), header=header
    )
    assert list(cases(path)[0].answers) == ["m"]


def test_answers_that_look_like_formulas(tmp_path):
    """An answer that begins with an equals sign is read as its text."""
    path = workbook(tmp_path / "q.xlsx", row(1, "q", "G1", None, "=1+1"), header=(*HEADER, "m"))
    assert cases(path)[0].answers == {"m": ("=1+1",)}


def test_lint_of_read_cases(tmp_path):
    """Warnings come with row, column, case and point; a variant's shared points are told once."""
    left_out = {"id": 9, "claim": "遗漏了随访", "level": "S2", "type": "negative"}
    records = [
        question(1, points=[*POINTS, left_out]),
        {"index": 2, "question": "q", "base": 1, "perturbation": "P1"},
    ]
    [finding] = lint(cases(lines(tmp_path / "q.jsonl", *records)))
    assert (finding.severity, finding.rule) == ("warning", "restates_positive")
    assert (finding.row, finding.column, finding.point) == (1, "points", "9")
    assert finding.case_id == "gaps-nsclc-001"
    path = workbook(tmp_path / "q.xlsx", row(1, "q", "G1", [*POINTS, left_out]))
    [finding] = lint(cases(path))
    assert (finding.row, finding.column) == (2, "rubrics")
    assert str(finding).startswith('warning: row 2, column "rubrics", point "9": ')


def test_a_cell_of_spaces_is_blank(tmp_path):
    """It is no answer, as a blank cell is none: the row is left out of that column's answers."""
    cells = ("  ", "\u3000\n", " text ")
    header = (*HEADER, "a", "b", "c")
    path = workbook(tmp_path / "q.xlsx", row(1, "q?", "G1", None, *cells), header=header)
    assert cases(path)[0].answers == {"c": (" text ",)}


def test_a_question_without_a_point_to_earn(tmp_path):
    """It is read, as the original scores it 0, and the lint says so."""
    harm = {"id": 1, "claim": "建议停药", "level": "S4", "type": "negative"}
    read_in = cases(lines(tmp_path / "q.jsonl", question(points=[harm]), question(2)))
    [finding] = lint(read_in)
    assert (finding.rule, finding.severity, finding.row) == ("nothing_to_earn", "warning", 1)
    assert "no point can be earned" in str(finding)
