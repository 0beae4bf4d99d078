"""Answers that people have judged, out of a suite: drawn, and compared with their labels."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from medcheck.certifying.bench import Said, Subject
from medcheck.errors import SettingsError
from medcheck.stats.agreement import HEADLINE, MetaRow, model_metrics
from medcheck.suites import Suite
from medcheck.suites.sampling import Sample, drawn
from medcheck.types import Case

STRATA = "cluster"
"""Tag prefix of HealthBench's categories."""
RESAMPLES = 300

Verdicts = Sequence[Mapping[str, Said]]


def subjects(suite: Suite, *, sample: int | None, seed: int) -> tuple[Subject, ...]:
    """Return answers with people's labels, one subject a case, in the file's order.

    Args:
        suite: its cases hold answers and labels (true or false, or a list of such, by criterion).
        sample: how many cases, drawn by category; `None`: all.
        seed: of the draw.

    Raises:
        SettingsError: no case has both.
    """
    labeled = [case for case in suite.cases if case.answers and _truth(case)]
    if not labeled:
        raise SettingsError(
            f'suite "{suite.name}" has no answers with labels of true or false.',
            hint="Write them as HealthBench's meta-evaluation does: format healthbench_meta.",
            where=str(suite.path),
        )
    if sample is not None:
        labeled = drawn(labeled, Sample(n=sample, seed=seed), by=STRATA)
    return tuple(_subject(case) for case in labeled)


def rows(subjects: Sequence[Subject], said: Verdicts) -> Iterator[tuple[str, MetaRow]]:
    """Yield cluster and row of each criterion that the judge decided."""
    for subject, verdicts in zip(subjects, said, strict=True):
        for name, truth in subject.truth.items():
            met = verdicts[name].met
            if met is not None:
                row = MetaRow(predicted=met, labels=truth, category=subject.category)
                yield subject.cluster, row


def balanced_f1(rows: Sequence[MetaRow]) -> float | None:
    """Return HealthBench's headline over all pairs of a verdict and a label; `None`: undefined."""
    found = model_metrics(rows).get(HEADLINE)
    return None if found is None else found.value


def _subject(case: Case) -> Subject:
    truth = _truth(case)
    (answer, *_), *_ = case.answers.values()
    kept = tuple(criterion for criterion in case.criteria if criterion.id in truth)
    asked = "\n".join(f"{message.role}: {message.text}" for message in case.messages)
    return Subject(
        name=case.id,
        case=replace(case, criteria=kept),
        answer=answer,
        truth=truth,
        category=next((tag for tag in case.tags if ":" in tag), ""),
        # Rows about the answers to one prompt are not independent.
        cluster=hashlib.sha256(asked.encode("utf-8", "surrogatepass")).hexdigest()[:16],
    )


def _truth(case: Case) -> dict[str, tuple[bool, ...]]:
    found = {}
    for criterion in case.criteria:
        given = case.labels.get(criterion.id, ())
        labels = tuple(given) if isinstance(given, (list, tuple)) else (given,)
        if labels and all(isinstance(label, bool) for label in labels):
            found[criterion.id] = labels
    return found
