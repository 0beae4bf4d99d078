"""Parity with MedBench's real packs, broken files and score tables."""

import gzip
import json
import zipfile
from collections import Counter

import pytest
from medbench_packs import checked, errors, zipped

from medcheck.packs.answers import load_pack_answers
from medcheck.packs.findings import LAYOUTS
from medcheck.packs.questions import load_questions
from medcheck.packs.rerun import rows_again
from medcheck.packs.scores import read_scores
from medcheck.packs.warnings import suspicions
from medcheck.scoring.medbench_sets import sets_of
from medcheck.scoring.platform import derived_dimensions, derived_overall, harmonic, mismatches
from medcheck.types import Completion, Result, Run
from medcheck.writers.medbench import write

PACKS = {
    "old": ("old_deepseek-r1-70b_MedBench.partial.zip", "deepseek-r1-70b", "old/full"),
    "v4": ("v4_llm_baichuan-m3_MedBench_LLM.partial.zip", "baichuan-m3", "v4_llm"),
    "vlm": ("vlm_gpt-5.2_MedBench_VLM_QA.partial.zip", "gpt-5.2", "vlm"),
}
ABSENT = {
    "old": {"DDx-basic", "CHIP-CDN", "MedSafety", "SMDoc"},
    "v4": {
        "MedRxCheck_SCQ", "DDx-advanced", "MedReportQC", "MedTreat", "MedHG", "MedSummary",
        "MedLitQA", "MedInsureCheck",
    },
    "vlm": {"MedQC", "MedVQA"},
}  # fmt: skip
QUESTIONS = {"old": "old/full", "v4": "v4_llm", "vlm": "vlm", "agent": "agent"}


@pytest.fixture(scope="module")
def data(shared_data):
    """Return the folder of MedBench's data."""
    return shared_data / "medbench"


@pytest.fixture(scope="module")
def packs(data):
    """Return the checked real packs by track."""
    return {
        track: checked(data / "submissions" / name, data / folder)
        for track, (name, _, folder) in PACKS.items()
    }


def recorded(data, track, model):
    """Return the recorded answers of a model."""
    text = gzip.decompress((data / "answers" / track / f"{model}.jsonl.gz").read_bytes())
    return [json.loads(line) for line in text.split(b"\n") if line]


def broken(data, tmp_path, name):
    """Return what is found in one real broken file, in a pack of nothing else."""
    [path] = (data / "broken").glob(f"{name}.*")
    track = "vlm" if name == "MedDetect" else "old"
    pack = zipped(tmp_path / "p.zip", track, {f"{name}.jsonl": path.read_bytes()})
    found = checked(pack, data / QUESTIONS[track])
    return [each for each in errors(found) if each[0] != "E2"], found


def test_conflict_markers(data, tmp_path):
    """MedDG with git's markers: E5 at lines 1, 32 and 63, each row there twice."""
    wrong, _ = broken(data, tmp_path, "MedDG_test")
    assert [line for rule, _, line in wrong if rule == "E5"] == [1, 32, 63]
    assert Counter(rule for rule, *_ in wrong) == {"E5": 3, "E6": 1, "E7": 30}
    assert [line for rule, _, line in wrong if rule == "E7"] == list(range(33, 63))


def test_invalid_utf8(data, tmp_path):
    """CMeEE: E3 at line 91, whose byte is named; 115 of 100 rows; 14 of them twice."""
    wrong, found = broken(data, tmp_path, "CMeEE_test")
    assert [each for each in wrong if each[0] == "E3"] == [("E3", "CMeEE_test.jsonl", 91)]
    message = next(f.message for f in found.findings if f.rule == "E3")
    content = found.pack.files["CMeEE_test.jsonl"]()
    offset = int(message.split()[1])
    assert content[:offset].count(b"\n") == 90
    with pytest.raises(UnicodeDecodeError) as raised:
        content.decode("utf-8")
    assert raised.value.start == offset
    assert [line for rule, _, line in wrong if rule == "E7"] == list(range(92, 106))
    assert [line for rule, _, line in wrong if rule == "E6"] == [101]


def test_too_few_rows(data, tmp_path):
    """CHIP-CDEE: E6, 12 of 100, and the 88 rows from line 13 on are missing."""
    wrong, _ = broken(data, tmp_path, "CHIP-CDEE_test")
    assert [line for rule, _, line in wrong if rule == "E6"] == [13]
    assert [line for rule, _, line in wrong if rule == "E7"] == list(range(13, 101))


def test_all_null(data, tmp_path):
    """CHIP-CTC: E8, no row has an answer."""
    wrong, found = broken(data, tmp_path, "CHIP-CTC_test")
    assert wrong == [("E8", "CHIP-CTC_test.jsonl", 1)]
    assert sum(f.rule == "E8n" for f in found.findings) == 100


