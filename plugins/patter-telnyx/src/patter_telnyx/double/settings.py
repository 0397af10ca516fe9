"""What a test can set of Telnyx's double."""

from __future__ import annotations

from base64 import b64encode

import attrs
from nacl.signing import SigningKey

from patter.clock import Clock
from patter_telnyx._signature import SIGNATURE, TIMESTAMP
from patter_testing.doubles.faults import Faults


@attrs.frozen(kw_only=True)
class TelnyxDoubleSettings:
    """A Telnyx account to test with. The server is told that its public host is *public_host*.

    *numbers* are the account's. *faults* say how bad the day is. *keeps_streams*: a caller who
    is handed over goes on to stream meanwhile. *scrambled*: media frames come in pairs, the
    wrong way round. *connects* False: no media socket is opened by itself. *paced* False: what a
    caller says is sent at once, in one frame, and nothing between. *rate_in_answer* False: an
    answer with a sampling rate is refused, as Telnyx's own library has none there.
    """

    api_key: str = attrs.field(default="KEY of nobody", repr=False)
    connection_id: str = "1494404757140276705"
    numbers: tuple[str, ...] = ("+15550001234",)
    public_host: str = "phone.example.com"
    faults: Faults = attrs.field(factory=Faults)
    clock: Clock | None = None
    paced: bool = True
    keeps_streams: bool = True
    scrambled: bool = False
    connects: bool = True
    rate_in_answer: bool = True
    signing_key: SigningKey = attrs.field(factory=SigningKey.generate, repr=False, eq=False)

    @property
    def public_key(self) -> str:
        """What the portal would show: the account's Ed25519 key, in base64."""
        return b64encode(bytes(self.signing_key.verify_key)).decode()

    def sign(self, body: bytes, stamp: int) -> dict[str, str]:
        """The headers that prove an event with this *body*, sent at *stamp* seconds."""
        signed = self.signing_key.sign(f"{stamp}|".encode() + body).signature
        return {SIGNATURE: b64encode(signed).decode(), TIMESTAMP: str(stamp)}
