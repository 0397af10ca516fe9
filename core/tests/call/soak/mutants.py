"""Mistakes that a call can be heard to make, each one line away from the product.

`python -m core.tests.call.soak.mutants` tries them all; what survives is a hole in the soak.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType, FunctionType, ModuleType

from ..mutant import CALL, Mutant
from .draw import draw
from .judge import problems
from .late_mutants import LATE
from .script import script
from .soak import LIVED, Drawing, judged
from .world import live

CALLS = 250
"""So many calls a mistake has to survive."""


MUTANTS = (
    Mutant(
        "who hangs up while it is connected leaves a connection behind",
        "held_scope",
        "            self._user = None\n            self.release()\n",
        "",
        """
        given rings=20
        stt opens=3500
        200 caller hangs
        """,
    ),
    Mutant(
        "the turn of a cough takes the words of the next turn",
        "turn.on_caller",
        "s.rules.needs_words or not s.wordless",
        "s.rules.needs_words or not s.turn or s.committed",
        """
        given engine
        ~500 caller coughs
        ~900 caller says "early friday invoice" ms=1800 leaves=1500
        """,
    ),
    Mutant(
        "an engine's late words are taken for those of the next turn",
        "engine_ears",
        "if words and before != item:",
        "if False:",
        """
        given engine
        ~900 caller says smoking final=1600
        ^200 caller says subscribe
        """,
    ),
    Mutant(
        "who waits for a slow engine is told nothing",
        "engine_answer",
        "await self.speaker.fill_again(self.utterance)",
        "self._cut = False",
        """
        given engine
        ~500 caller says camera
             model first=20000 times=9
        """,
    ),
    Mutant(
        "an engine is asked for a filler and the answer at once",
        "engine_speaker",
        "if self._playing or self.requests.asking:",
        "if self._playing < 0:",
        """
        given engine
        300  caller says "quiet window"
             model first=8000
        5500 stt dies
        """,
    ),
    Mutant(
        "an engine that is lost with its task is not connected again",
        "held_scope",
        "            user.uncancel()\n",
        "",
        """
        given rings=3000 engine
        ~500 caller coughs
        7000 stt dies
        """,
    ),
    Mutant(
        "what was not final is not said to the next recogniser",
        "stt_link",
        "return replay[::-1]",
        "return []",
        """
        ~600 caller says "are you open today" ms=1600 dies=700
        """,
    ),
    Mutant(
        "what was final is said to the next recogniser again",
        "stt_link",
        "if self.audio.ms_in(start) <= self._final_ms:",
        "if start <= 0:",
        """
        ~600 caller says early ms=400
        4000 stt dies away=1000
        """,
    ),
    Mutant(
        "a voice is taken for noise while no recogniser is connected",
        "turn.on_caller",
        'if "voice" in tx.timers:\n        await_new_words',
        "if False:\n        await_new_words",
        """
        100  caller says "speech umbrella price remind address" ms=9460
        7000 stt dies away=1000
        """,
    ),
    Mutant(
        "what a recogniser told last before it was lost is replaced",
        "turn.on_caller",
        "if unheard and not shares(s.interim, text):",
        "if False:",
        """
        8000  stt dies
        ~1500 caller says "cancel subscribe stage" final=3000
        ^200  caller says "coffee birthday group thing" ms=1600
        """,
    ),
    Mutant(
        "what was said before the agent was heard is ignored",
        "turn.on_caller",
        " or _was_said_before(tx.state, event)",
        "",
        """
             given barge_in_threshold_ms=0
             stt final=600
             voice dead=600
        600  caller says "near name friday garden"
        ^500 caller says "soup speech vegan"
        ~900 caller says gift
        """,
    ),
    Mutant(
        "a late word puts off the news of a tool",
        "turn.on_caller",
        "return None if due_ms is None else due_ms - tx.now",
        "return None",
        """
              given filler_ms=1200
        60    caller says "remind stairs vegan"
              model tool=book:2000:hangs
        ~1500 caller says dinner final=3000
        """,
    ),
    Mutant(
        "a second outage of a voice is in no record",
        "link",
        "(first or self._failures <= self.rules.retries)",
        "self._failures <= self.rules.retries",
        """
             voice first=500 dead=1200
             voice 2 stalls=0
        ~200 caller waits ms=40000
        """,
    ),
    Mutant(
        "words that the next recogniser hears again are new ones",
        "turn.words",
        "if event.heard_from_ms is None:",
        "if True:",
        """
        ~500 caller says "window candle" final=never
        ~900 caller says remind dies=0
        """,
    ),
    Mutant(
        "a voice that is asked again is not told what it was asked",
        "tts_link",
        "for sentence in list(self.reply.unspoken):",
        "for sentence in list(self.reply.unspoken)[1:]:",
        """
        voice 2 raises=0
        ~600 caller says "are you open" ms=900
        """,
    ),
    Mutant(
        "a voice that broke in the middle is asked for all of it again",
        "tts_link",
        "self.unspoken = rest",
        "self.unspoken = list(self.unspoken)",
        """
        voice 2 raises=1
        ~600 caller says "are you open" ms=900
             model says=3
        """,
    ),
    Mutant(
        "what a lost leg had not played is not sent again",
        "playout.gate",
        "self._waiting.put_back(self._unheard.take(size))",
        "self._unheard.take(size)",
        """
        given reconnects
        ~600 caller says "are you open" ms=900
             model says=3
        ^900 leg lost ms=1000
        """,
    ),
    Mutant(
        "a cut row holds what was sent",
        "turn_recorder",
        "heard = part.heard_text if part else text",
        'heard = f"{part.heard_text} {part.unheard_text}".strip() if part else text',
        """
        ~600 caller says "are you open" ms=900
             model says=3
        ^900 caller says "stop that please" ms=900
        """,
    ),
    Mutant(
        "the greeting is forgotten in the history",
        "history",
        "        self.rows.append(row)\n        del",
        "        if self.rows:\n            self.rows.append(row)\n        del",
        """
        ~600 caller says "are you open" ms=900
        """,
    ),
    Mutant(
        "who hangs up cancels a booking",
        "toolbox",
        'if tool.effect != "once":\n                task.cancel()',
        "if tool.effect:\n                task.cancel()",
        """
        ~600  caller says "book it please" ms=900
              model tool=book:6000 lead=1
        +3000 caller hangs
        """,
    ),
    Mutant(
        "nothing new is said after a hold",
        "playout.gate",
        "        self.held = self.held and epoch != self.gate",
        "        self.held = self.held and epoch == self.gate",
        """
        ~600 caller says "are you open" ms=900
        ^900 caller coughs ms=300
        """,
    ),
    Mutant(
        "a final that is told twice is taken twice",
        "turn.words",
        "return event.final and is_repeated and not _has_time_for(state, event)",
        "return False",
        """
        ~600 caller says book ms=400 twice=100
        """,
    ),
    Mutant(
        "a voice that is too short to say so much may have said it",
        "turn.words",
        "least_ms = SHORT_WORD_MS * len(event.text.split())",
        "least_ms = 0",
        """
        ~600 caller says water ms=300 twice=1200
        ^40  caller coughs ms=120
        """,
    ),
    Mutant(
        "a transfer that failed is not told",
        "session",
        'self.post(TransferFailed(self.now_ms(), "the carrier would not transfer the call"))',
        "pass",
        """
        given tells
        2500 app transfers
             carrier refuses
        """,
    ),
    *LATE,
)


def broken_rules(mutant: Mutant) -> set[str]:
    """The rules that its own call breaks with *mutant* in place, and not without."""
    before = problems(live(script(mutant.call)))
    with broken(mutant):
        try:
            return {*problems(live(script(mutant.call)))} - {*before}
        except Exception:
            return {LIVED}


def convicted_by(mutant: Mutant, calls: int = CALLS, drawn: Drawing = draw) -> str:
    """The first random call that breaks a rule with *mutant* in place only; '' if none does."""
    for seed in range(calls):
        if new := new_rules(mutant, seed, drawn):
            return f"{new[0]}, call {seed}"
    return ""


def new_rules(mutant: Mutant, seed: int, drawn: Drawing) -> list[str]:
    """The rules that the call of *seed* breaks with *mutant* in place, and not without."""
    with broken(mutant):
        wrong = {each.rule for each in judged(seed, drawn)}
    return sorted(wrong - {each.rule for each in judged(seed, drawn)}) if wrong else []


@contextmanager
def broken(mutant: Mutant) -> Iterator[None]:
    """The mistake, in the code of the functions that are loaded."""
    module = importlib.import_module(f"{CALL}.{mutant.module}")
    wrong = {
        code.co_qualname: code
        for code in _codes(compile(mutant.source(), str(mutant.path), "exec"))
    }
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
