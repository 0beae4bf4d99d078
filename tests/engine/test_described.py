"""Who judges its own answers is said, also of models that no registry knows."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from medcheck.engine.described import _own_family, family_of
from medcheck.providers import Entry


def told(model, *judges):
    """Return what is said of judges of a model's answers."""
    setup = SimpleNamespace(models={model.name: model}, judges={("s", model.name): judges})
    return list(_own_family(setup, "s"))


def entry(name, **more):
    return Entry(name=name, **{"model": name, **more})


def test_a_model_that_judges_itself_is_named():
    """The same name, or the same model under another name, is flagged without a registry."""
    five, other = entry("five-a"), entry("b-one")
    assert told(five, five, other, entry("alias", model="five-a")) == [
        "s: five-a, alias judged answers of five-a, the same model: compare the figures without "
        "such a judge."
    ]
    assert told(five, other, entry("five-b")) == []


def test_a_family_is_known_by_the_registry_or_by_how_a_name_begins():
    """A judge of the same family is flagged, also where only names tell the family."""
    model = entry("llama-3.3-70b")
    judge = entry("small", model="meta-llama/Llama-3.1-8B-Instruct")
    assert told(model, judge, entry("gpt-4.1", family="openai")) == [
        "s: small judged answers of llama-3.3-70b, of the same family (meta): compare the figures "
        "without such a judge."
    ]
    assert len(told(entry("m", family="openai"), entry("openai/gpt-4o"))) == 1
    assert told(entry("unknown-a"), entry("unknown-b")) == []


def test_recorded_judges_are_not_flagged():
    """A recording repeats what was said once; it favors nobody."""
    assert told(entry("demo"), entry("demo", provider="replay")) == []


@pytest.mark.parametrize(
    ("name", "family"),
    [("o3-mini", "openai"), ("Qwen/Qwen3-32B", "qwen"), ("MedGemma-27b", "google"), ("x", None),
     ("openai/my-own", None)],
)  # fmt: skip
def test_families_by_name(name, family):
    """Names of well-known models tell their family; a publisher before a slash does not."""
    assert family_of(entry(name)) == family
    assert family_of(entry(name, family="own")) == "own"
