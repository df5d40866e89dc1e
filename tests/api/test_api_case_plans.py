"""Where the plans of two communities meet, a case at the border may be given to a grid of either."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import shapely
from store_town import build_two_communities, fill, lattice

from gis_core.store import open_store
from tests.api.support import make_client

EXCEPT = ["without_staff", "out_of_bounds", "unnamed"]


def test_candidates_of_two_plans(tmp_path: Path) -> None:
    town = build_two_communities()
    dataset, fabric, plan = town
    west = fabric.boundary_ix == 0
    n_west, west_code = int(west.sum()), plan.grids["boundary_code"].iloc[0]
    inside = plan.buildings["cell_id"].isin(np.flatnonzero(west))
    renumber = np.cumsum(west) - 1
    part = (
        replace(dataset, boundary=dataset.boundary.iloc[:1], buildings=dataset.buildings[west]),
        replace(
            fabric,
            cells=fabric.cells[west],
            boundary_ix=fabric.boundary_ix[west],
            enclosure_ix=fabric.enclosure_ix[west],
            households=fabric.households[west],
            population=fabric.population[west],
            building_cell_ix=np.arange(n_west, dtype=np.int32),
            graph=lattice(12, 6),
        ),
        replace(
            plan,
            grids=plan.grids[plan.grids["boundary_code"] == west_code].reset_index(drop=True),
            cells=plan.cells[west].assign(cell_id=np.arange(n_west)).reset_index(drop=True),
            buildings=plan.buildings[inside].assign(cell_id=renumber[plan.buildings["cell_id"][inside]]),
        ),
    )
    with open_store(str(tmp_path / "two.gpkg")) as store:
        _, _, whole = fill(store, town)
        store.publish_plan(whole, expected_revision=0, except_=EXCEPT)
        _, _, own = fill(store, part)
        store.publish_plan(own, expected_revision=0, except_=EXCEPT)
        areas = store.grids_in_force(whole).dissolve("plan_id").geometry
        border = areas.loc[own].intersection(areas.loc[whole])
        corners = shapely.get_coordinates(border)
        x, y = corners[len(corners) // 2].tolist()
        with make_client(store) as client:
            for wanted in (whole, own):
                sent = {"x": x, "y": y, "category": "漏水", "accuracy_m": 15}
                case = client.post("/api/incidents", json=sent).json()
                assert case["grid_code"] is None
                plans = {row["code"]: row.get("plan", case["plan"]) for row in case["candidates"]}
                assert set(plans.values()) == {whole, own}
                code = next(code for code, its in plans.items() if its == wanted)
                step = {"kind": "note", "grid": code}
                settled = client.post(f"/api/incidents/{case['id']}/steps", json=step).json()
                assert (settled["grid_code"], settled["plan"]) == (code, wanted)
                assert settled["duty"]["unit"] == code
                row = store.grids(wanted).set_index("code").loc[code]
                assert client.get(f"/api/incidents/{case['id']}").json()["plan"] == wanted
                assert row["boundary_code"]
