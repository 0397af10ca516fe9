"""The header that LMNT's mu-law comes with, taken off as it streams (pure).

The documentation and lmnt 2.13 call ``ulaw`` "G711 with a WAV header". Whether each sentence has
one, or the first, is not said, so every beginning is looked at.
"""

from __future__ import annotations

import attrs

from patter_lmnt._errors import ERRORS

RIFF, WAVE, DATA = b"RIFF", b"WAVE", b"data"
FIRST_CHUNK = 12
MOST_HEADER = 4_096
"""A header of streamed audio has 44 to 100 bytes."""


@attrs.define
class WavHeader:
    """The beginning of a stream of audio, which may be a WAV header, in any pieces."""

    _held: bytes = attrs.field(default=b"", init=False)
    _over: bool = attrs.field(default=False, init=False)

    def strip(self, chunk: bytes) -> bytes:
        """What of *chunk*, and of what was held back before it, is audio.

        Raises ProviderError for a header without audio behind it.
        """
        if self._over:
            return chunk
        self._held += chunk
        at = self._audio_at(self._held)
        if at is None:
            return b""
        audio, self._held, self._over = self._held[at:], b"", True
        return audio

    @staticmethod
    def _audio_at(stream: bytes) -> int | None:
        """Where the audio of *stream* begins; None if more of it has to be seen."""
        if not _may_be_wav(stream):
            return 0
        at = FIRST_CHUNK
        while len(stream) >= at + 8:
            name, size = stream[at : at + 4], int.from_bytes(stream[at + 4 : at + 8], "little")
            if name == DATA:
                return at + 8
            # Chunks have even sizes.
            at += 8 + size + size % 2
            if at > MOST_HEADER:
                raise ERRORS.garbled(stream[:40])
        return None


def _may_be_wav(stream: bytes) -> bool:
    """Does *stream*, as far as it is there, begin as a WAV file does?"""
    head, form = stream[:4], stream[8:FIRST_CHUNK]
    return RIFF.startswith(head) and WAVE.startswith(form)
