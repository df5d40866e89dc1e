"""Join a sheet of counts onto buildings: by id, by address, else by compound and number, however these are written.

Nothing is guessed: a row that fits no building or several, two rows for one building, and text in a column of numbers
are listed, and nothing is taken from them.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gis_core.errors import DatasetError, NotFoundError, ParameterError, known_or_near, some_of
from gis_core.layers.naming import building_key, compound_key, fold
from gis_core.layers.numbers import parse_number
from gis_core.layers.raw import DEFAULT_LIMITS, Limits, read_raw
from gis_core.layers.sheets import ROW, SHEET_COLUMNS
from gis_core.layers.sources import LayerFile, SourceFiles, plain

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CountsMatch", "building_key", "compound_key", "join_counts", "read_counts"]

_NUMBERS = ("households", "population", "levels")
#: What of a row says which building it is of.
_NAMING = ("id", "building", "address")
_MOST = 1_000_000
_TOTAL = re.compile(r"(.*(合计|总计|小计|共计|累计)|(sub|grand)?total|sum):?")
_TAIL = re.compile(r"(?P<head>.*?)(?P<number>[0-9]+|[a-z]|[甲乙丙丁戊])(栋|幢|座|号楼|#楼|#)$")
#: Nearest candidates that are named.
_CANDIDATES = 3


@dataclass(frozen=True)
class CountsMatch:
    """What a sheet says of buildings, and what of it found no place.

    Attributes
    ----------
    changes : list of dict
        `{"op": "set", "layer": "buildings", "id", "values"}` for each building whose numbers differ.
    matched : int
        Buildings that one row, or the rows of their units, was found for.
    households : int
        Households of these rows.
    unmatched_rows : list of dict
        `row` (number in the sheet), `compound`, `building`, `id`, `why` (and which: `case`), `candidates` (id,
        compound, name).
    unmatched_buildings : list of dict
        `id`, `compound`, `name`, `households`: buildings with households, or in a compound of the sheet, without a row.
    doubles : list of dict
        `rows` for one building, or `buildings` for one row.
    bad_numbers : list of dict
        `row`, `column`, `text`.
    columns : dict of str to str
        What the sheet says -> its column.
    notes : list of str
        What was taken for granted.
    """

    changes: list[dict[str, Any]] = field(default_factory=list)
    matched: int = 0
    households: int = 0
    unmatched_rows: list[dict[str, Any]] = field(default_factory=list)
    unmatched_buildings: list[dict[str, Any]] = field(default_factory=list)
    doubles: list[dict[str, Any]] = field(default_factory=list)
    bad_numbers: list[dict[str, Any]] = field(default_factory=list)
    columns: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def read_counts(
    path: Path, *, wanted: Sequence[str] = (), limits: Limits = DEFAULT_LIMITS
) -> tuple[pd.DataFrame, list[str]]:
    """Read a sheet of counts through the reading child: all columns as text, and notes.

    Raises
    ------
    NotFoundError
        Where there is no such file.
    DatasetError
        Where it is no sheet, is too large, or has no header that is known.
    """
    kind = path.suffix.lower().lstrip(".")
    if kind not in ("csv", "xlsx"):
        raise DatasetError(f"{path.name} is no sheet of counts: give a file that ends in .xlsx or .csv.")
    if not path.is_file():
        raise NotFoundError(f"There is no file {path.name!r}; check the path.", path=path.name)
    layer = "counts" + "".join(f"\n{name}" for name in wanted)
    raw = read_raw(SourceFiles(path.name, path.name, (LayerFile(path, kind, layer),)), limits)
    if raw.faults:
        fault = raw.faults[0]
        raise DatasetError(f"{fault['message']}. {fault['fix']}", code=fault["code"], case=fault["code"])
    found = next(iter(raw.layers.values()))
    return found.table, [note["message"] for note in found.notes]


def join_counts(
    sheet: pd.DataFrame, buildings: pd.DataFrame, *, mapping: Mapping[str, str] | None = None
) -> CountsMatch:
    """Find the building of each row of a sheet.

    Parameters
    ----------
    sheet : DataFrame
        As `read_counts` gives it.
    buildings : DataFrame
        With `id`, `name`, `address`, `compound`, and the numbers as they are.
    mapping : mapping of str to str, optional
        What the sheet says (`compound`, `building`, `households`, ...) -> its column.

    Returns
    -------
    CountsMatch

    Raises
    ------
    ParameterError
        Where `mapping` names what is not there.
    DatasetError
        Where the sheet does not say which building, or no number.
    """
    columns = _columns(sheet, mapping or {})
    index = _Buildings(buildings)
    rows = list(_rows(sheet, columns))
    result = CountsMatch(columns=columns)
    taken: dict[int, list[dict[str, Any]]] = {}
    compounds = {row["compound_key"] for row in rows if row["compound_key"]}
    for row in rows:
        found = index.find(row)
        if len(found) == 1:
            taken.setdefault(found[0], []).append(row)
        elif found:
            result.doubles.append({"rows": [row["row"]], "buildings": [index.ids[at] for at in found]})
        else:
            result.unmatched_rows.append(index.missed(row))
    matched = 0
    for at, mine in sorted(taken.items()):
        if len(mine) > 1 and not _units(mine):
            result.doubles.append({"rows": [row["row"] for row in mine], "buildings": [index.ids[at]]})
            continue
        values, bad = _numbers(mine, columns)
        result.bad_numbers.extend(bad)
        if bad or not values:
            continue
        matched += 1
        differing = {name: value for name, value in values.items() if value != index.number(name, at)}
        if differing:
            result.changes.append(
                {"op": "set", "layer": "buildings", "id": index.ids[at], "values": differing}
            )
    total = sum(_households(mine, columns) for at, mine in taken.items() if len(mine) == 1 or _units(mine))
    result.unmatched_buildings.extend(index.left_over(set(taken), compounds))
    return CountsMatch(**{**vars(result), "matched": matched, "households": total})


def _columns(sheet: pd.DataFrame, mapping: Mapping[str, str]) -> dict[str, str]:
    """Say which column is which."""
    by_plain = {plain(str(name)): str(name) for name in sheet.columns if name != ROW}
    found: dict[str, str] = {}
    for target, name in mapping.items():
        if target not in SHEET_COLUMNS:
            raise ParameterError(
                f"A sheet of counts has no {target!r} ({known_or_near(target, list(SHEET_COLUMNS))})."
            )
        if plain(name) not in by_plain:
            raise ParameterError(
                f"The sheet has no column {name!r} (columns: {some_of(list(by_plain.values()), 12)}).",
                case="sheet-column",
                name=name,
            )
        found[target] = by_plain[plain(name)]
    for target, names in SHEET_COLUMNS.items():
        first = next((by_plain[plain(each)] for each in names if plain(each) in by_plain), None)
        if target not in found and first is not None and first not in found.values():
            found[target] = first
    have = some_of(list(by_plain.values()), 12) or "none"
    if not any(name in found for name in _NAMING):
        raise DatasetError(
            f"The sheet does not say which building a row is of: it needs 楼栋 or id (columns: {have}).",
            case="no-building",
            columns=have,
        )
    if not any(name in found for name in _NUMBERS):
        raise DatasetError(
            f"The sheet has no column of counts such as 户数 (columns: {have}).",
            case="no-counts",
            columns=have,
        )
    return found


def _rows(sheet: pd.DataFrame, columns: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the rows that name a building; a blank compound is the one above it."""
    rows: list[dict[str, Any]] = []
    compound: str | None = None
    for record in sheet.to_dict("records"):
        cells = {target: _blank(record[name]) for target, name in columns.items()}
        if any(_TOTAL.fullmatch(fold(text)) for text in record.values() if _blank(text)):
            continue
        compound = cells.get("compound") or compound
        if not any(cells.get(name) for name in _NAMING):
            if any(cells.get(name) for name in _NUMBERS):
                rows.append(
                    {
                        **cells,
                        "row": int(record[ROW]),
                        "compound": compound,
                        "compound_key": "",
                        "building_key": "",
                    }
                )
            continue
        key = compound_key(compound)
        rows.append(
            {
                **cells,
                "row": int(record[ROW]),
                "compound": compound,
                "compound_key": key,
                "building_key": building_key(cells.get("building"), key),
            }
        )
    return rows


