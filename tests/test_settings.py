"""Options, environment and ini file become one Settings, or an error that names the option."""

from __future__ import annotations

from pathlib import Path

import pytest

from medcheck.errors import SettingsError
from medcheck.settings import Settings, read_env_file, resolve


def settings(root, environ=None, ini=None, **options):
    """Return the settings of a command with these options."""
    return resolve(options.get, (ini or {}).get, environ or {}, root=Path(root))


def test_defaults(tmp_path):
    """Without any option the store and the reports lie under the root folder."""
    found = settings(tmp_path)
    assert (found.concurrency, found.repeats, found.seed) == (64, 1, 0)
    assert found.store == str(tmp_path / "reports" / "medcheck.sqlite")
    assert found.reports == str(tmp_path / "reports")
    assert found.responses == "reuse"
    assert found.budget is None
    assert found.max_calls is None
    assert found.folder == tmp_path / "reports" / found.run


def test_precedence(tmp_path):
    """Command line before environment before ini file before default."""
    ini, environ = {"reports": "from-ini", "store": "i.db"}, {"MEDCHECK_REPORTS": "from-env"}
    assert settings(tmp_path, ini=ini).reports.endswith("from-ini")
    assert settings(tmp_path, environ, ini).reports.endswith("from-env")
    assert settings(tmp_path, environ, ini, reports="given").reports.endswith("given")
    assert settings(tmp_path, {"MEDCHECK_REPORTS": ""}, ini).reports.endswith("from-ini")
    assert settings(tmp_path, environ, ini).store == str(tmp_path / "i.db")


def test_a_database_url_is_no_path(tmp_path):
    """A URL of a store is taken as it is."""
    url = "postgresql://me@db/store"
    assert settings(tmp_path, store=url).store == url


def test_names_are_split_and_kept_once(tmp_path):
    """Models may be repeated, listed with commas, or both; order is kept."""
    found = settings(tmp_path, model=["b, a", "b", "c,"], judge=["j"])
    assert found.models == ("b", "a", "c")
    assert found.judges == ("j",)
    assert settings(tmp_path, {"MEDCHECK_MODEL": "x,y"}).models == ("x", "y")


@pytest.mark.parametrize("given", [["m1", "m1"], ["m1,m2", "m1"]])
def test_a_judge_is_named_once(tmp_path, given):
    """A judge named twice is an error: a panel must not be smaller than it was asked for."""
    with pytest.raises(SettingsError, match='--judge: "m1" stands there twice'):
        settings(tmp_path, judge=given)


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("concurrency", "0", "--concurrency 0"),
        ("concurrency", "many", "--concurrency many"),
        ("repeats", "0", "--repeats 0"),
        ("repeats", "1.5", "--repeats 1.5"),
        ("seed", "-1", "--seed -1"),
        ("max_calls", "0", "--max-calls 0"),
        ("budget", "0", "--budget 0"),
        ("budget", "-1", "--budget -1"),
        ("budget", "nan", "--budget nan"),
        ("budget", "inf", "--budget inf"),
        ("budget", "$5", "--budget $5"),
        ("ungraded_at_most", "1.1", "--ungraded-at-most 1.1"),
        ("ungraded_at_most", "nan", "--ungraded-at-most nan"),
        ("sample", "0", "--sample 0"),
        ("sample", "official", "--sample official"),
        ("run", "a/b", '--run "a/b"'),
        ("run", "..", '--run ".."'),
        ("run", "x" * 121, "cannot name a folder"),
        ("models_file", "absent.yaml", "--models-file absent.yaml"),
        ("responses", "resue", '--responses "resue"'),
        ("protocol", "lax", '--protocol "lax"'),
    ],
)
def test_wrong_values_are_named(option, value, said, tmp_path):
    """A value out of range is refused with the option as the user would write it."""
    with pytest.raises(SettingsError) as caught:
        settings(tmp_path, {f"MEDCHECK_{option.upper()}": value})
    assert said in str(caught.value)


@pytest.mark.parametrize("value", ["5", "official:100"])
def test_samples(value, tmp_path):
    """A sample is a number, or a number by the benchmark's own rule."""
    assert settings(tmp_path, sample=value).sample == value


def test_a_models_file_beside_the_ini_file_is_found(tmp_path):
    """`models.yaml` in the root folder is used unasked; another one where it is named."""
    assert settings(tmp_path).models_file is None
    (tmp_path / "models.yaml").write_text("{}", encoding="utf-8")
    assert settings(tmp_path).models_file == str(tmp_path / "models.yaml")
    (tmp_path / "mine.yaml").write_text("{}", encoding="utf-8")
    for found in (
        settings(tmp_path, models_file="mine.yaml"),
        settings(tmp_path, ini={"models": "mine.yaml"}),
    ):
        assert found.models_file == str(tmp_path / "mine.yaml")


