"""Cells are named by their buildings, also where a cell has none or several."""

from __future__ import annotations

from small_town import block_town

from gis_core.errors import some_of
from gis_core.fabric import build_fabric
from gis_core.plan.make import _CellNames


def test_a_cell_is_named_by_its_buildings() -> None:
    town = block_town(3, 2)
    fabric = build_fabric(town, processes=1)
    names = _CellNames(town, fabric)
    buildings = list(zip(fabric.building_cell_ix.tolist(), town.buildings["id"], strict=True))
    wanted = [some_of([id_ for at, id_ in buildings if at == cell]) for cell in range(fabric.n_cells)]
    assert list(names) == wanted
    assert len(names) == fabric.n_cells