def _blank(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _units(rows: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether rows are the units of one building, each once."""
    units = [fold(row.get("unit") or "") for row in rows]
    return all(units) and len(set(units)) == len(units)


def _numbers(
    rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]
) -> tuple[dict[str, float], list[dict[str, Any]]]:
    values: dict[str, float] = {}
    bad: list[dict[str, Any]] = []
    for name in _NUMBERS:
        if name not in columns:
            continue
        for row in rows:
            text = row.get(name)
            value, kind = parse_number(text or "")
            if kind == "blank":
                continue
            whole = name != "households" or value == int(value) if kind != "bad" else False
            if kind == "bad" or not whole or not 0 <= value <= _MOST:
                bad.append({"row": row["row"], "column": columns[name], "text": text})
            elif name == "levels":
                values[name] = max(values.get(name, 0.0), value)
            else:
                values[name] = values.get(name, 0) + (int(value) if name == "households" else value)
    return values, bad


def _households(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> int:
    values, bad = _numbers(rows, columns)
    return 0 if bad else int(values.get("households", 0))


class _Buildings:
    """The buildings by id, and by compound and number."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame
        self.ids = [str(id_) for id_ in frame["id"]]
        self.names, self.compounds, address = (
            [_blank(value) for value in (frame[name] if name in frame else [None] * len(frame))]
            for name in ("name", "compound", "address")
        )
        self.by_id = {id_: at for at, id_ in enumerate(self.ids)}
        self.by_address: dict[str, list[int]] = {}
        for at, text in enumerate(address):
            if text:
                self.by_address.setdefault(fold(text), []).append(at)
        self.by_key: dict[tuple[str, str], list[int]] = {}
        self.keys: list[tuple[str, str]] = []
        for at, (name, compound, place) in enumerate(zip(self.names, self.compounds, address, strict=True)):
            key = _key_of(name, compound, place)
            self.keys.append(key)
            if key[1]:
                self.by_key.setdefault(key, []).append(at)

    def find(self, row: Mapping[str, Any]) -> list[int]:
        """Return the buildings that a row may be of."""
        if row.get("id") in self.by_id:
            return [self.by_id[str(row["id"])]]
        place = self.by_address.get(fold(row.get("address") or ""), [])
        if len(place) == 1:
            return place
        if not row["building_key"]:
            return place
        return self.by_key.get((row["compound_key"], row["building_key"]), [])

    def number(self, name: str, at: int) -> Any:
        value = self.frame[name].iloc[at] if name in self.frame else None
        return None if value is None or value != value else value  # noqa: PLR0124 - NaN is not itself

    def missed(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Describe a row that fits no building, with what is near it."""
        said = {name: row.get(name) for name in ("row", "compound", "building", "id", "address")}
        if not any(row.get(name) for name in _NAMING):
            return {**said, "why": "it names no building", "case": "nameless", "candidates": []}
        same = [at for at, key in enumerate(self.keys) if key[0] == row["compound_key"]]
        if row["compound_key"] and not same:
            known = sorted({key[0] for key in self.keys if key[0]})
            near = difflib.get_close_matches(row["compound_key"], known, n=_CANDIDATES, cutoff=0.5)
            same = [at for at, key in enumerate(self.keys) if key[0] in near]
            why, case = "there is no such compound", "no-compound"
            # The same number in compounds of a like name comes first.
            same = sorted(
                same, key=lambda at: (self.keys[at][1] != row["building_key"], near.index(self.keys[at][0]))
            )
        else:
            why, case = "there is no such building", "no-building"
            if row["compound_key"]:
                why, case = "the compound has no such building", "not-in-compound"
            same = sorted(same, key=lambda at: _far(self.keys[at][1], row["building_key"]))
        candidates = [self.describe(at) for at in same[:_CANDIDATES]]
        return {**said, "why": why, "case": case, "candidates": candidates}

    def describe(self, at: int) -> dict[str, Any]:
        return {"id": self.ids[at], "compound": self.compounds[at], "name": self.names[at]}

    def left_over(self, taken: set[int], compounds: set[str]) -> list[dict[str, Any]]:
        """Return the buildings that should have had a row."""
        households = self.frame["households"].tolist() if "households" in self.frame else [0] * len(self.ids)
        return [
            {**self.describe(at), "households": int(count)}
            for at, count in enumerate(households)
            if at not in taken and (count > 0 or (self.keys[at][0] in compounds and self.keys[at][1]))
        ]


def _far(key: str, wanted: str) -> tuple[float, str]:
    """Return how far one building number is from another."""
    if key.isdigit() and wanted.isdigit():
        return abs(int(key) - int(wanted)), key
    return 1e9 * (1 - difflib.SequenceMatcher(None, key, wanted).ratio()), key


def _key_of(name: str | None, compound: str | None, address: str | None) -> tuple[str, str]:
    """Return compound and number of a building: from its name, else from the end of its address."""
    key = compound_key(compound)
    for text in (name, address):
        match = _TAIL.fullmatch(fold(text)) if text else None
        if match:
            return key or compound_key(match["head"]), building_key(
                text, key
            ) if text is name and key and not match["head"] else str(match["number"])
    if name and key:
        return key, building_key(name, key)
    return key, ""
