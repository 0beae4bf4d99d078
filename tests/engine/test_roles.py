"""Panels, further roles, and what their failures do to a score: GAPS runs against a real server."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest
import runs
from servers import Reply

from medcheck.engine.planning import forecast
from medcheck.engine.setup import prepare
from medcheck.suites import load_suite

NAMES = ("m", "judge", "other", "finder", "grader-a", "grader-b")
CASES = 10
LEVELS = (("A1", 5), ("A2", 3), ("A3", 1), ("S2", -2), ("S4", -4))
POINTS = len(LEVELS)
STATEMENT = "Coffee is made from roasted beans."


def suite_text(grader):
    """Return a suite of questions with a point of each kind, graded as `grader` says."""
    blocks = []
    for number in range(CASES):
        criteria = "".join(
            f"      - {{text: 'case {number:02} point {level}', points: {points}, "
            f"level: {level}}}\n"
            for level, points in LEVELS
        )
        blocks.append(
            f"  - id: case-{number:02}\n    prompt: 'question {number:02}: 胸痛?'\n"
            f"    tags: ['grounding:G{1 + number % 4}']\n    criteria:\n{criteria}"
        )
    return f"suite: faults\ngrader: {grader}\ncases:\n{''.join(blocks)}"


def place(folder, url, grader):
    """Write suite, models file and pytest.ini."""
    runs.place(folder, url)
    (folder / "cases" / "faults.yaml").write_text(suite_text(grader), encoding="utf-8")
    where = f"base_url: '{url}', timeout: {{idle: 20, total: 20}}"
    text = "".join(f"{name}: {{{where}, price: {{input: 1, output: 2}}}}\n" for name in NAMES)
    (folder / "models.yaml").write_text(text, encoding="utf-8")
    return folder


def kind(body):
    """Return what a judge is asked for: a verdict, a search or a grade."""
    said = body["messages"][-1]["content"]
    if '"level"' in said:
        return "grade"
    return "search" if '"content"' in said else "verdict"


def script(fault=lambda body: None):
    """Return a server script: both judges agree on every point, searches find one statement."""

    def reply(body):
        lost = fault(body)
        if lost is not None:
            return lost
        if body["model"] == "m":
            number = runs.question(body)
            return Reply(text=f"answer {number:02}. {STATEMENT}", usage=runs.USAGE)
        text = "\n".join(message["content"] for message in body["messages"])
        what = kind(body)
        said = {"explanation": "so", "criteria_met": bool(re.search("point A[12]|point S2", text))}
        if what == "search":
            said = {"items": [{"content": STATEMENT, "reasoning": "not about it"}]}
        if what == "grade":
            said = {"reasoning": "true", "level": "S1" if body["model"] == "grader-a" else "S3"}
        found = re.search(r"verdict_id: (\w+)", text)
        if found:
            said["verdict_id"] = found[1]
        return Reply(text=json.dumps(said), usage=runs.USAGE)

    return reply


def serve(fault=lambda body: None):
    """Return a server with the script."""
    return runs.Server(script(fault))


ROLES = "irrelevant: {extractor: finder, judges: [grader-a, grader-b], vote: %s}"


def test_each_role_is_asked_what_it_is_for(tmp_path):
    """Judges get the points, the extractor the search, the irrelevant judges each statement."""
    grader = f"{{name: claims, judges: [judge, other], vote: majority, {ROLES % 'conservative'}}}"
    with serve() as server:
        measured = runs.measure(place(tmp_path, server.url, grader))
        asked = Counter(
            (body["model"], kind(body)) for body in server.bodies if body["model"] != "m"
        )
    assert asked == {
        ("judge", "verdict"): CASES * POINTS,
        ("other", "verdict"): CASES * POINTS,
        ("finder", "search"): CASES,
        ("grader-a", "grade"): CASES,
        ("grader-b", "grade"): CASES,
    }
    assert measured.states == {"scored": CASES}
    # A1 and A2 met, S2 met, one statement at S3 (S1 and S3 tie: the more severe): 5 + 3 - 2 - 3.
    assert measured.scores == [pytest.approx(3 / 9)] * CASES
    assert set(measured.summary.usage) == {"model m", *(f"judge {name}" for name in NAMES[1:])}


def test_the_vote_of_irrelevant_levels_can_be_set_from_the_command_line(tmp_path):
    """`--set SUITE.irrelevant.vote=...` reaches the grader, with or without the block's name."""
    grader = f"{{name: claims, judges: [judge], vote: single, {ROLES % 'conservative'}}}"
    folder = place(tmp_path, "http://127.0.0.1:9/v1", grader)
    path = folder / "cases" / "faults.yaml"
    for key in ("irrelevant.vote", "grader.irrelevant.vote"):
        suite = load_suite(path, overrides={key: "average"})
        assert suite.grader["irrelevant"]["vote"] == "average"
        assert suite.grader["irrelevant"]["extractor"] == "finder"
    with serve() as server:
        place(tmp_path, server.url, grader)
        ended = runs.command(folder, "--set", "faults.irrelevant.vote=average")
    assert ended.status == 0, ended.output
    # The mean of S1 and S3 is S2: 5 + 3 - 2 - 2.
    [overall] = [row for row in ended.data("summary.json")["rows"] if row["group"] == "overall"]
    assert overall["raw"] == pytest.approx(4 / 9)


