"""The starter suite for LLMEval-Med: its items, its recordings and the example ratings."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any, NoReturn

import pytest
import yaml

Item = Mapping[str, Any]

ROOT = Path(__file__).resolve().parents[1]
MODELS = ("demo", "demo-weak")
CODES = {
    "医疗知识": "MK",
    "医疗推理": "MR",
    "医疗语言理解": "MLU",
    "医疗安全伦理": "MSE",
    "医疗文本生成": "MTG",
}
ALWAYS = {"category1", "category2", "scene", "round", "problem", "groupCode"}
SOMETIMES = {"sanswer", "difficulty", "checklist"}


def refuse(constant: str) -> NoReturn:
    raise AssertionError(f"{constant} is not JSON")


def without_repeats(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    assert len(dict(pairs)) == len(pairs), f"a key stands twice: {pairs}"
    return dict(pairs)


def parsed(text: str) -> Any:
    return json.loads(text, parse_constant=refuse, object_pairs_hook=without_repeats)


@pytest.fixture(scope="module")
def data() -> Mapping[str, Sequence[Item]]:
    """Return the items by category key."""
    return parsed((ROOT / "cases/llmeval_starter.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def items(data: Mapping[str, Sequence[Item]]) -> dict[str, Item]:
    """Return the items by case id, in file order."""
    listed = [(case_id(key, item), item) for key, part in data.items() for item in part]
    assert len(dict(listed)) == len(listed)
    return dict(listed)


@pytest.fixture(scope="module")
def records() -> dict[tuple[str, str], Mapping[str, Any]]:
    """Return the recordings by model and case id."""
    text = (ROOT / "medcheck/demo/llmeval_starter.jsonl").read_text(encoding="utf-8")
    listed = [parsed(line) for line in text.split("\n") if line]
    found = {(record["model"], record["case"]): record for record in listed}
    assert len(found) == len(listed)
    return found


@pytest.fixture(scope="module")
def ratings() -> list[dict[str, str]]:
    """Return the rows of the example ratings."""
    with (ROOT / "docs/examples/llmeval_ratings.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def case_id(key: str, item: Item) -> str:
    return f"{CODES[key]}-{item['groupCode']}-{item['round']}"


def replies(record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return what the judge says each time it is asked about this answer."""
    [entry] = record["criteria"]
    assert entry["criterion"] == "score"
    assert set(entry) in ({"criterion", "reply"}, {"criterion", "replies"})
    return entry["replies"] if "replies" in entry else [entry["reply"]] * 3


def mean_score(record: Mapping[str, Any]) -> float:
    return mean(reply["score"] for reply in replies(record))


def test_the_suite_names_its_data() -> None:
    """The suite file names the reader, the grader and the item file beside it."""
    path = ROOT / "cases/llmeval_starter.yaml"
    suite = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert suite["suite"] == "llmeval_starter"
    assert suite["data"]["format"] == "llmeval_med"
    assert (path.parent / suite["data"]["path"]).is_file()
    assert suite["grader"]["name"] == "checklist"
    assert suite["summary"]["by"] == ["op", "usable_rate", "category"]


def test_counts(data: Mapping[str, Sequence[Item]]) -> None:
    """The five categories stand in the published order and each has its items."""
    counted = {CODES[key]: len(part) for key, part in data.items()}
    assert list(counted.items()) == [("MK", 5), ("MR", 3), ("MLU", 4), ("MSE", 3), ("MTG", 3)]


def test_fields(items: Mapping[str, Item]) -> None:
    """Every item has the published fields; what is absent is left out, never empty."""
    for name, item in items.items():
        assert set(item) >= ALWAYS, name
        assert set(item) <= ALWAYS | SOMETIMES, name
        for field, value in item.items():
            whole = int if field in ("round", "groupCode") else str
            if (name, field) == ("MLU-3-1", "sanswer"):
                whole = int  # the published set, too, has a reference that is a number
            assert type(value) is whole, (name, field)
            assert value == value.strip() != "" if whole is str else value >= 1, (name, field)


