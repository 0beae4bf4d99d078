"""HealthBench files: every example as it stands, every malformed line named."""

import gzip
import json
import tracemalloc

import pytest

from medcheck.errors import DatasetError, SettingsError
from medcheck.readers import healthbench

CLUSTER = ["level:cluster", "cluster:hedging_x_y", "axis:accuracy"]
EXAMPLE = ["level:example", "axis:completeness"]


def record(number=1, **changes):
    """A made-up record in the official layout."""
    return {
        "example_tags": ["theme:hedging", "physician_agreed_category:x"],
        "ideal_completions_data": None,
        "prompt": [
            {"content": "头痛三天\u2028怎么办？", "role": "user"},
            {"content": "有发热吗？", "role": "assistant"},
            {"content": "没有", "role": "user"},
        ],
        "prompt_id": f"made-up-{number}",
        "rubrics": [
            {"criterion": "Asks about\nwarning signs", "points": 7, "tags": EXAMPLE},
            {"criterion": "Advises a scan at once", "points": -6, "tags": EXAMPLE},
            {"criterion": "Says what is uncertain", "points": 5, "tags": CLUSTER},
        ],
    } | changes


def write(tmp_path, *lines, name="hb.jsonl"):
    """A file of records, or of lines as they are."""
    texts = [x if isinstance(x, str) else json.dumps(x, ensure_ascii=False) for x in lines]
    data = "".join(f"{text}\n" for text in texts).encode("utf-8")
    file = tmp_path / name
    file.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return file


def cases(file, **options):
    return list(healthbench.read(file, options))


def failure(file, **options):
    with pytest.raises(DatasetError) as caught:
        cases(file, **options)
    return str(caught.value)


@pytest.mark.parametrize("name", ["hb.jsonl", "hb.jsonl.gz"])
def test_case(tmp_path, name):
    """An example becomes a case with its turns, criteria, tags and line; gzip changes nothing."""
    file = write(tmp_path, record(1), record(2), name=name)
    first, second = cases(file)
    assert (first.id, first.suite, first.grader, first.copy) == ("made-up-1", "", "", 0)
    assert [m.role for m in first.messages] == ["user", "assistant", "user"]
    assert first.messages[0].text == "头痛三天\u2028怎么办？"
    assert [c.id for c in first.criteria] == ["1", "2", "3"]
    assert [c.points for c in first.criteria] == [7, -6, 5]
    assert first.criteria[0].text == "Asks about\nwarning signs"
    assert first.criteria[2].tags == tuple(CLUSTER)
    assert first.tags == ("theme:hedging", "physician_agreed_category:x")
    assert (second.origin.path, second.origin.line) == (str(file), 2)


def test_line_separators_inside_strings(tmp_path):
    """Only a newline ends a line, though strings hold U+2028, U+0085 and form feeds."""
    text = "a\u2028b\u2029c\x85d"
    file = write(tmp_path, record(prompt=[{"content": text, "role": "user"}]), record(2))
    assert cases(file)[0].messages[0].text == text


def test_windows_lines_and_blank_ends(tmp_path):
    """Carriage returns before the newline and blank lines are no examples and no errors."""
    file = tmp_path / "hb.jsonl"
    file.write_bytes(f"{json.dumps(record(1))}\r\n\n{json.dumps(record(2))}\r\n\n".encode())
    assert [(case.id, case.origin.line) for case in cases(file)] == [
        ("made-up-1", 1),
        ("made-up-2", 3),
    ]


def test_consensus(tmp_path):
    """The consensus subset keeps the cluster criteria, and the examples that have one."""
    without = record(2, rubrics=record()["rubrics"][:2])
    (case,) = cases(write(tmp_path, record(1), without), subset="consensus")
    assert [(c.id, c.points) for c in case.criteria] == [("1", 5)]


def test_hard(tmp_path):
    """The hard subset is OpenAI's list of ids, with the records unchanged."""
    hard = sorted(healthbench._hard_ids())
    assert len(hard) == 1000
    file = write(tmp_path, record(1), record(prompt_id=hard[0]))
    (case,) = cases(file, subset="hard")
    assert case.id == hard[0]
    assert len(case.criteria) == 3


@pytest.mark.parametrize("subset", ["hard", "consensus"])
def test_subset_of_its_own_file(tmp_path, subset):
    """A file that already is the subset passes through it unchanged."""
    identifier = min(healthbench._hard_ids())
    only = record(prompt_id=identifier, rubrics=record()["rubrics"][2:])
    file = write(tmp_path, only)
    assert cases(file, subset=subset) == cases(file)


