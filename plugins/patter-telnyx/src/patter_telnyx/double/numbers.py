"""The phone numbers of the double's account, and the application their calls go to.

Fields and defaults are those of telnyx 4.189 (`NumbersPhoneNumberDetailed`,
`CallControlApplication`). *written* counts updates, and no answer has it.
"""

from __future__ import annotations

from typing import Any

import attrs

MADE = "2026-01-01T00:00:00.000Z"
APPLICATION_FIELDS = (
    "application_name",
    "webhook_event_url",
    "webhook_api_version",
    "call_cost_in_webhooks",
)
"""What an update may change, as far as it is used."""


@attrs.define(kw_only=True)
class Number:
    """A number, as ``/phone_numbers`` has it."""

    id: str
    phone_number: str
    connection_id: str = ""
    status: str = "active"
    country_iso_alpha2: str = "US"
    phone_number_type: str = "local"
    deletion_lock_enabled: bool = False
    tags: list[str] = attrs.field(factory=list)
    created_at: str = MADE
    purchased_at: str = MADE
    record_type: str = "phone_number"
    written: int = 0


@attrs.define(kw_only=True)
class Application:
    """Where events go, as ``/call_control_applications`` has it; costs are not told by default."""

    id: str
    application_name: str = "phone"
    webhook_event_url: str = ""
    webhook_api_version: str = "1"
    call_cost_in_webhooks: bool = False
    active: bool = True
    created_at: str = MADE
    updated_at: str = MADE
    record_type: str = "call_control_application"
    written: int = 0

    def take(self, body: dict[str, Any]) -> None:
        """Change what *body* names."""
        for name in APPLICATION_FIELDS:
            setattr(self, name, body.get(name, getattr(self, name)))
        self.written += 1


def as_answer(resource: Number | Application) -> dict[str, Any]:
    """A resource, as the API answers with it."""
    return attrs.asdict(resource, filter=attrs.filters.exclude("written"))
