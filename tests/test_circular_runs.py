"""`circular: K` through whole runs: memorized letters lose their credit, knowledge keeps it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from servers import Server

QUESTIONS = {
    "scurvy": ("C", ["Vitamin A", "Vitamin B12", "Vitamin C", "Vitamin D"]),
    "insulin": ("B", ["Liver", "Pancreas", "Spleen", "Kidney"]),
    "malaria": ("D", ["A virus", "A fungus", "A prion", "A parasite"]),
}
HEAD = """\
suite: keys
grader: {name: closed, format: letter}
circular: 4
summary: {measure: mean, by: [consistent, accuracy, group_accuracy, circular_drop]}
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
    """A model that knows letters has a drop, one that knows answers has none; -n 2 alike."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    status, said, rows, bodies = run(tmp_path / "a", suite(), memory, "-n", "2")
    assert (status, len(bodies)) == (0, 12)
    assert rows["group_accuracy:keys"]["value"] == 0
    accuracy = rows["accuracy:keys"]["value"]
    assert 3 / 12 <= accuracy < 1, "the questions as written are right"
    assert rows["circular_drop:keys"]["value"] == accuracy
    assert re.search(rf"circular_drop:keys +{accuracy:.3f}", said)
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


def test_a_question_without_options(tmp_path: Path) -> None:
    """A case that offers no options is an error before a call, with the place of `circular`."""
    text = suite() + '  - {id: open, prompt: "What now?", labels: {gold: A}}\n'
    status, said, _, bodies = run(tmp_path, text, knowledge)
    assert status != 0
    assert bodies == []
    assert 'case "open" offers no lettered options' in said
    assert "keys.yaml:3:" in said


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
