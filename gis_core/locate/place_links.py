"""Links of map services as places: where in the address each keeps the position, in which order and which datum.

Nothing is fetched: a short link that says nothing of itself is no place.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote_plus, urlsplit

__all__ = ["LinkPlace", "is_link", "place_of_link"]

_NUMBER = r"[+-]?\d+(?:\.\d+)?"
_TWO = re.compile(rf"^\s*(?:[a-z]+:)?\s*({_NUMBER})\s*[,~\s]\s*({_NUMBER})(?:\s*[,|;(].*)?$", re.IGNORECASE)
_PIN = re.compile(rf"!3d({_NUMBER})!4d({_NUMBER})")
_VIEW = re.compile(rf"^@({_NUMBER}),({_NUMBER})(?:,.*)?$")
_POI = re.compile(rf"^\w*,({_NUMBER}),({_NUMBER})(?:,.*)?$")
#: Names of latitude and longitude where they stand apart; what is aimed at comes before where one is.
_APART = (
    ("mlat", "mlon"), ("dlat", "dlon"), ("dlat", "dlng"), ("lat", "lon"), ("lat", "lng"), ("latitude", "longitude"),
    ("pointy", "pointx"), ("y", "x"),
)  # fmt: skip
#: Names of both in one, the position of most interest first.
_TOGETHER = (
    "position", "lnglat", "dest_lnglat", "marker", "coord", "tocoord", "q", "query", "pt", "ll", "sll", "location",
    "latlng", "coordinate", "cp", "destination", "daddr", "to", "center", "map",
)  # fmt: skip
#: Those that begin with the longitude, everywhere or on some hosts.
_LON_FIRST = frozenset({"position", "lnglat", "dest_lnglat"})
_LON_FIRST_AT = {
    "gcj02": frozenset({"center", "to"}), "cgcs2000": frozenset({"center"}), "yandex": frozenset({"ll", "pt"}),
}  # fmt: skip
_DATUMS = {
    "bd09ll": "bd09", "bd09": "bd09", "gcj02": "gcj02", "gaode": "gcj02", "wgs84": "wgs84", "wgs84ll": "wgs84",
}  # fmt: skip
_HOSTS = (
    ("amap.com", "gcj02"), ("gaode.com", "gcj02"), ("map.qq.com", "gcj02"), ("google.cn", "gcj02"),
    ("baidu.com", "bd09"), ("tianditu.gov.cn", "cgcs2000"), ("tianditu.com", "cgcs2000"),
    ("openstreetmap.org", "wgs84"), ("osm.org", "wgs84"),
)  # fmt: skip
_SCHEMES = {
    "amapuri": "gcj02", "androidamap": "gcj02", "iosamap": "gcj02", "qqmap": "gcj02", "baidumap": "bd09",
    "bdapp": "bd09",
}  # fmt: skip


class LinkPlace(NamedTuple):
    """Longitude, latitude, whether the longitude came first, and the datum where the link has one."""

    x: float
    y: float
    lon_first: bool
    crs: str | None


def is_link(text: str) -> bool:
    """Tell whether a text is a link."""
    return "://" in text or text.lower().startswith("geo:")


def place_of_link(text: str) -> LinkPlace | str | None:
    """Read a link.

    Returns
    -------
    LinkPlace, str or None
        A text where the link holds one that is a place in another form (degrees-minutes-seconds in its path).

    Examples
    --------
    >>> place_of_link("https://uri.amap.com/marker?position=121.49,31.24")
    LinkPlace(x=121.49, y=31.24, lon_first=True, crs='gcj02')
    >>> place_of_link("geo:0,0?q=31.24,121.49(Here)")
    LinkPlace(x=121.49, y=31.24, lon_first=False, crs='wgs84')
    """
    try:
        parts = urlsplit(text)
        host = (parts.hostname or "").lower()
    except ValueError:
        return None
    query = {key.lower(): value for key, value in parse_qsl(parts.query)}
    query |= {key.lower(): value for key, value in parse_qsl(parts.fragment)}
    if parts.scheme.lower() == "geo":
        found = _TWO.match(query.get("q", "")) or _TWO.match(parts.path)
        return None if found is None else _place(found[1], found[2], "wgs84")
    crs = _datum(parts.scheme.lower(), host, query)
    return (
        _apart(query, crs)
        or _pinned(text, parts.path, crs)
        or _together(query, host, crs)
        or _viewed(parts.path, crs)
    )


def _datum(scheme: str, host: str, query: dict[str, str]) -> str | None:
    stated = _DATUMS.get((query.get("coord_type") or query.get("coordinate") or "").lower())
    if stated is not None:
        return stated
    if scheme in _SCHEMES:
        return "wgs84" if query.get("dev") == "1" else _SCHEMES[scheme]
    return next((datum for name, datum in _HOSTS if host == name or host.endswith("." + name)), None)


def _place(lat: str, lon: str, crs: str | None, *, lon_first: bool = False) -> LinkPlace:
    return LinkPlace(float(lon), float(lat), lon_first, crs)


def _apart(query: dict[str, str], crs: str | None) -> LinkPlace | None:
    for lat, lon in _APART:
        if re.fullmatch(_NUMBER, query.get(lat, "")) and re.fullmatch(_NUMBER, query.get(lon, "")):
            return _place(query[lat], query[lon], crs)
    if query.get("map", "").count("/") == 2:
        _, lat, lon = query["map"].split("/")
        if re.fullmatch(_NUMBER, lat) and re.fullmatch(_NUMBER, lon):
            return _place(lat, lon, crs)
    return None


def _pinned(text: str, path: str, crs: str | None) -> LinkPlace | str | None:
    """Return the pin of a link of Google, else the last part of a path that is a position."""
    pin = _PIN.search(text)
    if pin is not None:
        return _place(pin[1], pin[2], crs)
    for part in reversed(path.split("/")):
        words = unquote_plus(part).strip()
        found = _TWO.match(words)
        if found is not None and "." in found[1] and "." in found[2]:
            return _place(found[1], found[2], crs)
        if "°" in words:
            return words
    return None


def _together(query: dict[str, str], host: str, crs: str | None) -> LinkPlace | str | None:
    turned = _LON_FIRST | _LON_FIRST_AT.get("yandex" if ".yandex." in f".{host}" else crs or "", frozenset())
    for key in _TOGETHER:
        found = _TWO.match(query.get(key, ""))
        if found is not None:
            lat, lon = (found[2], found[1]) if key in turned else (found[1], found[2])
            return _place(lat, lon, crs, lon_first=key in turned)
        if "°" in query.get(key, ""):
            return query[key]
    found = _POI.match(query.get("p", "")) or _TWO.match(
        query.get("destination", "").rpartition("latlng:")[2]
    )
    return None if found is None else _place(found[1], found[2], crs)


def _viewed(path: str, crs: str | None) -> LinkPlace | None:
    """Return the middle of the view, the last thing that a link may mean."""
    for part in path.split("/"):
        found = _VIEW.match(part)
        if found is not None:
            return _place(found[1], found[2], crs)
    return None
