"""Agreement of judges with people: by judge, group and stratum, and what must be said beside it."""

import pytest
from review_runs import JUDGES, answer, criterion, panel_run, run_of, scaled_run, table, verdict

from medcheck.errors import SettingsError
from medcheck.review.figures import ALL, PANEL, WEIGHTED, report
from medcheck.review.matching import match
from medcheck.review.queue import chosen, item_of, points_of
from medcheck.types import Criterion

# Published counts of usable answers: TP, FN, FP, TN and kappa, agreement.
# Source: LLMEval-Med figure 6.
FIGURE_6 = {
    "llama": ((16, 6, 40, 40), 0.146, 0.549),
    "mistral": ((20, 9, 35, 38), 0.165, 0.569),
    "disc": ((1, 1, 9, 91), 0.139, 0.902),
}


def points(run):
    """Return the points of a run by item."""
    return {item_of(run, each): each for result in run.results for each in points_of(result)}


def reported(run, folder, ratings, judges=()):
    """Return the report on ratings, given as {item: {rater: verdict}}."""
    rows = [
        {"item": item, "rater": rater, "verdict": said}
        for item, by_rater in ratings.items()
        for rater, said in by_rater.items()
    ]
    return report(match(run, [table(folder / "labels.csv", rows)]), judges)


def line(found, judge, group=ALL, section="met", people="people"):
    """Return the one line of a judge and group."""
    (line,) = (
        each
        for each in found.lines
        if (each.judge, each.group, each.section, each.people) == (judge, group, section, people)
    )
    return line


def value(line, name):
    figure = line.figures[name]
    return figure and figure.value


def test_each_judge_and_the_panel(tmp_path):
    """Everyone is compared with the same people; what was left open is counted, not scored."""
    run = panel_run(20)
    truth = {item: {"dr": "met" if point.criterion_id == "c1" else "not met"}
             for item, point in points(run).items()}  # fmt: skip
    found = reported(run, tmp_path, truth)
    # Judges: c1 met by all; c2 ++- or -+-; c3 met in one of five cases; c4 + - ?.
    panel, first, second, third = (line(found, judge) for judge in (PANEL, *JUDGES))
    assert (panel.n, panel.open, first.n, first.open, third.n, third.open) == (
        120, 40, 160, 0, 120, 40,
    )  # fmt: skip
    assert value(panel, "agreement") == pytest.approx((40 + 20 + 32) / 120)
    assert value(first, "agreement") == pytest.approx((40 + 20 + 32 + 0) / 160)
    assert value(second, "agreement") == pytest.approx((40 + 0 + 32 + 40) / 160)
    assert (second.only_judge, second.only_people) == (48, 0)
    assert second.p_value < 1e-9
    assert value(second, "bias") == pytest.approx(48 / 160)
    assert (panel.cases, panel.conversations, panel.points) == (20, 20, 120)


def test_groups(tmp_path):
    """Requirements, flaws, levels, categories, models and strata stand by themselves."""
    run = panel_run(20)
    truth = {item: {"dr": "不符合"} for item in points(run)}
    found = reported(run, tmp_path, truth)
    groups = [each.group for each in found.lines if each.judge == PANEL]
    assert groups == [
        "all", "kind:flaw", "kind:requirement", "level:A1", "level:A2", "level:A3", "level:S3",
        "category:G1", "category:G2", "model:alpha", "model:beta", "stratum:agreed",
        "stratum:disputed", "stratum:undecided", "weighted to the run",
    ]  # fmt: skip
    flaws = line(found, PANEL, "kind:flaw")
    assert (flaws.n, value(flaws, "agreement")) == (40, pytest.approx(0.8))
    assert value(line(found, PANEL, "level:A1"), "agreement") == 0.0
    assert line(found, PANEL, "level:A3").figures == {}
    assert line(found, PANEL, "level:A3").open == 40


def test_only_one_judge(tmp_path):
    """A judge that is asked for stands alone; one that never voted is an error that names those."""
    run = panel_run(3)
    truth = {item: {"dr": "met"} for item in points(run)}
    assert {each.judge for each in reported(run, tmp_path, truth, ["judge-b"]).lines} == {"judge-b"}
    with pytest.raises(SettingsError, match=r'--judge: "judge-d" .* Known: judge-a, judge-b'):
        reported(run, tmp_path, truth, ["judge-d"])


