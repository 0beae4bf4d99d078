"""ROUGE, BLEU and BERTScore of texts, by libraries; they measure wording, not truth.

Source: medhelm.md section 3; Lin 2004 (ROUGE, by rouge-score); Papineni 2002 and Post 2018 (BLEU,
by sacrebleu); Zhang 2020 (BERTScore).
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import re
import warnings
from collections.abc import Callable
from typing import Any

from medcheck.errors import SettingsError
from medcheck.scoring.metrics._base import EMPTY, Gold, Measured, unmeasured

LIBRARIES = {"rouge": "rouge_score", "bleu": "sacrebleu"}
"""What a metric needs, by how its name begins."""
BERT = "BERTScore-"
BERT_MODEL = "distilbert-base-uncased"
NO_GOLD = "there is no reference."

_PART = re.compile(
    r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]|[^\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+"
)
_CHINESE = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")


def check_library(metric: str) -> None:
    """Raise unless the library of a metric is installed.

    Raises:
        SettingsError: it is not.
    """
    if metric.startswith(BERT):
        if importlib.util.find_spec("bert_score") is None:
            raise SettingsError(
                f"{metric} needs the package bert-score (with torch, about 2 GB), which is no part "
                "of medcheck.",
                hint="Run: pip install bert-score, or leave the metric out.",
            )
        return
    needed = next((lib for start, lib in LIBRARIES.items() if metric.startswith(start)), None)
    if needed is not None and importlib.util.find_spec(needed) is None:
        raise SettingsError(
            f"{metric} needs {needed.replace('_', '-')}.",
            hint="Run: pip install medcheck[metrics]",
        )


def rouge(kind: str, *, official: bool = False) -> Callable[[str, Gold], Measured]:
    """Return ROUGE of a kind (rouge1, rouge2, rougeL): the best F measure over the references.

    English words are stemmed; Chinese counts by characters. Official: Chinese characters are
    dropped, so that a Chinese answer is 0 whatever it says.
    """

    def metric(answer: str, gold: Gold) -> Measured:
        def best(texts: list[str]) -> float:
            scorer = _scorer(kind, official)
            return max(float(scorer.score(text, answer)[kind].fmeasure) for text in texts)

        return _over(answer, gold, best)

    return metric


def bleu(answer: str, gold: Gold) -> Measured:
    """Return sentence BLEU against all references; Chinese counts by characters."""

    def against(texts: list[str]) -> float:
        chinese = any(map(_CHINESE.search, texts))
        return float(_bleu("zh" if chinese else "13a").sentence_score(answer, texts).score) / 100

    return _over(answer, gold, against)


def bert_score(part: int) -> Callable[[str, Gold], Measured]:
    """Return BERTScore without rescaling: part 0 is precision, 1 recall, 2 F.

    Its model knows English only: other references are not measured.
    """

    def metric(answer: str, gold: Gold) -> Measured:
        if any(map(_CHINESE.search, gold.references)):
            return unmeasured(f"{BERT_MODEL} knows no Chinese.")

        def best(texts: list[str]) -> float:
            scorer = _library("bert_score")
            found = scorer.score([answer], [texts], model_type=BERT_MODEL)
            return float(found[part][0])

        return _over(answer, gold, best)

    return metric


def _over(answer: str, gold: Gold, against: Callable[[list[str]], float]) -> Measured:
    texts = [text for text in gold.references if text.strip()]
    if not texts:
        return unmeasured(NO_GOLD)
    if not answer.strip():
        return EMPTY
    # Sums of logarithms end a hair above 1.
    return Measured(value=min(max(against(texts), 0.0), 1.0))


@functools.cache
def _scorer(kind: str, official: bool) -> Any:  # noqa: FBT001 - a key of the cache
    module = _library("rouge_score.rouge_scorer")
    if official:
        return module.RougeScorer([kind], use_stemmer=True)
    return module.RougeScorer([kind], tokenizer=_Tokenizer())


@functools.cache
def _bleu(tokenizer: str) -> Any:
    return _library("sacrebleu.metrics").BLEU(effective_order=True, tokenize=tokenizer)


class _Tokenizer:
    """Words as rouge-score cuts and stems them, and each Chinese character."""

    def __init__(self) -> None:
        self._words = _library("rouge_score.tokenizers").DefaultTokenizer(use_stemmer=True)

    def tokenize(self, text: str) -> list[str]:
        """Return the tokens of a text, in order."""
        found: list[str] = []
        for part in _PART.findall(text):
            found += [part] if _CHINESE.match(part) else self._words.tokenize(part)
        return found


def _library(name: str) -> Any:
    """Return a module of a library; these have no types of their own."""
    with warnings.catch_warnings():
        # Their imports open files without an encoding, which is theirs to mend.
        warnings.simplefilter("ignore", EncodingWarning)
        return importlib.import_module(name)
