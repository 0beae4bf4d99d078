"""The command `medcheck`, as users call it: output, exit status, and never a traceback."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from servers import Server

from medcheck import fetching
from medcheck.__main__ import main
from medcheck.store.database import open_database
from medcheck.store.runs import Runs
from medcheck.types import Completion, Message, Result, Score

GOOD = "suite: good\ncases:\n  - {id: a, prompt: q, checks: [{contains: x, points: 1}]}\n"
LATER = """
suite: later
data: {format: healthbench, path: data/absent.jsonl, fetch: healthbench}
grader: {name: rubric, judges: [judge]}
"""
SUITES = ("healthbench", "healthbench_hard", "healthbench_consensus", "starter")

Medcheck = Callable[..., subprocess.CompletedProcess[str]]


def environment(**more: str) -> dict[str, str]:
    """The environment without what would change the command's places."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "MEDCHECK"))}
    return {**kept, "PYTHONUTF8": "1", **more}


@pytest.fixture
def medcheck(tmp_path: Path) -> Medcheck:
    """Run the command in an empty folder."""

    def call(*arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "medcheck", *map(str, arguments)],
            cwd=tmp_path,
            env=environment(**variables),
            capture_output=True,
            encoding="utf-8",
            timeout=60,
        )
        assert "Traceback" not in done.stderr
        return done

    return call


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def stored(path: Path, *names: str, models: tuple[str, ...] = ("m",)) -> Path:
    """A store with runs of one case: measured by the first model, lost by the others."""
    with open_database(path) as database:
        for name in names:
            runs = Runs(database)
            settings = {"models": list(models)}
            runs.begin(
                name,
                started="2026-01-02T03:04:05+00:00",
                settings=settings,
                versions={"medcheck": "1"},
                suites={"s": {"summary": {"measure": "mean"}, "protocol": "strict"}},
            )
            runs.record_many(
                Result(
                    run=name,
                    case_id="q",
                    suite="s",
                    model=model,
                    state="model_error" if rank else "scored",
                    error="HTTP 500" if rank else None,
                    completion=None if rank else Completion(text="yes \x1b[2J"),
                    score=None if rank else Score(value=0.5, earned=1.0, possible=2.0),
                    messages=(Message(role="user", text="胸痛?"),),
                    position=rank,
                )
                for rank, model in enumerate(models)
            )
    return path


def test_check_tells_of_each_suite(medcheck: Medcheck, tmp_path: Path) -> None:
    """One line a suite: name, cases and criteria, or what is missing and how to get it."""
    write(tmp_path / "cases" / "good.yaml", GOOD)
    write(tmp_path / "cases" / "later.yaml", LATER)
    write(tmp_path / "cases" / "_fragment.yaml", "cases: wrong")
    done = medcheck("check")
    assert done.stdout.splitlines() == [
        "cases/good.yaml: good: 1 cases, 1 criteria",
        "cases/later.yaml: later: data/absent.jsonl is not here. Run: medcheck fetch healthbench",
    ]
    assert (done.returncode, done.stderr) == (0, "")


def test_check_tells_all_errors(medcheck: Medcheck, tmp_path: Path) -> None:
    """All errors of all files, each with file, line and column; status 1."""
    write(tmp_path / "cases" / "a.yaml", GOOD.replace("prompt", "promt"))
    write(tmp_path / "cases" / "b.yaml", "suite: b\ncases: []\nmore: 1\n")
    write(tmp_path / "cases" / "c.yaml", GOOD)
    done = medcheck("check")
    assert done.returncode == 1
    assert done.stdout == ""
    assert re.search(r"^cases/a\.yaml:3:\d+: .*promt", done.stderr, re.MULTILINE)
    assert re.search(r"^cases/b\.yaml:2:\d+: cases", done.stderr, re.MULTILINE)
    assert re.search(r"^cases/b\.yaml:3:\d+: more", done.stderr, re.MULTILINE)


