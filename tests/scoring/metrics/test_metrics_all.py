"""Properties of all metrics: the right answer earns 1, silence nothing, defects stay official."""

import sqlite3
import time

import pytest

from medcheck.errors import SettingsError
from medcheck.scoring.metrics import (
    CLASSED,
    METRICS,
    OFFICIAL,
    UNREADABLE,
    Gold,
    check,
    measure,
    official_of,
)

NOTE = "Patient was treated with metformin and left the hospital on day five."
CHOICE = Gold(references=("B",), facts={"options": {"A": "yes", "B": "no"}})
WRONG = Gold(
    references=("5 Give penicillin.",),
    facts={"flag": 1, "sentence_id": 5, "sentence": "Give iron.", "corrected": "Give penicillin."},
)
RIGHT = Gold(references=("CORRECT",), facts={"flag": 0})
CALC = Gold(references=("10",), facts={"calculator": "2", "category": "physical", "lower": "9.5",
                                       "upper": "10.5"})  # fmt: skip
LAB = Gold(references=CALC.references, facts={**CALC.facts, "category": "lab test"})
CODES = Gold(references=("J18.9",))
TEXT = Gold(references=(NOTE,))
QUERY = "SELECT n FROM t"
ANSWERS = ("", "  \n", "\u3000")


def golds(name, database):
    """Return the golds that a metric is for, each with its perfect answer."""
    base = name.removesuffix(OFFICIAL)
    sql = {"sql": QUERY, "answerable": True, "database": database}
    if base == "exact_match":
        return [(CHOICE, "B"), (Gold(references=("7",)), "7"), (Gold(references=("肺炎",)), "肺炎")]
    if base == "quasi_exact_match":
        return [
            (TEXT, NOTE),
            *(
                (Gold(references=(text,)), text)
                for text in ("肺炎", "A", "An", "the", "%", "*", "。")
            ),
            (Gold(references=("A",), facts=CHOICE.facts), "A"),
        ]
    if base == "medcalc":
        return [(CALC, "10"), (LAB, "10")]
    if base.startswith("medec"):
        return [(WRONG, WRONG.reference), (RIGHT, "CORRECT")]
    if base in ("ehr_sql_execution", "ehr_sql_structure"):
        return [(Gold(references=(QUERY,), facts=sql), QUERY)]
    if base.startswith("ehr_sql"):
        nothing = Gold(facts={"sql": None, "answerable": False, "database": database})
        abstains = "" if name.endswith(OFFICIAL) else "<sql></sql>"
        return [(Gold(references=(QUERY,), facts=sql), QUERY), (nothing, abstains)]
    return [(CODES, "J18.9")] if base.startswith("code") else [(TEXT, NOTE)]


@pytest.fixture
def database(tmp_path):
    """A database in which the query gives something."""
    path = tmp_path / "d.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t AS SELECT 4 AS n")
    connection.close()
    return str(path)


@pytest.fixture
def usable(request):
    """Skip a metric whose library is not installed."""
    name = request.getfixturevalue("name")
    try:
        check(name)
    except SettingsError as error:
        pytest.skip(str(error))
    return name


OURS = [name for name in METRICS if not name.endswith(OFFICIAL)]


@pytest.mark.parametrize("name", OURS)
def test_the_perfect_answer(name, usable, database):
    """A perfect answer earns 1 under every corrected metric."""
    for gold, perfect in golds(name, database):
        assert measure(name, perfect, gold).value == pytest.approx(1), (gold, perfect)


@pytest.mark.parametrize("name", OURS)
def test_silence(name, usable, database):
    """An empty answer earns 0, or is not measured, under every corrected metric."""
    for gold, _ in golds(name, database):
        for answer in ANSWERS:
            assert measure(name, answer, gold).value in (0, None)


@pytest.mark.parametrize("name", list(METRICS))
def test_within_bounds(name, usable, database):
    """Whatever is said, a value lies between 0 and 1, and none has a cause."""
    strange = [
        "x" * 5000, "答案是 A 或 B", "\\boxed{", "(" * 500, "NaN", "1e999", "<sql>;;</sql>",
        "\ud800", "5" * 200, "\x00", NOTE[:20],
    ]  # fmt: skip
    for gold, _ in [*golds(name, database), (Gold(), "")]:
        for answer in strange:
            found = measure(name, answer, gold)
            assert found.why if found.value is None else 0 <= found.value <= 1


