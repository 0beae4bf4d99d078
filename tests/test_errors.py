"""Errors are the line that the user reads: where, what, what to do."""

from __future__ import annotations

import pytest

from medcheck import errors
from medcheck.errors import (
    MedcheckError,
    ProviderError,
    SuiteError,
    located,
    nearest,
    visible,
)


def test_an_error_is_one_line_of_three_parts():
    """Where, what and what to do stand in this order, and a missing part leaves no gap."""
    full = MedcheckError("it is wrong.", hint="Mend it.", where="a.yaml:3")
    assert str(full) == "a.yaml:3: it is wrong. Mend it."
    assert str(MedcheckError("it is wrong.")) == "it is wrong."


def test_a_place_is_added_once():
    """An error without a place takes the nearest one around it; one that has a place keeps it."""
    with pytest.raises(MedcheckError) as caught, located("outer:1"), located("inner:2"):
        raise MedcheckError("wrong.")
    assert caught.value.where == "inner:2"


def test_foreign_errors_pass_unchanged():
    """An error that is not ours gets no place."""
    with pytest.raises(KeyError) as caught, located("a:1"):
        raise KeyError("x")
    assert not hasattr(caught.value, "where")


def test_many_errors_become_one_without_repeats():
    """All errors of a file are told at once, each once, in their order."""
    joined = SuiteError.joined([MedcheckError("b."), MedcheckError("a."), MedcheckError("b.")])
    assert str(joined) == "b.\na."


def test_the_nearest_name_is_proposed():
    """A slip of the pen gets the name that was meant; anything else the list of names."""
    known = ["majority", "unanimous"]
    assert nearest("majorty", known) == 'Did you mean "majority"? Known: majority, unanimous.'
    assert nearest("x", known) == "Known: majority, unanimous."
    assert nearest("x", []) == "Known: none."


def test_every_error_is_of_the_family():
    """One `except MedcheckError` catches all of ours, a failed call in its default state too."""
    own = [
        kind for kind in vars(errors).values() if getattr(kind, "__module__", "") == errors.__name__
    ]
    family = [kind for kind in own if isinstance(kind, type)]
    assert len(family) == 10
    assert all(issubclass(kind, MedcheckError) for kind in family)
    error = ProviderError("lost")
    assert not any((error.retryable, error.maybe_paid, error.stop_run, error.filtered))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\n\ttext", "plain\n\ttext"),
        ("胸痛 😀 👩\u200d⚕️ नमस्ते", "胸痛 😀 👩\u200d⚕️ नमस्ते"),
        ("\x1b]0;x\x07", r"\x1b]0;x\x07"),
        ("\x9b31m\x7f\r", r"\x9b31m\x7f\x0d"),
        ("\ud800", r"\ud800"),
        ("\u2028\u202e\u2066", r"\u2028\u202e\u2066"),
    ],
)
def test_visible(text: str, shown: str) -> None:
    """Control characters become escapes; every script and every joiner stays."""
    assert visible(text) == shown


def test_no_error_controls_a_terminal() -> None:
    """What an error quotes of a file or a server is shown, not sent; its lines stay lines."""
    error = MedcheckError("line 1 \x1b]0;x\x07\nline 2", hint="\u202eno", where="a\x9b.jsonl:1")
    assert str(error) == r"a\x9b.jsonl:1: line 1 \x1b]0;x\x07" + "\n" + r"line 2 \u202eno"
