"""The parts of verifying a webhook: a bounded raw body, the URL we gave, forms, no replays.

`patter.carriers.verified_webhook` puts them in order; use these where a carrier needs another.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from urllib.parse import parse_qsl, urlparse

import attrs
from aiohttp import web

from patter.carriers.bounded_dict import BoundedDict
from patter.clock import Clock, LoopClock
from patter.errors import InputError, PatterConfigError, WebhookVerificationError
from patter.text.variables import clean

BODY_BYTES = 65_536
MAX_FIELDS = 500
MAX_VARIABLES = 50
_FIX_REPLAY = "send each webhook once; a repeated delivery is only taken for a minute"


async def raw_body(request: web.Request, limit: int = BODY_BYTES) -> bytes:
    """The body as it came, at most *limit* bytes: what is announced longer is never read.

    Raises HTTPRequestEntityTooLarge.
    """
    if (announced := request.content_length or 0) > limit:
        raise web.HTTPRequestEntityTooLarge(limit, announced)
    # A chunked body announces no length, so what was read is measured as well.
    body = await request.read()
    if len(body) > limit:
        raise web.HTTPRequestEntityTooLarge(limit, len(body))
    return body


def public_url(public_host: str, request: web.Request, scheme: str = "https") -> str:
    """The URL a carrier called, rebuilt from the public host; never from the Host header.

    Raises PatterConfigError when no public host is known, since then nobody can be verified, and
    WebhookVerificationError for an address we gave nobody: with a fragment, or an empty query.
    """
    if not public_host:
        raise PatterConfigError(
            "a webhook came, and the public host it was sent to is not known",
            fix="webhook_url='agent.example.com', or tunnel=True",
        )
    url = f"{scheme}://{public_host}{request.raw_path}"
    # Vendors' validators drop an empty part before they compute: one signature, many addresses.
    if "#" in url or urlparse(url).geturl() != url:
        raise WebhookVerificationError(
            f"{request.raw_path} is not an address that a carrier was given",
            fix="send webhooks to the address as it was set, unchanged by any proxy",
        )
    return url


def form_fields(body: bytes) -> dict[str, list[str]]:
    """The fields of a form, every name with all its values, in order of arrival.

    Raises InputError for what is not a form in UTF-8.
    """
    try:
        pairs = parse_qsl(
            # A form is ASCII: everything else in it is percent-encoded.
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(body),
            errors="strict",
            max_num_fields=MAX_FIELDS,
        )
    except ValueError as error:
        raise InputError(
            "the body is not a form", fix="send application/x-www-form-urlencoded, in UTF-8"
        ) from error
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return fields


def variables(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Custom parameters and headers as data: every name and value `clean`, and at most 50.

    The last value of a name stands.

    >>> variables([("X-Table", "seven\u2028{x}"), ("", "nobody's"), ("X-Table", "eight")])
    {'X-Table': 'eight'}
    """
    result: dict[str, str] = {}
    for raw_name, value in pairs:
        if (name := clean(raw_name)) and (name in result or len(result) < MAX_VARIABLES):
            result[name] = clean(value)
    return result


@attrs.define(eq=False)
class Replays:
    """Remembers signatures: a carrier's own retry comes soon, a later copy is refused.

    *again_s*: how long a repeated request is a carrier's own retry. Of the last *remembered*
    requests only digests are kept.
    """

    again_s: float = attrs.field(default=60.0, validator=attrs.validators.gt(0))
    remembered: int = attrs.field(default=20_000, validator=attrs.validators.ge(1))
    clock: Clock = attrs.field(factory=LoopClock, repr=False)
    _seen: BoundedDict[bytes, float] = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._seen = BoundedDict(self.remembered)

    def check(self, *signed: str | bytes) -> bool:
        """Take a verified request, named by its signature and nonce; True when it is new.

        Raises WebhookVerificationError when it was seen too long ago to be a retry.
        """
        digest = _digest(signed)
        now = self.clock.ms()
        if (first := self._seen.get(digest)) is not None:
            if now - first > self.again_s * 1_000:
                raise WebhookVerificationError(
                    f"a webhook of {(now - first) / 1_000:.0f} s ago was sent again",
                    fix=_FIX_REPLAY,
                )
            # The first time stays: else, sent once a minute, a copy would be accepted for ever.
            return False
        self._seen[digest] = now
        return True


def check_age(sent_s: float, now_s: float, *, past_s: float = 300, ahead_s: float = 30) -> None:
    """Raise WebhookVerificationError unless *sent_s* is recent; seconds since 1970, UTC."""
    age = now_s - sent_s
    if not -ahead_s <= age <= past_s:
        how = f"{age:.0f} s old" if age > 0 else f"{-age:.0f} s ahead of this machine's clock"
        raise WebhookVerificationError(
            f"the webhook is {how}", fix="check this machine's clock; stale requests are refused"
        )


def _digest(parts: tuple[str | bytes, ...]) -> bytes:
    digest = sha256()
    for part in parts:
        # aiohttp decodes headers with surrogateescape: what is not UTF-8 is a lone surrogate here.
        raw = part.encode(errors="surrogatepass") if isinstance(part, str) else part
        # The lengths keep ("ab", "c") and ("a", "bc") apart.
        digest.update(len(raw).to_bytes(8, "big") + raw)
    return digest.digest()
