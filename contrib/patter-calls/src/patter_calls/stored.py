"""Which call is meant, and what it is called: the shortest beginning of its id that is its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from patter.errors import InputError
from patter.observe.stored_calls import StoredCall, calls_in

LAST = "last"
SHORTEST = 4


def call_named(root: Path, name: str) -> StoredCall:
    """The call *name* below *root*: an id, a beginning of one alone, or ``last``.

    Raises InputError when there is none, or more than one, or it was erased.
    """
    calls = [call for call in calls_in(root) if name == LAST or call.call_id.startswith(name)]
    exact = [call for call in calls if call.call_id == name]
    if name == LAST:
        calls = [call for call in calls if not call.erased][:1]
    if not calls:
        raise InputError(f"there is no call {name!r}", fix="see: patter calls list")
    if len(calls) > 1 and len(exact) != 1:
        raise _ambiguous(name, calls)
    return (exact or calls)[0]


def readable(call: StoredCall) -> StoredCall:
    """*call*, which has a record. Raises InputError when it was erased."""
    if call.erased:
        when = call.metadata.get("erased_at")
        raise InputError(f"call {call.call_id} was erased at {when}", fix="see: patter calls list")
    return call


def short_ids(ids: Iterable[str]) -> Mapping[str, str]:
    """The shortest beginning of each of *ids* that no other has, of four characters at least.

    >>> dict(short_ids(["7f3a91", "7f3b02", "90"]))
    {'7f3a91': '7f3a', '7f3b02': '7f3b', '90': '90'}
    """
    ordered = sorted(set(ids))
    neighbours = zip(ordered, ["", *ordered], [*ordered[1:], ""], strict=False)
    return {
        each: each[: max(SHORTEST, _shared(each, before) + 1, _shared(each, after) + 1)]
        for each, before, after in neighbours
    }


def _shared(one: str, other: str) -> int:
    """How many characters both begin with."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


def _ambiguous(name: str, calls: Iterable[StoredCall]) -> InputError:
    ids = [call.call_id for call in calls]
    return InputError(
        f"{len(ids)} calls begin with {name!r}: {', '.join(ids[:3])}{' ...' * (len(ids) > 3)}",
        fix=f"patter calls show {ids[0][: len(name) + 4]}",
    )
