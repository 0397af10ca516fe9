"""What a caller can be transferred to: a number in E.164 or a plain SIP address (pure)."""

from __future__ import annotations

import re

NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
"""A telephone number in E.164."""
_USER = r"[A-Za-z0-9._~+-]{1,64}"
SIP_PLACE = (
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\])"
    r"(?::[0-9]{1,5})?(?:;[A-Za-z0-9._~-]{1,32}(?:=[A-Za-z0-9._~-]{1,64})?){0,8}"
)
SIP = re.compile(rf"(?P<scheme>sips?):(?P<user>{_USER})@(?P<at>{SIP_PLACE})")
"""A SIP address (RFC 3261 19.1): a plain user, port and parameters, no password, no headers."""


def is_target(target: str) -> bool:
    """Is this the whole of a number or an address a caller can be handed to?"""
    return bool(NUMBER.fullmatch(target) or SIP.fullmatch(target))
