"""Parity with the official HealthBench code: recorded verdicts must give the recorded numbers."""

import collections
import gzip
import json
import math
from pathlib import Path

import pytest

from medcheck.errors import JudgeError
from medcheck.readers import healthbench
from medcheck.replies import parse_verdict
from medcheck.scoring.points import group_scores, points
from medcheck.scoring.views import injection_flags
from medcheck.stats.means import (
    bootstrap_std,
    clipped_mean,
    interval,
    length_adjusted,
    mean,
    row_seed,
    worst_at_k,
)
from medcheck.types import Criterion, Verdict

DATA = Path(__file__).parent.parent / "data"
VECTORS = json.loads((DATA / "healthbench_vectors.json").read_text(encoding="utf-8"))

# Source: HealthBench file statistics; main, hard, consensus.
THEMES = {
    "communication": (919, 111, 746),
    "hedging": (1071, 167, 711),
    "global_health": (1097, 280, 634),
    "context_seeking": (594, 179, 408),
    "emergency_referrals": (482, 66, 453),
    "health_data_tasks": (477, 115, 395),
    "complex_responses": (360, 82, 324),
}


def rows(path):
    with gzip.open(path, "rt", encoding="utf-8", newline="\n") as file:
        return [json.loads(line) for line in file]


def scored(items, met):
    """The score of one example from its rubric items and the recorded verdicts."""
    verdicts = [
        Verdict(
            criterion=Criterion(
                id=str(number),
                text=item["criterion"],
                points=item["points"],
                tags=tuple(item["tags"]),
            ),
            state="met" if ok else "not_met",
            value=float(ok),
        )
        for number, (item, ok) in enumerate(zip(items, met, strict=True), start=1)
    ]
    return points(verdicts)


def graded(row):
    items = row["rubric_items"]
    return scored(items, [item["criteria_met"] for item in items])


def grouped(examples):
    """Values of all examples by group, in order; official names."""
    groups = collections.defaultdict(list)
    for tags, score in examples:
        for name, value in group_scores(tags, score).items():
            groups["overall_score" if name == "overall" else name].append(value)
    return groups


def check_std(name, values, recorded):
    """The bootstrap error agrees within 10 % where clipping at 0 or 1 plays no part."""
    center, ours = mean(values), bootstrap_std(values, seed=row_seed(0, name))
    error = bootstrap_std(values, seed=row_seed(1, name), clip=False)
    if error and 2.5 * error < center < 1 - 2.5 * error:
        assert ours == pytest.approx(recorded, rel=0.10), name
        return 1
    return 0


@pytest.fixture(scope="module")
def vectors():
    return [(e, scored(e["rubrics"], e["criteria_met"])) for e in VECTORS["examples"]]


def test_vector_metrics(vectors):
    """Every metric of every synthetic example equals the official function's, to the last bit."""
    for example, score in vectors:
        found = group_scores(example["example_tags"], score)
        found["overall_score"] = found.pop("overall")
        assert found == example["expected_metrics"], example["prompt_id"]


def test_vector_aggregate(vectors):
    """Every aggregate mean and n of the synthetic examples equals the official function's."""
    groups = grouped((example["example_tags"], score) for example, score in vectors)
    expected = VECTORS["expected_aggregate"]
    for name, values in groups.items():
        assert clipped_mean(values) == expected[name], name
        assert len(values) == expected[f"{name}:n_samples"], name
    named = {name.removesuffix(":n_samples") for name in expected}
    assert set(groups) == named - {"score"}


@pytest.mark.parametrize("row", VECTORS["reply_parsing"], ids=lambda row: row["reply"][:20])
def test_reply_parsing(row):
    """A reply is accepted where the official code accepts it; else it is an error."""
    if row["official"] == "accept":
        assert parse_verdict(row["reply"], protocol="official").met is row["value"]
    else:
        with pytest.raises(JudgeError):
            parse_verdict(row["reply"], protocol="official")


def test_worst_at_k():
    """Worst-at-k equals the notebook's mean over all subsets."""
    table = VECTORS["worst_at_k"]
    for k, expected in table["expected"].items():
        assert worst_at_k(table["scores"], int(k)) == pytest.approx(expected, abs=1e-12)


def test_length_adjusted():
    """The length adjustment equals the official one, to the last bit."""
    for row in VECTORS["length_adjusted"]:
        found = length_adjusted(row["score"], row["chars"], row["center"], row["penalty_per_500"])
        assert found == row["expected"]


def test_index():
    """The index knows 5,000 ids; no theme has more examples in a subset than were published."""
    index = rows(DATA / "healthbench_index.jsonl.gz")
    assert len(index) == len({row["prompt_id"] for row in index}) == 5000
    subsets = ("main", "hard", "consensus")
    for column, subset in enumerate(subsets):
        kept = [row for row in index if subset == "main" or row[subset]]
        assert len(kept) == sum(counts[column] for counts in THEMES.values())
        known = collections.Counter(row["example_tags"][0] for row in kept if row["example_tags"])
        for theme, counts in THEMES.items():
            assert 0 < known[f"theme:{theme}"] <= counts[column]


def test_hard_ids():
    """The shipped list of hard ids is the index's, in file order."""
    index = rows(DATA / "healthbench_index.jsonl.gz")
    shipped = Path(healthbench.__file__).with_name("healthbench_hard.txt")
    expected = [row["prompt_id"] for row in index if row["hard"]]
    assert shipped.read_text(encoding="utf-8").split() == expected


