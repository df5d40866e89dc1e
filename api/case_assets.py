"""What a case is about, where it is something that stands in the register: whose a manhole is, wherever it lies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gis_core.store import Store
    from gis_core.store.records import AssetRecord

__all__ = ["asset_details"]

#: How far from the place an asset may be that a case is about, besides the accuracy of the fix.
_REACH_M = 15.0
#: An asset of another owner may be meant where it is farther by less than this and twice the accuracy.
_CLEARLY_M = 3.0
_TOLD = 5


def asset_details(
    store: Store, lon: float, lat: float, accuracy_m: float, *, asset: str | None, category: str
) -> dict[str, Any]:
    """Say which asset a case is about, by its id or as the nearest of its kind; empty where none is known.

    Parameters
    ----------
    asset : str or None
        Category or id of an asset; None: an asset of the category of the case.

    Returns
    -------
    dict
        `asset` (its category), `asset_id`, `asset_m` (how far) and `owner`; where assets of several owners may be
        meant only `asset` and `assets`, the nearest first, for somebody to choose.
    """
    if asset is not None:
        named = store.assets_called(asset)
        if len(named) == 1:
            return _of(named[0], None)
    near = store.assets_near(lon, lat, _REACH_M + accuracy_m, asset or category)
    if not near:
        return {}
    metres, first = near[0]
    other = next((far for far, one in near if one.owner != first.owner), None)
    if other is None or other > metres + 2 * accuracy_m + _CLEARLY_M:
        return _of(first, metres)
    rows = [{"id": one.id, "owner": one.owner, "metres": round(far, 1)} for far, one in near[:_TOLD]]
    return {"asset": first.category, "assets": rows}


def _of(asset: AssetRecord, metres: float | None) -> dict[str, Any]:
    found: dict[str, Any] = {"asset": asset.category, "asset_id": asset.id, "owner": asset.owner}
    if metres is not None:
        found["asset_m"] = round(metres, 1)
    return {name: value for name, value in found.items() if value is not None}
