"""Text of old files: the encoding of a Shapefile or GeoJSON, and text in number columns of a GeoPackage.

Encodings are tried strictly, the stated one first, then UTF-8, then GB18030 (which holds GBK and GB2312);
what was found is said in a note. Runs in the reading child; imports neither pandas nor shapely.
"""

from __future__ import annotations

import codecs
import sqlite3
from pathlib import Path
from typing import Any

__all__ = ["as_utf8_file", "decode_shapefile", "find_encoding", "restore_text"]

#: What `.cpg` files say -> Python's name.
_CPG_NAMES = {
    "936": "gb18030",
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "cp936": "gb18030",
    "65001": "utf-8",
    "950": "big5",
}


def _fits(text: bytes, encoding: str) -> bool:
    """Tell whether bytes are valid in an encoding; a last character that is cut off may pass."""
    try:
        codecs.getincrementaldecoder(encoding)().decode(text, final=False)
    except (UnicodeDecodeError, LookupError):
        return False
    return True


def find_encoding(texts: list[bytes], stated: str | None) -> str | None:
    """Return the first of the stated encoding, UTF-8 and GB18030 in which every text is valid, or None.

    Examples
    --------
    >>> find_encoding(["甲小区".encode("gbk")], None)
    'gb18030'
    >>> find_encoding(["甲小区".encode("gbk")], "utf-8"), find_encoding([b"Hof"], None)
    ('gb18030', 'utf-8')
    """
    for encoding in filter(None, (stated, "utf-8", "gb18030")):
        if all(_fits(text, encoding) for text in texts):
            return encoding
    return None


def _stated_encoding(path: Path) -> str | None:
    for ending in (".cpg", ".CPG", ".cst"):
        file = path.with_suffix(ending)
        if file.exists():
            text = file.read_bytes()[:64].decode("ascii", "ignore").strip().lower()
            name = _CPG_NAMES.get(text.removeprefix("ansi ").removeprefix("cp"), text)
            try:
                found = codecs.lookup(name).name
            except LookupError:
                return None
            return "gb18030" if found in ("gbk", "gb2312") else found
    return None


def decode_shapefile(table: Any, geometry: str | None, path: Path) -> tuple[Any, list[dict[str, str]]]:
    """Decode names and text of a table that was read byte by byte (as ISO-8859-1)."""
    import pyarrow as pa

    is_text = [
        pa.types.is_string(field.type) or pa.types.is_large_string(field.type) for field in table.schema
    ]
    texts = [name.encode("latin-1", "replace") for name in table.column_names if not name.isascii()]
    values: dict[int, list[str | None]] = {}
    for i, column in enumerate(table.columns):
        if is_text[i] and table.column_names[i] != geometry:
            values[i] = column.to_pylist()
            texts += {
                value.encode("latin-1") for value in values[i] if value is not None and not value.isascii()
            }
    stated = _stated_encoding(path)
    found = find_encoding(texts, stated) if texts else stated or "utf-8"
    encoding = found or "gb18030"
    names = [_decode(name, encoding) for name in table.column_names]
    columns = [
        pa.array([None if value is None else _decode(value, encoding) for value in values[i]], pa.string())
        if i in values
        else column
        for i, column in enumerate(table.columns)
    ]
    return pa.table(columns, names=names), _encoding_notes(path, stated, found, bool(texts))


def _decode(text: str, encoding: str) -> str:
    if text.isascii():
        return text
    return codecs.getincrementaldecoder(encoding)("replace").decode(text.encode("latin-1"), final=False)


def _encoding_notes(
    path: Path, stated: str | None, found: str | None, has_text: bool
) -> list[dict[str, str]]:
    fix = f"Put the name of the encoding into {path.stem}.cpg."
    if not has_text or (found == stated and found is not None):
        return []
    if found is None:
        message = (
            f"the text of {path.name} fits no encoding tried ({stated or 'none stated'}, UTF-8, GB18030)"
        )
        return [
            {
                "code": "encoding-unknown",
                "severity": "warning",
                "message": message + "; wrong characters may appear",
                "fix": fix,
            }
        ]
    if stated is None:
        message = (
            f"{path.name} does not say how its text is encoded; it fits {found.upper()}, which was taken"
        )
    else:
        message = (
            f"{path.name} says that its text is {stated.upper()}, but it is {found.upper()}, which was taken"
        )
    return [{"code": "encoding-guessed", "severity": "note", "message": message, "fix": fix}]


def as_utf8_file(path: Path, folder: Path) -> tuple[Path, list[dict[str, str]]]:
    """Return a GeoJSON file that is UTF-8: the file itself, or a copy in `folder` converted from GB18030."""
    data = path.read_bytes()
    try:
        data.decode("utf-8")
        return path, []
    except UnicodeDecodeError:
        text = data.decode("gb18030", "replace")
    copy = folder / path.name
    copy.write_text(text, encoding="utf-8")
    message = f"{path.name} is not UTF-8, as GeoJSON must be; it was read as GB18030"
    return copy, [
        {"code": "encoding-guessed", "severity": "note", "message": message, "fix": "Save it as UTF-8."}
    ]


def restore_text(table: Any, path: Path, layer: str) -> Any:
    """Put back text in number columns of a GeoPackage: GDAL turns `12户` to 12, `abc` to 0 in silence."""
    import pyarrow as pa

    def quoted(name: str) -> str:
        return '"' + name.replace('"', '""') + '"'

    numeric = [f.name for f in table.schema if pa.types.is_integer(f.type) or pa.types.is_floating(f.type)]
    if not numeric:
        return table
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
    try:
        tests = ", ".join(f"sum(typeof({quoted(name)}) = 'text')" for name in numeric)
        counts = connection.execute(f"SELECT {tests} FROM {quoted(layer)}").fetchone()
        for name, count in zip(numeric, counts, strict=True):
            if not count:
                continue
            key = next(
                (row[1] for row in connection.execute(f"PRAGMA table_info({quoted(layer)})") if row[5]),
                "rowid",
            )
            cells = connection.execute(
                f"SELECT {quoted(name)} FROM {quoted(layer)} ORDER BY {quoted(key)}"
            ).fetchall()
            if len(cells) == len(table):
                texts = pa.array([None if cell is None else str(cell) for (cell,) in cells], pa.string())
                table = table.set_column(table.column_names.index(name), name, texts)
    except sqlite3.DatabaseError:
        return table
    finally:
        connection.close()
    return table
