"""Answers that exist already stand in for a model: of a file, a column of the data, or a run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import cast, get_args

from medcheck import shelves
from medcheck.answers import Answers, is_file, load_answers
from medcheck.suites import Suite
from medcheck.types import Case, Completion, Finish

ANSWERS = "answers:"
SHOWN = 5
"""How many ids a message names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Existing:
    """Answers that exist already: of a file, by case, or of a column that came with the cases."""

    column: str | None = None
    answers: Answers | None = None
    completions: Mapping[tuple[str, str], tuple[Completion | None, ...]] | None = None
    """By suite and case: the answers of a stored run; `None` where a repeat has none."""

    def of(self, case: Case) -> tuple[Completion | None, ...]:
        """Return the answers to a case, one per repeat; empty where there is none."""
        if self.completions is not None:
            return self.completions.get((case.suite, case.id), ())
        if self.answers is None:
            return from_column(case, str(self.column))
        if self.answers.pack is not None:
            found = self.answers.pack.of(case)
            return tuple(_of_row(text) for text in found)
        texts = self.answers.by_case.get(case.id, ())
        finishes = self.answers.finishes.get(case.id) or ("stop",) * len(texts)
        return tuple(
            Completion(text=text, finish=_finish(finish), cached=True)
            for text, finish in zip(texts, finishes, strict=True)
        )

    def lacks(self, case: Case) -> bool:
        """Return whether an answer to a case is missing where others of its set are there.

        A pack holds sets: a row that is not in it is an answer that is not there.
        """
        pack = self.answers.pack if self.answers is not None else None
        return pack is not None and pack.has_set(case) and not pack.of(case)


def existing(name: str) -> Existing | None:
    """Return what `answers:PATH` or `answers:COLUMN` stands for; `None` for a model to ask.

    Raises:
        DatasetError: the file cannot be read.
    """
    if not name.startswith(ANSWERS):
        return None
    place = name.removeprefix(ANSWERS)
    if is_file(place):
        return Existing(answers=load_answers(place))
    return Existing(column=place)


def from_column(case: Case, column: str) -> tuple[Completion, ...]:
    """Return the answers that came with a case, one per repeat."""
    return tuple(Completion(text=text, cached=True) for text in case.answers.get(column, ()))


def gaps_count(suite: Suite, protocol: str | None, answered: Callable[[Case], bool]) -> bool:
    """Return whether cases without an existing answer are part of a suite's figures.

    They are where a missing score counts against the model: without them the figure would be that
    of another data set. Answers to none of a suite's cases are answers to other suites.

    Args:
        suite: as it was loaded.
        protocol: of the command; `None`: the suite's own.
        answered: whether a case has an answer.
    """
    counts = shelves.has("graders", str(suite.grader["name"]), "counts_missing")
    options = {**suite.grader, "protocol": protocol or suite.protocol}
    return counts is not None and counts(options) and any(map(answered, suite.cases))


def strays(answers: Mapping[str, Existing], known: Collection[str]) -> Iterator[tuple[str, bool]]:
    """Yield a line for each file that answers unknown cases, and whether it answers no other.

    Args:
        answers: by the name of their model.
        known: the ids of all cases that were collected.
    """
    for name, found in answers.items():
        if found.answers is None:
            continue
        ids = found.answers.by_case
        foreign = [case_id for case_id in ids if case_id not in known]
        if foreign:
            named = ", ".join(foreign[:SHOWN]) + (", ..." if len(foreign) > SHOWN else ".")
            told = f"{len(foreign)} of {len(ids)} case ids are not in the suites: {named}"
            yield f"--model={name}: {told}", len(foreign) == len(ids)


def _of_row(text: str | None) -> Completion:
    return Completion(text=text or "", finish="unknown" if text is None else "stop", cached=True)


def _finish(given: str) -> Finish:
    return cast("Finish", given) if given in get_args(Finish) else "unknown"
