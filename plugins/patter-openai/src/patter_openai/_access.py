"""Where requests go, with which key, and what their errors are called.

Not by the vendor's SDK: that costs a turn two to three milliseconds, its import half a second and
24 MB (README). Tests hold bodies and answers to its types.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import attrs

from patter.errors import PatterError
from patter.providers.health import HealthReport
from patter.vendors.error_bodies import error_in, refused
from patter.vendors.errors import VendorErrors
from patter.vendors.http_api import HttpApi
from patter_openai._errors import ERRORS

CHECK_S = 5.0


@attrs.frozen(kw_only=True)
class Access:
    """*organization* and *project* are the account's; *headers* go with every request."""

    base_url: str
    api_key: str = attrs.field(repr=False)
    errors: VendorErrors = ERRORS
    organization: str = ""
    project: str = ""
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)

    @property
    def api(self) -> HttpApi:
        """Requests with this key."""
        account = {"OpenAI-Organization": self.organization, "OpenAI-Project": self.project}
        return HttpApi(
            base_url=self.base_url,
            errors=self.errors,
            refused=self._refused,
            headers={
                "Authorization": f"Bearer {self.api_key}",
                **{name: value for name, value in account.items() if value},
                **self.headers,
            },
        )

    async def check(self, model: str) -> HealthReport:
        """Ask whether key, address and *model* are accepted; the vendor's time is in the report."""
        return await self._checked(f"/models/{quote(model, safe=':')}")

    async def reach(self) -> HealthReport:
        """Ask which models there are, if the server tells, to see whether it takes the key."""
        return await self._checked("/models")

    async def _checked(self, path: str) -> HealthReport:
        return await self.api.check(
            path, text=self._name_of, refused=self._refused_or_unclear, answer_s=CHECK_S
        )

    def _name_of(self, body: Any) -> str:
        if not isinstance(body, Mapping) or "error" in body:
            raise self.errors.garbled(body)
        return str(body.get("id") or "")

    def _refused(self, status: int, body: object, headers: Mapping[str, str]) -> PatterError:
        return refused(self.errors, status, body, headers=headers, secret=self.api_key)

    def _refused_or_unclear(
        self, status: int, body: object, headers: Mapping[str, str]
    ) -> PatterError | str:
        """What a refusal says of key and model; in words where it says nothing of them.

        A key may be good for speech alone, and not every server lists its models.
        """
        if status in (403, 404):
            error = error_in(body)
            if "scope" in str(error.get("message") or "").lower():
                return "the key may not read models, so they were not checked"
            if error.get("code") is None:
                return "it lists no models"
        return self._refused(status, body, headers)
