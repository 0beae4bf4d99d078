"""Metrics of closed and reference-based tasks by name: an answer and its gold in, 0 to 1 out.

`NAME_official` is what the original computes, defects included, where that differs. Which metrics
need a library is said by `check`; how a case is graded with them, in `graders.short_answer`.

Source: medhelm.md sections 3 and 7.
"""

from __future__ import annotations

from collections.abc import Mapping

from medcheck.errors import SettingsError, nearest
from medcheck.scoring.metrics import codes, ehr_sql, exact, medcalc, medec, overlap
from medcheck.scoring.metrics._base import Gold, Measured, Metric

__all__ = [
    "CLASSED",
    "METRICS",
    "OFFICIAL",
    "UNREADABLE",
    "Gold",
    "Measured",
    "Metric",
    "check",
    "measure",
    "official_of",
]

OFFICIAL = "_official"
"""How the names of the originals' own variants end."""

_ROUGES = {"rouge_1": "rouge1", "rouge_2": "rouge2", "rouge_l": "rougeL"}
METRICS: Mapping[str, Metric] = {
    **{
        metric.__name__: metric
        for metric in (
            exact.exact_match,
            exact.exact_match_official,
            exact.quasi_exact_match,
            exact.quasi_exact_match_official,
            medcalc.medcalc,
            medcalc.medcalc_official,
            medec.medec_flag,
            medec.medec_flag_official,
            medec.medec_sentence,
            medec.medec_sentence_official,
            medec.medec_correction,
            ehr_sql.ehr_sql,
            ehr_sql.ehr_sql_official,
            ehr_sql.ehr_sql_execution,
            ehr_sql.ehr_sql_structure,
            ehr_sql.ehr_sql_abstention,
            codes.code_f1,
            codes.code_f1_official,
            codes.code_precision,
            codes.code_precision_official,
            codes.code_recall,
            codes.code_recall_official,
            overlap.bleu,
        )
    },
    **{name: overlap.rouge(kind) for name, kind in _ROUGES.items()},
    **{f"{name}{OFFICIAL}": overlap.rouge(kind, official=True) for name, kind in _ROUGES.items()},
    **{f"{overlap.BERT}{part}": overlap.bert_score(at) for at, part in enumerate("PRF")},
}
"""A metric by its name in YAML."""
CLASSED = frozenset({
    "exact_match", "exact_match_official", "medec_flag", "medec_flag_official", "ehr_sql",
    "ehr_sql_official", "ehr_sql_abstention",
})  # fmt: skip
"""Metrics by which an answer chooses a class, see `Measured.given`."""

UNREADABLE = frozenset({
    exact.NO_OPTION, exact.NO_ANSWER, medcalc.NO_VALUE, medcalc.NO_NUMBER, medec.NEITHER,
    ehr_sql.NO_QUERY,
})  # fmt: skip
"""What `Measured.why` says of a reply from which no answer can be read: it is 0, not a choice."""


def check(name: str) -> None:
    """Raise unless there is a metric of this name, and its library is installed.

    Raises:
        SettingsError: it is unknown, or its library is missing.
    """
    if name not in METRICS:
        raise SettingsError(f'grader.metric: unknown name "{name}".', hint=nearest(name, METRICS))
    overlap.check_library(name)


def official_of(name: str) -> str:
    """Return the name of a metric's official variant; of one without, the name itself."""
    variant = f"{name}{OFFICIAL}"
    return variant if variant in METRICS else name


def measure(name: str, answer: str, gold: Gold) -> Measured:
    """Return what a metric makes of an answer.

    Raises:
        SettingsError: unknown metric, or its library is missing.
        DatasetError: a database that the gold names is none.
    """
    check(name)
    return METRICS[name](answer, gold)
