"""What is printed and written once the call is over: figures, verdicts, and four files."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

from patter.cli.out import Out
from patter.observe import lines as say
from patter.observe.events import Ended
from patter.observe.record_files import NAME as RECORD
from patter.observe.recorder import NAME as RECORDING
from patter_demo.evidence import Evidence
from patter_demo.verdict import Verdict

PICTURE, PAGE = "call.svg", "call.html"
FILES = (PAGE, PICTURE, RECORDING, RECORD)
NEXT = " next: patter phone --offline   (talk to it yourself)"


def figures(evidence: Evidence) -> list[str]:
    """Turns, response latency, what was heard, and what it cost."""
    ended = next(evidence.of(Ended), None)
    return [] if ended is None else say.footer(ended)


def judged(results: Sequence[Verdict]) -> list[str]:
    """The verdicts in lines of 80 columns: what was so together, what was not with its reason."""
    good = [f"ok {each.name}".replace(" ", chr(160)) for each in results if each.ok]
    lines = textwrap.wrap("  ".join(good), say.WIDTH - 1, break_on_hyphens=False)
    bad = [
        line
        for each in results
        if not each.ok
        for line in textwrap.wrap(
            f"FAIL {each.name}: {each.why}", say.WIDTH - 1, subsequent_indent="     "
        )
    ]
    return [" " + line.replace(chr(160), " ") for line in [*lines, *bad]]


def _colour(line: str) -> str:
    return "green" if line.startswith(" ok") else "red"


def show_figures(out: Out, evidence: Evidence, results: Sequence[Verdict]) -> None:
    """Print how it went."""
    checks = [{"name": each.name, "ok": each.ok, "why": each.why} for each in results]
    lines = [out.paint(line, _colour(line)) for line in judged(results)]
    text = "\n".join([*figures(evidence), *lines])
    out.answer(text, {"type": "verdicts", "ok": all(each.ok for each in results), "checks": checks})


def write_files(evidence: Evidence, folder: Path) -> None:
    """Draw the call and write its page, beside its record and recording."""
    from patter_demo.page import write_page
    from patter_demo.picture import draw

    wav = folder / RECORDING
    recorded = wav if wav.exists() else None
    (folder / PICTURE).touch(mode=0o600)
    picture = draw(evidence.events, recorded, folder / PICTURE)
    svg = picture.read_text(encoding="utf-8")
    write_page(evidence.events, recorded, svg, folder / PAGE)


def show_files(out: Out, folder: Path) -> None:
    """Print where the files are, and what to do next."""
    paths = [str(folder / name) for name in FILES]
    text = f" {folder}/ {' '.join(FILES)}\n{NEXT}"
    out.answer(text, {"type": "files", "files": paths})
