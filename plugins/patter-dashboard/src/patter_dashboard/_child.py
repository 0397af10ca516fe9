"""Draws and exports a call in a process of its own: ``python -m patter_dashboard._child``.

Drawing takes a second and a hundred megabytes, which a server of live calls does not have. The code
that draws is patter-demo's, that which exports is patter-calls'. The result goes to stdout.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

from patter.errors import PatterError
from patter.observe.call_log import read_record
from patter.observe.recorder import NAME as RECORDING

PICTURE = "picture"


def made(what: str, directory: Path, *, redact: bool) -> bytes:
    """The picture of the call in *directory*, or its export in the format *what*."""
    events = read_record(directory)
    audio = directory / RECORDING
    if redact:
        events = import_module("patter_calls.redacted").redacted(events)
    if what == PICTURE:
        svg: str = import_module("patter_demo.picture").svg(
            events, audio if audio.exists() else None
        )
        return svg.encode()
    export = import_module("patter_calls.export")
    call = export.Exported(directory.name, events, audio if audio.exists() and not redact else None)
    body: bytes = export.FORMATS[what](call)
    return body


def main(arguments: list[str]) -> int:
    """Write what was asked for; 1 and a line on stderr when it cannot be made."""
    what, directory, redact = arguments
    try:
        body = made(what, Path(directory), redact=redact == "1")
    except (PatterError, OSError) as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    sys.stdout.buffer.write(body)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
