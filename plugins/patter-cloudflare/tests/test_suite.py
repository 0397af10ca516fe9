"""The rules every tunnel keeps, with a fake cloudflared."""

from __future__ import annotations

from pathlib import Path

import pytest

from patter_cloudflare import CloudflareTunnel
from patter_testing import TunnelSuite

from .programs import install


class TestCloudflareTunnel(TunnelSuite):
    @pytest.fixture
    def provider(self, tmp_path: Path) -> CloudflareTunnel:
        return CloudflareTunnel(binary=str(install(tmp_path / "good", "good").path))

    @pytest.fixture
    def refused(self, tmp_path: Path) -> CloudflareTunnel:
        return CloudflareTunnel(binary=str(install(tmp_path / "bad", "too-many").path))
