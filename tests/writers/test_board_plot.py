"""The drawing of cost against quality."""

from __future__ import annotations

import itertools
import random

import pytest

from medcheck.writers._board_plot import HEIGHT, WIDTH, Point, plot


def point(label, cost, score, span=None):
    return Point(label=label, cost_usd=cost, score=score, span=span)


NINE = [
    point("DeepSeek R1", 891.89, 0.753), point("o3-mini", 801.65, 0.773),
    point("Claude 3.5 Sonnet", 779.82, 0.736), point("Claude 3.7 Sonnet", 769.41, 0.734),
    point("GPT-4o", 648.2, 0.737), point("Gemini 1.5 Pro", 359.81, 0.675),
    point("Llama 3.3", 172.7, 0.695), point("Gemini 2.0 Flash", 43.1, 0.708),
    point("GPT-4o mini", 38.89, 0.712),
]  # fmt: skip


def test_better_is_higher_and_dearer_is_to_the_right():
    """Places follow the numbers."""
    cheap, dear = plot([point("a", 1, 0.2), point("b", 100, 0.9)]).marks
    assert cheap.x < dear.x
    assert cheap.y > dear.y


def test_a_tenth_of_the_cost_is_the_same_step_everywhere():
    """Costs stand on a logarithmic scale."""
    a, b, c = plot([point("a", 1, 0.2), point("b", 10, 0.3), point("c", 100, 0.4)]).marks
    assert b.x - a.x == pytest.approx(c.x - b.x, abs=0.02)


def test_the_published_front():
    """Of the nine published models three are beaten by nobody, by their answers' estimated cost."""
    drawn = plot(NINE)
    assert drawn.best == ("GPT-4o mini", "GPT-4o", "o3-mini")
    assert {mark.label for mark in drawn.marks if mark.front} == set(drawn.best)
    xs = [x for x, _ in drawn.front]
    assert xs == sorted(xs)


def test_everything_lies_on_the_sheet():
    """Marks, whiskers, ticks and labels stay inside, whatever the numbers are."""
    draw = random.Random(3)
    for _ in range(50):
        points = [point(f"model {n}", 10 ** draw.uniform(-6, 5), s := draw.uniform(-0.2, 1),
                        (s - 0.1, s + 0.1)) for n in range(draw.randrange(1, 12))]  # fmt: skip
        drawn = plot(points)
        for mark in drawn.marks:
            assert drawn.left <= mark.x <= drawn.right
            for y in (mark.y, *mark.whisker, mark.text[1]):
                assert 0 <= y <= HEIGHT
            assert 0 <= mark.text[0] <= WIDTH
        assert len(drawn.upward) >= 3
        assert all(drawn.left <= x <= drawn.right for x, _ in drawn.across)


def test_labels_do_not_cover_each_other():
    """Models of nearly the same cost and score keep readable names."""
    boxes = [(m.text[0], m.text[1] - 11, m.text[0] + 7 * len(m.label), m.text[1] + 3)
             for m in plot(NINE).marks]  # fmt: skip
    for one, other in itertools.combinations(boxes, 2):
        apart = (one[2] <= other[0] or other[2] <= one[0]
                 or one[3] <= other[1] or other[3] <= one[1])  # fmt: skip
        assert apart


def test_one_point_or_equal_points():
    """A single model is drawn, and so are two that are equal: both are on the front."""
    assert plot([point("a", 5, 0.5)]).best == ("a",)
    assert plot([point("a", 5, 0.5), point("b", 5, 0.5)]).best == ("a", "b")
    assert plot([]) is None


def test_words_say_the_numbers():
    """Who cannot see the drawing reads cost, score, interval and whether it is on the front."""
    (mark,) = plot([point("a", 12.3, 0.5, (0.4, 0.6))]).marks
    assert mark.told == "a: $12, 0.500 (0.400 to 0.600), on the Pareto front"