def test_check_looks_where_pytest_looks(medcheck: Medcheck, tmp_path: Path) -> None:
    """The globs of pytest.ini decide, unless files or folders are named."""
    write(tmp_path / "pytest.ini", "[pytest]\nmedcheck_cases =\n    one/*.yaml\n    two/x*.yml\n")
    write(tmp_path / "one" / "a.yaml", GOOD)
    write(tmp_path / "two" / "x.yml", GOOD.replace("good", "x"))
    write(tmp_path / "two" / "y.yaml", GOOD.replace("good", "y"))
    found = re.findall(r"^(\S+):", medcheck("check").stdout, re.MULTILINE)
    assert found == ["one/a.yaml", "two/x.yml"]
    found = re.findall(r"^(\S+):", medcheck("check", "two", "one/a.yaml").stdout, re.MULTILINE)
    assert found == ["two/x.yml", "two/y.yaml", "one/a.yaml"]


@pytest.mark.parametrize("ini", ["medcheck_cases = /abs/*.yaml", "medcheck_cases = 'x", "[", "é"])
def test_check_without_suites(medcheck: Medcheck, tmp_path: Path, ini: str) -> None:
    """A place without suites, or a pytest.ini that cannot be read, is one line and status 2."""
    done = medcheck("check")
    assert done.returncode == 2
    assert done.stderr == "medcheck: no suites at cases/*.yaml. Name suite files or a folder.\n"
    (tmp_path / "pytest.ini").write_bytes(f"[pytest]\n{ini}\n".encode("latin-1"))
    done = medcheck("check")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


def test_a_missing_file(medcheck: Medcheck) -> None:
    """A suite that is not there is an error of the check."""
    done = medcheck("check", "nowhere.yaml")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("nowhere.yaml")


def test_the_schema_for_editors_is_current(project: Path, medcheck: Medcheck) -> None:
    """docs/suite.schema.json is what the command prints, and our suites point to it."""
    printed = medcheck("check", "--schema").stdout
    hint = "Run: medcheck check --schema > docs/suite.schema.json"
    assert (project / "docs" / "suite.schema.json").read_text(encoding="utf-8") == printed, hint
    assert json.loads(printed)["title"] == "medcheck suite"
    for name in SUITES:
        first = (project / "cases" / f"{name}.yaml").read_text(encoding="utf-8").splitlines()[0]
        assert first == "# yaml-language-server: $schema=../docs/suite.schema.json"


def test_our_own_suites_are_sound(project: Path, medcheck: Medcheck, tmp_path: Path) -> None:
    """The suites of the project load; the official ones name the pinned file and how to get it."""
    shutil.copytree(
        project / "cases", tmp_path / "cases", ignore=shutil.ignore_patterns("*.jsonl*")
    )
    done = medcheck("check", *(f"cases/{name}.yaml" for name in SUITES))
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Run: medcheck fetch healthbench") == 3
    (file,) = fetching.find("healthbench").files
    for name in SUITES[:3]:
        text = (project / "cases" / f"{name}.yaml").read_text(encoding="utf-8")
        assert f"path: data/{file.path}\n" in text
        assert f"sha256: {file.sha256}\n" in text


def test_fetch_refuses_another_file(medcheck: Medcheck, tmp_path: Path) -> None:
    """A file that is not the pinned one is refused in one line with both hashes."""
    write(tmp_path / "mine.jsonl", "{}\n")
    done = medcheck("fetch", "healthbench", "--from", "mine.jsonl")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(
        "medcheck: mine.jsonl: 3 bytes with sha256 ca3d163bab055381827226140568f"
    )
    assert "e99dd3c6372c10d6fcc5e385c5fae69d0dd40392dae56836ef9493ae324ecd2f" in line
    assert list((tmp_path / "cases" / "data" / "healthbench").iterdir()) == []


def test_fetch_without_a_network(medcheck: Medcheck) -> None:
    """Without a network the line names --from."""
    dead = "http://127.0.0.1:9"
    proxies = {"HTTPS_PROXY": dead, "https_proxy": dead, "NO_PROXY": "", "no_proxy": ""}
    done = medcheck("fetch", "healthbench", "--to", "there", **proxies)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "medcheck fetch healthbench --from PATH" in line


