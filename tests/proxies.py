"""Debian's proxies with the configurations of docs/operate, on ports of this machine."""

from __future__ import annotations

import asyncio
import os
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import attrs

from .house import ROOT
from .processes import free_port

PAGES = ROOT / "docs" / "operate"
HOST = "phone.example.com"
START_S = 10.0
PROGRAMS = {"nginx": "/usr/sbin/nginx", "haproxy": "/usr/sbin/haproxy", "caddy": "/usr/bin/caddy"}
NGINX = """
daemon off; {user} pid {folder}/nginx.pid; error_log stderr;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/patter.conf;
}}
"""
CADDY = "{\n\tadmin off\n\tauto_https disable_redirects\n\tskip_install_trust\n}\n"


def program(name: str) -> str | None:
    """Where *name* is installed; None where it is not."""
    known = PROGRAMS[name]
    return known if Path(known).exists() else shutil.which(name)


@attrs.frozen
class Certificate:
    """Of `HOST`, signed by itself, in files that a proxy reads."""

    folder: Path

    @property
    def key(self) -> Path:
        return self.folder / "key.pem"

    @property
    def chain(self) -> Path:
        return self.folder / "chain.pem"

    @property
    def both(self) -> Path:
        return self.folder / "both.pem"

    def trusted(self) -> ssl.SSLContext:
        """Believes in it alone."""
        return ssl.create_default_context(cafile=str(self.chain))


def certificate(folder: Path) -> Certificate:
    """Make one."""
    made = Certificate(folder)
    words = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    words += ["-keyout", str(made.key), "-out", str(made.chain), "-days", "2"]
    words += ["-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}"]
    subprocess.run(["openssl", "req", *words], check=True, capture_output=True, timeout=20)
    made.both.write_bytes(made.chain.read_bytes() + made.key.read_bytes())
    return made


@attrs.frozen
class Proxy:
    """A proxy that listens at *port*."""

    name: str
    port: int
    folder: Path
    process: asyncio.subprocess.Process


def replaced(text: str, changes: Mapping[str, str]) -> str:
    """*text* with each of *changes*; all of them have to be in it."""
    for old, new in changes.items():
        assert old in text, f"{old!r} is not in the configuration"
        text = text.replace(old, new)
    return text


def nginx(
    folder: Path, own: Certificate, port: int, upstream: int, more: Mapping[str, str]
) -> list[str]:
    """Write its files; how it is started."""
    text = (PAGES / "nginx.conf").read_text(encoding="utf-8")
    live = f"/etc/letsencrypt/live/{HOST}"
    places = {"listen 443 ssl": f"listen 127.0.0.1:{port} ssl", ":8000": f":{upstream}"}
    places |= {f"{live}/fullchain.pem": str(own.chain), f"{live}/privkey.pem": str(own.key)}
    (folder / "patter.conf").write_text(replaced(text, {**places, **more}), encoding="utf-8")
    user = "user root;" if os.geteuid() == 0 else ""
    main = NGINX.format(folder=folder, user=user)
    (folder / "nginx.conf").write_text(main, encoding="utf-8")
    return ["-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")]


def haproxy(
    folder: Path, own: Certificate, port: int, upstream: int, more: Mapping[str, str]
) -> list[str]:
    """Write its file; how it is started."""
    text = (PAGES / "haproxy.cfg").read_text(encoding="utf-8")
    places = {"bind :443": f"bind 127.0.0.1:{port}", ":8000": f":{upstream}"}
    places |= {f"/etc/haproxy/{HOST}.pem": str(own.both), "inter 2s": "inter 200ms"}
    (folder / "haproxy.cfg").write_text(replaced(text, {**places, **more}), encoding="utf-8")
    return ["-W", "-db", "-f", str(folder / "haproxy.cfg")]


def caddy(
    folder: Path, own: Certificate, port: int, upstream: int, more: Mapping[str, str]
) -> list[str]:
    """Write its file; how it is started."""
    text = (PAGES / "Caddyfile").read_text(encoding="utf-8")
    site = f"https://{HOST}:{port} {{\n\tbind 127.0.0.1\n\ttls {own.chain} {own.key}\n"
    places = {f"{HOST} {{\n": site, ":8000": f":{upstream}"}
    (folder / "Caddyfile").write_text(CADDY + replaced(text, {**places, **more}), encoding="utf-8")
    return ["run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


Written = Callable[[Path, Certificate, int, int, Mapping[str, str]], list[str]]
WRITERS: Mapping[str, Written] = {"nginx": nginx, "haproxy": haproxy, "caddy": caddy}


@asynccontextmanager
async def proxy(
    name: str, folder: Path, own: Certificate, upstream: int, more: Mapping[str, str] | None = None
) -> AsyncIterator[Proxy]:
    """Run *name* before *upstream* while inside; *more* changes its configuration."""
    folder.mkdir()
    port = free_port()
    words = WRITERS[name](folder, own, port, upstream, more or {})
    found = program(name)
    assert found is not None
    with (folder / "log").open("wb") as log:
        homes = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
        process = await asyncio.create_subprocess_exec(
            found, *words, cwd=folder, env={**os.environ, **homes}, stdout=log, stderr=log
        )
    try:
        await _listening(process, port, folder / "log")
        yield Proxy(name, port, folder, process)
    finally:
        if process.returncode is None:
            process.terminate()
        try:
            async with asyncio.timeout(3):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


async def _listening(process: asyncio.subprocess.Process, port: int, log: Path) -> None:
    """Wait until somebody listens at *port*."""
    async with asyncio.timeout(START_S):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                assert process.returncode is None, log.read_text(errors="replace")
                await asyncio.sleep(0.03)
            else:
                writer.close()
                return
