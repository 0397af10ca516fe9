"""``patter dashboard``: the pages beside processes that serve, over the records they write."""

from __future__ import annotations

import argparse
import asyncio
import signal
from contextlib import suppress
from pathlib import Path

from aiohttp import web

from patter.cli.exits import OK
from patter.cli.out import Out
from patter.cli.stdout import answers
from patter.egress.addresses import is_loopback_host
from patter.env import read
from patter.errors import PatterConfigError
from patter.observe.log_root import check_private, log_root
from patter.plugins.commands import Command
from patter_dashboard._routes import routes
from patter_dashboard.access import Access
from patter_dashboard.dashboard import Dashboard
from patter_dashboard.ingest import Ingest
from patter_dashboard.store import MetricsStore

HOST, PORT = "127.0.0.1", 8_000
BODY_BYTES = 256 * 1_024


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--root", metavar="DIR", help="the log root; default: as PATTER_LOG_DIR says"
    )
    parser.add_argument("--port", type=int, default=PORT, help="default: 8000; 0: any free port")
    parser.add_argument(
        "--host",
        default="",
        help="the address to listen on; default: PATTER_BIND_HOST, else 127.0.0.1",
    )
    parser.add_argument(
        "--token",
        default="",
        help="who may see it; default: PATTER_DASHBOARD_TOKEN, which no other user can read",
    )
    parser.add_argument(
        "--allow-insecure", action="store_true", help="without a token, for all who can reach it"
    )


def run(args: argparse.Namespace) -> int:
    """Serve the pages until SIGTERM or Ctrl-C."""
    root = log_root(args.root)
    if root is None or not root.is_dir():
        raise PatterConfigError(
            f"there are no calls at {root}", fix="patter serve ..., or name another --root DIR"
        )
    check_private(root)
    host = args.host or read("PATTER_BIND_HOST", HOST)
    options = {
        "token": args.token or read("PATTER_DASHBOARD_TOKEN"),
        "allow_insecure": args.allow_insecure,
    }
    access = Access.of(options, exposed=not is_loopback_host(host), trusted=())
    asyncio.run(_serve(access, root, host, args.port, args.out))
    return OK


async def _serve(access: Access, root: Path, host: str, port: int, out: Out) -> None:
    dashboard = Dashboard(access=access, root=root)
    store = MetricsStore()
    app = web.Application(client_max_size=BODY_BYTES)
    app.add_routes([Ingest(dashboard, store).route(), *routes(dashboard)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    try:
        async with dashboard.running():
            await _listen(runner, host, port)
            url = _url(runner, host)
            lock = "token needed" if access.token else "open to this machine"
            out.answer(f"  {url}   {root}; {lock}; Ctrl-C ends", {"url": url, "root": str(root)})
            answers().flush()
            await _until_stopped()
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, host: str, port: int) -> None:
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as taken:
        raise PatterConfigError(
            f"cannot listen on {host}, port {port}: {taken.strerror}",
            fix=f"patter dashboard --port {port % 65_535 + 1}",
        ) from taken


def _url(runner: web.AppRunner, host: str) -> str:
    port = runner.addresses[0][1]
    shown = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "[::1]"}.get(host, host)
    return f"http://{shown}:{port}/dashboard"


async def _until_stopped() -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        # Windows has no handlers of a loop: Ctrl-C ends it there as it ends any program.
        with suppress(NotImplementedError):
            loop.add_signal_handler(number, stopped.set)
    await stopped.wait()


COMMAND = Command(
    name="dashboard",
    help="pages about recorded calls: who called, how it went, what it cost",
    configure=configure,
    run=run,
    example="patter dashboard --port 8000",
)
