"""Who may see the dashboard: anybody on this machine, or who has its token.

Open, it answers only requests that come from this machine under a name of it: a page elsewhere
cannot read it, nor a name that was made to resolve to 127.0.0.1, nor whoever a proxy lets in.
With a token it is a login form, ``Authorization: Bearer``, or ``?token=``. Whatever changes
something needs a second proof that a page of ours asks for it.
"""

from __future__ import annotations

import functools
import hmac
import secrets
from collections import deque
from collections.abc import Iterable, Mapping
from hashlib import sha256
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import attrs
from aiohttp import web

from patter.clock import Clock, LoopClock
from patter.errors import AuthenticationError, StartRefused
from patter_dashboard._attempts import Attempts
from patter_dashboard._http import Forbidden, Handler, answering

Network: TypeAlias = IPv4Network | IPv6Network
COOKIE, CSRF = "patter_dashboard", "X-Patter-CSRF"
SESSION_S = 12 * 3_600
ENDED = 1_000
"""Sessions remembered as logged out; one is good for twelve hours at most."""
_OF_PROXIES = ("X-Forwarded-For", "Forwarded", "X-Real-IP", "CF-Connecting-IP", "X-Forwarded-Host")
_OPEN = "open"
_FIX = (
    "serve(dashboard_token=...) or export PATTER_DASHBOARD_TOKEN, "
    "or serve(dashboard=False) (--no-dashboard)"
)


@attrs.frozen
class Visitor:
    """Who asks: *session* is theirs. *program*: no browser sends what proves them by itself."""

    session: str
    program: bool = False


