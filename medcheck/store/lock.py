"""One writer for a run folder: a lock of the operating system, freed by the kernel on any death."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path
from typing import Self

from medcheck.errors import StoreError

_LOCKED_BYTE = 1 << 20  # beyond the text, so that Windows lets others read who holds the lock


class RunLock:
    """Holds `path` while the `with` block runs; the file stays, only the lock is freed."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock at once.

        Raises:
            StoreError: another process holds it, or the file cannot be made.
        """
        if self._descriptor is not None:
            return
        descriptor = self._opened()
        try:
            _lock(descriptor)
        except OSError:
            holder = os.read(descriptor, 200)
            os.close(descriptor)
            raise self._busy(holder.decode("utf-8", "replace").strip()) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"process {os.getpid()} on {platform.node()}\n".encode())
        self._descriptor = descriptor

    def release(self) -> None:
        """Free the lock; nothing happens where it is not held."""
        if self._descriptor is not None:
            _unlock(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def _opened(self) -> int:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            return os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StoreError(
                f"the run folder cannot be locked: {error.strerror or error}.",
                hint="Choose another folder with --reports.",
                where=str(self.path),
            ) from error

    def _busy(self, holder: str) -> StoreError:
        return StoreError(
            f"this run is being written by {holder or 'another process'}.",
            hint="Wait until it has ended, or name another run with --run.",
            where=str(self.path.parent),
        )


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        os.lseek(descriptor, 0, os.SEEK_SET)

    def _unlock(descriptor: int) -> None:
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
