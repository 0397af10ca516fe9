"""Who is rung for whom: what keeps a human from waiting for a caller who is not there.

Known of callers whose line is up, in the process that rang. Who knows nothing believes a human,
and asks Plivo.
"""

from __future__ import annotations

import attrs

from patter_plivo._memory import Memory

_UNNAMED = "being rung"
_NOBODY = ""
_WITH = "with "


@attrs.define(eq=False)
class Humans:
    """The human of each caller, by their CallUUIDs."""

    _of: Memory[str] = attrs.field(factory=Memory, init=False)

    def expect(self, caller: str) -> None:
        """Somebody is about to be rung for *caller*."""
        self._of.keep(caller, _UNNAMED)

    def rung(self, caller: str, human: str) -> bool:
        """It is *human*; False when *caller* left while that was found out."""
        if self._of.get(caller) == _UNNAMED:
            self._of.keep(caller, human)
        return caller in self._of

    def may_meet(self, caller: str, human: str) -> bool:
        """May *human* be the one whom *caller* waits for?"""
        return self._of.get(caller) in (None, _UNNAMED, human, _WITH + human)

    def meet(self, caller: str, human: str) -> None:
        """*human* is with *caller*."""
        if caller in self._of:
            self._of.keep(caller, _WITH + human)

    def met(self, caller: str, human: str) -> bool:
        """Is *human*, or were they, with *caller*?"""
        return self._of.get(caller) == _WITH + human

    def settle(self, caller: str) -> None:
        """They will not meet: nothing of that human concerns *caller* any more."""
        if caller in self._of:
            self._of.keep(caller, _NOBODY)

    def reopen(self, caller: str, human: str) -> None:
        """What was settled could not be carried out: *human* may be told of again."""
        if caller in self._of:
            self._of.keep(caller, human)

    def gone(self, caller: str) -> str:
        """The line of *caller* is down: who rings for nobody, if somebody does."""
        human = self._of.forget(caller) or _NOBODY
        return _NOBODY if human == _UNNAMED or human.startswith(_WITH) else human
