"""``patter calls export``: one call as a file of its own, readable by its owner alone."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path

import attrs

from patter.cli.exits import NO, OK
from patter.cli.stdout import answers
from patter.cli.working import working
from patter.errors import InputError
from patter.observe.documents import metadata
from patter.observe.events import CallEvent
from patter.observe.log_root import FILE_MODE
from patter.plugins.installing import needs
from patter_calls.formats import as_csv, as_json, as_srt
from patter_calls.redacted import redacted
from patter_calls.stored import call_named, readable

STDOUT = "-"


@attrs.frozen
class Exported:
    """What is exported: its *events*, redacted or not, and its *audio*, if there is some.

    *target* is the agent that a test of it is about, ``module:name``; empty: one made of the call.
    """

    call_id: str
    events: Sequence[CallEvent]
    audio: Path | None = None
    target: str = ""


def json_of(call: Exported) -> bytes:
    """Everything, in one object."""
    recording = call.audio.name if call.audio else ""
    return as_json(call.events, metadata(call.events, recording)).encode()


def csv_of(call: Exported) -> bytes:
    """A turn a line."""
    return as_csv(call.events).encode()


def srt_of(call: Exported) -> bytes:
    """Subtitles."""
    return as_srt(call.events).encode()


def wav_of(call: Exported) -> bytes:
    """The recording. Raises InputError when there is none."""
    if call.audio is None:
        raise InputError(
            f"call {call.call_id} was not recorded", fix="patter serve --local-recording"
        )
    return call.audio.read_bytes()


def html_of(call: Exported) -> bytes:
    """The page of the call, with its picture and audio. Raises NotInstalled."""
    with needs("patter_demo", install="patter-demo"):
        picture, page = import_module("patter_demo.picture"), import_module("patter_demo.page")
    svg: str = picture.svg(call.events, call.audio)
    html: str = page.call_html(call.events, call.audio, svg)
    return html.encode()


def test_of(call: Exported) -> bytes:
    """A test that has the conversation again. Raises NotInstalled."""
    with needs("patter_testing", install="patter-testing"):
        kit = import_module("patter_testing.recorded.as_test")
    code: str = kit.as_test(call.events, call.target)
    return code.encode()


FORMATS: Mapping[str, Callable[[Exported], bytes]] = {
    "html": html_of,
    "json": json_of,
    "csv": csv_of,
    "wav": wav_of,
    "srt": srt_of,
    "test": test_of,
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the action's arguments."""
    parser.add_argument("id", metavar="ID", help="a call, by the beginning of its id, or last")
    parser.add_argument(
        "target", metavar="TARGET", nargs="?", default="", help="of a test: the agent"
    )
    parser.add_argument("--format", choices=FORMATS, default="json", help="default: json")
    parser.add_argument("--redact", action="store_true", help="without numbers and without audio")
    parser.add_argument(
        "--out", dest="file", metavar="FILE", help="default: ID.FORMAT; - is stdout"
    )


def run(args: argparse.Namespace, root: Path) -> int:
    """Write the file; NO when there is one, and it is not to be replaced."""
    call = readable(call_named(root, args.id))
    if args.redact and args.format == "wav":
        raise InputError("audio cannot be redacted", fix="export words: --format srt --redact")
    if args.target and args.format != "test":
        raise InputError("an agent is of use for a test alone", fix=f"leave {args.target} out")
    events = redacted(call.events()) if args.redact else call.events()
    audio = None if args.redact else call.recording
    with working(args.out, f"exporting {call.call_id[:8]} as {args.format}"):
        body = FORMATS[args.format](Exported(call.call_id, events, audio, args.target))
    if args.file == STDOUT:
        return _print(body, args.format)
    path = Path(args.file or name_of(call.call_id, args.format))
    if path.exists() and not args.out.confirm(f"{path} is there; write over it?"):
        return NO
    write(path, body)
    args.out.answer(f"wrote {path}", {"wrote": str(path), "format": args.format})
    return OK


def _print(body: bytes, format: str) -> int:
    if format == "wav":
        raise InputError("audio is not for a terminal", fix="name a file with --out FILE")
    answers().write(body.decode())
    return OK


def name_of(call_id: str, format: str) -> str:
    """How the file of a call is named by default."""
    if format == "test":
        return f"test_call_{call_id[:8].replace('-', '_').replace('.', '_')}.py"
    return f"{call_id}.{format}"


def write(path: Path, body: bytes) -> None:
    """Put *body* at *path* for the owner alone. Raises InputError."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
        with os.fdopen(file, "wb") as writing:
            writing.write(body)
    except OSError as problem:
        raise InputError(
            f"{path} cannot be written: {problem.strerror}", fix="name another with --out FILE"
        ) from problem
