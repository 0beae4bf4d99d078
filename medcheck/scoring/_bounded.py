"""Checks that a hostile answer could hang, run in a process of their own that ends itself in time.

Python's `re` cannot be interrupted, and a pattern may go back and forth over a text for years. The
process is started at the first such check and serves all further ones; what is checked stands in
`checks.py`.
"""

from __future__ import annotations

import atexit
import faulthandler
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from typing import IO, Any

from medcheck.errors import MedcheckError

SECONDS = 2.0
"""For one check; what the checks of real suites take are microseconds."""

# It finds this package where we found it, whatever the environment says.
_PROGRAM = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from medcheck.scoring.checks import IN_TIME; "
    "from medcheck.scoring._bounded import serve; serve(IN_TIME)"
)


class _Worker:
    """One process and its pipes; used by any thread, one check at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, question: bytes) -> bytes:
        """Return the process's line of reply; empty where it ended itself."""
        with self._lock:
            try:
                process = self._process = self._process or _start()
                assert process.stdin is not None
                assert process.stdout is not None
                process.stdin.write(question)
                process.stdin.flush()
                told = process.stdout.readline()
            except OSError:
                told = b""
            if not told:
                self._stop()
            return told

    def close(self) -> None:
        """Stop the process, if there is one."""
        with self._lock:
            self._stop()

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            _close(pipe)


def in_time(name: str, answer: str, argument: Any) -> bool:
    """Return what the check of that name finds.

    Raises:
        MedcheckError: it found nothing within `SECONDS`.
    """
    told = _WORKER.ask(json.dumps([name, answer, argument], default=dict).encode("ascii") + b"\n")
    if not told:
        raise MedcheckError(
            f"the check {name} came to no end within {SECONDS:g} s.",
            hint="Write its pattern without repeats inside repeats.",
        )
    return told == b"1\n"


def serve(checks: Mapping[str, Callable[[str, Any], bool]]) -> None:
    """Answer the checks that come in, until there are no more; the process's own side."""
    # Ctrl-C reaches the whole group; the parent decides when this process ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for line in sys.stdin.buffer:
        name, answer, argument = json.loads(line)
        # A thread that needs no lock of the interpreter: it ends a search in full flight, and
        # also where the parent was killed meanwhile.
        faulthandler.dump_traceback_later(SECONDS, exit=True)
        met = checks[name](answer, argument)
        faulthandler.cancel_dump_traceback_later()
        sys.stdout.buffer.write(b"1\n" if met else b"0\n")
        sys.stdout.buffer.flush()


def _start() -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - fixed arguments, no shell
        [sys.executable, "-I", "-c", _PROGRAM, json.dumps(sys.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


def _close(pipe: IO[bytes] | None) -> None:
    try:
        if pipe is not None:
            pipe.close()
    except OSError:
        pass  # what was not yet sent to a process that is gone


_WORKER = _Worker()
atexit.register(_WORKER.close)