def test_references_and_checklists(items: Mapping[str, Item]) -> None:
    """References, checklists and difficulties stand where the published set has them."""
    for name, item in items.items():
        code = name.split("-")[0]
        listed = code == "MK" or item["category2"] in ("多轮对话", "摘要总结", "生成")
        assert ("checklist" in item) == listed, name
        assert ("sanswer" in item) == (item["category2"] != "生成"), name
        assert ("difficulty" in item) == (code in ("MK", "MLU", "MSE")), name


def test_checklists_are_numbered(items: Mapping[str, Item]) -> None:
    """A checklist, or a reference of safety and ethics, has numbered core and secondary points."""
    texts = [item["checklist"] for item in items.values() if "checklist" in item]
    texts += [item["sanswer"] for name, item in items.items() if name.startswith("MSE")]
    assert len(texts) == 11
    for text in texts:
        [core, secondary] = re.split(r"^(?:二、)?次要需求：\n", text, flags=re.MULTILINE)
        assert core.startswith(("核心需求：\n", "一、核心需求：\n")), text
        for part in (core.split("\n", 1)[1], secondary):
            points = [line for line in part.split("\n") if line]
            numbers = [int(line.split(". ")[0]) for line in points]
            assert numbers == list(range(1, len(points) + 1)), text
            assert len(points) >= 2, text


def test_conversations_are_complete(data: Mapping[str, Sequence[Item]]) -> None:
    """Rounds of a group run from 1 without gaps in file order: one of three, one of two."""
    for key, part in data.items():
        groups = defaultdict(list)
        for item in part:
            groups[item["groupCode"]].append(item["round"])
        assert all(rounds == list(range(1, len(rounds) + 1)) for rounds in groups.values())
        longest = {"MK": 3, "MLU": 2}.get(CODES[key], 1)
        assert Counter(map(len, groups.values()))[longest] >= 1
        assert max(map(len, groups.values())) == longest


def test_both_models_are_recorded(
    items: Mapping[str, Item], records: Mapping[tuple[str, str], Mapping[str, Any]]
) -> None:
    """Each item has one answer of each demo model, and no recording is of anything else."""
    assert set(records) == {(model, name) for model in MODELS for name in items}


def test_history_is_the_models_own(
    items: Mapping[str, Item], records: Mapping[tuple[str, str], Mapping[str, Any]]
) -> None:
    """A later round's prompt is the whole conversation, with this model's own earlier answers."""
    for (model, name), record in records.items():
        group, last = name.rsplit("-", 1)
        turns = []
        for number in range(1, int(last) + 1):
            turns.append({"role": "user", "content": items[f"{group}-{number}"]["problem"]})
            own = records[model, f"{group}-{number}"]["answer"]
            turns.append({"role": "assistant", "content": own})
        assert record["prompt"] == turns[:-1], (model, name)


def test_an_answer_belongs_to_one_recording() -> None:
    """No other demo recording has the same answer: verdicts are found by answer."""
    answers: Counter[str] = Counter()
    own = set()
    for path in (ROOT / "medcheck/demo").glob("*.jsonl"):
        if path.stem == "llmeval_starter_refine":
            continue  # the same answers, judged by edited checklists
        found = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
        answers.update(record["answer"] for record in found)
        if path.stem == "llmeval_starter":
            own = {record["answer"] for record in found}
    assert own
    assert [answer for answer in own if answers[answer] > 1] == []


def test_judge_replies(records: Mapping[tuple[str, str], Mapping[str, Any]]) -> None:
    """The judge says the same or gives three replies: an explanation and a whole score, 1 to 5."""
    for place, record in records.items():
        said = replies(record)
        assert len(said) == 3, place
        for reply in said:
            assert set(reply) == {"explanation", "score"}, place
            assert type(reply["score"]) is int, place
            assert 1 <= reply["score"] <= 5, place
            assert len(reply["explanation"]) >= 10, place