def test_a_queue_is_weighted_back_to_the_run(tmp_path):
    """The queue's agreement is too low; weighted to the strata's sizes it is that of the run."""
    run = panel_run(200)
    known = points(run)

    def truth(items):
        return {item: {"dr": "met" if known[item].panel and known[item].criterion_id != "c2"
                       else "not met"} for item in items}  # fmt: skip

    whole = reported(run, tmp_path, truth(known))
    queue = reported(run, tmp_path, truth(chosen(run)))
    expected = value(line(whole, PANEL), "agreement")
    assert value(line(whole, PANEL, WEIGHTED), "agreement") == pytest.approx(expected)
    assert value(line(queue, PANEL), "agreement") < expected - 0.1
    assert value(line(queue, PANEL, WEIGHTED), "agreement") == pytest.approx(expected, abs=0.02)
    assert queue.strata["agreed"] == (80, 800)
    assert any("People rated some strata more than others" in note for note in queue.notes)
    assert not any("some strata" in note for note in whole.notes)


def test_disputed_points_only(tmp_path):
    """Without any agreed point there is no weighted figure, and the report says what that means."""
    run = panel_run(20)
    disputed = {item: {"dr": "met"} for item, p in points(run).items() if p.stratum != "agreed"}
    found = reported(run, tmp_path, disputed)
    assert not any(each.group == WEIGHTED for each in found.lines)
    assert found.notes[0].startswith("People rated none of the 80 points that judges agree on")
    assert found.strata == {"undecided": (40, 40), "disputed": (40, 40), "agreed": (0, 80)}


def usable_run(counts):
    """Return a run of single scores, and ratings, with these counts of usable answers."""
    tp, fn, fp, tn = counts
    pairs = [(5, 4)] * tp + [(3, 5)] * fn + [(4, 3)] * fp + [(2, 1)] * tn
    run = scaled_run([(judge,) for judge, _ in pairs])
    items = list(points(run))
    return run, {i: {"dr": str(told)} for i, (_, told) in zip(items, pairs, strict=True)}


@pytest.mark.parametrize("model", FIGURE_6)
def test_published_usability(tmp_path, model):
    """Usable is 4 or more: kappa and agreement of the published counts."""
    counts, kappa, agreement = FIGURE_6[model]
    run, ratings = usable_run(counts)
    found = line(reported(run, tmp_path, ratings), PANEL, section="usable")
    assert value(found, "kappa") == pytest.approx(kappa, abs=5e-4)
    assert value(found, "agreement") == pytest.approx(agreement, abs=5e-4)
    assert (found.only_people, found.only_judge) == counts[1:3]


def test_pooled_usability(tmp_path):
    """The three models together: kappa .243, precision .31 and recall .70."""
    counts = [sum(each) for each in zip(*(row[0] for row in FIGURE_6.values()), strict=True)]
    run, ratings = usable_run(counts)
    found = line(reported(run, tmp_path, ratings), PANEL, section="usable")
    assert value(found, "kappa") == pytest.approx(0.243, abs=5e-4)
    assert value(found, "precision") == pytest.approx(0.31, abs=5e-3)
    assert value(found, "recall") == pytest.approx(0.70, abs=5e-3)


def test_empty_percent_agreement(tmp_path):
    """Where always saying the same would agree as often, the line says so and names how often."""
    run, ratings = usable_run(FIGURE_6["disc"][0])
    found = line(reported(run, tmp_path, ratings), PANEL, section="usable")
    assert found.warning.startswith(
        'percent agreement 90.2 % says little: always saying "not usable" would agree on 98.0 %.'
    )
    # Worse than a constant, though neither verdict is rare.
    run, ratings = usable_run(FIGURE_6["llama"][0])
    found = line(reported(run, tmp_path, ratings), PANEL, section="usable")
    assert "would agree on 78.4 %" in found.warning
    run, ratings = usable_run((30, 5, 5, 30))
    assert line(reported(run, tmp_path, ratings), PANEL, section="usable").warning is None


