"""Pages of calls that went wrong once: each a script, and what must come of it.

    ## A title

    Why.

        ~600 caller says "are you open"
        = rows "are you open"

Every rule of `judge` must hold. A line that begins with `=` asks for more: what was `heard`, in
sentences; the caller's `rows`; how often it `booked`; what was `collected`; the `reason`.
A paragraph that begins with "Not yet:" says why a call still goes wrong.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs

from . import ear
from .judge import problems
from .script import Script, script
from .world import Outcome, live

SCRIPTS = Path(__file__).parent / "scripts"
NOT_YET = "Not yet:"


@attrs.frozen
class Case:
    """One call of a page: *wants* are (what, values); *not_yet* is why it is known to fail."""

    page: str
    title: str
    script: Script
    wants: tuple[tuple[str, tuple[str, ...]], ...]
    not_yet: str = ""


SEEN: dict[str, Callable[[Outcome], list[str]]] = {
    "heard": lambda o: ear.whole_sentences(o),
    "rows": lambda o: [row.text for row in o.history if row.role == "caller"],
    "booked": lambda o: [str(sum(use.name == "book" for use in o.notes.tools))],
    "collected": lambda o: [entry.digits or "" for entry in o.notes.entries],
    "reason": lambda o: [o.summary.reason if o.summary else ""],
}


def cases() -> list[Case]:
    """All calls of all pages."""
    return [case for page in sorted(SCRIPTS.glob("*.md")) for case in _of(page)]


def wrong(case: Case) -> list[str]:
    """Live through *case*; what is wrong with it."""
    outcome = live(case.script)
    found = [f"{rule}: {each}" for rule, said in problems(outcome).items() for each in said]
    for what, values in case.wants:
        seen = SEEN[what](outcome)
        if seen != list(values):
            found.append(f"{what}: {seen}, not {list(values)}")
    return found


def _of(page: Path) -> Iterator[Case]:
    for section in page.read_text(encoding="utf-8").split("\n## ")[1:]:
        title, _, body = section.partition("\n")
        block = [each[4:] for each in body.splitlines() if each.startswith("    ")]
        if not block:
            continue
        lines = "\n".join(each for each in block if not each.startswith("="))
        wants = tuple(_want(each) for each in block if each.startswith("="))
        reasons = [each for each in body.split("\n\n") if each.strip().startswith(NOT_YET)]
        not_yet = " ".join(reasons).removeprefix(NOT_YET).strip()
        yield Case(page.stem, title.strip(), script(lines), wants, not_yet)


def _want(text: str) -> tuple[str, tuple[str, ...]]:
    what, *values = shlex.split(text.removeprefix("="))
    return what, tuple(values)
