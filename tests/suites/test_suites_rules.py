"""What a schema cannot say: ids, conversations, points, checks, tags, names on shelves."""

from __future__ import annotations

from pathlib import Path

import pytest

from medcheck.errors import SuiteError
from medcheck.suites import load_suite
from medcheck.suites.rules import Seen, grader_of, id_problem, points_problem, tag_problem
from medcheck.types import Criterion

GOOD = "checks: [{contains: y}]"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def problems(text: str) -> list[str]:
    Path("s.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(SuiteError) as caught:
        load_suite(Path("s.yaml"))
    return str(caught.value).split("\n")


def of_cases(*cases: str) -> list[str]:
    listed = "".join(f"- {{{case}}}\n" for case in cases)
    return problems(f"suite: s\ncases:\n{listed}")


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "Chest-pain_2.b",
        "hedging-儿童发热",
        "胸痛",
        "日本語ー",
        "हिन्दी",
        "Zürich",
        "x" * 120,
        "e\u0301",
    ],
)
def test_ids_of_any_script(text: str) -> None:
    """Letters of any script with their vowel signs, digits and . _ - may stand in an id."""
    assert id_problem(text) is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a::b", 'character ":" (U+003A) at position 2 is not allowed in an id.'),
        ("<b>", 'character "<" (U+003C) at position 1 is not allowed in an id.'),
        ("a b", 'character " " (U+0020) at position 2 is not allowed in an id.'),
        ("a[1]", 'character "[" (U+005B) at position 2 is not allowed in an id.'),
        ("a/b", 'character "/" (U+002F) at position 2 is not allowed in an id.'),
        ("a\u200bb", "character U+200B at position 2 is not allowed in an id."),
        ("a\ufe0f", "at position 2 is not allowed in an id."),
        ("\u0301a", "at position 1 is not allowed in an id."),
        ("a²", 'character "²" (U+00B2) at position 2 is not allowed in an id.'),
        ("胸痛？", 'character "？" (U+FF1F) at position 3 is not allowed in an id.'),
        ("x" * 121, "the id has 121 characters; at most 120 are allowed."),
    ],
)
def test_ids_that_would_break_something(text: str, problem: str) -> None:
    """The message says which character, and where."""
    assert (id_problem(text) or "").endswith(problem)


def test_an_id_in_the_file() -> None:
    """A wrong id is reported at its place, with what is allowed."""
    assert of_cases(f"id: 'a::b', prompt: x, {GOOD}") == [
        's.yaml:3:8: cases[0].id: character ":" (U+003A) at position 2 is not allowed in an id. '
        "Use letters of any script, digits and . _ - only."
    ]


def test_a_suite_name_in_the_file() -> None:
    """The suite's own name follows the same rule."""
    [found] = problems(f"suite: a b\ncases: [{{id: a, prompt: x, {GOOD}}}]\n")
    assert found.startswith('s.yaml:1:8: suite: character " " (U+0020) at position 2')


def test_duplicate_ids_name_both_lines() -> None:
    """The second use of an id names the line of the first; Unicode forms do not hide it."""
    good = f"prompt: x, {GOOD}"
    assert of_cases(
        f"id: a, {good}", f"id: é, {good}", f"id: a, {good}", f"id: e\u0301, {good}"
    ) == [
        's.yaml:5:8: cases[2].id: duplicate id "a", first at s.yaml:3. Rename one of them.',
        's.yaml:6:8: cases[3].id: duplicate id "e\u0301", first at s.yaml:4. Rename one of them.',
    ]


