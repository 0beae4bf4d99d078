"""Parity with LLMEval-Med: the public data set item by item, and the published tables by rule."""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
from collections import Counter

import pytest

from medcheck.readers.llmeval_med import read
from medcheck.scoring.requirements import REFERENCE_ONLY, requirements
from medcheck.scoring.usability import CODES, Item, Rate, Rules, overall, usability
from medcheck.stats.agreement import Confusion
from medcheck.stats.human import Pair, agreement_table

SHA256 = "58b60a92"
COUNTS = {
    # items, groups, groups of several rounds, rounds after the first, checklists, difficulties
    "MK": (141, 93, 41, 48, 141, {"中": 54, "难": 50, "易": 37}),
    "MLU": (213, 178, 23, 35, 40, {"难": 213}),
    "MR": (102, 102, 0, 0, 0, {}),
    "MSE": (109, 98, 8, 11, 109, {"难": 109}),
    "MTG": (102, 100, 2, 2, 24, {}),
}
"""By code; the references of MSE are checklists and count as such."""
SUBCATEGORIES = {
    "MK": {"其他医疗信息": 24, "手术/操作/治疗方式": 22, "药物相关": 21, "疾病相关": 19,
           "检验/检查": 17, "医学基础知识/医学考试": 15, "症状相关": 14, "健康养生": 9},
    "MLU": {"表格数据处理": 64, "文本分类": 45, "信息抽取": 41, "翻译匹配": 23, "多轮对话": 23,
            "摘要总结": 17},
    "MR": {"病症推断": 58, "治疗方案": 24, "科学研究": 10, "疗效评估": 10},
    "MSE": {"医疗违禁": 49, "药品安全": 24, "措施安全性": 19, "医学伦理": 17},
    "MTG": {"总结/摘要": 50, "改写": 28, "生成": 24},
}  # fmt: skip
ROUNDED = 0.01
AUTOMATIC_MTG = {"Mistral-24B": 65.36, "llama-3.1-8B": 51.96, "DISC-MedLLM": 8.82}
"""The models whose published OP has the automatic rate of MTG (table 16) in the place of the rate
by people that is printed beside it."""
WITH_PRINTED = {"Mistral-24B": 37.89, "llama-3.1-8B": 22.24, "DISC-MedLLM": 9.99}
KAPPA = {"llama-3.1-8B": 0.146, "Mistral-24B": 0.165, "DISC-MedLLM": 0.139}


@pytest.fixture(scope="module")
def folder(shared_data):
    return shared_data / "llmeval_med"


@pytest.fixture(scope="module")
def content(folder):
    return gzip.decompress((folder / "llmeval_med.json.gz").read_bytes())


@pytest.fixture(scope="module")
def cases(content, tmp_path_factory):
    path = tmp_path_factory.mktemp("llmeval") / "dataset.json"
    path.write_bytes(content)
    return list(read(path, {}))


def code_of(case):
    return CODES[case.category[0]]


