"""`circular: K` through whole runs: memorized letters lose their credit, knowledge keeps it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from servers import Server

from medcheck.errors import DatasetError
from medcheck.suites.audit import audit

QUESTIONS = {
    "scurvy": ("C", ["Vitamin A", "Vitamin B12", "Vitamin C", "Vitamin D"]),
    "insulin": ("B", ["Liver", "Pancreas", "Spleen", "Kidney"]),
    "malaria": ("D", ["A virus", "A fungus", "A prion", "A parasite"]),
}
HEAD = """\
suite: keys
grader: {name: closed, format: letter}
circular: 4
summary: {measure: mean, by: [consistent, accuracy]}
defaults: {tags: "format:letter"}
cases:
"""


def listed(options: list[str]) -> str:
    return "\n".join(f"{letter}. {text}" for letter, text in zip("ABCD", options, strict=True))


def suite() -> str:
    cases = [
        {"id": name, "prompt": f"{name}?\n{listed(options)}", "labels": {"gold": key}}
        for name, (key, options) in QUESTIONS.items()
    ]
    return HEAD + "".join(f"  - {json.dumps(case)}\n" for case in cases)


def asked(body: Any) -> tuple[str, str, list[str]]:
    """Return the key's letter and text as written, and the options in the order of the copy."""
    text = body["messages"][-1]["content"]
    key, options = QUESTIONS[text.split("?")[0]]
    return key, options["ABCD".index(key)], re.findall(r"(?m)^[A-D]\. (.+)$", text)


def memory(body: Any) -> str:
    """Answer with the letter that the question had where it was learned."""
    return asked(body)[0]


def knowledge(body: Any) -> str:
    """Answer with the letter in front of the right text."""
    _, text, options = asked(body)
    return "ABCD"[options.index(text)]


def run(
    place: Path, text: str, script: Any, *options: str
) -> tuple[int, str, dict[str, Any], list[Any]]:
    """Run a suite; return exit status, output, summary rows by group, and what was asked."""
    (place / "cases").mkdir(exist_ok=True)
    (place / "cases" / "keys.yaml").write_text(text, encoding="utf-8")
    (place / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    with Server(script) as server:
        done = subprocess.run(
            [
                sys.executable, "-m", "pytest", "-q", "cases/keys.yaml", "--model=m",
                f"--base-url={server.url}", "--run=r", "-p", "no:cacheprovider", *options,
            ],
            cwd=place, capture_output=True, encoding="utf-8", check=False,
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        )  # fmt: skip
        bodies = server.bodies
    file = place / "reports" / "r" / "summary.json"
    rows = json.loads(file.read_text(encoding="utf-8"))["rows"] if file.exists() else []
    return done.returncode, done.stdout + done.stderr, {row["group"]: row for row in rows}, bodies


def test_memory_and_knowledge(tmp_path: Path) -> None:
    """Letters learned by heart have a drop, always printed, answers have none; -n 2 alike."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    status, said, rows, bodies = run(tmp_path / "a", suite(), memory, "-n", "2")
    assert (status, len(bodies)) == (0, 12)
    assert rows["group_accuracy:keys"]["value"] == 0
    accuracy = rows["accuracy:keys"]["value"]
    assert 3 / 12 <= accuracy < 1, "the questions as written are right"
    assert rows["circular_drop:keys"]["value"] == 1, "as written all are right, in copies none"
    assert re.search(r"circular_drop:keys +1\.000", said)
    status, _, rows, _ = run(tmp_path / "b", suite(), knowledge)
    assert status == 0
    for group in ("consistent", "accuracy", "group_accuracy"):
        assert rows[f"{group}:keys"]["value"] == 1, group
    assert rows["circular_drop:keys"]["value"] == 0


def test_copies_are_alike_for_all(tmp_path: Path) -> None:
    """Each question comes as written and in three other orders, the same ones every time."""
    orders = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        _, _, _, bodies = run(tmp_path / name, suite(), knowledge)
        orders.append(sorted((asked(body)[1], tuple(asked(body)[2])) for body in bodies))
    assert orders[0] == orders[1]
    assert len(set(orders[0])) == 12
    for key, options in QUESTIONS.values():
        own = [order for text, order in orders[0] if text == options["ABCD".index(key)]]
        assert tuple(options) in own
        assert {frozenset(order) for order in own} == {frozenset(options)}


def loaded(place: Path, text: str) -> Any:
    """Load a suite of this text."""
    from medcheck.suites import load_suite

    path = place / "keys.yaml"
    path.write_text(text, encoding="utf-8")
    return load_suite(path)


def test_a_question_without_options(tmp_path: Path) -> None:
    """A case that offers no options is asked once, and a note says so; the others are copied."""
    text = suite() + '  - {id: open, prompt: "What now?", labels: {gold: A}}\n'
    found = loaded(tmp_path, text)
    assert [case.id for case in found.cases][-1] == "open"
    assert len(found.cases) == 13
    assert found.notes == ("keys: asked once, not 4 times: open (offers no lettered options).",)
    assert [str(finding.severity) for finding in audit(found)] == ["warning"]


def test_no_question_with_options(tmp_path: Path) -> None:
    """`circular` over nothing that can be shuffled is an error with its place."""
    head = suite().split("cases:")[0]
    with pytest.raises(DatasetError, match="no case can be shuffled: open") as caught:
        loaded(tmp_path, head + 'cases:\n  - {id: open, prompt: "What now?"}\n')
    assert "keys.yaml:3:" in str(caught.value)


@pytest.mark.parametrize("part", ["labels: {gold: K}", "checks: [{equals: C}]"])
def test_gold_that_does_not_move(tmp_path: Path, part: str) -> None:
    """Gold or checks that would stay behind are an error before the run, not a score of 0."""
    text = suite() + f'  - {{id: odd, prompt: "?\\nA. a1\\nB. b1\\nC. c1", {part}}}\n'
    with pytest.raises(DatasetError, match='case "odd"'):
        loaded(tmp_path, text)


def test_the_shipped_starters_can_be_asked_in_circles(project: Path) -> None:
    """Suites in which not every case is a choice take `circular` all the same."""
    from medcheck.suites import load_suite

    for name in ("medhelm_starter", "medbench_starter"):
        path = project / "cases" / f"{name}.yaml"
        plain = load_suite(path)
        copied = load_suite(path, overrides={"circular": 3})
        assert len(copied.cases) > len(plain.cases), name
        assert copied.notes, name
        assert audit(copied)[0].severity == "warning"
        assert not [finding for finding in audit(copied) if finding.severity == "error"]


def test_the_example_of_the_docs(project: Path, tmp_path: Path) -> None:
    """The suite in docs/suites.md loads and has four copies of its question."""
    from medcheck.suites import load_suite

    page = (project / "docs" / "suites.md").read_text(encoding="utf-8")
    [text] = [b for b in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if "circular: 4" in b]
    path = tmp_path / "keys.yaml"
    path.write_text(text, encoding="utf-8")
    loaded = load_suite(path)
    assert [case.id for case in loaded.cases] == ["scurvy", "scurvy.c1", "scurvy.c2", "scurvy.c3"]
    for case in loaded.cases:
        gold = case.labels["gold"]
        assert f"{gold}. Vitamin C" in case.messages[-1].text