@pytest.mark.parametrize(
    ("case", "message"),
    [
        (
            f"id: a, {GOOD}",
            "3:3: cases[0]: has neither prompt nor messages. Give one of them.",
        ),
        (
            f"id: a, prompt: x, messages: [{{role: user, content: y}}], {GOOD}",
            "3:3: cases[0]: has both prompt and messages. Give one of them.",
        ),
        (
            "id: a, messages: [{role: user, content: y}, {role: assistant, content: z}], "
            f"{GOOD}",
            "3:48: cases[0].messages[1]: the last message is from assistant, not from the user. "
            "End with what the model must answer.",
        ),
        (
            f"id: a, messages: [{{role: user, content: y}}, {{role: system, content: z}}, "
            f"{{role: user, content: y}}], {GOOD}",
            "3:55: cases[0].messages[1].role: a system message must come first. "
            "Move it to the top.",
        ),
        (
            f"id: a, prompt: x, follows: b, {GOOD}",
            '3:31: cases[0].follows: there is no earlier case "b". '
            "Name a case that stands before this one.",
        ),
        (
            f"id: a, prompt: x, follows: a, {GOOD}",
            '3:31: cases[0].follows: there is no earlier case "a". '
            "Name a case that stands before this one.",
        ),
        (
            "id: a, prompt: x",
            '3:3: cases[0]: no criteria and no checks; the grader "rubric" needs some. '
            "Add one with points above 0.",
        ),
        (
            "id: a, prompt: x, criteria: [{text: t, points: -8}]",
            "3:32: cases[0].criteria: no criterion or check has points above 0, so no score can "
            "be computed. Add one with points above 0.",
        ),
        (
            "id: a, prompt: x, checks: [{contains: y, points: -1}]",
            "3:3: cases[0]: no criterion or check has points above 0, so no score can be "
            "computed. Add one with points above 0.",
        ),
        (
            "id: a, prompt: x, checks: [{contains: y, regex: z}]",
            "3:31: cases[0].checks[0]: holds contains and regex. Write one entry for each.",
        ),
        (
            "id: a, prompt: x, checks: [{points: 2}]",
            "3:31: cases[0].checks[0]: names no check. Known: contains, not_contains, equals, "
            "regex, not_regex, json_schema, max_words, min_words, numeric.",
        ),
        (
            "id: a, prompt: x, checks: [{contain: y}]",
            '3:32: cases[0].checks[0].contain: unknown field. Did you mean "contains"?',
        ),
        (
            "id: a, prompt: x, checks: [{regex: '('}]",
            "3:39: cases[0].checks[0].regex: not a regular expression: missing ), unterminated "
            "subpattern at position 0.",
        ),
        (
            "id: a, prompt: x, checks: [{max_words: 0}]",
            "3:43: cases[0].checks[0].max_words: must be at least 1, found 0.",
        ),
        (
            "id: a, prompt: x, checks: [{contains: y, id: z}, {contains: y, id: z}]",
            '3:71: cases[0].checks[1].id: criterion id "z" is already used on line 3. '
            "Rename one of them.",
        ),
        (
            f'id: a, prompt: x, tags: ["a\\u202eb"], {GOOD}',
            "3:29: cases[0].tags[0]: control character U+202E is not allowed in a tag. "
            "Shorten or correct it.",
        ),
        (
            f"id: a, prompt: x, tags: ['theme:x', theme_x], {GOOD}",
            '3:40: cases[0].tags[1]: tags "theme:x" and "theme_x" have the same marker theme_x. '
            "Write one of them differently.",
        ),
    ],
)
def test_each_rule_has_its_message(case: str, message: str) -> None:
    """A broken rule is one line: where, what, what to do."""
    assert of_cases(case) == [f"s.yaml:{message}"]


def test_default_ids_of_criteria_count_too() -> None:
    """An id that is another criterion's default number is a duplicate."""
    found = of_cases(
        "id: a, prompt: x, criteria: [{text: t, points: 1}, {id: '1', text: u, points: 1}]"
    )
    assert found == [
        's.yaml:3:60: cases[0].criteria[1].id: criterion id "1" is already used on line 3. '
        "Rename one of them."
    ]


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ("grader: rubrik", '3:9: grader: unknown grader "rubrik". Did you mean "rubric"?'),
        (
            "grader: {name: rubrik}",
            '3:16: grader.name: unknown grader "rubrik". Did you mean "rubric"?',
        ),
        ("grader: {judgez: [a]}", '3:10: grader.judgez: unknown field. Did you mean "judges"?'),
        (
            "data: {format: healthbenc, path: x}",
            '3:16: data.format: unknown format "healthbenc". Did you mean "healthbench"?',
        ),
        (
            "data: {format: healthbench, path: x, options: {subset: hart}}",
            "3:56: data.options.subset: expected one of main, hard, consensus, found the text "
            '"hart". Did you mean "hard"?',
        ),
        (
            "data: {format: healthbench, path: x, where: {subset: hart}}",
            '3:54: data.where.subset: there is no subset "hart". Did you mean "hard"?',
        ),
        (
            "data: {format: healthbench, path: ../x}",
            '3:35: data.path: path "../x" leads out of the suite\'s folder. '
            "Put the file below the suite's folder.",
        ),
        (
            "data: {format: healthbench, path: /x}",
            '3:35: data.path: path "/x" is not relative to the suite\'s folder. '
            "Put the file below the suite's folder.",
        ),
    ],
)
def test_names_on_shelves_and_paths(block: str, message: str) -> None:
    """An unknown grader, format or subset and a path that leads away are found before reading."""
    text = f"suite: s\ncases: [{{id: a, prompt: x, {GOOD}}}]\n{block}\n"
    assert problems(text) == [f"s.yaml:{message}"]


