"""Listening in on a call: both its sides, as a recording has them, while somebody wants to hear.

Nobody who listens holds the call up: a listener is called as audio goes by, must return at once,
and is dropped when it fails. A call that nobody listens to pays nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import attrs

from patter.audio.formats import AudioFormat
from patter.observe.sensitivity import LATE_MS

if TYPE_CHECKING:
    from patter.call.pipeline import Pipeline

log = logging.getLogger("patter.call")


class AudioListener(Protocol):
    """Hears a call. *at_ms* is on the call's clock, *audio* in the format of its leg."""

    def caller(self, at_ms: float, audio: bytes) -> None:
        """What the caller said, from *at_ms* on; what is sensitive is left out."""
        ...

    def agent(self, at_ms: float, audio: bytes) -> None:
        """What the caller will hear of the agent, from *at_ms* on."""
        ...

    def agent_cut(self, at_ms: float) -> None:
        """Nothing of the agent's audio from *at_ms* on is played after all."""
        ...


@contextmanager
def listening(pipe: Pipeline, listener: AudioListener) -> Iterator[AudioFormat]:
    """Let *listener* hear the call of *pipe* while inside; the format of what it hears."""
    ear = _Ear(listener)
    audio_in, sender = pipe.audio_in, pipe.sender
    sensitivity, now_ms = pipe.events.sensitivity, pipe.events.now_ms

    def caller(at_ms: float, audio: bytes) -> None:
        # A line may bring late what was said in a section.
        if not sensitivity.hides_audio(now_ms(), LATE_MS):
            listener.caller(at_ms, audio)

    def agent(at_ms: float, audio: bytes) -> None:
        if not sensitivity.hides_audio(now_ms()):
            listener.agent(at_ms, audio)

    heard = pipe.control.without_keys(ear.guarded(caller))
    audio_in.on_audio = (*audio_in.on_audio, heard)
    sent, cut = ear.guarded(agent), ear.guarded(listener.agent_cut)
    sender.on_sent.append(sent)
    sender.on_cut.append(cut)
    try:
        yield audio_in.audio
    finally:
        ear.open = False
        sender.on_sent.remove(sent)
        sender.on_cut.remove(cut)
        audio_in.on_audio = tuple(each for each in audio_in.on_audio if each is not heard)


@attrs.define(eq=False)
class _Ear:
    """Whether a listener still hears."""

    listener: AudioListener
    open: bool = True

    def guarded(self, take: Callable[..., None]) -> Callable[..., None]:
        """*take*, which is not called any more once one of its listener's functions failed."""

        def taken(*what: Any) -> None:
            if not self.open:
                return
            try:
                take(*what)
            except Exception:
                self.open = False
                log.exception("%r failed to listen and is dropped", self.listener)

        return taken
