"""What planners ask of single buildings: a file of wishes, checked against each other, as constraints on cells.

A wishes file is a CSV table or a JSON list of rows with `kind`, `group` and `building_id` (docs/constraints.md). Wishes
that no plan could fulfil are refused here, before the long work, with the smallest thing to blame.
"""

from __future__ import annotations

import csv
import io
import json
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gis_core.errors import (
    DatasetError,
    InfeasiblePartitionError,
    NotFoundError,
    ParameterError,
    counted,
    known_or_near,
    some_of,
)
from gis_core.layers.encodings import find_encoding
from gis_core.model import AdjacencyGraph, Dataset, Fabric, Fault
from gis_core.partition.constraints.apart import Apart
from gis_core.partition.constraints.borders import Borders
from gis_core.partition.constraints.seeds import Seeds
from gis_core.partition.constraints.together import Together

__all__ = ["KINDS", "Wish", "WishSet", "build_wishes", "outline_pairs", "read_wishes", "require_wishes"]

#: What a row of a wishes file can ask.
KINDS = ("together", "apart", "seed", "border")
_MOST_BYTES = 64 << 20
_MOST_APART = 500


@dataclass(frozen=True)
class Wish:
    """One group of a wishes file.

    Attributes
    ----------
    kind : {"together", "apart", "seed", "border"}
    group : str
        Name of the group; buildings with one kind and group belong together in one wish.
    buildings : tuple of str
        Ids.
    """

    kind: str
    group: str
    buildings: tuple[str, ...]

    @property
    def label(self) -> str:
        """What the wish is called in a sentence."""
        return (
            f"the {self.kind} group {self.group!r}" if self.group else f"the {self.kind} group without a name"
        )


@dataclass
class WishSet:
    """Wishes on the cells of a fabric.

    Attributes
    ----------
    together : int64, shape (n_cells,)
        Class of cells that must share a grid, groups with a common cell joined; -1: none.
    together_labels : list of str
        What each class is called.
    apart : list of (cell, cell, label)
    seeds : dict
        Cell -> what its service point is called.
    borders : list of Borders
    faults : list of Fault
        What was left out, such as buildings outside the boundary.
    """

    together: NDArray[np.int64]
    together_labels: list[str] = field(default_factory=list)
    apart: list[tuple[int, int, str]] = field(default_factory=list)
    seeds: dict[int, str] = field(default_factory=dict)
    borders: list[Borders] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def constraints(self) -> tuple[Together | Apart | Seeds | Borders, ...]:
        """Return the wishes as the solver takes them; kinds that nobody asked for are left out."""
        found: list[Together | Apart | Seeds | Borders] = []
        if self.together_labels:
            found.append(Together(self.together, tuple(self.together_labels)))
        if self.apart:
            left, right, labels = zip(*self.apart, strict=True)
            found.append(Apart(np.array(left, np.int64), np.array(right, np.int64), tuple(labels)))
        if self.seeds:
            label = np.full(len(self.together), None, dtype=object)
            for cell, text in self.seeds.items():
                label[cell] = text
            found.append(Seeds(label))
        return (*found, *self.borders)


def read_wishes(path: Path) -> list[Wish]:
    """Read a wishes file.

    Parameters
    ----------
    path : Path
        `.json`: a list of objects; anything else: CSV in UTF-8 or GB18030 with a header. Columns `kind`,
        `building_id` and, but for single seeds, `group`; in JSON `building_id` may be a list.

    Returns
    -------
    list of Wish
        One for each kind and group, in the order of the file; every seed alone.

    Raises
    ------
    NotFoundError
        There is no such file.
    DatasetError
        It cannot be read; the message names the row and what it should be.
    """
    if not path.is_file():
        raise NotFoundError(f"There is no wishes file {path}.")
    if path.stat().st_size > _MOST_BYTES:
        raise DatasetError(f"{path.name} is larger than {_MOST_BYTES >> 20} MB; that is no list of wishes.")
    data = path.read_bytes()
    encoding = find_encoding([data], None)
    if encoding is None:
        raise DatasetError(f"{path.name} is neither UTF-8 nor GB18030 text; save it as UTF-8.")
    text = data.decode(encoding).removeprefix("\ufeff")
    rows = _json_rows(text, path.name) if path.suffix.lower() == ".json" else _csv_rows(text, path.name)
    groups: dict[tuple[str, str], list[str]] = {}
    for number, row in rows:
        kind, group, ids = _row(row, path.name, number)
        for id_ in ids:
            own = groups.setdefault((kind, group if kind != "seed" else id_), [])
            if id_ not in own:
                own.append(id_)
    return [Wish(kind, group, tuple(ids)) for (kind, group), ids in groups.items()]


