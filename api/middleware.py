"""The outer layer of the app: request id, host and origin check, size and type of the body, headers, unexpected errors.

One plain ASGI layer around everything, so that no answer leaves without its headers and no error as plain
text.
"""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Awaitable, Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import BROKEN, ProblemError, problem_response
from api.open311_form import fault_response, is_open311
from api.settings import LOOPBACK_HOSTS, Settings, is_loopback

__all__ = ["SECURITY_HEADERS", "OuterLayer"]

_LOG = logging.getLogger("wangge.api")

#: On every answer. Styles that scripts set on elements are allowed by 'self'; inline ones in HTML are not.
SECURITY_HEADERS: tuple[tuple[str, str], ...] = (
    (
        "Content-Security-Policy",
        "default-src 'self'; img-src 'self' data: blob:; style-src 'self'; worker-src 'self' blob:; "
        "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "geolocation=(self), camera=(), microphone=()"),
)

#: Methods that change nothing.
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
#: Streams, which cost a connection each: only pages of this server may open one.
STREAMS = frozenset({"/events", "/api/incidents/events"})
#: How a browser names pages of others, which may link here, but not make costly answers as pictures or frames.
FOREIGN_SITES = frozenset({"cross-site", "same-site"})
COMPUTED = ("/api/", "/open311/")
#: What the body of a write may be; none of them is what a form, or a script of another site, can send unasked.
BODY_TYPES = ("application/json",)
#: The same for sheets of counts.
SHEET_TYPES = ("text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
#: The same for outlines drawn elsewhere.
OUTLINE_TYPES = (
    "application/geo+json",
    "application/vnd.google-earth.kml+xml",
    "application/vnd.google-earth.kmz",
    "image/vnd.dxf",
)
#: The same for tables of points.
TABLE_TYPES = ("text/csv", "application/vnd.apache.arrow.stream")
#: The same for files of cases; what one is its content says. Text is what a form can send, but a form says its origin.
ATTACHMENT_TYPES = (
    "image/jpeg",
    "image/png",
    "image/webp",
    "application/pdf",
    "text/plain",
    "application/octet-stream",
)
_ATTACHMENTS = re.compile(r"^/api/incidents/\d+/attachments$")
#: Where a file is the body, and of which types.
_FILES: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = (
    (re.compile(r"^/api/datasets/\d+/counts$"), SHEET_TYPES),
    (re.compile(r"^/api/datasets/\d+/outlines$"), OUTLINE_TYPES),
    (re.compile(r"^/api/locate/table$"), TABLE_TYPES),
    (re.compile(r"^/api/incidents/table$"), ("text/csv",)),
    (re.compile(r"^/open311/v2/requests\."), ("application/x-www-form-urlencoded",)),
    (_ATTACHMENTS, ATTACHMENT_TYPES),
)

_HOST = re.compile(r"^(\[[0-9a-f:.]+\]|[^:\[\]/@]+)(?::\d+)?$", re.IGNORECASE)


class OuterLayer:
    """Give each request an id, refuse foreign hosts and large bodies, put the headers on each answer.

    HEAD is answered everywhere as GET without its body.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.max_body_mb = settings.max_body_mb
        self.max_file_mb = settings.attachment_mb
        self.hosts = frozenset(LOOPBACK_HOSTS) | frozenset(settings.allowed_hosts)
        self.origins = frozenset(settings.allowed_hosts) - {"*"}
        self.behind_proxy = settings.behind_proxy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request; other kinds of ASGI events pass through."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = secrets.token_hex(8)
        without_body = scope["method"] == "HEAD"
        scope = {**scope, "method": "GET" if without_body else scope["method"]}
        scope["state"] = {**scope.get("state", {}), "request_id": request_id}
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS:
                    headers.setdefault(name, value)  # a file of a stranger has a stricter policy of its own
                headers["X-Request-Id"] = request_id
            elif without_body and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        try:
            headers = Headers(scope=scope)
            self._check_caller(scope)
            self._check(headers)
            self._check_origin(scope, headers)
            most_mb = self.max_file_mb if _ATTACHMENTS.match(scope["path"]) else self.max_body_mb
            _check_length(headers, most_mb)
            _check_type(scope, headers)
            await self.app(scope, _limited(receive, most_mb), send_with_headers)
        except ProblemError as error:
            if started:
                raise
            _LOG.info("%s %s: %d %s", scope["method"], scope["path"], error.status_code, error.code)
            await _refusal(scope, request_id, error)(scope, receive, send_with_headers)
        except Exception:
            _LOG.exception("%s %s failed (%s)", scope["method"], scope["path"], request_id)
            if started:
                raise
            broken = ProblemError(500, "error", BROKEN)
            await _refusal(scope, request_id, broken)(scope, receive, send_with_headers)

    def admits(self, scope: Scope) -> bool:
        """Tell whether a caller may ask here at all, whatever it asks."""
        try:
            self._check_caller(scope)
            self._check(Headers(scope=scope))
        except ProblemError:
            return False
        return True

    def _check_caller(self, scope: Scope) -> None:
        """Refuse callers of other machines, whatever started the server, unless a proxy was declared to let them in."""
        caller = scope.get("client")
        if self.behind_proxy or not caller or not caller[0] or is_loopback(caller[0]):
            return
        raise ProblemError(
            403,
            "foreign-caller",
            "This server knows no accounts, so it answers this machine only; WANGGE_BEHIND_PROXY=1 says that a proxy "
            "or container in front decides who comes in.",
        )

    def _check(self, headers: Headers) -> None:
        name = _name_of(headers.get("host", ""))
        if "*" not in self.hosts and name not in self.hosts:
            raise ProblemError(
                421,
                "foreign-host",
                "This server does not answer under that host name; WANGGE_ALLOWED_HOSTS adds one.",
            )

    def _check_origin(self, scope: Scope, headers: Headers) -> None:
        """Refuse what a page of another site writes, streams, or would show as a part of itself."""
        origin, site = headers.get("origin"), headers.get("sec-fetch-site", "none")
        if scope["method"] in SAFE_METHODS and scope["path"] not in STREAMS:
            is_part = site in FOREIGN_SITES and headers.get("sec-fetch-dest", "document") != "document"
            if not (is_part and scope["path"].startswith(COMPUTED)):
                return
        if origin is None and site in {"none", "same-origin"}:
            return
        place = origin.partition("://")[2].lower() if origin is not None else ""
        if place and (place == headers.get("host", "").lower() or _name_of(place) in self.origins):
            return
        raise ProblemError(
            403,
            "foreign-origin",
            "Only pages of this server may ask for that; WANGGE_ALLOWED_HOSTS names another host of its own.",
        )


def _check_length(headers: Headers, most_mb: float) -> None:
    length = headers.get("content-length", "0")
    if length.isdigit() and int(length) > most_mb * 1_000_000:
        raise _too_large(most_mb)


def _limited(receive: Receive, most_mb: float) -> Callable[[], Awaitable[Message]]:
    seen = 0

    async def limited() -> Message:
        nonlocal seen
        message = await receive()
        if message["type"] == "http.request":
            seen += len(message.get("body", b""))
            if seen > most_mb * 1_000_000:
                raise _too_large(most_mb)
        return message

    return limited


def _too_large(most_mb: float) -> ProblemError:
    return ProblemError(
        413,
        "too-large",
        f"The body is larger than {most_mb:g} MB; make it smaller, or send it in parts.",
        headers={"Connection": "close"},
    )


def _refusal(scope: Scope, request_id: str, error: ProblemError) -> ASGIApp:
    """Write an error in the form that its path has."""
    headers = dict(error.headers or {})
    if is_open311(scope["path"]):
        return fault_response(scope["path"], error.status_code, [error.detail], headers)
    return problem_response(request_id, error.status_code, error.code, error.detail, headers=headers)


def _name_of(place: str) -> str:
    """Give the host of host:port; empty where it is none."""
    match = _HOST.match(place)
    return match.group(1).strip("[]").lower() if match else ""


def _check_type(scope: Scope, headers: Headers) -> None:
    """Refuse a write whose body is not JSON, or, where a file belongs, no such file."""
    if scope["method"] in SAFE_METHODS:
        return
    file = next((types for path, types in _FILES if path.match(scope["path"])), None)
    allowed = file or BODY_TYPES
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    empty = headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers
    if kind not in allowed and not (empty and not kind and file is None):
        raise ProblemError(
            415,
            "unsupported-media-type",
            f"The body must be {' or '.join(allowed)}; say so in Content-Type.",
        )
    packed = headers.get("content-encoding", "identity").strip().lower()
    if packed not in ("", "identity"):
        raise ProblemError(
            415, "unsupported-media-type", "Bodies are taken as they are; send it without Content-Encoding."
        )
