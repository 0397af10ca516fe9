"""ResponseOrder makes the promised order out of anything."""

from __future__ import annotations

import attrs
from hypothesis import given
from hypothesis import strategies as st

from patter.providers.engine_events import (
    CallerTurnEnded,
    EngineEvent,
    ResponseAudio,
    ResponseCause,
    ResponseDone,
    ResponseEvent,
    ResponseStarted,
    ResponseStatus,
    ResponseText,
    ResponseTruncated,
)
from patter.providers.response_order import ResponseOrder

CANCELLED, COMPLETED = ResponseStatus.CANCELLED, ResponseStatus.COMPLETED


def requests(order: ResponseOrder, *ids: str) -> None:
    for response_id in ids:
        order.request(response_id)


def feed(order: ResponseOrder, *events: EngineEvent) -> list[EngineEvent]:
    return [each for event in events for each in order.accept(event)]


def test_an_orderly_response_passes_unchanged() -> None:
    order = ResponseOrder()
    requests(order, "a")
    events: list[EngineEvent] = [ResponseStarted("a"), ResponseAudio("a", b"\1"), ResponseDone("a")]
    assert feed(order, *events) == events


def test_an_interrupt_ends_the_response_before_the_vendor_does() -> None:
    order = ResponseOrder()
    feed(order, ResponseStarted("a"))
    assert order.interrupt("a") == [ResponseDone("a", CANCELLED)]
    assert feed(order, ResponseAudio("a", b"\1"), ResponseDone("a", COMPLETED)) == []


def test_a_request_interrupted_while_another_runs_waits_for_its_place() -> None:
    order = ResponseOrder()
    requests(order, "a", "b")
    feed(order, ResponseStarted("a"))
    assert order.interrupt("b") == []
    ends = [ResponseDone("a"), ResponseStarted("b"), ResponseDone("b", CANCELLED)]
    assert feed(order, ResponseDone("a")) == ends
    assert feed(order, ResponseStarted("b"), ResponseDone("b")) == []
    following: list[EngineEvent] = [ResponseStarted("c"), ResponseDone("c")]
    assert feed(order, *following) == following, "it ended twice"


def test_a_request_that_a_silent_vendor_never_began_is_started_and_ended() -> None:
    order = ResponseOrder()
    requests(order, "a")
    assert order.interrupt("a") == [ResponseStarted("a"), ResponseDone("a", CANCELLED)]


def test_an_interrupt_of_what_is_over_or_unheard_of_changes_nothing() -> None:
    order = ResponseOrder()
    feed(order, ResponseStarted("a"), ResponseDone("a"))
    assert order.interrupt("a") == order.interrupt("never") == []


def test_audio_that_comes_before_its_start_is_started() -> None:
    order = ResponseOrder()
    requests(order, "a")
    audio = ResponseAudio("a", b"\1")
    assert feed(order, audio, ResponseStarted("a")) == [ResponseStarted("a"), audio]


def test_a_response_the_vendor_began_by_itself_answers_the_caller() -> None:
    text = ResponseText("x", "Hello.")
    assert feed(ResponseOrder(), text) == [ResponseStarted("x", ResponseCause.CALLER), text]


def test_a_request_keeps_its_cause() -> None:
    order = ResponseOrder()
    order.request("a", ResponseCause.GREETING)
    assert feed(order, ResponseStarted("a")) == [ResponseStarted("a", ResponseCause.GREETING)]


def test_a_response_the_vendor_never_ended_is_incomplete() -> None:
    order = ResponseOrder()
    events = feed(order, ResponseStarted("a"), ResponseStarted("b"))
    assert events[1] == ResponseDone("a", ResponseStatus.INCOMPLETE)


def test_a_truncation_is_confirmed_after_the_end_but_not_before_the_start() -> None:
    order, truncated = ResponseOrder(), ResponseTruncated("a", 240)
    assert feed(order, truncated) == []
    feed(order, ResponseStarted("a"), ResponseDone("a"))
    assert feed(order, truncated) == [truncated]


def test_events_about_the_caller_pass() -> None:
    assert feed(ResponseOrder(), CallerTurnEnded("i")) == [CallerTurnEnded("i")]


IDS = st.sampled_from("abc")
EVENTS = st.one_of(
    st.builds(ResponseStarted, IDS),
    st.builds(ResponseAudio, IDS, st.just(b"\1")),
    st.builds(ResponseText, IDS, st.just("x")),
    st.builds(ResponseDone, IDS),
    st.builds(ResponseTruncated, IDS, st.just(0)),
)


@attrs.frozen
class Request:
    """A request, which is made once an id."""

    response_id: str


@attrs.frozen
class Interrupt:
    """An interrupt."""

    response_id: str


STEPS = st.lists(st.one_of(EVENTS, st.builds(Request, IDS), st.builds(Interrupt, IDS)))


def play(steps: list[object]) -> tuple[list[ResponseEvent], set[str]]:
    """Everything reported, and which ids were requested."""
    order, reported, requested = ResponseOrder(), [], set[str]()
    seen: set[str] = set()
    for step in steps:
        response_id = step.response_id  # type: ignore[attr-defined]
        if isinstance(step, Request):
            if response_id not in seen:
                order.request(response_id)
                requested.add(response_id)
        elif isinstance(step, Interrupt):
            reported += order.interrupt(response_id)
        else:
            reported += order.accept(step)  # type: ignore[arg-type]
        seen.add(response_id)
    return [event for event in reported if isinstance(event, ResponseEvent)], requested


@given(STEPS)
def test_whatever_comes_each_response_starts_once_goes_on_alone_and_ends_once(
    steps: list[object],
) -> None:
    reported, _ = play(steps)
    active, over = "", set[str]()
    for event in reported:
        if isinstance(event, ResponseTruncated):
            assert event.response_id == active or event.response_id in over
        elif isinstance(event, ResponseStarted):
            assert not active and event.response_id not in over
            active = event.response_id
        else:
            assert event.response_id == active
        if isinstance(event, ResponseDone):
            over.add(active)
            active = ""


@given(STEPS)
def test_whatever_comes_an_interrupted_request_ends(steps: list[object]) -> None:
    _, requested = play(steps)
    reported, _ = play([*steps, *map(Interrupt, "abc")])
    ends = [event.response_id for event in reported if isinstance(event, ResponseDone)]
    assert requested <= set(ends)
