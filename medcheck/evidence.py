"""One answer with all that led to its score: what was sent, what came back, what was decided.

Everything is read from the store; nothing is asked. `lines` is its text for a terminal.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, select

from medcheck.errors import StoreError, visible
from medcheck.scoring.views import injection_flags
from medcheck.store.codec import decode, storable
from medcheck.store.database import Database
from medcheck.store.responses import Failure, Responses, StoredReply
from medcheck.store.runs import Runs
from medcheck.store.tables import RESULTS
from medcheck.types import Ballot, Result, Verdict

_VERDICT_ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{16}(?![0-9a-f])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request that was sent, its reply, and the calls that failed before it."""

    key: str
    reply: StoredReply | None
    """With its request; `None`: no reply is stored."""
    failures: tuple[Failure, ...] = ()

    @property
    def request(self) -> Mapping[str, Any]:
        """The canonical request: entry, provider, model, messages, params, attempt; or empty."""
        found: dict[str, Any] = json.loads(self.reply.request) if self.reply else {}
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One ballot and the exchanges that led to it, oldest first."""

    ballot: Ballot
    exchanges: tuple[Exchange, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that the store holds about one answer."""

    result: Result
    answers: tuple[Exchange, ...]
    """With the model, oldest first: it is asked again when it says nothing."""
    verdicts: tuple[tuple[Verdict, tuple[Asked, ...]], ...]


def find(
    database: Database, run: str, case: str, *, model: str | None = None, repeat: int = 1
) -> Evidence:
    """Return the evidence for one answer of a run.

    Args:
        database: the store.
        run: its id.
        case: its id, or `SUITE::CASE` where two suites of the run share it.
        model: needed where the run has several.
        repeat: from 1.

    Raises:
        StoreError: no such run or answer, or more than one.
    """
    Runs(database).read(run)
    result = _chosen(_results(database, run, case), case, model=model, repeat=repeat)
    responses = Responses(database)
    verdicts = result.score.verdicts if result.score else ()
    completion = result.completion
    return Evidence(
        result=result,
        answers=_exchanges(responses, completion.key if completion else "", failed=False),
        verdicts=tuple((verdict, _asked(responses, verdict)) for verdict in verdicts),
    )


def _results(database: Database, run: str, case: str) -> list[Result]:
    suite, _, name = case.rpartition("::")
    query = select(RESULTS.c.payload).where(
        RESULTS.c.run == run, RESULTS.c.case_id == storable(name)
    )
    if suite:
        query = query.where(RESULTS.c.suite == storable(suite))
    query = query.order_by(RESULTS.c.position, RESULTS.c.repeat)
    rows = database.read(lambda connection: list(connection.scalars(query)))
    if not rows:
        known = database.read(lambda connection: _case_ids(connection, run))
        raise _unknown("case", name, known, where=f"run {run}")
    return [decode(json.loads(row)) for row in rows]


def _case_ids(connection: Connection, run: str) -> list[str]:
    query = select(RESULTS.c.case_id).where(RESULTS.c.run == run).distinct()
    return sorted(connection.scalars(query))


def _chosen(results: Sequence[Result], case: str, *, model: str | None, repeat: int) -> Result:
    where = f"run {results[0].run}, case {case}"
    suites = list(dict.fromkeys(result.suite for result in results))
    if len(suites) > 1:
        names = ", ".join(f"{suite}::{results[0].case_id}" for suite in suites)
        raise StoreError("several suites have it.", hint=f"Choose one of {names}.", where=where)
    models = list(dict.fromkeys(result.model for result in results))
    if model is None and len(models) > 1:
        hint = f"Choose one with --model: {', '.join(models)}."
        raise StoreError(f"answers of {len(models)} models.", hint=hint, where=where)
    of_model = [result for result in results if model in (None, result.model)]
    if not of_model:
        raise _unknown("model", str(model), models, where=where)
    for result in of_model:
        if result.repeat == repeat:
            return result
    hint = f"Choose --repeat from 1 to {of_model[-1].repeat}."
    raise StoreError(f"no repeat {repeat}.", hint=hint, where=where)


