"""HealthBench's meta-evaluation: graders against physicians, and physicians among themselves.

Every (prediction, label) pair counts once; a physician is rated against the others of the row. How
graders are asked lives with the graders.

Source: simple-evals healthbench_meta_eval.py:49-336; healthbench_analysis.ipynb cell 50.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from medcheck.stats.means import bootstrap_std, mean, row_seed
from medcheck.types import Result

HEADLINE = "pairwise_model_f1_balanced"
"""The key that is the score of a meta-evaluation ("macro F1")."""
MIN_LABELS = 50
"""Physicians with no more than this n are left out of a theme's comparison."""
THEMES = (
    "communication",
    "complex_responses",
    "context_seeking",
    "emergency_referrals",
    "global_health",
    "health_data_tasks",
    "hedging",
)
_CLUSTER = "cluster:"

Pair = tuple[str, bool, bool]
"""Category, prediction, label."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetaRow:
    """One answer and criterion: what a grader and the physicians said."""

    predicted: bool
    labels: tuple[bool, ...]
    """One for each physician."""
    category: str
    """Such as `cluster:hedging_no-uncertainty_hedges`."""
    physicians: tuple[str, ...] = ()
    """Who gave the labels, in their order; empty: unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A share or a mean, and what it rests on."""

    value: float
    n: int
    """Pairs for precision and recall, TP+FP+FN for F1, the sum of both sides where balanced,
    rows for the sample means."""
    bootstrap_std: float | None = None
    """Of a sample mean, unclipped; `None`: not drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ThemeAgreement:
    """A grader among the physicians on one theme."""

    theme: str
    model: Metric
    """Balanced F1, weighted by n over the theme's categories."""
    physicians: Metric | None
    """The same over all physicians; `None`: no two physicians labeled the same row."""
    compared: int
    """Physicians with enough labels."""
    percentile: float | None
    """0 to 100: the compared physicians below the grader and half of those equal to it."""


def meta_metrics(rows: Iterable[MetaRow], *, seed: int | None = None) -> dict[str, Metric]:
    """Return sample means and agreement under the official keys, overall and by category.

    A key is missing where nothing can be counted: precision without predictions of its side,
    recall without labels of its side, F1 and balanced figures without both of their parts.
    Without `seed` the sample means carry no bootstrap error.
    """
    kept = list(rows)
    return sample_means(kept, seed=seed) | model_metrics(kept)


def official_metrics(rows: Iterable[MetaRow], *, seed: int | None = None) -> dict[str, float]:
    """Return the flat `metrics` of the official report, `:n_samples` and `:bootstrap_std` included.

    Source: healthbench_meta_eval.py:167-178; common.py aggregate_results.
    """
    found = meta_metrics(rows, seed=seed)
    sampled = {name: metric for name, metric in found.items() if "pairwise_" not in name}
    # The official report calls the prediction itself the score of a row, and later overwrites
    # the mean by the headline, but not its n and error.
    if "model_predicted_positive" in sampled:
        sampled["score"] = sampled["model_predicted_positive"]
    flat = {name: metric.value for name, metric in found.items()}
    for name, metric in sampled.items():
        flat[f"{name}:n_samples"] = metric.n
        if metric.bootstrap_std is not None:
            flat[f"{name}:bootstrap_std"] = metric.bootstrap_std
    return flat


def model_metrics(rows: Iterable[MetaRow]) -> dict[str, Metric]:
    """Return the grader's agreement with the physicians: the official `model_agreement_metrics`."""
    return _agreement(
        ((row.category, row.predicted, label) for row in rows for label in row.labels), "model"
    )


def physician_metrics(rows: Iterable[MetaRow]) -> dict[str, dict[str, Metric]]:
    """Return, by key and physician, the agreement of each with the others who labeled the row.

    The official `physician_agreement_metric_lists`. Rows with one label add nothing.

    Source: healthbench_meta_eval.py:138-165.
    """
    pairs: dict[str, list[Pair]] = defaultdict(list)
    for row in rows:
        if row.physicians:
            _add_pairs(pairs, row)
    found: dict[str, dict[str, Metric]] = defaultdict(dict)
    for name, own in pairs.items():
        for key, metric in _agreement(own, "physician").items():
            found[key][name] = metric
    return dict(found)


def sample_means(rows: Sequence[MetaRow], *, seed: int | None = None) -> dict[str, Metric]:
    """Return the official means over rows: labels, share of positive labels and predictions."""
    values: dict[str, list[float]] = {}
    for row in rows:
        for name, value in _sampled(row):
            values.setdefault(name, []).append(value)
            values.setdefault(f"{row.category}: {name}", []).append(value)
    return {name: _mean(name, sample, seed) for name, sample in values.items()}