def _csv_rows(text: str, name: str) -> list[tuple[int, Mapping[str, Any]]]:
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        header = [column.strip().lower() for column in reader.fieldnames or []]
        reader.fieldnames = header
        if "kind" not in header or "building_id" not in header:
            raise DatasetError(
                f"{name} has the columns {some_of(header) or 'none'}; a wishes table needs kind, group and building_id."
            )
        return [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise DatasetError(f"{name} is no CSV table: {error}.") from None


def _json_rows(text: str, name: str) -> list[tuple[int, Mapping[str, Any]]]:
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{name} is no JSON: {error}.") from None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise DatasetError(
            f'{name} must be a list of rows such as {{"kind": "together", "group": "school", "building_id": "17"}}.'
        )
    return list(enumerate(rows, start=1))


def _row(row: Mapping[str, Any], name: str, number: int) -> tuple[str, str, list[str]]:
    """Return kind, group and ids of one row."""
    kind = str(row.get("kind") or "").strip().lower()
    if kind not in KINDS:
        raise DatasetError(
            f"{name}, row {number}: the kind is {kind!r}; it must be one of {', '.join(KINDS)}."
        )
    given = row.get("building_id")
    ids = [
        str(value).strip()
        for value in (given if isinstance(given, list) else [given])
        if isinstance(value, str | int)
    ]
    if not ids or not all(ids):
        raise DatasetError(f"{name}, row {number}: there is no building_id.")
    group = row.get("group")
    return kind, "" if group is None else str(group).strip(), ids


def require_wishes(dataset: Dataset, wishes: Sequence[Wish]) -> None:
    """Refuse wishes that no dataset, or not this one, can take; that needs no cells and can be done early.

    Raises
    ------
    NotFoundError
        A wish names a building that is not in the dataset; the message names ids that are like it.
    ParameterError
        A group is too small or too large.
    """
    ids = dataset.buildings["id"].astype(str).tolist() if wishes else []
    have = set(ids)
    unknown = sorted({id_ for wish in wishes for id_ in wish.buildings} - have)
    if unknown:
        raise NotFoundError(
            f"The wishes name {counted(len(unknown), 'building')} that the dataset does not have: {some_of(unknown)}; "
            f"{known_or_near(unknown[0], ids, limit=3)}."
        )
    for wish in wishes:
        if wish.kind == "together" and len(wish.buildings) < 2:
            raise ParameterError(f"{_capital(wish.label)} has one building only; name at least two.")
        if wish.kind == "apart" and not 2 <= len(wish.buildings) <= _MOST_APART:
            raise ParameterError(
                f"{_capital(wish.label)} has {len(wish.buildings)} buildings; name 2 to {_MOST_APART}."
            )


def build_wishes(
    dataset: Dataset, fabric: Fabric, wishes: Sequence[Wish], *, seeds: Sequence[tuple[int, str]] = (),
    borders: Sequence[Borders] = (), locked: NDArray[np.int64] | None = None, lock_codes: Sequence[str] = (),
) -> WishSet:  # fmt: skip
    """Turn wishes into constraints on cells, and refuse those that contradict each other.

    Parameters
    ----------
    dataset, fabric
    wishes : sequence of Wish
    seeds : sequence of (cell, label)
        Service points beside those of `wishes`.
    borders : sequence of Borders
        Lines beside those of `wishes`.
    locked : int64, shape (n_cells,) or None
        Locked grid of each cell, a position in `lock_codes`; -1: free.
    lock_codes : sequence of str

    Returns
    -------
    WishSet

    Raises
    ------
    NotFoundError
        A wish names a building that is not in the dataset.
    ParameterError
        A wish cannot be one, such as a group of one building to keep together.
    InfeasiblePartitionError
        Wishes contradict each other, the boundary polygons, or a lock.
    """
    require_wishes(dataset, wishes)
    found = WishSet(np.full(fabric.n_cells, -1, np.int64), borders=list(borders))
    cell_of = _cells_of(dataset, fabric, wishes, found.faults)
    ties = _Ties([wish for wish in wishes if wish.kind == "together"], cell_of)
    ties.number(found)
    for wish in wishes:
        if wish.kind == "apart":
            _part(wish, cell_of, ties, found)
        elif wish.kind == "border":
            found.borders.append(_outline(wish, cell_of, fabric.graph))
    points = [
        (cell_of[wish.buildings[0]], f"building {wish.buildings[0]}")
        for wish in wishes
        if wish.kind == "seed" and wish.buildings[0] in cell_of
    ]
    _require_one_seed_a_cell([*points, *seeds], found)
    _require_in_one_polygon(dataset, fabric, ties, found)
    _require_not_across(fabric, ties, found)
    if locked is not None:
        _require_locks_agree(locked, lock_codes, found)
    return found


