"""The phone numbers of the double's account, and the application their calls go to."""

from __future__ import annotations

import attrs


@attrs.define(kw_only=True)
class Number:
    """A number, as ``/phone_numbers`` has it. *written* counts updates."""

    id: str
    phone_number: str
    connection_id: str = ""
    status: str = "active"
    written: int = 0


@attrs.define(kw_only=True)
class Application:
    """Where events go, as ``/call_control_applications`` has it. *written* counts updates."""

    id: str
    application_name: str = "phone"
    webhook_event_url: str = ""
    webhook_api_version: str = "1"
    written: int = 0
