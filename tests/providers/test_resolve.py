"""From a name and an environment to an endpoint and a key."""

import pytest

from medcheck.errors import SettingsError
from medcheck.providers import Entry, Registry, host_note, key_of, load_registry, resolve

REGISTRY = load_registry()
OWN = Registry(
    entries={
        "cloud": Entry(
            name="cloud", model="c", base_url="https://cloud.example.com/v1", api_key_env="C_KEY"
        ),
        "ward": Entry(name="ward", model="w", base_url_env="WARD_URL"),
    }
)


def at(name, environ=None, registry=REGISTRY, **more):
    return resolve(name, registry=registry, environ=environ or {}, **more)


def test_registry_name_uses_its_own_endpoint_and_key():
    """A known name goes to its own address with its own key."""
    entry = at("cloud", {"MODEL_API_KEY": "no", "OPENAI_BASE_URL": "http://x/v1"}, OWN)
    assert (entry.base_url, entry.api_key_env) == ("https://cloud.example.com/v1", "C_KEY")
    assert key_of(entry, {"C_KEY": "sk-c"}).reveal() == "sk-c"
    assert host_note(entry, {"OPENAI_API_KEY": "sk-o"}) is None


def test_base_url_from_its_variable():
    """An entry may take its address from a variable, and says which one is missing."""
    assert (
        at("ward", {"WARD_URL": "http://10.1.2.3:80/v1/"}, OWN).base_url == "http://10.1.2.3:80/v1"
    )
    with pytest.raises(SettingsError, match="WARD_URL is not set"):
        at("ward", {}, OWN)


def test_openai_base_url():
    """OPENAI_BASE_URL moves OpenAI's models and takes names that no registry knows."""
    environ = {"OPENAI_BASE_URL": "http://127.0.0.1:9/v1", "OPENAI_API_KEY": "sk-o"}
    moved = at("gpt-4.1", environ)
    assert moved.base_url == "http://127.0.0.1:9/v1"
    assert moved.price is None
    assert at("gpt-4.1").price is not None
    assert at("my-finetune", environ).base_url == "http://127.0.0.1:9/v1"


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("https://h.example.com/v1/chat/completions", "https://h.example.com/v1"),
        ("https://h.example.com/v1/chat/completions/", "https://h.example.com/v1"),
        ("https://h.example.com/v1/", "https://h.example.com/v1"),
        ("http://[::1]:8000/v1", "http://[::1]:8000/v1"),
        ("https://h.example.com/v1?version=2", "https://h.example.com/v1"),
        ("https://h.example.com", "https://h.example.com"),
    ],
)
def test_address_forms(given, used):
    """An address may end in a slash, a query, or the path of Chat Completions."""
    entry = at("new-model", base_url=given)
    assert entry.base_url == used
    assert (entry.name, entry.model, entry.provider) == ("new-model", "new-model", "openai")
    assert entry.query == ({"version": "2"} if "?" in given else {})


@pytest.mark.parametrize(
    "given", ["localhost:8000/v1", "h.example.com", "ftp://h/v1", "http://h:x/v1"]
)
def test_wrong_address(given):
    """An address that is none is answered with an example."""
    with pytest.raises(SettingsError, match=r"http://127\.0\.0\.1:8000/v1"):
        at("m", base_url=given)


def test_address_with_password():
    """An address that holds a password is refused without repeating it."""
    with pytest.raises(SettingsError) as caught:
        at("m", base_url="https://me:hunter2-pass@h.example.com/v1")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("role", "variable"), [("model", "MODEL_API_KEY"), ("judge", "JUDGE_API_KEY")]
)
def test_key_of_a_base_url(role, variable):
    """--base-url takes the role's own key, else OPENAI_API_KEY, and then names the host."""
    environ = {variable: "sk-own", "OPENAI_API_KEY": "sk-open"}
    own = at("m", environ, base_url="https://h.example.com:8443/v1", role=role)
    assert key_of(own, environ).reveal() == "sk-own"
    assert host_note(own, environ) is None
    del environ[variable]
    other = at("m", environ, base_url="https://h.example.com:8443/v1", role=role)
    assert key_of(other, environ).reveal() == "sk-open"
    assert host_note(other, environ) == (
        f"OPENAI_API_KEY is sent to h.example.com:8443, because {variable} is not set."
    )
    with pytest.raises(SettingsError, match=f"Set {variable}"):
        key_of(other, {})


def test_no_note_for_openai_itself():
    """OpenAI's own host getting OPENAI_API_KEY is not worth a line."""
    environ = {"OPENAI_API_KEY": "sk-o"}
    assert host_note(at("m", environ, base_url="https://api.openai.com/v1"), environ) is None


