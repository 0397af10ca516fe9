"""Verifies that a webhook is Twilio's. Pure: an address, fields and headers in, a signature out.

Twilio's own validator decides, so that its quirks (ports, repeated names) are its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs
from multidict import MultiDict
from twilio.request_validator import (  # type: ignore[import-untyped]
    SIGNATURE_HEADER,
    SIGNATURE_SETTINGS_HEADER,
    RequestValidator,
    get_signature_algorithm,
)

from patter.carriers.signatures import missing_header, signature_mismatch
from patter.carriers.verified_webhook import Fields, FormSignature


@attrs.frozen(kw_only=True)
class Signature:
    """The secrets of one account. *shared* signs webhooks that name a SharedKey."""

    token: str = attrs.field(repr=False)
    shared: str = attrs.field(default="", repr=False)

    def verify(self, url: str, fields: Fields, headers: Mapping[str, str]) -> str:
        """The signature of a form posted to *url*. Raises WebhookVerificationError."""
        settings = headers.get(SIGNATURE_SETTINGS_HEADER, "")
        signature = headers.get(SIGNATURE_HEADER, "")
        if not signature:
            raise missing_header("Twilio", SIGNATURE_HEADER)
        validator = RequestValidator((settings and self.shared) or self.token)
        algorithm = get_signature_algorithm(settings)
        if not validator.validate(url, _multi(fields), signature, algorithm):
            raise signature_mismatch(url, headers.get("Host", ""), secret="auth_token")
        return signature

    def sign(self, url: str, fields: Fields) -> dict[str, str]:
        """The headers that prove a form posted to *url*, as Twilio writes them."""
        signature = RequestValidator(self.token).compute_signature(url, _multi(fields))
        return {SIGNATURE_HEADER: str(signature)}


def _multi(fields: Fields) -> MultiDict[str]:
    return MultiDict((name, value) for name, values in fields.items() for value in values)


if TYPE_CHECKING:
    _: type[FormSignature] = Signature
