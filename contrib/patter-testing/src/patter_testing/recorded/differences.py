"""Two lives of one call, turn by turn: other words, other deeds, another pace. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any, ClassVar, TypeAlias

import attrs

from patter.observe.events import CallEvent, Row, ToolRun, Turn
from patter.observe.metrics import stage_name
from patter.safe_text import one_line

REMADE = ("end", "llm", "tool", "text", "wait")
"""Stages that are lived through again; ears, voice and line are as they were."""
NOTICEABLE_MS = 50
CUT_MS = 150
"""A cut that is so much earlier or later is another one."""
STALE = "from here on the engine says what it said to another result, which may not fit"
WIDTH = 80


@attrs.define
class Lived:
    """One turn as it was."""

    turn: int
    caller: str = ""
    agent: list[str] = attrs.field(factory=list)
    cut: bool = False
    heard: list[str] = attrs.field(factory=list)
    lasted_ms: int = 0
    tools: list[str] = attrs.field(factory=list)
    results: list[str] = attrs.field(factory=list)
    gap_ms: int | None = None
    stages: Mapping[str, int] = attrs.field(factory=dict)

    @property
    def words(self) -> str:
        """What the agent said, heard or not."""
        return " ".join(" ".join(self.agent).split())


@attrs.frozen
class Difference:
    """In *turn* was *old* and is *new*; *what* is ``words``, ``tools`` or ``caller``.

    Of a call that an engine led it may be ``result``, of a tool, or ``cut``: what was heard of it.
    """

    turn: int
    what: str
    old: str
    new: str
    matters: ClassVar[bool] = True

    def value(self) -> dict[str, Any]:
        """As JSON has it."""
        return attrs.asdict(self)

    def __str__(self) -> str:
        return _line(self.turn, "DIFFERS", f"{self.old} -> {self.new}")


@attrs.frozen
class PaceChange:
    """The response latency of *turn* was *old_ms*, is *new_ms*, because of *stages*."""

    turn: int
    old_ms: int
    new_ms: int
    stages: Mapping[str, tuple[int, int]]
    what: ClassVar[str] = "gap"
    matters: ClassVar[bool] = False

    def value(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"what": self.what, **attrs.asdict(self, recurse=False)}

    def __str__(self) -> str:
        parts = ", ".join(
            f"{stage_name(stage)} {old} -> {new}" for stage, (old, new) in self.stages.items()
        )
        label = "faster" if self.new_ms < self.old_ms else "slower"
        return _line(self.turn, label, f"latency {self.old_ms} -> {self.new_ms} ({parts})")


@attrs.frozen
class Unfit:
    """From *turn* on the engine's recorded answers do not fit, for *why*; it *ends* there?"""

    turn: int
    why: str
    ends: bool = True
    what: ClassVar[str] = "engine"

    @property
    def matters(self) -> bool:
        """Is it a difference of its own?"""
        return self.ends

    def value(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"what": self.what, **attrs.asdict(self)}

    def __str__(self) -> str:
        return _line(self.turn, "ENDS" if self.ends else "note", self.why)


Finding: TypeAlias = Difference | PaceChange | Unfit


def lived(events: Iterable[CallEvent]) -> list[Lived]:
    """The turns of a call, in order; the greeting is turn 0."""
    turns: dict[int, Lived] = {}
    for event in events:
        match event:
            case Row(role="caller", turn=int(turn)):
                turns.setdefault(turn, Lived(turn)).caller = event.text
            case Row(role="agent", turn=int(turn)):
                its = turns.setdefault(turn, Lived(turn))
                its.agent += list(filter(None, (event.text, event.unheard)))
                its.cut = its.cut or bool(event.interrupted)
                its.heard.append(event.text)
                its.lasted_ms += event.at_ms - event.start_ms
            case ToolRun(what="finished", turn=int(turn)):
                its = turns.setdefault(turn, Lived(turn))
                its.tools.append(_call(event))
                its.results.append(f"{_call(event)}: {_result(event)}")
            case Turn():
                its = turns.setdefault(event.turn, Lived(event.turn))
                its.gap_ms, its.stages = event.gap_ms, event.stages
    return [turn for _, turn in sorted(turns.items())]


def differences(old: Sequence[CallEvent], new: Sequence[CallEvent]) -> list[Finding]:
    """How the call of *new* is another than that of *old*, in the order of its turns."""
    return _compared(lived(old), lived(new), _between)


