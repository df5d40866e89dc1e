"""The built front end: pages at `/` and `/phone`, their files at `/assets/`, and a plain page where it was not built.

A file asked for with a hash, in its name or as `?v=`, is kept for good; any other is asked for every time and
answered by 304 where it is the same. A file with `.gz` beside it leaves compressed where the caller takes gzip.
"""

from __future__ import annotations

import mimetypes
import re
from functools import partial
from pathlib import Path

from fastapi import APIRouter, Request, Response
from starlette.responses import FileResponse

from api.errors import ProblemError
from api.services import not_modified, takes_gzip

__all__ = ["add_static"]

_NOT_BUILT = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Wangge</title></head>
<body><h1>Wangge 网格</h1>
<p>The server runs, but its map is not built yet: <code>scripts/run</code> builds it; then reload.</p>
<p>服务已启动，但地图页面尚未构建：运行 <code>scripts/run</code> 后刷新本页。</p>
<p><a href="/api/plans">/api/plans</a> · <a href="/openapi.json">/openapi.json</a></p></body></html>
"""
_FOREVER = "public, max-age=31536000, immutable"
_ASK = "no-cache"
#: A hash as bundlers write it: `name-1A2B3C4D.js`.
_HASHED = re.compile(r"[-.][0-9A-Za-z_]{8,}\.[a-z0-9]+$")
#: Types that the machine's own table may lack or have wrong.
_TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".map": "application/json",
}
#: Files beside the page that browsers ask for by fixed names.
_BESIDE = (
    "favicon.ico",
    "favicon.svg",
    "manifest.webmanifest",
    "phone-sw.js",
    "phone.webmanifest",
    "robots.txt",
)
#: Pages by the path that they are asked for with.
_PAGES = {"/": "index.html", "/phone": "phone.html"}


def add_static(router: APIRouter, root: Path) -> None:
    """Serve the files below `root`; what is built later is found without a restart."""

    def page(name: str, request: Request) -> Response:
        index = root / name
        if not index.is_file():
            return Response(
                _NOT_BUILT, 503, {"Cache-Control": "no-store"}, media_type="text/html; charset=utf-8"
            )
        return _file(request, index, _ASK)

    def asset(request: Request) -> Response:
        path = _inside(root / "assets", str(request.path_params["path"]))
        if path is None:
            raise ProblemError(404, "not-found", f"There is nothing at {request.url.path}.")
        lasting = _HASHED.search(path.name) or len(request.query_params.get("v", "")) >= 8
        return _file(request, path, _FOREVER if lasting else _ASK)

    def beside(request: Request) -> Response:
        path = root / request.url.path.lstrip("/")
        if not path.is_file():
            raise ProblemError(404, "not-found", f"There is nothing at {request.url.path}.")
        return _file(request, path, _ASK)

    for name in _BESIDE:
        router.add_route(f"/{name}", beside, methods=["GET"], include_in_schema=False)
    router.add_route("/assets/{path:path}", asset, methods=["GET"], include_in_schema=False)
    for path, name in _PAGES.items():
        router.add_route(path, partial(page, name), methods=["GET"], include_in_schema=False)


def _inside(folder: Path, name: str) -> Path | None:
    """Find a file in a folder; None where it is not there or the name leads out of it."""
    if "\0" in name or name.endswith(".gz"):
        return None
    base = folder.resolve()
    try:
        path = (base / name).resolve()
        return path if path.is_relative_to(base) and path.is_file() else None
    except (OSError, ValueError):  # a name longer than the system allows, or of no text it knows
        return None


def _file(request: Request, path: Path, cache: str) -> Response:
    kind = _TYPES.get(path.suffix.lower()) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    stat = path.stat()
    etag = f'"{stat.st_mtime_ns:x}-{stat.st_size:x}"'
    known = not_modified(request, etag)
    if known is not None:
        return known
    headers = {"Cache-Control": cache, "Vary": "Accept-Encoding", "ETag": f"W/{etag}"}
    packed = path.with_name(path.name + ".gz")
    if takes_gzip(request.headers.get("accept-encoding", "")) and packed.is_file():
        return FileResponse(packed, headers={**headers, "Content-Encoding": "gzip"}, media_type=kind)
    return FileResponse(path, headers=headers, media_type=kind)
