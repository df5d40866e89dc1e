"""What changed from one plan to another: households and buildings, pair by pair of grids.

Buildings are matched by `id`, else by position; cells are not looked at, so that plans of different data and fabrics
can be compared.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

    from gis_core.plan.file import PlanFile

__all__ = ["compare_plans", "match_buildings", "moved_buildings", "moves_as_csv"]

#: Buildings without a common id are one where their middles are at most so far apart, metres.
SAME_SPOT_M = 2.0
#: Ids of two plans mean the same where at least half of the common ones are at most so far apart, metres.
NEAR_M = 25.0


@dataclass(frozen=True)
class Match:
    """Rows of one building in two plans.

    Attributes
    ----------
    before, after : int64, shape (n_matched,)
        Rows of the building in the first and in the second plan.
    by_id : int
        How many were matched by id; the others by position.
    """

    before: NDArray[np.int64]
    after: NDArray[np.int64]
    by_id: int


def match_buildings(a: GeoDataFrame, b: GeoDataFrame) -> Match:
    """Match the buildings of two plans: by id, and those left over by position, each to its nearest and back.

    Where most buildings with a common id stand far apart, the ids are row numbers of different files and mean nothing.
    """
    spot_a, spot_b = _spots(a, b)
    id_a, id_b = a["id"].astype(str), b["id"].astype(str)
    row_of = pd.Series(np.arange(len(a)), index=id_a)
    row = row_of[~row_of.index.duplicated()].reindex(id_b).to_numpy(dtype=np.float64, copy=True)
    row[id_b.duplicated().to_numpy()] = np.nan
    after = np.flatnonzero(~np.isnan(row))
    before = row[after].astype(np.int64)
    far = np.hypot(*(spot_a[before] - spot_b[after]).T)
    if len(far) and np.median(far) > NEAR_M:
        before, after = before[:0], after[:0]
    by_id = len(before)
    left_a, left_b = np.setdiff1d(np.arange(len(a)), before), np.setdiff1d(np.arange(len(b)), after)
    if len(left_a) and len(left_b):
        to_b = _nearest(spot_a[left_a], spot_b[left_b])
        to_a = _nearest(spot_b[left_b], spot_a[left_a])
        both = np.flatnonzero((to_b >= 0) & (to_a[to_b] == np.arange(len(left_a))))
        before, after = np.append(before, left_a[both]), np.append(after, left_b[to_b[both]])
    return Match(before, after, by_id)


def _spots(a: GeoDataFrame, b: GeoDataFrame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the middle of each building of both plans in one system of metres; shape (n, 2) each."""
    metres = a.estimate_utm_crs() if len(a) else b.estimate_utm_crs() if len(b) else None
    spots = []
    for frame in (a, b):
        values = frame.geometry.to_crs(metres).values if metres is not None else frame.geometry.values
        spots.append(
            shapely.get_coordinates(shapely.centroid(np.asarray(values, dtype=object))).reshape(-1, 2)
        )
    return spots[0], spots[1]


def _nearest(of: NDArray[np.float64], among: NDArray[np.float64]) -> NDArray[np.int64]:
    from scipy.spatial import cKDTree

    distance, row = cKDTree(among).query(of, distance_upper_bound=SAME_SPOT_M)
    return np.where(np.isfinite(distance), row, -1).astype(np.int64)


def compare_plans(a: PlanFile, b: PlanFile) -> dict[str, Any]:
    """Say what changed from plan `a` to plan `b`.

    Returns
    -------
    dict
        The keys of docs/rebalance.md; households are counted as in `b`, those removed as in `a`.
    """
    match = match_buildings(a.buildings, b.buildings)
    old = _codes(a.buildings)[match.before]
    new = _codes(b.buildings)[match.after]
    households = b.buildings["households"].to_numpy(dtype=np.int64)
    matched = households[match.after]
    moves = _moves(old, new, matched)
    moved = old != new
    gone = np.setdiff1d(np.arange(len(a.buildings)), match.before)
    fresh = np.setdiff1d(np.arange(len(b.buildings)), match.after)
    kept, renamed = _best_matching(old, new, matched)
    grids_a, grids_b = [str(code) for code in a.grids["code"]], [str(code) for code in b.grids["code"]]
    return {
        "before": a.name,
        "after": b.name,
        "households": {
            "before": int(a.buildings["households"].sum()),
            "after": int(households.sum()),
            "matched": int(matched.sum()),
            "moved": int(matched[moved].sum()),
            "moved_share": _share(matched[moved].sum(), matched.sum()),
            "new": int(households[fresh].sum()),
            "removed": int(a.buildings["households"].to_numpy()[gone].sum()),
            "kept_neighbors": kept,
        },
        "buildings": {
            "before": len(a.buildings),
            "after": len(b.buildings),
            "by_id": match.by_id,
            "by_position": len(match.before) - match.by_id,
            "moved": int(moved.sum()),
            "new": len(fresh),
            "removed": len(gone),
        },
        "grids": {
            "before": len(grids_a),
            "after": len(grids_b),
            "kept": len(set(grids_a) & set(grids_b)),
            "added": sorted(set(grids_b) - set(grids_a)),
            "removed": sorted(set(grids_a) - set(grids_b)),
        },
        "balance": {"before": _balance(a), "after": _balance(b)},
        "moves": moves,
        "renamed": renamed,
    }