def test_options_in_the_vision_track(data, tmp_path):
    """MedDetect of o3: E9 in each of its rows, E6, and 9 rows missing."""
    wrong, _ = broken(data, tmp_path, "MedDetect")
    assert Counter(rule for rule, *_ in wrong) == {"E9": 21, "E6": 1, "E7": 9}
    assert [line for rule, _, line in wrong if rule == "E9"] == list(range(1, 22))


@pytest.mark.parametrize("track", ["v4", "vlm"])
def test_accepted_packs_lack_nothing_but_absent_sets(packs, track):
    """Baichuan-M3 and GPT-5.2 vision: the sets that are not included, and no other error."""
    found = errors(packs[track])
    assert {rule for rule, *_ in found} == {"E2"}
    assert {file.removesuffix(".jsonl") for _, file, _ in found} == ABSENT[track]


def test_nulls_of_gpt_vision(packs):
    """GPT-5.2 vision: three nulls, as warnings."""
    found = [f for f in packs["vlm"].findings if f.rule == "E8n"]
    assert [(f.file.rsplit("/", 1)[-1], f.line, f.severity) for f in found] == [
        ("MedCourse.jsonl", 6, "warning"),
        ("MedCourse.jsonl", 13, "warning"),
        ("MedOCR.jsonl", 15, "warning"),
    ]


def test_known_faults_of_deepseek(packs):
    """deepseek-r1-70b: absent sets, CHIP-CDEE, CMeEE, two sets of nulls, and nothing else."""
    found = errors(packs["old"])
    absent = {file.removesuffix("_test.jsonl") for rule, file, _ in found if rule == "E2"}
    assert absent == ABSENT["old"]
    by_set = Counter(
        (rule, file.removesuffix("_test.jsonl")) for rule, file, _ in found if rule != "E2"
    )
    assert by_set == {
        ("E6", "CHIP-CDEE"): 1, ("E7", "CHIP-CDEE"): 88, ("E3", "CMeEE"): 1, ("E6", "CMeEE"): 1,
        ("E7", "CMeEE"): 14, ("E8", "CHIP-CTC"): 1, ("E8", "CMB-Clin"): 1,
    }  # fmt: skip
    nulls = Counter(f.file.rsplit("/", 1)[-1] for f in packs["old"].findings if f.rule == "E8n")
    assert nulls == {
        "CHIP-CTC_test.jsonl": 100, "CMB-Clin_test.jsonl": 30, "CMeEE_test.jsonl": 90,
        "Med-Exam_test.jsonl": 13,
    }  # fmt: skip


@pytest.mark.parametrize("track", PACKS)
def test_answers_of_packs(data, track):
    """The answers of a pack are the recorded ones, row by row, by the line in the pack."""
    name, model, _ = PACKS[track]
    found = load_pack_answers(data / "submissions" / name, damaged=True)
    rows = [row for row in recorded(data, track, model) if not row.get("broken_line")]
    assert found == {(row["dataset"], row["line"]): row["answer"] for row in rows}
    assert len(found) == {"old": 1883, "v4": 1260, "vlm": 240}[track]


@pytest.mark.parametrize("track", PACKS)
def test_export_of_recorded_answers_equals_the_pack(data, tmp_path, track):
    """The export of the recorded answers is the pack, byte by byte but for line ends."""
    name, model, folder = PACKS[track]
    asked = load_questions(data / folder, LAYOUTS[track])
    rows = [row for row in recorded(data, track, model) if not row.get("broken_line")]
    results = [result(track, asked, row) for row in rows if not row.get("duplicate")]
    out = exported(tmp_path / "out.zip", results)
    same = 0
    with zipfile.ZipFile(out) as ours, zipfile.ZipFile(data / "submissions" / name) as theirs:
        assert ours.namelist()[0] == theirs.namelist()[0] == f"{LAYOUTS[track].folder}/"
        assert ours.namelist() == theirs.namelist()
        for entry in ours.namelist()[1:]:
            if "CMeEE" in entry:
                continue  # rows twice and one cut: not a file to repeat
            assert theirs.read(entry).replace(b"\r\n", b"\n") == ours.read(entry), entry
            same += 1
    assert same == {"old": 15, "v4": 30, "vlm": 8}[track]