def test_empty_subset(tmp_path):
    """A file without an example of the subset is an error, not an empty benchmark."""
    file = write(tmp_path, record(1))
    assert failure(file, subset="hard") == f'{file}: no example of the subset "hard".'
    assert "no example" in failure(write(tmp_path, name="empty.jsonl"))


def test_unknown_subset(tmp_path):
    """An unknown subset names the nearest one."""
    with pytest.raises(SettingsError, match='Did you mean "hard"'):
        cases(write(tmp_path, record()), subset="harder")


def rubric(**changes):
    return [{"criterion": "x", "points": 5, "tags": ["level:example"]} | changes]


def without(name):
    return {key: value for key, value in record().items() if key != name}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"a" 1}', "not JSON at character 6: Expecting"),
        ('{"a": 1, "a": 2}', 'key "a" stands twice in one object.'),
        ('{"a": NaN}', "NaN is not a JSON number."),
        ("[" * 100_000, "JSON nested too deeply."),
        ("9" * 5000, "not JSON: a number is too long."),
        ("[]", "the line is [], expected an object."),
        (without("rubrics"), 'the line lacks the field "rubrics".'),
        (without("prompt_id"), 'the line lacks the field "prompt_id".'),
        (record(rubric=1), 'the line has the unknown field "rubric". Did you mean "rubrics"?'),
        (record(prompt_id=5), "prompt_id is 5, expected a text."),
        (record(example_tags="x"), "example_tags is not a list of texts."),
        (record(example_tags=["a", "b", "a"]), 'example_tags: tag "a" stands twice.'),
        (record(prompt=[]), "prompt is [], expected a list that is not empty."),
        (record(prompt=[1]), "prompt[0] is 1, expected an object."),
        (
            record(prompt=[{"role": "system", "content": "x"}]),
            'prompt[0].role is "system", expected user or assistant.',
        ),
        (
            record(prompt=[{"role": "user", "content": None}]),
            "prompt[0].content is null, expected a text.",
        ),
        (
            record(prompt=record()["prompt"][:2]),
            "the last message is not the user's.",
        ),
        (record(rubrics=[]), "rubrics is [], expected a list that is not empty."),
        (record(rubrics=rubric(criterion=" ")), 'rubrics[0].criterion is " ", not a text.'),
        (record(rubrics=rubric(points=0)), "rubrics[0].points is 0, not a number other than 0."),
        (record(rubrics=rubric(points="5")), 'rubrics[0].points is "5", not a number'),
        (record(rubrics=rubric(points=True)), "rubrics[0].points is true, not a number"),
        (record(rubrics=rubric(tags=["a", "a"])), 'rubrics[0].tags: tag "a" stands twice.'),
        (record(rubrics=rubric(tags=[1])), "rubrics[0].tags is not a list of texts."),
        (record(rubrics=rubric(point=1)), 'rubrics[0] has the unknown field "point".'),
        (record(rubrics=rubric(points=-5)), "no criterion has positive points"),
    ],
)
def test_malformed_line(tmp_path, line, message):
    """A malformed line is an error with file, line, what was found and what was expected."""
    file = write(tmp_path, record(7), line)
    assert failure(file).startswith(f"{file}:2: {message}")


def test_infinite_points(tmp_path):
    """A number too large to be one is no number of points."""
    line = json.dumps(record(rubrics=rubric(points=123456))).replace("123456", "1e999")
    assert "the number 1e999 is too large" in failure(write(tmp_path, line))


def test_not_utf8(tmp_path):
    """A line in another encoding names the first byte that is not UTF-8."""
    file = tmp_path / "hb.jsonl"
    file.write_bytes(json.dumps(record(), ensure_ascii=False).encode("gbk", "replace") + b"\n")
    assert "is not UTF-8." in failure(file)


def test_duplicate_id(tmp_path):
    """An id that stands twice names both lines."""
    file = write(tmp_path, record(1), record(2), record(1))
    assert failure(file) == f'{file}:3: prompt_id "made-up-1" stands already on line 1.'


def test_all_errors_at_once(tmp_path):
    """All malformed lines are reported together, in file order."""
    file = write(tmp_path, "{", record(1), "[]", record(2, prompt_id=""))
    lines = failure(file).split("\n")
    assert [line.split(": ")[0] for line in lines] == [f"{file}:{n}" for n in (1, 3, 4)]


def test_errors_are_capped(tmp_path):
    """After fifty errors the reading stops and says so."""
    file = write(tmp_path, *["{"] * 80)
    lines = failure(file).split("\n")
    assert len(lines) == 51
    assert lines[-1] == f"{file}: stopped after 50 errors."


