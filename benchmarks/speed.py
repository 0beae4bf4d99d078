"""Wall time against the endpoint's limit: a real pytest run on a load server, everything on.

    python benchmarks/speed.py --shared ../shared -N 200 -N 1000 --workers 0

Builds the load server with gcc, writes synthetic HealthBench-schema work, runs `pytest` in a fresh
folder with the store on, and prints one line per run. The limit is calls x latency / concurrency.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

SUITE = """\
suite: speed
data: {{format: healthbench, path: data/hb_{n}.jsonl}}
system: You are a helpful assistant.
params: {{temperature: 0.5, max_tokens: 2048}}
grader: {{name: rubric, judges: [load-judge]}}
summary: {{measure: clipped_mean, by: [theme, axis], bootstrap: {{n: 1000, seed: 0}}}}
"""


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, required=True, help="folder with mockserver/")
    parser.add_argument("-N", type=int, action="append", choices=(200, 1000, 5000))
    parser.add_argument("--workers", type=int, action="append")
    parser.add_argument("--concurrency", type=int, default=128)
    parser.add_argument("--latency-ms", type=int, default=200)
    parser.add_argument("--repeat", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = build(options.shared / "mockserver", folder)
        for _ in range(options.repeat):
            for cases in options.N or [200]:
                for workers in options.workers or [0]:
                    measure(folder, server, cases=cases, workers=workers, options=options)


def build(source: Path, folder: Path) -> Path:
    """Compile the load server and write the work; return the server's path."""
    server = folder / "mockserver"
    subprocess.run(["gcc", "-O2", "-o", server, source / "mockserver.c", "-lm"], check=True)
    data = folder / "cases" / "data"
    data.mkdir(parents=True)
    make = [sys.executable, str(source / "make_work.py"), str(data)]
    subprocess.run(make, check=True, stdout=subprocess.DEVNULL)
    return server


def measure(
    folder: Path, server: Path, *, cases: int, workers: int, options: argparse.Namespace
) -> None:
    """Run once cold and once from the stored replies, and print both."""
    suite = folder / "cases" / f"speed_{cases}.yaml"
    suite.write_text(SUITE.format(n=cases), encoding="utf-8")
    latency = str(options.latency_ms)
    process = subprocess.Popen(
        [server, "-p", "0", "-m", latency, "-j", latency], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    url = "http://" + process.stdout.readline().split()[1]
    reports = tempfile.mkdtemp(dir=folder)
    command = [
        sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", str(workers),
        str(suite), "--model=load-model", "--yes", f"--base-url={url}/v1",
        f"--judge-base-url={url}/v1", f"--concurrency={options.concurrency}",
        f"--reports={reports}", f"--store={reports}/store.sqlite",
    ]  # fmt: skip
    try:
        for label in ("cold", "stored"):
            before = stats(url)["total"]
            wall, cpu, memory = timed(command, folder)
            seen = stats(url)
            calls = seen["total"] - before
            limit = calls * options.latency_ms / 1000 / options.concurrency
            ratio = f"{wall / limit:.2f} x limit" if limit else "no calls"
            print(
                f"N={cases} -n {workers} {label}: wall {wall:.2f} s = {ratio} ({limit:.2f} s), "
                f"{calls} calls, {seen['repeat_bodies']} repeated bodies, "
                f"cpu {cpu:.2f} s, peak memory {memory:.0f} MB",
                flush=True,
            )
    finally:
        process.kill()


def timed(command: list[str], folder: Path) -> tuple[float, float, float]:
    """Return wall seconds, CPU seconds of all processes, and MB of the largest process."""
    started = time.perf_counter()
    result = subprocess.run(
        ["/usr/bin/time", "-f", "%U %S %M", *command],
        cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": ""},
    )  # fmt: skip
    wall = time.perf_counter() - started
    if result.returncode != 0:
        sys.exit(result.stdout[-2000:] + result.stderr[-2000:])
    found = re.search(r"([\d.]+) ([\d.]+) (\d+)\s*$", result.stderr)
    assert found is not None
    user, system, kilobytes = (float(part) for part in found.groups())
    return wall, user + system, kilobytes / 1024


def stats(url: str) -> dict[str, float]:
    """Return the load server's counters."""
    with urllib.request.urlopen(f"{url}/stats") as reply:
        return dict(json.load(reply))


if __name__ == "__main__":
    main()
