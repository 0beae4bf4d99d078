"""What is wrong with a run is known before its first call, all of it at once."""

from __future__ import annotations

from pathlib import Path

import pytest
import runs

from medcheck.engine.described import described
from medcheck.engine.setup import prepare, recordings
from medcheck.suites import Suite, load_suite
from medcheck.types import Case, Criterion, Message

REGISTRY = """\
m: {base_url: 'http://127.0.0.1:9/v1'}
judge: {base_url: 'http://127.0.0.1:9/v1', params: {temperature: 0}}
keyed: {base_url: 'https://models.example.org/v1', api_key_env: EXAMPLE_KEY}
priced: {base_url: 'http://127.0.0.1:9/v1', price: {input: 1, output: 2}}
picky: {base_url: 'http://127.0.0.1:9/v1', accepts: {temperature: false}}
second: {base_url: 'http://127.0.0.1:9/v1'}
"""


@pytest.fixture
def build(tmp_path):
    """Return a function that prepares a run of one suite."""
    folder = runs.place(tmp_path, "http://127.0.0.1:9/v1")
    (folder / "models.yaml").write_text(REGISTRY, encoding="utf-8")

    def build(suite=None, environ=None, **changes):
        path = folder / "cases" / "faults.yaml"
        path.write_text(suite or runs.suite_text(cases=2), encoding="utf-8")
        settings = runs.settings_for(folder, **changes)
        return prepare([load_suite(path)], settings, environ or {}), settings

    return build


def judged(setup):
    """Return the names of the judges of the model m."""
    return [entry.name for entry in setup.judges.get(("faults", "m"), ())]


def test_a_run_that_may_start(build):
    """Models, judges, plan and versions are there, and nothing is wrong."""
    setup, settings = build()
    assert (setup.problems, setup.notes) == ((), ())
    assert judged(setup) == ["judge"]
    assert setup.plans["faults"].truncated == "error"
    assert any(name.startswith("prompt healthbench/") for name in setup.versions)
    assert any("faults.yaml" in name for name in setup.versions)
    told = described(setup, settings)["faults"]
    assert told["judges"] == ["judge"]
    assert told["protocol"] == "strict"
    assert told["summary"]["by"] == ["theme", "axis"]


def test_every_problem_is_told_at_once(build):
    """Unknown model, missing key and missing judge are lines of one refusal."""
    text = runs.suite_text(cases=1).replace(", judges: [judge]", "")
    setup, _ = build(text, models=("absent", "keyed", "m"))
    said = "\n".join(setup.problems)
    assert 'unknown model "absent"' in said
    assert "EXAMPLE_KEY" in said
    assert "needs a judge" in said
    assert "--judge" in said
    assert len(setup.problems) == 3


def test_no_key_reaches_a_message(build):
    """With its key set the model is ready, and no text holds the key."""
    setup, settings = build(models=("keyed",), environ={"EXAMPLE_KEY": "sk-canary-123456"})
    assert setup.problems == ()
    assert "canary" not in repr((setup, described(setup, settings), setup.versions))


def test_the_command_line_names_the_judges(build):
    """`--judge` takes the place of the suite's judges."""
    assert judged(build(judges=("second",))[0]) == ["second"]


def test_a_panel_needs_a_rule_for_panels(build):
    """Two judges and a rule for one are refused."""
    text = runs.suite_text(cases=1).replace("judges: [judge]", "judges: [judge], vote: single")
    setup, _ = build(text, judges=("judge", "second"))
    assert "takes one judge, found 2" in setup.problems[0]


PANEL = """\
suite: faults
grader: {name: claims, judges: JUDGES, vote: weighted, judge_weights: {WEIGHT: 2},
  irrelevant: {judges: ROLE}}
cases: [{id: case-00, prompt: q?, criteria: [{text: t, level: A1, points: 5}]}]
"""


@pytest.mark.parametrize(
    ("judges", "weight", "role", "told"),
    [
        ("[judge, second]", "judge", "[second]", None),
        ("[judge, judge]", "judge", "[second]", 'grader.judges: judge "judge" stands there 2'),
        ("[judge, second]", "judge", "[second, second]", 'irrelevant judges: judge "second" sta'),
        ("[judge, second]", "secnd", "[second]", 'judge "secnd" is not on the panel. Did you mean'),
    ],
)
def test_a_panel_is_what_it_says(build, judges, weight, role, told):
    """A judge named twice, and a weight of a judge who is not there, are refused by name."""
    text = PANEL.replace("JUDGES", judges).replace("WEIGHT", weight).replace("ROLE", role)
    setup, _ = build(text)
    assert [told in problem for problem in setup.problems] == ([] if told is None else [True])


