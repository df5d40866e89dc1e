"""One signed POST to somebody else's server, which must not be led to addresses that are nobody else's business.

The name is looked up once, every address of it is judged, and the connection goes to one that was judged; redirects are
not followed, and the whole takes a bounded time.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Sequence
from urllib.parse import SplitResult, urlsplit

from gis_core import __version__
from gis_core.errors import ParameterError

__all__ = ["Networks", "post", "require_url", "signature"]

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Networks = Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]

#: Seconds for one answer of the network, and for all of it.
_STEP_S, _WHOLE_S = 10.0, 20.0
_MOST_ANSWER = 2_000
_LONGEST_URL = 2_000
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Sign a body and when it was sent: HMAC-SHA256 over `timestamp.body`, in hex.

    Examples
    --------
    >>> signature("secret", "1700000000", b"{}")[:16]
    'b8569b78799ff9e3'
    """
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def require_url(url: str, allowed: Networks) -> None:
    """Check a URL before it is kept; a name that cannot be looked up now is judged when something is sent.

    Raises
    ------
    ParameterError
        Where it is none, or leads to an address that must not be called.
    """
    parts = _parts(url)
    try:
        addresses = _addresses(parts)
    except OSError:
        return
    _require_public(parts, addresses, allowed)


def post(
    url: str, body: bytes, headers: dict[str, str], *, secret: str, allowed: Networks
) -> tuple[int, str]:
    """Send a body, signed; return the status and the beginning of the answer.

    Raises
    ------
    ParameterError
        Where the URL leads to an address that must not be called.
    OSError, http.client.HTTPException
        Where nothing was answered.
    """
    parts = _parts(url)
    addresses = _addresses(parts)
    _require_public(parts, addresses, allowed)
    timestamp = str(int(time.time()))
    headers = {
        **headers,
        "Content-Type": "application/json",
        "User-Agent": f"Wangge/{__version__}",
        "X-Wangge-Timestamp": timestamp,
        "X-Wangge-Signature": f"v1={signature(secret, timestamp, body)}",
    }
    connection = _Direct(parts, str(addresses[0]))
    too_long = threading.Timer(_WHOLE_S, connection.cut)
    too_long.daemon = True
    too_long.start()
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, body=body, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read(_MOST_ANSWER).decode("utf-8", "replace")
    finally:
        too_long.cancel()
        connection.close()


class _Direct(http.client.HTTPConnection):
    """A connection to an address that was judged, under the name of the URL."""

    def __init__(self, parts: SplitResult, address: str) -> None:
        secure = parts.scheme == "https"
        super().__init__(str(parts.hostname), parts.port or (443 if secure else 80), timeout=_STEP_S)
        self._address = address
        self._tls = ssl.create_default_context() if secure else None
        self.default_port = 443 if secure else 80  # leaves the usual port out of the Host header

    def connect(self) -> None:
        plain = socket.create_connection((self._address, self.port), self.timeout)
        self.sock = plain
        if self._tls is not None:
            self.sock = self._tls.wrap_socket(plain, server_hostname=self.host)

    def cut(self) -> None:
        """End it from another thread, whatever it waits for."""
        sock = self.sock
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


def _parts(url: str) -> SplitResult:
    fault = ParameterError(
        "The URL of a webhook is https://host/path, without a user, a password or a fragment."
    )
    if (
        len(url) > _LONGEST_URL
        or not url.isascii()
        or any(letter.isspace() or not letter.isprintable() for letter in url)
    ):
        raise fault
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise fault from None
    plain = parts.username is None and parts.password is None and not parts.fragment
    if parts.scheme not in ("http", "https") or not parts.hostname or not plain or port == 0:
        raise fault
    return parts


def _addresses(parts: SplitResult) -> list[Address]:
    """Return where a name leads; raises OSError where it leads nowhere."""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError(str(error)) from error
    return [ipaddress.ip_address(str(each[4][0]).partition("%")[0]) for each in found]


def _require_public(parts: SplitResult, addresses: list[Address], allowed: Networks) -> None:
    """Refuse addresses of this machine, of private networks and of nobody, unless the setting names them."""
    for address in addresses:
        if any(address in network for network in allowed if network.version == address.version):
            continue
        if not _is_public(address):
            raise ParameterError(
                f"{parts.hostname} is an address of this machine or of a private network; WANGGE_WEBHOOK_ALLOW names "
                "those that may be called."
            )
        if parts.scheme != "https":
            raise ParameterError("What leaves for the open network goes by https; take https:// in the URL.")


def _is_public(address: Address) -> bool:
    """Tell whether anybody may call an address; one that carries another is judged by that."""
    carried: list[ipaddress.IPv4Address] = []
    if isinstance(address, ipaddress.IPv6Address):
        carried = [each for each in (address.ipv4_mapped, address.sixtofour, *(address.teredo or ())) if each]
        if address in _NAT64:
            carried.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    judged: Sequence[Address] = carried or [address]
    return all(each.is_global and not each.is_multicast for each in judged)