def _cells_of(
    dataset: Dataset, fabric: Fabric, wishes: Sequence[Wish], faults: list[Fault]
) -> dict[str, int]:
    """Find the cell of every building that a wish names; those outside the boundary are left out and counted."""
    asked = {id_ for wish in wishes for id_ in wish.buildings}
    ids = dataset.buildings["id"].astype(str).to_numpy()
    cells = {id_: int(c) for id_, c in zip(ids, fabric.building_cell_ix, strict=True) if id_ in asked}
    outside = sorted(id_ for id_, cell in cells.items() if cell < 0)
    if outside:
        faults.append(
            Fault(
                "wish-outside", "wishes", f"{counted(len(outside), 'building')} "
                f"{'lies' if len(outside) == 1 else 'lie'} outside the boundary: {some_of(outside)}; "
                f"{'its' if len(outside) == 1 else 'their'} wishes are left out.",
                "Nothing to do where only a part of the town is worked on.", "warning",
                ids=tuple(outside[:20]), count=len(outside),
            )
        )  # fmt: skip
    return {id_: cell for id_, cell in cells.items() if cell >= 0}


class _Ties:
    """Which cells must share a grid, and through which groups."""

    def __init__(self, wishes: Sequence[Wish], cell_of: Mapping[str, int]) -> None:
        self.cells: list[dict[int, str]] = []
        self.labels: list[str] = []
        self.groups_of: dict[int, list[int]] = {}
        for wish in wishes:
            own = {cell_of[id_]: id_ for id_ in wish.buildings if id_ in cell_of}
            for cell in own:
                self.groups_of.setdefault(cell, []).append(len(self.cells))
            self.cells.append(own)
            self.labels.append(wish.label)

    def number(self, found: WishSet) -> None:
        """Give the cells of groups that share cells one number."""
        for first, cells in enumerate(self.cells):
            start = next((cell for cell in cells if found.together[cell] < 0), None)
            if start is None:
                continue
            groups = {first}
            queue = deque([first])
            while queue:
                for cell in self.cells[queue.popleft()]:
                    found.together[cell] = len(found.together_labels)
                    fresh = set(self.groups_of[cell]) - groups
                    groups |= fresh
                    queue.extend(fresh)
            names = " with ".join(self.labels[group] for group in sorted(groups)[:3])
            more = f" and {len(groups) - 3} more" if len(groups) > 3 else ""
            found.together_labels.append(_capital(names + more))

    def chain(self, start: int, end: int) -> str:
        """Name the fewest groups that tie two cells, and the buildings that link one to the next."""
        before: dict[int, tuple[int, int]] = {}
        queue = deque([start])
        while queue and end not in before:
            cell = queue.popleft()
            for group in self.groups_of[cell]:
                for other in self.cells[group]:
                    if other != start and other not in before:
                        before[other] = (cell, group)
                        queue.append(other)
        names = []
        cell = end
        while cell != start:
            cell, group = before[cell]
            link = f" (through building {self.cells[group][cell]})" if cell != start else ""
            names.append(self.labels[group] + link)
        return " and ".join(reversed(names))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _part(wish: Wish, cell_of: Mapping[str, int], ties: _Ties, found: WishSet) -> None:
    """Add the pairs of a group of buildings that stay apart from each other."""
    for a, b in combinations([id_ for id_ in wish.buildings if id_ in cell_of], 2):
        left, right = cell_of[a], cell_of[b]
        if left == right:
            raise InfeasiblePartitionError(
                f"Buildings {a} and {b} of {wish.label} share one cell and cannot be in different grids; take one "
                "of them out."
            )
        if found.together[left] >= 0 and found.together[left] == found.together[right]:
            raise InfeasiblePartitionError(
                f"Buildings {a} and {b} are to stay apart by {wish.label} and together by {ties.chain(left, right)}; "
                "take one of the two wishes back."
            )
        found.apart.append((left, right, f"Buildings {a} and {b} ({wish.label})"))