def test_a_role_without_its_model_is_refused_before_a_call(tmp_path):
    """An unknown extractor is a problem of the setup, like an unknown judge."""
    grader = "{name: claims, judges: [judge], irrelevant: {extractor: absent}}"
    folder = place(tmp_path, "http://127.0.0.1:9/v1", grader)
    suite = load_suite(folder / "cases" / "faults.yaml")
    setup = prepare([suite], runs.settings_for(folder), {})
    assert any('unknown judge "absent"' in problem for problem in setup.problems)


def test_a_panel_of_one_gives_a_score(tmp_path):
    """The original's own command, with one judge, scores what that judge says and not 0."""
    with serve() as server:
        folder = place(tmp_path, server.url, "{name: claims, judges: [judge], protocol: official}")
        measured = runs.measure(folder)
    assert measured.states == {"scored": CASES}
    assert set(measured.scores) == {0.6667}  # (5 + 3 - 2) / 9, rounded to 4 digits


LOST = {
    "no reply": Reply(status=400, body={"error": {"message": "filtered"}}),
    "unusable reply": Reply(text="I would say it is met."),
    "cut off": Reply(text='{"explanation": "so', finish="length"),
}


@pytest.mark.parametrize("name", LOST)
@pytest.mark.parametrize("protocol", ["official", "strict"])
def test_lost_verdicts_never_lower_a_score(name, protocol, tmp_path):
    """One verdict in twenty lost for good: scores stay, or the case says that it has none."""
    grader = f"{{name: claims, judges: [judge, other], vote: gaps, protocol: {protocol}}}"

    def fault(body):
        if body["model"] != "other":
            return None
        struck = re.search(r"case 0[05] point", json.dumps(body["messages"], ensure_ascii=False))
        return LOST[name] if struck and "point A1" in str(body["messages"]) else None

    with serve() as server:
        calm = runs.measure(place(tmp_path / "calm", server.url, grader))
    with serve(fault) as server:
        measured = runs.measure(place(tmp_path / "faulty", server.url, grader))
    for before, after, result in zip(calm.scores, measured.scores, measured.results, strict=True):
        if result.state == "scored":
            assert after == before or any(
                verdict.state == "undecided" for verdict in result.score.verdicts
            )
        else:
            assert (result.state, after) == ("judge_error", None)
            assert result.error
    struck = [measured.results[0], measured.results[5]]
    if name == "no reply":
        assert {result.state for result in struck} == {"judge_error"}
        assert not measured.summary.complete
    untouched = [r for i, r in enumerate(measured.results) if i not in (0, 5)]
    assert [r.score.value for r in untouched] == [
        value for i, value in enumerate(calm.scores) if i not in (0, 5)
    ]


def test_the_plan_counts_both_ways_of_asking(tmp_path):
    """`--plan` prices points one by one and all in one call, roles included, and asks nobody."""
    grader = f"{{name: claims, judges: [judge, other], vote: gaps, {ROLES % 'majority'}}}"
    with serve() as server:
        folder = place(tmp_path, server.url, grader)
        settings = runs.settings_for(folder)
        setup, works = runs.started(folder, settings)
        found = forecast(setup, settings, works, None)
        ended = runs.command(folder, "--plan")
        assert not server.requests
    calls = {who: need.calls for who, need in found.needs.items()}
    assert calls == {
        "model m": CASES, "judge judge": CASES * POINTS, "judge other": CASES * POINTS,
        "judge finder": CASES,
    }  # fmt: skip
    [(way, instead)] = found.instead.items()
    assert way == "faults.batch: true"
    assert {who: need.calls for who, need in instead.items()} == {
        "judge judge": CASES, "judge other": CASES, "judge finder": CASES,
    }  # fmt: skip
    assert 0 < instead["judge judge"].cost_usd < found.needs["judge judge"].cost_usd
    assert ended.status == 0
    assert "instead, with faults.batch: true:" in ended.output
    assert "judge other: 10 calls" in ended.output


def test_a_lost_vote_costs_once(tmp_path):
    """A score found without one judge's vote is found again at no cost, without calls as well."""
    judges = "judge, other, finder"
    grader = f"{{name: claims, judges: [{judges}], protocol: official}}"

    def fault(body):
        struck = "case 03 point A1" in json.dumps(body["messages"], ensure_ascii=False)
        return LOST["unusable reply"] if body["model"] == "judge" and struck else None

    with serve(fault) as server:
        folder = place(tmp_path, server.url, grader)
        first = runs.measure(folder, run="s1")
        asked = len(server.requests)
        again = runs.measure(folder, run="s2")
        assert len(server.requests) == asked
    stored = runs.measure(folder, run="s3", responses="only")
    assert first.states == again.states == stored.states == {"scored": CASES}
    lines = [
        (found.folder / "results.jsonl").read_text(encoding="utf-8").replace(f'"{name}"', "RUN")
        for name, found in (("s1", first), ("s2", again), ("s3", stored))
    ]
    assert lines[0] == lines[1] == lines[2]
    assert "no usable reply in 4 tries" in lines[0]
