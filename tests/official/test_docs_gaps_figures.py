"""docs/from-medicalaibencheval.md: what it says of the recorded workbook, by recorded judges."""

from __future__ import annotations

import shutil
from pathlib import Path

from servers import replaying
from test_docs_gaps import lay_out, page_of, run, summary

WORKBOOK = "quick_check_ant.xlsx"


def test_the_recorded_workbook(
    project: Path, shared_data: Path, shared_tools: Path, tmp_path: Path
) -> None:
    """Judged again through HTTP it gives the page's 0.251927, and each judge alone the page's."""
    lay_out(tmp_path, project)
    shutil.copy(shared_data / "gaps" / WORKBOOK, tmp_path / "cases" / "data")
    for name in ("cases/mine.yaml", "config_model.yaml"):
        text = (tmp_path / name).read_text(encoding="utf-8")
        text = text.replace("my_answers.xlsx", WORKBOOK).replace("model-", "m")
        (tmp_path / name).write_text(text, encoding="utf-8")
    found = {}
    with replaying(shared_tools, shared_data / "e2e" / "gaps-antangelmed") as url:
        for panel in (("m3", "m4"), ("m3",), ("m4",)):
            name = "-".join(panel)
            line = (
                "pytest cases/mine.yaml --model=answers:ant_answer "
                f"--models-file config_model.yaml --run {name} "
            ) + " ".join(f"--judge {judge}" for judge in panel)
            ended = run(line, tmp_path, BASE=url)
            # A judge alone leaves the two answers unmeasured of which a reply of his is lost.
            told = ended.stdout[-2000:] + ended.stderr[-2000:]
            assert ended.returncode == (0 if len(panel) > 1 else 12), told
            found[name] = summary(tmp_path, name)["ant_answer", "overall"]["value"]
    page = page_of(project)
    for shown in (f"{found['m3-m4']:.6f}", f"({found['m4']:.3f} and {found['m3']:.3f} over"):
        assert shown in page
    assert f"{found['m3-m4']:.6f}" == "0.251927"
    checked = run("medcheck check cases/mine.yaml", tmp_path)
    cut = [line for line in checked.stdout.splitlines() if "fills its cell" in line]
    assert len(cut) == 1
    assert "row 72" in cut[0]
