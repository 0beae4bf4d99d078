"""The original's config_model.yaml is a models file; what it sets is sent."""

from __future__ import annotations

import asyncio

import pytest
from servers import Reply, Server

from medcheck.canonical import prepare
from medcheck.errors import SettingsError
from medcheck.providers import create, load_registry, resolve
from medcheck.types import Message, Request

CONFIG = """\
models:
  m1:
    api_key_env: "SOME_KEY"
    api_base_env: "SOME_URL"
    model: "judge-large"
    temperature: 0
    max_tokens: 4096
    reasoning_effort: "high"
    extra_body: {top_k: 20, check: false}
  m2:
    api_key_env: "SOME_KEY"
    api_base_env: "SOME_URL"
    model: "judge-small"
    request_timeout: 3000
"""


def load(tmp_path, text=CONFIG):
    path = tmp_path / "config_model.yaml"
    path.write_text(text, encoding="utf-8")
    return load_registry(path)


def test_its_models_stand_beside_the_built_in_ones(tmp_path):
    """m1 and m2 have the endpoint, key, model and time that the file names."""
    registry = load(tmp_path)
    first, second = registry.find("m1"), registry.find("m2")
    assert (first.model, first.api_key_env, first.base_url_env) == (
        "judge-large", "SOME_KEY", "SOME_URL",
    )  # fmt: skip
    assert second.timeout.total == 3000
    assert registry.find("demo").provider == "replay"


def test_what_it_sets_is_really_sent(tmp_path):
    """Temperature, limit, effort and extra body arrive at the endpoint, with the key."""
    with Server(lambda _: Reply(text="yes")) as server:
        environ = {"SOME_KEY": "the-key", "SOME_URL": server.url}
        entry = resolve("m1", registry=load(tmp_path), environ=environ, base_url=None, role="judge")
        request = prepare(entry, judge_request(), salt=None).request

        async def ask():
            provider = create(entry, environ)
            try:
                await provider.ask(request)
            finally:
                await provider.close()

        asyncio.run(ask())
        [sent] = server.requests
    assert sent.headers["authorization"] == "Bearer the-key"
    body = server.bodies[0]
    assert (body["model"], body["temperature"], body["max_tokens"]) == ("judge-large", 0, 4096)
    assert (body["reasoning_effort"], body["top_k"], body["check"]) == ("high", 20, False)


def judge_request():
    """Return a judge's request."""
    return Request(messages=(Message(role="user", text="胸痛?"),), role="judge")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("temperature: 0", "temperatur: 0", '6: "m1": unknown setting "temperatur"'),
        ('api_key_env: "SOME_KEY"', "api_key: sk-12345678abc", '3: "m1": "api_key" looks like'),
        ('api_base_env: "SOME_URL"', "api_base_env: http://x", '4: "m1": base_url_env: must be'),
    ],
)
def test_its_errors_have_their_lines(old, new, message, tmp_path):
    """A setting of no known name, a key in the file: refused with the line it stands on."""
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, CONFIG.replace(old, new, 1))
    assert message in str(caught.value)


def test_a_model_of_the_name_models_is_still_possible(tmp_path):
    """Our own form may hold a model called `models`."""
    text = "models: {base_url: 'http://127.0.0.1:9/v1', params: {temperature: 1}}\n"
    assert load(tmp_path, text).find("models").base_url == "http://127.0.0.1:9/v1"


def test_what_stands_beside_its_models_is_named(tmp_path):
    """A setting beside `models` is refused by its own name; m1 and m2 are still models."""
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, f"{CONFIG}default_model: m1\n")
    assert '15: "default_model" must hold settings' in str(caught.value)
    assert "m2" not in str(caught.value)
    beside = "own: {base_url: 'http://127.0.0.1:9/v1'}\n"
    registry = load(tmp_path, beside + CONFIG)
    assert (registry.find("own").model, registry.find("m1").model) == ("own", "judge-large")


def test_our_own_model_called_models_may_hold_blocks_only(tmp_path):
    """Blocks such as params and limits are no models."""
    text = "models: {params: {temperature: 1}, limits: {rpm: 5}}\n"
    assert load(tmp_path, text).find("models").params == {"temperature": 1}