def test_checks_need_no_judge(build):
    """A suite of checks only runs without any judge."""
    text = "suite: faults\ncases:\n  - {id: a, prompt: q, checks: [{contains: x, points: 1}]}\n"
    setup, _ = build(text)
    assert setup.problems == ()
    assert judged(setup) == []


def test_a_budget_needs_prices(build):
    """A budget without a known price cannot be kept, so the run is refused."""
    setup, _ = build(budget=1.0, models=("priced",))
    assert ['the price of "judge" is not known' in problem for problem in setup.problems] == [True]
    assert build(budget=1.0, models=("priced",), judges=("priced",))[0].problems == ()


def test_settings_reach_whom_they_are_meant_for(tmp_path):
    """The suite's settings arrive at model and judge, but for what the registry sets for them."""
    text = runs.suite_text(cases=1, more="params: {temperature: 0.5}\n").replace(
        "judges: [judge]", "judges: [judge], params: {temperature: 1, max_tokens: 9}"
    )
    with runs.server() as server:
        folder = runs.place(tmp_path, server.url)
        (folder / "cases" / "faults.yaml").write_text(text, encoding="utf-8")
        registry = (folder / "models.yaml").read_text(encoding="utf-8")
        head, _, judge = registry.partition("judge: {")
        changed = f"{head}judge: {{params: {{temperature: 0}}, {judge}"
        (folder / "models.yaml").write_text(changed, encoding="utf-8")
        runs.measure(folder)
        sent = [
            (body["model"], body.get("temperature"), body.get("max_tokens"))
            for body in server.bodies
        ]
    assert set(sent) == {("m", 0.5, None), ("judge", 0, 9)}


def test_dropped_settings_are_told(build):
    """What an endpoint does not take of the suite's settings stands in the report."""
    text = runs.suite_text(cases=1, more="params: {temperature: 0.5}\n")
    setup, settings = build(text, models=("picky",))
    assert any(
        "temperature=0.5 dropped" in n for n in described(setup, settings)["faults"]["notes"]
    )


def test_a_wrong_models_file_is_one_problem(build, tmp_path):
    """A registry that cannot be read refuses the run with its line."""
    (tmp_path / "bad.yaml").write_text("m: {modle: x}\n", encoding="utf-8")
    setup, _ = build(models_file=str(tmp_path / "bad.yaml"))
    [problem] = setup.problems
    assert "bad.yaml:1" in problem
    assert "modle" in problem


def test_the_sharing_of_a_key_is_told(build):
    """Who gets OPENAI_API_KEY for want of another key is named."""
    setup, _ = build(
        models=("x",), base_url="https://models.example.org/v1", environ={"OPENAI_API_KEY": "sk-a"}
    )
    assert setup.problems == ()
    assert any("models.example.org" in note for note in setup.notes)


def test_recorded_models_say_what_they_know():
    """Only recorded models are asked whether they know a case; the demo knows nothing foreign."""
    folder = Path("/nowhere")
    found = recordings(runs.settings_for(folder, models=("demo", "gpt-4o"), models_file=None))
    assert list(found) == ["demo"]
    foreign = (Message(role="user", text="never recorded"),)
    assert not found["demo"](Case(id="c", suite="s", messages=foreign, grader="rubric"))
    assert recordings(runs.settings_for(folder, models=())) == {}


def given_model(build, tmp_path, *lines, **changes):
    """Return the setup of a run whose model is a file of answers, and its name."""
    path = tmp_path / "given.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    name = f"answers:{path}"
    return build(models=(name, "m"), repeats=3, **changes)[0], name


def test_repeats_come_from_the_answers(build, tmp_path):
    """A case has as many repeats as answers exist, and a result without; others those wished."""
    cut = '"completion": {"text": "t", "finish": "length"}'
    lines = [f'{{"case_id": "case-00", "repeat": {n}, {cut}}}' for n in (1, 2)]
    setup, name = given_model(build, tmp_path, *lines)
    first, second = setup.suites["faults"].cases
    assert (setup.repeats(first, name), setup.repeats(second, name)) == (2, 1)
    assert (setup.repeats(first, "m"), setup.given(first, "m")) == (3, None)
    assert [answer.finish for answer in setup.given(first, name)] == ["length", "length"]
    assert setup.models[name].provider == "none"


