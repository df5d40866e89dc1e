"""KML and KMZ as rows: placemarks with their folder, name, extended data and outline; runs in the reading child.

Read here and not by GDAL, whose reader loses Chinese names of columns. Links to other files are not followed.
Must not import pandas or shapely.
"""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

__all__ = ["KmlError", "Placemark", "read_placemarks", "unpack_kmz"]

MOST_UNPACKED = 500 << 20
_DEEPEST = 30
_LONGEST_TEXT = 10_000
_POINT, _LINE, _POLYGON, _COLLECTION = 1, 2, 3, 7
Placemark = tuple[tuple[str, ...], dict[str, str], bytes | None]


class KmlError(Exception):
    """A file that is no KML that can be read; the text says why."""


def unpack_kmz(path: Path, folder: Path) -> Path:
    """Write the KML of a KMZ into a folder and return it.

    Raises
    ------
    KmlError
        Where it is no archive, holds no KML, or unpacks to too much.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = [part for part in archive.infolist() if part.filename.lower().endswith(".kml")]
            chosen = next(
                (part for part in names if part.filename.lower() == "doc.kml"), names[0] if names else None
            )
            if chosen is None:
                raise KmlError("holds no KML")
            result, size = folder / "unpacked.kml", 0
            with archive.open(chosen) as source, result.open("wb") as target:
                while block := source.read(1 << 20):
                    size += len(block)
                    if size > MOST_UNPACKED:
                        raise KmlError("unpacks to more than can be held")
                    target.write(block)
            return result
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise KmlError(f"is no KMZ archive ({type(error).__name__})") from None


def read_placemarks(path: Path) -> Iterator[Placemark]:
    """Yield each placemark: the names of the folders around it, its columns, and its geometry as WKB.

    Raises
    ------
    KmlError
        Where the file is no sound XML, declares entities, or is no KML.
    """
    _require_plain(path)
    folders: list[list[str]] = []
    inside = 0
    try:
        for event, element in ElementTree.iterparse(path, ("start", "end")):
            tag = _local(element)
            if event == "start":
                if inside or tag == "Placemark":
                    inside += 1
                elif tag in ("Folder", "Document", "kml"):
                    folders.append([""])
                elif not folders:
                    raise KmlError("is no KML")
                if len(folders) + inside > _DEEPEST:
                    raise KmlError("is nested too deeply")
                continue
            if inside:
                inside -= 1
            if tag == "Placemark":
                yield tuple(name[0] for name in folders if name[0]), _columns(element), _outline(element)
                element.clear()
            elif inside:
                continue
            elif tag in ("Folder", "Document", "kml"):
                folders.pop()
                element.clear()
            elif tag == "name" and folders:
                folders[-1][0] = folders[-1][0] or _text(element)
    except ElementTree.ParseError as error:
        raise KmlError(f"is no sound XML ({error})") from None


def _require_plain(path: Path) -> None:
    """Refuse declarations of entities, in UTF-16 too, and where they lie across two blocks."""
    with path.open("rb") as file:
        end = b""
        while block := file.read(1 << 20):
            text = end + block.replace(b"\0", b"")
            if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
                raise KmlError("declares entities, which KML has no need of")
            end = text[-8:]


def _local(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _text(element: ElementTree.Element) -> str:
    return (element.text or "").strip()[:_LONGEST_TEXT]


def _columns(placemark: ElementTree.Element) -> dict[str, str]:
    """Return name and extended data of a placemark; a name in the extended data counts more."""
    found: dict[str, str] = {}
    for element in placemark.iter():
        tag = _local(element)
        if tag == "SimpleData" and element.get("name"):
            found[str(element.get("name"))] = _text(element)
        elif tag == "Data" and element.get("name"):
            value = next((each for each in element if _local(each) == "value"), None)
            found[str(element.get("name"))] = "" if value is None else _text(value)
    for child in placemark:
        if _local(child) in ("name", "description"):
            found.setdefault(_local(child), _text(child))
    return {name: value for name, value in found.items() if value}


def _outline(placemark: ElementTree.Element) -> bytes | None:
    parts = [shape for child in placemark if (shape := _shape(child)) is not None]
    return parts[0] if len(parts) == 1 else _join(parts)


def _shape(element: ElementTree.Element) -> bytes | None:
    """Return one geometry as WKB; None where the element is none or cannot be read."""
    tag = _local(element)
    if tag == "MultiGeometry":
        return _join([shape for child in element if (shape := _shape(child)) is not None])
    if tag in ("Point", "LineString", "LinearRing"):
        xy = _coordinates(element)
        if not xy:
            return None
        if tag == "Point":
            return struct.pack("<BI2d", 1, _POINT, *xy[:2])
        return struct.pack("<BI", 1, _LINE) + _ring(xy)
    if tag == "Polygon":
        rings = [
            _ring(xy)
            for edge in ("outerBoundaryIs", "innerBoundaryIs")
            for child in element
            if _local(child) == edge and (xy := _coordinates(child))
        ]
        return struct.pack("<BII", 1, _POLYGON, len(rings)) + b"".join(rings) if rings else None
    return None


def _join(parts: list[bytes]) -> bytes | None:
    """Return several geometries as one: a multipart where they are of one kind."""
    if not parts:
        return None
    kinds = {struct.unpack_from("<I", part, 1)[0] for part in parts}
    same = len(kinds) == 1 and kinds <= {_POINT, _LINE, _POLYGON}
    kind = kinds.pop() + 3 if same else _COLLECTION
    return struct.pack("<BII", 1, kind, len(parts)) + b"".join(parts)


def _ring(xy: list[float]) -> bytes:
    return struct.pack(f"<I{len(xy)}d", len(xy) // 2, *xy)


def _coordinates(element: ElementTree.Element) -> list[float]:
    """Return x0, y0, x1, y1, ... of the first coordinates in an element; empty where they cannot be read."""
    found: Any = next((each for each in element.iter() if _local(each) == "coordinates"), None)
    numbers: list[float] = []
    try:
        for place in ((found.text or "") if found is not None else "").split():
            parts = place.split(",")
            numbers += [float(parts[0]), float(parts[1])]
    except (ValueError, IndexError):
        return []
    return numbers
