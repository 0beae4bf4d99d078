"""What a failing server means: class, message, waiting time, and nothing secret."""

import gzip
import json
import tracemalloc
from email.utils import formatdate
from time import perf_counter, time

import pytest
from asking import ask, entry, failure
from servers import Reply, Server, pieces

from medcheck.errors import ProviderError
from medcheck.providers import Timeout, _failures, create
from medcheck.providers._entry import Secret
from medcheck.providers._failures import MAX_REPLY


def test_idle_stream_times_out():
    """A stream that falls silent ends after the idle time, as possibly paid."""
    reply = Reply(chunks=pieces("never all of this"), pause=5)
    error = failure(reply, stream=True, timeout=Timeout(idle=0.2, total=10))
    assert error.retryable
    assert error.maybe_paid
    assert "nothing heard" in str(error)
    assert "0.2 s" in str(error)


def test_slow_stream_is_bounded():
    """A stream that drips for ever ends after the total time."""
    reply = Reply(chunks=pieces("x" * 300), pause=0.05)
    error = failure(reply, stream=True, timeout=Timeout(idle=5, total=0.3))
    assert error.maybe_paid
    assert "within 0.3 s" in str(error)


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529])
def test_retryable_status(status):
    """Crowded, late and failing servers are worth another try."""
    error = failure(Reply(status=status, body={"error": {"message": "busy"}}))
    assert error.status == status
    assert error.retryable
    assert not error.stop_run
    assert not error.maybe_paid
    assert 'It says: "busy"' in str(error)


@pytest.mark.parametrize("status", [400, 413, 422])
def test_permanent_status(status):
    """A request that is wrong is not sent again, and does not stop the run."""
    error = failure(Reply(status=status, body={"error": {"message": "no"}}))
    assert not error.retryable
    assert not error.stop_run


@pytest.mark.parametrize("status", [401, 402, 403, 404])
def test_status_that_stops_the_run(status):
    """A wrong key, empty account or unknown model stops the run."""
    error = failure(Reply(status=status, body={"error": {"message": "no"}}))
    assert not error.retryable
    assert error.stop_run


def test_empty_account_is_not_a_rate_limit():
    """A 429 that says the money is gone stops the run instead of waiting for it."""
    body = {"error": {"code": "insufficient_quota", "message": "You exceeded your quota"}}
    error = failure(Reply(status=429, body=body))
    assert error.stop_run
    assert not error.retryable


def test_message_says_where_what_and_what_to_do():
    """The message names model, status, host and the variable to set."""
    error = failure(
        Reply(status=401, body={"error": {"message": ""}}),
        environ={"OPENAI_API_KEY": "sk-wrong-key-1234"},
        name="o3",
        api_key_env="OPENAI_API_KEY",
    )
    text = str(error)
    assert text.startswith('model "o3": HTTP 401 from 127.0.0.1:')
    assert text.endswith("Set OPENAI_API_KEY, or choose another model with --model.")


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"code": "content_filter", "message": "blocked"}},
        {"error": {"message": "x", "innererror": {"code": "ResponsibleAIPolicyViolation"}}},
        {"error": {"message": "Content Exists Risk", "type": "invalid_request_error"}},
        {"error": {"code": "data_inspection_failed", "message": "x"}},
        {"error": {"code": "1301", "message": "系统检测到输入或生成内容可能包含不安全或敏感内容"}},
    ],
)
@pytest.mark.parametrize("status", [400, 403])
def test_content_filter(status, body):
    """A content filter is its own kind of refusal: no retry, and the run goes on."""
    error = failure(Reply(status=status, body=body))
    assert error.filtered
    assert not error.retryable
    assert not error.stop_run


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "86400"}, 120),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Fri, 99 Foo 2026 99:99:99 GMT"}, None),
        ({"retry-after": formatdate(0, usegmt=True)}, 0),
        ({"retry-after": formatdate(time() + 10**6, usegmt=True)}, 120),
        ({}, None),
    ],
)
def test_retry_after(headers, seconds):
    """Retry-After is understood as seconds or date, cut to 120 s, and dropped if absurd."""
    assert failure(Reply(status=429, headers=headers, body={})).retry_after == seconds


