"""The contract of the shelf."""

import inspect

import pytest

from medcheck import shelves
from medcheck.errors import ShelfError
from medcheck.providers import Entry, Provider, create


@pytest.mark.parametrize("name", shelves.names("providers"))
def test_contract(name):
    """Every module on the shelf has a Provider, built from entry and environment, that asks."""
    build = shelves.find("providers", name, "Provider")
    assert list(inspect.signature(build).parameters) == ["entry", "environ"]
    assert inspect.iscoroutinefunction(build.ask)
    assert inspect.signature(build.ask).parameters.keys() == (
        inspect.signature(Provider.ask).parameters.keys()
    )


def test_unknown_provider():
    """A provider that is not on the shelf is answered with the nearest."""
    with pytest.raises(ShelfError, match='Did you mean "openai"'):
        create(Entry(name="x", provider="opnai"))
