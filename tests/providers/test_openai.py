"""The provider for OpenAI-compatible servers, against real servers on loopback."""

import asyncio
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from asking import QUESTION, ask, entry, failure
from servers import Reply, Server, reasoning_model

from medcheck.errors import ProviderError, SettingsError
from medcheck.providers import Entry, create, load_registry, resolve
from medcheck.types import Message, Request


def test_request_is_sent_once_and_whole():
    """The endpoint gets model, messages, settings and key exactly as they are meant."""
    request = replace(
        QUESTION,
        params={"temperature": 0.5, "extra_body": {"top_k": 20}, "recorded": {"answer": "secret"}},
    )
    with Server("ok") as server:
        ask(entry(server, api_key_env="K", query={"v": "1"}), request, {"K": "sk-right-key"})
    (asked,) = server.requests
    assert asked.path == "/v1/chat/completions?v=1"
    assert asked.headers["authorization"] == "Bearer sk-right-key"
    assert asked.body == {
        "model": "m-1",
        "messages": [{"role": "user", "content": "胸痛半小时怎么办?"}],
        "temperature": 0.5,
        "top_k": 20,
    }


def test_no_retry_of_its_own():
    """One ask is one request, also when it fails."""
    with Server(Reply(status=500, body={})) as server, pytest.raises(ProviderError):
        ask(entry(server))
    assert len(server.requests) == 1


def test_redirect_does_not_carry_the_key_away():
    """A redirect is an error: the key goes to no other host."""
    with Server() as other:
        reply = Reply(status=307, headers={"location": f"{other.url}/chat/completions"}, body={})
        error = failure(reply, environ={"K": "sk-stay-home"}, api_key_env="K")
        assert other.requests == []
    assert not error.retryable


@pytest.mark.parametrize("is_account", [True, False])
def test_openai_account_is_for_openai_only(monkeypatch, is_account):
    """Organization, project and headers of an OpenAI account reach no other server."""
    monkeypatch.setenv("OPENAI_ORG_ID", "org-mine")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-mine")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Mine: head-mine")
    monkeypatch.setenv("OPENAI_ADMIN_KEY", "sk-admin-mine")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-env-mine")
    with Server() as server:
        ask(entry(server, api_key_env="OPENAI_API_KEY" if is_account else None))
    headers = server.requests[0].headers
    assert headers["authorization"] == "Bearer EMPTY"
    assert ("org-mine" in headers.values()) == is_account
    assert ("proj-mine" in headers.values()) == is_account
    assert "sk-" not in str(headers)
    assert is_account or "mine" not in str(headers)


def test_reasoning_model_of_the_registry():
    """What o3 refuses is not sent to it."""
    request = replace(QUESTION, params={"temperature": 0.5, "max_tokens": 1024})
    registry = load_registry()
    with Server(reasoning_model) as server:
        environ = {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": "sk-x"}
        o3 = resolve("o3", registry=registry, environ=environ)
        assert ask(o3, request, environ).text == "ok"
        plain = resolve("gpt-4.1", registry=registry, environ=environ)
        with pytest.raises(ProviderError, match="Unsupported parameter"):
            ask(plain, request, environ)


def test_missing_key_is_found_before_any_call():
    """A provider without its key cannot be built; the error names the variable."""
    remote = Entry(name="x", model="x", base_url="https://example.com/v1", api_key_env="X_KEY")
    with pytest.raises(SettingsError, match="Set X_KEY"):
        create(remote, {})


def test_many_loops_one_provider():
    """One provider serves several event loops, one after the other."""
    with Server() as server:
        provider = create(entry(server), {})

        async def once():
            completion = await provider.ask(QUESTION)
            await provider.close()
            return completion.text

        assert [asyncio.run(once()) for _ in range(3)] == ["ok"] * 3


def test_concurrent_calls():
    """Many calls of one provider run at once and each gets its own answer."""
    requests = [
        Request(messages=(Message(role="user", text=f"question {number}"),)) for number in range(40)
    ]

    async def all_of_them(provider):
        try:
            return await asyncio.gather(*(provider.ask(request) for request in requests))
        finally:
            await provider.close()

    def script(body):
        return Reply(text=body["messages"][0]["content"], delay=0.1)

    with Server(script) as server:
        completions = asyncio.run(all_of_them(create(entry(server), {})))
    assert [c.text for c in completions] == [f"question {number}" for number in range(40)]
    assert server.most_in_flight > 20


def test_cancelled_call_leaves_nothing_behind():
    """A cancelled call stops at once and the provider can be used again."""

    async def story(provider):
        task = asyncio.create_task(provider.ask(QUESTION))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        completion = await provider.ask(QUESTION)
        await provider.close()
        return completion.text

    with Server([Reply(delay=30), "again"]) as server:
        assert asyncio.run(story(create(entry(server), {}))) == "again"


def test_proxy(monkeypatch):
    """HTTP_PROXY is honored, and NO_PROXY exempts a host from it."""
    for name in ("http_proxy", "no_proxy", "all_proxy", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with Server("through the proxy") as proxy, Server("direct") as server:
        monkeypatch.setenv("HTTP_PROXY", proxy.address)
        away = entry(server, base_url="http://model.invalid/v1")
        assert ask(away).text == "through the proxy"
        assert proxy.requests[0].path == "http://model.invalid/v1/chat/completions"
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        assert ask(entry(server)).text == "direct"
    assert len(proxy.requests) == 1


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    if shutil.which("openssl") is None:
        pytest.skip("needs the openssl command to make a certificate")
    folder = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key.pem", folder / "cert.pem"
    command = [
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
        *(
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=127.0.0.1",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
        ),
        *("-keyout", key, "-out", certificate),
    ]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key


def test_own_certificates(certificate, monkeypatch):
    """SSL_CERT_FILE makes a hospital's own certificate trusted; without it the call is refused."""
    with Server("safe", certificate=certificate) as server:
        monkeypatch.delenv("SSL_CERT_FILE", raising=False)
        with pytest.raises(ProviderError, match="SSL_CERT_FILE") as caught:
            ask(entry(server))
        assert caught.value.stop_run
        assert not caught.value.retryable
        assert server.requests == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
        assert ask(entry(server)).text == "safe"


def test_works_without_aiohttp(tmp_path):
    """Where the aiohttp extra is missing, the default transport answers."""
    code = f"""
import asyncio, sys
sys.modules["aiohttp"] = None
sys.path.insert(0, {str(Path(__file__).parent.parent.parent)!r})
from medcheck.providers import Entry, create
from medcheck.types import Message, Request
async def main():
    provider = create(Entry(name="m", model="m", base_url=sys.argv[1]), {{}})
    print((await provider.ask(Request(messages=(Message(role="user", text="?"),)))).text)
    await provider.close()
asyncio.run(main())
"""
    with Server("plain transport") as server:
        command = [sys.executable, "-c", code, server.url]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", cwd=tmp_path)
    assert done.stdout.strip() == "plain transport", done.stderr


def test_the_shelf_loads_without_openai():
    """Listing models imports neither the openai package nor numpy."""
    code = (
        "import sys; from medcheck.providers import load_registry, create; "
        "create(load_registry().find('demo'), {}); "
        "print([m for m in ('openai', 'numpy', 'aiohttp') if m in sys.modules])"
    )
    root = Path(__file__).parent.parent.parent
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", cwd=root
    )
    assert done.stdout.strip() == "[]", done.stderr
