"""The Chat Completions format, against real servers on loopback."""

import pytest
from asking import ask, entry, failure
from servers import Reply, Server, pieces, streaming_only

from medcheck.errors import DatasetError, ProviderError
from medcheck.types import Image, Message, Request


def test_reply_is_read():
    """Text, reasoning, finish, usage and time of a reply arrive, whatever else it holds."""
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 7,
        "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": None},
        "completion_tokens_details": {"reasoning_tokens": 3},
        "a_field_of_tomorrow": {},
    }
    reply = Reply(text="立即拨打120。", message={"reasoning_content": "想"}, usage=usage)
    with Server(reply) as server:
        completion = ask(entry(server))
    assert (completion.text, completion.reasoning) == ("立即拨打120。", "想")
    assert completion.finish == "stop"
    found = completion.usage
    assert (found.input, found.cached_input, found.output, found.reasoning) == (10, 4, 7, 3)
    assert 0 < completion.seconds < 5
    assert completion.cost_usd is None
    assert not completion.cached


@pytest.mark.parametrize(
    ("sent", "understood"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("max_tokens", "length"),
        ("content_filter", "content_filter"),
        ("sensitive", "content_filter"),
        ("tool_calls", "tool_calls"),
        ("function_call", "tool_calls"),
        ("something_new", "unknown"),
        (None, "unknown"),
    ],
)
def test_finish_reason(sent, understood):
    """Each way to finish is one of ours, and a new one is unknown, never stop."""
    with Server(Reply(finish=sent)) as server:
        assert ask(entry(server)).finish == understood


def test_refusal_field():
    """A refusal beside an empty content is the text, and marked as refusal."""
    with Server(Reply(text=None, message={"refusal": "I cannot help."})) as server:
        completion = ask(entry(server))
    assert (completion.text, completion.finish) == ("I cannot help.", "refusal")


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": None}, {"prompt_tokens": "9"}, []])
def test_null_content_and_usage(usage):
    """Content null is an empty text, and tokens nobody counted are None, never 0."""
    with Server(Reply(text=None, usage=usage)) as server:
        completion = ask(entry(server))
    assert completion.text == ""
    assert completion.usage.input is None
    assert completion.usage.reasoning is None


def test_content_in_parts():
    """Content that comes as a list of parts is joined."""
    parts = [{"type": "text", "text": "a"}, {"type": "other"}, {"type": "text", "text": "b"}]
    with Server(Reply(text=None, message={"content": parts, "reasoning": "why"})) as server:
        completion = ask(entry(server))
    assert (completion.text, completion.reasoning) == ("ab", "why")


def test_reply_without_json_content_type():
    """A reply that calls itself text is read all the same."""
    with Server(Reply(text="好", headers={"content-type": "text/plain; charset=utf-8"})) as server:
        assert ask(entry(server)).text == "好"


@pytest.mark.parametrize("usage_on", ["last", "none"])
def test_stream(usage_on):
    """A streamed reply is put together: text, reasoning, finish and usage."""
    chunks = [
        *pieces("想一想", finish=None, field_name="reasoning_content"),
        *pieces("请立即就医。"),
    ]
    if usage_on == "last":
        chunks.append({"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 6}})
    with Server(Reply(chunks=[": keep-alive", *chunks])) as server:
        completion = ask(entry(server, stream=True))
    assert (completion.text, completion.reasoning) == ("请立即就医。", "想一想")
    assert completion.finish == "stop"
    assert completion.usage.output == (6 if usage_on == "last" else None)
    assert server.bodies[0]["stream"] is True
    assert server.bodies[0]["stream_options"] == {"include_usage": True}


def test_server_that_only_streams():
    """A server that only streams is served by stream: true, and its refusal says what it said."""
    with Server(streaming_only) as server:
        assert ask(entry(server, stream=True)).text == "streamed answer"
        with pytest.raises(ProviderError, match="only supports stream") as caught:
            ask(entry(server))
    assert not caught.value.retryable


@pytest.mark.parametrize(
    "reply",
    [
        Reply(chunks=pieces("half an", finish=None), cut=True),
        Reply(chunks=pieces("half an", finish=None)),
        Reply(chunks=[]),
        Reply(chunks=["data: {not json"]),
        Reply(chunks=[*pieces("half", finish=None), {"error": {"message": "overloaded"}}]),
        Reply(chunks=[*pieces("half", finish=None)[:1], {"error": {"code": 429, "message": "x"}}]),
    ],
)
def test_broken_stream_is_no_answer(reply):
    """A stream that is cut, empty or broken off is worth another try, never an answer."""
    error = failure(reply, stream=True)
    assert error.retryable
    assert not error.filtered


def test_images(tmp_path):
    """Images travel as data URLs behind the text, in order."""
    for name, data in (("a.png", b"\x89PNG"), ("b.jpg", b"\xff\xd8")):
        (tmp_path / name).write_bytes(data)
    images = (
        Image(path=str(tmp_path / "a.png"), sha256="1", mime="image/png"),
        Image(path=str(tmp_path / "b.jpg"), sha256="2", mime="image/jpeg"),
    )
    request = Request(messages=(Message(role="user", text="What is this?", images=images),))
    with Server() as server:
        ask(entry(server), request)
    assert server.bodies[0]["messages"][0]["content"] == [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}},
        {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,/9g="}},
    ]


def test_missing_image():
    """A missing image is an error of the data, and nothing is asked without it."""
    image = Image(path="nowhere/x.png", sha256="1", mime="image/png")
    request = Request(messages=(Message(role="user", text="?", images=(image,)),))
    with Server() as server, pytest.raises(DatasetError, match=r"nowhere/x\.png"):
        ask(entry(server), request)
    assert server.requests == []


def test_half_a_character_is_replaced():
    """Half a surrogate pair in a question or an answer never breaks a request."""
    asked = Request(messages=(Message(role="user", text="胸痛\ud83d?"),))
    with Server("ok") as server:
        assert ask(entry(server), asked).text == "ok"
        assert server.bodies[0]["messages"][0]["content"] == "胸痛\N{REPLACEMENT CHARACTER}?"
    assert len(server.requests) == 1


def test_error_beside_an_answer():
    """A reply with an error and an answer is no answer, streamed or not."""
    choices = [{"message": {"content": "half"}, "finish_reason": "stop"}]
    body = {"error": {"message": "boom", "code": 500}, "choices": choices}
    error = failure(Reply(body=body))
    assert error.status == 500
    assert error.retryable


def test_count_beyond_belief():
    """A count of tokens that no call can have is unknown, not a price."""
    usage = {"prompt_tokens": 10**30, "completion_tokens": 10**9}
    with Server(Reply(usage=usage)) as server:
        found = ask(entry(server)).usage
    assert (found.input, found.output) == (None, 10**9)
