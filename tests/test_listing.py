"""What `medcheck models` says: endpoints and keys as they are, and never a key."""

import pytest
from servers import Reply, Server

from medcheck.errors import SettingsError
from medcheck.listing import listed, ping, table
from medcheck.providers import load_registry

KEY = "sk-very-secret-key-1234"


@pytest.fixture
def registry(tmp_path):
    """A registry with models at a local address, one that needs a key, and one of no address."""

    def make(url="http://127.0.0.1:9/v1"):
        path = tmp_path / "models.yaml"
        path.write_text(
            f"local: {{base_url: '{url}', api_key_env: LOCAL_KEY, kind: medical, "
            "open_weights: true, retires: '2027-01-14', price: {input: 0.5, output: 2}}\n"
            "remote: {base_url: 'https://models.example/v1', api_key_env: REMOTE_KEY}\n"
            "nowhere: {base_url_env: NOWHERE_URL}\n"
            f"思考: {{base_url: '{url}', reasoning: true}}\n",
            encoding="utf-8",
        )
        return load_registry(path)

    return make


def cells(line):
    """Return a line of the table as a list of cells."""
    return [cell.strip() for cell in line.split("  ") if cell.strip()]


def test_the_table(registry):
    """Each model has endpoint, key by its variable, kind, weights, retirement and price."""
    names = ("local", "remote", "思考", "echo")
    models = listed(names, registry=registry(), environ={"REMOTE_KEY": KEY})
    head, *lines = table(models)
    assert head.startswith("name    endpoint")
    assert [cells(line) for line in lines] == [
        ["local", "127.0.0.1:9", "not needed", "medical", "yes", "2027-01-14", "0.5 / 2"],
        ["remote", "models.example", "present (REMOTE_KEY)", "general", "unknown", "unknown"],
        ["思考", "127.0.0.1:9", "not needed", "general", "unknown", "unknown"],
        ["echo", "echo", "not needed", "general", "unknown", "none"],
    ]
    assert KEY not in "\n".join(lines) + repr(models)
    missing = table(listed(["remote"], registry=registry(), environ={}))[1]
    assert "missing (REMOTE_KEY)" in missing


def test_all_models(registry):
    """Without a name all are listed, also one whose address is not set; an unknown name is not."""
    found = registry()
    models = listed([], registry=found, environ={})
    assert [model.name for model in models] == list(found.entries)
    [nowhere] = [model for model in models if model.name == "nowhere"]
    assert nowhere.entry is None
    assert "NOWHERE_URL is not set" in str(nowhere.problem)
    assert len(table(models)) == len(models) + 1
    with pytest.raises(SettingsError, match=r'unknown model "locl"\. Did you mean "local"'):
        listed(["locl"], registry=found, environ={})


def test_a_key_that_goes_elsewhere(registry):
    """A key that stands in for another is noted with the host that gets it."""
    environ = {"OPENAI_API_KEY": KEY}
    url = "https://other.example/v1"
    [model] = listed(["new"], registry=registry(), environ=environ, base_url=url)
    assert model.key == "present"
    assert model.note == (
        "OPENAI_API_KEY is sent to other.example, because MODEL_API_KEY is not set."
    )


def test_ping(registry):
    """Each model is asked once, with few tokens where it takes that; the seconds are told."""
    with Server("OK") as server:
        models = listed(["local", "思考"], registry=registry(server.url), environ={})
        found = ping(models, {})
    assert [each.line.partition(",")[0] for each in found] == ["local: ok", "思考: ok"]
    asked = {body["model"]: body for body in server.bodies}
    assert len(server.bodies) == 2
    assert asked["local"]["max_tokens"] == 16
    assert "max_tokens" not in asked["思考"]


def test_what_is_wrong(registry):
    """Refusals, silence and missing keys are told for each model, and the key never."""
    refusal = {"error": {"message": f"Incorrect API key provided: {KEY}"}}
    environ = {"LOCAL_KEY": KEY}
    with Server(Reply(status=401, body=refusal)) as server:
        found = registry(server.url)
        models = listed(["local", "remote"], registry=found, environ=environ)
        local, remote = ping(models, environ)
        assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
        assert len(server.requests) == 1
    assert not local.ok
    assert local.line.startswith("local: NOT OK")
    assert "127.0.0.1" in local.wrong
    assert KEY not in local.line
    assert "REMOTE_KEY is not set" in remote.line
    with Server("") as server:
        models = listed(["local"], registry=registry(server.url), environ={})
        [silent] = ping(models, {})
    assert not silent.ok
    [dead] = ping(listed(["local"], registry=registry(), environ={}), {})
    assert "no connection to 127.0.0.1:9" in dead.wrong


def test_a_recorded_model_is_not_asked(registry):
    """A model that repeats recorded answers knows no other question; that is no failure."""
    [found] = ping(listed(["demo"], registry=registry(), environ={}), {})
    assert found.ok
