"""A fault run that sees: each of these mistakes in the product is found by its audit."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from patter.call.history import History
from patter.call.session import CallSession
from patter.call.stt_link import STTLink
from patter.carriers.media_socket import SocketLeg
from patter.observe.call_log import CallLogWriter
from patter.observe.events import CallEvent, Row
from patter.observe.recorder import WavRecorder
from patter_softphone.leg import SoftphoneLeg
from patter_testing.doubles.faults import Faults

from . import audit, machine
from .day import day
from .softphones import softphone_day

FINE = Faults()
NAMES = ["in talks", "out talks"] * 3
SEED = 11
RANDOM = Random(SEED)

pytestmark = pytest.mark.patter_timeout(60)


def send(change: Callable[[SocketLeg, bytes], bytes]) -> tuple[type, str, Callable[[Any], Any]]:
    """What goes to the carrier is changed."""

    def made(right: Any) -> Any:
        async def wrong(leg: SocketLeg, audio: bytes) -> None:
            if changed := change(leg, audio):
                await right(leg, changed)

        return wrong

    return SocketLeg, "send", made


def of_another(keep: dict[object, bytes]) -> Callable[[Any, bytes], bytes]:
    """The audio of another call, once there is some."""

    def change(who: object, audio: bytes) -> bytes:
        keep[who] = audio
        others = [each for other, each in keep.items() if other is not who]
        return others[-1] if others else audio

    return change


def lost() -> Callable[[Any, bytes], bytes]:
    """Every third piece is lost."""
    count = 0

    def change(_: object, audio: bytes) -> bytes:
        nonlocal count
        count += 1
        return b"" if count % 3 == 0 else audio

    return change


def before(act: Callable[..., object]) -> Callable[[Any], Any]:
    """Do *act*, with the same arguments, before what is right."""

    def made(right: Any) -> Any:
        def wrong(*args: Any, **named: Any) -> Any:
            act(*args)
            return right(*args, **named)

        return wrong

    return made


def changed(change: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    """The first argument, of what belongs to the first, is changed; nothing is done with None."""

    def made(right: Any) -> Any:
        def wrong(who: Any, what: Any, *more: Any) -> Any:
            new = change(who, what)
            return None if new is None else right(who, new, *more)

        return wrong

    return made


def words_of_another(keep: dict[object, Row]) -> Callable[[Any, CallEvent], CallEvent]:
    """The row of another call."""

    def change(who: object, event: CallEvent) -> CallEvent:
        if not isinstance(event, Row):
            return event
        keep[who] = event
        others = [each for other, each in keep.items() if other is not who and each.text]
        return others[-1] if others else event

    return change


ELSEWHERE = "heard"
"""Of what was heard, whatever is wrong with it."""

leaked: list[bytes] = []
log = logging.getLogger("patter.mutant")
MUTANTS: dict[str, tuple[tuple[type, str, Callable[[Any], Any]], str]] = {
    "audio of one call in another": (send(of_another({})), ELSEWHERE),
    "audio replaced by noise": (
        send(lambda _, audio: bytes(RANDOM.randrange(0x21, 0x7E) for _ in audio)),
        "letters were heard",
    ),
    "every third piece lost": (send(lost()), "letters were heard"),
    "everything said twice": (send(lambda _, audio: audio + audio), ELSEWHERE),
    "a loop blocked 0.7 s": (
        (CallSession, "attach", before(lambda *_: time.sleep(0.7))),
        "stood still",
    ),
    "records without rows": (
        (
            CallLogWriter,
            "note",
            changed(lambda _, event: None if isinstance(event, Row) else event),
        ),
        "there are 0 rows",
    ),
    "another call's words in a record": (
        (CallLogWriter, "note", changed(words_of_another({}))),
        "words of others",
    ),
    "300 KB leaked a chunk": (
        (SocketLeg, "_decoded", before(lambda *_: leaked.append(RANDOM.randbytes(300_000)))),
        "memory grew",
    ),
    "another's voice to the recogniser": (
        (STTLink, "send", changed(of_another({}))),
        "tones of others",
    ),
    "noise to the recogniser": (
        (STTLink, "send", changed(lambda _, audio: RANDOM.randbytes(len(audio)))),
        "tones of others",
    ),
    "an agent that is not recorded": (
        (WavRecorder, "agent", lambda _: lambda *_: None),
        "recording is silent",
    ),
    "a failure that nobody sees": (
        (History, "add", before(lambda *_: log.exception("swallowed"))),
        "it was logged",
    ),
}


@pytest.mark.parametrize("name", MUTANTS)
async def test_this_mistake_is_found(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place, attribute, made), words = MUTANTS[name]
    monkeypatch.setattr(place, attribute, made(getattr(place, attribute)))
    try:
        found = await day("twilio", NAMES, SEED, tmp_path / "log", faults=FINE, patient=False)
    finally:
        leaked.clear()
    assert any(words in problem for problem in found.problems), found.problems


async def test_without_a_mistake_nothing_is_found(tmp_path: Path) -> None:
    found = await day("twilio", NAMES, SEED, tmp_path / "log", faults=FINE, patient=False)
    assert found.problems == ()


@pytest.mark.parametrize(
    ("name", "words"),
    [("audio of one call in another", "Timeout"), ("noise to the recogniser", "tones of others")],
)
async def test_this_mistake_is_found_by_people_who_call_from_a_page(
    name: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place, attribute, made), _ = MUTANTS[name]
    place = SoftphoneLeg if place is SocketLeg else place
    monkeypatch.setattr(place, attribute, made(getattr(place, attribute)))
    found = await softphone_day(6, SEED, tmp_path / "log")
    assert any(words in problem for problem in found.problems), found.problems


async def test_a_record_that_no_start_finishes_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "finish_abandoned", lambda _: [])
    monkeypatch.setattr(machine, "CALM_S", (0.1, 0.2))
    found = await day(
        "twilio", NAMES, SEED, tmp_path / "log", faults=FINE, patient=False, machine=True
    )
    assert any("is not finished" in problem for problem in found.problems)
