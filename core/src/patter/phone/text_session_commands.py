"""The commands of a text session: lines that begin with a slash."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import attrs

from patter.audio.dtmf import KEYS
from patter.call.turn.events import TransferRequested
from patter.phone.callbacks import CallbackDispatcher
from patter.phone.serving import AgentCall
from patter.phone.terminal import Terminal
from patter.phone.text_line import TextLeg
from patter.phone.text_session_lines import TestLines
from patter.providers.transfer_target import is_target

HELP = ("/hangup", "/transfer N", "/dtmf 5", "/history", "/quit")
KEYS_MAX = 64


@attrs.define(eq=False)
class TestCommands:
    """Does what the commands say; *history* has what was said so far."""

    __test__ = False

    leg: TextLeg
    call: AgentCall
    terminal: Terminal
    lines: TestLines
    history: CallbackDispatcher

    def takes(self, line: str) -> bool:
        """Do *line*, if it is a command; False when it is something to say."""
        if not line.strip().startswith("/"):
            return False
        name, _, rest = line.strip().partition(" ")
        does: Mapping[str, Callable[[str], None]] = {
            "/quit": self._hang_up,
            "/hangup": self._hang_up,
            "/transfer": self._transfer,
            "/dtmf": self._press,
            "/history": self._history,
        }
        does.get(name, self._help)(rest.strip())
        return True

    def _hang_up(self, _: str) -> None:
        self.leg.hang_up()

    def _transfer(self, target: str) -> None:
        if is_target(target):
            self.call.post(TransferRequested(self.call.now_ms(), target))
        else:
            self._note(f"{target!r} is not an E.164 number: /transfer +15550188000")

    def _press(self, digits: str) -> None:
        if not digits or set(digits) - set(KEYS) or len(digits) > KEYS_MAX:
            self._note(f"{digits!r} are not keys: /dtmf 12#")
            return
        for digit in digits:
            self.leg.press(digit)

    def _history(self, _: str) -> None:
        self.terminal.show(*self.lines.history(self.history.history()))

    def _help(self, _: str) -> None:
        self._note(f"commands: {' '.join(HELP)}")

    def _note(self, text: str) -> None:
        self.terminal.show(*self.lines.note(text))
