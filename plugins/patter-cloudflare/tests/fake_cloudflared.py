"""What cloudflared does, as far as anybody outside sees it; run as a program, never imported.

What installs it puts the interpreter above this and another `VARIANT` in; `NOTES` is a file that
is told the process ids, the arguments and what was asked.
"""

import json
import os
import select
import signal
import socket
import sys
from pathlib import Path

VARIANT = "good"
NOTES = "notes.jsonl"

HOST = "red-fox-runs-far.trycloudflare.com"
DISCLAIMER = (
    "Thank you for trying Cloudflare Tunnel. Doing so, without a Cloudflare account, is a quick "
    "way to experiment and try it out. https://developers.cloudflare.com/cloudflare-one/connect"
)
REQUESTING = "Requesting new quick Tunnel on trycloudflare.com..."
INVITATION = (
    "Your quick Tunnel has been created! Visit it at (it may take some time to be reachable):"
)
CONNECTED = "Registered tunnel connection connIndex=0 connection=9d5f location=ams01 protocol=quic"
GARBLED = "Error unmarshaling QuickTunnel response: "
FAILED = "failed to unmarshal quick Tunnel: invalid character '<' looking for beginning of value"

stream = sys.stdout if VARIANT == "stdout" else sys.stderr


def say(message: str, level: str = "INF", **fields: str) -> None:
    """One line as its logger writes it."""
    if VARIANT == "json":
        line = json.dumps({"level": "info", "time": "2026-01-02T03:04:05Z", "message": message})
    else:
        told = "".join(f" {name}={json.dumps(value)}" for name, value in fields.items())
        line = f"2026-01-02T03:04:05Z {level} {message}{told}"
    print(line, file=stream, flush=True)


def box(*lines: str) -> None:
    width = max(map(len, lines)) + 4
    say("+" + "-" * width + "+")
    for line in lines:
        say("|  " + line.ljust(width - 2) + "|")
    say("+" + "-" * width + "+")


def note(**told: object) -> None:
    with Path(NOTES).open("a") as file:
        file.write(json.dumps(told) + "\n")


def until_ended(metrics: "socket.socket | None", refusals: int) -> int:
    """Answer ``/ready`` until a signal comes: 503 so many times, then 200. Returns the signal."""
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    signal.set_wakeup_fd(writer.fileno())
    for number in (signal.SIGTERM, signal.SIGUSR1):
        signal.signal(number, lambda *_: None)
    note(waits=True)
    while True:
        watched = [each for each in (reader, metrics) if each is not None]
        ready, _, _ = select.select(watched, [], [])
        if reader in ready:
            return reader.recv(1)[0]
        assert metrics is not None
        connection, _ = metrics.accept()
        asked = connection.recv(65_536).split(b" ")[1].decode()
        status = "200 OK" if asked == "/ready" and not refusals else "503 Service Unavailable"
        refusals = max(0, refusals - 1)
        note(asked=asked, status=status)
        head = f"HTTP/1.1 {status}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}"
        connection.sendall(head.encode())
        connection.close()


def flood(megabytes: int) -> None:
    for _ in range(megabytes):
        stream.write("x" * 1_000_000)
        stream.write("\n" * 1_000)
    stream.flush()


def get_a_name() -> None:
    say(DISCLAIMER)
    say(REQUESTING)
    if VARIANT == "garbled":
        say(GARBLED + "<html>", "ERR", status_code="500 Internal Server Error")
        sys.exit(FAILED)
    if VARIANT == "too-many":
        say(GARBLED + "error code: 1015", "ERR", status_code="429 Too Many Requests")
        sys.exit(FAILED)
    if VARIANT == "no-network":
        refusal = 'failed to request quick Tunnel: Post "https://api.trycloudflare.com/tunnel": '
        sys.exit(refusal + "dial tcp: lookup api.trycloudflare.com: no such host")
    box(INVITATION, f"https://{HOST}")


def main() -> None:
    note(pid=os.getpid(), arguments=sys.argv[1:])
    if VARIANT == "wrapper" and os.fork():
        signal.pause()
    if VARIANT == "wrapper":
        note(pid=os.getpid())
    if VARIANT in ("stubborn", "wrapper"):
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    if VARIANT == "old":
        sys.exit("Incorrect Usage: flag provided but not defined: -no-autoupdate")
    if VARIANT == "flood":
        flood(3)
    if VARIANT == "silent":
        until_ended(None, 0)
        return
    if sys.argv[1:] == ["--version"]:
        print("cloudflared version 2025.8.1 (built 2025-08-21-1534 UTC)")
        return
    get_a_name()
    if VARIANT == "name-then-exit":
        say("Quitting due to error: token=hunter2", "ERR")
        sys.exit(1)
    metrics = None
    if VARIANT not in ("no-metrics", "flood"):
        metrics = socket.create_server(("127.0.0.1", 0))
        say(f"Starting metrics server on 127.0.0.1:{metrics.getsockname()[1]}/metrics")
    if VARIANT != "unconnected":
        say(CONNECTED)
    refusals = {"slow": 2, "never-ready": 1_000_000}.get(VARIANT, 0)
    if until_ended(metrics, refusals) == signal.SIGTERM:
        say("Initiating graceful shutdown due to signal terminated ...")
        return
    if VARIANT == "flood":
        flood(5)
    say("Connection terminated error=timeout", "ERR")
    sys.exit(3)


main()
