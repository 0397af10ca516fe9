"""The Twilio account of the benchmark, as both processes know it; imports nothing."""

from __future__ import annotations

from typing import Final

ACCOUNT_SID: Final = "AC" + "0" * 31 + "1"
AUTH_TOKEN: Final = "a token of nobody"
NUMBER: Final = "+15550001234"
CALLER: Final = "+15550100001"
PUBLIC_HOST: Final = "phone.example.com"
