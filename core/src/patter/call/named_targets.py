"""Whom a model may transfer to without a list: whoever the application itself has named.

A caller can talk a model into any number, so their words, their keys and what their carrier
passes with the call do not count. What counts is searched when a transfer is asked for: a call
without one costs nothing. Searching is pure.
"""

from __future__ import annotations

import re
import unicodedata
from collections import deque
from collections.abc import Iterable

import attrs

from patter.call.control import CallControl
from patter.errors import PatterConfigError
from patter.providers.transfer_target import NUMBER, SIP, is_target

RESULTS = 200
"""The results of tools that are searched, the newest: as many as a history has rows."""
SHOWN = 20
"""The most targets that `targets_in` returns."""

# What people and their address books write between digits, invisible marks included.
_BETWEEN = r"[\s().\-/\xad\u2010-\u2015\u2212\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069]"
_GAP = _BETWEEN + "{0,4}"
_AFTER_DIGITS = re.compile(rf"[0-9]{_GAP}\Z")
_WRITTEN = re.compile(rf"(?<![0-9])\+[1-9](?:{_GAP}[0-9]){{6,14}}(?![0-9])")
_TRUNK = re.compile(rf"\(0\){_GAP}")


@attrs.define(eq=False)
class NamedTargets:
    """The targets named in *words* of the application, and by its tools on this call."""

    words: tuple[str, ...] = ()
    _results: deque[str] = attrs.field(factory=lambda: deque(maxlen=RESULTS), init=False)

    def add_result(self, text: str) -> None:
        """A tool of the application has returned *text*."""
        self._results.append(text)

    def __contains__(self, target: str) -> bool:
        return any(names(text, target) for text in (*self.words, *self._results))


@attrs.frozen(eq=False)
class ModelControls:
    """What the built-in tools do with a call: *control*'s, but a transfer needs a named target.

    With a list or a function of the application, that decides, and nothing else.
    """

    control: CallControl
    named: NamedTargets

    async def hangup(self, reason: str = "agent") -> None:
        """End the call once what is being said was heard."""
        await self.control.hangup(reason)

    async def transfer(self, target: str, *, mode: str = "cold", summary: str = "") -> None:
        """Transfer the caller to *target*. Raises as `CallControl.transfer`."""
        open_to = self.control.transfer_allowed is not None
        if not open_to and is_target(target) and target not in self.named:
            raise PatterConfigError(
                f"transfers to {target} are not allowed: neither the instructions nor a tool "
                "named it, and what a caller names does not count",
                fix='name it in the prompt in E.164, or write transfer_allowed=["+4930*"]',
            )
        await self.control.transfer(target, mode=mode, summary=summary)


def names(text: str, target: str) -> bool:
    """Does *text* name *target*? A SIP address as it is, a number however it is spaced.

    >>> names("Rosa: +49 (0)30 / 1234-56", "+4930123456"), names("+1 493 012 3456", "+4930123456")
    (True, False)
    """
    if not NUMBER.fullmatch(target):
        # What may go on an address, after it or before it, would make it another one.
        whole = rf"(?<![\w.+-]){re.escape(target)}(?![\w~+=%@-]|[.:;][\w~-])"
        return re.search(whole, text, re.ASCII) is not None
    return _names_number(_plain(text), target[1:])


def targets_in(texts: Iterable[str]) -> list[str]:
    """The numbers in E.164 and SIP addresses that *texts* name, at most `SHOWN`; to be shown."""
    hits: dict[str, None] = {}
    for text in texts:
        for match in _WRITTEN.finditer(_plain(text)):
            hits["+" + re.sub(r"[^0-9]", "", match[0])] = None
        hits.update(dict.fromkeys(match[0].rstrip(".") for match in SIP.finditer(text)))
    return list(hits)[:SHOWN]


def _names_number(text: str, digits: str) -> bool:
    # A point or a dash and another digit go on with the number; after a space it may be another.
    number = re.compile(rf"(?P<sign>(?:\+|00){_GAP})?{_GAP.join(digits)}(?![-./()]{{0,2}}[0-9]|@)")
    match = number.search(text)
    while match is not None and not _begins_there(text, match):
        match = number.search(text, match.start() + 1)
    return match is not None


def _begins_there(text: str, match: re.Match[str]) -> bool:
    """Is what is before the *match* no part of the number?"""
    if (match["sign"] or "").startswith("+"):
        return True
    before = text[max(0, match.start() - 6) : match.start()]
    return not (before[-1:].isalnum() or _AFTER_DIGITS.search(before))


def _plain(text: str) -> str:
    """*text* with plain digits, and without the trunk zero that is not dialled from abroad."""
    return _TRUNK.sub("", unicodedata.normalize("NFKC", text))