def test_retry_after_date():
    """A Retry-After date a minute ahead is about a minute."""
    headers = {"retry-after": formatdate(time() + 60, usegmt=True)}
    found = failure(Reply(status=503, headers=headers, body={})).retry_after
    assert found == pytest.approx(60, abs=3)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(body=b"<html>gateway</html>", headers={"content-type": "text/html"}),
        Reply(body=b'{"choices": [', headers={"content-type": "application/json"}),
        Reply(body={"choices": []}),
        Reply(body={"choices": None}),
        Reply(body={"choices": [{"finish_reason": "stop"}]}),
        Reply(body=[1, 2]),
        Reply(body=b""),
        Reply(finish="insufficient_system_resource"),
        Reply(body={"error": {"message": "upstream", "code": 502}}),
        Reply(body={"error": "upstream"}),
    ],
)
def test_success_without_reply(reply):
    """HTTP 200 without a usable reply is worth another try, never an empty answer."""
    error = failure(reply)
    assert error.retryable
    assert not error.maybe_paid


def test_error_inside_success():
    """An error that hides behind HTTP 200 is treated as the status it names."""
    error = failure(Reply(body={"error": {"code": 401, "message": "bad key"}}))
    assert error.stop_run
    assert not error.retryable


@pytest.mark.parametrize("reply", [Reply(reset=True), Reply(cut=True)])
def test_lost_connection(reply):
    """A connection that breaks is worth another try and is no client-side timeout."""
    error = failure(reply)
    assert error.retryable
    assert not error.maybe_paid
    assert "was lost" in str(error)


def test_no_server():
    """A port where nobody listens is worth another try, and the message asks for the server."""
    with Server() as server:
        gone = entry(server)
    with pytest.raises(ProviderError, match="Is the server running") as caught:
        ask(gone)
    assert caught.value.retryable
    assert not caught.value.maybe_paid


def test_timeout():
    """A server that never answers costs the total time, and is marked as possibly paid."""
    error = failure(Reply(delay=30), timeout=Timeout(idle=9, total=0.3))
    assert error.retryable
    assert error.maybe_paid
    assert "0.3 s" in str(error)


SECRETS = [
    f"{prefix}{'s3cr3t' * 3}{number:02d}" for number, prefix in enumerate(["sk-"] * 6 + [""] * 6)
]


def test_no_secret_shows():
    """Twelve secrets, from key, URL and server, show in no message, cause or repr."""
    key, in_query, *said = SECRETS
    text = (
        f"Incorrect API key provided: {key}. Also {said[0]} and Bearer {said[5]}, "
        f"see https://user:{said[6]}@example.com/v1?token={said[7]}; api_key={said[8]} "
        f'"token": "{said[9]}" {said[1]} {said[2]} {said[3]} Basic {said[4]}'
    )
    shown = []
    replies = [
        *(
            Reply(status=status, body={"error": {"message": text}})
            for status in (400, 401, 429, 500)
        ),
        Reply(status=500, body=text.encode(), headers={"content-type": "text/plain"}),
        Reply(body={"error": {"message": text}}),
        Reply(body=text.encode()),
        Reply(reset=True),
    ]
    for reply in replies:
        with Server(reply) as server:
            asked = entry(server, api_key_env="K", query={"key": in_query})
            provider = create(asked, {"K": key})
            with pytest.raises(ProviderError) as caught:
                ask(asked, environ={"K": key})
        error = caught.value
        shown += [str(error), repr(error), json.dumps(vars(error)), repr(provider), str(provider)]
        shown += [repr(asked), str(asked.host), repr(vars(provider))]
    everything = "\n".join(shown)
    assert [secret for secret in SECRETS if secret in everything] == []
    assert all(len(line) < 600 for line in shown if line.startswith("model"))


def test_own_key_is_hidden_whatever_it_looks_like():
    """A key that looks like no key is hidden too when the server repeats it."""
    body = {"error": {"message": "the value blue-horse-battery is not known here"}}
    environ = {"K": "blue-horse-battery"}
    error = failure(Reply(status=400, body=body), environ=environ, api_key_env="K")
    assert 'It says: "the value *** is not known here"' in str(error)


