"""The secret of a log root: what its hashes of numbers are keyed by, so that nobody can guess.

Ten digits are tried in a moment; without the secret there is nothing to compare them with.
"""

from __future__ import annotations

import logging
import os
import secrets
from contextlib import suppress
from pathlib import Path

from patter.env import read
from patter.errors import PatterConfigError
from patter.observe.log_root import FILE_MODE, make_private
from patter.observe.redact import KEY_BYTES, Redaction, Redactor

NAME = "redaction.key"
log = logging.getLogger("patter.observe")


def redactor_for(root: Path | None) -> Redactor:
    """Numbers as PATTER_LOG_REDACT_PHONE wants them, hashes keyed by the secret of *root*.

    Blocks. Raises PatterConfigError.
    """
    how = Redaction.read(read("PATTER_LOG_REDACT_PHONE"))
    if how is Redaction.HASH_ONLY and root is not None:
        return Redactor(how, root_secret(root))
    return Redactor(how)


def root_secret(root: Path) -> bytes:
    """The secret of *root*, 32 bytes; made, with the root, when there is none. Blocks.

    A disk that takes none costs only that hashes of this process compare with no others.
    Raises PatterConfigError when there is one that cannot be read.
    """
    path = root / NAME
    if (secret := _read(path)) is None:
        try:
            _make(path)
        except OSError as problem:
            log.warning("%s cannot be kept: hashes change with every start: %s", path, problem)
            return secrets.token_bytes(KEY_BYTES)
        secret = _read(path)
    if secret is None or len(secret) != KEY_BYTES:
        raise _unreadable(path, "it is not a secret of Patter's")
    return secret


def _read(path: Path) -> bytes | None:
    """The secret at *path*; None when there is none. Raises PatterConfigError."""
    try:
        return bytes.fromhex(path.read_text(encoding="ascii"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as problem:
        raise _unreadable(path, str(problem)) from problem


def _make(path: Path) -> None:
    """Make the secret at *path*, whole or not at all; another process may be first."""
    make_private(path.parent)
    draft = path.with_name(f"{NAME}.{secrets.token_hex(8)}")
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    try:
        with os.fdopen(file, "w", encoding="ascii") as writing:
            writing.write(secrets.token_hex(KEY_BYTES))
        # A link, unlike a rename, leaves the file alone that is there already.
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()


def _unreadable(path: Path, why: str) -> PatterConfigError:
    return PatterConfigError(
        f"the secret of the log root, {path}, cannot be read: {why}",
        fix=f"put {path} back, or delete it: hashes of before then compare with no new ones",
    )
