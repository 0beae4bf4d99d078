"""Faults of an endpoint never move a score: they are repaired, or the case says it has none."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest
import runs
from servers import Reply

FILTERED = {"error": {"message": "blocked by our content filter", "code": "content_filter"}}
STRUCK = {2, 5, 8}
"""The cases that a partial fault hits."""
NOW = {"retry-after": "0"}
CALLS = runs.CASES * (1 + runs.CRITERIA)


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    """The run that nothing disturbs."""
    with runs.server() as server:
        folder = runs.place(tmp_path_factory.mktemp("calm"), server.url)
        measured = runs.measure(folder)
        assert Counter(map(runs.identity, server.bodies)).most_common(1)[0][1] == 1
        assert len(server.requests) == CALLS
    return measured


def once(reply, *, judge=None, share=4):
    """Return a fault that strikes every `share`th request, the first time it arrives."""

    def fault(body, time):
        if time or (judge is not None and runs.is_judge(body) != judge):
            return None
        return reply if sum(runs.identity(body).encode()) % share == 0 else None

    return fault


TRANSIENT = {
    "429": (Reply(status=429, headers={"retry-after": "0.01"}), None),
    "500": (Reply(status=500, headers=NOW), None),
    "reset": (Reply(reset=True), None),
    "body cut off": (Reply(text="x" * 500, cut=True), None),
    "no choices": (Reply(body={"choices": []}), None),
    "malformed verdict": (Reply(text="Yes, it is met."), True),
    "verdict without its id": (Reply(text='{"explanation": "", "criteria_met": true}'), True),
    "verdict cut off": (Reply(text='{"explanation": "so", "crit', finish="length"), True),
    "empty answer": (Reply(text=""), False),
    "null answer": (Reply(text=None), False),
    "null answer, no finish": (Reply(text=None, finish=None), False),
}


@pytest.mark.parametrize("name", TRANSIENT)
def test_a_transient_fault_moves_nothing(name, calm, tmp_path):
    """A fault that passes leaves results and numbers bit-identical and pays nothing twice."""
    reply, judge = TRANSIENT[name]
    fault = once(reply, judge=judge, share=2 if judge is False else 4)
    if name in ("reset", "body cut off", "no choices"):
        fault = once(reply, judge=judge, share=12)
    with runs.server(fault) as server:
        measured = runs.measure(runs.place(tmp_path, server.url))
        sent = Counter(map(runs.identity, server.bodies))
    struck = [identity for identity, count in sent.items() if count > 1]
    assert struck, "the fault never struck"
    assert max(sent.values()) == 2
    assert sum(sent.values()) == CALLS + len(struck)
    assert measured.summary.rows == calm.summary.rows
    assert measured.scores == calm.scores
    assert measured.states == {"scored": runs.CASES}
    assert measured.summary.complete


def test_every_fault_at_once_moves_nothing(calm, tmp_path):
    """A server that fails in a different way at each turn still gives the same numbers."""
    kinds = [
        (reply, judge) for reply, judge in TRANSIENT.values() if not (reply.reset or reply.cut)
    ]

    def fault(body, time):
        kind = (sum(runs.identity(body).encode()) + time) % (3 * len(kinds))
        reply, judge = kinds[kind] if kind < len(kinds) and time < 2 else (None, None)
        return None if judge not in (None, runs.is_judge(body)) else reply

    with runs.server(fault) as server:
        measured = runs.measure(runs.place(tmp_path, server.url))
        assert len(server.requests) > CALLS + 5
    assert measured.summary.rows == calm.summary.rows
    assert measured.scores == calm.scores


def struck(reply, *, judge):
    """Return a fault that strikes three cases, every time."""
    return lambda body, _: (
        reply if runs.is_judge(body) == judge and runs.question(body) in STRUCK else None
    )


PERMANENT = {
    "filter, HTTP 400": (Reply(status=400, body=FILTERED), False, "filtered", 12 + 36),
    "filter, finish": (Reply(text="Hal", finish="content_filter"), False, "filtered", 12 + 36),
    "filter, nothing said": (Reply(text=None, finish="content_filter"), False, "filtered", 48),
    "cut off": (Reply(text="Take two", finish="length"), False, "truncated", 12 + 36),
    "thinks for ever": (Reply(text="<think>hm"), False, "truncated", 12 + 36),
    "says nothing": (Reply(text=" \n"), False, "empty", 9 + 3 * 3 + 36),
    "HTTP 400": (Reply(status=400, body={"error": "no"}), False, "model_error", 12 + 36),
    "judge never usable": (Reply(text="Met."), True, "judge_error", 12 + 36 + 12 * 4),
    "judge HTTP 400": (Reply(status=400, body={"error": "no"}), True, "judge_error", 12 + 48),
    "judge filtered": (Reply(status=400, body=FILTERED), True, "judge_error", 12 + 48),
}


@pytest.mark.parametrize("name", PERMANENT)
def test_a_permanent_fault_is_a_state(name, calm, tmp_path):
    """What cannot be repaired has a state of its own, no score, and counts and bounds."""
    reply, judge, state, calls = PERMANENT[name]
    with runs.server(struck(reply, judge=judge)) as server:
        measured = runs.measure(runs.place(tmp_path, server.url))
        assert len(server.requests) == calls
    assert measured.states == {state: len(STRUCK), "scored": runs.CASES - len(STRUCK)}
    assert not measured.summary.complete
    assert (measured.overall.n, measured.overall.ungraded) == (9, 3)
    for number, (found, sound) in enumerate(zip(measured.scores, calm.scores, strict=True)):
        assert found == (None if number in STRUCK else sound)
    for result in measured.results:
        assert bool(result.error) == (result.state == state)
    missing = {row.group: row.ungraded for row in measured.summary.rows}
    assert missing == {
        "overall": 3, "theme:x": 0, "theme:y": 0, "theme:z": 3, "axis:a": 3, "axis:b": 3
    }  # fmt: skip
    [note] = measured.summary.notes
    low, high = map(float, re.findall(r"between (\S+) and (\S+)\.$", note)[0])
    assert low < calm.overall.raw < high
    assert "3 of 12 not measured" in note


@pytest.mark.parametrize(
    ("policy", "state"),
    [("", "scored"), ("policies: {refusal: error}\n", "refused")],
)
def test_refusals_follow_the_policy(policy, state, tmp_path):
    """A refusal is judged as what the model really does, unless the suite calls it an error."""
    reply = Reply(text=None, message={"refusal": "I cannot help with that."})
    with runs.server(struck(reply, judge=False)) as server:
        measured = runs.measure(runs.place(tmp_path, server.url, more=policy))
    found = [measured.results[number] for number in sorted(STRUCK)]
    assert {result.state for result in found} == {state}
    assert {result.completion.text for result in found} == {"I cannot help with that."}


def test_cut_off_answers_follow_the_policy(tmp_path):
    """A cut-off answer is judged only where the suite says so."""
    reply = Reply(text="Take two", finish="length")
    with runs.server(struck(reply, judge=False)) as server:
        more = "policies: {truncated: score}\n"
        measured = runs.measure(runs.place(tmp_path, server.url, more=more))
    assert measured.states == {"scored": runs.CASES}


def test_reasoning_is_never_judged(calm, tmp_path):
    """A think block before the answer changes neither the answer nor what the judge sees."""

    def fault(body, _):
        return None if runs.is_judge(body) else Reply(text=f"<think>a</think>{runs.healthy(body)}")

    with runs.server(fault) as server:
        measured = runs.measure(runs.place(tmp_path, server.url))
        assert not any("think" in json.dumps(b) for b in server.bodies if runs.is_judge(b))
    assert measured.scores == calm.scores
    assert measured.results[0].completion.reasoning == "a"


@pytest.mark.parametrize(("status", "judge"), [(401, False), (404, False), (401, True)])
def test_a_refused_key_stops_the_run(status, judge, tmp_path):
    """A refusal that would meet every call is met once; no result names another cause."""
    error = Reply(status=status, body={"error": {"message": "no such key"}})
    with runs.server(lambda body, _: error if runs.is_judge(body) == judge else None) as server:
        measured = runs.measure(runs.place(tmp_path, server.url), concurrency=64)
        refused = [body for body in server.bodies if runs.is_judge(body) == judge]
        assert len(refused) == 1
        assert len(server.requests) <= 1 + runs.CASES
    assert measured.overall.n == 0
    assert set(measured.states) <= ({"judge_error", "not_run"} if judge else {"model_error"})
    assert all(f"HTTP {status}" in result.error for result in measured.results)
    assert measured.requests["failed"] == 1
    assert measured.requests["sent"] == len(server.requests)


def test_a_hanging_call_is_paid_at_most_twice(tmp_path):
    """A call that may have been paid is repeated once, then the case has no answer."""

    def fault(body, _):
        hangs = not runs.is_judge(body) and runs.question(body) in STRUCK
        return Reply(delay=30.0) if hangs else None

    with runs.server(fault) as server:
        measured = runs.measure(runs.place(tmp_path, server.url, timeout=0.4))
        assert len(server.requests) == 9 + 2 * 3 + 36
    assert measured.states == {"model_error": 3, "scored": 9}
    assert all("within 0.4 s" in measured.results[number].error for number in STRUCK)


def test_unusable_replies_are_passed_over_at_no_cost(calm, tmp_path):
    """A second run goes on where the judge gave up, and pays for no stored reply again."""
    broken = struck(Reply(text="Met."), judge=True)
    state = {"healthy": False}
    with runs.server(lambda body, time: None if state["healthy"] else broken(body, time)) as server:
        folder = runs.place(tmp_path, server.url)
        first = runs.measure(folder)
        asked = len(server.requests)
        state["healthy"] = True
        second = runs.measure(folder)
        assert len(server.requests) == asked + len(STRUCK) * runs.CRITERIA
        again = runs.measure(folder)
        assert len(server.requests) == asked + len(STRUCK) * runs.CRITERIA
    assert first.overall.n == 9
    assert second.summary.rows == calm.summary.rows
    assert again.summary == second.summary
    assert again.requests == {"sent": 0, "reused": 60 + 48, "failed": 0, "retried": 0}


def test_stored_replies_cost_nothing(calm, tmp_path):
    """The same run again sends nothing and gives the same bytes; `only` never sends."""
    with runs.server() as server:
        folder = runs.place(tmp_path, server.url)
        first = runs.measure(folder)
        before = [(first.folder / n).read_bytes() for n in ("summary.json", "results.jsonl")]
        second = runs.measure(folder, run="other", responses="only", concurrency=2)
        after = [(second.folder / n).read_bytes() for n in ("summary.json", "results.jsonl")]
        assert len(server.requests) == CALLS
    assert before == after
    assert second.requests["sent"] == 0


def test_a_missing_reply_is_an_error_under_only(tmp_path):
    """`--responses only` leaves what is not stored unmeasured and says so."""
    with runs.server() as server:
        measured = runs.measure(runs.place(tmp_path, server.url), responses="only")
        assert not server.requests
    assert measured.states == {"model_error": runs.CASES}
    assert "no stored reply" in measured.results[0].error
    assert measured.requests["failed"] == 0


def test_a_call_limit_is_never_exceeded(calm, tmp_path):
    """A run stops at its limit; the same command with a higher one pays for the rest only."""
    with runs.server() as server:
        folder = runs.place(tmp_path, server.url)
        first = runs.measure(folder, max_calls=20)
        assert len(server.requests) == 20
        second = runs.measure(folder, max_calls=100)
        assert len(server.requests) == CALLS
    assert not first.summary.complete
    assert set(first.states) <= {"scored", "not_run"}
    lost = [result for result in first.results if result.state == "not_run"]
    assert all("--max-calls 20" in result.error for result in lost)
    assert second.summary.rows == calm.summary.rows


def test_two_judges_two_models_and_two_wordings_share_nothing(tmp_path):
    """Replies of one model, judge, wording or repeat never serve another."""
    with runs.server() as server:
        folder = runs.place(tmp_path, server.url)
        extra = f"n: {{base_url: '{server.url}'}}\nother: {{base_url: '{server.url}'}}\n"
        path = folder / "models.yaml"
        path.write_text(path.read_text(encoding="utf-8") + extra, encoding="utf-8")
        for changes, new in (
            ({}, 60),
            ({"models": ("n",)}, 60),
            ({"models": ("m", "n")}, 0),
            ({"repeats": 2}, 60),
            ({"judges": ("other",)}, 48),
            ({"judges": ("judge", "other")}, 0),
            ({"protocol": "official"}, 48),
            ({"responses": "fresh", "run": "anew"}, 60),
            ({"responses": "fresh", "run": "anew"}, 0),
        ):
            asked = len(server.requests)
            runs.measure(folder, **changes)
            assert len(server.requests) - asked == new, changes


def test_the_command_says_incomplete(calm, tmp_path):
    """A run that lost cases ends in 12, never in a pass; within the allowed share it ends in 0."""
    with runs.server(struck(Reply(status=400, body=FILTERED), judge=False)) as server:
        folder = runs.place(tmp_path, server.url)
        lost = runs.command(folder)
        allowed = runs.command(folder, "--ungraded-at-most=0.25")
        # Filtered requests have no stored reply: each run asks for them once more.
        assert len(server.requests) == 12 + 36 + 3
    assert lost.status == 12
    assert allowed.status == 0
    assert "INCOMPLETE" in lost.output
    assert "3 filtered" in lost.output
    assert "INCOMPLETE" not in allowed.output
    summary = lost.data("summary.json")
    assert summary["states"] == {"m": {"filtered": 3, "scored": 9}}
    rows = {row["group"]: row for row in summary["rows"]}
    assert rows["overall"]["n"] == 9


def test_workers_are_refused_once_each(tmp_path):
    """With a wrong key each worker sends one call; the command ends in 12 and names the cause."""
    error = Reply(status=401, body={"error": {"message": "wrong key"}})
    with runs.server(lambda *_: error) as server:
        found = runs.command(runs.place(tmp_path, server.url), workers=2, concurrency=64)
        assert 1 <= len(server.requests) <= 2
    assert found.status == 12
    assert "HTTP 401" in found.output
    assert found.data("summary.json")["states"] == {"m": {"model_error": 12}}


def test_transient_faults_under_workers_move_nothing(calm, tmp_path):
    """Two workers and a failing server give the numbers of one process and a healthy one."""
    with runs.server(once(Reply(status=500, headers=NOW))) as server:
        found = runs.command(runs.place(tmp_path, server.url), workers=2, concurrency=64)
        sent = Counter(map(runs.identity, server.bodies))
    assert found.status == 0
    assert max(sent.values()) == 2
    expected = json.loads((calm.folder / "summary.json").read_text(encoding="utf-8"))
    assert found.data("summary.json")["rows"] == expected["rows"]
    assert (found.folder / "results.jsonl").read_bytes() == (
        calm.folder / "results.jsonl"
    ).read_bytes()
