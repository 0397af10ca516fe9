"""Twilio, with its credentials by position or from the environment."""

from __future__ import annotations

from typing import Any

from getpatter.missing import distribution
from getpatter.options import plain

with distribution("patter-twilio"):
    from patter_twilio import Twilio as _Twilio

__all__ = ["Carrier", "Twilio", "TwilioAdapter"]


class Twilio(_Twilio):
    """Calls over Twilio. Empty credentials are those of TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN."""

    def __init__(
        self,
        account_sid: str | None = "",
        auth_token: str | None = "",
        **options: Any,
    ) -> None:
        super().__init__(**plain(options, account_sid=account_sid, auth_token=auth_token))


Carrier = TwilioAdapter = Twilio
