"""Pointing numbers at this server: one application, found by its name and never made twice.

Plivo leads calls from a number to an application, and from that to addresses. Source:
docs.plivo.com/docs/account/api/application and /number.
"""

from __future__ import annotations

from typing import Any

import attrs

from patter.carriers.callback_urls import CallbackUrls
from patter.carriers.provisioning import not_on_account, setting_webhook
from patter.errors import ProvisionError
from patter.providers.carrier import NumberSettings
from patter_plivo._rest import Json, PlivoApi

PAGE, MAX_PAGES = 20, 50


@attrs.frozen
class Setup:
    """The applications and numbers of one account; *app_name* is ours."""

    api: PlivoApi
    urls: CallbackUrls
    app_name: str

    async def configure(self, number: str) -> None:
        """Lead calls to *number* here. Raises ProvisionError saying what to set by hand."""
        webhooks = self._webhooks()
        with setting_webhook(number, by_hand=_by_hand(webhooks)):
            resource = await self._number(number)
            app_id = await self._application(webhooks)
            if app_id_of(resource) != app_id:
                what = f"attach {number} to the application {self.app_name}"
                body = {"app_id": app_id}
                response = await self.api.put(what, "Number", digits(number), body=body)
                response.result(_by_hand(webhooks))

    async def look_up(self, number: str) -> NumberSettings:
        """Where calls to *number* go now. Raises ProvisionError when it is not on this account."""
        resource = await self._number(number)
        webhook = ""
        if app_id := app_id_of(resource):
            response = await self.api.get(f"read application {app_id}", "Application", app_id)
            if not response.gone:
                body = response.result("see its applications in console.plivo.com")
                webhook = str(body.get("answer_url") or "")
        return NumberSettings(
            number=number, voice=bool(resource.get("voice_enabled", True)), webhook=webhook
        )

    async def _number(self, number: str) -> Json:
        response = await self.api.get(f"read {number}", "Number", digits(number))
        if response.gone:
            raise not_on_account("Plivo", number)
        return response.result("look the number up in console.plivo.com")

    async def _application(self, webhooks: Json) -> str:
        """The id of our application, which leads to *webhooks* from now on."""
        if (ours := await self._existing()) is None:
            return await self._create(webhooks)
        app_id = str(ours.get("app_id", ""))
        if any(ours.get(field) != value for field, value in webhooks.items()):
            what = f"change the application {self.app_name}"
            response = await self.api.put(what, "Application", app_id, body=webhooks)
            response.result(_by_hand(webhooks))
        return app_id

    async def _existing(self) -> Json | None:
        for page in range(MAX_PAGES):
            query = {"app_name": self.app_name, "limit": str(PAGE), "offset": str(page * PAGE)}
            response = await self.api.get("list applications", "Application", **query)
            body = response.result("see its applications in console.plivo.com")
            listed: list[Any] = body.get("objects") or []
            for each in listed:
                if each.get("app_name") == self.app_name:
                    return dict(each)
            if len(listed) < PAGE:
                break
        return None

    async def _create(self, webhooks: Json) -> str:
        what = f"make the application {self.app_name}"
        body = {"app_name": self.app_name, **webhooks}
        response = await self.api.post(what, "Application", body=body)
        if not (app_id := response.result(_by_hand(webhooks)).get("app_id")):
            raise ProvisionError(f"Plivo did {what}, and not say its id", fix=_by_hand(webhooks))
        return str(app_id)

    def _webhooks(self) -> dict[str, str]:
        return {
            "answer_url": self.urls.webhook("voice"),
            "answer_method": "POST",
            "hangup_url": self.urls.webhook("hangup"),
            "hangup_method": "POST",
        }


def digits(number: str) -> str:
    """*number* as Plivo's paths name it.

    >>> digits("+15550001234")
    '15550001234'
    """
    return number.removeprefix("+")


def app_id_of(number: Json) -> str:
    """The application of a number: its ``application`` ends in ``/Application/ID/``."""
    return str(number.get("application") or "").rstrip("/").rpartition("/")[2]


def _by_hand(webhooks: Json) -> str:
    return (
        f"set it by hand to {webhooks['answer_url']} (POST), and the hangup URL to "
        f"{webhooks['hangup_url']}"
    )
