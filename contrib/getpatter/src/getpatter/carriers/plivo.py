"""Plivo, with its credentials by position or from the environment."""

from __future__ import annotations

from typing import Any

from getpatter.missing import distribution
from getpatter.options import plain

with distribution("patter-plivo"):
    from patter_plivo import Plivo as _Plivo

__all__ = ["Carrier", "Plivo", "PlivoAdapter"]


class Plivo(_Plivo):
    """Calls over Plivo. Empty credentials are those of PLIVO_AUTH_ID, PLIVO_AUTH_TOKEN."""

    def __init__(
        self,
        auth_id: str | None = "",
        auth_token: str | None = "",
        **options: Any,
    ) -> None:
        super().__init__(**plain(options, auth_id=auth_id, auth_token=auth_token))


Carrier = PlivoAdapter = Plivo