def test_long_server_text_is_cut():
    """A server's page-long text is shown as one short line."""
    error = failure(Reply(status=400, body={"error": {"message": "long\nstory " * 500}}))
    assert len(str(error)) < 320
    assert "\n" not in str(error)


def packed(body):
    """Return a reply whose body is gzipped."""
    return Reply(body=gzip.compress(body, 1), headers={"content-encoding": "gzip"})


def test_reply_that_unpacks_to_too_much():
    """A small reply that unpacks to hundreds of megabytes is dropped early, and for good."""
    bomb = b'{"choices": "' + b"a" * (MAX_REPLY * 4)
    tracemalloc.start()
    try:
        error = failure(packed(bomb))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "more than 64 MB" in str(error)
    assert not error.retryable
    assert error.maybe_paid
    assert peak < MAX_REPLY * 3


@pytest.mark.parametrize(
    ("reply", "fields"),
    [
        (Reply(text="x" * 3000), {}),
        (Reply(status=500, body={"error": {"message": "x" * 3000}}), {}),
        (Reply(chunks=["data: " + "x" * 3000]), {"stream": True}),
        (Reply(chunks=pieces("x" * 300)), {"stream": True}),
    ],
)
def test_every_way_of_reading_is_bounded(monkeypatch, reply, fields):
    """Answers, bodies of errors and streams are all read up to the same size."""
    monkeypatch.setattr(_failures, "MAX_REPLY", 2000)
    error = failure(reply, **fields)
    assert "cannot be used: it has more than" in str(error)
    assert not error.retryable


def test_reply_of_the_largest_size_is_read(monkeypatch):
    """A reply within the limit arrives whole, packed or not."""
    monkeypatch.setattr(_failures, "MAX_REPLY", 3000)
    body = json.dumps({"choices": [{"message": {"content": "x" * 2000}, "finish_reason": "stop"}]})
    with Server([packed(body.encode()), Reply(text="y" * 2000)]) as server:
        assert ask(entry(server)).text == "x" * 2000
        assert ask(entry(server)).text == "y" * 2000


@pytest.mark.parametrize("reason", [{"type": "stop"}, ["stop"], 1])
@pytest.mark.parametrize("streams", [True, False])
def test_finish_reason_that_is_no_text(reason, streams):
    """A reply whose end cannot be told is a failed call, not a crash, and not asked for again."""
    event = {"choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": reason}]}
    reply = Reply(chunks=[event]) if streams else Reply(finish=reason)
    error = failure(reply, stream=streams)
    assert "cannot be used: its finish_reason is not a text" in str(error)
    assert not error.retryable


@pytest.mark.parametrize("streams", [True, False])
def test_reply_nested_too_deeply(streams):
    """JSON that nests a hundred thousand levels is a failed call, not a crash."""
    deep = '{"choices": [], "x": ' + "[" * 100_000 + "]" * 100_000 + "}"
    reply = Reply(chunks=[f"data: {deep}"]) if streams else Reply(body=deep.encode())
    error = failure(reply, stream=streams)
    assert "nested too deeply" in str(error)
    assert not error.retryable


def test_error_nested_too_deeply():
    """An error that nests a hundred thousand levels still has its status."""
    deep = b'{"error": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    error = failure(Reply(status=400, body=deep))
    assert error.status == 400
    assert not error.retryable


@pytest.mark.parametrize("code", ["²²²", "9" * 5000, {"a": 1}, [500], True, 404.5])
def test_odd_code_inside_success(code):
    """An error whose code is no HTTP status is an error in place of a reply."""
    body = {"error": {"code": code, "message": "odd"}}
    assert "sent an error in place of a reply" in str(failure(Reply(body=body)))


def test_error_text_of_a_hostile_server_is_read_quickly():
    """A long text made to slow down the search for secrets costs no time, and hides no key."""
    started = perf_counter()
    shown = _failures.scrub(" " * 5000 + "own-key " + "a?" * 50_000, Secret("own-key"))
    shown += _failures.scrub("own-key " + "a?" * 50_000, Secret("own-key"))
    assert perf_counter() - started < 1
    assert "own-key" not in shown
