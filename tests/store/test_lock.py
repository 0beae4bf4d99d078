from __future__ import annotations

import os
import signal
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from medcheck.errors import StoreError
from medcheck.store.lock import RunLock

HOLD = """
import sys, time
from medcheck.store.lock import RunLock
RunLock(sys.argv[1]).acquire()
print("held", flush=True)
time.sleep(600)
"""


def test_second_process_is_refused_until_the_first_dies(
    tmp_path: Path, start_script: Callable[..., subprocess.Popen[str]]
) -> None:
    """A held run names the process that writes it, and is free once that was killed."""
    path = tmp_path / "run" / ".lock"
    process = start_script(HOLD, path)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    with pytest.raises(StoreError, match=f"written by process {process.pid} on ") as caught:
        RunLock(path).acquire()
    assert "--run" in str(caught.value)
    process.send_signal(signal.SIGKILL)
    process.wait()
    with RunLock(path):
        assert path.read_text(encoding="utf-8").startswith(f"process {os.getpid()} on ")


def test_lock_is_free_after_the_block(tmp_path: Path) -> None:
    """Within one process, too, only one lock is held at a time."""
    path = tmp_path / "lock"
    first, second = RunLock(path), RunLock(path)
    with first:
        first.acquire()
        with pytest.raises(StoreError):
            second.acquire()
    with second:
        pass
    second.release()


def test_lock_file_is_private(tmp_path: Path) -> None:
    """Nobody else may read or hold the lock file."""
    path = tmp_path / "lock"
    with RunLock(path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """A lock below a regular file is one clear sentence."""
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(StoreError, match=r"cannot be locked: .* Choose another folder"):
        RunLock(tmp_path / "file" / "run" / "lock").acquire()
