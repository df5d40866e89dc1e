"""Points in any named coordinate system to grids of a plan."""

from __future__ import annotations

import math
from bisect import bisect_left
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

if TYPE_CHECKING:
    import pyarrow as pa

    from api.force import ForceView
    from api.views import PlanView

__all__ = ["answer_at", "answer_with", "locate_points", "locate_table", "places_of"]


def locate_points(
    view: PlanView | ForceView, points: ArrayLike, *, crs: str, radius_m: float | None
) -> list[dict[str, Any]]:
    """Tell which grid each point is in.

    Parameters
    ----------
    view : PlanView or ForceView
        The grids of a plan, or those in force at a time.
    points : array_like of float, shape (n, 2)
        x, y in the system `crs`.
    radius_m : float or None
        Accuracy of every point in metres; None leaves the candidates out.

    Returns
    -------
    list of dict
        Row i for point i, as the wire has it, with `grid_ix` (-1 outside) and `plan` (None outside). A point without a
        place in its system has the status `no_position`.

    Raises
    ------
    CrsError
        Where `crs` is unknown.
    """
    from gis_core.crs import to_wgs84
    from gis_core.locate.locator import NO_POSITION, STATUS_NAMES

    xy = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    lon, lat = to_wgs84(xy[:, 0], xy[:, 1], crs)
    found = view.locator.locate(lon, lat, radius_m)
    at = found.code_ix
    codes = [*view.locator.codes, None]
    plans, numbers = zip(*view.owners, (None, -1), strict=True)
    placed = (found.status != NO_POSITION).tolist()
    columns = (
        [STATUS_NAMES[status] for status in found.status.tolist()],
        [codes[ix] for ix in at.tolist()],
        [metres if math.isfinite(metres) else None for metres in np.round(found.border_m, 3).tolist()],
        [codes[ix] for ix in np.where(at >= 0, at, found.nearest_ix).tolist()],
        [x if known else None for x, known in zip(lon.tolist(), placed, strict=True)],
        [y if known else None for y, known in zip(lat.tolist(), placed, strict=True)],
        [plans[ix] for ix in at.tolist()],
        [numbers[ix] for ix in at.tolist()],
    )
    results: list[dict[str, Any]] = [
        {"status": status, "grid_code": code, "border_m": metres, "nearest_code": nearest, "lon": x, "lat": y,
         "plan": plan, "grid_ix": number}
        for status, code, metres, nearest, x, y, plan, number in zip(*columns, strict=True)
    ]  # fmt: skip
    if radius_m is not None:
        for i, result in enumerate(results):
            result["candidates"] = [
                {"code": codes[ix], "share": round(share, 4)} for ix, share in found.candidates(i)
            ]
    return results


def answer_at(view: ForceView, x: float, y: float) -> dict[str, Any]:
    """Tell whose grid a place in WGS 84 is in, as the wire has it."""
    code, on_border = view.locator.code_at(x, y)
    nearest_ix, border_m = (0, 0.0) if on_border else view.locator.nearest_at(x, y)
    rows, codes = view.rows, view.locator.codes
    row = view.nothing if code is None else rows[bisect_left(codes, code)]
    return {
        **row,
        "status": "outside" if code is None else "on_border" if on_border else "inside",
        "border_m": round(border_m, 3),
        "nearest_code": code if code is not None else codes[nearest_ix],
        "lon": x,
        "lat": y,
        "crs": "wgs84",
    }


