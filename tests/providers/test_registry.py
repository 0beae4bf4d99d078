"""The registry of models: what is built in, and what a user's file may say."""

import re

import pytest

from medcheck import shelves
from medcheck.errors import SettingsError
from medcheck.providers import Price, load_registry

OPEN_MODELS = ("baichuan-m2", "baichuan-m3", "antangelmed")


def load(tmp_path, text):
    path = tmp_path / "models.yaml"
    path.write_text(text, encoding="utf-8")
    return load_registry(path)


def complaint(tmp_path, text):
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, text)
    return str(caught.value).replace(f"{tmp_path}/", "")


def test_built_in_models():
    """The demo, the official judge and the open medical models are known by name."""
    registry = load_registry()
    assert registry.find("demo").judge == "demo-judge"
    assert registry.find("demo-judge").provider == "replay"
    assert registry.find("gpt-4.1-2025-04-14").model == "gpt-4.1-2025-04-14"
    for name in OPEN_MODELS:
        assert registry.find(name).open_weights
        assert registry.find(name).kind == "medical"
    assert all(entry.provider in shelves.names("providers") for entry in registry.entries.values())
    panels = [judge for e in registry.entries.values() for p in e.panels.values() for judge in p]
    judges = {entry.judge for entry in registry.entries.values()} - {None} | set(panels)
    assert "demo-judge-3" in panels
    assert judges <= registry.entries.keys()


def test_reasoning_models_get_time_and_no_token_limit():
    """A reasoning model has half an hour, and a suite's max_tokens does not reach it."""
    for entry in load_registry().entries.values():
        if entry.reasoning:
            assert entry.timeout.total == 1800
            assert entry.accepts.get("max_tokens") in {None, "drop"}
        else:
            assert entry.timeout.total <= 1800


def test_prices_have_date_and_source():
    """Each price names its day and source; a model without one has no price, not 0."""
    registry = load_registry()
    prices = {name: entry.price for name, entry in registry.entries.items() if entry.price}
    assert len(prices) >= 5
    for price in prices.values():
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", price.date)
        assert price.source
        assert 0 < price.input < price.output
    assert registry.find("vllm").price is None


def test_unknown_name_suggests_the_nearest():
    """A misspelled model is answered with the nearest name and the way to add one."""
    with pytest.raises(SettingsError) as caught:
        load_registry().find("gpt-4.l")
    text = str(caught.value)
    assert text.startswith('unknown model "gpt-4.l". Did you mean "gpt-4.1"?')
    assert "pass --base-url" in text
    assert "models.yaml" in text


def test_own_model(tmp_path):
    """An entry of one's own is read whole, with numbers, flags and groups."""
    entry = load(
        tmp_path,
        """
triage-bot:
  model: triage/7b
  base_url: http://10.0.0.5:8000/v1
  api_key_env: TRIAGE_KEY
  kind: medical
  stream: true
  system: 你是一名分诊护士。
  params: {temperature: 0.2, extra_body: {top_k: 20}}
  timeout: {idle: 5, total: 9.5}
  limits: {rpm: 60}
  price: {input: 0, output: 0.5, date: 2026-11-01, source: contract}
""",
    ).find("triage-bot")
    assert (entry.model, entry.kind, entry.stream) == ("triage/7b", "medical", True)
    assert entry.system == "你是一名分诊护士。"
    assert entry.params == {"temperature": 0.2, "extra_body": {"top_k": 20}}
    assert (entry.timeout.idle, entry.timeout.total, entry.limits.rpm) == (5, 9.5, 60)
    assert entry.price == Price(input=0, output=0.5, date="2026-11-01", source="contract")


def test_name_is_the_model_where_nothing_else_is_said(tmp_path):
    """An entry without model asks the endpoint for its own name."""
    assert load(tmp_path, "local-7b: {base_url: 'http://127.0.0.1:1/v1'}").find(
        "local-7b"
    ).model == ("local-7b")


def test_users_entry_lies_over_the_built_in_one(tmp_path):
    """A setting of the user's replaces that one only."""
    built_in = load_registry().find("o3")
    entry = load(tmp_path, "o3: {limits: {concurrency: 4}}").find("o3")
    assert entry.limits.concurrency == 4
    assert entry.accepts == built_in.accepts
    assert entry.api_key_env == "OPENAI_API_KEY"


def test_other_endpoint_keeps_no_price_and_no_key(tmp_path):
    """A built-in model at another address has neither that model's price nor its key."""
    entry = load(tmp_path, "gpt-4.1: {base_url: 'https://gateway.example.com/v1'}").find("gpt-4.1")
    assert entry.price is None
    assert entry.api_key_env is None
    assert entry.base_url_env is None
    assert load(tmp_path, "gpt-4.1: {base_url_env: MY_URL}").find("gpt-4.1").base_url is None


