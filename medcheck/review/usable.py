"""Judge and people on "usable or not" as text: by category and pooled, with what people agree on.

Here several people on one answer are one verdict, that of more than half of them. The figures come
from `stats.human`; ratings point by point, each person on their own, are those of `figures`.

Source: llmeval_med.md section 5.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from medcheck.errors import DatasetError, SettingsError, nearest
from medcheck.review.labels import Errors
from medcheck.review.told import aligned
from medcheck.scoring.usability import USABLE_AT, Rules
from medcheck.stats.human import (
    Agreement,
    Estimate,
    Rating,
    agreement_table,
    among_people,
    matched,
    strays,
)
from medcheck.types import Result, Run

VERDICTS: Mapping[str, str] = {
    "agreement": "agreement", "kappa": "kappa", "ac1": "AC1", "mcc": "MCC",
    "precision": "precision", "recall": "recall",
}  # fmt: skip
"""The heads of figures about usable or not; precision and recall are of "usable"."""
SCORES: Mapping[str, str] = {
    "weighted_kappa": "weighted kappa", "icc": "ICC(2,1)", "spearman": "Spearman",
}  # fmt: skip
"""The heads of figures about scores of 1 to 5."""
FEW = 20
"""Conversations below which a bootstrap interval is too narrow to rest a decision on."""
SHOWN = 5
"""How many cases a line names."""
_ZERO = 1e-10


def threshold(run: Run) -> float:
    """Return from which score, of 1 to 5, an answer of a run is usable: judge's and people's alike.

    Raises:
        SettingsError: its suites say it differently.
    """
    told = (suite.get("usability") for suite in run.suites.values())
    known = {Rules.of(rules).usable_at for rules in told if rules}
    if len(known) > 1:
        listed = " and ".join(f"{each:g}" for each in sorted(known))
        raise SettingsError(
            f"answers of run {run.id} are usable from {listed}, by suite.",
            hint="Measure the suites in runs of their own.",
        )
    return known.pop() if known else USABLE_AT


def text(run: Run, ratings: Sequence[Rating], *, seed: int) -> Iterator[str]:
    """Yield the agreement of a run's judges with people, for each suite that has usable answers."""
    yield f"run {run.id}: {len(ratings)} ratings by {len({r.rater for r in ratings})} people"
    for name, told in run.suites.items():
        usability = told.get("usability")
        if not usability:
            continue
        results = [result for result in run.results if result.suite == name]
        found = matched(results, ratings, rules=Rules.of(usability), runs=int(usability["runs"]))
        yield ""
        yield (
            f"{name}: {len(found.pairs)} answers with a verdict of judge and people; "
            f"{found.unrated} not rated or tied, {found.unmeasured} rated without a score"
        )
        yield from unmatched(found.strays)
        if found.pairs:
            yield from tables(agreement_table(found.pairs, seed=seed))
    yield ""
    yield from _people(ratings)
    yield f"Intervals: 95 %, 1000 bootstrap samples of conversations, seed {seed}."


def check(ratings: Sequence[Rating], results: Iterable[Result], *, of: str) -> None:
    """Raise if people rated the answers of a model that is not there, or none of the answers.

    Args:
        ratings: as they were read.
        results: the answers that may be rated.
        of: what they are the answers of, such as the run's name.

    Raises:
        DatasetError: names each such model with its first row.
    """
    answers = {(result.case_id, result.model, result.repeat) for result in results}
    models = {model for _, model, _ in answers}
    named = Counter(each.model for each in ratings if each.model is not None)
    first = {each.model: each.where for each in reversed(ratings)}
    errors = Errors()
    for model in sorted(set(named) - models) if models else ():
        told = f'model "{model[:30]}" is not in {of}, but {named[model]} ratings are of it.'
        errors.add(first[model], DatasetError(told, hint=nearest(model, models)))
    errors.raise_any()
    if len(strays(ratings, answers)) == len(ratings):
        raise DatasetError(
            f"none of {len(ratings)} ratings is of an answer of {of} that is judged usable or not.",
            hint="Name the run, or the file, that belongs to the other.",
        )


def unmatched(found: Sequence[Rating]) -> Iterator[str]:
    """Yield how many ratings are of no answer, and of which cases."""
    if found:
        names = list(dict.fromkeys(each.case_id for each in found))
        listed = ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
        yield f"ratings of answers that are not there: {len(found)}, of {listed}"


def tables(found: Sequence[Agreement]) -> Iterator[str]:
    """Yield both tables, then warnings where the figures say little."""
    yield from table(found, VERDICTS)
    scored = [each for each in found if each.scored]
    if scored:
        yield ""
        yield from table(scored, SCORES)
    yield from warnings(found)


def table(found: Sequence[Agreement], heads: Mapping[str, str]) -> Iterator[str]:
    """Yield one table of these figures, a row a category, with n and the conversations."""
    rows = [["category", "n", "conversations", *heads.values()]]
    for each in found:
        n = each.scored if heads is SCORES else each.n
        cells = [cell(each.figures[name]) for name in heads]
        rows.append([each.group, str(n), str(each.clusters), *cells])
    yield from aligned(rows)


def warnings(found: Sequence[Agreement]) -> Iterator[str]:
    """Yield what the reader must know of a table."""
    for each in found:
        if each.warning:
            yield f"{each.group}: {each.warning}"
    if any(each.clusters < FEW for each in found):
        yield f"Intervals from fewer than {FEW} conversations are too narrow."


def cell(found: Estimate) -> str:
    """Return a figure with its interval; `-`: it is not defined."""
    if found.value is None:
        return "-"
    value = _number(found.value)
    # Resamples that cannot differ tell nothing about what is not in them.
    if found.ci95 is None or found.ci95[1] - found.ci95[0] < _ZERO:
        return value
    return f"{value} [{_number(found.ci95[0])}, {_number(found.ci95[1])}]"


def _number(value: float) -> str:
    # Adding 0 turns -0.0 into 0.0.
    return f"{round(value, 3) + 0.0:.3f}"


def _people(ratings: Sequence[Rating]) -> Iterator[str]:
    found = among_people(ratings)
    if not found.answers:
        return
    figures = {
        "agreement": found.agreement, "alpha": found.alpha, "Fleiss": found.fleiss,
        "ICC(2,1) of scores": found.icc,
    }  # fmt: skip
    told = (f"{name} {'-' if value is None else f'{value:.3f}'}" for name, value in figures.items())
    yield f"people among themselves, {found.answers} answers: {', '.join(told)}"
