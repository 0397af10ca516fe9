"""LMNT's voice over a speech session: one WebSocket for a call."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import attrs

from patter.audio.formats import AudioFormat
from patter.errors import PatterConfigError
from patter.providers.context import CallContext
from patter.vendors.options import switch
from patter_lmnt import _wire
from patter_lmnt._options import VoiceOptions
from patter_lmnt._session import LMNTSpeechSession, Voice

if TYPE_CHECKING:
    from patter.providers.tts import TTS

_HTTP_ALONE = ("model", "temperature", "top_p")
"""What the first message of a session has no field for; each has the value that LMNT takes."""


@attrs.frozen(kw_only=True)
class LMNTTTS(VoiceOptions):
    """A voice that speaks while a reply is still being written. Immutable: share it.

    What both classes take is in `VoiceOptions`. A session speaks with LMNT's own model,
    temperature and top_p; others are for `LMNTRestTTS`. *return_timestamps*: words are timed.

    Raises PatterConfigError for a value that LMNT would refuse, or would not be told.
    """

    return_timestamps: bool = switch(True)

    def __attrs_post_init__(self) -> None:
        VoiceOptions.__attrs_post_init__(self)
        fields = attrs.fields_dict(VoiceOptions)
        for name in _HTTP_ALONE:
            if (value := getattr(self, name)) != fields[name].default:
                raise PatterConfigError(
                    f"a speech session of LMNT takes no {name} ({value!r})",
                    fix=f"leave {name} out, or use LMNTRestTTS (lmnt-rest)",
                )

    @asynccontextmanager
    async def open(self, call: CallContext, audio: AudioFormat) -> AsyncIterator[LMNTSpeechSession]:
        """Connect, and yield a voice that keeps its connection between replies.

        Raises PatterError when LMNT refuses the key or the voice, or cannot be reached.
        """
        voice = Voice(
            base_url=self.base_url,
            init=_wire.init(
                self.api_key, self.voice, audio, self.language, timestamps=self.return_timestamps
            ),
            key=self.api_key,
            timeout_ms=self.timeout_ms,
        )
        async with LMNTSpeechSession(call.clock, voice, audio).open() as session:
            yield session


if TYPE_CHECKING:
    _: type[TTS] = LMNTTTS
