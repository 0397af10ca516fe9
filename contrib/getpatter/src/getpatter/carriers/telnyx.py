"""Telnyx, with its credentials by position or from the environment."""

from __future__ import annotations

from typing import Any

from getpatter.missing import distribution
from getpatter.options import plain

with distribution("patter-telnyx"):
    from patter_telnyx import Telnyx as _Telnyx

__all__ = ["Carrier", "Telnyx", "TelnyxAdapter"]


class Telnyx(_Telnyx):
    """Calls over Telnyx. Empty credentials are those of the environment.

    TELNYX_API_KEY, TELNYX_CONNECTION_ID and TELNYX_PUBLIC_KEY, of which the last is optional.
    """

    def __init__(
        self,
        api_key: str | None = "",
        connection_id: str | None = "",
        public_key: str | None = "",
        **options: Any,
    ) -> None:
        super().__init__(
            **plain(options, api_key=api_key, connection_id=connection_id, public_key=public_key)
        )


Carrier = TelnyxAdapter = Telnyx