def test_fetch_tells_what_it_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The line names place, size and whether the file was here; licence and note follow."""
    content = b"{}\n"
    digest = "ca3d163bab055381827226140568f3bef7eaac187cebd76878e0b63e9e442356"
    file = {"url": "https://x.invalid/f", "path": "d/f.jsonl", "sha256": digest, "bytes": 3}
    entry = {"title": "Small", "licence": "MIT", "note": "Be kind.", "files": [file]}
    table = write(tmp_path / "sources.yaml", json.dumps({"small": entry}))
    monkeypatch.setattr(fetching, "SOURCES", table)
    fetching.sources.cache_clear()
    (tmp_path / "given").write_bytes(content)
    arguments = ["fetch", "small", "--from", f"{tmp_path}/given", "--to", f"{tmp_path}/data"]
    try:
        statuses = [main(arguments), main(arguments)]
    finally:
        fetching.sources.cache_clear()
    place = f"{tmp_path}/data/d/f.jsonl"
    assert statuses == [0, 0]
    assert capsys.readouterr().out.splitlines() == [
        f"{place}: fetched, 3 bytes, sha256 as pinned",
        "Small. Licence: MIT. Be kind.",
        f"{place}: already here, 3 bytes, sha256 as pinned",
        "Small. Licence: MIT. Be kind.",
    ]


def test_fetch_of_an_unknown_name(medcheck: Medcheck) -> None:
    """An unknown data set names those there are."""
    done = medcheck("fetch", "healthbnech")
    assert done.returncode == 2
    assert 'Did you mean "healthbench"?' in done.stderr


def test_runs_are_listed(medcheck: Medcheck, tmp_path: Path) -> None:
    """One line a run: id, start, models and answers by state."""
    stored(tmp_path / "reports" / "medcheck.sqlite", "one", "two", models=("m", "n"))
    assert medcheck("runs").stdout.splitlines() == [
        f"{name}  2026-01-02T03:04:05+00:00  m, n  1 model_error, 1 scored"
        for name in ("one", "two")
    ]


@pytest.mark.parametrize("how", ["option", "environment", "ini"])
def test_the_store_is_found_as_pytest_finds_it(
    medcheck: Medcheck, tmp_path: Path, how: str
) -> None:
    """Command line, environment and pytest.ini name the store, as in a run."""
    stored(tmp_path / "elsewhere.sqlite", how)
    if how == "ini":
        write(tmp_path / "pytest.ini", "[pytest]\nmedcheck_store = elsewhere.sqlite\n")
    option = ["--store", "elsewhere.sqlite"] if how == "option" else []
    variables = {"MEDCHECK_STORE": "elsewhere.sqlite"} if how == "environment" else {}
    assert medcheck("runs", *option, **variables).stdout.startswith(how)


@pytest.mark.parametrize("command", [("runs",), ("show", "r", "q"), ("report", "r")])
@pytest.mark.parametrize("store", [(), ("--store", "sqlite:///no.sqlite")])
def test_looking_makes_no_store(
    medcheck: Medcheck, tmp_path: Path, command: tuple[str, ...], store: tuple[str, ...]
) -> None:
    """Where there is no store, none is made."""
    done = medcheck(*command, *store)
    assert done.returncode == 2
    assert "there is no store here" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_show_prints_one_answer(medcheck: Medcheck, tmp_path: Path) -> None:
    """The answer of one model is shown, harmless to a terminal, with the run's page if there."""
    stored(tmp_path / "reports" / "medcheck.sqlite", "r", models=("m", "n"))
    write(tmp_path / "reports" / "r" / "report.html", "")
    done = medcheck("show", "r", "q", "--model", "m")
    assert done.returncode == 0
    assert "state scored, score 0.5000 (1 of 2 points), passed" in done.stdout
    assert "  | 胸痛?" in done.stdout
    assert done.stdout.endswith("report: reports/r/report.html\n")
    assert "\x1b" not in done.stdout
    lost = medcheck("show", "r", "q", "--model", "n").stdout
    assert "state model_error, NOT MEASURED: HTTP 500" in lost
    both = medcheck("show", "r", "q")
    assert both.returncode == 2
    assert "Choose one with --model: m, n." in both.stderr


