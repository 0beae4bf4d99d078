"""The gate keeps its promises: the simulations of benchmarks/gate.py with fewer draws."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

PATH = Path(__file__).resolve().parents[2] / "benchmarks" / "gate.py"
RUNS = 4000


@pytest.fixture(scope="module")
def simulated():
    """Return benchmarks/gate.py as a module."""
    spec = importlib.util.spec_from_file_location("benchmarks_gate", PATH)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.mark.parametrize("n", [20, 100, 500])
def test_intervals_cover(n, simulated):
    """A 95 % interval of left-tailed scores holds the truth in 93.5 to 96.5 % of all runs."""
    assert 0.935 <= simulated.coverage(n, runs=RUNS, seed=n) <= 0.965


def test_intervals_cover_clusters(simulated):
    """So does the cluster-robust interval of 100 clusters of 5 that correlate by a half."""
    assert 0.935 <= simulated.cluster_coverage(runs=RUNS, seed=1) <= 0.965


@pytest.mark.parametrize(("n", "most"), [(35, 0.07), (100, 0.06), (500, 0.06)])
def test_false_alarms(n, most, simulated):
    """Without a change the gate seldom fails, overall and all themes together."""
    found = simulated.gate(n, runs=RUNS, seed=n)
    assert 0.02 <= found.fail <= most


@pytest.mark.parametrize(
    ("drop", "repeats", "least"), [(0.03, 1, 0.90), (0.02, 1, 0.60), (0.02, 3, 0.95)]
)
def test_power(drop, repeats, least, simulated):
    """On 500 cases a true loss is found as often as promised."""
    assert simulated.gate(500, runs=RUNS, seed=7, drop=drop, repeats=repeats).fail >= least


def test_power_on_a_theme(simulated):
    """A loss of 0.10 in one theme of 18 % of the cases is found."""
    assert simulated.gate(500, runs=RUNS, seed=8, drop=0.10, theme=2).fail >= 0.90


@pytest.mark.parametrize("n", [100, 500])
@pytest.mark.parametrize("repeats", [1, 3])
def test_false_pass(n, repeats, simulated):
    """A true loss as large as the margin seldom passes."""
    assert simulated.gate(n, runs=RUNS, seed=n, drop=0.03, repeats=repeats).passed <= 0.05
