"""Street classes and barriers: which class a way has, and whether it cuts the ground that it runs over.

Motorway to living street and pedestrian ways cut; bridges, tunnels and indoor ways run above or below the
ground and do not; footways, paths, steps, service roads and tracks are `minor` and do not, but stay in the
frame.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gis_core.layers.columns import as_text, way_columns
from gis_core.model import STREET_CLASSES

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["STREET_VALUES", "barrier_cuts", "grade_separated", "street_classes"]

#: Source value -> class of `STREET_CLASSES`; `_link` behind a value changes nothing.
STREET_VALUES: dict[str, str] = {
    **{name: name for name in STREET_CLASSES if name not in ("none", "barrier")},
    "unclassified": "residential",
    "road": "residential",
    "pedestrian": "living_street",
    "quaternary": "residential",
    "service": "minor",
    "track": "minor",
    "footway": "minor",
    "path": "minor",
    "cycleway": "minor",
    "steps": "minor",
    "bridleway": "minor",
    "corridor": "minor",
    "pier": "minor",
    "platform": "minor",
    "elevator": "minor",
    "escalator": "minor",
    "busway": "minor",
    "bus_guideway": "minor",
    "crossing": "minor",
    "sidewalk": "minor",
    "track_grade1": "minor",
    "track_grade2": "minor",
    "track_grade3": "minor",
    "track_grade4": "minor",
    "track_grade5": "minor",
    "escape": "minor",
    "emergency_bay": "minor",
    "ladder": "minor",
    "services": "minor",
    "rest_area": "minor",
    "raceway": "minor",
    "via_ferrata": "minor",
    "construction": "none",
    "proposed": "none",
    "planned": "none",
    "abandoned": "none",
    "razed": "none",
    "disused": "none",
    "no": "none",
    "高速公路": "motorway",
    "高速": "motorway",
    "快速路": "trunk",
    "城市快速路": "trunk",
    "国道": "trunk",
    "主干路": "primary",
    "主干道": "primary",
    "省道": "primary",
    "次干路": "secondary",
    "次干道": "secondary",
    "县道": "secondary",
    "支路": "tertiary",
    "乡道": "tertiary",
    "街路": "residential",
    "村道": "residential",
    "居住区道路": "residential",
    "街巷": "living_street",
    "巷": "living_street",
    "胡同": "living_street",
    "弄": "living_street",
    "步行街": "living_street",
    "小区道路": "minor",
    "内部道路": "minor",
    "人行道": "minor",
    "小路": "minor",
    "在建": "none",
    "规划": "none",
}

#: The least class that cuts.
_FIRST_CUTTING_RANK = STREET_CLASSES.index("living_street")

_YES_NOT = frozenset({"", "no", "f", "false", "0", "0.0", "none", "nan", "否", "无", "n"})

#: Barriers that run under the ground wherever nothing says otherwise.
_UNDERGROUND = frozenset({"subway", "funicular", "地铁", "地下", "culvert"})


def street_classes(
    values: pd.Series,
) -> tuple[NDArray[np.object_], NDArray[np.uint8], NDArray[np.bool_], list[str]]:
    """Sort source values into street classes.

    Returns
    -------
    class, rank : arrays, shape (n,)
        Name and position in `STREET_CLASSES`; unknown and missing values count as `residential`.
    missing : bool, shape (n,)
        Rows without a value.
    unknown : list of str
        Values that are not in the documented list.
    """
    # OSMnx writes several values as a list; the first is the main one.
    text = values.astype(object).where(values.notna(), "").astype(str).str.strip()
    folded = (
        text.str.lower().str.strip("[]").str.split(",").str[0].str.strip(" '\"").str.removesuffix("_link")
    )
    classes = folded.map(STREET_VALUES)
    missing = (folded == "").to_numpy(dtype=bool)
    unknown = sorted(set(text[classes.isna().to_numpy() & ~missing]))
    names = classes.fillna("residential").to_numpy(dtype=object)
    rank = np.array([STREET_CLASSES.index(name) for name in names], dtype=np.uint8)
    return names, rank, missing, unknown


def grade_separated(table: pd.DataFrame) -> NDArray[np.bool_]:
    """Tell which ways are bridges, in tunnels, indoor or below ground, by the columns that say so."""
    result = np.zeros(len(table), dtype=bool)
    for target, name in way_columns(table).items():
        text = as_text(table[name])
        if target == "layer":
            result |= text.str.startswith("-").fillna(False).to_numpy(dtype=bool)
        else:
            result |= (~text.fillna("").str.lower().isin(_YES_NOT)).to_numpy(dtype=bool)
    return result


def cuts(rank: NDArray[np.uint8], separated: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell which streets cut the ground into enclosures."""
    return (rank >= _FIRST_CUTTING_RANK) & ~separated


def barrier_cuts(table: pd.DataFrame, kind: pd.Series, subclass: pd.Series) -> NDArray[np.bool_]:
    """Tell which barriers cut: all but bridges, tunnels, and subways that no column puts above ground."""
    below = kind.isin(_UNDERGROUND) | subclass.isin(_UNDERGROUND)
    separated = grade_separated(table)
    columns = way_columns(table)
    if "tunnel" in columns:
        # A subway whose tunnel column says `no` runs above ground.
        below &= ~as_text(table[columns["tunnel"]]).fillna("").str.lower().isin(["no", "f", "false", "0"])
    return ~(below.to_numpy(dtype=bool) | separated)