def engine_differences(
    old: Sequence[CallEvent],
    new: Sequence[CallEvent],
    unfit: Unfit | None = None,
    unsaid: int | None = None,
) -> list[Finding]:
    """The same of a call that an engine led: what it says depends on nothing that may be new.

    So results of tools and the places where it was cut are compared, too. With *unfit* the new
    call ended there, in place of the old one's turn *unsaid*.
    """
    before, after = lived(old), lived(new)
    ends: list[Finding] = []
    if unfit is not None:
        was = [turn for turn in before if turn.turn == unsaid]
        now = [turn for turn in after if turn.turn == unfit.turn]
        before = [turn for turn in before if unsaid is None or turn.turn < unsaid]
        after = [turn for turn in after if turn.turn < unfit.turn]
        if _words(was) != _words(now):
            ends.append(Difference(unfit.turn, "caller", _words(was), _words(now)))
        ends.append(unfit)
    results = _compared(before, after, _between_engines)
    stale = [each for each in results if each.what in ("tools", "result")][:1]
    notes = [Unfit(each.turn, STALE, ends=False) for each in stale]
    return [*results, *notes, *ends]


def _compared(
    before: Sequence[Lived],
    after: Sequence[Lived],
    between: Callable[[Lived, Lived], Iterator[Finding]],
) -> list[Finding]:
    old_words, new_words = ([turn.caller for turn in turns] for turns in (before, after))
    matcher = SequenceMatcher(None, old_words, new_words, autojunk=False)
    different: list[Finding] = []
    for what, a, b, c, d in matcher.get_opcodes():
        if what == "equal" or b - a == d - c:
            for one, two in zip(before[a:b], after[c:d], strict=True):
                different += between(one, two)
        else:
            turn = before[a].turn if a < len(before) else after[c].turn
            different.append(Difference(turn, "caller", _words(before[a:b]), _words(after[c:d])))
    return different


def _words(turns: Sequence[Lived]) -> str:
    return " / ".join(f'"{turn.caller}"' for turn in turns) or "nothing"


def _between_engines(old: Lived, new: Lived) -> Iterator[Finding]:
    results = list(_between(old, new))
    yield from results
    if old.tools == new.tools and old.results != new.results:
        pairs = zip(old.results, new.results, strict=True)
        yield Difference(old.turn, "result", *next(pair for pair in pairs if pair[0] != pair[1]))
    if any(each.what == "words" for each in results):
        return
    moved = old.cut and new.cut and abs(old.lasted_ms - new.lasted_ms) >= CUT_MS
    if old.cut != new.cut or moved:
        yield Difference(old.turn, "cut", _heard(old), _heard(new))


def _between(old: Lived, new: Lived) -> Iterator[Finding]:
    if old.caller != new.caller:
        yield Difference(old.turn, "caller", _words([old]), _words([new]))
    if old.tools != new.tools:
        tools = [", ".join(turn.tools) or "no tool" for turn in (old, new)]
        yield Difference(old.turn, "tools", *tools)
    if not _same_words(old, new):
        yield Difference(old.turn, "words", f'"{old.words}"', f'"{new.words}"')
    if (pace := _pace(old, new)) is not None:
        yield pace


def _heard(turn: Lived) -> str:
    heard = " ".join(" ".join(turn.heard).split())
    return f'cut after "{heard}"' if turn.cut else "heard to its end"


def _same_words(old: Lived, new: Lived) -> bool:
    """Did the agent say the same? Of what was cut off, only as much as was made can be compared."""
    if old.words == new.words:
        return True
    shorter, longer = sorted((old, new), key=lambda turn: len(turn.words))
    return shorter.cut and bool(shorter.words) and longer.words.startswith(shorter.words)


def _pace(old: Lived, new: Lived) -> PaceChange | None:
    """The change of pace, of the stages that were lived through again."""
    if old.gap_ms is None or new.gap_ms is None:
        return None
    both = {stage: (old.stages.get(stage, 0), new.stages.get(stage, 0)) for stage in REMADE}
    changed = {stage: ms for stage, ms in both.items() if abs(ms[1] - ms[0]) >= NOTICEABLE_MS}
    by_ms = sum(after - before for before, after in changed.values())
    if abs(by_ms) < NOTICEABLE_MS:
        return None
    return PaceChange(old.turn, old.gap_ms, old.gap_ms + by_ms, changed)


def _line(turn: int, label: str, text: str) -> str:
    head = f"turn {turn}  {label:<8} "
    lines = textwrap.wrap(one_line(text), WIDTH - len(head), break_on_hyphens=False)
    return "\n".join([head + lines[0], *(" " * len(head) + line for line in lines[1:])])


def _call(run: ToolRun) -> str:
    arguments = ", ".join(f"{name}={value!r}" for name, value in run.arguments.items())
    return f"{run.name}({arguments})"


def _result(run: ToolRun) -> str:
    """What a tool said; why one failed is told in other words each time."""
    return "failed" if run.ok is False else repr(run.result)
