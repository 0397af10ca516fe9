"""What time it is at a vendor; apart from requests, for those who make theirs with an SDK."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime


def date_of(headers: Mapping[str, str]) -> float | None:
    """The vendor's clock in seconds since 1970, None if it does not tell.

    >>> date_of({"Date": "Thu, 01 Jan 1970 00:00:10 GMT"}), date_of({})
    (10.0, None)
    """
    try:
        return parsedate_to_datetime(headers["Date"]).timestamp()
    except (KeyError, ValueError):
        return None
