"""Files in S3, or in anything that speaks its protocol: three requests, signed by AWS Signature Version 4.

Objects are addressed by path (`endpoint/bucket/key`), which every implementation understands.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

from gis_core.errors import NotFoundError, ParameterError, StoreUnavailableError

__all__ = ["Keys", "S3Shelf", "keys_of_environment", "signed_headers"]

_TIMEOUT_S = 20.0
_TRIES = 3
_PAUSE_S = 0.3
_MOST_BYTES = 1 << 30


@dataclass(frozen=True)
class Keys:
    """Who asks; what is secret is in no message."""

    access: str
    secret: str = field(repr=False)
    session: str | None = field(default=None, repr=False)
    region: str = "us-east-1"


def keys_of_environment() -> Keys:
    """Read the keys where other programs look for them too.

    Raises
    ------
    ParameterError
        Where there are none.
    """
    access, secret = os.environ.get("AWS_ACCESS_KEY_ID"), os.environ.get("AWS_SECRET_ACCESS_KEY")
    if not access or not secret:
        raise ParameterError("S3 needs keys: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.")
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    return Keys(access, secret, os.environ.get("AWS_SESSION_TOKEN") or None, region)


def signed_headers(
    method: str,
    host: str,
    path: str,
    *,
    keys: Keys,
    at: datetime,
    digest: str,
    more: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Sign a request without a query.

    Parameters
    ----------
    path : str
        Percent-encoded, as it is sent.
    digest : str
        SHA-256 of the body in hex.
    more : mapping, optional
        Further headers to sign.

    Returns
    -------
    dict
        All headers of the request, `Authorization` among them.
    """
    stamp, day = at.strftime("%Y%m%dT%H%M%SZ"), at.strftime("%Y%m%d")
    headers = {"host": host, "x-amz-content-sha256": digest, "x-amz-date": stamp, **(more or {})}
    if keys.session is not None:
        headers["x-amz-security-token"] = keys.session
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in sorted(headers))
    request = "\n".join([method, path, "", lines, names, digest])
    scope = f"{day}/{keys.region}/s3/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(request.encode()).hexdigest()])
    key = f"AWS4{keys.secret}".encode()
    for part in (day, keys.region, "s3", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    headers["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={keys.access}/{scope},SignedHeaders={names},Signature={signature}"
    )
    return headers


class S3Shelf:
    """Files as objects of a bucket, each under its hash.

    Parameters
    ----------
    bucket, prefix : str
    keys : Keys
    endpoint : str or None
        URL; None for Amazon's of the region.
    """

    def __init__(self, bucket: str, prefix: str, *, keys: Keys, endpoint: str | None = None) -> None:
        self._keys = keys
        parts = urlsplit(endpoint or f"https://s3.{keys.region}.amazonaws.com")
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
            raise ParameterError("WANGGE_S3_ENDPOINT is a URL such as https://s3.example.org.")
        self._secure, self._host, self._port = parts.scheme == "https", parts.hostname, parts.port
        self._netloc = parts.netloc
        self._base = "/".join(
            [parts.path.rstrip("/"), quote(bucket, safe=""), *([quote(prefix)] if prefix else [])]
        )
        self.where = f"The bucket {bucket}"

    def put(self, data: bytes) -> str:
        """Send a file; the same again changes nothing."""
        digest = hashlib.sha256(data).hexdigest()
        status, answer = self._ask("PUT", digest, data)
        if status != 200:
            raise self._refused(status, answer)
        return digest

    def get(self, digest: str) -> bytes:
        """Read a file and check that it is what was sent."""
        status, data = self._ask("GET", digest, b"")
        if status == 404:
            raise NotFoundError(f"{self.where} has lost a file that it kept; look for a copy of it.")
        if status != 200:
            raise self._refused(status, data)
        if hashlib.sha256(data).hexdigest() != digest:
            raise StoreUnavailableError(f"{self.where} gave another file than was kept there.")
        return data

    def _refused(self, status: int, answer: bytes) -> StoreUnavailableError:
        code = answer.partition(b"<Code>")[2].partition(b"</Code>")[0].decode("ascii", "replace")[:60]
        said = f"{status} {code}".strip()
        return StoreUnavailableError(
            f"{self.where} refuses ({said}): check its name, the keys, and WANGGE_S3_ENDPOINT."
        )

    def _ask(self, method: str, digest: str, body: bytes) -> tuple[int, bytes]:
        path = f"{self._base}/{digest[:2]}/{digest[2:]}"
        fault: Exception | None = None
        for number in range(_TRIES):
            time.sleep(_PAUSE_S * number)
            try:
                status, answer = self._once(method, path, body)
            except (OSError, http.client.HTTPException) as error:
                fault = error
                continue
            if status < 500:
                return status, answer
            fault = self._refused(status, answer)
        if isinstance(fault, StoreUnavailableError):
            raise fault
        raise StoreUnavailableError(f"{self.where} cannot be reached ({fault}).") from fault

    def _once(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        connection = kind(self._host, self._port, timeout=_TIMEOUT_S)
        headers = signed_headers(
            method,
            self._netloc,
            path,
            keys=self._keys,
            at=datetime.now(UTC),
            digest=hashlib.sha256(body).hexdigest(),
        )
        try:
            connection.request(method, path, body=body or None, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read(_MOST_BYTES)
        finally:
            connection.close()