@pytest.mark.parametrize("track", QUESTIONS)
def test_export_then_validate(data, tmp_path, track):
    """Every row of every real question file, answered by us, gives a pack without an error."""
    asked = load_questions(data / QUESTIONS[track], LAYOUTS[track])
    rows = [
        {"dataset": name, "item": place, "answer": f"第{question.line}个回答。"}
        for name, found in asked.items()
        for place, question in enumerate(found)
    ]
    assert {name: len(found) for name, found in asked.items()} == {
        info.name: info.rows for info in sets_of(track)
    }
    out = exported(tmp_path / "out.zip", [result(track, asked, row) for row in rows])
    found = checked(out, data / QUESTIONS[track])
    assert errors(found) == []
    assert rows_again(found) == ()


def test_o3_of_the_recorded_sets(data, tmp_path):
    """o3: exactly the 8 absent sets, and exactly its 4 nulls, are to be asked again."""
    asked = load_questions(data / "v4_llm", LAYOUTS["v4"])
    rows = [result("v4", asked, row) for row in recorded(data, "v4", "o3")]
    found = checked(exported(tmp_path / "out.zip", rows), data / "v4_llm")
    assert {file.removesuffix(".jsonl") for rule, file, _ in errors(found)} == ABSENT["v4"]
    assert {rule for rule, *_ in errors(found)} == {"E2"}
    again = [row for row in rows_again(found) if row.set not in ABSENT["v4"]]
    nulls = [row for row in recorded(data, "v4", "o3") if row["answer"] is None]
    assert [(row.set, row.line) for row in again] == sorted(
        ((row["dataset"], row["item"] + 1) for row in nulls),
        key=lambda place: [info.name for info in sets_of("v4")].index(place[0]),
    )
    assert len(again) == 4


def test_thinking_aloud(data):
    """W2 finds the 47 leaks of AntAngelMed here, and none in the good answers of ten others."""
    leaks = Counter()
    for track, model in (
        ("v4", "antangelmed-fp8"), ("v4", "o3"), ("v4", "gpt-5.2"), ("v4", "baichuan-m2"),
        ("v4", "baichuan-m3"), ("agent", "gpt-4.1-20251216"), ("old", "gpt4o"),
        ("old", "deepseek-r1-32b"), ("agent", "claude-opus-4.6-20260224"), ("vlm", "gpt-5.2"),
        ("old", "deepseek-r1-70b"),
    ):  # fmt: skip
        for row in recorded(data, track, model):
            said = suspicions("", row["answer"] or "", long=float("inf"))
            leaks[model] += "W2" in [rule for rule, _ in said]
    assert {model: count for model, count in leaks.items() if count} == {"antangelmed-fp8": 47}


@pytest.mark.parametrize(
    ("name", "track", "dimensions", "overall"),
    [
        ("llm_v4_selftest_board", "v4", 45, 9),
        ("agent_v4_submissions", "agent", 5, 2),
        ("seed_table.v4", "v4", 0, 5),
    ],
)
def test_platform_scores(data, name, track, dimensions, overall):
    """45 dimension and 9 overall scores of the board, and those of the other tables, fit."""
    rows = read_scores(f"{data / 'platform_scores.json'}#{name}", track)
    derived = [derived_dimensions(track, row.sets) for row in rows]
    assert sum(map(len, derived)) == dimensions
    both = zip(rows, derived, strict=True)
    totals = [derived_overall(track, {**found, **row.dimensions}) for row, found in both]
    assert len([total for total in totals if total is not None]) == overall
    assert [mismatch for row in rows for mismatch in mismatches(track, row)] == []


def test_the_old_table(data):
    """Five of six old scores are harmonic means; the sixth is one with 86.5 read for 68.5."""
    rows = read_scores(f"{data / 'platform_scores.json'}#seed_table.old", "old")
    found = {row.model: mismatches("old", row) for row in rows}
    [(model, [mismatch])] = [(model, each) for model, each in found.items() if each]
    assert model == "某医疗垂直大模型"
    assert "医疗安全和伦理 is read 86.5 instead of 68.5" in mismatch.reading
    wrong = next(row for row in rows if row.model == model)
    right = {**wrong.dimensions, "医疗安全和伦理": 86.5}
    assert round(harmonic(list(right.values())), 1) == wrong.overall


def result(track, asked, row):
    """Return the result that a recorded row is."""
    question = asked[row["dataset"]][row["item"]]
    answer = row["answer"]
    labels = {
        "track": track, "set": row["dataset"], "line": question.line, "record": question.record,
    }  # fmt: skip
    return Result(
        run="r", case_id=f"{row['dataset']}-{question.line}", suite="medbench", model="m",
        state="scored" if answer else "empty", labels={"medbench": labels},
        completion=Completion(text=answer) if answer is not None else None,
    )  # fmt: skip


def exported(path, results):
    """Write the results as a pack; the writer does not look at the summary."""
    run = Run(id="r", started="", settings={}, versions={}, results=results)
    return write(run, None, path)
