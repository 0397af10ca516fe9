"""What a caller does, step by step, with the sound of it. Pure but for reading files.

The form of a script is that of ``patter test --script``; what it expects of the agent is left to
that command.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from importlib import import_module
from typing import Any, Final

import attrs

from patter.audio.formats import MULAW_8K
from patter.cli.text_file import text_of
from patter.errors import InputError
from patter_load.ticker import FRAME_MS

USUAL: Final = """
caller: what are your opening hours on a sunday
interrupt: do you have a table for two at seven
caller: is there any parking nearby
dtmf: 1
caller: thank you very much, goodbye
hangup
"""
"""What callers do who are given no script."""
FRAME_BYTES: Final = MULAW_8K.bytes_in(FRAME_MS)
SILENCE: Final = MULAW_8K.silence * FRAME_BYTES


class Kind(StrEnum):
    """What a step is."""

    SAYS = "says"
    INTERRUPTS = "interrupts"
    PRESSES = "presses"
    WAITS = "waits"
    HANGS_UP = "hangs up"


@attrs.frozen
class Step:
    """*text* are words or keys, *frames* the sound of words, 20 ms each; *ms* is a wait."""

    kind: Kind
    text: str = ""
    frames: tuple[bytes, ...] = attrs.field(default=(), repr=False)
    ms: float = 0.0

    @property
    def speaks(self) -> bool:
        """Does the caller say something?"""
        return self.kind in (Kind.SAYS, Kind.INTERRUPTS)


@attrs.frozen
class Script:
    """The steps of a caller, without their sound; *words* are what has to be spoken."""

    steps: tuple[Step, ...]

    @classmethod
    def read(cls, path: str) -> Script:
        """The script in the file *path*, `USUAL` for "". Raises InputError."""
        return cls.of(text_of(path) if path else USUAL)

    @classmethod
    def of(cls, text: str) -> Script:
        """The script that *text* is. Raises InputError, which names the line."""
        kit: Any = import_module("patter_testing.call_script")
        kinds: dict[Any, Callable[[Any], Step]] = {
            kit.Says: lambda each: Step(Kind.SAYS, each.words),
            kit.Interrupts: lambda each: Step(Kind.INTERRUPTS, each.words),
            kit.Presses: lambda each: Step(Kind.PRESSES, each.digits),
            kit.Waits: lambda each: Step(Kind.WAITS, ms=each.ms),
            kit.HangsUp: lambda _: Step(Kind.HANGS_UP),
        }
        read = kit.read_script(text)
        steps = tuple(kinds[type(each)](each) for each in read if type(each) in kinds)
        if not any(step.speaks for step in steps):
            raise InputError("nobody says anything in this script", fix="caller: good morning")
        return cls(steps)

    @property
    def words(self) -> tuple[str, ...]:
        """All that is said, each once, in order."""
        return tuple(dict.fromkeys(step.text for step in self.steps if step.speaks))

    def spoken(self, sounds: Mapping[str, bytes]) -> tuple[Step, ...]:
        """The steps with the sound of their words, mu-law at 8 kHz."""
        return tuple(
            attrs.evolve(step, frames=_frames(sounds[step.text])) if step.speaks else step
            for step in self.steps
        )


def _frames(audio: bytes) -> tuple[bytes, ...]:
    """*audio* in pieces of 20 ms, the last one filled up with silence."""
    pieces = (audio[at : at + FRAME_BYTES] for at in range(0, len(audio), FRAME_BYTES))
    return tuple(piece.ljust(FRAME_BYTES, MULAW_8K.silence) for piece in pieces)