def test_scales(tmp_path):
    """A scale has weighted kappa and ICC, of the mean of a judge's repeats; no test of shares."""
    of = Criterion(id="score", text="t", points=1.0, scale=(1.0, 5.0))
    scores = ((5, 4), (2, 3), (4, 4), (1, 2), (3, 3))
    run = run_of(
        answer(f"q-{at}", [verdict(of, *map(float, pair), how="mean", judges=("a",))])
        for at, pair in enumerate(scores)
    )
    ratings = {item: {"dr": told} for item, told in zip(points(run), "53413", strict=True)}
    found = line(reported(run, tmp_path, ratings), "a", section="scale 1-5")
    from medcheck.stats.agreement import icc, weighted_kappa

    pairs = [(4.5, 5.0), (2.5, 3.0), (4.0, 4.0), (1.5, 1.0), (3.0, 3.0)]
    assert value(found, "weighted_kappa") == pytest.approx(weighted_kappa(pairs))
    assert value(found, "icc_2_1") == pytest.approx(icc(pairs)["ICC(2,1)"])
    assert value(found, "agreement") == pytest.approx(0.4)
    assert (found.p_value, found.only_judge, found.warning) == (None, None, None)


def test_both_kinds_in_one_run(tmp_path):
    """Scored points and met points are never pooled."""
    of = Criterion(id="score", text="t", points=1.0, scale=(1.0, 5.0))
    verdicts = [verdict(of, 4.0, 5.0, 4.0, how="mean"), verdict(criterion(), "+++")]
    run = run_of(answer(f"q-{at}", verdicts) for at in range(12))
    known = points(run)
    ratings = {i: {"dr": "4" if p.kind == "scale" else "met"} for i, p in known.items()}
    found = reported(run, tmp_path, ratings)
    assert [each.section for each in found.lines if each.judge == PANEL and each.group == ALL] == [
        "met", "scale 1-5", "usable",
    ]  # fmt: skip
    assert {each.n for each in found.lines if each.group == ALL} == {12}


def test_people_among_themselves(tmp_path):
    """Two people on the same points are compared as judges are; all of them have an alpha."""
    run = panel_run(20)
    ratings = {}
    for at, item in enumerate(points(run)):
        ratings[item] = {"li": "met" if at % 2 else "not met",
                         "wang": "met" if at % 2 and at % 5 else "not met"}  # fmt: skip
        if at % 3 == 0:
            ratings[item]["zhao"] = "cannot tell"
    found = reported(run, tmp_path, ratings)
    pair = line(found, "li", people="wang")
    assert (pair.n, pair.only_judge, pair.only_people) == (160, 16, 0)
    assert value(pair, "agreement") == pytest.approx(0.9)
    assert found.alphas["met"].value == pytest.approx(value(pair, "alpha"))
    assert found.raters == {"li": 160, "wang": 160, "zhao": 54}
    assert found.unsure == 54
    assert line(found, "judge-a").n == 320


def test_intervals_repeat(tmp_path):
    """The same run and labels give the same intervals; another seed of the run moves them."""
    found = []
    for seed in (0, 0, 1):
        run = panel_run(15, seed=seed)
        truth = {item: {"dr": "met" if int(p.case_id[-2:]) % 3 else "not met"}
                 for item, p in points(run).items()}  # fmt: skip
        found.append(line(reported(run, tmp_path, truth), PANEL).figures["kappa"])
    assert found[0] == found[1]
    assert found[0].value == found[2].value
    assert found[0].ci95 != found[2].ci95


def test_few_cases_and_lost_verdicts_are_noted(tmp_path):
    """Intervals from few cases, and ratings of points whose judge failed, are told."""
    run = run_of(answer(f"q-{n}", [verdict(criterion(), "++x" if n else "+-+")]) for n in range(3))
    found = reported(run, tmp_path, {item: {"dr": "met"} for item in points(run)})
    assert "2 rated points have no verdict, because a judge failed there." in found.notes
    assert "Intervals from fewer than 10 conversations are too narrow." in found.notes
    assert line(found, PANEL).open == 2


def test_no_ratings(tmp_path):
    """A queue that nobody filled in yet is an empty report, not an error."""
    run = panel_run(2)
    found = reported(run, tmp_path, {item: {"dr": ""} for item in points(run)})
    assert (found.lines, found.blank, dict(found.raters)) == ((), 16, {})