def test_errors_cannot_control_the_terminal(medcheck: Medcheck, tmp_path: Path) -> None:
    """What the user or a file names is escaped in error messages too."""
    stored(tmp_path / "reports" / "medcheck.sqlite", "r")
    done = medcheck("show", "r", "x\x1b[2J\n")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "\x1b" not in done.stderr


def test_report_puts_runs_side_by_side(medcheck: Medcheck, tmp_path: Path) -> None:
    """One run's page goes to its folder, several runs' to one page, or wherever --out says."""
    stored(tmp_path / "reports" / "medcheck.sqlite", "run-1x", "run-2x")
    pages = {
        ("run-1x",): "reports/run-1x/report.html",
        ("run-1x", "run-2x"): "reports/report.html",
        ("run-2x", "--out", "x/y.html"): "x/y.html",
    }
    for arguments, page in pages.items():
        assert medcheck("report", *arguments).stdout == f"wrote {page}\n"
        text = (tmp_path / page).read_text(encoding="utf-8")
        for name in ("run-1x", "run-2x"):
            assert (name in text) == (name in arguments)
    done = medcheck("report", "run-1x", "run-3x")
    assert done.returncode == 2
    assert 'no run "run-3x"' in done.stderr


def test_wrong_use(medcheck: Medcheck) -> None:
    """Wrong use is told by the usage, with status 2."""
    for arguments in ((), ("nonsense",), ("show", "r"), ("show", "r", "c", "--repeat", "x")):
        done = medcheck(*arguments)
        assert done.returncode == 2
        assert "usage: medcheck" in done.stderr
    assert medcheck("--help").returncode == 0


def test_the_installed_command() -> None:
    """`medcheck` and `python -m medcheck` are one command."""
    command = Path(sys.executable).with_name("medcheck")
    if not command.exists():
        pytest.skip(f"no command at {command}: medcheck is not installed here")
    done = subprocess.run([command, "--help"], capture_output=True, encoding="utf-8")
    assert done.stdout.startswith("usage: medcheck")


def test_a_reader_that_leaves(tmp_path: Path) -> None:
    """When nobody reads on (`medcheck show ... | head`), the command ends without a word."""
    store = stored(tmp_path / "s.sqlite", *(f"run-{number}" for number in range(300)))
    read, wrote = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "medcheck", "runs", "--store", store],
        env=environment(),
        stdout=wrote,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    os.close(wrote)
    assert (done.returncode, done.stderr) == (141, "")


