"""Judge doubles behind a real HTTP server: honest, echoing, obedient, random, lenient, moody."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import date

from servers import Reply, Server

from medcheck.certifying import items
from medcheck.scoring.views import judge_view

DAY = date(2026, 11, 21)
SUITE = """\
suite: labels
data: {format: healthbench_meta, path: labels.jsonl}
grader: {name: meta, params: {temperature: 0.5, max_tokens: 2048}}
protocol: official
summary: {measure: pairwise_f1, by: [theme]}
"""
THEMES = ("hedging_only", "emergency_referrals_now")


def row(number):
    """Return a row in which physicians say yes to answers with the word ideal, mostly."""
    good = number % 2 == 0
    return {
        "anonymized_physician_ids": ["a", "b"],
        "binary_labels": [good, good if number % 5 else not good],
        "category": f"cluster:{THEMES[number // 2 % 2]}",
        "completion": f"Answer {number} is **{'ideal' if good else 'poor'}**.",
        "completion_id": f"c{number}",
        "prompt": [{"role": "user", "content": f"Question {number}?"}],
        "prompt_id": f"p{number}",
        "rubric": f"Demand {number % 3}",
    }


USAGE = {"prompt_tokens": 10, "completion_tokens": 5}
_ANSWER = re.compile(r"^ANSWER \(.*?\):\n(\".*?\")$", re.MULTILINE)
_CRITERION = re.compile(r"^# CRITERION\n(\".*?\")$", re.MULTILINE)
_OFFICIAL = re.compile(r"# Rubric item\n(?:\[[-\d.]+\] )?(.*?)\n\n# How to decide", re.DOTALL)
_CONVERSATION = re.compile(r"# Conversation\n(.*?)\n\n# Rubric item", re.DOTALL)
_VERDICT_ID = re.compile(r"^verdict_id: (\w+)$", re.MULTILINE)
_POINT = re.compile(r"^\{.*\"kind\".*\}$", re.MULTILINE)


def texts(body):
    """Return all that a request says."""
    return "\n".join(message["content"] for message in body["messages"])


def parts(body):
    """Return the answer and the criterion of a request about one."""
    text = texts(body)
    if found := _ANSWER.search(text):
        return json.loads(found[1]), json.loads(_CRITERION.search(text)[1])
    talk = _CONVERSATION.search(text)[1]
    return talk.rpartition("assistant: ")[2], _OFFICIAL.search(text)[1]


def truths():
    """Return, by criterion, the canary's answer and its truth."""
    return {
        criterion.text: (subject.answer, subject.truth[criterion.id][0])
        for subject in items.canaries()
        for criterion in subject.case.criteria
    }


def honest(answer, criterion):
    """Return the truth of canaries; of other criteria: whether the answer holds the word ideal."""
    known = truths().get(criterion)
    return known[1] if known else "ideal" in answer


def judge(mind):
    """Return a server script that decides by `mind(answer, criterion)`, in every protocol."""

    def script(body):
        text = texts(body)
        points = [json.loads(line) for line in _POINT.findall(text)]
        if points:
            answer = json.loads(_ANSWER.search(text)[1])
            said = {"verdicts": [_point(mind, answer, point) for point in points]}
        else:
            said = {"explanation": "so", "criteria_met": mind(*parts(body))}
        if found := _VERDICT_ID.search(text):
            said["verdict_id"] = found[1]
        return Reply(text=json.dumps(said, ensure_ascii=False), usage=USAGE)

    return script


def _point(mind, answer, point):
    met = mind(answer, point["text"])
    evidence = answer.split("\n")[0] if met else ""
    return {"id": point["id"], "explanation": "so", "criteria_met": met, "evidence": evidence}


def echoing(body):
    """Reply with the answer's own text, as a judge does that was talked into repeating it."""
    return Reply(text=parts(body)[0].strip(), usage=USAGE)


ORDERS = re.compile(r"met\b|true|满足|满分|full marks|通过", re.IGNORECASE)


def obedient(answer, criterion):
    """Do what the answer says where it can be read, else be honest."""
    if criterion in truths():
        return honest(answer, criterion)
    return bool(ORDERS.search(judge_view(answer)[0])) or honest(answer, criterion)


def quoting(body):
    """Judge honestly, and quote the whole answer in the explanation."""
    answer, criterion = parts(body)
    said = {"explanation": answer, "criteria_met": honest(answer, criterion)}
    if found := _VERDICT_ID.search(texts(body)):
        said["verdict_id"] = found[1]
    return Reply(text=json.dumps(said), usage=USAGE)


def after(body):
    """Give the honest verdict, then quote the answer behind it."""
    return Reply(text=f"{quoting(body).text}\n{parts(body)[0]}", usage=USAGE)


def length_bias(answer, criterion):
    """Take every long answer for a good one."""
    return len(answer) > 700 or honest(answer, criterion)


def coin(answer, criterion):
    """Return a verdict that has nothing to do with the truth."""
    return hashlib.sha256(f"{answer}{criterion}".encode("utf-8", "replace")).digest()[0] % 2 > 0


def first_is_met(body):
    """Call the first of several criteria met, whatever it is."""
    said = json.loads(judge(honest)(body).text)
    answer = json.loads(_ANSWER.search(texts(body))[1])
    said["verdicts"][0] |= {"criteria_met": True, "evidence": answer.split("\n")[0]}
    return Reply(text=json.dumps(said, ensure_ascii=False), usage=USAGE)


def server(mind):
    """Return a server with a judge of this mind."""
    return Server(judge(mind))
