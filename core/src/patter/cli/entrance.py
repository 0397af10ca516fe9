"""The flags for how a phone is reached: the same for every command that serves."""

from __future__ import annotations

import argparse
from typing import Any


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``--port``, ``--webhook-url`` and ``--tunnel``."""
    parser.add_argument("--port", type=int, default=8_000, help="default: 8000; 0: any free port")
    ways = parser.add_mutually_exclusive_group()
    ways.add_argument("--webhook-url", metavar="HOST", help="the public host calls come in at")
    ways.add_argument("--tunnel", metavar="SPEC", help="open this tunnel to get one")


def enter_by(phone: Any, args: argparse.Namespace) -> None:
    """Set the public endpoint of *phone* as in *args*. Raises PatterConfigError."""
    from patter.phone.public_endpoint import agreed_host, host_of

    if args.webhook_url:
        phone.webhook_url, phone.tunnel = host_of(args.webhook_url), None
    elif args.tunnel:
        phone.webhook_url, phone.tunnel = agreed_host("", args.tunnel), args.tunnel
    elif args.carrier and phone.carrier is not None and not phone.carrier.can.outbound:
        # The carrier that replaces the module's has no number that would need an address.
        phone.webhook_url, phone.tunnel = "", None
