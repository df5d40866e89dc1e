"""A place as people paste it: decimals, degrees-minutes-seconds, WKT, GeoJSON, a map's link; every way to read it.

Nothing is guessed: where longitude and latitude can be either way round both readings are given, and the datum is
named only where the text itself says it.
"""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass, replace
from typing import Literal

from gis_core.locate.place_links import is_link, place_of_link

__all__ = ["Reading", "read_place"]

Order = Literal["lon-lat", "lat-lon"]
Form = Literal["decimal", "dms", "wkt", "geojson", "link", "pluscode"]
Box = tuple[float, float, float, float]

_MAX_LENGTH = 2000
#: Signs that stand for others on many keyboards; they would not outlast the normal form of Unicode.
_SIGNS = str.maketrans(
    {"º": "°", "˚": "°", "∘": "°", "´": "'", "`": "'", "′": "'", "’": "'", "‘": "'", "＇": "'", "ˊ": "'", "″": '"',
     "”": '"', "“": '"', "〃": '"', "＂": '"', "−": "-", "–": "-", "—": "-", "‐": "-"}
)  # fmt: skip
_NUMBER = r"[+-]?\d+(?:\.\d+)?"
_PART = r"\d+(?:\.\d+)?"
_SIDE = r"[NSEW]?\s*"
_WORDS = tuple(
    (re.compile(pattern, re.IGNORECASE), sign)
    for pattern, sign in (
        (r"(?<=\d)。(?=\d)", "."),
        (r"\"(?=[a-z]+\"?\s*:)|(?<=[a-z])\"(?=\s*:)", ""),
        (r"北纬|latitude|纬度|lat|(?<![a-z])y(?=\s*[:=])", "N"),
        (r"南纬", "S"),
        (r"东经|longitude|经度|long|lng|lon|(?<![a-z])x(?=\s*[:=])", "E"),
        (r"西经", "W"),
        (
            rf"(?<=\d)\s*d(?:eg(?:rees?)?)?\s*({_PART})\s*m(?:in(?:utes?)?)?\s*({_PART})\s*s(?:ec(?:onds?)?)?(?![a-df-mo-rt-vx-z])",
            r"°\1'\2" + '"',
        ),
        (rf"(?<=\d)\s*d(?:eg(?:rees?)?)?\s*({_PART})\s*m(?:in(?:utes?)?)?(?![a-df-mo-rt-vx-z])", r"°\1'"),
        (r"度|(?<=\d)\s*deg(?:rees?)?(?![a-z])|(?<=\d)\s*d(?=\s*\d)", "°"),
        (r"分", "'"),
        (r"秒|''", '"'),
        # Degrees, minutes and seconds with colons; with dashes only beside a letter of the compass.
        (rf"(?<![\d.])(\d{{1,3}}):(\d{{1,2}}):({_PART})(?![\d:])", r"\1°\2'\3" + '"'),
        (rf"(?<![\d.-])(\d{{1,3}})-(\d{{1,2}})-({_PART})(?=\s*[NSEW])", r"\1°\2'\3" + '"'),
        (rf"(?<=[NSEW])\s*(\d{{1,3}})-(\d{{1,2}})-({_PART})(?![\d-])", r"\1°\2'\3" + '"'),
        (r"(?<=\d),(?=\d+\s*['\"])", "."),
        # Decimal commas: exactly two numbers with one each.
        (
            rf"^([(\[]?\s*{_SIDE}[+-]?\d{{1,3}}),(\d+\s*°?\s*{_SIDE})(?:[;/|]|,\s|\s)\s*({_SIDE}[+-]?\d{{1,3}}),(\d+\s*°?\s*{_SIDE}[)\]]?)$",
            r"\1.\2 ; \3.\4",
        ),
        (r"[、;/|&]", ","),
    )
)
#: One coordinate: a letter before or after it, not both; minutes without a sign only beside a letter.
_COORDINATE = (
    r"(?P<before{k}>[NSEW])?\s*[:=]?\s*(?P<degrees{k}>" + _NUMBER + r")\s*"
    r"(?:°\s*(?:(?P<minutes{k}>" + _PART + r")\s*'\s*(?:(?P<seconds{k}>" + _PART + r")\s*\"?)?)?"
    r"|(?:\s+(?P<spaced_minutes{k}>" + _PART + r")(?:\s+(?P<spaced_seconds{k}>" + _PART
    + r"))?(?(before{k})(?=\s*[,NSEW]|\s*[)\]}]?\s*$)|(?=\s*[NSEW]))))?"
    r"(?(before{k})|\s*(?P<after{k}>[NSEW])?)"
)  # fmt: skip
_PAIR = re.compile(
    r"[(\[{]?\s*" + _COORDINATE.replace("{k}", "1") + r"\s*[,\s]\s*" + _COORDINATE.replace("{k}", "2")
    + r"\s*[)\]}]?\s*"
)  # fmt: skip
_WKT = re.compile(
    rf"(?:SRID=(\d+)\s*;\s*)?(?:MULTI)?POINT\s*(?:Z|M|ZM)?\s*\(\s*\(?\s*({_NUMBER})\s+({_NUMBER})(?:\s+{_NUMBER})*\s*\)?\s*\)",
    re.IGNORECASE,
)
_PLUS = re.compile(r"([23456789CFGHJMPQRVWX]{8})\+([23456789CFGHJMPQRVWX]{2,7})?", re.IGNORECASE)
_PLUS_DIGITS = "23456789CFGHJMPQRVWX"


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a text as a place.

    Attributes
    ----------
    x, y : float
        Longitude and latitude in degrees, or east and north where `crs` says so.
    order : {"lon-lat", "lat-lon"}
        How they stood in the text.
    form : {"decimal", "dms", "wkt", "geojson", "link", "pluscode"}
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
    found = _link(text) if is_link(text) else _plain(text)
    return sorted(found, key=lambda reading: _distance(reading, near)) if near is not None else found