def test_ctrl_c(tmp_path: Path) -> None:
    """Ctrl-C ends a download without a word, and leaves no part of the file."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/f"
        process = subprocess.Popen(
            [sys.executable, "-m", "medcheck", "fetch", "healthbench", "--from", url],
            cwd=tmp_path,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        connection, _ = listener.accept()
        with connection:
            connection.sendall(
                b"HTTP/1.1 200 OK\r\nContent-Length: 60258154\r\n\r\n" + b"{" * 600000
            )
            folder = tmp_path / "cases" / "data" / "healthbench"
            deadline = time.monotonic() + 30
            while not any(p.stat().st_size for p in folder.glob(".*.part")):
                assert time.monotonic() < deadline
                time.sleep(0.01)
            process.send_signal(signal.SIGINT)
            output, errors = process.communicate(timeout=30)
    assert (process.returncode, output, errors) == (130, "", "")
    assert list(folder.iterdir()) == []


def test_a_terminal_that_knows_no_chinese(medcheck: Medcheck, tmp_path: Path) -> None:
    """Where the output cannot hold a character, it shows an escape."""
    stored(tmp_path / "reports" / "medcheck.sqlite", "r")
    done = medcheck("show", "r", "q", PYTHONUTF8="0", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert r"  | \u80f8\u75db?" in done.stdout


def test_models(medcheck: Medcheck, tmp_path: Path) -> None:
    """The models of both registries are listed; keys come from --env-file too, and never show."""
    url = "https://models.example/v1"
    write(tmp_path / "models.yaml", f"mine: {{base_url: '{url}', api_key_env: OWN_KEY}}\n")
    write(tmp_path / "my.env", "OWN_KEY=sk-secret-key-123\n")
    done = medcheck("models")
    assert done.returncode == 0
    assert re.search(r"^demo +replay ", done.stdout, re.MULTILINE)
    assert re.search(r"^mine +models\.example +missing \(OWN_KEY\)", done.stdout, re.MULTILINE)
    done = medcheck("models", "mine", "--env-file", "my.env")
    assert re.search(r"^mine +models\.example +present \(OWN_KEY\)", done.stdout, re.MULTILINE)
    assert len(done.stdout.splitlines()) == 2
    assert "sk-secret" not in done.stdout + done.stderr
    assert medcheck("models", "mien").returncode == 2


def test_models_ping(medcheck: Medcheck, tmp_path: Path) -> None:
    """--ping asks the named models; one that does not answer makes the status 1."""
    with Server("OK") as server:
        place = f"base_url: '{server.url}', api_key_env: OWN_KEY"
        write(
            tmp_path / "own.yaml", f"mine: {{{place}}}\ndead: {{base_url: 'http://127.0.0.1:9'}}\n"
        )
        given = ("--ping", "--models-file", "own.yaml")
        done = medcheck("models", "mine", *given)
        assert (done.returncode, len(server.requests)) == (0, 1)
        assert "\nmine: ok, " in done.stdout
        done = medcheck("models", "mine", "dead", *given)
        assert done.returncode == 1
        assert "\ndead: NOT OK, " in done.stdout
        assert medcheck("models", "new", "--ping", "--base-url", server.url).returncode == 0
        assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("to", "file"),
    [("csv", "results.csv"), ("jsonl", "results.jsonl"), ("markdown", "summary.md")],
)
def test_export(medcheck: Medcheck, tmp_path: Path, to: str, file: str) -> None:
    """A stored run is written by any writer of the shelf, into its folder or elsewhere."""
    stored(tmp_path / "reports" / "medcheck.sqlite", "r")
    done = medcheck("export", "r", "--to", to)
    assert (done.returncode, done.stdout) == (0, f"wrote reports/r/{file}\n")
    medcheck("export", "r", "--to", to, "--out", "there/x")
    content = (tmp_path / "there/x").read_bytes()
    assert content == (tmp_path / "reports/r" / file).read_bytes() != b""


def test_export_allresults(medcheck: Medcheck, tmp_path: Path) -> None:
    """The official layout is one of them."""
    stored(tmp_path / "reports" / "medcheck.sqlite", "r")
    assert medcheck("export", "r", "--to", "allresults").returncode == 0
    found = json.loads((tmp_path / "reports/r/allresults.json").read_text(encoding="utf-8"))
    assert found["metadata"]["example_level_metadata"][0]["prompt_id"] == "q"
    done = medcheck("export", "r", "--to", "alresults")
    assert done.returncode == 2
    assert 'Did you mean "allresults"?' in done.stderr


def test_purge(medcheck: Medcheck, tmp_path: Path) -> None:
    """Old runs are listed, and deleted only with --yes; younger ones stay."""
    stored(tmp_path / "reports" / "medcheck.sqlite", "old")
    assert medcheck("purge", "--older-than", "36500").stdout.startswith("these runs")
    assert medcheck("purge", "--older-than", "1").stdout.splitlines()[0] == "old"
    assert medcheck("runs").stdout.startswith("old")
    assert medcheck("purge", "--older-than", "36500", "--yes").stdout.startswith("deleted 0 runs")
    assert medcheck("purge", "--older-than", "1", "--yes").stdout.startswith("deleted 1 runs")
    assert medcheck("runs").stdout == ""
    assert medcheck("purge", "--older-than=-1").returncode == 2