def test_m42_examples(shared_data):
    """All metrics of 100 recorded examples are equal, to the last bit."""
    recorded = rows(shared_data / "healthbench" / "healthbench_verdicts_m42.jsonl.gz")
    assert len(recorded) == 100
    for row in recorded:
        found = group_scores(row["example_tags"], graded(row))
        found["overall_score"] = found.pop("overall")
        assert found == row["recorded_metrics"], row["prompt_id"]


def test_m42_aggregate(shared_data):
    """All 140 recorded means and n are equal, and the deviations agree within 10 %."""
    folder = shared_data / "healthbench"
    path = folder / "healthbench_verdicts_m42.final_metrics.json"
    expected = json.loads(path.read_text(encoding="utf-8"))
    recorded = rows(folder / "healthbench_verdicts_m42.jsonl.gz")
    groups = grouped((row["example_tags"], graded(row)) for row in recorded)
    numbers = deviations = 0
    for name, values in groups.items():
        assert clipped_mean(values) == expected[name], name
        assert len(values) == expected[f"{name}:n_samples"], name
        numbers += 2
        deviations += check_std(name, values, expected[f"{name}:bootstrap_std"])
    # "score" is the overall score under a second name.
    assert clipped_mean(groups["overall_score"]) == expected["score"]
    assert len(groups["overall_score"]) == expected["score:n_samples"]
    numbers += 2
    assert numbers == 140
    assert deviations > 20


def test_hard_runs(shared_data):
    """25 recorded official runs: every example score, mean and n is equal, to the last bit.

    Left out are theme and axis groups, whose tags the recording does not hold completely.
    """
    folder = shared_data / "healthbench"
    by_run = collections.defaultdict(list)
    for row in rows(folder / "healthbench_verdicts_hard_runs.jsonl.gz"):
        score = graded(row)
        assert score.value == row["recorded_score"], row["prompt_id"]
        by_run[row["run"]].append((row["position"], row["example_tags"] or (), score))
    with gzip.open(
        folder / "healthbench_verdicts_hard_runs.metrics.json.gz", "rt", encoding="utf-8"
    ) as file:
        recorded = json.load(file)
    assert len(by_run) == len(recorded) == 25
    numbers = deviations = 0
    for run, expected in recorded.items():
        checked = check_run(sorted(by_run[run], key=lambda row: row[0]), expected)
        numbers, deviations = numbers + checked[0], deviations + checked[1]
    assert numbers > 2000
    assert deviations > 100


def check_run(examples, expected):
    numbers = deviations = 0
    groups = grouped((tags, score) for _, tags, score in examples)
    assert mean(groups["overall_score"]) == pytest.approx(expected["unclipped_mean"], abs=1e-12)
    metrics = expected["recorded_metrics"]
    names = [
        name
        for name in metrics
        if not name.endswith((":n_samples", ":bootstrap_std"))
        and not name.startswith(("axis:", "theme:"))
        and name != "score"
    ]
    for name in names:
        assert clipped_mean(groups[name]) == metrics[name], name
        assert len(groups[name]) == metrics[f"{name}:n_samples"], name
        numbers += 2
        deviations += check_std(name, groups[name], metrics[f"{name}:bootstrap_std"])
    return numbers, deviations


def test_clipped_zero_has_an_interval(shared_data):
    """Runs that the official code prints as 0.000 keep a raw mean and an interval below zero."""
    path = shared_data / "healthbench" / "healthbench_verdicts_hard_runs.jsonl.gz"
    by_run = collections.defaultdict(list)
    for row in rows(path):
        by_run[row["run"]].append(graded(row).value)
    hidden = [values for values in by_run.values() if clipped_mean(values) == 0.0]
    assert hidden
    for values in hidden:
        low, high = interval(values)
        assert low < mean(values) <= 0 < high or high <= 0
        assert not math.isclose(low, high)


def test_reader_reads_official_records(shared_data):
    """All official records that are here are read, with every criterion."""
    path = shared_data / "healthbench" / "healthbench_sample.jsonl.gz"
    found = list(healthbench.read(path, {}))
    for case, record in zip(found, rows(path), strict=True):
        assert case.id == record["prompt_id"]
        assert case.tags == tuple(record["example_tags"])
        assert [(c.text, c.points, list(c.tags)) for c in case.criteria] == [
            (r["criterion"], r["points"], r["tags"]) for r in record["rubrics"]
        ]
        assert [(m.role, m.text) for m in case.messages] == [
            (m["role"], m["content"]) for m in record["prompt"]
        ]


def test_derived_subsets(shared_data):
    """Consensus derived from main equals the official consensus file; hard holds the known ids."""
    folder = shared_data / "healthbench"
    main = folder / "healthbench_sample.jsonl.gz"
    official = healthbench.read(folder / "healthbench_consensus_sample.jsonl.gz", {})
    expected = {case.id: case for case in official}
    index = {row["prompt_id"]: row for row in rows(DATA / "healthbench_index.jsonl.gz")}
    derived = {case.id: case for case in healthbench.read(main, {"subset": "consensus"})}
    both = derived.keys() & expected.keys()
    assert len(both) > 50
    for name in both:
        assert derived[name].criteria == expected[name].criteria
        assert derived[name].messages == expected[name].messages
    ids = [case.id for case in healthbench.read(main, {})]
    assert set(derived) == {i for i in ids if index[i]["consensus"]}
    hard = [case.id for case in healthbench.read(main, {"subset": "hard"})]
    assert hard == [i for i in ids if index[i]["hard"]]


def test_flags_on_real_answers(shared_data):
    """At most 1 % of real answers raise a flag."""
    path = shared_data / "healthbench" / "healthbench_verdicts_hard_runs.jsonl.gz"
    answers = [row["completion"] for row in rows(path)][::5]
    assert len(answers) == 1000
    assert sum(bool(injection_flags(answer)) for answer in answers) <= 10
