"""The meta grader: the model under test judges (medcheck.graders._wording: what it is asked)."""

from __future__ import annotations

import asyncio
import json

import pytest

from medcheck.canonical import prepare
from medcheck.client import Model
from medcheck.errors import DatasetError, SettingsError
from medcheck.graders.meta import Grader
from medcheck.graders.rubric import JUDGE_SYSTEM
from medcheck.providers import Entry
from medcheck.types import Case, Completion, Criterion, Message

CRITERION = Criterion(id="1", text="Says rest", points=1)
TURNS = (Message(role="user", text="胸痛?"),)
SYSTEM = (Message(role="system", text="Be kind."), *TURNS)


class Bench:
    """A door whose judge gives one reply after the other, the last for ever."""

    def __init__(self, *replies: str) -> None:
        self.replies = list(replies)
        self.requests = []

    def prepare(self, entry, request):
        return prepare(entry, request, salt=None)

    async def ask(self, entry, request):
        self.requests.append(request)
        text = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        return Completion(text=text, key=self.prepare(entry, request).key)


def said(met):
    return json.dumps({"explanation": "so", "criteria_met": met})


def grade(*replies, labels=(True, True, False), options=None, criteria=(CRITERION,)):
    """Return the score of an answer, and the requests that were sent."""
    door = Bench(*replies)
    case = Case(
        id="meta-1",
        suite="s",
        messages=TURNS,
        grader="meta",
        criteria=criteria,
        labels={} if labels is None else {"1": labels},
    )
    judges = [Model(entry=Entry(name="m", model="m"), door=door)]
    grading = Grader(options or {}).grade(case, Completion(text="Rest."), judges, asked=SYSTEM)
    return asyncio.run(grading), door.requests


@pytest.mark.parametrize(("met", "equal"), [(True, 2), (False, 1)])
def test_share_of_equal_labels(met, equal):
    """The value is the share of the physicians who said what the model says."""
    score, _ = grade(said(met), labels=[True, True, False])
    assert (score.value, score.earned, score.possible) == (equal / 3, equal, 3)
    (verdict,) = score.verdicts
    assert verdict.state == ("met" if met else "not_met")
    assert verdict.ballots[0].judge == "m"
    assert verdict.ballots[0].explanation == "so"


def test_the_question():
    """The case's own turns, the answer and the criterion without points; no candidate's system."""
    _, [request] = grade(said(met=True))
    assert [m.role for m in request.messages] == ["system", "user"]
    assert request.messages[0].text == JUDGE_SYSTEM
    text = request.messages[1].text
    assert "\nuser: 胸痛?\n\nassistant: Rest.\n" in text
    assert "\nSays rest\n" in text
    assert "[1]" not in text
    assert "square brackets" not in text
    assert "Be kind" not in text
    assert request.role == "judge"
    assert request.recorded["criterion"] == "Says rest"


def test_unusable_replies():
    """Four unusable replies are a failed judge: no prediction, never a wrong one."""
    score, requests = grade("no idea", labels=[False])
    assert score.value is None
    assert score.verdicts[0].state == "judge_error"
    assert [request.attempt for request in requests] == [0, 1, 2, 3]
    score, requests = grade("no idea", said(met=False), labels=[False])
    assert (score.value, len(requests)) == (1.0, 2)


@pytest.mark.parametrize("labels", [None, []])
def test_no_labels(labels):
    """Without labels nothing can be measured, so nothing is asked."""
    score, requests = grade(said(met=True), labels=labels)
    assert score.value is None
    assert score.verdicts[0].state == "undecided"
    assert requests == []


def test_one_label():
    """A single label may stand without a list."""
    assert grade(said(met=True), labels=True)[0].value == 1.0


@pytest.mark.parametrize("labels", [["yes"], 1, "yes"])
def test_labels_that_are_none(labels):
    """A label that is neither true nor false is an error, not a truthy value."""
    with pytest.raises(DatasetError, match="not all true or false"):
        grade(said(met=True), labels=labels)


def test_one_criterion():
    """A case with two criteria has no one verdict to compare with its labels."""
    with pytest.raises(DatasetError, match="has 2 criteria"):
        grade(said(met=True), criteria=(CRITERION, CRITERION))


def test_imported_wording(tmp_path):
    """The official wording from the user's own copy takes the place of ours, and is named."""
    file = tmp_path / "healthbench_eval.py"
    text = 'GRADER_TEMPLATE = """\nA <<conversation>> B <<rubric_item>>\n""".strip()\n'
    file.write_text(text, encoding="utf-8")
    options = {"folder": str(tmp_path), "prompt": {"import": file.name}}
    _, [request] = grade(said(met=True), options=options)
    expected = "A user: 胸痛?\n\nassistant: Rest. B Says rest"
    assert request.messages[1].text == expected
    assert list(Grader(options).versions) == ["prompt healthbench_eval.py"]


def test_what_a_suite_may_ask():
    """Another protocol, or a prompt of another grader, is an error that names the way out."""
    assert list(Grader({"prompt": "healthbench/meta"}).versions) == ["prompt healthbench/meta"]
    with pytest.raises(SettingsError, match="Use protocol: official"):
        Grader({"protocol": "strict"})
    with pytest.raises(SettingsError, match="Use healthbench/meta"):
        Grader({"prompt": "healthbench/rubric"})
    with pytest.raises(SettingsError, match="unknown prompt"):
        Grader({"prompt": "healthbench/metta"})


def test_what_the_engine_reads():
    """The class tells that its judge is the model, and where the answers to judge stand."""
    assert Grader.judged_by_model
    assert Grader.answer_column == "completion"
    assert Grader({}).needs_judge
