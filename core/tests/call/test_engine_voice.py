"""The speaking half of an engine, asked while its connection goes."""

from __future__ import annotations

from typing import Any

import pytest

from patter.call.engine_voice import EngineVoice
from patter.errors import PatterConnectionError
from patter.observe.call_events import CallEvents

pytestmark = pytest.mark.virtual_time


def voice() -> EngineVoice:
    return EngineVoice(
        name="fake",
        events=CallEvents("lab", lambda: 0),
        wait_ms=100,
        model_ms=100,
        on_answer=lambda: None,
        on_interrupted=lambda _: None,
    )


async def test_whoever_asks_a_session_that_ends_for_good_learns_what_that_answered() -> None:
    speaking = voice()

    class Gone:
        async def respond(self) -> str:
            holding.__exit__(None, None, None)
            speaking.give_up()
            raise PatterConnectionError("the socket is closed", fix="wait")

    session: Any = Gone()
    holding = speaking.using(session, lambda: None)
    holding.__enter__()
    with pytest.raises(PatterConnectionError, match="the socket is closed"):
        await speaking.respond()
