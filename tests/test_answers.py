"""Existing answers: every layout, repeats in order, and no answer that could mean two things."""

import gzip
import hashlib
import json

import pytest

from medcheck.answers import load_answers, read_allresults
from medcheck.errors import DatasetError


def write(tmp_path, *rows, name="answers.jsonl"):
    """A file of JSON lines, or of texts as they are."""
    texts = [r if isinstance(r, str) else json.dumps(r, ensure_ascii=False) for r in rows]
    data = "".join(f"{text}\n" for text in texts).encode()
    file = tmp_path / name
    file.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return file


def failure(path):
    with pytest.raises(DatasetError) as caught:
        load_answers(path)
    return str(caught.value)


@pytest.mark.parametrize("name", ["case_id", "prompt_id", "id"])
@pytest.mark.parametrize("answer", ["answer", "response", "completion", "text"])
@pytest.mark.parametrize("file", ["a.jsonl", "a.jsonl.gz", "a.json"])
def test_lines(tmp_path, name, answer, file):
    """A line names its case and its answer under any of the usual names, gzipped or not."""
    path = write(tmp_path, {name: "c1", answer: "休息\u2028"}, {name: "c2", answer: ""}, name=file)
    found = load_answers(path)
    assert found.by_case == {"c1": ("休息\u2028",), "c2": ("",)}
    assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert found.path == str(path)
    assert found.meta == {"format": "lines", "model": None, "without_answer": 0, "answers": 2}
    assert found.finishes == {}


def test_repeats(tmp_path):
    """Repeats come in the order of their numbers, whatever the order of the lines."""
    rows = [{"id": "c", "answer": f"a{n}", "repeat": n} for n in (3, 1, 2)]
    assert load_answers(write(tmp_path, *rows)).by_case == {"c": ("a1", "a2", "a3")}


def result(**changes):
    """A line of our own results.jsonl."""
    completion = {"text": "x", "finish": "stop", "usage": {}, "cost_usd": None, "key": "k"}
    return {"case_id": "c", "suite": "s", "model": "m", "repeat": 1, "state": "scored",
            "completion": completion} | changes  # fmt: skip


def test_results(tmp_path):
    """Of our own results the answers count, also those that were cut off, which are named so."""
    cut = {"text": "y", "finish": "length"}
    path = write(
        tmp_path,
        result(),
        result(repeat=2, completion=cut),
        result(case_id="lost", completion=None, state="model_error"),
    )
    found = load_answers(path)
    assert found.by_case == {"c": ("x", "y")}
    assert found.finishes == {"c": ("stop", "length")}
    assert found.meta["model"] == "m"
    assert found.meta["without_answer"] == 1


def test_several_models(tmp_path):
    """A file of several models needs the name of one."""
    path = write(tmp_path, result(), result(model="n", completion={"text": "z"}))
    assert failure(path) == f"{path}: answers of 2 models: m, n. Name one: {path}#m"
    assert load_answers(f"{path}#n").by_case == {"c": ("z",)}
    assert load_answers(f"{path}#n").path == str(path)
    assert 'no answers of the model "k". Known: m, n.' in failure(f"{path}#k")


def test_hash_in_a_file_name(tmp_path):
    """A file whose own name holds a # is that file."""
    path = write(tmp_path, {"id": "c", "answer": "x"}, name="run#1.jsonl")
    assert load_answers(path).by_case == {"c": ("x",)}


def test_duplicates(tmp_path):
    """Two answers to one case and repeat are refused, each with both lines."""
    rows = [{"id": "c", "answer": "x"}, {"id": "d", "answer": "x"}, {"id": "c", "answer": "x"}]
    path = write(tmp_path, *rows)
    assert failure(path) == (
        f'{path}:3: case "c" has an answer to repeat 1 already on line 1. '
        "Number them with repeat, or remove one."
    )


def test_two_suites_share_an_answer(tmp_path):
    """One answer to the same question in two suites is one answer; two different ones clash."""
    other = result(suite="t")
    assert load_answers(write(tmp_path, result(), other)).by_case == {"c": ("x",)}
    other["completion"] = {"text": "y"}
    assert "already on line 1" in failure(write(tmp_path, result(), other))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("[1]", "the line is [1], expected an object."),
        ({"answer": "x"}, "the line names no case. Expected one of: case_id, prompt_id, id."),
        ({"id": "c"}, "the line has no answer. Expected exactly one of: answer, response,"),
        ({"id": "c", "answer": "x", "text": "y"}, "the line has answers under answer and text."),
        ({"id": 5, "answer": "x"}, "id is 5, expected a text."),
        ({"id": "c", "answer": None}, "answer is null, expected a text."),
        ({"id": "c", "completion": 5}, "completion is 5, expected an object."),
        ({"id": "c", "answer": "x", "repeat": 0}, "repeat is 0, expected a number from 1."),
        ({"id": "c", "answer": "x", "repeat": True}, "repeat is true, expected a number from 1."),
        ({"id": "c", "answer": "x", "model": 1}, "model is 1, expected a text."),
        ('{"id": "c"', "not JSON at character "),
    ],
)
def test_malformed_line(tmp_path, line, message):
    """A malformed line is an error with file, line, what was found and what was expected."""
    path = write(tmp_path, {"id": "a", "answer": "x"}, line)
    assert failure(path).startswith(f"{path}:2: {message}")


