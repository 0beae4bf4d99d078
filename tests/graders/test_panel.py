"""Judges that fail are asked again, a bounded number of times, and never counted as votes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from medcheck.errors import BudgetError, JudgeError, ProviderError
from medcheck.graders._panel import MAX_ASKS, MAX_STORED, ballot, failed, first_cause
from medcheck.types import Ballot, Completion, Criterion, Message, Request, Usage, Verdict

GOOD = "yes"


@dataclass
class Judge:
    """Answers in order, the last for ever; texts that begin with `*` come from the store."""

    replies: list
    asked: list = field(default_factory=list)
    name: str = "j"

    async def ask(self, request):
        """Return or raise the next reply."""
        self.asked.append(request.attempt)
        reply = self.replies[min(len(self.asked), len(self.replies)) - 1]
        if isinstance(reply, Exception):
            raise reply
        return Completion(
            text=reply.removeprefix("*"), cached=reply.startswith("*"), key=f"k{request.attempt}",
            usage=Usage(input=10, output=2), cost_usd=0.5,
        )  # fmt: skip


def build(attempt):
    """Return the request of an attempt."""
    return Request(messages=(Message(role="user", text="q"),), attempt=attempt)


def parse(completion, request):
    """Accept one text only."""
    if completion.text != GOOD:
        raise JudgeError("it is not usable.")
    return Ballot(judge="j", state="met", value=1.0, key=completion.key)


def cast(*replies):
    """Return the ballot of a judge that replies so, and its attempts."""
    judge = Judge(list(replies))
    return asyncio.run(ballot(judge, build, parse)), judge.asked


def test_a_usable_reply_is_the_ballot():
    """One ask, its price and its tokens."""
    found, asked = cast(GOOD)
    assert (found.state, found.asks, found.cost_usd, found.key) == ("met", 1, 0.5, "k0")
    assert found.usage == Usage(input=10, output=2, cached_input=None, reasoning=None)
    assert asked == [0]


def test_an_unusable_reply_is_asked_again_under_its_own_key():
    """All replies that a ballot took are on its bill."""
    found, asked = cast("no", "nope", GOOD)
    assert (found.state, found.asks, found.cost_usd, found.key) == ("met", 3, 1.5, "k2")
    assert found.usage.input == 30
    assert asked == [0, 1, 2]


def test_asking_again_is_bounded():
    """A judge that never answers usably costs four calls and gives no vote."""
    found, asked = cast("no")
    assert len(asked) == MAX_ASKS == 4
    assert (found.state, found.value, found.asks) == ("judge_error", None, 4)
    assert "no usable reply in 4 tries: it is not usable." in found.error


def test_stored_unusable_replies_are_free():
    """What earlier runs paid for in vain is passed over; four new asks are left."""
    found, asked = cast("*no", "*no", "*no", "*no", "*no", GOOD)
    assert (found.state, len(asked)) == ("met", 6)
    assert len(cast("*no", "no")[1]) == 1 + MAX_ASKS
    assert len(cast("*no")[1]) == MAX_STORED


def test_a_final_failure_is_the_same_in_every_run():
    """Where the panel decides without it, four stored replies are enough, whoever paid for them."""
    judge = Judge(["*no"])
    found = asyncio.run(ballot(judge, build, parse, final=True))
    assert len(judge.asked) == found.asks == MAX_ASKS
    fresh, _ = cast("no")
    assert found.error == fresh.error == "no usable reply in 4 tries: it is not usable."
    shaky = Judge(["*no", "*no", "no", GOOD])
    assert asyncio.run(ballot(shaky, build, parse, final=True)).state == "met"


def test_the_cause_does_not_tell_how_often_a_run_was_started():
    """A later run that asks in vain again gives the same line."""
    assert cast("*no", "*no", "no")[0].error == cast("no")[0].error


def test_a_failed_call_is_no_vote():
    """A judge that cannot be reached is not asked again here: the door has done so."""
    found, asked = cast(ProviderError("HTTP 500", hint="Wait."))
    assert (found.state, found.value, found.error) == ("judge_error", None, "HTTP 500 Wait.")
    assert (found.asks, found.cost_usd, asked) == (0, None, [0])


def test_what_was_paid_before_a_failure_is_counted():
    """A call that fails after an unusable reply leaves that reply on the bill."""
    found, _ = cast("no", ProviderError("down"))
    assert (found.state, found.asks, found.cost_usd) == ("judge_error", 1, 0.5)


def test_an_unknown_part_leaves_the_sum_unknown():
    """One reply without a price leaves the ballot's price unknown."""

    class Free(Judge):
        async def ask(self, request):
            reply = await super().ask(request)
            return reply if request.attempt else Completion(text=reply.text, key="k")

    found = asyncio.run(ballot(Free(["no", GOOD]), build, parse))
    assert (found.cost_usd, found.usage.input, found.asks) == (None, None, 2)


def test_a_used_up_budget_is_no_judges_fault():
    """The end of the budget ends the case, not the ballot."""
    with pytest.raises(BudgetError):
        cast(BudgetError("used up"))


def test_the_first_cause_is_named():
    """People read which criterion failed first, and why."""
    criteria = [Criterion(id=str(n), text="t", points=1) for n in range(3)]
    lost = failed(Judge([]), "HTTP 500")
    verdicts = (
        Verdict(criterion=criteria[0], state="met", value=1.0),
        Verdict(criterion=criteria[1], state="judge_error", value=None, ballots=(lost,)),
        Verdict(criterion=criteria[2], state="not_run", value=None),
    )
    assert first_cause(verdicts) == "criterion 1: HTTP 500"
    assert first_cause(verdicts[2:]) == "criterion 2: not_run"
    assert first_cause(verdicts[:1]) is None
