"""How small a difference a sample shows, and how large it must be."""

from __future__ import annotations

import pytest

from medcheck.stats.power import (
    detectable,
    needed_cases,
    needed_repeats,
    planned_cases,
    power_of,
    reach,
)


def test_reach():
    """One-sided 5 % and 80 % power are 2.486 standard errors apart."""
    assert reach() == pytest.approx(2.486, abs=5e-4)
    assert detectable(0.01) == pytest.approx(0.02486, abs=5e-6)


def test_the_detectable_effect_has_its_power():
    """The smallest detectable difference is found with the power asked for."""
    assert power_of(detectable(0.02), 0.02) == pytest.approx(0.8)
    assert power_of(-detectable(0.02, power=0.9), 0.02) == pytest.approx(0.9)


def test_needed_cases():
    """Half the effect takes four times the cases."""
    # 2.48647^2 * 0.205^2 / 0.03^2 = 288.7
    error = 0.205 / 100**0.5
    assert needed_cases(0.03, error, 100) == 289
    assert needed_cases(0.015, error, 100) == 1155
    assert needed_cases(10.0, error, 100) == 2


def test_planned_cases():
    """Repeats help the noise of the answers, not the spread of the true difference."""
    noise = 0.205**2 / 2
    assert planned_cases(0.03, between=0.0, old_noise=noise, new_noise=noise) == 289
    assert planned_cases(0.03, between=0.0, old_noise=noise, new_noise=noise, repeats=3) == 97
    assert planned_cases(0.03, between=0.205**2, old_noise=0, new_noise=0, repeats=9) == 289


def test_needed_repeats():
    """As many answers as bring the noise down; none, where cases differ too much."""
    noise = 0.205**2
    assert needed_repeats(0.03, n=289, between=0.0, noise=noise) == 1
    assert needed_repeats(0.03, n=97, between=0.0, noise=noise) == 3
    assert needed_repeats(0.03, n=97, between=noise, noise=noise) is None
    assert needed_repeats(0.03, n=97, between=0.0, noise=0.0) == 1
