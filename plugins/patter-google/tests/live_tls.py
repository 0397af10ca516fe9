"""A line with TLS to a double: Google's SDK speaks to sockets over nothing else."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from patter.aio import task_scope
from patter_testing.doubles.relay import Relay

HOST = "127.0.0.1"


def certificate(folder: Path) -> Path:
    """A key and a certificate of this machine, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "double.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return path


@asynccontextmanager
async def encrypted(url: str, pem: Path) -> AsyncIterator[tuple[str, ssl.SSLContext]]:
    """An https address in front of *url*, and the context that trusts it."""
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.load_cert_chain(pem)
    theirs = ssl.create_default_context(cafile=str(pem))
    line = Relay(url.rpartition("/")[2])
    async with task_scope() as tasks:
        carried: set[asyncio.Task[None]] = set()

        def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            carried.add(tasks.create_task(line.carry(reader, writer), name="tls"))

        server = await asyncio.start_server(begin, HOST, 0, ssl=ours)
        try:
            yield f"https://{HOST}:{server.sockets[0].getsockname()[1]}", theirs
        finally:
            server.close()
            for each in carried:
                each.cancel()
