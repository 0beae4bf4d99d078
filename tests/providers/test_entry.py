"""Entries, keys and costs."""

import copy

import pytest

from medcheck.providers import Entry, Price, Secret, cost_usd
from medcheck.types import Usage


def test_secret_never_shows():
    """A key shows as stars in every way to print it, and cannot be copied to a file."""
    secret = Secret("sk-very-secret")
    shown = f"{secret} {secret!r} {secret!s:>5} {[secret]} {({'key': secret},)}"
    assert "very" not in shown
    assert shown.count("***") == 5
    assert secret.reveal() == "sk-very-secret"
    with pytest.raises(TypeError):
        copy.copy(secret)
    assert not Secret("")


def test_host_is_all_that_shows_of_an_address():
    """Only host and port are printed; a query may hold secrets and is not part of the repr."""
    entry = Entry(name="m", base_url="https://h.example.com:444/v1", query={"key": "s3cr3t"})
    assert entry.host == "h.example.com:444"
    assert "s3cr3t" not in repr(entry)
    assert Entry(name="m").host == ""


@pytest.mark.parametrize(
    ("usage", "cost"),
    [
        (Usage(input=1000, output=100), 1000 * 2e-6 + 100 * 8e-6),
        (Usage(input=1000, cached_input=400, output=0), 600 * 2e-6 + 400 * 5e-7),
        (Usage(input=10, cached_input=400, output=0), 10 * 5e-7),
        (Usage(input=0, output=0), 0.0),
        (Usage(input=1000), None),
        (Usage(), None),
    ],
)
def test_cost(usage, cost):
    """A reply costs what its tokens cost, cached ones at their own price; unknown stays None."""
    price = Price(input=2, output=8, cached_input=0.5)
    assert cost_usd(usage, price) == (None if cost is None else pytest.approx(cost))
    assert cost_usd(usage, None) is None


def test_cached_tokens_without_a_price_of_their_own():
    """Where no price for cached tokens is known, they cost as much as others."""
    usage = Usage(input=1000, cached_input=900, output=0)
    assert cost_usd(usage, Price(input=2, output=8)) == pytest.approx(0.002)
