"""A proposal is one JSON object with texts by case and category, or nothing."""

from __future__ import annotations

import pytest

from medcheck.errors import JudgeError
from medcheck.replies import Proposal, parse_proposal

GOOD = '{"reason": "r", "checklists": [{"case": "a", "text": "t"}], "guidance": []}'


@pytest.mark.parametrize("text", [GOOD, f"```json\n{GOOD}\n```", f"<think>{{}}</think>{GOOD}"])
def test_a_proposal_is_read(text):
    """A fence and a think block do not matter."""
    assert parse_proposal(text) == Proposal(reason="r", checklists=(("a", "t"),), guidance=())


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"Sure: {GOOD}",
        GOOD.replace('"reason": "r", ', ""),
        GOOD.replace('"t"', "3"),
        GOOD.replace('"text"', '"words"'),
        GOOD.replace('"guidance": []', '"guidance": {}'),
        GOOD.replace('"guidance": []', '"guidance": [], "more": 1'),
    ],
)
def test_anything_else_is_refused(text):
    """Prose, missing and further keys and other types make no proposal."""
    with pytest.raises(JudgeError):
        parse_proposal(text)
