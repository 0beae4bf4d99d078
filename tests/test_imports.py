"""The plugin costs nothing where it is not used: no time, no heavy module, no connection."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest
import runs

HEAVY = ("numpy", "scipy", "openai", "jinja2", "sqlalchemy", "jsonschema", "yaml", "aiohttp")
LIMIT_SECONDS = 0.020

IMPORT = """
import sys, time, pytest
before = set(sys.modules)
started = time.process_time()
import medcheck.pytest_plugin
ended = time.process_time()
print(ended - started, *sorted(set(sys.modules) - before))
"""

GUARDED = """
import os, sys, pytest

seen = os.dup(2)  # pytest catches what is written to the others

def guard(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.bind", "socket.sendto"):
        os.write(seen, f"NETWORK {event} {arguments}".encode())

sys.addaudithook(guard)
sys.exit(pytest.main(sys.argv[1:]))
"""


def python(code, *arguments, cwd=None):
    """Return what Python code prints in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *arguments],
        cwd=cwd, capture_output=True, encoding="utf-8", timeout=60,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_the_plugin_loads_at_once():
    """Loading the plugin takes less than 20 ms over pytest itself, and no heavy module."""
    seconds = []
    for _ in range(5):
        status, output = python(IMPORT)
        assert status == 0, output
        taken, *modules = output.split()
        seconds.append(float(taken))
        packages = {module.partition(".")[0] for module in modules}
        assert not packages & set(HEAVY)
    assert min(seconds) < LIMIT_SECONDS


LOADERS = """
import sys, pytest
status = pytest.main(["-q", "--collect-only", "--model=m", "-p", "no:cacheprovider", "cases"])
module = sys.modules["medcheck.suites.loader"]
print("loader:", type(module.__spec__.loader).__name__)
sys.exit(status)
"""


def test_pytest_does_not_parse_our_modules_anew(tmp_path):
    """Our modules are imported as Python does it, from bytecode, and not rewritten for asserts."""
    folder = runs.place(tmp_path, "http://127.0.0.1:9/v1", cases=1)
    status, output = python(LOADERS, cwd=folder)
    assert status == 0, output
    assert "loader: SourceFileLoader" in output


@pytest.mark.parametrize(
    "options", [("--collect-only", "--model=m"), ("--plan", "--model=m"), ("--help",)]
)
def test_looking_opens_no_connection(options, tmp_path):
    """Collecting and planning reach no network, not even this machine's."""
    folder = runs.place(tmp_path, "http://127.0.0.1:9/v1")
    status, output = python(GUARDED, "-q", "-p", "no:cacheprovider", *options, "cases", cwd=folder)
    assert status == 0, output
    assert "NETWORK" not in output
    assert ("case-11" in output) == ("--help" not in options)
    assert not (folder / "reports").exists()


def test_the_guard_sees_connections(tmp_path):
    """The guard of these tests reports a run that really calls."""
    with runs.server() as server:
        folder = runs.place(tmp_path, server.url, cases=1)
        _, output = python(GUARDED, "-q", "-p", "no:cacheprovider", "--model=m", cwd=folder)
    assert "NETWORK socket.connect" in output
