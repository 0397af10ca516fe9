"""The phone numbers of the double's account, and what becomes of calls to them."""

from __future__ import annotations

import attrs


@attrs.define(kw_only=True)
class Number:
    """A number and its settings, as IncomingPhoneNumbers has them. *written* counts updates."""

    sid: str
    phone_number: str
    voice: bool = True
    voice_url: str = ""
    voice_method: str = "POST"
    status_callback: str = ""
    status_callback_method: str = "POST"
    voice_application_sid: str = ""
    trunk_sid: str = ""
    written: int = 0
