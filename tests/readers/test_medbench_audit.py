"""What MedBench rows let one doubt is told before a call, with file, line and rule."""

from __future__ import annotations

import json

import pytest
from drawings import pdf, png

from medcheck.readers.medbench import lint, read

BAN = "注意：禁止输出json格式结果，直接输出文本"
CHOICE = "哪项?\nA. 甲\nB. 乙"
JSON = '请输出，严格遵守 JSON 格式：{"诊断": ""}'


@pytest.fixture
def found(tmp_path):
    """Return a function that writes rows of a set and gives (severity, rule, lines) of doubts."""

    def look(name, *rows, track="v4", system=None, full=False):
        made = [
            {"question": row, "other": {}} if isinstance(row, str) else {"other": {}, **row}
            for row in rows
        ]
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in made)
        (tmp_path / f"{name}.jsonl").write_text(text, encoding="utf-8")
        options = {"track": track, "cache": str(tmp_path / "cache")}
        doubts = lint(read(tmp_path, options), options, system=system)
        return doubts if full else [(doubt.severity, doubt.rule, doubt.lines) for doubt in doubts]

    return look


def test_json_demanded_and_forbidden(found):
    """A system text that forbids what the question demands is an error, once for a file."""
    assert found("MedPrimary", JSON, JSON + "。", system="You are a helpful assistant.") == []
    [doubt] = found("MedPrimary", JSON, JSON + "。", system=BAN, full=True)
    assert str(doubt) == (
        "MedPrimary.jsonl:1-2: error contradiction: JSON demanded and forbidden: the system text "
        'says "禁止输出json"; change it (2)'
    )


def test_a_prefix_that_forbids(found):
    """A line that was put before the question itself is found as well."""
    assert found("MedPrimary", JSON, f"{BAN}\n{JSON}") == [("error", "contradiction", (2,))]


def test_json_demanded_where_letters_are_asked_for(found):
    """A system text that demands JSON contradicts a set of letters, and not one of free text."""
    system = "请始终以JSON格式输出。"
    assert found("MedExam", CHOICE, system=system) == [("error", "contradiction", (1,))]
    assert found("MedHC", "怎么办？", system=system, full=True)[-1].file == "MedExam.jsonl"


def test_letters_demanded_where_json_is(found):
    """A system text that leaves room for a letter alone contradicts JSON, and no set of letters."""
    system = "只输出选项字母，不要输出其他内容"
    [doubt] = found("MedPrimary", JSON, system=system, full=True)
    assert doubt.severity == "error"
    assert 'demands letters ("只输出选项字母") where the form is JSON' in doubt.message
    assert [d.file for d in found("MedExam", CHOICE, system=system, full=True)] == [doubt.file]


def test_templates_are_warnings(found):
    """Faults of the official prompts do not forbid to ask them."""
    row = '严格遵守 JSON 格式：{"诊断": "",}'
    assert found("MedPrimary", row) == [("warning", "json_template", (1,))]


def test_repeats(found):
    """Prompts that come again are counted once for the file, with all their lines."""
    [doubt] = found("MedHC", "甲", "乙", "甲", "丙", "乙", "甲", full=True)
    assert (doubt.rule, doubt.lines) == ("repeat", (1, 2, 3, 5, 6))
    assert doubt.message.startswith("2 prompts come more than once")


def picture(name, *paths):
    return {"question": f"{name}？", "img_path": list(paths)}


def test_one_picture_under_two_names(found, tmp_path):
    """Within an item equal bytes are an error, across items a warning; other bytes are neither."""
    for name, size in (("a", 4), ("b", 4), ("c", 5)):
        (tmp_path / f"{name}.png").write_bytes(png(size, size))
    rows = [picture("甲", "a.png", "b.png"), picture("乙", "c.png"), picture("丙", "b.png")]
    assert found("MedGen", *rows, track="vlm") == [
        ("error", "same_picture", (1,)),
        ("warning", "same_picture", (1, 3)),
    ]


def test_names_are_told_beside_a_pdf_and_however_they_are_written(found, tmp_path):
    """A PDF of several pages hides no twins, and `./a.png` is `a.png`."""
    pytest.importorskip("pypdfium2", reason="the extra pdf is not installed")
    (tmp_path / "two.pdf").write_bytes(pdf(pages=2))
    for name in "ab":
        (tmp_path / f"{name}.png").write_bytes(png(4, 4))
    rows = [picture("甲", "two.pdf", "a.png", "b.png"), picture("乙", "a.png", "./a.png")]
    [one, two, across] = found("MedGen", *rows, track="vlm", full=True)
    assert (one.severity, one.lines) == ("error", (1,))
    assert (two.severity, two.message) == ("warning", "the item lists one picture more than once")
    assert across.message.startswith("2 files are one and the same")


def test_one_picture_under_one_name(found, tmp_path):
    """Several questions on one picture are no doubt; a follow-up of one picture is an error."""
    (tmp_path / "a.png").write_bytes(png(4, 4))
    twice = picture("丙", "a.png", "a.png")
    rows = [picture("甲", "a.png"), picture("乙", "a.png")]
    assert found("MedVQA", *rows, track="vlm") == []
    assert found("MedVQA", *rows, twice, track="vlm") == [("warning", "same_picture", (3,))]
    (tmp_path / "MedVQA.jsonl").unlink()
    assert found("MedSeqIm", twice, track="vlm") == [("error", "same_picture", (1,))]


def test_text_layers_of_pdfs(found, tmp_path):
    """Text that identifies someone is told with its page, and never repeated."""
    pytest.importorskip("pypdfium2", reason="the extra pdf is not installed")
    hidden = ("(Seen) Tj", "1 0 0 1 20 160 Tm", "(Name: Zhang) Tj")
    (tmp_path / "a.pdf").write_bytes(pdf(text=hidden))
    (tmp_path / "b.pdf").write_bytes(pdf())
    rows = [picture("甲", "a.pdf"), picture("乙", "b.pdf")]
    [layer, same] = found("MedOCR", *rows, track="vlm", full=True)
    assert (layer.severity, layer.rule, layer.lines) == ("warning", "text_layer", (1,))
    assert layer.message.endswith("page 1, outside the visible box")
    assert "Zhang" not in str(layer)
    assert same.rule == "same_picture"


def test_our_own_items_are_sound(project):
    """The starter suites give no reason for a doubt."""
    for track, name in (("v4", "v4_llm"), ("agent", "agent"), ("old", "old"), ("vlm", "vlm")):
        cases = read(project / "cases" / "medbench_starter" / name, {"track": track})
        assert lint(cases, system="You are a helpful assistant.") == ()