def _unknown(what: str, name: str, known: Sequence[str], *, where: str) -> StoreError:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    # A run may hold thousands of cases: only a few are named.
    few = f"{', '.join(known[:8])}{' and others' if len(known) > 8 else ''}"
    hint = f'Did you mean "{close[0]}"?' if close else f"There are: {few or 'none'}."
    return StoreError(f'no {what} "{name}".', hint=hint, where=where)


def _asked(responses: Responses, verdict: Verdict) -> tuple[Asked, ...]:
    return tuple(
        Asked(
            ballot=ballot,
            exchanges=_exchanges(responses, ballot.key, failed=ballot.error is not None),
        )
        for ballot in verdict.ballots
    )


def _exchanges(responses: Responses, key: str, *, failed: bool) -> tuple[Exchange, ...]:
    """Return all asks of one question, of which `key` names the last that had a reply.

    `failed`: the ask after it may have failed for good.
    """
    if not key:
        return ()
    last = responses.get(key)
    if last is None:
        return (Exchange(key=key, reply=None, failures=responses.failures_of([key])),)
    *keys, after = _keys(last)
    found = [
        Exchange(key=each, reply=responses.get(each), failures=responses.failures_of([each]))
        for each in keys
    ]
    # A later run may have gone on from here: its replies are not part of this answer.
    lost = responses.failures_of([after]) if failed and after else ()
    return (*found, *((Exchange(key=after, reply=None, failures=lost),) if lost else ()))


def _keys(last: StoredReply) -> list[str]:
    """Return the keys of all asks from the first to the one after `last`; the latter may be empty.

    They differ in their attempt alone; under the strict protocol each also carries the first
    digits of its own sha256 without them, which is how the digits are told from other text.
    """
    content = json.loads(last.request)
    if _sha256(_canonical(content)) != last.key:
        return [last.key, ""]
    verdict_id = _verdict_id(last.request)
    texts = [_canonical({**content, "attempt": n}) for n in range(content["attempt"] + 2)]
    if verdict_id is not None:
        texts = [
            text.replace(verdict_id, _sha256(text.replace(verdict_id, ""))[:16]) for text in texts
        ]
    return [_sha256(text) for text in texts]


def _verdict_id(request: str) -> str | None:
    for digits in dict.fromkeys(_VERDICT_ID.findall(request)):
        if _sha256(request.replace(digits, ""))[:16] == digits:
            return str(digits)
    return None


def _canonical(content: Mapping[str, Any]) -> str:
    return json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def lines(evidence: Evidence) -> Iterator[str]:
    """Yield the evidence as text; quoted texts stand behind a bar, so that none can pass for ours.

    Nothing in it can control a terminal; see `errors.visible`.
    """
    yield from _head(evidence.result)
    who = f"model {evidence.result.model}"
    yield from _talk(who, evidence.answers)
    if not evidence.answers:
        yield from ("", _one_line(f"== {who}: no reply is stored; the messages were"))
        yield from _messages([{"role": m.role, "text": m.text} for m in evidence.result.messages])
    completion = evidence.result.completion
    last = evidence.answers[-1].reply if evidence.answers else None
    if completion and last and completion.text != last.text:
        yield "graded was this part of the reply:"
        yield from _quoted(completion.text)
    for number, (verdict, asked) in enumerate(evidence.verdicts, 1):
        yield from _criterion(verdict, asked, f"{number} of {len(evidence.verdicts)}")


