"""For tests of the user's own: model and judges as plain calls, and suites as parameters."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from medcheck.errors import SettingsError, SuiteError, nearest
from medcheck.types import Case, Completion, Criterion, Message, Request, Score

if TYPE_CHECKING:
    from medcheck.engine.session import Engine

Prompt = str | Sequence[Message | Mapping[str, str]]
ASKED = "asked-in-a-test"
FIELDS = ("text", "points", "tags", "zero_tolerance", "id")
"""Of a criterion that a test gives."""


@dataclass(frozen=True, slots=True)
class ModelClient:
    """The model under test, as the fixture `model` gives it.

    A call goes through the same door and store as a case: it is paid for once, counted, limited.
    """

    name: str
    """As after `--model`."""
    engine: Engine

    def __call__(self, prompt: Prompt, *, repeat: int = 1, **params: Any) -> Completion:
        """Return the answer to a question, or to a conversation.

        Args:
            prompt: a text, or messages with `role` and `content`.
            repeat: which answer to the same question; each is asked once and then stored.
            params: sampling settings, such as `temperature`.

        Raises:
            ProviderError: the endpoint gave no usable reply.
        """
        request = Request(messages=conversation(prompt), params=params)
        return self.engine.ask(self.name, request, repeat=repeat)


@dataclass(frozen=True, slots=True)
class JudgePanel:
    """The judges, as the fixture `judges` gives them."""

    names: tuple[str, ...]
    model: str
    engine: Engine
    suite: str = ""
    """The suite whose judges and grader these are; empty: no suite takes part."""

    def grade(
        self,
        answer: str | Completion,
        *,
        case: Case | None = None,
        prompt: Prompt = "",
        criteria: Iterable[Criterion | Mapping[str, Any] | str] = (),
    ) -> Score:
        """Return the score of an answer against the criteria of a case, or against given ones.

        Args:
            answer: a text, or what `model(...)` returned.
            case: with its conversation and criteria.
            prompt: the conversation, without a case.
            criteria: without a case: texts (worth a point each), or mappings like those in YAML.
        """
        if case is None:
            case = _case(prompt, criteria)
        completion = Completion(text=answer) if isinstance(answer, str) else answer
        return self.engine.grade(self.suite, self.model, case, completion)


@dataclass(frozen=True, slots=True)
class RunPlace:
    """Which run this is, as the fixture `medcheck_run` gives it."""

    id: str
    folder: Path
    """Holds the reports once the session has ended."""


def conversation(prompt: Prompt) -> tuple[Message, ...]:
    """Return a prompt as messages."""
    if isinstance(prompt, str):
        return (Message(role="user", text=prompt),)
    return tuple(
        turn
        if isinstance(turn, Message)
        else Message(role=turn["role"], text=turn.get("content") or turn.get("text") or "")
        for turn in prompt
    )


def cases(path: str | Path) -> pytest.MarkDecorator:
    """Run a test function once for each case of a suite, as its argument `case`.

    Args:
        path: of the suite, from the folder of the test file.

    Raises:
        SuiteError: the suite is wrong; all of its errors.
    """
    from medcheck.suites import load_suite

    caller = sys._getframe(1).f_globals.get("__file__")  # noqa: SLF001  (where the test stands)
    place = Path(path) if caller is None else Path(caller).parent / path
    suite = load_suite(place)
    if suite.missing:
        skip = pytest.mark.skip(reason=suite.missing)
        return pytest.mark.parametrize("case", [pytest.param(None, id="not-run", marks=skip)])
    loaded = [pytest.param(LoadedCase(case, place), id=case.id) for case in suite.cases]
    return pytest.mark.parametrize("case", loaded, indirect=True)


@dataclass(frozen=True, slots=True)
class LoadedCase:
    """A case on its way from `cases` to the fixture `case`."""

    case: Case
    path: Path


def _case(prompt: Prompt, criteria: Iterable[Criterion | Mapping[str, Any] | str]) -> Case:
    listed = tuple(_criterion(each, number) for number, each in enumerate(criteria, start=1))
    if not any(criterion.points > 0 for criterion in listed):
        raise SuiteError(
            "judges.grade: no criterion with points above 0.",
            hint="Give case=..., or criteria=[...] with at least one positive one.",
        )
    asked = conversation(prompt) if prompt else ()
    return Case(id=ASKED, suite="", messages=asked, grader="rubric", criteria=listed)


def _criterion(given: Criterion | Mapping[str, Any] | str, number: int) -> Criterion:
    if isinstance(given, Criterion):
        return given
    if isinstance(given, str):
        return Criterion(id=str(number), text=given, points=1)
    problem = _wrong(given)
    if problem:
        raise SettingsError(
            f"judges.grade: criterion {number}: {problem}.",
            hint="Write a text, or a mapping of text, points, tags and zero_tolerance.",
        )
    return Criterion(
        id=str(given.get("id", number)),
        text=given["text"],
        points=given.get("points", 1),
        tags=tuple(given.get("tags", ())),
        zero_tolerance=bool(given.get("zero_tolerance", False)),
    )


def _wrong(given: Mapping[str, Any]) -> str:
    """Return what is wrong with a criterion; empty: nothing."""
    if not isinstance(given, Mapping):
        return f"found {type(given).__name__}, expected a text or a mapping"
    unknown = [name for name in given if name not in FIELDS]
    if unknown:
        return f'unknown field "{unknown[0]}". {nearest(str(unknown[0]), FIELDS)}'.rstrip(".")
    text, points, tags = given.get("text"), given.get("points", 1), given.get("tags", ())
    if not isinstance(text, str) or not text.strip():
        return "it has no text"
    if isinstance(points, bool) or not isinstance(points, (int, float)) or not points:
        return f"points are {points!r}, expected a number above or below 0"
    if isinstance(tags, str) or not all(isinstance(tag, str) for tag in tags):
        return "tags are no list of texts"
    return ""
