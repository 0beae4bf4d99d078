"""ROUGE and BLEU come from libraries, know Chinese, and are refused by name where these lack."""

import importlib.util
import sys
from types import SimpleNamespace

import pytest

from medcheck.errors import SettingsError
from medcheck.scoring.metrics import Gold, check, measure

ROUGES = ("rouge_1", "rouge_2", "rouge_l")
NOTE = "Patient was treated with metformin 500 mg twice daily."


@pytest.fixture
def libraries():
    """Skip where the extra is not installed."""
    for name in ("rouge_score", "sacrebleu"):
        pytest.importorskip(name, reason="the extra metrics is not installed")


@pytest.mark.parametrize("name", [*ROUGES, "bleu"])
def test_texts(libraries, name):
    """The reference is 1, another text less, nothing 0; of several references the best counts."""
    gold = Gold(references=("Something else altogether was said.", NOTE))
    assert measure(name, NOTE, gold).value == pytest.approx(1)
    assert measure(name, NOTE, gold).value <= 1
    assert 0 < measure(name, "Patient was treated with insulin.", gold).value < 1
    assert measure(name, " ", gold).value == 0
    assert measure(name, NOTE, Gold(references=("",))).value is None


@pytest.mark.parametrize("name", [*ROUGES, "bleu"])
def test_chinese(libraries, name):
    """Chinese counts by characters; the original's ROUGE drops them and gives 0."""
    gold = Gold(references=("患者有肺炎，建议CT复查。",))
    assert measure(name, "患者有肺炎，建议CT复查。", gold).value == pytest.approx(1)
    assert 0 < measure(name, "患者有胸膜炎，建议复查。", gold).value < 1
    if name != "bleu":
        only = Gold(references=("患者有肺炎",))
        assert measure(f"{name}_official", "患者有肺炎", only).value == 0


@pytest.mark.parametrize("name", ROUGES)
def test_english_is_the_originals(libraries, name):
    """Of English texts the original's figure is ours: words in lower case, stemmed."""
    gold = Gold(references=(NOTE,))
    answer = "The patients were treating with Metformin, 500 mg daily"
    assert measure(name, answer, gold).value == measure(f"{name}_official", answer, gold).value > 0


@pytest.mark.parametrize("name", ["rouge_l", "rouge_1_official", "bleu"])
def test_a_missing_library_is_named(monkeypatch, name):
    """Without the extra the error says what to install."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(SettingsError, match=r"medcheck\[metrics\]"):
        check(name)


def test_bert_score_is_refused_by_name(monkeypatch):
    """BERTScore is no part of medcheck: it is named, never replaced by something else."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(SettingsError, match="BERTScore-F needs the package bert-score"):
        measure("BERTScore-F", "x", Gold(references=("x",)))


def test_bert_score_where_it_is_installed(monkeypatch):
    """Its three parts are the library's, without rescaling; Chinese is not measured."""
    asked = []

    def score(answers, references, **more):
        asked.append((answers, references, more))
        return [0.1], [0.2], [0.3]

    monkeypatch.setitem(sys.modules, "bert_score", SimpleNamespace(score=score, __spec__=True))
    gold = Gold(references=("x", "y"))
    parts = [measure(f"BERTScore-{part}", "z", gold).value for part in "PRF"]
    assert parts == [0.1, 0.2, 0.3]
    assert asked[0] == (["z"], [["x", "y"]], {"model_type": "distilbert-base-uncased"})
    assert measure("BERTScore-F", "z", Gold(references=("肺炎",))).value is None
