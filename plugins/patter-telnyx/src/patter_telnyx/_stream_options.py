"""The part of a request that makes Telnyx stream a call to us, in our format (pure)."""

from __future__ import annotations

import attrs

from patter_telnyx._state import ClientState

RATES = {"PCMU": 8_000, "L16": 16_000}
ANSWER_HZ = 8_000


@attrs.frozen
class StreamOptions:
    """Options of streams in *codec*."""

    codec: str

    def to(self, media_url: str) -> dict[str, object]:
        """The options that stream a call to *media_url*, both ways.

        The caller's track alone, and our audio for the caller alone, also in a transfer.
        """
        return {
            "stream_url": media_url,
            "stream_track": "inbound_track",
            "stream_codec": self.codec,
            "stream_bidirectional_mode": "rtp",
            "stream_bidirectional_codec": self.codec,
            "stream_bidirectional_sampling_rate": RATES[self.codec],
            "stream_bidirectional_target_legs": "self",
        }

    def answer(self, call_id: str, media_url: str) -> dict[str, object]:
        """The options of an answer to a call: with its stream at once, if that is possible.

        The answer command alone takes no sampling rate: its streams have 8 kHz. One of another
        rate is asked for when the call is up.
        """
        options = self.to(media_url)
        if options.pop("stream_bidirectional_sampling_rate") == ANSWER_HZ:
            return options
        return {"client_state": str(ClientState(call=call_id, unstreamed=True))}
