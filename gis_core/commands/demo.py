"""`wangge demo`: the demo areas, partitioned, on the map.

Each area is computed first and written last, in two transactions, so that Ctrl-C at any time leaves a store from
which the next start goes on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gis_core.commands._common import EXIT_STOPPED, command, print_json, terminal_progress
from gis_core.commands._options import Db
from gis_core.errors import CancelledError, DatasetError

if TYPE_CHECKING:
    from gis_core.store import Store
    from gis_core.store.records import DatasetRecord

#: List of the areas in their folder: `[{"file", "name": {"zh-CN", "en"}}, ...]`.
LIST_FILE = "demos.json"

Say = Callable[[str], None]


@command
def demo(
    *,
    db: Db = None,
    port: Annotated[
        int | None, typer.Option("--port", min=0, max=65535, help="Port; default 8000, 0 for any free one.")
    ] = None,
    no_serve: Annotated[bool, typer.Option("--no-serve", help="Load and partition only.")] = False,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the map in the browser.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Say what was done as one JSON document.")] = False,
) -> None:
    """Load the demo areas into a store, partition them and serve the map; what is there already is skipped.

    Example: wangge demo --port 8080
    """
    from gis_core.commands.serve import read_settings, serve_store
    from gis_core.store import open_store

    settings = read_settings(db=db, port=port)
    with open_store(settings.db) as store:
        try:
            plans = load_demo_areas(store, _data_folder(), say=lambda text: typer.echo(text, err=True))
        except (KeyboardInterrupt, CancelledError):
            typer.echo("Stopped; the next start goes on with what is missing.", err=True)
            raise typer.Exit(EXIT_STOPPED) from None
        if no_serve:
            if json_:
                print_json({"store": store.where, "plans": plans})
            else:
                typer.echo(f"{store.where} holds the demo areas as {', '.join(f'plan:{n}' for n in plans)}.")
            return
        serve_store(settings, store, open_browser=open_browser, as_json=json_)


def load_demo_areas(store: Store, folder: Path, *, say: Say) -> list[int]:
    """Bring each demo area and a plan of it into a store, unless they are there.

    The area that the list names first is loaded last, because the map opens with the newest plan.

    Parameters
    ----------
    store : Store
    folder : Path
        Holds the files and their list, `demos.json`.
    say : callable
        Takes a line on what happens.

    Returns
    -------
    list of int
        Number of the plan of each area, in the order of loading.

    Raises
    ------
    DatasetError
        Where a file is missing or cannot be used.
    """
    listing = folder / LIST_FILE
    if not listing.is_file():
        raise DatasetError(f"The list of demo areas, {listing}, is not there; take it from the repository.")
    areas = json.loads(listing.read_text(encoding="utf-8"))
    return [_load_area(store, folder / area["file"], area, say) for area in reversed(areas)]


def _load_area(store: Store, path: Path, area: dict[str, Any], say: Say) -> int:
    if not path.is_file():
        raise DatasetError(f"The demo area {path.name} is not in {path.parent}; scripts/build_demo makes it.")
    mark = f"wangge demo {hashlib.sha256(path.read_bytes()).hexdigest()[:12]}"
    version = next((item for item in store.datasets(limit=1000) if item.imported_by == mark), None)
    if version is not None:
        plans = [plan.id for plan in store.plans(limit=1000) if plan.dataset_id == version.id]
        if plans:
            return min(plans)
    return _make_area(store, path, area, mark=mark, version=version, say=say)


def _make_area(
    store: Store, path: Path, area: dict[str, Any], *, mark: str, version: DatasetRecord | None, say: Say
) -> int:
    from gis_core.fabric import build_fabric
    from gis_core.layers import read_dataset
    from gis_core.plan import make_plan
    from gis_core.plan.file import PlanFile

    name = f"{area['name']['zh-CN']} {area['name']['en']}"
    with terminal_progress(True) as progress:
        say(f"{name}: reading {path.name} ...")
        dataset = replace(read_dataset(path, progress=progress), attribution=area["attribution"])
        say(f"{name}: cutting the ground of {len(dataset.buildings):,} buildings into cells ...")
        fabric = build_fabric(dataset, progress=progress)
        say(f"{name}: grouping {fabric.n_cells:,} cells into grids ...")
        plan = make_plan(dataset, fabric, progress=progress)
    frames = plan.frames
    degrees = {part: getattr(frames, part).to_crs(4326) for part in ("grids", "buildings", "cells")}
    if version is not None and version.counts.get("cells") == fabric.n_cells:
        dataset_id = version.id
    else:
        dataset_id = store.add_dataset(dataset, fabric, imported_by=mark)
    plan_id = store.add_plan(
        PlanFile(**degrees, report=frames.report, name=name),
        dataset_id=dataset_id,
        name=name,
        created_by="demo",
    )
    low, high = plan.report["bounds"]
    say(
        f"{name}: {plan.report['grids']} grids for {plan.report['households']:,} households, "
        f"{plan.report['in_bounds']} of them with {low} to {high}."
    )
    return plan_id


def _data_folder() -> Path:
    return Path(__file__).resolve().parents[2] / "data"
