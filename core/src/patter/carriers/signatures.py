"""Why a webhook is refused, in the same words for every carrier (pure)."""

from __future__ import annotations

from urllib.parse import urlsplit

from patter.errors import WebhookVerificationError


def missing_header(carrier: str, header: str) -> WebhookVerificationError:
    """The error for a webhook of *carrier* without the *header* that proves it."""
    return WebhookVerificationError(
        f"there is no {header} on the webhook",
        fix=f"only {carrier} may post here; a proxy in front must pass its headers on",
    )


def signature_mismatch(url: str, host: str, *, secret: str) -> WebhookVerificationError:
    """The error for a signature that does not fit *url*, the address we gave the carrier.

    *host* is the request's Host header: most mismatches are a wrong public host. *secret* is
    the setting that signs, such as ``auth_token``.
    """
    parts = urlsplit(url)
    return WebhookVerificationError(
        f"signature mismatch on {parts.path or '/'}",
        fix=f"webhook_url must equal the public host: now {parts.netloc}, request came through "
        f"{host[:100]}; and {secret} must be that of the account which called",
    )


def foreign_account(what: str, fix: str) -> WebhookVerificationError:
    """The error for a signed webhook about *what*, which is not the account of this line."""
    return WebhookVerificationError(f"the webhook is about {what}", fix=fix)