def test_no_case_after_an_error(tmp_path):
    """Once a line is wrong, no further case is handed out."""
    seen = []
    with pytest.raises(DatasetError):
        seen.extend(case.id for case in healthbench.read(write(tmp_path, "{", record(1)), {}))
    assert seen == []


def test_errors_spell_out_no_example(tmp_path):
    """Error messages cut long values: examples must not end up in public logs."""
    secret = "a long clinical vignette " * 20
    file = write(tmp_path, record(prompt=[{"role": secret, "content": secret}]))
    assert len(failure(file)) < len(str(file)) + 120


def test_missing_file(tmp_path):
    """A missing file says how to get it."""
    file = tmp_path / "none.jsonl"
    assert failure(file) == f"{file}: no such file. Run: medcheck fetch healthbench"


@pytest.mark.parametrize("keep", [0.5, 0.98])
def test_broken_gzip(tmp_path, keep):
    """A truncated or foreign gzip file is a dataset error, never a shorter benchmark."""
    file = write(tmp_path, *[record(n) for n in range(50)], name="hb.jsonl.gz")
    whole = file.read_bytes()
    file.write_bytes(whole[: int(len(whole) * keep)])
    assert "cannot read the file" in failure(file)
    file.write_bytes(b"not gzip at all")
    assert "cannot read the file" in failure(file)


def test_streams(tmp_path):
    """Memory does not grow with the file while cases are not kept."""
    big = record(prompt=[{"content": "x" * 20_000, "role": "user"}])
    file = write(tmp_path, *[big | {"prompt_id": f"n{n}"} for n in range(500)])
    tracemalloc.start()
    try:
        count = sum(1 for _ in healthbench.read(file, {}))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 500
    assert peak < file.stat().st_size / 5


def test_equal_tags_share_memory(tmp_path):
    """Equal tags of different examples are one object."""
    first, second = cases(write(tmp_path, record(1), record(2)))
    assert first.criteria[0].tags is second.criteria[0].tags


def test_options_schema():
    """The options schema knows exactly the subsets that the reader knows."""
    assert healthbench.OPTIONS["properties"]["subset"]["enum"] == list(healthbench._SUBSETS)
    assert healthbench.PROTOCOL == "official"


IDEAL = {
    "ideal_completion": "Rest, and see a doctor.",
    "ideal_completions_group": "Group 2",
    "ideal_completions_ref_completions": ["r1", "r2", "r3", "r4"],
}


def test_completions(tmp_path):
    """With the option, physicians' answers and their references come as answers to judge."""
    alone = {**IDEAL, "ideal_completions_group": "Group 1", "ideal_completions_ref_completions": []}
    file = write(
        tmp_path,
        record(1, ideal_completions_data=IDEAL),
        record(2, ideal_completions_data=alone),
        record(3),
    )
    second, first, none = cases(file, completions=True)
    assert second.answers == {
        "ideal_completion": ("Rest, and see a doctor.",),
        "reference": ("r1", "r2", "r3", "r4"),
    }
    assert second.tags[-1] == "completions:group-2"
    assert first.answers["reference"] == ()
    assert first.tags[-1] == "completions:group-1"
    assert (none.answers, none.tags) == ({}, tuple(record()["example_tags"]))


def test_no_completions_without_the_option(tmp_path):
    """Without the option answers stay unread: most runs need none."""
    (case,) = cases(write(tmp_path, record(ideal_completions_data=IDEAL)))
    assert (case.answers, case.tags) == ({}, tuple(record()["example_tags"]))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ideal_completions_group": "Group 4"}, '.ideal_completions_group is "Group 4", not'),
        ({"ideal_completions_ref_completions": ["a"]}, "is not a list of 4, as Group 2 has."),
        ({"ideal_completion": None}, ".ideal_completion is null, expected a text."),
        ({"group": 1}, 'has the unknown field "group".'),
    ],
)
def test_malformed_completions(tmp_path, changes, message):
    """Completions that are not as their group demands are an error of that line."""
    file = write(tmp_path, record(ideal_completions_data={**IDEAL, **changes}))
    assert message in failure(file, completions=True)


@pytest.mark.parametrize("points", [1e308, -1e308, 2e15, 1e-300])
def test_points_that_cannot_be_summed(tmp_path, points):
    """Points so large or small that a score of them would be no number are refused at once."""
    rubrics = [*rubric(points=5), *rubric(points=points)]
    said = failure(write(tmp_path, record(rubrics=rubrics)))
    assert "rubrics[1].points is" in said
    assert "expected 1e-15 to 1e15" in said
