"""Figures of closed sets come from results alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from medcheck.scoring.closedset import figures, tagged
from medcheck.types import Completion, Message, Result

ORDERS = ("甲乙", "乙甲")
TAGS = ("set:MedExam", "format:angle_letter")


def result(answer, *, order=0, group="g1", gold=None, tags=TAGS, **more):
    """Return one answered choice question."""
    first, second = ORDERS[order]
    text = f"## 题目：哪项?\nA. {first}\nB. {second}"
    return Result(
        run="r",
        case_id="c",
        suite="s",
        model="m",
        state="scored" if answer is not None else "model_error",
        completion=None if answer is None else Completion(text=answer),
        messages=(Message(role="user", text=text),),
        tags=(*tags, f"group:{group}") if group else tags,
        labels={} if gold is None else {"gold": gold},
        **more,
    )


def test_states_and_bound():
    """States are counted, missing answers apart; copies that disagree lower the bound."""
    [found] = figures(
        [
            result("<A>"),
            result("B", order=1),
            result("<A>", group="g2"),
            result(None, order=1, group="g2"),
        ]
    )
    assert (found.name, found.model, found.n) == ("MedExam", "m", 4)
    assert found.states == {"strict": 2, "recoverable": 1, "missing": 1}
    assert (found.strict, found.usable) == (0.5, 0.75)
    assert (found.consistency.groups, found.consistency.undecided) == (1, 1)
    assert found.consistency.bound == 1.0
    assert found.accuracy is None
    assert found.group_accuracy is None


def test_accuracy_by_group():
    """A group is right if all copies are; unreadable answers are wrong, missing ones are not."""
    [found] = figures(
        [
            result("<A>", gold="<A>"),
            result("<B>", order=1, gold="<B>"),
            result("<A>", group="g2", gold="<A>"),
            result("不知道", order=1, group="g2", gold="<B>"),
            result("<A>", group="g3", gold="<A>"),
            result(None, group="g3", gold="<A>"),
        ]
    )
    assert found.accuracy == pytest.approx(4 / 5)
    assert found.group_accuracy == 0.5
    assert (found.credit.groups, found.credit.undecided) == (2, 1)
    assert (found.compared, found.uncompared) == (5, 1)


@pytest.mark.parametrize("state", ["truncated", "empty", "filtered", "refused", "not_run"])
def test_an_answer_that_was_not_measured_is_missing(state):
    """What was cut off or held back is no wrong answer, even if there is text: it is missing."""
    lost = replace(result("<", gold="<A>"), state=state)
    [found] = figures([lost, result("<B>", order=1, gold="<B>")])
    assert found.states == {"missing": 1, "strict": 1}
    assert (found.accuracy, found.compared, found.uncompared) == (1.0, 1, 1)
    assert (found.group_accuracy, found.consistency.bound) == (None, None)
    assert (found.credit.undecided, found.consistency.undecided) == (1, 1)


def test_a_group_without_all_its_copies_is_left_out():
    """Where the labels say how many copies a question has, fewer decide nothing."""
    rows = [result("<A>", gold="<A>"), result("<B>", order=1, gold="<B>")]
    told = [replace(row, labels={**row.labels, "circular": {"copies": 5}}) for row in rows]
    [whole], [part] = figures(rows), figures(told)
    assert (whole.consistency.bound, whole.group_accuracy) == (1.0, 1.0)
    assert (part.consistency.bound, part.group_accuracy) == (None, None)
    assert (part.accuracy, part.credit.undecided) == (1.0, 1)


def test_unreadable_gold_is_not_counted():
    """An answer whose gold nobody can read stands beside the mean, as does its group."""
    [found] = figures([result("<A>", gold="甲乙丙"), result("<B>", order=1, gold="b")])
    assert (found.accuracy, found.compared, found.uncompared) == (1.0, 1, 1)
    assert (found.credit.groups, found.credit.undecided) == (0, 1)


def test_f1_over_a_set():
    """Sets of things are pooled over all answers."""
    tags = ("set:CMeIE", "format:relations")
    line = "关系类型：病因，头实体：a，尾实体：{}。"
    gold = f"{line.format('b')}\n{line.format('c')}"
    rows = [result(line.format("b"), tags=tags, group=None, gold=gold)]
    [found] = figures(rows)
    assert found.micro_f1 == pytest.approx(2 / 3)
    assert found.macro_f1 == pytest.approx(2 / 3)
    assert found.consistency is None


def test_free_text_has_no_figures():
    """Sets of free text, and cases without a format, are left out."""
    assert figures([result("好", tags=("set:x", "format:text")), result("好", tags=())]) == ()


def test_tags_are_found_by_prefix():
    """The first tag with a prefix counts."""
    assert tagged(("a:1", "b:2", "b:3"), "b:") == "2"
    assert tagged((), "b:") is None
