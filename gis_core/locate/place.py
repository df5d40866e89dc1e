"""A place as people paste it: decimals, degrees-minutes-seconds, WKT, GeoJSON, a map's link; every way to read it.

Nothing is guessed: where longitude and latitude can be either way round both readings are given, and the datum is
named only where the text itself says it.
"""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qsl, unquote, urlsplit

__all__ = ["Reading", "read_place"]

Order = Literal["lon-lat", "lat-lon"]
Form = Literal["decimal", "dms", "wkt", "geojson", "link"]
Box = tuple[float, float, float, float]

_MAX_LENGTH = 2000
_WORDS = (
    (r"北纬|latitude|纬度|lat", "N"),
    (r"南纬", "S"),
    (r"东经|longitude|经度|long|lng|lon", "E"),
    (r"西经", "W"),
    (r"度|º|˚|deg", "°"),
    (r"分|′|’|‘|＇", "'"),
    (r"秒|″|”|“|''", '"'),
    (r"[，、;；/|]", ","),
    (r"−", "-"),
)
_NUMBER = r"[+-]?\d+(?:\.\d+)?"
_PART = r"\d+(?:\.\d+)?"
_COORDINATE = (
    r"(?P<before{k}>[NSEW])?\s*[:=]?\s*(?P<degrees{k}>" + _NUMBER + r")\s*"
    r"(?:°\s*(?:(?P<minutes{k}>" + _PART + r")\s*'\s*(?:(?P<seconds{k}>" + _PART + r")\s*\"?)?)?"
    r"|(?:\s+(?P<spaced_minutes{k}>"
    + _PART
    + r")(?:\s+(?P<spaced_seconds{k}>"
    + _PART
    + r"))?(?=\s*[NSEW])))?"
    r"\s*(?P<after{k}>[NSEW])?"
)
_PAIR = re.compile(
    r"[(\[{]?\s*" + _COORDINATE.replace("{k}", "1") + r"\s*[,\s]\s*" + _COORDINATE.replace("{k}", "2")
    + r"\s*[)\]}]?\s*"
)  # fmt: skip
_WKT = re.compile(
    rf"(?:SRID=(\d+)\s*;\s*)?POINT\s*(?:Z|M|ZM)?\s*\(\s*({_NUMBER})\s+({_NUMBER})(?:\s+{_NUMBER})*\s*\)",
    re.IGNORECASE,
)
_TWO = re.compile(rf"^\s*({_NUMBER})\s*[,~\s]\s*({_NUMBER})(?:\s*,.*)?$")
#: Names of what a link carries: latitude and longitude apart, or both in one.
_APART = (("mlat", "mlon"), ("lat", "lon"), ("lat", "lng"), ("latitude", "longitude"), ("y", "x"))
_LON_LAT_KEYS = ("position", "lnglat", "dest_lnglat")
_LAT_LON_KEYS = (
    "q",
    "query",
    "ll",
    "sll",
    "location",
    "latlng",
    "coordinate",
    "cp",
    "center",
    "daddr",
    "destination",
)
_DATUMS = {
    "bd09ll": "bd09",
    "bd09": "bd09",
    "gcj02": "gcj02",
    "gaode": "gcj02",
    "wgs84": "wgs84",
    "wgs84ll": "wgs84",
}
_HOSTS = (("amap.com", "gcj02"), ("gaode.com", "gcj02"), ("map.qq.com", "gcj02"), ("baidu.com", "bd09"),
          ("openstreetmap.org", "wgs84"), ("osm.org", "wgs84"))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a text as a place.

    Attributes
    ----------
    x, y : float
        Longitude and latitude in degrees, or east and north where `crs` says so.
    order : {"lon-lat", "lat-lon"}
        How they stood in the text.
    form : {"decimal", "dms", "wkt", "geojson", "link"}
    crs : str or None
        The system that the text names, as in `parse_crs`; None where it names none.
    """

    x: float
    y: float
    order: Order
    form: Form
    crs: str | None = None


def read_place(text: str, near: Box | None = None) -> list[Reading]:
    """Read a text as a place, in every way that is possible.

    Parameters
    ----------
    text : str
    near : tuple of float, optional
        West, south, east, north of where people work; of two readings the one in it or nearer to it comes first,
        else longitude before latitude.

    Returns
    -------
    list of Reading
        Empty where the text is no place; two where both orders are possible.

    Examples
    --------
    >>> [(r.x, r.y, r.order) for r in read_place("31.24, 121.49")]
    [(121.49, 31.24, 'lat-lon')]
    >>> [(r.x, r.y) for r in read_place("北纬31°14′24″ 东经121°29′24″")]
    [(121.49, 31.24)]
    >>> [(r.x, r.y, r.crs) for r in read_place("https://uri.amap.com/marker?position=121.49,31.24")]
    [(121.49, 31.24, 'gcj02')]
    """
    if len(text) > _MAX_LENGTH:
        return []
    text = text.strip()
    found = _link(text) if "://" in text or text.lower().startswith("geo:") else _plain(text)
    return sorted(found, key=lambda reading: _distance(reading, near)) if near is not None else found


def _plain(text: str) -> list[Reading]:
    wkt = _WKT.fullmatch(text)
    if wkt is not None:
        x, y = float(wkt[2]), float(wkt[3])
        crs = None if wkt[1] is None else f"EPSG:{wkt[1]}"
        return [Reading(x, y, "lon-lat", "wkt", crs)] if crs is not None or _is_place(x, y) else []
    if text.startswith("{"):
        return _geojson(text)
    text = unicodedata.normalize("NFKC", text)
    for pattern, sign in _WORDS:
        text = re.sub(pattern, sign, text, flags=re.IGNORECASE)
    match = _PAIR.fullmatch(text.upper())
    return [] if match is None else _pair(match)


def _geojson(text: str) -> list[Reading]:
    try:
        data = json.loads(text)
        shape = data.get("geometry") or data
        x, y = (float(value) for value in shape["coordinates"][:2])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return []
    return [Reading(x, y, "lon-lat", "geojson")] if shape.get("type") == "Point" and _is_place(x, y) else []


def _pair(match: re.Match[str]) -> list[Reading]:
    values, sides = [], []
    for k in "12":
        value = _degrees(match, k)
        side = match["before" + k] or match["after" + k]
        if value is None or (match["before" + k] and match["after" + k]):
            return []
        values.append(-value if side in ("S", "W") else value)
        sides.append(side)
    form: Form = "dms" if "°" in match[0] or match["spaced_minutes1"] else "decimal"
    is_lat = [side is not None and side in "NS" for side in sides]
    is_lon = [side is not None and side in "EW" for side in sides]
    if (is_lat[0] and is_lat[1]) or (is_lon[0] and is_lon[1]):
        return []
    readings = []
    if not (is_lat[0] or is_lon[1]):
        readings.append(Reading(values[0], values[1], "lon-lat", form))
    if not (is_lon[0] or is_lat[1]):
        readings.append(Reading(values[1], values[0], "lat-lon", form))
    return [reading for reading in readings if _is_place(reading.x, reading.y)]


def _degrees(match: re.Match[str], k: str) -> float | None:
    """Return one coordinate in degrees; None where minutes or seconds are none."""
    minutes = float(match["minutes" + k] or match["spaced_minutes" + k] or 0.0)
    seconds = float(match["seconds" + k] or match["spaced_seconds" + k] or 0.0)
    whole = match["degrees" + k]
    if minutes >= 60.0 or seconds >= 60.0:
        return None
    size = (
        (abs(float(whole)) * 3600.0 + minutes * 60.0 + seconds) / 3600.0
        if minutes or seconds
        else abs(float(whole))
    )
    return -size if whole.startswith("-") else size


def _link(text: str) -> list[Reading]:
    """Read a link of a map service by the names of what it carries."""
    if text.lower().startswith("geo:"):
        match = re.match(rf"geo:({_NUMBER}),({_NUMBER})", text, re.IGNORECASE)
        return [] if match is None else _lat_lon(match[1], match[2], "wgs84")
    try:
        parts = urlsplit(text)
        host = (parts.hostname or "").lower()
    except ValueError:
        return []
    query = {key.lower(): value for key, value in parse_qsl(parts.query)}
    query |= {key.lower(): value for key, value in parse_qsl(parts.fragment)}
    crs = next((datum for name, datum in _HOSTS if host == name or host.endswith("." + name)), None)
    stated = _DATUMS.get((query.get("coord_type") or query.get("coordinate") or "").lower())
    crs = stated or crs
    for lat, lon in _APART:
        if lat in query and lon in query:
            return _lat_lon(query[lat], query[lon], crs)
    if query.get("map", "").count("/") == 2:
        _, lat, lon = query["map"].split("/")
        return _lat_lon(lat, lon, crs)
    pin = re.search(rf"!3d({_NUMBER})!4d({_NUMBER})", text)
    if pin is not None:
        return _lat_lon(pin[1], pin[2], crs)
    for key in (*_LON_LAT_KEYS, *_LAT_LON_KEYS):
        match = _TWO.match(query.get(key, ""))
        if match is not None:
            turned = key in _LON_LAT_KEYS or (key == "center" and crs == "gcj02")
            return _lat_lon(*((match[2], match[1]) if turned else (match[1], match[2])), crs, turned)
    coord = re.search(rf"coord:({_NUMBER}),({_NUMBER})", unquote(parts.query))
    if coord is not None:
        return _lat_lon(coord[1], coord[2], crs)
    view = re.search(rf"/@({_NUMBER}),({_NUMBER})", parts.path)
    return [] if view is None else _lat_lon(view[1], view[2], crs)


def _lat_lon(lat: str, lon: str, crs: str | None, turned: bool = False) -> list[Reading]:
    try:
        x, y = float(lon), float(lat)
    except ValueError:
        return []
    return [Reading(x, y, "lon-lat" if turned else "lat-lon", "link", crs)] if _is_place(x, y) else []


def _is_place(x: float, y: float) -> bool:
    return abs(x) <= 180.0 and abs(y) <= 90.0


def _distance(reading: Reading, box: Box) -> float:
    west, south, east, north = box
    dx, dy = max(west - reading.x, 0.0, reading.x - east), max(south - reading.y, 0.0, reading.y - north)
    return float((dx * dx + dy * dy) ** 0.5)
