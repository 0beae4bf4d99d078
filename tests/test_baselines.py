"""Baseline files: reviewed, checked, and exactly what the run measured."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from gate_runs import result, run, verdicts

from medcheck import baselines
from medcheck.errors import DatasetError, SettingsError, StoreError, WriterError
from medcheck.gate import decide
from medcheck.gate.measured import digest, sides
from medcheck.types import Criterion, Verdict

DAY = date(2026, 11, 21)
SCALE = Criterion(id="s", text="Clarity", points=5, scale=(1.0, 5.0))


def a_run(**told):
    scaled = (*verdicts("mmnn"), Verdict(criterion=SCALE, state="scored", value=4.5))
    results = [
        result("胸痛-1", "mmnn"),
        result("胸痛-1", "nmnu", repeat=2, value=0.1 + 0.2),
        result("b", verdicts=scaled),
        result("b", repeat=2, verdicts=scaled),
        result("c", value=0.5, category=("x", "y")),
        result("c", value=1 / 3, repeat=2, category=("x", "y")),
    ]
    return run(results, **{"conversations": {"b": "c"}, **told})


def accepted(**told):
    return baselines.accept(a_run(**told), by="Li Wei", reason="first release", day=DAY)


def test_round_trip(tmp_path):
    """What is read equals what was written, but for the texts, which a file does not hold."""
    made = accepted()
    path = baselines.write(made, tmp_path / "deep" / "r.json")
    found = baselines.read(path)
    assert (found.by, found.reason, found.day, found.run) == (
        "Li Wei", "first release", "2026-11-21", "r",
    )  # fmt: skip
    (before,), (after,) = made.sides, found.sides
    bare = tuple(replace(c, demands=(), answers=(), gradings=()) for c in before.cases)
    assert after.cases == bare
    assert (after.suite, after.model, after.protocol, after.judges) == (
        before.suite, before.model, before.protocol, before.judges,
    )  # fmt: skip
    assert after.compared == before.compared
    assert found.title == "run r, accepted on 2026-11-21 by Li Wei: first release"


def dated(tmp_path):
    """Return a file as it was written before it held terms and the settings of the gate."""
    data = json.loads(baselines.text(accepted(gate={"margin": 0.03})))
    for side in data["sides"]:
        del side["gate"]
        for case in side["cases"]:
            del case["terms"]
    data["hash"] = digest(data["sides"])
    path = tmp_path / "old.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def test_older_files(tmp_path):
    """A file without terms and settings of the gate is read and compared, and it is said."""
    found = baselines.read(dated(tmp_path))
    (now,) = sides(a_run(gate={"margin": 0.9}))
    decision = decide(found.sides[0], now)
    assert decision.status == "PASS"
    assert "NOTE: the baseline was accepted by an older medcheck" in decision.lines[1]


def test_settings_of_the_gate(tmp_path):
    """Margins stand in the file: a run that is decided by others says both."""
    path = baselines.write(accepted(gate={"margin": 0.03}), tmp_path / "r.json")
    (kept,) = baselines.read(path).sides
    assert kept.gate == {"margin": 0.03}
    (now,) = sides(a_run(gate={"margin": 0.9}))
    decision = decide(kept, now)
    assert "the gate's margin is 0.9, 0.03 with the baseline" in decision.lines[1]


def test_a_run_passes_against_its_own_file(tmp_path):
    """A file is as good as the run it was made of."""
    found = baselines.read(baselines.write(accepted(), tmp_path / "r.json"))
    (now,) = sides(a_run())
    assert decide(found.sides[0], now).status == "PASS"


def test_same_bytes(tmp_path):
    """The same run, person, reason and day give the same bytes, a line for each case."""
    first = baselines.write(accepted(), tmp_path / "a.json").read_bytes()
    assert baselines.write(accepted(), tmp_path / "b.json").read_bytes() == first
    lines = first.decode().splitlines()
    assert sum(line.strip().startswith('{"id"') for line in lines) == 3
    assert first.endswith(b"}\n")


def test_no_texts(tmp_path):
    """No question, answer, criterion or explanation stands in the file."""
    text = baselines.text(accepted())
    assert "胸痛-1" in text
    for private in ("胸痛 ", "Call 120", "Tells the user", "Be kind"):
        assert private not in text


@pytest.mark.parametrize(
    ("by", "reason"), [("", "why"), ("who", ""), ("  ", "why"), ("who", " \n")]
)
def test_who_and_why(by, reason):
    """Nobody accepts a run without a name and a reason."""
    with pytest.raises(SettingsError, match="a person and a reason"):
        baselines.accept(a_run(), by=by, reason=reason, day=DAY)


def test_incomplete_runs_are_no_baseline():
    """What was not measured cannot be compared with."""
    torn = run([result("a", "emnn"), result("b")])
    with pytest.raises(SettingsError, match="1 of 2 answers of m on triage not measured"):
        baselines.accept(torn, by="x", reason="y", day=DAY)
    with pytest.raises(SettingsError, match="no answer not measured"):
        baselines.accept(run([]), by="x", reason="y", day=DAY)
    allowed = run([result("a", "emnn"), result("b")], ungraded_at_most=0.5)
    assert baselines.accept(allowed, by="x", reason="y", day=DAY).sides[0].lost == 1


def test_find(tmp_path):
    """A file of the name is read; else a stored run is meant, but never by a path."""
    path = baselines.write(accepted(), tmp_path / "r.json")

    def stored(name):
        if name != "r":
            raise StoreError("no such run")
        return a_run()

    assert baselines.find(str(path), stored).by == "Li Wei"
    found = baselines.find("r", stored)
    assert (found.by, found.title, len(found.sides)) == ("", "run r", 1)
    with pytest.raises(SettingsError, match="no such baseline file"):
        baselines.find(str(tmp_path / "other"), stored)
    with pytest.raises(SettingsError, match="no such baseline file"):
        baselines.find("other.json", stored)
    with pytest.raises(StoreError):
        baselines.find("other", stored)


def test_place():
    """A file is named after its run, under cases/baselines."""
    assert baselines.place("demo-1") == Path("cases/baselines/demo-1.json")
    assert baselines.place("a/b", Path("x")).name == "a-b.json"


def changed(tmp_path, edit):
    data = json.loads(baselines.text(accepted()))
    edit(data)
    path = tmp_path / "r.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


EDITS = {
    "score": lambda d: d["sides"][0]["cases"][0]["scores"].__setitem__(0, 0.1),
    "judge": lambda d: d["sides"][0].__setitem__("judges", ["other"]),
    "case": lambda d: d["sides"][0]["cases"].pop(),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_changes_by_hand(edit, tmp_path):
    """A number, a judge or a case that was edited is noticed."""
    with pytest.raises(DatasetError, match="was changed after it was accepted") as caught:
        baselines.read(changed(tmp_path, edit))
    assert "r.json" in str(caught.value)
    assert "medcheck baseline accept" in str(caught.value)


def test_words_may_be_edited(tmp_path):
    """The reason is words for people: a reviewer may correct them."""
    path = changed(tmp_path, lambda d: d.__setitem__("reason", "second release"))
    assert baselines.read(path).reason == "second release"


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda d: d.__setitem__("schema", 2), "schema: 1 was expected"),
        (lambda d: d.pop("by"), "'by' is a required property"),
        (lambda d: d.__setitem__("extra", 1), "extra"),
        (
            lambda d: d["sides"][0]["cases"][1].__setitem__("scores", ["x"]),
            r"sides\[0\].cases\[1\].scores\[0\]",
        ),
        (lambda d: d["sides"][0]["cases"][1].__setitem__("states", ["q"]), r"states\[0\]"),
    ],
)
def test_schema(edit, said, tmp_path):
    """What is no baseline is refused, with the place that is wrong."""
    with pytest.raises(DatasetError, match=said):
        baselines.read(changed(tmp_path, edit))


def test_states_must_fit_the_scores(tmp_path):
    """Each repeat has a score and a line of states."""

    def edit(data):
        data["sides"][0]["cases"][0]["states"].pop()
        data["hash"] = digest(data["sides"])

    with pytest.raises(DatasetError, match=r"case 1 .* has 2 scores and 1 lines of states"):
        baselines.read(changed(tmp_path, edit))


@pytest.mark.parametrize(
    "text", ["", "[", '{"schema": NaN}', '{"a": 1, "a": 2}', "[" * 100_000, b"\xff"]
)
def test_no_json(text, tmp_path):
    """Whatever is no JSON, or names things twice, is one line for people."""
    path = tmp_path / "r.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DatasetError, match="cannot be read"):
        baselines.read(path)


def test_unwritable(tmp_path):
    """A file that cannot be written is an error of ours, and leaves nothing behind."""
    blocked = tmp_path / "file"
    blocked.write_text("x", encoding="utf-8")
    with pytest.raises(WriterError, match="cannot write the baseline"):
        baselines.write(accepted(), blocked / "r.json")
    (tmp_path / "r.json").mkdir()
    with pytest.raises(WriterError):
        baselines.write(accepted(), tmp_path / "r.json")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "r.json"]


def test_odd_characters(tmp_path):
    """A lone surrogate in a tag survives the way to the file and back."""
    made = baselines.accept(run([result("a", tags=("theme:\ud800",))]), by="x", reason="y", day=DAY)
    found = baselines.read(baselines.write(made, tmp_path / "r.json"))
    assert found.sides[0].cases[0].categories == ("theme:\ud800",)