def answer_with(
    view: ForceView, x: float, y: float, *, crs: str, radius_m: float | None, border: bool
) -> dict[str, Any]:
    """Tell whose grid a place in any system is in, with candidates and the polygon where they are asked for.

    Raises
    ------
    CrsError
        Where `crs` is unknown.
    ParameterError
        Where the place has no position in it.
    """
    from gis_core.crs import to_wgs84
    from gis_core.errors import ParameterError

    lon, lat = (float(value) for value in to_wgs84(x, y, crs))
    if not (math.fabs(lon) <= 360.0 and math.fabs(lat) <= 90.0):
        raise ParameterError(
            f"{x:g}, {y:g} is no position in {crs}; degrees are longitude, then latitude.", x=x, y=y
        )
    answer = {**answer_at(view, lon, lat), "crs": crs}
    if radius_m is not None:
        found = view.locator.locate([lon], [lat], radius_m, borders=False)
        answer["candidates"] = [
            {"code": view.locator.codes[ix], "share": round(share, 4)} for ix, share in found.candidates(0)
        ]
    if border:
        answer["border"] = view.border(answer["grid_code"])
    return answer


def locate_table(view: ForceView, table: pa.Table, *, crs: str, borders: bool, limit: int) -> pa.Table:
    """Tell whose grid each row of a table is in.

    Parameters
    ----------
    table : pyarrow.Table
        With columns of a position (x and y, longitude and latitude, ...), and perhaps others, which are dropped.
    borders : bool
        Whether metres to the nearest border are wanted, which take most of the time.

    Returns
    -------
    pyarrow.Table
        `grid_code`, `status`, and where wanted `border_m`, `nearest_code`; row i for row i.

    Raises
    ------
    ParameterError
        Where there are too many rows, or no columns of a position.
    """
    import pyarrow as pa

    from api.tables import require_rows
    from gis_core.errors import ParameterError, some_of
    from gis_core.locate import STATUS_NAMES
    from gis_core.locate.points import DEGREE_NAMES, METRE_NAMES

    require_rows(table.num_rows, limit)
    lower = [name.strip().lower() for name in table.column_names]
    names = [pair for pair in (*DEGREE_NAMES, *METRE_NAMES) if pair[0] in lower and pair[1] in lower]
    if not names:
        raise ParameterError(
            f"No columns of a position are recognised; call them x and y: {some_of(lower, 12)}."
        )
    try:
        x, y = (table.column(lower.index(name)).cast(pa.float64()).to_numpy() for name in names[0])
    except pa.ArrowInvalid as error:
        raise ParameterError(
            f"The columns {names[0][0]} and {names[0][1]} hold no numbers: {error}."
        ) from None
    found = view.locator.locate(x, y, crs=crs, borders=borders)
    codes = pa.array(view.locator.codes, pa.string())

    def coded(ix: Any, values: Any, missing: int = -1) -> Any:
        return pa.DictionaryArray.from_arrays(pa.array(ix, pa.int32(), mask=ix == missing), values)

    columns = {
        "grid_code": coded(found.code_ix, codes),
        "status": coded(found.status.astype(np.int32), pa.array(STATUS_NAMES)),
    }
    if borders:
        columns["border_m"] = pa.array(found.border_m, from_pandas=True)
        columns["nearest_code"] = coded(found.nearest_ix, codes)
    return pa.table(columns)


def places_of(text: str, *, crs: str, near: tuple[float, float, float, float] | None) -> list[dict[str, Any]]:
    """Read pasted coordinates as places in WGS 84, the likeliest first; `crs` holds where the text names no system.

    Raises
    ------
    CrsError
        Where `crs`, or the system that the text names, is unknown.
    """
    from gis_core.crs import parse_crs, to_wgs84
    from gis_core.locate.place import read_place

    found = []
    for reading in read_place(text, near):
        name = parse_crs(reading.crs or crs).name
        lon, lat = (float(value) for value in to_wgs84(reading.x, reading.y, name))
        if math.isfinite(lon) and math.isfinite(lat):
            found.append(
                {
                    "lon": round(lon, 9),
                    "lat": round(lat, 9),
                    "x": reading.x,
                    "y": reading.y,
                    "crs": name,
                    "crs_stated": reading.crs is not None,
                    "order": reading.order,
                    "form": reading.form,
                }
            )
    return found