def test_nothing_there(tmp_path):
    """A missing file and one without answers say what is wanted."""
    assert "no such file. Name a file of answers" in failure(tmp_path / "none.jsonl")
    assert "the file holds no answer." in failure(write(tmp_path))
    assert "the file holds no answer." in failure(write(tmp_path, result(completion=None)))


def allresults(*examples, indent=2):
    """The official layout, as the official code writes it."""
    metadata = {"example_level_metadata": list(examples)}
    return json.dumps(
        {"score": 0.5, "metrics": {}, "htmls": [], "convos": [], "metadata": metadata},
        indent=indent,
    )


def example(prompt_id="p", answer="x", **changes):
    item = {"criterion": "Says rest", "points": 5, "tags": ["axis:a"], "criteria_met": True,
            "explanation": "so"}  # fmt: skip
    return {
        "score": 1.0,
        "usage": {"input_tokens": None},
        "rubric_items": [item, {**item, "points": -2, "criteria_met": False}],
        "prompt": [{"content": "Be kind.", "role": "system"}, {"content": "胸痛?", "role": "user"}],
        "completion": [{"content": answer, "role": "assistant"}],
        "prompt_id": prompt_id,
        "completion_id": "h",
    } | changes


@pytest.mark.parametrize("indent", [2, None])
@pytest.mark.parametrize("name", ["r_allresults.json", "r_allresults.json.gz", "odd.txt"])
def test_allresults(tmp_path, indent, name):
    """The official file gives its answers; a prompt that stands twice was repeated."""
    text = allresults(example(answer="1"), example("q"), example(answer="2"), indent=indent)
    found = load_answers(write(tmp_path, text, name=name))
    assert found.by_case == {"p": ("1", "2"), "q": ("x",)}
    assert found.meta == {
        "format": "allresults",
        "model": None,
        "without_answer": 0,
        "answers": 3,
    }


def test_read_allresults(tmp_path):
    """Verdicts come back with criteria and explanations, enough to score without a judge."""
    (found,) = read_allresults(write(tmp_path, allresults(example()), name="a.json"))
    assert (found.prompt_id, found.repeat, found.answer, found.score) == ("p", 1, "x", 1.0)
    assert [m.role for m in found.messages] == ["system", "user"]
    assert [(v.state, v.criterion.points) for v in found.verdicts] == [("met", 5), ("not_met", -2)]
    assert found.verdicts[0].criterion.tags == ("axis:a",)
    assert found.verdicts[0].ballots[0].explanation == "so"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{\n", "not JSON at character"),
        ("[]", "the file is [], expected an object."),
        ('{"a": 1}', 'the file lacks the field "metadata".'),
        ('{"metadata": {}}', 'metadata lacks the field "example_level_metadata".'),
        ('{"metadata": {"example_level_metadata": 5}}', "is 5, expected a list."),
    ],
)
def test_not_an_official_file(tmp_path, text, message):
    """What is no official file says where it departs from one."""
    path = write(tmp_path, text, name="a.json")
    with pytest.raises(DatasetError) as caught:
        list(read_allresults(path))
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


def test_wrong_examples(tmp_path):
    """All wrong examples are named at once; a model's name has no place in this format."""
    text = allresults(example(prompt_id=5), example(), example(completion=[]))
    path = write(tmp_path, text, name="a.json")
    place = "metadata.example_level_metadata"
    assert failure(path).split("\n") == [
        f"{path}: {place}[0].prompt_id is 5, expected a text.",
        f"{path}: {place}[2].completion holds no message of the assistant.",
    ]
    assert "names no models" in failure(f"{path}#m")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"criteria_met": "true"}, 'criteria_met is "true", expected true, false or null.'),
        ({"points": "5"}, 'points is "5", not a number.'),
        ({"points": True}, "points is true, not a number."),
        ({"tags": [1]}, "tags is not a list of texts."),
    ],
)
def test_wrong_verdicts(tmp_path, changes, message):
    """A verdict that is none is an error at its place, never a guess."""
    item = {**example()["rubric_items"][0], **changes}
    path = write(tmp_path, allresults(example(rubric_items=[item])), name="a.json")
    with pytest.raises(DatasetError) as caught:
        list(read_allresults(path))
    place = "metadata.example_level_metadata[0].rubric_items[0]"
    assert str(caught.value) == f"{path}: {place}.{message}"


def test_null_rows_of_a_pack(tmp_path):
    """A null row of a pack is an answer that is not there: counted, and given back as null."""
    from medcheck.packs.archive import write_pack
    from medcheck.packs.findings import LAYOUTS

    rows = [b'{"question": "q", "answer": null, "other": {}}\n']
    rows.append(b'{"question": "p", "answer": "a", "other": {}}\n')
    path = write_pack(tmp_path / "p.zip", LAYOUTS["agent"].folder, [("MedCOT.jsonl", rows)])
    found = load_answers(path)
    assert found.by_case == {"MedCOT-1": ("",), "MedCOT-2": ("a",)}
    assert found.finishes == {"MedCOT-1": ("unknown",)}
    assert (found.meta["answers"], found.meta["without_answer"]) == (1, 1)