def outline_pairs(
    graph: AdjacencyGraph, area: NDArray[np.integer]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the neighbours that lie in different areas, each pair once.

    Parameters
    ----------
    graph : AdjacencyGraph
    area : int, shape (n_cells,)
        Area of each cell; what lies in none has a number of its own, such as -1.
    """
    owner = np.repeat(np.arange(graph.n_cells, dtype=np.int64), np.diff(graph.indptr))
    across = (owner < graph.indices) & (area[owner] != area[graph.indices])
    return owner[across], graph.indices[across].astype(np.int64)


def _outline(wish: Wish, cell_of: Mapping[str, int], graph: AdjacencyGraph) -> Borders:
    """Keep the outline of a group of buildings as a border."""
    inside = np.zeros(graph.n_cells, dtype=np.int64)
    inside[[cell_of[id_] for id_ in wish.buildings if id_ in cell_of]] = 1
    left, right = outline_pairs(graph, inside)
    return Borders(left, right, f"The outline of {wish.label}")


def _require_one_seed_a_cell(points: Sequence[tuple[int, str]], found: WishSet) -> None:
    holder: dict[int, str] = {}
    for cell, label in points:
        if found.seeds.get(cell, label) != label:
            raise InfeasiblePartitionError(
                f"Two seeds, {found.seeds[cell]} and {label}, stand in one cell, and each needs a grid of its own; "
                "take one of them out."
            )
        found.seeds[cell] = label
        group = int(found.together[cell])
        if group >= 0 and holder.setdefault(group, label) != label:
            raise InfeasiblePartitionError(
                f"{found.together_labels[group]} holds two seeds, {holder[group]} and {label}, and each needs a grid "
                "of its own; take one out of the group."
            )


def _require_in_one_polygon(dataset: Dataset, fabric: Fabric, ties: _Ties, found: WishSet) -> None:
    codes = [str(code) for code in dataset.boundary["code"]]
    for label, cells in zip(ties.labels, ties.cells, strict=True):
        homes: dict[int, int] = {}
        for cell in cells:
            homes.setdefault(int(fabric.boundary_ix[cell]), cell)
        if len(homes) > 1:
            (one, a), (other, b) = list(homes.items())[:2]
            raise InfeasiblePartitionError(
                f"{_capital(label)} is split by the boundary: building {cells[a]} lies in {codes[one]}, building "
                f"{cells[b]} in {codes[other]}, and no grid reaches across; divide the group."
            )


def _require_not_across(fabric: Fabric, ties: _Ties, found: WishSet) -> None:
    """Refuse a border between two neighbours that are to stay together."""
    for border in found.borders:
        same = (found.together[border.left] >= 0) & (
            found.together[border.left] == found.together[border.right]
        )
        if same.any():
            at = int(np.argmax(same))
            a, b = int(border.left[at]), int(border.right[at])
            names = [ties.cells[ties.groups_of[cell][0]][cell] for cell in (a, b)]
            raise InfeasiblePartitionError(
                f"{border.label} must stay a border between buildings {names[0]} and {names[1]}, which are to stay "
                f"together by {ties.chain(a, b)}; take one of the two wishes back."
            )


def _require_locks_agree(locked: NDArray[np.int64], codes: Sequence[str], found: WishSet) -> None:
    """Refuse wishes that a locked grid, which keeps exactly its cells, cannot fulfil."""
    for group, label in enumerate(found.together_labels):
        locks = np.unique(locked[found.together == group])
        if len(locks) > 1:
            names = [f"the locked grid {codes[lock]}" for lock in locks.tolist() if lock >= 0][:2]
            where = " and ".join(names) if len(names) > 1 else f"{names[0]} and outside it"
            raise InfeasiblePartitionError(
                f"{label} lies in {where}, so that it cannot stay together; unlock the grid or change the group."
            )
    for left, right, label in found.apart:
        if locked[left] >= 0 and locked[left] == locked[right]:
            raise InfeasiblePartitionError(
                f"{label} are to stay apart, but the locked grid {codes[locked[left]]} holds both; unlock it or "
                "take the wish back."
            )
    holder: dict[int, str] = {}
    for cell, label in found.seeds.items():
        lock = int(locked[cell])
        if lock >= 0 and holder.setdefault(lock, label) != label:
            raise InfeasiblePartitionError(
                f"The locked grid {codes[lock]} holds two seeds, {holder[lock]} and {label}; unlock it or take one out."
            )
    for border in found.borders:
        inside = (locked[border.left] >= 0) & (locked[border.left] == locked[border.right])
        if inside.any():
            code = codes[locked[border.left[int(np.argmax(inside))]]]
            raise InfeasiblePartitionError(
                f"{border.label} must stay a border but runs through the locked grid {code}; unlock it or leave the "
                "line out."
            )
