"""One of k answers passes, or all of k do: counted over all choices of k."""

from __future__ import annotations

from itertools import combinations
from statistics import fmean

import pytest

from medcheck.errors import SettingsError
from medcheck.stats.repeats import pass_all_k, pass_at_k

CASES = [[True, False, True, True], [False, False, True, False], [False] * 4]


@pytest.mark.parametrize("k", [1, 2, 3, 4])
@pytest.mark.parametrize(("function", "how"), [(pass_at_k, any), (pass_all_k, all)])
def test_equal_to_all_choices(function, how, k):
    """The closed form is the share over all choices of k answers."""
    expected = fmean(fmean(how(chosen) for chosen in combinations(case, k)) for case in CASES)
    assert function(CASES, k) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("function", [pass_at_k, pass_all_k])
def test_too_few_answers(function):
    """Fewer answers than k, or no cases, are not measured; k below 1 is an error."""
    assert function([[True, True], [True]], 2) is None
    assert function([], 1) is None
    with pytest.raises(SettingsError, match="k of 1 or more"):
        function(CASES, 0)