def test_empty_file_adds_nothing(tmp_path):
    """A file of comments only is the built-in registry."""
    assert load(tmp_path, "# none yet\n") == load_registry()


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a:\n  modle: x\n", 2, 'unknown setting "modle". Did you mean "model"?'),
        ("a:\n  provider: opneai\n", 2, "provider: opneai is not on the shelf"),
        ("a:\n  kind: medicine\n", 2, "kind: medicine is not one of general, medical"),
        ("a:\n  stream: yes\n", 2, "stream: yes is not true or false"),
        ("a:\n  timeout: {idle: 5, totl: 9}\n", 2, 'timeout: unknown setting "totl"'),
        ("a:\n  timeout: {total: 0}\n", 2, "timeout.total: 0 is not a usable number"),
        ("a:\n  timeout: {total: .inf}\n", 2, "timeout.total: .inf is not a usable number"),
        ("a:\n  timeout: {total: 1e999}\n", 2, "timeout.total: inf is not a usable number"),
        ("a:\n  limits: {rpm: 1.5}\n", 2, "limits.rpm: 1.5 is not a usable number"),
        ("a:\n  limits: {rpm: 060}\n", 2, "limits.rpm: 060 is not a usable number"),
        ("a:\n  price: {input: 1}\n", 2, "price: needs input and output"),
        ("a:\n  price: {input: -1, output: 2}\n", 2, "price.input: -1 is not a usable number"),
        ("a:\n  accepts: {system: assistant}\n", 2, "accepts.system: assistant is not one of"),
        ("a:\n  accepts: {temperature: 1}\n", 2, "accepts.temperature: 1 is not true, false"),
        ("a:\n  params: [1]\n", 2, "params: expected names with values"),
        ("a:\n  model: 7\n", 2, "model: 7 is not text"),
        ("a:\n  api_key_env: my key\n", 2, "must be the name of an environment variable"),
        ("a: 7\n", 1, '"a" must hold settings'),
    ],
)
def test_wrong_setting_has_its_line(tmp_path, text, line, message):
    """A wrong setting is reported with file, line, value and what was expected."""
    found = complaint(tmp_path, text)
    assert found.startswith(f"models.yaml:{line}: ")
    assert message in found


def test_all_errors_at_once(tmp_path):
    """All errors of a file come together, in the order of its lines."""
    found = complaint(tmp_path, "a:\n  stream: 1\n  modle: x\nb:\n  kind: y\n").splitlines()
    assert [line.split(":")[1] for line in found] == ["2", "3", "5"]


@pytest.mark.parametrize(
    "setting",
    [
        "api_key: abcdefgh-secret",
        "api-key: abcdefgh-secret",
        "token: 9876543210",
        "params: {extra_headers: {Authorization: abcdefgh-secret}}",
        "params: {extra_body: {nested: [{password: abcdefgh-secret}]}}",
        "system: Use sk-abcdefgh-secret please",
        "base_url: https://user:abcdefgh-secret@example.com/v1",
        "api_key_env: sk-abcdefgh-secret",
        "api_key_env: abcdefgh-secret",
        "params: {x: Bearer abcdefgh-secret}",
    ],
)
def test_keys_never_stand_in_files(tmp_path, setting):
    """A key in the file is an error with its line, and the error does not repeat it."""
    found = complaint(tmp_path, f"ok: {{}}\nmine:\n  {setting}\n")
    assert found.startswith("models.yaml:3: ")
    assert "environment variable" in found
    assert "secret" not in found
    assert "9876543210" not in found


def test_token_settings_are_no_keys(tmp_path):
    """Settings about tokens are settings, not keys."""
    entry = load(tmp_path, "a: {params: {max_tokens: 5, max_completion_tokens: 6}}").find("a")
    assert entry.params == {"max_tokens": 5, "max_completion_tokens": 6}


def test_a_panel_is_a_list_of_judges(tmp_path):
    """`panels` names judges by suite; anything else is refused with its line."""
    text = "mine: {provider: replay, panels: {suite-a: [x, y]}}\n"
    assert load(tmp_path, text).find("mine").panels == {"suite-a": ["x", "y"]}
    for wrong in ("{s: x}", "{s: []}", "{s: [1]}", "[x]"):
        said = complaint(tmp_path, f"mine:\n  provider: replay\n  panels: {wrong}\n")
        assert said.startswith('models.yaml:3: "mine": panels: ')