def theme_agreement(
    model: Mapping[str, Metric],
    physicians: Mapping[str, Mapping[str, Metric]],
    *,
    min_labels: int = MIN_LABELS,
) -> tuple[ThemeAgreement, ...]:
    """Return the grader and the physicians by theme; categories without balanced F1 add nothing.

    Args:
        model: from `model_metrics`.
        physicians: from `physician_metrics`; may be empty.
        min_labels: a physician is compared above this n.

    Source: healthbench_analysis.ipynb cell 50.
    """
    own: dict[str, list[Metric]] = defaultdict(list)
    others: dict[str, dict[str, list[Metric]]] = defaultdict(lambda: defaultdict(list))
    for key, metric in model.items():
        if key.startswith(_CLUSTER) and key.endswith(f": {HEADLINE}"):
            own[theme_of(key)].append(metric)
    for key, by_name in physicians.items():
        if key.startswith(_CLUSTER) and key.endswith(": pairwise_physician_f1_balanced"):
            for name, metric in by_name.items():
                others[theme_of(key)][name].append(metric)
    return tuple(
        _compared(theme, _weighted(own[theme]), [_weighted(m) for m in others[theme].values()],
                  min_labels=min_labels)
        for theme in sorted(own)
    )  # fmt: skip


def theme_of(category: str) -> str:
    """Return the theme of a category `cluster:THEME_...`; of an unknown one its first word."""
    name = category.removeprefix(_CLUSTER)
    known = (theme for theme in THEMES if name.startswith(f"{theme}_"))
    return next(known, name.partition("_")[0])


def rows_of(results: Iterable[Result], *, prefix: str = _CLUSTER) -> Iterator[MetaRow]:
    """Yield the row of each measured result of a meta-evaluation; the others have no verdict.

    Labels and `physicians` are the result's `labels`, the category is its first tag with `prefix`.
    """
    for result in results:
        if not result.measured or result.score is None:
            continue
        (verdict,) = result.score.verdicts
        labels = result.labels[verdict.criterion.id]
        yield MetaRow(
            predicted=verdict.state == "met",
            labels=tuple(labels) if isinstance(labels, (list, tuple)) else (labels,),
            category=next((tag for tag in result.tags if tag.startswith(prefix)), ""),
            physicians=tuple(result.labels.get("physicians", ())),
        )


def _add_pairs(pairs: dict[str, list[Pair]], row: MetaRow) -> None:
    for number, (name, label) in enumerate(zip(row.physicians, row.labels, strict=True)):
        others = (*row.labels[:number], *row.labels[number + 1 :])
        pairs[name] += [(row.category, label, other) for other in others]


def _agreement(pairs: Iterable[Pair], rater: str) -> dict[str, Metric]:
    tables: dict[str, Counter[tuple[bool, bool]]] = defaultdict(Counter)
    for category, predicted, label in pairs:
        tables[""][predicted, label] += 1
        tables[f"{category}: "][predicted, label] += 1
    return {
        f"{scope}pairwise_{rater}_{name}": metric
        for scope, table in tables.items()
        for name, metric in _table_metrics(table).items()
    }


def _table_metrics(table: Counter[tuple[bool, bool]]) -> dict[str, Metric]:
    """Return the metrics of one table of counts, by (prediction, label).

    Source: healthbench_meta_eval.py:193-336.
    """
    found: dict[str, Metric] = {}
    for side, truth in (("pos", True), ("neg", False)):
        agreed = table[truth, truth]
        predicted = agreed + table[truth, not truth]
        labeled = agreed + table[not truth, truth]
        if predicted:
            found[f"precision_{side}"] = Metric(value=agreed / predicted, n=predicted)
        if labeled:
            found[f"recall_{side}"] = Metric(value=agreed / labeled, n=labeled)
        if predicted and labeled:
            value = _harmonic(agreed / predicted, agreed / labeled)
            found[f"f1_{side}"] = Metric(value=value, n=predicted + labeled - agreed)
    for name in ("precision", "recall", "f1"):
        pos, neg = found.get(f"{name}_pos"), found.get(f"{name}_neg")
        if pos and neg:
            value = (pos.value + neg.value) / 2
            found[f"{name}_balanced"] = Metric(value=value, n=pos.n + neg.n)
    return found


def _harmonic(precision: float, recall: float) -> float:
    total = precision + recall
    # Written as the official code does, so that the last bit is the same.
    return 2 * (precision * recall) / total if total else 0.0


def _sampled(row: MetaRow) -> Iterator[tuple[str, float]]:
    yield "num_physician_labels", float(len(row.labels))
    if row.labels:
        yield "percent_physician_pos", sum(row.labels) / len(row.labels)
    yield "model_predicted_positive", float(row.predicted)


def _mean(name: str, values: Sequence[float], seed: int | None) -> Metric:
    value = mean(values)
    assert value is not None
    std = None
    if seed is not None:
        std = bootstrap_std(values, seed=row_seed(seed, name), clip=False)
    return Metric(value=value, n=len(values), bootstrap_std=std)


def _weighted(metrics: Sequence[Metric]) -> Metric:
    n = sum(metric.n for metric in metrics)
    return Metric(value=sum(metric.value * metric.n for metric in metrics) / n, n=n)


def _compared(
    theme: str, model: Metric, physicians: Sequence[Metric], *, min_labels: int
) -> ThemeAgreement:
    kept = [metric.value for metric in physicians if metric.n > min_labels]
    below = sum(value < model.value for value in kept)
    equal = sum(value == model.value for value in kept)
    return ThemeAgreement(
        theme=theme,
        model=model,
        physicians=_weighted(physicians) if physicians else None,
        compared=len(kept),
        percentile=100 * (below + equal / 2) / len(kept) if kept else None,
    )
