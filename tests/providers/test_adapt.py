"""What of a suite's request reaches an endpoint, and what is said about the rest."""

import pytest

from medcheck.errors import SettingsError
from medcheck.providers import Entry, adapt, load_registry
from medcheck.types import Image, Message, Request

USER = Message(role="user", text="What now?")
SYSTEM = Message(role="system", text="Be brief.")


def adapted(request=None, *, messages=(USER,), params=None, **fields):
    entry = Entry(name="x", model="x", **fields)
    return adapt(entry, request or Request(messages=messages, params=params or {}))


def test_nothing_to_adapt():
    """An endpoint without known limits gets everything as it is, without notes."""
    params = {"temperature": 0.5, "max_tokens": 9, "seed": 3}
    assert adapted(messages=(SYSTEM, USER), params=params) == ((SYSTEM, USER), params, ())


def test_o3():
    """o3 gets neither temperature nor max_tokens, its system text as developer, and notes."""
    request = Request(messages=(SYSTEM, USER), params={"temperature": 0.5, "max_tokens": 1024})
    messages, params, notes = adapt(load_registry().find("o3"), request)
    assert [message.role for message in messages] == ["developer", "user"]
    assert params == {}
    assert notes == (
        "system text sent as developer message: o3 takes it so",
        "max_tokens=1024 dropped: o3 does not take it",
        "temperature=0.5 dropped: o3 does not take it",
    )


def test_max_tokens_of_a_reasoning_model():
    """A suite's max_tokens does not starve a reasoning model, unless its entry says otherwise."""
    _, params, notes = adapted(params={"max_tokens": 9}, reasoning=True)
    assert params == {}
    assert notes == ("max_tokens=9 dropped: the reasoning of x would use it up",)
    _, params, notes = adapted(
        params={"max_tokens": 9}, reasoning=True, accepts={"max_tokens": "max_completion_tokens"}
    )
    assert params == {"max_completion_tokens": 9}
    assert notes == ("max_tokens=9 sent as max_completion_tokens: x takes it so",)
    assert adapted(params={"max_tokens": 9}, reasoning=True, accepts={"max_tokens": True})[1] == {
        "max_tokens": 9
    }


def test_entry_settings_win():
    """The entry's settings replace the suite's, and a change is noted; null takes one away."""
    fields = {"params": {"temperature": 1, "top_p": None, "seed": 3}}
    request = Request(messages=(USER,), params={"temperature": 0, "top_p": 0.9, "seed": 3})
    _, params, notes = adapt(Entry(name="x", model="x", **fields), request)
    assert params == {"temperature": 1, "seed": 3}
    assert notes == (
        "temperature=0 replaced by 1: set for x",
        "top_p=0.9 replaced by None: set for x",
    )


def test_extra_body_is_joined():
    """extra_body passes through; of the entry's and the suite's keys the entry's win."""
    entry = Entry(name="x", model="x", params={"extra_body": {"top_k": 1, "a": 2}})
    request = Request(messages=(USER,), params={"extra_body": {"top_k": 9, "b": 3}})
    assert adapt(entry, request)[1] == {"extra_body": {"top_k": 1, "a": 2, "b": 3}}


def test_private_settings_stay():
    """What is meant for recorded judges never leaves."""
    assert adapted(params={"recorded": {"answer": "x"}, "seed": 1})[1] == {"seed": 1}


@pytest.mark.parametrize(
    ("accepts", "sent"),
    [
        ({}, "json_schema"),
        ({"json_schema": True}, "json_schema"),
        ({"json_schema": False}, None),
        ({"json_schema": False, "json_object": True}, "json_object"),
        ({"json_schema": False, "json_object": False}, None),
    ],
)
def test_json_schema(accepts, sent):
    """A JSON schema is sent, weakened to plain JSON or dropped, as the endpoint takes it."""
    wanted = {"type": "json_schema", "json_schema": {"name": "verdict"}}
    _, params, notes = adapted(params={"response_format": wanted}, accepts=accepts)
    assert params.get("response_format", {}).get("type") == sent
    assert bool(notes) == (sent != "json_schema")


def test_system_places():
    """A system text goes where the endpoint takes it: first user message, or nowhere."""
    messages, _, notes = adapted(messages=(SYSTEM, USER), accepts={"system": "user"})
    assert messages == (Message(role="user", text="Be brief.\n\nWhat now?"),)
    assert len(notes) == 1
    messages, _, notes = adapted(messages=(SYSTEM, USER), accepts={"system": "none"})
    assert messages == (USER,)
    assert notes == ("system text dropped: x does not take it",)


def test_system_text_of_the_entry():
    """The entry's system text leads, unless the case brings its own."""
    assert adapted(system="Nurse.")[0] == (Message(role="system", text="Nurse."), USER)
    messages, _, notes = adapted(messages=(SYSTEM, USER), system="Nurse.")
    assert messages == (SYSTEM, USER)
    assert notes == ("system text of x dropped: the case brings its own",)


def test_images_are_never_dropped():
    """A case with images is an error for a model that takes none, not another question."""
    image = Image(path="a.png", sha256="1", mime="image/png")
    with pytest.raises(SettingsError, match="takes no images"):
        adapted(
            messages=(Message(role="user", text="?", images=(image,)),), accepts={"images": False}
        )


def test_notes_are_the_same_each_time():
    """Notes do not depend on the order of the settings."""
    accepts = {"a": False, "b": False, "c": False}
    one = adapted(params={"a": 1, "b": 2, "c": 3}, accepts=accepts)[2]
    two = adapted(params={"c": 3, "a": 1, "b": 2}, accepts=accepts)[2]
    assert one == two
    assert len(one) == 3