def _head(result: Result) -> Iterator[str]:
    yield _one_line(
        f"run {result.run}, suite {result.suite}, case {result.case_id}, model {result.model}, "
        f"repeat {result.repeat}"
    )
    score = result.score
    if score is not None and score.value is not None:
        points = f" ({_number(score.earned)} of {_number(score.possible)} points)"
        passed = {True: ", passed", False: ", FAILED", None: ""}[result.passed]
        limit = "" if result.pass_at is None else f", pass_at {result.pass_at:g}"
        yield f"state {result.state}, score {score.value:.4f}{points}{limit}{passed}"
    else:
        yield _one_line(f"state {result.state}, NOT MEASURED: {result.error or 'cause unknown'}")
    if result.tags:
        yield _one_line(f"tags {', '.join(result.tags)}")
    flags = injection_flags(result.completion.text) if result.completion else ()
    if flags:
        yield f"the answer may try to steer its judge ({', '.join(flags)}); this changes no score"


def _criterion(verdict: Verdict, asked: Sequence[Asked], number: str) -> Iterator[str]:
    criterion = verdict.criterion
    yield ""
    value = "no value" if verdict.value is None else f"value {verdict.value:g}"
    yield _one_line(
        f"== criterion {number} ({criterion.id}): {verdict.state}, {value}, "
        f"{criterion.points:+g} points, vote {verdict.how}"
    )
    yield from _quoted(criterion.text)
    if criterion.check is not None:
        yield _one_line(f"check {json.dumps(dict(criterion.check), ensure_ascii=False)}")
    for each in asked:
        ballot = each.ballot
        who = f"judge {ballot.judge}" if criterion.check is None else "check"
        yield _one_line(f"{who}: {ballot.state}" + (f": {ballot.error}" if ballot.error else ""))
        if ballot.explanation:
            yield from _quoted(ballot.explanation)
        yield from _talk(who, each.exchanges)


def _talk(who: str, exchanges: Sequence[Exchange]) -> Iterator[str]:
    for number, exchange in enumerate(exchanges, 1):
        of = f", ask {number} of {len(exchanges)}" if len(exchanges) > 1 else ""
        yield ""
        yield _one_line(f"-- {who}{of}, key {exchange.key}")
        for failure in exchange.failures:
            status = "" if failure.status is None else f"HTTP {failure.status}, "
            text = f"{status}run {failure.run}: {failure.message}"
            yield _one_line(f"failed call {_moment(failure.at)}, {text}")
        if exchange.reply is None:
            yield "no reply is stored"
        else:
            yield from _sent(exchange.request)
            yield from _received(exchange.reply)


def _sent(request: Mapping[str, Any]) -> Iterator[str]:
    shown = {
        name: value
        for name, value in request.items()
        if name not in ("messages", "role") and value not in ({}, None)
    }
    yield _one_line(f"request {json.dumps(shown, ensure_ascii=False)}")
    yield from _messages(request.get("messages", []))


def _messages(messages: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for message in messages:
        yield _one_line(f"{message['role']}:")
        yield from _quoted(message["text"])
        for image in message.get("images", []):
            yield _one_line(f"image {image['path']}, {image['mime']}, sha256 {image['sha256']}")


def _received(reply: StoredReply) -> Iterator[str]:
    usage = reply.usage
    cost = "cost unknown" if reply.cost_usd is None else f"${reply.cost_usd:.6f}"
    yield _one_line(
        f"reply (finish {reply.finish}, {_number(usage.input)} input and {_number(usage.output)} "
        f"output tokens, {cost}, {reply.seconds:.2f} s, {_moment(reply.created)}, run {reply.run}):"
    )
    yield from _quoted(reply.text)
    if reply.reasoning:
        yield "its reasoning, which is never judged:"
        yield from _quoted(reply.reasoning)
    for item in reply.evidence:
        yield _one_line(f"evidence {json.dumps(dict(item), ensure_ascii=False)}")


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.10g}"


def _quoted(text: str) -> Iterator[str]:
    for line in visible(text).split("\n"):
        yield f"  | {line}"


def _one_line(text: str) -> str:
    return visible(text).replace("\n", "\\n")
