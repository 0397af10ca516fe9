"""Mistakes that a call can be heard to make, each one line away from the product.

`python -m core.tests.call.soak.mutants` tries them all; what survives is a hole in the soak.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

import attrs

from .soak import NOT_YET, judged

CALLS = 250
"""So many calls a mistake has to survive."""


@attrs.frozen
class Mutant:
    """What goes wrong, and the line of *module* that makes it so: *new* in place of *old*."""

    name: str
    module: str
    old: str
    new: str

    def code(self) -> CodeType:
        """The module with its mistake. Raises LookupError when the line is not there once."""
        file = Path(str(importlib.import_module(f"patter.call.{self.module}").__file__))
        text = file.read_text(encoding="utf-8")
        if text.count(self.old) != 1:
            raise LookupError(f"{self.name}: {text.count(self.old)} places read {self.old!r}")
        return compile(text.replace(self.old, self.new), str(file), "exec")


MUTANTS = (
    Mutant(
        "what was not final is not said to the next recogniser",
        "stt_link",
        "return replay[::-1]",
        "return []",
    ),
    Mutant(
        "what was final is said to the next recogniser again",
        "stt_link",
        "if self.audio.ms_in(start) <= self._final_ms:",
        "if start <= 0:",
    ),
    Mutant(
        "positions of the next recogniser are taken for the call's",
        "stt_link",
        "self.on_event(event, self._base_ms)",
        "self.on_event(event, 0.0)",
    ),
    Mutant(
        "a voice that is asked again is not told what it was asked",
        "tts_link",
        "for sentence in list(self.kept):",
        "for sentence in list(self.kept)[1:]:",
    ),
    Mutant(
        "a voice that broke in the middle is asked for all of it again",
        "tts_link",
        "if kept.proven or (last and not again):",
        "if last and not again:",
    ),
    Mutant(
        "a cut does not clear the carrier",
        "playout.sender",
        "self._clear, self._dry_ms = True, None",
        "self._clear, self._dry_ms = False, None",
    ),
    Mutant(
        "what a lost leg had not played is not sent again",
        "playout.gate",
        "self._waiting.put_back(self._unheard.take(size))",
        "self._unheard.take(size)",
    ),
    Mutant(
        "what a lost leg had played is sent again",
        "playout.cursor",
        "        lost = self.sent - heard\n        self._awaited.clear()",
        "        lost = self.sent - self._proven\n        self._awaited.clear()",
    ),
    Mutant(
        "a cut row holds what was sent",
        "turn_recorder",
        "heard = part.heard_text if part else text",
        'heard = f"{part.heard_text} {part.unheard_text}".strip() if part else text',
    ),
    Mutant(
        "the greeting is forgotten in the history",
        "history",
        "        self.rows.append(row)\n        del",
        "        if self.rows or row.role == 'caller':\n            self.rows.append(row)\n        del",
    ),
    Mutant(
        "an interruption cancels a booking",
        "toolbox",
        'if tool.effect != "once":\n                task.cancel()',
        "if tool.effect:\n                task.cancel()",
    ),
    Mutant(
        "the second of two keys is swallowed",
        "keypad",
        "        self._ended = self._open and digit == self._end",
        "        if self._open and self._kept == '' and digit == '7':\n"
        "            return Key('', shown=False)\n"
        "        self._ended = self._open and digit == self._end",
    ),
    Mutant(
        "a reply that was cancelled goes on being made",
        "pipeline",
        "        task.cancel()\n        again",
        "        again",
    ),
    Mutant(
        "a draft is spoken beside its answer",
        "pipeline",
        "            self._answers[effect.epoch].release(utterance)\n            return",
        "            self._answers[effect.epoch].release(utterance)",
    ),
    Mutant(
        "nothing new is said after a hold",
        "playout.gate",
        "        self.held = self.held and epoch != self.gate",
        "        self.held = self.held and epoch == self.gate",
    ),
    Mutant(
        "the words of a reply come in any order",
        "playout.queue",
        "appendleft",
        "append",
    ),
    Mutant(
        "a transfer that failed is not told",
        "session",
        '            self.post(TransferFailed(self.now_ms(), "the carrier would not transfer the call"))',
        "            pass",
    ),
    Mutant(
        "nobody watches a recogniser that does not answer",
        "stt_link",
        "if self._finalize_at and clock.ms() - self._finalize_at >= answer_ms:",
        "if False:",
    ),
    Mutant(
        "a leg that comes back is not sent to",
        "playout.sender",
        "        self._leg = leg\n        self._wake()",
        "        self._leg = self._leg or leg\n        self._wake()",
    ),
    Mutant(
        "the audio of the line is counted twice after a gap",
        "audio_in",
        "if late < 0 or late > LATE_MS:",
        "if late < 0:",
    ),
)


def convicted_by(mutant: Mutant, calls: int = CALLS) -> str:
    """The first rule that a call breaks with *mutant* in place, and the call; '' if none does."""
    with broken(mutant):
        for seed in range(calls):
            for wrong in judged(seed):
                if wrong.rule not in NOT_YET:
                    return f"{wrong.rule} (call {seed}): {wrong.said}"
    return ""


@contextmanager
def broken(mutant: Mutant) -> Iterator[None]:
    """The mistake, in the code of the functions that are loaded."""
    module = importlib.import_module(f"patter.call.{mutant.module}")
    wrong = {code.co_qualname: code for code in _codes(mutant.code())}
    before = [(function, function.__code__) for function in _functions(module)]
    try:
        for function, code in before:
            other = wrong.get(code.co_qualname)
            if other is not None and other != code:
                function.__code__ = other
        yield
    finally:
        for function, code in before:
            function.__code__ = code


def _codes(code: CodeType) -> Iterator[CodeType]:
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield each
            yield from _codes(each)


def _functions(module: ModuleType) -> Iterator[FunctionType]:
    """The functions of *module* and the methods of its classes, as they were written."""
    for holder in (module, *(each for each in vars(module).values() if isinstance(each, type))):
        if getattr(holder, "__module__", module.__name__) != module.__name__:
            continue
        for each in vars(holder).values():
            inner = getattr(each, "fget", None) or getattr(each, "__wrapped__", None) or each
            if isinstance(inner, FunctionType) and inner.__module__ == module.__name__:
                yield inner


def main() -> int:
    """Try them all; the exit status."""
    survived = 0
    for mutant in MUTANTS:
        found = convicted_by(mutant)
        survived += not found
        print(f"{'convicted' if found else 'SURVIVED '} {mutant.name}: {found}")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