def moved_buildings(before: GeoDataFrame, after: GeoDataFrame, *, same_rows: bool = False) -> dict[str, Any]:
    """List the buildings that are in another grid.

    Parameters
    ----------
    before, after : GeoDataFrame
        Buildings of two plans: `id`, `name`, `address`, `households`, `population`, `grid_code`, `cell_ix`, geometry.
    same_rows : bool
        Both are of one data version, row for row, so that nothing has to be matched.

    Returns
    -------
    dict
        `households_moved`, `people_moved`, `buildings` in the order of their grids and ids with a point inside each
        (`lon`, `lat`, as in `after`) and its cell in both plans (`cell_from`, `cell_to`), `pairs` as in
        `compare_plans`; counts as in `after`, grids None where there is none.
    """
    rows = np.arange(len(before))
    match = Match(rows, rows, len(rows)) if same_rows else match_buildings(before, after)
    old, new = _codes(before)[match.before], _codes(after)[match.after]
    was, at = match.before[old != new], match.after[old != new]
    inside = shapely.point_on_surface(np.asarray(after.geometry.iloc[at].to_crs(4326).array, dtype=object))
    households = after["households"].to_numpy(dtype=np.int64)
    people = after["population"].to_numpy(dtype=np.float64, na_value=np.nan)
    table = after.iloc[at][["id", "name", "address"]].assign(
        households=households[at],
        lon=np.round(shapely.get_x(inside), 7),
        lat=np.round(shapely.get_y(inside), 7),
        cell_from=before["cell_ix"].to_numpy(dtype=np.int64)[was],
        cell_to=after["cell_ix"].to_numpy(dtype=np.int64)[at],
        **{"from": old[old != new], "to": new[old != new]},
    )
    table = table.sort_values(["from", "to", "id"], kind="stable")
    texts = ("name", "address", "from", "to")
    listed = [
        {**row, **{name: row[name] if isinstance(row[name], str) and row[name] else None for name in texts}}
        for row in table.to_dict("records")
    ]
    return {
        "households_moved": int(households[at].sum()),
        "people_moved": float(np.nansum(people[at])) if np.isfinite(people).any() else None,
        "buildings": [{**row, "id": str(row["id"]), "households": int(row["households"])} for row in listed],
        "pairs": _moves(old, new, households[match.after]),
    }


def _codes(buildings: GeoDataFrame) -> NDArray[np.object_]:
    """Return the grid of each building as text; empty where it has none."""
    code = buildings["grid_code"]
    return np.where(code.notna(), code.astype(str), "").astype(object)


def _moves(
    old: NDArray[np.object_], new: NDArray[np.object_], households: NDArray[np.int64]
) -> list[dict[str, Any]]:
    """Sum households and buildings of each pair of different grids, the greatest first."""
    moved = np.flatnonzero(old != new)
    table = pd.DataFrame(
        {"from": old[moved], "to": new[moved], "households": households[moved], "buildings": 1}
    )
    table = table.groupby(["from", "to"], as_index=False).sum()
    table = table.sort_values(["households", "buildings", "from", "to"], ascending=[False, False, True, True])
    return [
        {
            "from": row["from"] or None,
            "to": row["to"] or None,
            "households": int(row["households"]),
            "buildings": int(row["buildings"]),
        }
        for row in table.to_dict("records")
    ]


def _best_matching(
    old: NDArray[np.object_], new: NDArray[np.object_], households: NDArray[np.int64]
) -> tuple[int, list[dict[str, str]]]:
    """Pair the grids of both plans so that most households stay in their pair (Kuhn 1955, as in scipy).

    Returns the households that stay, and the pairs whose codes differ.
    """
    use = (old != "") & (new != "")
    if not use.any():
        return 0, []
    a, name_a = pd.factorize(old[use], sort=True)
    b, name_b = pd.factorize(new[use], sort=True)
    common = np.zeros((len(name_a), len(name_b)))
    np.add.at(common, (a, b), households[use])
    # Of equal pairings the one with equal codes, so that nothing is called renamed that is not.
    same = (np.asarray(name_a)[:, None] == np.asarray(name_b)[None, :]) & (common > 0)
    row, column = linear_sum_assignment(common + 0.1 * same, maximize=True)
    stays = common[row, column]
    pairs = [
        {"before": str(name_a[i]), "after": str(name_b[j])}
        for i, j, n in zip(row, column, stays, strict=True)
        if n > 0 and name_a[i] != name_b[j]
    ]
    return int(stays.sum()), pairs


def _balance(plan: PlanFile) -> dict[str, Any]:
    """Say how even the grids of a plan are."""
    households = plan.grids["households"].to_numpy(dtype=np.int64)
    deviation = plan.grids["deviation"].abs() if "deviation" in plan.grids else pd.Series(dtype=float)
    bounds = plan.report.get("bounds")
    inside = None if bounds is None else int(((households >= bounds[0]) & (households <= bounds[1])).sum())
    return {
        "bounds": bounds,
        "in_bounds": inside,
        "least": int(households.min()) if len(households) else None,
        "most": int(households.max()) if len(households) else None,
        "max_deviation": round(float(deviation.max()), 6) if deviation.notna().any() else None,
    }


def _share(part: float, whole: float) -> float:
    return round(float(part) / float(whole), 6) if whole > 0 else 0.0


def moves_as_csv(moves: list[dict[str, Any]]) -> str:
    """Write who moves where as CSV text, a row for each pair of grids."""
    text = io.StringIO()
    writer = csv.DictWriter(text, ["from", "to", "households", "buildings"], lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(moves)
    return text.getvalue()
