"""The exit statuses, and how an error becomes one."""

from __future__ import annotations

import os
import tempfile
import traceback
from collections.abc import Callable

from patter.cli.out import Out
from patter.errors import ErrorCode, InternalError, PatterError
from patter.safe_text import safe_lines

OK = 0
NO = 1
WRONG_COMMAND = 2
FIX_FIRST = 3
SOMEONE_ELSE = 4
OUR_BUG = 70
INTERRUPTED = 130

STATUS: dict[ErrorCode, int] = {
    ErrorCode.INPUT_VALIDATION: WRONG_COMMAND,
    ErrorCode.CALL_STATE: WRONG_COMMAND,
    ErrorCode.CONFIG: FIX_FIRST,
    ErrorCode.AUTH: FIX_FIRST,
    ErrorCode.PROVISION: FIX_FIRST,
    ErrorCode.WEBHOOK_VERIFICATION: FIX_FIRST,
    ErrorCode.CONNECTION: SOMEONE_ELSE,
    ErrorCode.TIMEOUT: SOMEONE_ELSE,
    ErrorCode.RATE_LIMIT: SOMEONE_ELSE,
    ErrorCode.PROVIDER_ERROR: SOMEONE_ELSE,
    ErrorCode.INTERNAL: OUR_BUG,
}


def shielded(out: Out, run: Callable[[], int]) -> int:
    """Run a command; print a failure as an error with a fix, and return its exit status."""
    try:
        return run()
    except KeyboardInterrupt:
        return INTERRUPTED
    # `main` handles it: there is no reader left that an error could be printed for.
    except BrokenPipeError:
        raise
    except PatterError as error:
        if out.verbose:
            out.progress(safe_lines(traceback.format_exc().rstrip()))
        out.error(error)
        return STATUS[error.code]
    except Exception as exc:
        out.error(_bug(exc))
        return OUR_BUG


def _bug(exc: Exception) -> InternalError:
    """Write the traceback to a private file, and name it in the error's fix."""
    descriptor, path = tempfile.mkstemp(prefix="patter-report-", suffix=".txt")
    with os.fdopen(descriptor, "w") as report:
        report.write(safe_lines("".join(traceback.format_exception(exc))))
    return InternalError(
        f"this should not happen: {type(exc).__name__}: {exc}",
        fix=f"tell the authors of Patter what is in {path}",
    )