def test_a_suite_without_cases() -> None:
    """A suite names cases, data or fragments."""
    assert problems("suite: s\n") == [
        "s.yaml:1:1: the suite has no cases. Add cases, data or include."
    ]


def test_tags_clash_across_cases() -> None:
    """Two tags with one marker are an error wherever in the suite they stand."""
    found = of_cases(f"id: a, prompt: x, tags: a b, {GOOD}", f"id: b, prompt: x, tags: a-b, {GOOD}")
    assert found == [
        's.yaml:4:28: cases[1].tags: tags "a b" and "a-b" have the same marker a_b. '
        "Write one of them differently."
    ]


def test_long_and_hidden_tags() -> None:
    """A tag has at most 100 characters and no control characters."""
    assert tag_problem("x" * 100) is None
    assert tag_problem("x" * 101) == "the tag has 101 characters; at most 100 are allowed."
    assert tag_problem("a\nb") == "control character U+000A is not allowed in a tag."
    assert tag_problem("专科:心内") is None


def test_only_graders_by_criteria_need_points() -> None:
    """A grader that works otherwise takes cases without criteria."""
    assert points_problem((), "closed") is None
    assert points_problem((Criterion(id="1", text="t", points=-1),), "none") is None
    assert points_problem((Criterion(id="1", text="t", points=1),), "claims") is None


def test_name_of_the_grader() -> None:
    """The grader is the suite's own, and rubric by default; broken data do not matter here."""
    assert [grader_of(data) for data in ({"grader": "jury"}, {"grader": {"name": "none"}})] == [
        "jury",
        "none",
    ]
    broken = ({}, None, {"grader": 5}, {"grader": {"name": 5}}, {"data": {"format": "healthbench"}})
    assert {grader_of(data) for data in broken} == {"rubric"}


def test_seen_ids_remember_where() -> None:
    """A repeated id names where it was first given."""
    seen = Seen()
    assert seen.id_problem("a", "s.yaml:1") is None
    assert seen.id_problem("a", "s.yaml:1") == 'duplicate id "a", first at s.yaml:1.'


@pytest.mark.parametrize(
    "text",
    [
        "suite: s\ncases: {a: b}",
        "suite: s\ncases: [1, [2], {id: 3, criteria: x, checks: 4, tags: 5, messages: 6}]",
        "suite: [1]\ngrader: {name: 5}\ndata: {format: 5, where: 3, path: [x]}\ncases: 1",
        "suite: s\ncases: [{id: a, follows: 3, messages: [x, 3], criteria: [x], grader: [1]}]",
        "suite: s\ncases: [{id: a, prompt: x, tags: [1, {a: 2}], criteria: [{points: []}]}]",
        "suite: s\ndefaults: 5\ninclude: 5\ncases: [{id: a, prompt: x, checks: [{contains: 5}]}]",
    ],
)
def test_wrong_types_are_the_schemas_to_report(text: str) -> None:
    """Rules pass over what is of a wrong type instead of crashing."""
    assert all(line.startswith("s.yaml:") for line in problems(text))


def test_agreement_needs_a_judge_under_test() -> None:
    """Pairwise F1 is a measure of the grader meta alone, and knows no answer's length."""
    text = f"suite: s\ncases: [{{id: a, prompt: x, {GOOD}}}]\nsummary: "
    assert problems(text + "{measure: pairwise_f1}") == [
        's.yaml:3:20: summary.measure: "pairwise_f1" rates a judge, but the grader is "rubric". '
        "Choose mean or clipped_mean, or the grader meta."
    ]
    meta = "suite: s\ncases: [{id: a, prompt: x}]\ngrader: meta\nsummary: "
    cost = "length_adjusted: {center: 0, penalty_per_500: 0}"
    assert problems(meta + f"{{measure: pairwise_f1, {cost}}}") == [
        "s.yaml:4:50: summary.length_adjusted: a judge's verdicts have no length to adjust for. "
        "Remove it."
    ]
