"""A store in memory with the interface of `gis_core.store.Store`, for tests of the API alone."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from gis_core.errors import NotFoundError
from gis_core.model import Dataset, Fabric
from gis_core.plan.file import PlanFile
from gis_core.store.records import DatasetRecord, PlanRecord, SearchHit


class MemoryStore:
    kind = "geopackage"
    capabilities: frozenset[str] = frozenset()

    def __init__(self) -> None:
        self._datasets: list[SimpleNamespace] = []
        self._plans: list[SimpleNamespace] = []

    def ping(self) -> None:
        pass

    def close(self) -> None:
        pass

    def add_dataset(self, dataset: Dataset, fabric: Fabric, *, imported_by: str = "") -> int:
        cells = gpd.GeoDataFrame(
            {
                "cell_ix": np.arange(fabric.n_cells),
                "area_ix": fabric.boundary_ix,
                "enclosure_ix": fabric.enclosure_ix,
                "households": fabric.households,
                "population": fabric.population,
            },
            geometry=list(fabric.cells),
            crs=dataset.work_crs,
        )
        frames = {"areas": dataset.boundary, "cells": cells}
        frames["buildings"] = dataset.buildings.assign(cell_ix=fabric.building_cell_ix, extra="{}")
        for layer in ("streets", "barriers", "facilities", "water", "green"):
            frames[layer] = getattr(dataset, layer)
        frames = {layer: frame.to_crs(4326) for layer, frame in frames.items()}
        record = DatasetRecord(
            id=len(self._datasets) + 1,
            name=dataset.name,
            source=dataset.source,
            imported_at=datetime.now(UTC),
            attribution=dataset.attribution,
            work_crs="EPSG:32650",
            bbox=tuple(frames["areas"].total_bounds.tolist()),
            counts={layer: len(frame) for layer, frame in frames.items()},
            imported_by=imported_by,
        )
        self._datasets.append(SimpleNamespace(record=record, frames=frames, graph=fabric.graph))
        return record.id

    def add_plan(self, plan: PlanFile, *, dataset_id: int, name: str, created_by: str = "") -> int:
        codes = {code: ix for ix, code in enumerate(plan.grids["code"])}
        assignment = np.array([codes.get(code, -1) for code in plan.cells["grid_code"]], dtype=np.int32)
        record = PlanRecord(
            id=len(self._plans) + 1,
            dataset_id=dataset_id,
            name=name,
            state="draft",
            revision=0,
            created_at=datetime.now(UTC),
            created_by=created_by,
            valid_from=None,
            valid_to=None,
            n_grids=len(codes),
            n_cells=len(assignment),
            households=int(plan.cells["households"].sum()),
            bounds=tuple(plan.report["bounds"]),
            seed=plan.report.get("seed"),
            bbox=tuple(plan.grids.total_bounds.tolist()),
            report=plan.report,
        )
        grids = plan.grids.assign(grid_ix=np.arange(len(codes)))
        self._plans.append(
            SimpleNamespace(record=record, grids=grids, buildings=plan.buildings, assignment=assignment)
        )
        return record.id

    def datasets(self, *, limit: int = 100, offset: int = 0) -> list[DatasetRecord]:
        return [entry.record for entry in reversed(self._datasets)][offset : offset + limit]

    def dataset(self, dataset_id: int) -> DatasetRecord:
        return self._entry(self._datasets, dataset_id, "dataset").record

    def layer(
        self, dataset_id: int, layer: str, *, bbox: Any = None, limit: Any = None, offset: int = 0
    ) -> Any:
        frame = self._entry(self._datasets, dataset_id, "dataset").frames[layer]
        if bbox is not None:
            frame = frame[
                shapely.intersects(shapely.envelope(np.asarray(frame.geometry.array)), shapely.box(*bbox))
            ]
        return frame.iloc[offset : None if limit is None else offset + limit]

    def layer_count(self, dataset_id: int, layer: str, *, bbox: Any = None) -> int:
        return len(self.layer(dataset_id, layer, bbox=bbox))

    def graph(self, dataset_id: int) -> Any:
        return self._entry(self._datasets, dataset_id, "dataset").graph

    def plans(self, *, limit: int = 100, offset: int = 0) -> list[PlanRecord]:
        return [entry.record for entry in reversed(self._plans)][offset : offset + limit]

    def plan(self, plan_id: int) -> PlanRecord:
        return self._entry(self._plans, plan_id, "plan").record

    def grids(self, plan_id: int, *, bbox: Any = None, limit: Any = None, offset: int = 0) -> Any:
        return self._entry(self._plans, plan_id, "plan").grids

    def assignment(self, plan_id: int) -> Any:
        return self._entry(self._plans, plan_id, "plan").assignment

    def plan_buildings(self, plan_id: int) -> Any:
        return self._entry(self._plans, plan_id, "plan").buildings

    def search(self, plan_id: int, text: str, *, limit: int = 20) -> list[SearchHit]:
        plan = self._entry(self._plans, plan_id, "plan")
        hits = []
        frames = self._entry(self._datasets, plan.record.dataset_id, "dataset").frames
        for kind, frame in (
            ("grid", plan.grids),
            ("building", frames["buildings"]),
            ("street", frames["streets"]),
            ("facility", frames["facilities"]),
        ):
            columns = [name for name in ("code", "name", "address", "id") if name in frame]
            found = frame[columns].astype(str).apply(lambda c: c.str.contains(text, regex=False)).any(axis=1)
            for _, row in frame[found].head(limit - len(hits)).iterrows():
                point = row.geometry.representative_point()
                cell = int(row["cell_ix"]) if kind == "building" else None
                code = row["code"] if kind == "grid" else None
                if cell is not None:
                    code = plan.grids["code"][plan.assignment[cell]]
                title = row["code"] if kind == "grid" else row["name"]
                detail = str(row.get("address", "")) if kind == "building" else ""
                hits.append(SearchHit(kind, title, detail, code, cell, point.x, point.y, row.geometry.bounds))
        return hits

    @staticmethod
    def _entry(entries: list[SimpleNamespace], number: int, what: str) -> SimpleNamespace:
        if not 1 <= number <= len(entries):
            raise NotFoundError(f"There is no {what} {number} in this store.")
        return entries[number - 1]
