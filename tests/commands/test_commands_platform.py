"""`medcheck platform` lists the table, best first, and says which figures do not fit."""

import argparse

import pytest
from medbench_packs import rows_of, zipped

from medcheck.commands import platform
from medcheck.errors import SettingsError
from medcheck.scoring.platform import dimensions_of

OLD = ",".join(dimensions_of("old"))


def run(*given):
    """Run the command."""
    parser = argparse.ArgumentParser()
    platform.arguments(parser)
    return platform.run(parser.parse_args([str(each) for each in given]))


def table(path, text):
    """Write a table and return its path."""
    path.write_text(text, encoding="utf-8")
    return path


def test_a_table_that_fits(tmp_path, capsys):
    """Overall scores that were not given are derived; the best model comes first."""
    text = f"model,overall,{OLD}\nlow,,10,10,10,10,10\nhigh,,50,50,50,50,50\nnone,,,,,,\n"
    assert run(table(tmp_path / "t.csv", text), "--track", "old") == 0
    said = capsys.readouterr().out.splitlines()
    assert [line.split("\t")[:2] for line in said[1:4]] == [
        ["high", "50.0"], ["low", "10.0"], ["none", "-"],
    ]  # fmt: skip
    assert said[-1] == "3 models, 0 figures do not fit."


def test_a_table_that_does_not_fit(tmp_path, capsys):
    """An arithmetic mean on the old track is found out."""
    text = f"model,overall,{OLD}\nm,50,20,80,50,50,50\n"
    assert run(table(tmp_path / "t.csv", text), "--track", "old") == 1
    assert "m: overall is 50, its parts give" in capsys.readouterr().out


def test_bounds(tmp_path, capsys):
    """A pack's consistency bounds sets and dimension; a score above the bound is pointed out."""
    files = rows_of("v4")
    for name in ("MedSafety.jsonl", "MedEthics.jsonl"):
        for number, row in enumerate(files[name]):
            row["answer"] = f"<{'ABCD'[-number % 5 % 4 if number < 75 else 0]}>"
    pack = zipped(tmp_path / "p.zip", "v4", files)
    text = "model,医疗安全和伦理,MedSafety,MedEthics\nm,90,90,90\n"
    run(table(tmp_path / "t.csv", text), "--track", "v4", "--pack", f"m={pack}")
    said = capsys.readouterr().out
    assert "m: MedSafety: platform 90.0, at most" in said
    assert "m: 医疗安全和伦理: platform 90.0, at most" in said
    assert "ABOVE the bound" in said


def test_wrong_use(tmp_path):
    """A pack of a model that is not in the table, or without a model, is refused."""
    path = table(tmp_path / "t.csv", "model\nm\n")
    with pytest.raises(SettingsError, match='no model "x"'):
        run(path, "--track", "v4", "--pack", "x=p.zip")
    with pytest.raises(SettingsError, match="MODEL=PACK"):
        run(path, "--track", "v4", "--pack", "p.zip")
