"""Samples: one subset for one seed, every stratum its share, the official rule exactly."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from medcheck.errors import SettingsError
from medcheck.suites.sampling import Sample, drawn, parse_sample
from medcheck.types import Case, Message


def case(number: int, *tags: str, category: tuple[str, ...] = ()) -> Case:
    message = Message(role="user", text=f"{number}")
    return Case(
        id=f"c{number}", suite="s", messages=(message,), grader="g", tags=tags, category=category
    )


CASES = [case(i, "theme:a" if i % 10 else "theme:b") for i in range(100)]


def test_same_seed_same_cases_in_the_files_order() -> None:
    """A seed decides the subset; the order of the file is kept; another seed, another subset."""
    first = drawn(CASES, Sample(n=20, seed=7), by="theme")
    assert first == drawn(CASES, Sample(n=20, seed=7), by="theme")
    assert [CASES.index(one) for one in first] == sorted(CASES.index(one) for one in first)
    assert first != drawn(CASES, Sample(n=20, seed=8), by="theme")


@pytest.mark.parametrize("n", [1, 7, 20, 55, 99])
def test_every_stratum_gives_its_share(n: int) -> None:
    """Each stratum gives its share, rounded up or down, and the total is exact."""
    counts = Counter(one.tags[0] for one in drawn(CASES, Sample(n=n), by="theme"))
    assert counts.total() == n
    assert abs(counts["theme:b"] - n / 10) < 1


def test_categories_come_before_tags() -> None:
    """Where cases have categories, these are the strata."""
    cases = [case(i, "theme:a", category=("x",) if i < 10 else ("y",)) for i in range(20)]
    counts = Counter(one.category for one in drawn(cases, Sample(n=10), by="theme"))
    assert counts == {("x",): 5, ("y",): 5}


def test_no_more_than_there_are() -> None:
    """A sample as large as the set, or larger, is the set."""
    assert drawn(CASES, Sample(n=100)) == CASES
    assert drawn(CASES, Sample(n=1000, official=True)) == CASES


def circles(sets: int, groups: int, copies: int = 5) -> list[Case]:
    """Return the rows of circular sets, a set's copies far from each other."""
    return [
        case(1000 * number + row, f"group:{number}-{row % groups}", category=(f"set{number}",))
        for number in range(sets)
        for row in range(groups * copies)
    ]


@pytest.mark.parametrize("n", [5, 7, 34, 100, 449])
def test_copies_of_a_question_come_all_or_none(n: int) -> None:
    """A sample of shuffled copies holds whole questions, and no more rows than it says."""
    cases = circles(3, 30)
    found = drawn(cases, Sample(n=n))
    assert set(Counter(one.tags[0] for one in found).values()) == {5}
    assert n - 5 < len(found) <= n
    by_set = Counter(one.category for one in found)
    assert max(by_set.values()) - min(by_set[one.category] for one in cases) <= 10
    assert found == sorted(found, key=cases.index)
    assert found == drawn(cases, Sample(n=n))


def test_one_question_is_the_least() -> None:
    """A sample that is smaller than every question is one question, not nothing."""
    assert len(drawn(circles(2, 4), Sample(n=2))) == 5


def test_rows_without_copies_are_drawn_as_ever() -> None:
    """Copies in one stratum do not move what is drawn in the strata before it."""
    plain = [case(i, category=("a",)) for i in range(50)]
    found = drawn([*plain, *circles(1, 10)], Sample(n=20, seed=3))
    rows = random.Random(3).sample(range(50), 10)
    assert [one for one in found if one.category == ("a",)] == [plain[row] for row in sorted(rows)]
    assert len(found) == 20


def test_the_official_rule() -> None:
    """official:N is Random(0).sample on the file's order, in the order drawn."""
    rows = random.Random(0).sample(range(100), 10)
    assert drawn(CASES, parse_sample("official:10")) == [CASES[row] for row in rows]


def test_what_a_sample_may_be() -> None:
    """N, official:N and {n, seed} are samples."""
    assert parse_sample("20", seed=3) == Sample(n=20, seed=3)
    assert parse_sample(20) == Sample(n=20)
    assert parse_sample({"n": 5, "seed": 7}) == Sample(n=5, seed=7)
    assert parse_sample({"n": 5}, seed=2) == Sample(n=5, seed=2)
    assert parse_sample("official:9") == Sample(n=9, official=True)
    assert parse_sample(Sample(n=1)) == Sample(n=1)


@pytest.mark.parametrize("value", ["0", "-1", "x", "official:0", "official:", "1.5", "", "٣"])
def test_what_a_sample_may_not_be(value: str) -> None:
    """Anything else is an error that shows the value."""
    with pytest.raises(SettingsError, match=r"expected N or official:N, with N from 1\.") as caught:
        parse_sample(value)
    assert f'sample "{value}"' in str(caught.value)
