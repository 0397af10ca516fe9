"""Is a webhook really Twilio's? Pure: an address, fields and headers in, a signature out.

Twilio's own validator decides, so that its quirks (ports, repeated names) are its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs
from multidict import MultiDict
from twilio.request_validator import (  # type: ignore[import-untyped]
    SIGNATURE_HEADER,
    SIGNATURE_SETTINGS_HEADER,
    RequestValidator,
    get_signature_algorithm,
)

from patter.errors import WebhookVerificationError


@attrs.frozen(kw_only=True)
class Seal:
    """The secrets of one account. *shared* signs webhooks that name a SharedKey."""

    token: str = attrs.field(repr=False)
    shared: str = attrs.field(default="", repr=False)

    def checked(
        self, url: str, fields: Mapping[str, Sequence[str]], headers: Mapping[str, str]
    ) -> str:
        """The signature of a form posted to *url*. Raises WebhookVerificationError."""
        settings = headers.get(SIGNATURE_SETTINGS_HEADER, "")
        signature = headers.get(SIGNATURE_HEADER, "")
        if not signature:
            raise WebhookVerificationError(
                f"there is no {SIGNATURE_HEADER} on the webhook",
                fix="only Twilio may post here; a proxy in front must pass its headers on",
            )
        validator = RequestValidator((settings and self.shared) or self.token)
        algorithm = get_signature_algorithm(settings)
        if not validator.validate(url, _multi(fields), signature, algorithm):
            raise _mismatch(url, headers.get("Host", ""))
        return signature

    def sign(self, url: str, fields: Mapping[str, Sequence[str]]) -> dict[str, str]:
        """The headers that prove a form posted to *url*, as Twilio gives them."""
        signed = RequestValidator(self.token).compute_signature(url, _multi(fields))
        return {SIGNATURE_HEADER: str(signed)}


def _multi(fields: Mapping[str, Sequence[str]]) -> MultiDict[str]:
    return MultiDict((name, value) for name, values in fields.items() for value in values)


def _mismatch(url: str, through: str) -> WebhookVerificationError:
    host, _, path = url.partition("://")[2].partition("/")
    return WebhookVerificationError(
        f"signature mismatch on /{path.partition('?')[0]}",
        fix=f"webhook_url must equal the public host: now {host}, request came through "
        f"{through[:100]}; and auth_token must be that of the account which called",
    )
