"""Where the server under test really is: its public host leads to a port of this machine."""

from __future__ import annotations

from urllib.parse import urlsplit

import attrs

from patter.carriers.endpoint import LOOPBACK
from patter.errors import InputError


@attrs.define
class HostMap:
    """*public_host*, the public name of the server, is really at *base_url*."""

    base_url: str = "http://127.0.0.1:8000"
    public_host: str = "phone.example.com"

    def http(self, url: str) -> str:
        """Where a request to *url* goes. Raises InputError for a host that is not ours."""
        return self._moved(url, urlsplit(self.base_url).scheme)

    def socket(self, url: str) -> str:
        """Where a media socket to *url* goes. Raises InputError for a host that is not ours."""
        return self._moved(url, "ws")

    def public(self, path: str) -> str:
        """*path* as the world sees it."""
        return f"https://{self.public_host}{path}"

    def _moved(self, url: str, scheme: str) -> str:
        parts = urlsplit(url)
        if parts.netloc == self.public_host:
            return parts._replace(scheme=scheme, netloc=urlsplit(self.base_url).netloc).geturl()
        if parts.hostname in LOOPBACK:
            return url
        raise InputError(
            f"a double calls nobody at {parts.netloc!r}", fix=f"serve at {self.public_host}"
        )
