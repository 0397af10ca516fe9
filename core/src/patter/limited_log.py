"""A log of what strangers cause: a few lines, and then how many more there would have been.

Whoever may send requests could otherwise fill a disk, and bury what matters.
"""

from __future__ import annotations

import asyncio
import logging

import attrs


@attrs.define(eq=False)
class LimitedLog:
    """Writes to *log* at most *lines* each *every_s*, and then one that counts the rest."""

    log: logging.Logger
    lines: int = 20
    every_s: float = 10.0
    _written: int = attrs.field(default=0, init=False)
    _left_out: int = attrs.field(default=0, init=False)

    def warning(self, text: str, *args: object) -> None:
        """As `logging.Logger.warning`; on the event loop."""
        if not self._written:
            asyncio.get_running_loop().call_later(self.every_s, self._begin_again)
        self._written += 1
        if self._written <= self.lines:
            self.log.warning(text, *args)
        else:
            self._left_out += 1

    def _begin_again(self) -> None:
        if self._left_out:
            self.log.warning("%d more of these in %g s", self._left_out, self.every_s)
        self._written = self._left_out = 0
