"""Inline cases become frozen cases: defaults, ids, checks, images, copies."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from medcheck.errors import DatasetError
from medcheck.suites import Suite, load_suite
from medcheck.types import Criterion, Message


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def loaded(text: str) -> Suite:
    Path("s.yaml").write_text(text, encoding="utf-8")
    return load_suite(Path("s.yaml"))


def test_a_case_with_everything() -> None:
    """Every field of an inline case arrives under its type, with the line it stands on."""
    suite = loaded("""\
suite: s
grader: {name: rubric, judges: [j]}
cases:
  - id: first
    prompt: x
    checks: [{contains: y}]
  - id: 胸痛-1
    messages:
      - {role: system, content: 你是医生}
      - {role: user, content: 胸痛怎么办？}
    criteria:
      - {text: 建议立即拨打120, points: 10, tags: [axis:accuracy], source: 指南, level: A1}
      - {id: wait, text: Suggests waiting, points: -8, zero_tolerance: true, scale: [1, 5]}
    checks:
      - {contains: ["120", 急救]}
      - {max_words: 200, points: 2, text: Is short, tags: length, id: short}
    tags: [theme:hedging, lang:zh]
    category: [a, b]
    references: 立即拨打120
    follows: first
    pass_at: 0.5
    labels: {"1": true}
""")
    case = suite.case("胸痛-1")

    assert case.messages == (
        Message(role="system", text="你是医生"),
        Message(role="user", text="胸痛怎么办？"),
    )
    assert case.criteria == (
        Criterion(
            id="1",
            text="建议立即拨打120",
            points=10,
            tags=("axis:accuracy",),
            source="指南",
            level="A1",
        ),
        Criterion(id="wait", text="Suggests waiting", points=-8, zero_tolerance=True, scale=(1, 5)),
        Criterion(
            id="3", text='contains "120", "急救"', points=1, check={"contains": ["120", "急救"]}
        ),
        Criterion(
            id="short", text="Is short", points=2, check={"max_words": 200}, tags=("length",)
        ),
    )
    assert (case.suite, case.grader, case.options) == ("s", "rubric", suite.grader)
    assert (case.tags, case.category) == (("theme:hedging", "lang:zh"), ("a", "b"))
    assert (case.references, case.follows, case.pass_at) == (("立即拨打120",), "first", 0.5)
    assert case.labels == {"1": True}
    assert case.origin is not None
    assert (case.origin.path, case.origin.line) == ("s.yaml", 7)
    assert {type(criterion.points) for criterion in case.criteria} == {float}


def test_defaults() -> None:
    """Defaults fill what a case does not say; default tags are added to its own, each once."""
    suite = loaded("""\
suite: s
defaults: {tags: [lang:en, x], system: Be brief., pass_at: 0.4, category: c}
cases:
  - {id: a, prompt: p, checks: [{contains: y}]}
  - id: b
    messages: [{role: system, content: own}, {role: user, content: p}]
    tags: x
    pass_at: null
    category: d
    checks: [{contains: y}]
""")
    a, b = suite.cases

    assert a.messages == (Message(role="system", text="Be brief."), Message(role="user", text="p"))
    assert (a.tags, a.pass_at, a.category) == (("lang:en", "x"), 0.4, ("c",))
    assert b.messages[0].text == "own"
    assert (b.tags, b.pass_at, b.category) == (("x", "lang:en"), None, ("d",))


def test_copies_of_a_prompt_are_counted() -> None:
    """The second case with the same messages is copy 1, so that both are asked."""
    suite = loaded("""\
suite: s
defaults: {system: z}
cases:
  - {id: a, prompt: p, checks: [{contains: y}]}
  - {id: b, prompt: q, checks: [{contains: y}]}
  - {id: c, prompt: p, checks: [{contains: z}]}
  - {id: d, prompt: p, checks: [{contains: z}]}
""")
    assert [case.copy for case in suite.cases] == [0, 0, 1, 2]


IMAGE = """\
suite: s
cases:
  - id: a
    messages: [{role: user, content: What is this?, images: [%s]}]
    checks: [{contains: y}]
"""


def test_images_are_hashed() -> None:
    """An image arrives with its path, sha256 and type."""
    Path("i").mkdir()
    Path("i/ct.PNG").write_bytes(b"png")

    [image] = loaded(IMAGE % "i/ct.PNG").cases[0].messages[0].images
    assert (image.path, image.mime) == ("i/ct.PNG", "image/png")
    assert image.sha256 == hashlib.sha256(b"png").hexdigest()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ct.png", 'image "ct.png" is not there. Add the file or remove its name.'),
        ("../ct.png", 'path "../ct.png" leads out of the suite\'s folder.'),
        ("s.yaml", 'image "s.yaml" is of no known kind. Known: .png .jpg .jpeg .gif .webp.'),
    ],
)
def test_an_image_that_cannot_be_sent(name: str, message: str) -> None:
    """A missing, foreign or unknown image is an error with the case's place, never left out."""
    with pytest.raises(DatasetError) as caught:
        loaded(IMAGE % name)
    assert str(caught.value).startswith(f"s.yaml:3:5: {message}")