def test_answers_to_unknown_cases(build, tmp_path):
    """Ids that no case has are a note and stand in the report; with no other id it is a problem."""
    folder = runs.place(tmp_path, "http://127.0.0.1:9/v1")
    path = tmp_path / "given.jsonl"
    line = '{"case_id": "%s", "answer": "t"}\n'
    settings = runs.settings_for(folder, models=(f"answers:{path}",))
    (folder / "models.yaml").write_text(REGISTRY, encoding="utf-8")
    suite = load_suite(folder / "cases" / "faults.yaml")
    known = {case.id for case in suite.cases}

    path.write_text(line % "case-00" + line % "x", encoding="utf-8")
    setup = prepare([suite], settings, {}, known=known)
    told = f"--model=answers:{path}: 1 of 2 case ids are not in the suites: x."
    assert (setup.problems, setup.notes) == ((), (told,))
    assert told in described(setup, settings)["faults"]["notes"]
    assert prepare([suite], settings, {}).notes == ()

    path.write_text(line % "x", encoding="utf-8")
    assert "Is it the right file" in prepare([suite], settings, {}, known=known).problems[0]


def test_a_grader_under_test_judges(tmp_path):
    """In a meta-evaluation the model is the judge, and the answer comes with the case."""
    case = Case(
        id="c",
        suite="meta",
        messages=(Message(role="user", text="q"),),
        grader="meta",
        criteria=(Criterion(id="1", text="is kind", points=1),),
        answers={"completion": ("the given one",)},
    )
    suite = Suite(
        name="meta",
        path=tmp_path / "m.yaml",
        title="",
        cases=(case,),
        grader={"name": "meta"},
        protocol="official",
    )
    (tmp_path / "models.yaml").write_text(REGISTRY, encoding="utf-8")
    setup = prepare([suite], runs.settings_for(tmp_path, models=("m", "second")), {})
    assert setup.problems == ()
    assert [entry.name for entry in setup.judges["meta", "second"]] == ["second"]
    assert [answer.text for answer in setup.given(case, "m")] == ["the given one"]


def test_suites_that_are_lent(build):
    """A suite that a test only borrows has plan and judges, and is no suite of the run."""
    setup, settings = build()
    suite = setup.suites["faults"]
    lent = prepare([], settings, {}, direct=True, lent=[suite])
    assert lent.problems == ()
    assert (lent.suites, list(lent.plans)) == ({}, ["faults", ""])
    assert judged(lent) == ["judge"]
    assert described(lent, settings) == {}


def test_groups_of_a_suite_that_names_none(build):
    """The short tables show the suite's own tags, and what levels add; not one row a question."""
    suite = """\
suite: faults
grader: {name: claims, judges: [judge]}
cases:
  - id: a
    prompt: p
    tags: ['grounding:G1', 'base:a']
    criteria: [{text: t, points: 5, level: A1}]
"""
    setup, settings = build(suite)
    shown = described(setup, settings)["faults"]["summary"]["by"]
    assert shown == ["grounding", "tier", "incidence", "any", "delta"]


def test_a_judge_without_its_key_is_told_as_a_judge(build):
    """The line names the judge, the variable, and the option that names another judge."""
    setup, _ = build(runs.suite_text(cases=1).replace("[judge]", "[keyed]"))
    [problem] = setup.problems
    assert problem.startswith('judge "keyed": ')
    assert "EXAMPLE_KEY" in problem
    assert problem.endswith("or choose another judge with --judge.")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("nope.mod:Judge", 'cannot import "nope.mod"'),
        ("own_judges:Absent", '"own_judges" has no "Absent"'),
        ("own_judges:NUMBER", '"own_judges:NUMBER" has no method "ask"'),
        ("own_broken:Judge", '"own_broken:Judge" cannot be imported: ZeroDivisionError'),
        ("own_judges:fine", None),
    ],
)
@pytest.mark.parametrize("role", ["judges", "models"])
def test_own_code_is_imported_before_anything_is_paid(
    build, tmp_path, monkeypatch, role, name, told
):
    """A model or judge of the user's own that cannot be asked refuses the run at its start."""
    (tmp_path / "own_judges.py").write_text("NUMBER = 1\ndef fine(messages): ...\n", "utf-8")
    (tmp_path / "own_broken.py").write_text("1 / 0\n", "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    setup, _ = build(**{role: (name,)})
    if told is None:
        assert setup.problems == ()
    else:
        assert told in "\n".join(setup.problems)
