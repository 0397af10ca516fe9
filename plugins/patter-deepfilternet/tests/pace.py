"""Audio at the pace of the thread that works on it, for tests that have no time for a call's."""

from __future__ import annotations

from typing import Any

import attrs

from patter.audio.formats import AudioFormat
from patter_deepfilternet import DeepFilterNetFilter
from patter_deepfilternet.audio_filter import DeepFilterNetSession


@attrs.frozen(eq=False)
class PacedSession:
    """*session*, each of whose pieces is done before the next comes."""

    session: DeepFilterNetSession

    def process(self, audio: bytes) -> bytes:
        done = self.session.process(audio)
        self.session._thread.submit(int).result(20)
        return done


@attrs.frozen
class PacedFilter:
    """*real*, with `PacedSession`s."""

    real: DeepFilterNetFilter

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    @property
    def accepts(self) -> tuple[AudioFormat, ...]:
        return self.real.accepts

    def start(self, audio: AudioFormat) -> PacedSession:
        return PacedSession(self.real.start(audio))