def test_the_same_command_is_the_same_run(tmp_path):
    """What decides the results names the run; how fast and where it runs does not."""
    base = settings(tmp_path, model=["m"])
    for same in (
        settings(tmp_path, model=["m"], concurrency="7"),
        settings(tmp_path, model=["m"], yes=True, budget="3"),
        settings(tmp_path, model=["m"], base_url="http://127.0.0.1:1/v1"),
        settings(tmp_path, model=["m"], responses="only"),
    ):
        assert same.run == base.run
    for other in (
        settings(tmp_path, model=["n"]),
        settings(tmp_path, model=["m"], judge=["j"]),
        settings(tmp_path, model=["m"], sample="5"),
        settings(tmp_path, model=["m"], seed="5"),
        settings(tmp_path, model=["m"], repeats="2"),
        settings(tmp_path, model=["m"], protocol="official"),
        settings(tmp_path, model=["m"], tag="a"),
        settings(tmp_path, model=["m"], selection=["-k x"]),
    ):
        assert other.run != base.run
    assert base.run.startswith("m-")


def test_asking_anew_never_continues_by_accident(tmp_path):
    """Each fresh run has a name of its own, unless the user gives it one."""
    first = settings(tmp_path, model=["m"], responses="fresh")
    second = settings(tmp_path, model=["m"], responses="fresh")
    assert first.run != second.run
    assert settings(tmp_path, model=["m"], responses="fresh", run="again").run == "again"


def test_odd_model_names_still_name_a_folder(tmp_path):
    """A run of several models, or of one with slashes, has a name that any system takes."""
    found = settings(tmp_path, model=["org/name:7b", "模型"])
    assert found.run.startswith("org_name_7b-模型-")
    assert len(settings(tmp_path, model=["x" * 300]).run) <= 70
    assert settings(tmp_path).run.startswith("run-")


def test_the_record_holds_no_address(tmp_path):
    """What is recorded with a run holds no endpoint, path or limit."""
    record = Settings(
        base_url="http://10.0.0.1/v1", judge_base_url="http://10.0.0.2/v1", store="/s/x.sqlite"
    ).record()
    assert not {"base_url", "judge_base_url", "store", "reports", "models_file"} & set(record)
    assert {"models", "judges", "sample", "seed", "repeats", "protocol", "tag"} <= set(record)


def test_overrides(tmp_path):
    """`--set` is kept as written, sorted, the last of equal keys; it changes the run's name."""
    found = settings(tmp_path, set=["s.b=2", "s.a=x=y", "s.b=[3]", "s.v1.c="])
    assert found.overrides == (("s", "a", "x=y"), ("s", "b", "[3]"), ("s", "v1.c", ""))
    assert found.overrides_of("s")["a"] == "x=y"
    assert found.overrides_of("s.v1") == {"c": ""}
    assert found.overrides_of("other") == {}
    assert found.record()["overrides"] == found.overrides
    assert found.run != settings(tmp_path).run
    assert found.run == settings(tmp_path, set=["s.v1.c=", "s.a=x=y", "s.b=[3]"]).run
    for wrong in ("s.a", "s=1", ".a=1", "s.=1", ""):
        with pytest.raises(SettingsError, match=r"write SUITE\.KEY=VALUE"):
            settings(tmp_path, set=[wrong])


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=plain", "plain"),
        ("  export A = two words  # why", "two words"),
        ("A=a#b=c", "a#b=c"),
        ("A=", ""),
        ("A= # only a comment", ""),
        ("A='single # $HOME \\n'", "single # $HOME \\n"),
        ('A="double \\"x\\" \\n\\d" # why', 'double "x" \n\\d'),
        ("A=胸痛\r", "胸痛"),
        ("A=1\nA=2", "2"),
    ],
)
def test_env_file(tmp_path, line, value):
    """Comments, `export`, quotes and Windows line ends are understood; nothing is expanded."""
    path = tmp_path / "x.env"
    path.write_bytes(f"\ufeff# first\n\n{line}\n".encode())
    assert read_env_file(path) == {"A": value}


@pytest.mark.parametrize(
    "line", ["sk-x", "A B=sk-x", "1A=sk-x", 'A="sk-x', "A='sk-x' y", "A=sk-x\0"]
)
def test_env_file_that_is_wrong(tmp_path, line):
    """A line that is not understood is named by its number; its text is not repeated."""
    path = tmp_path / "x.env"
    path.write_text(f"A=1\n{line}\n", encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        read_env_file(path)
    assert str(caught.value).startswith(f"{path}:2: not a variable.")
    assert "sk-x" not in str(caught.value)