def _plain(text: str) -> list[Reading]:
    wkt = _WKT.fullmatch(text)
    if wkt is not None:
        x, y = float(wkt[2]), float(wkt[3])
        crs = None if wkt[1] is None else f"EPSG:{wkt[1]}"
        return [Reading(x, y, "lon-lat", "wkt", crs)] if crs is not None or _is_place(x, y) else []
    if text.startswith("{") and (found := _geojson(text)):
        return found
    plus = _PLUS.fullmatch(text)
    if plus is not None:
        return _plus_code(plus[1] + (plus[2] or ""))
    text = unicodedata.normalize("NFKC", text.translate(_SIGNS))
    for pattern, sign in _WORDS:
        text = pattern.sub(sign, text)
    match = _PAIR.fullmatch(text.upper())
    return [] if match is None else _pair(match)


def _link(text: str) -> list[Reading]:
    found = place_of_link(text)
    if isinstance(found, str):
        return [replace(reading, form="link") for reading in _plain(found)]
    if found is None or not _is_place(found.x, found.y):
        return []
    return [Reading(found.x, found.y, "lon-lat" if found.lon_first else "lat-lon", "link", found.crs)]


def _plus_code(code: str) -> list[Reading]:
    """Return the middle of the area that an Open Location Code names."""
    y, x, size_y, size_x = -90.0, -180.0, 400.0, 400.0
    digits = [_PLUS_DIGITS.index(letter) for letter in code.upper()]
    for row, column in zip(digits[:10:2], digits[1:10:2], strict=True):
        size_y, size_x = size_y / 20.0, size_x / 20.0
        y, x = y + row * size_y, x + column * size_x
    for digit in digits[10:]:
        size_y, size_x = size_y / 5.0, size_x / 4.0
        y, x = y + digit // 4 * size_y, x + digit % 4 * size_x
    x, y = x + size_x / 2.0, y + size_y / 2.0
    return [Reading(x, y, "lat-lon", "pluscode", "wgs84")] if _is_place(x, y) else []


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


def _is_place(x: float, y: float) -> bool:
    return abs(x) <= 180.0 and abs(y) <= 90.0


def _distance(reading: Reading, box: Box) -> float:
    west, south, east, north = box
    dx, dy = max(west - reading.x, 0.0, reading.x - east), max(south - reading.y, 0.0, reading.y - north)
    return float((dx * dx + dy * dy) ** 0.5)
