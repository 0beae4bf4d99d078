"""One case becomes one Result: ask, apply the policies for odd answers, grade. Errors stop here."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from medcheck.client import Model
from medcheck.errors import BudgetError, MedcheckError, ProviderError
from medcheck.graders import Grader
from medcheck.graders._panel import first_cause
from medcheck.replies import split_thinking
from medcheck.scoring.gaps import IRRELEVANT
from medcheck.types import Case, Completion, Message, Request, Result, ResultState, Score, Verdict

logger = logging.getLogger(__name__)

EMPTY_ASKS = 3
"""One ask and two re-asks of a model that says nothing. Source: trust.md R2."""
NO_USE_TO_REASK = ("length", "content_filter", "refusal")
"""How an answer may end that says nothing and would say nothing again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How the cases of one suite are run."""

    run: str
    grader: Grader
    system: str | None = None
    """System message of the model under test; `None`: none."""
    params: Mapping[str, Any] = field(default_factory=dict)
    judge_params: Mapping[str, Any] = field(default_factory=dict)
    truncated: str = "error"
    """`score` or `error`: what becomes of an answer that was cut off."""
    refusal: str = "score"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One answer to get and to grade."""

    case: Case
    model: Model
    judges: tuple[Model, ...]
    plan: Plan
    position: int
    repeat: int = 1
    roles: Mapping[str, tuple[Model, ...]] = field(default_factory=dict)
    """Further judges by role, for graders that name such."""
    given: Completion | None = None
    """An answer that exists already: nothing is asked of the model."""
    gap: str | None = None
    """Why there is nothing to grade, where existing answers stand in for the model."""

    @property
    def asks(self) -> bool:
        """Whether the model is asked."""
        return self.given is None and self.gap is None


class _UnmeasuredError(MedcheckError):
    """An answer that is no answer: carries the state it ends in."""

    def __init__(self, state: ResultState, message: str, completion: Completion | None) -> None:
        super().__init__(message)
        self.state = state
        self.completion = completion


async def evaluate(job: Job, previous: Result | None = None) -> Result:
    """Return the result of one job; every failure becomes a state with its cause.

    Args:
        job: what to ask and how to grade it.
        previous: the result of the turn that this case follows.
    """
    blank = planned(job.plan.run, job.case, job.model.name, job.position, job.repeat)
    blank = replace(blank, error=None)
    if job.case.follows and (previous is None or previous.completion is None):
        cause = previous.error or previous.state if previous else "it was not run"
        error = f"the turn before ({job.case.follows}) has no answer: {cause}"
        return replace(blank, state="not_run", error=error)
    if job.gap is not None:
        return replace(blank, state="not_run", error=job.gap)
    request = request_of(job, previous)
    try:
        asked = request.messages
        if job.given is None:
            asked = job.model.prepare(request).request.messages
        blank = replace(blank, messages=asked)
        completion = await _answer(job, request)
        blank = replace(blank, completion=completion)
        score = await graded(job, completion, asked)
    except _UnmeasuredError as error:
        return replace(blank, state=error.state, error=error.message, completion=error.completion)
    except BudgetError as error:
        return replace(blank, state="not_run", error=str(error))
    except ProviderError as error:
        state: ResultState = "filtered" if error.filtered else "model_error"
        return replace(blank, state=state, error=str(error))
    except MedcheckError as error:
        return replace(blank, state="not_run", error=str(error))
    except Exception as error:  # one of the two borders: a bug must not take other cases down
        logger.exception("case %s", job.case.id)
        return replace(blank, state="not_run", error=f"bug in medcheck: {type(error).__name__}")
    return _graded(blank, score, policy=getattr(job.plan.grader, "undecided", None))


async def graded(job: Job, completion: Completion, asked: Sequence[Message]) -> Score:
    """Return the score of an answer from the grader of its suite."""
    more = {"roles": job.roles} if job.roles else {}
    return await job.plan.grader.grade(job.case, completion, job.judges, asked=asked, **more)


