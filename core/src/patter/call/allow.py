"""Where callers may be handed to: patterns of targets, read once and matched exactly. Pure.

Nothing is searched in a target and nothing is decoded: it is a number or an address as a whole,
in ASCII, or it is refused. Where two lists speak, both must allow.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from typing import TypeAlias

from patter.env import read
from patter.errors import PatterConfigError, indefinite
from patter.providers.transfer_target import SIP, SIP_PLACE, is_target

Allowed: TypeAlias = Callable[[str], bool]
VARIABLE = "PATTER_TRANSFER_ALLOW"
ANYWHERE = "*"
"""As the whole of ``transfer_allowed``: a model may transfer to every target."""

_PREFIX = re.compile(r"\+(?:[1-9][0-9]{0,13})?\*")
_ANY_USER = re.compile(rf"(?P<scheme>sips?):\*@(?P<at>{SIP_PLACE})")


def allowing(rule: Allowed | Iterable[str] | None) -> Allowed | None:
    """What decides whether a target is allowed; None when there is no *rule*.

    *rule* is `ANYWHERE`, a function of the target, or patterns: ``+4930123456`` (this number),
    ``+4930*`` (numbers that begin so), ``sip:desk@pbx.example.com``, ``sip:*@pbx.example.com``
    (whoever is at exactly this host, port and parameters included). No patterns allow nothing.
    Raises PatterConfigError for what is neither.
    """
    if rule is None:
        return None
    if rule == ANYWHERE:
        return is_target
    if callable(rule):
        return _asking(rule)
    if isinstance(rule, str | bytes) or not isinstance(rule, Iterable):
        raise PatterConfigError(
            f"transfer_allowed is {indefinite(type(rule).__name__)}",
            fix='write transfer_allowed=["+4930*"], "*" for every target, or give a function',
        )
    return _matching([_matcher(pattern) for pattern in rule])


def operator_allows() -> Allowed | None:
    """What PATTER_TRANSFER_ALLOW says, patterns between commas; None when it is not set.

    Raises PatterConfigError.
    """
    listed = read(VARIABLE)
    try:
        return allowing([each.strip() for each in listed.split(",")]) if listed else None
    except PatterConfigError as wrong:
        raise PatterConfigError(f"in {VARIABLE}: {wrong.message}", fix=wrong.fix) from None


def _asking(function: Allowed) -> Allowed:
    if inspect.iscoroutinefunction(function):
        raise PatterConfigError(
            "transfer_allowed is an async function", fix="give one that returns True or False"
        )

    def allowed(target: str) -> bool:
        # An awaitable is true, and a promise is no permission.
        return is_target(target) and function(target) is True

    return allowed


def _matching(matchers: list[Allowed]) -> Allowed:
    def allowed(target: str) -> bool:
        return is_target(target) and any(fits(target) for fits in matchers)

    return allowed


def _matcher(pattern: object) -> Allowed:
    if not isinstance(pattern, str):
        raise _no_pattern(pattern)
    if is_target(pattern):
        exactly = _plain(pattern)
        return lambda target: _plain(target) == exactly
    if _PREFIX.fullmatch(pattern):
        begins = pattern[:-1]
        return lambda target: target.startswith(begins)
    if anybody := _ANY_USER.fullmatch(pattern):
        place = anybody["scheme"], anybody["at"].lower()
        return lambda target: _place(target) == place
    raise _no_pattern(pattern)


def _place(target: str) -> tuple[str, str] | None:
    """The scheme and everything after the @; host names have no case."""
    match = SIP.fullmatch(target)
    return (match["scheme"], match["at"].lower()) if match else None


def _plain(target: str) -> tuple[str, ...]:
    """What of *target* is compared: users are told apart by case, hosts are not."""
    match = SIP.fullmatch(target)
    return (match["scheme"], match["user"], match["at"].lower()) if match else (target,)


def _no_pattern(pattern: object) -> PatterConfigError:
    return PatterConfigError(
        f"{pattern!r} is not a pattern of transfer targets",
        fix="write +4930123456, +4930*, sip:desk@pbx.example.com or sip:*@pbx.example.com",
    )