def test_repeats_matter(records: Mapping[tuple[str, str], Mapping[str, Any]]) -> None:
    """Some repeats differ, by one step only, and some across the line of usability."""
    spans = [{reply["score"] for reply in replies(record)} for record in records.values()]
    assert max(max(span) - min(span) for span in spans) == 1
    assert sum(len(span) > 1 for span in spans) >= 10
    assert sum(span == {3, 4} for span in spans) >= 3


def test_the_weak_model_is_weaker(
    items: Mapping[str, Item], records: Mapping[tuple[str, str], Mapping[str, Any]]
) -> None:
    """The demo has about 4, the weak demo about 2.5, and less in every category."""
    scores = {place: mean_score(record) for place, record in records.items()}
    overall = {model: mean(scores[model, name] for name in items) for model in MODELS}
    assert overall["demo"] == pytest.approx(4.0, abs=0.3)
    assert overall["demo-weak"] == pytest.approx(2.5, abs=0.3)
    for code in CODES.values():
        names = [name for name in items if name.startswith(f"{code}-")]
        demo, weak = (mean(scores[model, name] for name in names) for model in MODELS)
        assert weak < demo, code


@pytest.mark.parametrize(("name", "most"), [("MLU-1-1", 80), ("MLU-1-2", 80), ("MTG-3-1", 200)])
def test_lengths_are_judged_rightly(
    name: str, most: int, records: Mapping[tuple[str, str], Mapping[str, Any]]
) -> None:
    """An answer of four points or more keeps the length that its problem demands."""
    usable = [
        record["answer"]
        for model in MODELS
        for record in [records[model, name]]
        if max(reply["score"] for reply in replies(record)) >= 4
    ]
    assert usable
    assert all(len(answer.replace("\n", "")) <= most for answer in usable)


def test_reference_turns_keep_their_own_rules(items: Mapping[str, Item]) -> None:
    """The role play's references have at most 80 characters and end with a question."""
    for name in ("MLU-1-1", "MLU-1-2"):
        assert len(items[name]["sanswer"]) <= 80
        assert items[name]["sanswer"].endswith("？")


def test_table_reference_is_the_count(items: Mapping[str, Item]) -> None:
    """The reference of the table item is what its table counts to."""
    rows = re.findall(r"^\| 周. \| (\d+) \| (\d+) \|$", items["MLU-3-1"]["problem"], re.MULTILINE)
    assert len(rows) == 7
    raised = [row for row in rows if int(row[0]) >= 135 or int(row[1]) >= 85]
    assert len(raised) == items["MLU-3-1"]["sanswer"]


def test_ratings_are_complete(items: Mapping[str, Item], ratings: list[dict[str, str]]) -> None:
    """Two raters scored each recorded answer once, in whole points from 1 to 5."""
    assert list(ratings[0]) == ["case_id", "model", "rater", "score"]
    rated = Counter((row["case_id"], row["model"], row["rater"]) for row in ratings)
    raters = ("rater-1", "rater-2")
    assert rated == Counter(
        (name, model, who) for name in items for model in MODELS for who in raters
    )
    assert {row["score"] for row in ratings} == {"1", "2", "3", "4", "5"}


def test_ratings_disagree_plausibly(
    ratings: list[dict[str, str]], records: Mapping[tuple[str, str], Mapping[str, Any]]
) -> None:
    """Raters differ by a step at most; with the judge, some "usable" are false, both ways."""
    scores: dict[tuple[str, str], list[int]] = defaultdict(list)
    for row in ratings:
        scores[row["model"], row["case_id"]].append(int(row["score"]))
    apart = Counter(abs(first - second) for first, second in scores.values())
    assert set(apart) == {0, 1}
    assert apart[1] >= 8
    judged = [
        (mean_score(records[place]) >= 4, mean(given) >= 4) for place, given in scores.items()
    ]
    assert {(True, False), (False, True)} <= set(judged)
    assert mean(judge == human for judge, human in judged) == pytest.approx(0.85, abs=0.1)
