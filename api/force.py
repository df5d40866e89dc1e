"""Whose grid a place is in, at a time: the grids in force with their index, kept ready and never older than a second.

Each server process holds its own; where the store says that another plan came into force, the next look takes it over
while requests go on with what was there.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from gis_core.errors import NotFoundError

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

    from api.on_duty import TownStaff
    from gis_core.locate import Locator
    from gis_core.store import Store
    from gis_core.store.records import PlanRecord

__all__ = ["FRESH_S", "STALE_S", "Asked", "ForceKeeper", "ForceView"]

#: Seconds after which the store is asked again, and after which nothing is answered before it was.
FRESH_S, STALE_S = 0.4, 0.9
#: Plans and times that are kept ready.
_KEPT = 8


@dataclass(frozen=True, slots=True)
class Asked:
    """Which grids are asked for.

    Attributes
    ----------
    plan : int or None
        A plan; with `at` any plan of the place. None: what is in force, else the newest plan.
    at : str or None
        A moment as ISO 8601; None for now.
    """

    plan: int | None = None
    at: str | None = None

    @property
    def moment(self) -> datetime | None:
        """The moment asked for."""
        return None if self.at is None else datetime.fromisoformat(self.at)


class ForceView:
    """Grids with what the answer says of each, and their index; nothing in it changes.

    Attributes
    ----------
    rows : list of dict
        Of each code, in the order of `locator.codes`.
    nothing : dict
        The same for a place outside all of them.
    etag : str
        Changes whenever an answer could.
    """

    def __init__(
        self, store: Store, grids: GeoDataFrame, plans: dict[int, PlanRecord], main: int, etag: str
    ) -> None:
        self._store = store
        self._grids = grids.assign(code=grids["code"].astype(str))
        self._plans = plans
        self.main = main
        self.etag = etag
        self.nothing = {"grid_code": None, "grid_ix": None, "name": None, **_plan_words(plans[main])}

    @cached_property
    def locator(self) -> Locator:
        """The index, built when first asked for."""
        from gis_core.locate import build_locator

        return build_locator(self._grids[["code", self._grids.geometry.name]])

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """What is said of each grid."""
        words = {number: _plan_words(record) for number, record in self._plans.items()}
        named = self._grids["name"] if "name" in self._grids else [None] * len(self._grids)
        found: dict[str, dict[str, Any]] = {}
        for code, ix, name, plan in zip(
            self._grids["code"], self._grids["grid_ix"].tolist(), named, self._grids["plan_id"].tolist(),
            strict=True,
        ):  # fmt: skip
            text = name if isinstance(name, str) else None
            found.setdefault(code, {"grid_code": code, "grid_ix": ix, "name": text, **words[plan]})
        return [found[code] for code in self.locator.codes]

    @cached_property
    def owners(self) -> list[tuple[int, int]]:
        """Plan and number of each grid, in the order of `locator.codes`."""
        return [(row["plan"], row["grid_ix"]) for row in self.rows]

    @cached_property
    def staff(self) -> TownStaff:
        """Who works in the grids, read when first asked for."""
        from api.on_duty import load_staff

        return load_staff(self._store, self._grids)

    def border(self, code: str | None) -> dict[str, Any] | None:
        """Give the polygon of a grid as GeoJSON."""
        import shapely

        shapes = self._grids.geometry[self._grids["code"] == code]
        if code is None or not len(shapes):
            return None
        shape = (
            shapes.iloc[0] if len(shapes) == 1 else shapely.union_all(np.asarray(shapes.array, dtype=object))
        )
        geometry: dict[str, Any] = orjson.loads(shapely.to_geojson(shape))
        return geometry

    def warm(self) -> ForceView:
        """Build what is built when first asked for."""
        self.locator.code_at(0.0, 0.0)
        self.locator.nearest_at(0.0, 0.0)
        assert self.rows is not None
        return self


def _plan_words(record: PlanRecord) -> dict[str, Any]:
    return {
        "plan": record.id,
        "revision": record.revision,
        "valid_from": None if record.valid_from is None else record.valid_from.isoformat(),
        "valid_to": None if record.valid_to is None else record.valid_to.isoformat(),
    }


@dataclass
class _Kept:
    view: ForceView
    looked_at: float


class ForceKeeper:
    """What was asked for lately, kept ready.

    Parameters
    ----------
    store : callable
        Gives the open store.
    """

    def __init__(self, store: Callable[[], Store]) -> None:
        self._store = store
        self._kept: dict[Asked, _Kept] = {}
        self._gates: dict[Asked, threading.Lock] = {}
        self._gate = threading.Lock()

    def peek(self, asked: Asked) -> tuple[ForceView, float] | None:
        """Give what is kept and the seconds since the store was asked about it; never waits."""
        kept = self._kept.get(asked)
        return None if kept is None else (kept.view, time.monotonic() - kept.looked_at)

    def look(self, asked: Asked, *, at_once: bool = False) -> ForceView:
        """Give what holds now, asking the store where it was not asked just now, or `at_once`.

        Raises
        ------
        NotFoundError
            Where there is no such plan, or none was in force then.
        """
        with self._gate:
            gate = self._gates.setdefault(asked, threading.Lock())
        with gate:
            kept = self._kept.get(asked)
            began = time.monotonic()
            if kept is not None and began - kept.looked_at < FRESH_S and not at_once:
                return kept.view
            try:
                main, records = self._standing(asked)
            except NotFoundError:
                self._drop(asked)
                raise
            etag = _tag(asked, records, self._store().staff_stamp())
            if kept is None or kept.view.etag != etag:
                grids = self._read(asked, main, records)
                view = ForceView(self._store(), grids, {one.id: one for one in records}, main, etag).warm()
            else:
                view = kept.view
            self._keep(asked, _Kept(view, began))
            return view

    def _standing(self, asked: Asked) -> tuple[int, list[PlanRecord]]:
        """Return the plan that leads, and all whose grids may be in the answer."""
        store = self._store()
        if asked.plan is not None and asked.at is None:
            return asked.plan, [store.plan(asked.plan)]
        found = [one.plan for one in store.plans_in_force(asked.moment)]
        if asked.plan is not None:
            return asked.plan, [store.plan(asked.plan), *found]
        if found:
            return found[0].id, found
        if asked.at is not None:
            raise NotFoundError(f"No plan was in force on {asked.at}; `wangge publish` puts one in force.")
        newest = store.plans(limit=1)
        if not newest:
            raise NotFoundError(
                "There is no plan in this store yet; `wangge load` brings one, `wangge demo` an example."
            )
        return newest[0].id, newest

    def _read(self, asked: Asked, main: int, records: list[PlanRecord]) -> GeoDataFrame:
        store = self._store()
        record = store.plan(main)
        if (asked.plan is not None and asked.at is None) or (record.valid_from is None and asked.at is None):
            return store.grids(main).assign(plan_id=main)
        if asked.plan is not None:
            return store.grids_in_force(main, asked.moment)
        return _all_in_force(store, [record.id for record in records], asked.moment)

    def _keep(self, asked: Asked, kept: _Kept) -> None:
        with self._gate:
            self._kept.pop(asked, None)
            self._kept[asked] = kept
            while len(self._kept) > _KEPT:
                oldest = min(self._kept, key=lambda key: self._kept[key].looked_at)
                del self._kept[oldest]
                self._gates.pop(oldest, None)

    def _drop(self, asked: Asked) -> None:
        with self._gate:
            self._kept.pop(asked, None)


def _all_in_force(store: Store, plans: list[int], moment: datetime | None) -> GeoDataFrame:
    """Read the grids in force wherever one of some plans lies; of two with one code the one of the earlier plan."""
    import pandas as pd

    found = store.grids_in_force(plans[0], moment)
    for plan in plans[1:]:
        further = store.grids_in_force(plan, moment)
        further = further[~further["code"].isin(found["code"])]
        if len(further):
            found = pd.concat([found, further], ignore_index=True)
    return found


def _tag(asked: Asked, records: list[PlanRecord], staff: int) -> str:
    """Name what the answers come from."""
    parts = [(one.id, one.revision, one.state, str(one.created_at), str(one.valid_from), str(one.valid_to))
             for one in records]  # fmt: skip
    return hashlib.blake2b(repr((asked, parts, staff)).encode(), digest_size=9).hexdigest()
