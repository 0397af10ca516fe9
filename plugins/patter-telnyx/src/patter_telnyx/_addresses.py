"""Where Telnyx is told to send webhooks and media: our public host, in our format."""

from __future__ import annotations

import attrs

from patter.errors import PatterConfigError
from patter.providers.carrier import Switchboard
from patter_telnyx._state import ClientState

VOICE = "/webhooks/telnyx/voice"
MEDIA = "/media/telnyx/{token}"
RATES = {"PCMU": 8_000, "L16": 16_000}
ANSWER_HZ = 8_000


@attrs.frozen
class Addresses:
    """What orders say of *switchboard*'s public host, and of streams in *codec*."""

    switchboard: Switchboard
    codec: str

    @property
    def voice(self) -> str:
        """The webhook's address. Raises PatterConfigError."""
        if not (host := self.switchboard.public_host):
            raise PatterConfigError(
                "Telnyx has to reach this server, and its public host is not known",
                fix="webhook_url='agent.example.com', or tunnel=True",
            )
        return f"https://{host}{VOICE}"

    def streaming(self, media_url: str) -> dict[str, object]:
        """The part of an order that makes Telnyx stream a call to *media_url*, both ways.

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

    def answering(self, call_id: str, media_url: str) -> dict[str, object]:
        """The answer to a call: with its stream at once, if that is possible.

        Of all orders this alone takes no sampling rate: its streams have 8 kHz. One of another
        rate is asked for when the call is up.
        """
        told = self.streaming(media_url)
        if told.pop("stream_bidirectional_sampling_rate") == ANSWER_HZ:
            return told
        return {"client_state": str(ClientState(call=call_id, unstreamed=True))}
