"""An agent that does not go on after a tool's result, without a socket."""

from __future__ import annotations

from patter.errors import ErrorCode
from patter.providers.engine_events import (
    ResponseCause,
    ResponseDone,
    ResponseStarted,
    ResponseStatus,
)

from .convai_bench import ANSWER_MS, Bench, dones, kinds


def test_the_answer_to_a_tool_that_never_comes_has_failed() -> None:
    bench = Bench()
    bench.heard()
    bench.tool()
    bench.result()
    assert bench.wait(ANSWER_MS - 1) == []
    started, done = bench.wait(1)
    assert started == ResponseStarted("response-2", ResponseCause.TOOL)
    assert isinstance(done, ResponseDone) and done.status is ResponseStatus.FAILED
    assert done.error is not None and done.error.code is ErrorCode.TIMEOUT
    assert bench.wait(ANSWER_MS) == [], "it has failed once"
    assert bench.audio()[0] == ResponseStarted("response-3", ResponseCause.CALLER)


def test_the_answer_to_a_tool_fails_after_what_is_being_said() -> None:
    bench = Bench()
    bench.heard()
    bench.tool()
    bench.wait(500)
    bench.audio()
    bench.result()
    while bench.now_ms < 1_000 + ANSWER_MS + 1_000:
        assert "ResponseDone" not in kinds(bench.wait(400))
        bench.audio()
    assert dones(bench.wait(1_000)) == [
        ("response-2", ResponseStatus.COMPLETED),
        ("response-3", ResponseStatus.FAILED),
    ]
