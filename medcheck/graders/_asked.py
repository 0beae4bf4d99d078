"""Asking a judge for anything: one wire for all prompts of a benchmark, answers of any type.

Re-asks and prices are those of `_panel`; what the replies mean is the graders' business.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from medcheck import prompts
from medcheck.client import Askable
from medcheck.graders import _panel
from medcheck.replies import Protocol
from medcheck.scoring.views import judge_view
from medcheck.scoring.voting import UNUSABLE
from medcheck.types import Ballot, Completion, Message, Request

T = TypeVar("T")
VERDICT_ID_DIGITS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked(Generic[T]):
    """What came of asking one judge."""

    found: T | None
    """What its reply says; `None`: no usable reply."""
    ballot: Ballot
    """Who was asked, at what price, and the error; its state is `met` where there is a reply.
    Its label is `unusable` where the judge did reply and no reply could be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What one judge request is about, whatever the protocol."""

    prompt: str
    """Such as `gaps/positive`; the strict one is `gaps/positive_strict`."""
    answer: str
    values: Mapping[str, object]
    """What the prompt needs besides the answer; texts, or lists of them."""
    criterion: str | None = None
    """What recorded verdicts are found by, beside the answer."""
    name: str | None = None
    """Id of the criterion, for recordings that do not depend on its wording."""
    turn: int | None = None
    """Which of several askings of a judge this is, from 0, for recordings of each."""
    copy: str = "0"
    shared: str = "gaps/answer_strict"
    """The prompt that carries the answer under the strict protocol."""
    seen: str = field(init=False)
    """The answer as the judge sees it under the strict protocol."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "seen", judge_view(self.answer)[0])


async def ask_for(
    judge: Askable,
    build: Callable[[int], Request],
    parse: Callable[[str, str | None], T],
    *,
    final: bool = False,
) -> Asked[T]:
    """Return what `parse` makes of a judge's reply; unusable replies are asked for again.

    Args:
        judge: whom to ask.
        build: the request of attempt number n, from 0.
        parse: takes the reply and the verdict id it must echo, which may be `None`; raises
            `JudgeError` for a reply that cannot be used.
        final: as for `_panel.ballot`.
    """
    found: list[T] = []
    replied: list[bool] = []

    def started(attempt: int) -> Request:
        replied.clear()
        return build(attempt)

    def parsed(completion: Completion, request: Request) -> Ballot:
        replied.append(True)
        found[:] = [parse(completion.text, request.recorded.get("verdict_id"))]
        return Ballot(judge=judge.name, state="met", value=1.0, key=completion.key)

    ballot = await _panel.ballot(judge, started, parsed, final=final)
    if ballot.state != "met":
        ballot = replace(ballot, label=UNUSABLE if replied else None)
        return Asked(found=None, ballot=ballot)
    return Asked(found=found[0], ballot=ballot)


def builder(task: Task, protocol: Protocol, judge: Askable) -> Callable[[int], Request]:
    """Return what builds the request of each attempt.

    `official`: one user message that holds question, answer and task. `strict`: the answer as data
    in a message of its own, then the task with a verdict id that the answer cannot know.

    Source: gaps.md section 2 (official); trust.md 3.2 (D1 to D3, strict).
    """
    if protocol == "official":
        text = prompts.render(task.prompt, answer=task.answer, **task.values)
        return lambda attempt: _request(task, (text,), attempt=attempt, verdict_id=None)

    def strict(attempt: int) -> Request:
        verdict_id = judge.key(_strict(task, attempt, verdict_id=""))[:VERDICT_ID_DIGITS]
        return _strict(task, attempt, verdict_id=verdict_id)

    return strict


def versions(names: tuple[str, ...], protocol: Protocol) -> dict[str, str]:
    """Return the sha256 of the prompts that judge under a protocol."""
    if protocol == "strict":
        names = (*(f"{name}_strict" for name in names), "gaps/answer_strict")
    return {f"prompt {name}": prompts.version(name) for name in names}


def _strict(task: Task, attempt: int, *, verdict_id: str) -> Request:
    data = prompts.render(task.shared, answer=task.seen)
    values = {name: _viewed(value) for name, value in task.values.items()}
    text = prompts.render(f"{task.prompt}_strict", verdict_id=verdict_id, **values)
    # The answer first: all requests about it then share a long prefix that endpoints cache.
    return _request(task, (data, text), attempt=attempt, verdict_id=verdict_id)


def _viewed(value: object) -> object:
    if isinstance(value, str):
        return judge_view(value)[0]
    if isinstance(value, list):
        return [_viewed(entry) for entry in value]
    if isinstance(value, dict):
        return {name: _viewed(entry) for name, entry in value.items()}
    return value


def _request(
    task: Task, texts: tuple[str, ...], *, attempt: int, verdict_id: str | None
) -> Request:
    recorded = {"answer": task.answer, "criterion": task.criterion, "verdict_id": verdict_id}
    if task.name is not None:
        recorded["name"] = task.name
    if task.turn is not None:
        recorded["turn"] = str(task.turn)
    return Request(
        messages=tuple(Message(role="user", text=text) for text in texts),
        recorded=recorded,
        role="judge",
        copy=task.copy,
        attempt=attempt,
    )