def test_known_name_at_another_address():
    """A known name with --base-url keeps what it accepts and loses price, limits and key."""
    environ = {"MODEL_API_KEY": "sk-m", "OPENAI_BASE_URL": "http://elsewhere/v1"}
    entry = at("o3", environ, base_url="https://gateway.example.com/v1")
    assert entry.base_url == "https://gateway.example.com/v1"
    assert entry.api_key_env == "MODEL_API_KEY"
    assert entry.accepts == REGISTRY.find("o3").accepts
    assert entry.reasoning
    assert at("gpt-4.1", environ, base_url="https://gateway.example.com/v1").price is None
    assert at("deepseek-flash", environ, base_url="http://h/v1").limits.concurrency is None


@pytest.mark.parametrize(("role", "prefix"), [("model", "MODEL"), ("judge", "JUDGE")])
def test_env(role, prefix):
    """--model env and --judge env take name, key and address from the environment."""
    environ = {
        f"{prefix}_NAME": "qwen-x",
        f"{prefix}_API_KEY": "sk-e",
        f"{prefix}_API_URL": "https://h.example.com/v1/chat/completions",
        "OPENAI_BASE_URL": "http://elsewhere/v1",
    }
    entry = at("env", environ, role=role)
    assert (entry.name, entry.model, entry.base_url) == (
        "qwen-x",
        "qwen-x",
        "https://h.example.com/v1",
    )
    assert key_of(entry, environ).reveal() == "sk-e"
    with pytest.raises(SettingsError, match=f"{prefix}_NAME is not set"):
        at("env", {}, role=role)


def test_unknown_name():
    """An unknown name is answered with the nearest one and the flag of its role."""
    with pytest.raises(
        SettingsError, match=r'unknown model "o33"\. Did you mean "o3"\?.*--base-url'
    ):
        at("o33")
    with pytest.raises(SettingsError, match=r'unknown judge "gpt-4\.l".*--judge-base-url'):
        at("gpt-4.l", role="judge")


@pytest.mark.parametrize(
    ("url", "is_local"),
    [
        ("http://127.0.0.1:8000/v1", True),
        ("http://localhost:11434/v1", True),
        ("http://[::1]:8000/v1", True),
        ("http://10.0.0.5/v1", True),
        ("http://192.168.1.9/v1", True),
        ("http://vllm:8000/v1", True),
        ("http://gpu.ward.local/v1", True),
        ("https://8.8.8.8/v1", False),
        ("https://h.example.com/v1", False),
        ("https://localhost.example.com/v1", False),
    ],
)
def test_local_endpoints_need_no_key(url, is_local):
    """A server on this machine or network needs no key; any other does."""
    entry = at("m", base_url=url)
    if is_local:
        assert not key_of(entry, {})
    else:
        with pytest.raises(SettingsError, match="needs a key"):
            key_of(entry, {})


def test_demo_needs_nothing():
    """The demo has no endpoint and no key."""
    entry = at("demo")
    assert entry.provider == "replay"
    assert not key_of(entry, {})


PAIR = {
    "MODEL_NAME": "qwen-x",
    "API_TOKEN": "sk-t",
    "API_URL": "https://h.example.com/v1/chat/completions",
}


def test_env_of_the_medbench_script():
    """API_TOKEN and API_URL stand in for the model's key and address, as a pair only."""
    entry = at("env", {**PAIR, "OPENAI_API_KEY": "sk-o", "OPENAI_BASE_URL": "http://else/v1"})
    assert entry.base_url == "https://h.example.com/v1"
    assert key_of(entry, PAIR).reveal() == "sk-t"
    assert host_note(entry, {**PAIR, "OPENAI_API_KEY": "sk-o"}) is None
    own = {**PAIR, "MODEL_API_KEY": "sk-m", "MODEL_API_URL": "https://m.example.com/v1"}
    assert at("env", own).base_url == "https://m.example.com/v1"
    assert key_of(at("env", own), own).reveal() == "sk-m"


@pytest.mark.parametrize("missing", ["API_TOKEN", "API_URL"])
def test_half_a_pair_is_none(missing):
    """No other key goes to API_URL, and API_TOKEN goes nowhere else."""
    environ = {name: value for name, value in PAIR.items() if name != missing}
    environ["OPENAI_API_KEY"] = "sk-o"
    entry = at("env", environ)
    assert entry.base_url == "https://api.openai.com/v1"
    assert key_of(entry, environ).reveal() == "sk-o"


def test_judges_take_no_pair():
    """The script has no judges: their address is not guessed from its variables."""
    entry = at("env", {**PAIR, "JUDGE_NAME": "j", "JUDGE_API_KEY": "sk-j"}, role="judge")
    assert entry.base_url == "https://api.openai.com/v1"