@attrs.define(eq=False, kw_only=True)
class Access:
    """Lets visitors in. Without *token* it is open to this machine, with *insecure* to all.

    *trusted* are the proxies that may say for whom they ask.
    """

    token: str = attrs.field(default="", repr=False)
    insecure: bool = False
    trusted: tuple[Network, ...] = ()
    clock: Clock = attrs.field(factory=LoopClock)
    attempts: Attempts = attrs.field(init=False)
    _key: bytes = attrs.field(init=False, repr=False)
    _ended: deque[str] = attrs.field(factory=lambda: deque(maxlen=ENDED), init=False)

    def __attrs_post_init__(self) -> None:
        self.attempts = Attempts(self.clock)
        # Of the token, so that a session outlives a restart, and ends when the token is another.
        seed = sha256(b"patter dashboard " + self.token.encode()).digest()
        self._key = seed if self.token else secrets.token_bytes(32)

    @classmethod
    def of(cls, options: Mapping[str, Any], *, exposed: bool, trusted: Iterable[Network]) -> Access:
        """The access that `serve` was told of. Raises StartRefused for one open to everybody."""
        token, insecure = options.get("token", ""), bool(options.get("allow_insecure"))
        if exposed and not token and not insecure:
            raise StartRefused("others could see the dashboard, and it has no token", fix=_FIX)
        return cls(token=token, insecure=insecure and exposed, trusted=tuple(trusted))

    def visitor(self, request: web.Request) -> Visitor:
        """Who sent *request*. Raises AuthenticationError, Forbidden, RateLimitError."""
        if not self.token:
            return self._neighbour(request)
        if (session := self._session(request.cookies.get(COOKIE, ""))) is not None:
            return Visitor(session)
        if (shown := _shown(request)) is None:
            raise AuthenticationError("the dashboard needs its token", fix="log in")
        self.log_in(request, shown)
        return Visitor("", program=True)

    def check_change(self, request: web.Request, visitor: Visitor) -> None:
        """Raise Forbidden unless a page of ours, or a program, asks for a change."""
        self._check_origin(request)
        if visitor.program:
            return
        if not _same(request.headers.get(CSRF, ""), self.csrf(visitor)):
            raise Forbidden(f"the header {CSRF} is missing or old", fix="load the page again")

    def csrf(self, visitor: Visitor) -> str:
        """What the page of *visitor* sends with a change."""
        return self._mac(f"csrf {visitor.session}")

    def log_in(self, request: web.Request, token: str) -> str:
        """A new session for whoever knows *token*. Raises AuthenticationError, RateLimitError."""
        address = address_of(request, self.trusted)
        self.attempts.check(address)
        if not self.token or not _same(token, self.token):
            self.attempts.failed(address)
            raise AuthenticationError("that is not the token", fix="log in with the token of serve")
        self.attempts.passed(address)
        expires = round(self.clock.wall()) + SESSION_S
        session = f"{secrets.token_hex(16)}.{expires}"
        return f"{session}.{self._mac(session)}"

    def welcome(self, request: web.Request, response: web.StreamResponse, session: str) -> None:
        """Let *response* keep *session* in the browser, where no script reads it."""
        secure = request.secure or request.headers.get("X-Forwarded-Proto", "") == "https"
        response.set_cookie(
            COOKIE,
            session,
            max_age=SESSION_S,
            httponly=True,
            samesite="Strict",
            secure=secure,
            path="/",
        )

    def log_out(self, request: web.Request, response: web.StreamResponse) -> None:
        """End the session of *request*, here and in its browser."""
        if (session := self._session(request.cookies.get(COOKIE, ""))) is not None:
            self._ended.append(session)
        response.del_cookie(COOKIE, path="/")

    def reading(self, handler: Handler) -> Handler:
        """*handler*, for visitors only."""

        @functools.wraps(handler)
        async def guarded(request: web.Request) -> web.StreamResponse:
            self.visitor(request)
            return await handler(request)

        return answering(guarded)

    def changing(self, handler: Handler) -> Handler:
        """*handler*, for visitors whose own page asks."""

        @functools.wraps(handler)
        async def guarded(request: web.Request) -> web.StreamResponse:
            self.check_change(request, self.visitor(request))
            return await handler(request)

        return answering(guarded)

    def changing_socket(self, handler: Handler) -> Handler:
        """*handler* of a WebSocket, for visitors whose own page opens it.

        A browser sends cookies with one that any page opens, and no header of ours: the origin,
        which it always sends, has to be our own.
        """

        @functools.wraps(handler)
        async def guarded(request: web.Request) -> web.StreamResponse:
            visitor = self.visitor(request)
            if "Origin" not in request.headers and not visitor.program:
                raise Forbidden("who opens this does not say", fix="use the dashboard's own page")
            self._check_origin(request)
            return await handler(request)

        return answering(guarded)

    def cleaning(self, handler: Handler) -> Handler:
        """*handler* of a page, whose ``?token=`` is taken out of its address at once."""

        @functools.wraps(handler)
        async def clean(request: web.Request) -> web.StreamResponse:
            if "token" not in request.query:
                return await handler(request)
            target = request.rel_url.without_query_params("token")
            response = web.Response(status=303, headers={"Location": _own_path(str(target))})
            response.headers["Referrer-Policy"] = "no-referrer"
            response.headers["Cache-Control"] = "no-store"
            try:
                session = self.log_in(request, request.query["token"])
            except AuthenticationError:
                # The page there has the form, and says that it needs the token.
                return response
            self.welcome(request, response, session)
            return response

        return answering(clean)

    def _check_origin(self, request: web.Request) -> None:
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc.lower() != request.host.lower():
            raise Forbidden("another page asks for this", fix="use the dashboard's own page")

    def _neighbour(self, request: web.Request) -> Visitor:
        browser = any(name in request.headers for name in ("Origin", "Sec-Fetch-Site", "Cookie"))
        if self.insecure:
            return Visitor(_OPEN, program=not browser)
        if any(name in request.headers for name in _OF_PROXIES):
            raise Forbidden("a proxy asks, and the dashboard has no token", fix=_FIX)
        if not _is_loopback(request.remote or "") or not _is_loopback(_name(request.host)):
            raise Forbidden(
                "without a token only this machine is answered, under a name of it",
                fix=f"open http://127.0.0.1, or {_FIX}",
            )
        return Visitor(_OPEN, program=not browser)

    def _session(self, cookie: str) -> str | None:
        """The session that *cookie* proves; None when it proves none."""
        session, _, mac = cookie.rpartition(".")
        if not session or not _same(mac, self._mac(session)) or session in self._ended:
            return None
        expires = session.rpartition(".")[2]
        if not expires.isdecimal() or int(expires) < self.clock.wall():
            return None
        return session

    def _mac(self, text: str) -> str:
        return hmac.digest(self._key, text.encode(), "sha256").hex()


def address_of(request: web.Request, trusted: Iterable[Network]) -> str:
    """Whose *request* this is: the nearest address that is no *trusted* proxy's."""
    nets = tuple(trusted)
    address = request.remote or ""
    chain = ",".join(request.headers.getall("X-Forwarded-For", [])).split(",")
    for nearer in reversed([each.strip() for each in chain if each.strip()]):
        if not _is_in(address, nets):
            break
        address = nearer
    return address


def _is_in(address: str, nets: tuple[Network, ...]) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in net for net in nets)


def _shown(request: web.Request) -> str | None:
    """The token that *request* brings, if it brings one."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    return request.query.get("token")


def _same(one: str, other: str) -> bool:
    """Are both equal? It takes as long for any two: a hash has one length."""
    digests = [sha256(each.encode(errors="surrogateescape")).digest() for each in (one, other)]
    return hmac.compare_digest(*digests)


def _own_path(target: str) -> str:
    # "//host/path" would be another host's.
    return "/" + target.lstrip("/\\")


def _name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_loopback(name: str) -> bool:
    if name == "localhost":
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