DEFECTS = {
    "exact_match": (CHOICE, "The answer is B", 1, 0),
    "quasi_exact_match": (Gold(references=("A",)), "the", 0, 1),
    "medcalc": (LAB, "10", 1, 0),
    "medec_flag": (WRONG, "I cannot help.", 0, 1),
    "medec_sentence": (WRONG, WRONG.reference, 1, 0),
    "ehr_sql": (Gold(facts={"sql": None, "answerable": False}), "", 0, 1),
    "code_f1": (Gold(references=("S72.001A",)), "S72.109B", 0, 1),
    "code_precision": (Gold(references=("S72.001A",)), "S72.109B", 0, 1),
    "code_recall": (Gold(references=("S72.001A",)), "S72.109B", 0, 1),
    "rouge_1": (Gold(references=("肺炎",)), "肺炎", 1, 0),
    "rouge_2": (Gold(references=("肺炎",)), "肺炎", 1, 0),
    "rouge_l": (Gold(references=("肺炎",)), "肺炎", 1, 0),
}
"""By metric: a case on which the original is wrong, our value and the original's."""


@pytest.mark.parametrize("name", [name for name in OURS if official_of(name) != name])
def test_defects_only_under_official(name, usable, database):
    """Every official variant has a defect that ours has not."""
    gold, answer, ours, theirs = DEFECTS[name]
    gold = Gold(references=gold.references, facts={**gold.facts, "database": database})
    assert measure(name, answer, gold).value == pytest.approx(ours)
    assert measure(official_of(name), answer, gold).value == pytest.approx(theirs)


UNREAD = {
    "exact_match": (CHOICE, "A or B"),
    "medcalc": (CALC, "between 9 and 11"),
    "medec_flag": (WRONG, "I cannot help."),
    "medec_sentence": (WRONG, "I cannot help."),
    "ehr_sql": (Gold(references=(QUERY,), facts={"sql": QUERY}), "Let me think."),
    "ehr_sql_abstention": (Gold(references=(QUERY,), facts={"sql": QUERY}), "Let me think."),
}
"""By metric: a reply from which no answer can be read."""


@pytest.mark.parametrize("name", UNREAD)
def test_unreadable_replies_are_told_from_wrong_ones(name):
    """A reply that cannot be read is 0 with a cause of its own; a wrong answer has another one."""
    gold, reply = UNREAD[name]
    found = measure(name, reply, gold)
    assert (found.value, found.given) == (0, None)
    assert found.why in UNREADABLE
    assert measure(name, {"medcalc": "7"}.get(name, "A"), gold).why not in UNREADABLE or (
        name not in ("exact_match", "medcalc")
    )


def test_names():
    """An unknown name lists the nearest; a metric without a variant is its own official one."""
    with pytest.raises(SettingsError, match='Did you mean "exact_match"'):
        measure("exactmatch", "B", CHOICE)
    assert official_of("medec_correction") == "medec_correction"
    assert official_of("medcalc") == "medcalc_official"
    assert set(METRICS) >= CLASSED


@pytest.mark.parametrize(
    "name", [n for n in METRICS if not n.startswith(("BERT", "rouge", "bleu"))]
)
def test_long_replies_take_no_longer_than_they_are(name, database):
    """No reply, however odd, keeps a metric busy for more than a moment."""
    odd = (
        "answer ",
        "1,",
        "\\boxed{",
        "<sql>",
        "```sql\n",
        "选",
        "(",
        "1 weeks ",
        "A. x\n",
        "_a",
        "=",
        "I would choose ",
        "not B, ",
        "yes, ",
        "e11.9 ",
        "3/5/21 ",
        ": SELECT",
    )
    facts = {**CALC.facts, **WRONG.facts, "database": database}
    started = time.monotonic()
    for calculator, reference in (("2", "10"), ("13", "1/2/2020"), ("69", "('1 weeks', '2 days')")):
        gold = Gold(references=(reference,), facts={**facts, "calculator": calculator})
        for text in odd:
            measure(name, text * (20_000 // len(text)), gold)
    assert time.monotonic() - started < 5
