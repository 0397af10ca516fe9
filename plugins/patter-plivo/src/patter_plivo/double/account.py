"""The applications and numbers of the double's account, as its API shows them."""

from __future__ import annotations

from typing import Any

import attrs

SETTABLE = ("answer_url", "answer_method", "hangup_url", "hangup_method")


@attrs.define(kw_only=True)
class Application:
    """Where calls go. *written* counts changes."""

    app_id: str
    app_name: str
    answer_url: str = ""
    answer_method: str = "POST"
    hangup_url: str = ""
    hangup_method: str = "POST"
    written: int = 0

    def take(self, body: dict[str, Any]) -> None:
        """Change what *body* names."""
        for field in SETTABLE:
            if field in body:
                setattr(self, field, str(body[field]))
        self.written += 1


@attrs.define(kw_only=True)
class Number:
    """A phone number. *written* counts changes."""

    phone_number: str
    app_id: str = ""
    voice: bool = True
    written: int = 0


def shown_application(application: Application, account: str) -> dict[str, Any]:
    """An application, as the API shows it."""
    fields = attrs.asdict(application, filter=attrs.filters.exclude("written"))
    uri = f"/v1/Account/{account}/Application/{application.app_id}/"
    return {**fields, "enabled": True, "default_app": False, "resource_uri": uri}


def shown_number(number: Number, account: str) -> dict[str, Any]:
    """A number, as the API shows it."""
    digits = number.phone_number.removeprefix("+")
    application = f"/v1/Account/{account}/Application/{number.app_id}/" if number.app_id else None
    return {
        "number": digits,
        "application": application,
        "voice_enabled": number.voice,
        "number_type": "local",
        "resource_uri": f"/v1/Account/{account}/Number/{digits}/",
    }


def page_of(items: list[Any], limit: str, offset: str) -> tuple[list[Any], dict[str, Any]]:
    """One page of a list, and what Plivo says of it. Raises ValueError."""
    size, start = int(limit or 20), int(offset or 0)
    if not 0 < size <= 20 or start < 0:
        raise ValueError("limit and offset")
    more = start + size < len(items)
    fields = {
        "limit": size,
        "offset": start,
        "total_count": len(items),
        "next": f"?limit={size}&offset={start + size}" if more else None,
        "previous": None,
    }
    return items[start : start + size], fields
