"""Whatever an agent sends, in whatever order: the order of its responses is kept."""

from __future__ import annotations

from typing import Any

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from patter.providers.engine_events import (
    EngineEvent,
    ResponseAudio,
    ResponseDone,
    ResponseEvent,
    ResponseStarted,
    ResponseTruncated,
)
from patter_elevenlabs import _convai_wire as wire

from .convai_bench import ANSWER_MS, SOUND, Bench

ACTIONS = st.one_of(
    st.tuples(st.just("audio"), st.integers(-2, 3)),
    st.tuples(st.just("said"), st.sampled_from(["One.", "Two."])),
    st.tuples(st.just("part"), st.booleans()),
    st.tuples(st.just("heard"), st.sampled_from(["hi", "...", "do 0"])),
    st.tuples(st.just("tentative"), st.just("h")),
    st.tuples(st.just("score"), st.floats(0, 1)),
    st.tuples(st.just("tool"), st.booleans()),
    st.tuples(st.just("result"), st.integers(0, 5)),
    st.tuples(st.just("failed"), st.integers(0, 5)),
    st.tuples(st.just("interruption"), st.integers(-2, 1)),
    st.tuples(st.just("correction"), st.sampled_from(["One.", "Two.", ""])),
    st.tuples(st.just("complete"), st.integers(-2, 1)),
    st.tuples(st.just("request"), st.just(0)),
    st.tuples(st.just("interrupt"), st.integers(0, 5)),
    st.tuples(st.just("wait"), st.sampled_from([1, 100, 499, 600, 2_000, 21_000])),
)


@attrs.define
class Storm(Bench):
    """A vendor that sends anything in any order, and a call that does."""

    requested: list[str] = attrs.field(factory=list)
    tools: int = 0
    greets: bool = False

    def act(self, action: str, value: Any) -> None:
        number = max(1, self.number() + (value if isinstance(value, int) else 0))
        match action:
            case "audio":
                self.take(wire.Audio(number, SOUND))
            case "said":
                self.said(value)
            case "part":
                self.take(wire.Part("x", self.next_id, begins=value))
            case "heard" | "tentative":
                self.take(wire.Heard(value, self.next_id, tentative=action == "tentative"))
            case "score":
                self.take(wire.Score(value))
            case "tool":
                self.tools += 1
                self.tool(f"t{self.tools}", answered=value)
            case "result":
                if self.talk.waits_for(f"t{value}"):
                    self.result(f"t{value}")
            case "failed":
                self.take(wire.ToolFailed(f"t{value}"))
            case "interruption":
                self.take(wire.Interruption(number))
            case "correction":
                self.take(wire.Correction(value, ""))
            case "complete":
                self.take(wire.Complete(number))
            case "request":
                self.requested.append(self.talk.request(f"do {len(self.requested)}"))
            case "interrupt":
                self.interrupt(f"response-{value}")
            case "wait":
                self.wait(value)
        self.send()


@settings(max_examples=200, deadline=None)
@given(st.lists(ACTIONS, max_size=40), st.booleans())
def test_whatever_comes_the_order_is_kept_and_every_request_is_answered(
    actions: list[tuple[str, Any]], greets: bool
) -> None:
    storm = Storm()
    if greets:
        storm.talk.expect_greeting(storm.now_ms)
    for action in actions:
        storm.act(*action)
    for _ in range(2 * len(actions) + 2):
        storm.wait(ANSWER_MS + 1)
        storm.send()
    assert storm.talk.due_ms is None and not storm.talk.has_request
    check_order(storm.events)
    done = {each.response_id for each in storm.events if isinstance(each, ResponseDone)}
    assert set(storm.requested) <= done


def check_order(events: list[EngineEvent]) -> None:
    """Fail unless *events* keep the guarantees of `patter.providers.engine_events`."""
    active, started, sounded = "", set(), set()
    for event in events:
        if not isinstance(event, ResponseEvent):
            continue
        name = event.response_id
        match event:
            case ResponseStarted():
                assert not active and name not in started, f"{event} while {active!r} runs"
                active = name
                started.add(name)
            case ResponseTruncated():
                assert name in sounded, f"{event}, which had no audio"
            case _:
                assert name == active, f"{event} while {active!r} runs"
        if isinstance(event, ResponseAudio):
            sounded.add(name)
        if isinstance(event, ResponseDone):
            active = ""
    assert not active, f"{active} has no end"
