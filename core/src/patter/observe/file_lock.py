"""A lock on an open file, which says that a living process writes it.

The system lets go of it when the file is closed or its process ends, however it ends. It holds
between processes that see one file system; where that has no locks, nobody gets one.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    # Behind any byte that a record may have: Windows keeps others from reading what is locked.
    _AT = 1 << 40

    def _lock(file: int) -> None:
        at = os.lseek(file, 0, os.SEEK_CUR)
        os.lseek(file, _AT, os.SEEK_SET)
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        finally:
            os.lseek(file, at, os.SEEK_SET)
else:
    import fcntl

    def _lock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def claim(file: int) -> bool:
    """Lock the open *file*, which is new; False when somebody was faster.

    Where there are no locks it is ours all the same: nobody else gets one either.
    """
    try:
        _lock(file)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return True
    return True


def take_over(file: int) -> bool:
    """Lock the open *file*, which another process made; False when that may still write it."""
    try:
        _lock(file)
    except OSError:
        return False
    return True


def is_at(file: int, path: Path) -> bool:
    """Is the open *file* still the one at *path*?"""
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


def is_held(path: Path) -> bool:
    """Does a process write the file at *path*? Not if there is none."""
    try:
        file = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        return not take_over(file)
    finally:
        os.close(file)
