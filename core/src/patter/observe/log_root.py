"""Where records of calls live, who may read them, and for how long."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from patter.env import environment
from patter.errors import PatterConfigError

DIRECTORY_MODE, FILE_MODE = 0o700, 0o600
DEFAULT_RETENTION_DAYS = 30


def log_root(
    persist: bool | str | None,
    environ: Mapping[str, str] | None = None,
    platform: str = sys.platform,
) -> Path | None:
    """The directory for records, None when they are off.

    *persist*: None follows PATTER_LOG_DIR, else the platform's place; False is off whatever
    the environment says; True is the platform's place; a path is that path. ``auto`` means
    the platform's place too.
    """
    env = environment() if environ is None else environ
    if persist is False:
        return None
    setting = env.get("PATTER_LOG_DIR", "") if persist is None else persist
    if setting is True or setting in ("", "auto"):
        return platform_root(env, platform)
    return Path(setting).expanduser()


def platform_root(environ: Mapping[str, str], platform: str) -> Path:
    """Where programs of a user keep data on *platform* (a `sys.platform`)."""
    home = Path.home()
    if platform == "darwin":
        return home / "Library" / "Application Support" / "patter"
    if platform == "win32":
        return Path(environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "patter"
    return Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share") / "patter"


def check_private(root: Path) -> None:
    """Raise PatterConfigError when others may read the log directory *root*."""
    # On Windows the mode does not say who may read.
    if os.name == "nt" or not root.exists():
        return
    mode = stat.S_IMODE(root.stat().st_mode)
    if mode & 0o077:
        raise PatterConfigError(
            f"the log directory {root} is readable by others (0{mode:o})",
            fix=f"chmod 700 {root}",
        )


def call_directory(root: Path, call_id: str, wall: float) -> Path:
    """Where the files of a call that began at *wall* (seconds since 1970) go."""
    day = datetime.fromtimestamp(wall, UTC).strftime("%Y/%m/%d")
    # Whatever the id is, the directory stays below that of its day: ".." becomes "_".
    safe = re.sub(r"[^A-Za-z0-9._-]", "_", call_id)[:64].lstrip(".") or "_"
    return root / "calls" / day / safe


def make_private(directory: Path) -> None:
    """Create *directory* and its missing parents for the owner only."""
    # mkdir(parents=True) would give the parents the default mode, not this one.
    if not directory.exists():
        make_private(directory.parent)
        directory.mkdir(mode=DIRECTORY_MODE, exist_ok=True)


def retention_days(value: str) -> int:
    """What PATTER_LOG_RETENTION_DAYS says, 30 if nothing; 0 keeps for ever.

    Raises PatterConfigError.
    """
    if not value:
        return DEFAULT_RETENTION_DAYS
    if not value.isdecimal():
        raise PatterConfigError(
            f"PATTER_LOG_RETENTION_DAYS cannot be {value!r}",
            fix="export PATTER_LOG_RETENTION_DAYS=30, or 0 to keep records for ever",
        )
    return int(value)
