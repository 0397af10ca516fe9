"""The part of a request that makes Telnyx stream a call to us, in our format (pure)."""

from __future__ import annotations

import attrs

from patter_telnyx._state import ClientState

RATES = {"PCMU": 8_000, "L16": 16_000}
DEFAULT_HZ = 8_000


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

    def answer(self, media_url: str) -> dict[str, object]:
        """The options of an answer to a call that is streamed at once.

        Telnyx's library has no sampling rate among them (telnyx 4.189, `ActionAnswerParams`), and
        live integrations send one all the same; so it is sent only where it is not the default.
        """
        options = self.to(media_url)
        if self.is_default:
            del options["stream_bidirectional_sampling_rate"]
        return options

    @property
    def is_default(self) -> bool:
        """Is it the rate that streams have when none is asked for?"""
        return RATES[self.codec] == DEFAULT_HZ

    def later(self, call_id: str) -> dict[str, object]:
        """The options of an answer to a call whose stream is asked for once it is up."""
        return {"client_state": str(ClientState(call=call_id, unstreamed=True))}