def table(folder, name):
    with (folder / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def published(folder):
    """Table 2: model, OP and the five rates in percent."""
    return {
        row["model"]: {name: float(row[name]) for name in ("OP", *COUNTS)}
        for row in table(folder, "llmevalmed_table2.csv")
    }


def test_all_items_load(cases, content):
    """All 667 items are cases, in file order, under unique ids."""
    assert hashlib.sha256(content).hexdigest().startswith(SHA256)
    assert len(cases) == 667
    assert len({case.id for case in cases}) == 667
    raw = json.loads(content)
    order = [
        f"{CODES[key]}-{item['groupCode']}-{item['round']}" for key in raw for item in raw[key]
    ]
    assert [case.id for case in cases] == order
    assert [case.messages[0].text for case in cases] == [
        item["problem"] for key in raw for item in raw[key]
    ]


@pytest.mark.parametrize("code", COUNTS)
def test_counts(cases, code):
    """Items, groups, rounds, checklists, difficulties and subcategories are as counted."""
    own = [case for case in cases if code_of(case) == code]
    groups = Counter(case.id.rpartition("-")[0] for case in own)
    levels = Counter(t.partition(":")[2] for c in own for t in c.tags if t.startswith("diff"))
    found = (
        len(own), len(groups), sum(size > 1 for size in groups.values()),
        sum(case.follows is not None for case in own),
        sum(case.criteria[0].text != REFERENCE_ONLY for case in own), dict(levels),
    )  # fmt: skip
    assert found == COUNTS[code]
    assert Counter(case.category[1] for case in own) == SUBCATEGORIES[code]


def test_follow_ups_in_order(cases):
    """All 96 later rounds follow the round before, which stands before them."""
    seen, followed = set(), 0
    for case in cases:
        group, _, number = case.id.rpartition("-")
        expected = None if number == "1" else f"{group}-{int(number) - 1}"
        assert case.follows == expected
        assert expected is None or expected in seen
        followed += expected is not None
        seen.add(case.id)
    assert followed == 96


def test_nothing_absent_is_shown(cases, content):
    """The 275 NaN of the file and the 23 slashes are nothing; each case has something to go by."""
    assert content.count(b"NaN") == 275
    for case in cases:
        for text in (*case.references, case.criteria[0].text):
            assert text.strip() not in ("nan", "NaN", "None", "/", "")
        assert case.references or case.criteria[0].text != REFERENCE_ONLY
    without = Counter(code_of(case) for case in cases if not case.references)
    assert without == {"MSE": 109, "MTG": 24, "MLU": 23}
    assert [case.references for case in cases].count(("131",)) == 1


def test_every_checklist_has_a_core(cases):
    """All checklists give core demands, all but five secondary ones, and no word is lost."""
    checklists = [c.criteria[0].text for c in cases if c.criteria[0].text != REFERENCE_ONLY]
    found = [requirements(text) for text in checklists]
    assert len(found) == 314
    assert all(each.core and not each.preamble for each in found)
    assert sum(not each.secondary for each in found) == 5
    for text, each in zip(checklists, found, strict=True):
        kept = "".join("".join([*each.core, *each.secondary]).split())
        lost = Counter("".join(text.split()))
        lost.subtract(kept)
        assert min(lost.values()) >= 0
        assert set(lost.elements()) <= set("一二、核心需求次要：:0123456789.")


def items(code, usable, runs=3, *, size):
    """Items whose runs hold exactly `usable` scores of 4 or 5."""
    total = size * runs
    scores = [5 if n % 2 else 4 for n in range(usable)] + [1 + n % 3 for n in range(total - usable)]
    return [
        Item(id=f"{code}-{n}", category=code, scores=tuple(scores[n * runs : (n + 1) * runs]))
        for n in range(size)
    ]


@pytest.mark.parametrize(
    ("code", "usable", "percent"), [("MK", 356, 84.16), ("MLU", 445, 69.64), ("MR", 194, 63.40)]
)
def test_rates_of_the_first_model(published, code, usable, percent):
    """84.16 is 356 of 423 runs: runs are pooled, and no mean of items can give it."""
    size = COUNTS[code][0]
    rate = usability(items(code, usable, size=size), Rules()).categories[code]
    assert (rate.usable, rate.n) == (usable, 3 * size)
    assert round(100 * rate.value, 2) == percent == published["Deepseek-R1"][code]
    assert percent not in {round(100 * k / size, 2) for k in range(size + 1)}


def figure(rates):
    """OP in percent from rates in percent, by the paper's rule."""
    found = [
        Rate(usable=round(100 * rates[code]), n=10_000, missing=0, items=10_000, mean=None)
        for code in COUNTS
    ]
    return 100 * overall(found, Rules().op_rule)


def test_op_of_ten_models(published):
    """OP is the macro mean of the five rates for ten of the thirteen models, to .01."""
    equal = {
        model
        for model, row in published.items()
        if abs(figure({code: row[code] for code in COUNTS}) - row["OP"]) < ROUNDED
    }
    assert len(published) == 13
    assert equal == set(published) - set(AUTOMATIC_MTG)
    assert len(equal) == 10


@pytest.mark.parametrize("model", AUTOMATIC_MTG)
def test_op_of_the_three_others(published, model):
    """The OP of three models comes out with the automatic rate of MTG only, not the printed one."""
    rates = {code: published[model][code] for code in COUNTS}
    printed = figure(rates)
    assert printed == pytest.approx(WITH_PRINTED[model], abs=ROUNDED)
    automatic = figure({**rates, "MTG": AUTOMATIC_MTG[model]})
    assert automatic == pytest.approx(published[model]["OP"], abs=ROUNDED)
    assert abs(printed - published[model]["OP"]) > 1


def test_size_weighted_op_matches_no_model(published):
    """The script's own rule, all items together, gives none of the published figures."""
    total = sum(counts[0] for counts in COUNTS.values())
    for row in published.values():
        micro = sum(row[code] * counts[0] for code, counts in COUNTS.items()) / total
        assert abs(micro - row["OP"]) >= ROUNDED


def test_swapped_rates(published, folder):
    """The rates of generated texts of two models stand in each other's row, as figure 6 shows."""
    usable = {
        row["key"]: int(row["human_usable_auto_usable"]) + int(row["human_usable_auto_unusable"])
        for row in table(folder, "llmevalmed_agreement.csv")
        if row["kind"] == "mtg_confusion"
    }
    of_97 = {model: round(100 * n / 97, 2) for model, n in usable.items()}
    assert of_97["llama-3.1-8B"] == published["Mistral-24B"]["MTG"]
    assert of_97["Mistral-24B"] == published["llama-3.1-8B"]["MTG"]
    assert of_97["DISC-MedLLM"] == published["DISC-MedLLM"]["MTG"]


@pytest.fixture(scope="module")
def confusions(folder):
    """Figure 6: the counts of three models, usable being yes and people the truth."""
    names = ("human_usable_auto_usable", "human_usable_auto_unusable",
             "human_unusable_auto_usable", "human_unusable_auto_unusable")  # fmt: skip
    found = {}
    for row in table(folder, "llmevalmed_agreement.csv"):
        if row["kind"] == "mtg_confusion":
            tp, fn, fp, tn = (int(row[name]) for name in names)
            counts = Confusion(tp=tp, fn=fn, fp=fp, tn=tn)
            found[row["key"]] = (counts, float(row["agreement_percent"]))
    return found


@pytest.mark.parametrize("model", KAPPA)
def test_agreement_on_generated_texts(confusions, model):
    """Percent agreement is the published one; beyond chance little of it is left."""
    counts, percent = confusions[model]
    assert 100 * counts.agreement == pytest.approx(percent, abs=ROUNDED)
    assert round(counts.kappa, 3) == KAPPA[model]
    assert "says little" in counts.warning()


def test_pooled_agreement(confusions, folder):
    """206 of 306 equal verdicts are kappa .243, precision .31 and recall .70."""
    pooled = sum((counts for counts, _ in confusions.values()), Confusion(tp=0, fn=0, fp=0, tn=0))
    assert (pooled.tp + pooled.tn, pooled.n) == (206, 306)
    [printed] = [r for r in table(folder, "llmevalmed_agreement.csv") if r["key"] == "MTG"]
    assert 100 * pooled.agreement == pytest.approx(float(printed["agreement_percent"]), abs=ROUNDED)
    assert round(pooled.kappa, 3) == 0.243
    assert (round(pooled.precision, 2), round(pooled.recall, 2)) == (0.31, 0.70)


def test_the_overall_figure_leaves_one_category_out(folder):
    """92.47 is the plain mean of four categories; with the fifth it would be 87.44."""
    rows = table(folder, "llmevalmed_agreement.csv")
    by_category = {r["key"]: float(r["agreement_percent"]) for r in rows if r["kind"] == "category"}
    four = [value for name, value in by_category.items() if name != "MTG"]
    assert sum(four) / 4 == pytest.approx(92.47, abs=ROUNDED)
    assert sum(by_category.values()) / 5 == pytest.approx(87.44, abs=ROUNDED)


def test_table_with_intervals(confusions):
    """Our table of the same counts has the same kappa, and intervals that say how sure it is."""
    pairs = [
        Pair(group=model, cluster=str(number), human=truth, judge=said)
        for model, (counts, _) in confusions.items()
        for number, (said, truth) in enumerate(counts.pairs)
    ]
    found = {row.group: row for row in agreement_table(pairs, seed=1, n=200)}
    for model, kappa in KAPPA.items():
        estimate = found[model].figures["kappa"]
        assert round(estimate.value, 3) == kappa
        assert estimate.ci95[0] < kappa < estimate.ci95[1]
        assert found[model].warning
    assert round(found["all"].figures["kappa"].value, 3) == 0.243
    assert found["DISC-MedLLM"].figures["kappa"].ci95[0] <= 0
