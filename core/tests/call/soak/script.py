"""A call as a script of a few lines: what each party does, and what goes wrong, when.

    given silence_ms=500 greeting="Good evening, this is Rosa."
    voice first=300
    ~600 caller says "are you open" ms=900 final=1600
         model first=800 says=2
    9000 app hangs

A line begins with its time, if it has one: `1200` is a moment of the call, `+300` so long after the
line before it, `~600` when the agent has spoken since and was silent for so long, `^400` when the
agent has been audible for so long. Then who, then what, then options. A line of `model` or `brain`
says how the words of the `caller` line above are answered; one above all of them is for the rest.
`given rings=` lets it ring before, while recogniser and voice connect, which takes `opens=`.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping

import attrs

WHEN = re.compile(r"[+~^]?\d+")
PLAIN = re.compile(r"[\w.,:;+*#|\-]+")


@attrs.frozen
class Line:
    """*who* does *words*, as *options* say; *when* is empty for settings."""

    when: str
    who: str
    words: tuple[str, ...] = ()
    options: Mapping[str, str] = attrs.field(factory=dict, hash=False)

    def __str__(self) -> str:
        options = [
            key if key in FLAGS and not value else f"{key}={_quoted(value)}"
            for key, value in self.options.items()
        ]
        return " ".join(filter(None, (self.when, self.who, *map(_quoted, self.words), *options)))

    @property
    def does(self) -> str:
        """The first of the words: what *who* does."""
        return self.words[0] if self.words else ""

    @property
    def at_ms(self) -> int | None:
        """The moment of the call, if it is one."""
        return int(self.when) if self.when.isdigit() else None

    def number(self, name: str, default: int = 0) -> int:
        """Option *name* as a number; *default* without it."""
        return int(self.options.get(name, default))

    def word(self, index: int, default: str = "") -> str:
        """The word at *index*, if there are so many."""
        return self.words[index] if index < len(self.words) else default


Script = tuple[Line, ...]
FLAGS = frozenset(
    {
        "positions",
        "brain",
        "engine",
        "empty",
        "fails",
        "hangs",
        "goodbye",
        "beep",
        "tells",
        "reconnects",
    }
)
"""Options without a value; every other bare word is what is done."""


def line(text: str) -> Line:
    """Read one line."""
    when, who = "", ""
    words: list[str] = []
    options: dict[str, str] = {}
    for place, token in enumerate(shlex.split(text)):
        key, equals, value = token.partition("=")
        if not place and WHEN.fullmatch(token):
            when = token
        elif not who:
            who = token
        elif equals and key.isidentifier():
            options[key] = value
        elif token in FLAGS and (words or who in {"given", "stt", "model", "brain"}):
            options[token] = ""
        else:
            words.append(token)
    return Line(when, who, tuple(words), options)


def script(text: str) -> Script:
    """Read a script; empty lines mean nothing."""
    return tuple(line(each) for each in text.splitlines() if each.strip())


def text(lines: Iterable[Line]) -> str:
    """Write a script so that `script` reads it."""
    width = max((len(each.when) for each in lines), default=0)
    out = []
    for each in lines:
        bare = str(attrs.evolve(each, when=""))
        out.append(f"{each.when:<{width}} {bare}".rstrip() if width else bare)
    return "\n".join(out)


def _quoted(value: str) -> str:
    return value if PLAIN.fullmatch(value) else f'"{value}"'
