"""What the model and the tools of a record answered, as a model and tools that answer so again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import attrs

from patter.errors import PatterError
from patter.observe.events import CallEvent, Row, ToolRun, Turn
from patter.providers.llm import LLM, LLMChunk, LLMRequest, ToolRequest
from patter.tools.builtin import END_CALL
from patter.tools.tool import Tool
from patter_testing.fakes.llm import FakeLLM, Reply

UNKNOWN = "(The model was not asked this in the recorded call.)"
NOT_AGAIN = "not done: a replay does nothing twice, and the recorded call did not do this"


@attrs.define
class Answered:
    """One turn: what the caller said, at first and in the end, and what it was answered with."""

    turn: int
    words: list[str] = attrs.field(factory=list)
    rounds: list[list[ToolRun]] = attrs.field(factory=list)
    speech: list[str] = attrs.field(factory=list)
    first_ms: int = 0

    @property
    def runs(self) -> list[ToolRun]:
        """Its finished tools, in order."""
        return [run for each in self.rounds for run in each]

    @property
    def replies(self) -> list[Reply]:
        """A reply a round: the tools that were asked for, and then the words."""
        tool_rounds = [Reply(tools=tuple(map(_request, runs))) for runs in self.rounds]
        replies = [*tool_rounds, Reply(text=" ".join(self.speech))]
        return [attrs.evolve(replies[0], first_ms=float(self.first_ms)), *replies[1:]]


def answered(events: Iterable[CallEvent]) -> dict[int, Answered]:
    """The turns of a record, by number."""
    turns: dict[int, Answered] = {}
    pending: list[ToolRun] = []
    for event in events:
        match event:
            case Row(role="caller", turn=int(turn)):
                turns.setdefault(turn, Answered(turn)).words.append(event.text)
            case Row(role="agent", turn=int(turn)) if event.kind in ("", "answer"):
                whole = " ".join(filter(None, (event.text, event.unheard)))
                turns.setdefault(turn, Answered(turn)).speech += [whole] if whole else []
            case ToolRun(what="started"):
                pending.append(event)
            case ToolRun(turn=int(turn)):
                _finished(turns.setdefault(turn, Answered(turn)), event, pending)
            case Turn():
                answer = turns.setdefault(event.turn, Answered(event.turn))
                answer.first_ms = event.stages.get("llm", 0)
    return turns


def _finished(turn: Answered, run: ToolRun, pending: list[ToolRun]) -> None:
    """Add *run* to the round of those that ran beside it."""
    parallel = any(each.id != run.id for each in pending)
    began = [each for each in pending if each.id == run.id and each.name == run.name]
    for each in began[:1]:
        pending.remove(each)
    if parallel and turn.rounds and _overlaps(turn.rounds[-1], run):
        turn.rounds[-1].append(run)
    else:
        turn.rounds.append([run])


def _overlaps(runs: Sequence[ToolRun], run: ToolRun) -> bool:
    return run.at_ms - (run.took_ms or 0) < runs[-1].at_ms


def _request(run: ToolRun) -> ToolRequest:
    return ToolRequest(run.id or f"t{run.seq}", run.name, json.dumps(dict(run.arguments)))


@attrs.frozen
class RecordedLLM:
    """Answers as the model of the record did; what is asked is found by the caller's words."""

    turns: Mapping[int, Answered]
    model: str = "recorded"

    async def stream(self, request: LLMRequest) -> AsyncIterator[LLMChunk]:
        async for chunk in FakeLLM(answer=self.answer).stream(request):
            yield chunk

    def answer(self, request: LLMRequest) -> Reply:
        """The recorded reply to *request*."""
        places = [at for at, row in enumerate(request.messages) if row.role == "user"]
        turn = self._turn([request.messages[at].text for at in places])
        if turn is None:
            return Reply(text=UNKNOWN)
        after = request.messages[places[-1] :] if places else ()
        rounds = sum(1 for row in after if row.role == "assistant" and row.tool_calls)
        return turn.replies[min(rounds, len(turn.replies) - 1)]

    def _turn(self, texts: Sequence[str]) -> Answered | None:
        """The turn whose words were the last of *texts*: of several alike, the one at its place."""
        last = texts[-1] if texts else ""
        alike = [turn for turn in self.turns.values() if last in turn.words]
        if not alike:
            close = get_close_matches(
                last, [turn.words[-1] for turn in self.turns.values() if turn.words], 1
            )
            alike = [turn for turn in self.turns.values() if close and close[0] in turn.words]
        place = sum(1 for words in texts[:-1] if words == last)
        return alike[min(place, len(alike) - 1)] if alike else None


def recorded_tools(turns: Mapping[int, Answered]) -> tuple[Tool, ...]:
    """Every tool that the record ran, answering as it did."""
    runs = [run for turn in turns.values() for run in turn.runs]
    # The line is there to be ended again; whoever is not let go is asked whether they are there.
    names = dict.fromkeys(run.name for run in runs if run.name != END_CALL.name)
    return tuple(_tool(name, [run for run in runs if run.name == name]) for name in names)


def _tool(name: str, runs: Sequence[ToolRun]) -> Tool:
    effect: Any = runs[0].effect or "once"
    arguments = sorted({argument for run in runs for argument in run.arguments})
    schema = {"type": "object", "properties": {argument: {} for argument in arguments}}
    return Tool(name=name, parameters=schema, handler=as_recorded(runs), effect=effect)


def as_recorded(runs: Sequence[ToolRun]) -> Callable[..., Any]:
    """A handler that answers as the one of *runs* with the same arguments did."""
    left = list(runs)

    async def handler(**arguments: Any) -> str:
        run = next((run for run in left if dict(run.arguments) == arguments), None)
        if run is None:
            raise PatterError(NOT_AGAIN, fix="call the agent itself to have it done")
        if len([each for each in left if dict(each.arguments) == arguments]) > 1:
            left.remove(run)
        await asyncio.sleep((run.took_ms or 0) / 1_000)
        if run.ok is False:
            raise PatterError(run.result or "the tool failed", fix="see the recorded call")
        return run.result or ""

    return handler


if TYPE_CHECKING:
    _: type[LLM] = RecordedLLM
