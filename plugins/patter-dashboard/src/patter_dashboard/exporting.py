"""Files of one call, made in a process of its own: its picture, and its exports."""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import attrs

from patter.errors import InputError, NotInstalled
from patter_dashboard._process import python

WITHIN_S = 60.0
AT_ONCE = 2
KEPT = 8
PICTURE = "picture"
LARGEST = 600_000_000
FORMATS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "json": ("application/json", ("patter-calls",)),
    "csv": ("text/csv", ("patter-calls",)),
    "srt": ("application/x-subrip", ("patter-calls",)),
    "html": ("text/html", ("patter-calls", "patter-demo")),
    "test": ("text/x-python", ("patter-calls", "patter-testing")),
    PICTURE: ("image/svg+xml", ("patter-demo", "patter-calls")),
}
"""By name: its media type, and the packages it needs."""
REDACTED = frozenset({"json", "csv", "srt", "html", PICTURE})
_AXIS = re.compile(r'<g id="axis-area">\s*<path d="([^"]*)"')
_BOX = re.compile(r'viewBox="0 0 ([\d.]+) [\d.]+"')
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def available(format: str) -> bool:
    """Is all that *format* needs installed?"""
    return not missing(format)


def missing(format: str) -> list[str]:
    """What *format* needs and is not installed."""
    return [each for each in FORMATS[format][1] if find_spec(each.replace("-", "_")) is None]


def file_name(call_id: str, format: str) -> str:
    """How the file of a call is named."""
    safe = re.sub(r"[^A-Za-z0-9._-]", "_", call_id)
    if format == "test":
        return f"test_call_{re.sub(r'[^A-Za-z0-9_]', '_', call_id[:8])}.py"
    return f"{safe}.{format}"


def axis_of(svg: bytes) -> tuple[float, float]:
    """Where the time axis of the picture lies, in fractions of its width."""
    text = svg.decode()
    box, area = _BOX.search(text), _AXIS.search(text)
    if box is None or area is None:
        return 0.0, 1.0
    across = [float(each) for each in _NUMBER.findall(area[1])][::2]
    wide = float(box[1])
    return round(min(across) / wide, 4), round(max(across) / wide, 4)


@attrs.define(eq=False)
class Exporter:
    """Makes files, two at a time; the last pictures are kept."""

    _slots: asyncio.Semaphore = attrs.field(factory=lambda: asyncio.Semaphore(AT_ONCE), init=False)
    _pictures: OrderedDict[tuple[str, int], bytes] = attrs.field(factory=OrderedDict, init=False)

    async def export(self, format: str, directory: Path, *, redact: bool) -> bytes:
        """The call in *directory* as *format*.

        Raises NotInstalled, InputError, PatterTimeoutError.
        """
        if lacking := missing(format):
            names = " ".join(lacking)
            raise NotInstalled(f"{format} needs {names}", fix=f"pip install {names}")
        async with self._slots:
            return await _made(format, directory, redact=redact)

    async def picture(self, directory: Path, changed: int) -> bytes:
        """The picture of the call in *directory*, which has last *changed* then; numbers masked."""
        key = str(directory), changed
        if key not in self._pictures:
            self._pictures[key] = await self.export(PICTURE, directory, redact=True)
            while len(self._pictures) > KEPT:
                self._pictures.popitem(last=False)
        return self._pictures[key]

    def forget(self) -> None:
        """Keep nothing: calls may have been erased."""
        self._pictures.clear()


async def _made(format: str, directory: Path, *, redact: bool) -> bytes:
    ended = await python(
        *("-m", "patter_dashboard._child", format, str(directory), "1" if redact else "0"),
        within_s=WITHIN_S,
        what=f"making {format}",
        fix="patter calls export",
    )
    if ended.status:
        last = ended.complaint.decode(errors="replace").strip().splitlines()
        raise InputError(
            f"{format} cannot be made: {last[0] if last else ended.status}",
            fix=f"patter calls export {directory.name} --format {format}",
        )
    return ended.output
