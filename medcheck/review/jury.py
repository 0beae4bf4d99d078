"""A jury as text: what the scores owe to single jurors, and how it stands beside clinicians.

The figures come from `stats.ablation` and `stats.clinicians`.

Source: medhelm.md section 4.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from medcheck.errors import SettingsError
from medcheck.review.told import aligned
from medcheck.stats.ablation import Marked, Panel, ablation, silent
from medcheck.stats.ablation import answers_of as marked_in
from medcheck.stats.clinicians import (
    Beside,
    Clinicians,
    answers_of,
    beside,
    clinician_pairs,
)
from medcheck.stats.human import Rating
from medcheck.types import Run

SHOWN = ("ICC(1,1)", "ICC(2,1)", "ICC(2,k)", "ICC(3,1)", "ICC(3,k)", "spearman", "alpha")
"""The figures of a measure beside clinicians, in the order of their columns."""
_NAMES = {"only": "{} alone", "without": "without {}", "all": "all jurors"}


def ablation_lines(run: Run) -> list[str]:
    """Return the jury's table with all jurors, each alone and each left out.

    Raises:
        SettingsError: no answer of the run was marked by a jury.
    """
    answers = marked_in(run.results)
    lost = list(_lost_lines(answers))
    panels = ablation(answers)
    if not panels or not panels[0].answers:
        raise SettingsError(
            f'run "{run.id}" has no answers that a whole jury marked.',
            hint=" ".join(lost) or "Juries grade suites with the grader jury.",
        )
    models = list(panels[0].overall)
    rows = [("jurors", "answers", *models, "rank correlation", "ordered otherwise")]
    rows += [_panel_row(panel, models) for panel in panels]
    return ["mean mark of each model, every suite weighing the same", *aligned(rows), *lost]


def _lost_lines(answers: Sequence[Marked]) -> Iterator[str]:
    """Yield which jurors the table does without, wholly or on some answers."""
    for name, (lost, asked) in silent(answers).items():
        rest = "so it is in no row." if lost == asked else "which are in no row."
        yield f"{name} gave no mark on {lost} of {asked} answers, {rest}"


def _panel_row(panel: Panel, models: Sequence[str]) -> tuple[str, ...]:
    name = _NAMES.get(panel.kind, "{}").format(panel.judge or "")
    means = (f"{panel.overall[m]:.2f}" if m in panel.overall else "-" for m in models)
    swapped = ", ".join(f"{one} and {other}" for one, other in panel.swapped)
    return (name, str(panel.answers), *means, _figure(panel.agreement), swapped or "none")


def clinician_lines(run: Run, ratings: Sequence[Rating], *, seed: int) -> Iterator[str]:
    """Yield the jury and every automatic metric beside clinicians, then the clinicians alone.

    Raises:
        SettingsError: no measured answer of the run was rated.
    """
    answers = list(answers_of(run.results, ratings))
    if not answers:
        raise SettingsError(
            f'none of the rated answers is a measured one of run "{run.id}".',
            hint="Ratings need case_id, score, rater and, of several models, model.",
        )
    yield f"beside clinicians (mean of their scores), 95 % intervals by case, seed {seed}"
    rows: list[tuple[str, ...]] = [("measure", "suite", "answers", *SHOWN)]
    rows += [_beside_row(found) for found in beside(answers, seed=seed)]
    yield from aligned(rows)
    yield ""
    yield from _pairs(clinician_pairs(answers))


def _beside_row(found: Beside) -> tuple[str, ...]:
    cells = []
    for name in SHOWN:
        estimate = found.figures[name]
        span = estimate.ci95
        between = f" [{span[0]:.2f}, {span[1]:.2f}]" if span else ""
        cells.append(f"{_figure(estimate.value)}{between}")
    return (found.measure, found.benchmark, str(found.n), *cells)


def _pairs(found: Clinicians) -> Iterator[str]:
    if not found.pairs:
        yield "clinicians among themselves: no two share enough answers"
        return
    yield (
        f"clinicians among themselves: mean ICC(3,k) of {len(found.defined)} pairs "
        f"{_figure(found.mean)}, weighted by answers {_figure(found.weighted)}"
    )
    for pair in found.undefined:
        yield f"  {' and '.join(pair.raters)} ({pair.n} answers): undefined, {pair.undefined}"


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
