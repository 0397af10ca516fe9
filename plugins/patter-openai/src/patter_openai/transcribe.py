"""Speech to text over a transcription session of the Realtime API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import attrs

from patter.audio.formats import AudioFormat
from patter_openai._transcribe_settings import TranscribeSettings
from patter_openai._transcription_session import TranscriptionSession, opened

if TYPE_CHECKING:
    from patter.providers.context import CallContext
    from patter.providers.stt import STT


@attrs.frozen(kw_only=True)
class OpenAITranscribeSTT(TranscribeSettings):
    """A recogniser with these settings. Immutable: share it between any number of calls."""

    @asynccontextmanager
    async def open(
        self, call: CallContext, audio: AudioFormat
    ) -> AsyncIterator[TranscriptionSession]:
        """Connect for one call, and wait until OpenAI has the settings."""
        del call
        async with opened(self, audio) as session:
            yield session


if TYPE_CHECKING:
    _: type[STT] = OpenAITranscribeSTT