def _graded(blank: Result, score: Score, *, policy: str | None) -> Result:
    if score.value is not None:
        return replace(blank, state="scored", score=score)
    cause = first_cause(score.verdicts)
    if cause is not None and any(v.state == "judge_error" for v in score.verdicts):
        return replace(blank, state="judge_error", score=score, error=f"judge failed: {cause}")
    if cause is not None:
        return replace(blank, state="not_run", score=score, error=f"not measured: {cause}")
    return replace(blank, state="undecided", score=score, error=_no_score(score, policy))


def _no_score(score: Score, policy: str | None) -> str:
    """Return why an answer has no score although no judge failed."""
    own = [v for v in score.verdicts if IRRELEVANT not in v.criterion.tags]
    left = [v for v in own if v.state != "undecided"]
    if own and len(left) == len(own):
        return "no criterion has points above 0, so there is nothing to earn"
    if not left:
        return "no criterion was decided"
    counts = f"{len(own) - len(left)} of {len(own)} criteria undecided"
    if policy == "error":
        return f"{counts}, and undecided: error"
    return f"{counts}, and without them there is nothing to earn"


def planned(run: str, case: Case, model: str, position: int, repeat: int) -> Result:
    """Return what stands in the run for an answer until it is measured.

    Its criteria are there, not run: summaries count them in every group that they belong to, and
    bound the score that they would add.
    """
    verdicts = tuple(Verdict(criterion=c, state="not_run", value=None) for c in case.criteria)
    return Result(
        run=run,
        case_id=case.id,
        suite=case.suite,
        model=model,
        repeat=repeat,
        state="not_run",
        error="not run",
        score=Score(value=None, verdicts=verdicts) if verdicts else None,
        tags=case.tags,
        category=case.category,
        messages=case.messages,
        pass_at=case.pass_at,
        position=position,
        labels=case.labels,
    )


def first_request(plan: Plan, case: Case) -> Request:
    """Return what a case asks when no turn came before it."""
    system = () if plan.system is None else (Message(role="system", text=plan.system),)
    return Request(messages=(*system, *case.messages), params=plan.params)


def request_of(job: Job, previous: Result | None) -> Request:
    """Return what a job asks, after the turn before it where there is one."""
    if previous is None or previous.completion is None:
        return first_request(job.plan, job.case)
    answer = Message(role="assistant", text=previous.completion.text)
    messages = (*previous.messages, answer, *job.case.messages)
    return Request(messages=messages, params=job.plan.params)


async def _answer(job: Job, request: Request) -> Completion:
    """Return an answer that may be graded, or raise the state it ends in.

    Source: trust.md R2 (truncated, filtered, refused and empty answers).
    """
    completion = None if job.given is None else _without_thinking(job.given)
    for attempt in range(EMPTY_ASKS if job.given is None else 0):
        completion = _without_thinking(await job.model.ask(replace(request, attempt=attempt)))
        if completion.text.strip() or completion.finish in NO_USE_TO_REASK:
            break
    assert completion is not None
    if completion.finish == "content_filter":
        raise _UnmeasuredError("filtered", "the endpoint's filter held the answer back", completion)
    if completion.finish == "refusal" and job.plan.refusal == "error":
        raise _UnmeasuredError("refused", "the model refused to answer", completion)
    if completion.finish == "length" and job.plan.truncated == "error":
        raise _UnmeasuredError("truncated", "the answer was cut off (raise max_tokens)", completion)
    if not completion.text.strip():
        if completion.finish == "length":
            raise _UnmeasuredError("truncated", "cut off before the answer began", completion)
        tries = "the given answer is empty" if job.given is not None else ""
        tries = tries or f"the model said nothing in {EMPTY_ASKS} tries"
        raise _UnmeasuredError("empty", tries, completion)
    return completion


def _without_thinking(completion: Completion) -> Completion:
    reasoning, text, closed = split_thinking(completion.text)
    if reasoning is None:
        return completion
    thought = "\n".join(part for part in (completion.reasoning, reasoning) if part)
    finish = completion.finish if closed else "length"
    return replace(completion, text=text, reasoning=thought, finish=finish)
