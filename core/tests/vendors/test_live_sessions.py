"""A session is found for as long as its call is up."""

from __future__ import annotations

import pytest

from patter.errors import CallStateError
from patter.vendors.live_sessions import LiveSessions


def test_a_session_is_found_while_its_call_is_up() -> None:
    sessions = LiveSessions[str]("Parrot")
    with sessions.holding("wss://a", "c1", "mine"):
        assert sessions.of("wss://a", "c1") == "mine"
        for url, call_id in (("wss://b", "c1"), ("wss://a", "c2")):
            with pytest.raises(CallStateError, match="Parrot"):
                sessions.of(url, call_id)
    with pytest.raises(CallStateError):
        sessions.of("wss://a", "c1")


def test_a_session_that_replaced_another_stays_when_that_one_ends() -> None:
    sessions = LiveSessions[str]("Parrot")
    first = sessions.holding("wss://a", "c1", "first")
    first.__enter__()
    with sessions.holding("wss://a", "c1", "second"):
        first.__exit__(None, None, None)
        assert sessions.of("wss://a", "c1") == "second"
