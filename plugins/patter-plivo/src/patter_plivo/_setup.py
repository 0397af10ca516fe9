"""Pointing numbers at this server: one application, found by its name and never made twice.

Plivo leads calls from a number to an application, and from that to addresses. Source:
docs.plivo.com/docs/account/api/application and /number.
"""

from __future__ import annotations

from typing import Any

import attrs

from patter.errors import AuthenticationError, PatterError, ProvisionError
from patter.providers.carrier import NumberSettings
from patter_plivo._addresses import Addresses
from patter_plivo._rest import Json, PlivoApi

PAGE, MAX_PAGES = 20, 50


@attrs.frozen
class Setup:
    """The applications and numbers of one account; *app_name* is ours."""

    api: PlivoApi
    addresses: Addresses
    app_name: str

    async def configure(self, number: str) -> None:
        """Lead calls to *number* here. Raises ProvisionError saying what to set by hand."""
        webhooks = self._webhooks()
        try:
            told = await self._number(number)
            app_id = await self._application(webhooks)
            if app_id_of(told) != app_id:
                what = f"attach {number} to the application {self.app_name}"
                answer = await self.api.put(what, "Number", digits(number), body={"app_id": app_id})
                answer.taken(_by_hand(webhooks))
        except (ProvisionError, AuthenticationError):
            raise
        except PatterError as error:
            raise ProvisionError(
                f"could not set the webhook of {number}: {error.message}", fix=_by_hand(webhooks)
            ) from error

    async def look_up(self, number: str) -> NumberSettings:
        """Where calls to *number* go now. Raises ProvisionError when it is not on this account."""
        told = await self._number(number)
        webhook = ""
        if app_id := app_id_of(told):
            answer = await self.api.get(f"read application {app_id}", "Application", app_id)
            if not answer.gone:
                body = answer.taken("see its applications in console.plivo.com")
                webhook = str(body.get("answer_url") or "")
        return NumberSettings(
            number=number, voice=bool(told.get("voice_enabled", True)), webhook=webhook
        )

    async def _number(self, number: str) -> Json:
        answer = await self.api.get(f"read {number}", "Number", digits(number))
        if answer.gone:
            raise ProvisionError(
                f"{number} is not on this Plivo account",
                fix="buy it there, or pass a number you own",
            )
        return answer.taken("look the number up in console.plivo.com")

    async def _application(self, webhooks: Json) -> str:
        """The id of our application, which leads to *webhooks* from now on."""
        if (ours := await self._found()) is None:
            return await self._made(webhooks)
        app_id = str(ours.get("app_id", ""))
        if any(ours.get(field) != value for field, value in webhooks.items()):
            what = f"change the application {self.app_name}"
            answer = await self.api.put(what, "Application", app_id, body=webhooks)
            answer.taken(_by_hand(webhooks))
        return app_id

    async def _found(self) -> Json | None:
        for page in range(MAX_PAGES):
            query = {"app_name": self.app_name, "limit": str(PAGE), "offset": str(page * PAGE)}
            answer = await self.api.get("list applications", "Application", **query)
            body = answer.taken("see its applications in console.plivo.com")
            listed: list[Any] = body.get("objects") or []
            for each in listed:
                if each.get("app_name") == self.app_name:
                    return dict(each)
            if len(listed) < PAGE:
                break
        return None

    async def _made(self, webhooks: Json) -> str:
        what = f"make the application {self.app_name}"
        body = {"app_name": self.app_name, **webhooks}
        answer = await self.api.post(what, "Application", body=body)
        if not (app_id := answer.taken(_by_hand(webhooks)).get("app_id")):
            raise ProvisionError(f"Plivo did {what}, and not say its id", fix=_by_hand(webhooks))
        return str(app_id)

    def _webhooks(self) -> dict[str, str]:
        return {
            "answer_url": self.addresses.fixed("voice"),
            "answer_method": "POST",
            "hangup_url": self.addresses.fixed("hangup"),
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
