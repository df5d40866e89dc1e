"""Read and check a whole dataset in one pass: files in, `model.Dataset` in projected metres out.

Every fault is found before anything stops, and nothing is changed or left out without a line in the log.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gis_core.crs import parse_crs
from gis_core.errors import CrsError, DatasetError, some_of
from gis_core.layers.columns import check_mapping
from gis_core.layers.counts import add_counts
from gis_core.layers.faultlog import FaultLog, Policy
from gis_core.layers.frames import LayerSummary, Reading, build_frames
from gis_core.layers.osm import ATTRIBUTION, osm_layers
from gis_core.layers.raw import DEFAULT_LIMITS, Limits, RawDataset, RawLayer, read_raw
from gis_core.layers.sources import LAYER_ALIASES, find_files
from gis_core.model import Dataset, Fault

if TYPE_CHECKING:
    from pyproj import CRS

__all__ = ["Inspection", "LayerSummary", "inspect_dataset", "read_dataset"]


@dataclass(frozen=True)
class Inspection:
    """Outcome of a check: the layers, all faults, and the dataset where no fault stops the work."""

    name: str
    source: str
    layers: tuple[LayerSummary, ...]
    dataset: Dataset | None
    faults: tuple[Fault, ...]


def read_dataset(
    source: Path,
    *,
    mapping: Mapping[str, str] | None = None,
    on_invalid: Policy = "repair",
    estimate_households: bool = False,
    within: str | None = None,
    counts: Path | None = None,
    source_crs: str | None = None,
    progress: Callable[[str, int, int], None] | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Dataset:
    """Read a dataset, check it in one pass, mend it by policy, and return it in projected metres.

    Parameters
    ----------
    source : Path
        GeoPackage, folder with a file per layer, or `.osm.pbf` (docs/dataset.md).
    mapping : mapping of str to str, optional
        Contract column -> source column, such as `{"buildings.households": "HU_CNT"}`.
    on_invalid : {"repair", "raise", "report"}
        Mend what can be mended and say so; stop at any fault; or leave faulty rows out and say so.
    estimate_households : bool
        Estimate households where the source has none (rule: `layers.estimate`).
    within : str, optional
        Code or name of the boundary polygons to limit the work to.
    counts : Path, optional
        Sheet (XLSX, CSV) of counts to join onto the buildings; what does not match is among the faults.
    source_crs : str, optional
        Coordinate system of layers that name none, such as `EPSG:4549`.
    progress : callable, optional
        Called with (step, done, total).
    limits : Limits
        What the reading may use.

    Returns
    -------
    Dataset
        All that was found stands in its `faults`.

    Raises
    ------
    DatasetError
        A fault stops the work; the message lists every one, `context["faults"]` holds them.
    NotFoundError
        There is no such file, or no boundary polygon of the code or name `within`.
    ParameterError
        `mapping` names a layer or column that the contract does not have.
    CrsError
        `source_crs` is no coordinate system that is known.
    """
    found = inspect_dataset(
        source,
        mapping=mapping,
        on_invalid=on_invalid,
        estimate_households=estimate_households,
        within=within,
        counts=counts,
        source_crs=source_crs,
        progress=progress,
        limits=limits,
    )
    if found.dataset is None:
        errors = [fault for fault in found.faults if fault.severity == "error"]
        lines = "\n".join(f"- {fault.message} {fault.fix}" for fault in errors)
        count = "1 fault stops" if len(errors) == 1 else f"{len(errors)} faults stop"
        raise DatasetError(f"{found.source}: {count} the work.\n{lines}", faults=found.faults)
    return found.dataset


def inspect_dataset(
    source: Path,
    *,
    mapping: Mapping[str, str] | None = None,
    on_invalid: Policy = "repair",
    estimate_households: bool = False,
    within: str | None = None,
    counts: Path | None = None,
    source_crs: str | None = None,
    progress: Callable[[str, int, int], None] | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Inspection:
    """Check a dataset as `read_dataset` does, but return the faults instead of stopping at them.

    Raises
    ------
    DatasetError
        There is no dataset at all: unknown format, several candidates, or the reader was stopped at a limit.
    NotFoundError, ParameterError
        As for `read_dataset`.
    """
    mapping = dict(mapping or {})
    check_mapping(mapping)
    tell = progress or (lambda _step, _done, _total: None)
    by_hand = {name: column for name, column in mapping.items() if name.startswith("counts.")}
    given = None if source_crs is None else _given_crs(source_crs)
    layers_only = {name: column for name, column in mapping.items() if name not in by_hand}
    reading = Reading(
        FaultLog(on_invalid),
        layers_only,
        estimate_households,
        within,
        given,
        counted_elsewhere=counts is not None,
    )
    files = find_files(Path(source))
    tell("read", 0, 2)
    raw = read_raw(files, limits)
    tell("read", 1, 2)
    layers = _file_faults(raw, reading.log)
    frames = build_frames(layers, reading)
    if counts is not None and "buildings" in frames:
        frames["buildings"] = add_counts(frames["buildings"], counts, by_hand, reading.log, limits)
    tell("read", 2, 2)
    dataset = None
    if not reading.log.has_errors and reading.work_crs is not None:
        is_osm = any(file.format == "osm" for file in files.files)
        street_columns = set(layers["streets"].table.columns) if "streets" in layers else set()
        dataset = Dataset(
            name=files.name,
            source=files.source,
            work_crs=reading.work_crs,
            source_crs=frames.pop("source_crs"),
            **frames,
            attribution=ATTRIBUTION if is_osm or {"osm_id", "highway"} <= street_columns else "",
            faults=tuple(reading.log.faults),
        )
    return Inspection(files.name, files.source, tuple(reading.summaries), dataset, tuple(reading.log.faults))


def _given_crs(name: str) -> CRS:
    """Return the coordinate system that a user named for layers that name none."""
    crs = parse_crs(name).crs
    if crs is None:
        raise CrsError(
            f"Layers cannot be read in {name}: its shift is for single positions. Convert them first."
        )
    return crs


def _file_faults(raw: RawDataset, log: FaultLog) -> dict[str, RawLayer]:
    """Report what the reader found, what is missing and what is passed over; return the layers by name."""
    for fault in raw.faults:
        log.add(fault["code"], fault["layer"], fault["message"], fault["fix"], "error")
    for layer in raw.layers.values():
        for note in layer.notes:
            log.add(
                note["code"],
                layer.layer,
                note["message"],
                note["fix"],
                "warning" if note["severity"] == "warning" else "note",
            )
    if raw.ignored:
        log.add(
            "not-read",
            "dataset",
            f"not part of the dataset and not read: {some_of(raw.ignored)}",
            f"Nothing to do; layers are called {some_of(list(LAYER_ALIASES), limit=9)} (other names: "
            "docs/dataset.md).",
            "note",
        )
    layers = (
        osm_layers(raw.layers, log) if any(name.startswith("osm:") for name in raw.layers) else raw.layers
    )
    faulty = {fault["layer"] for fault in raw.faults}
    for name in ("boundary", "buildings", "streets"):
        if name in layers and len(layers[name].table) == 0:
            _report_absent(name, "empty-layer", "the layer is empty", log)
        elif name not in layers and name not in faulty and "dataset" not in faulty:
            others = [each.partition(": ")[2] for each in raw.ignored if ": " in each]
            there = f" (there are {some_of(others)})" if others else ""
            _report_absent(name, "missing-layer", f"there is no layer {name}{there}", log)
    return layers


def _report_absent(name: str, code: str, what: str, log: FaultLog) -> None:
    if name == "streets":
        log.add(
            code,
            name,
            f"{what}; grid borders will run between buildings only",
            "Add the street lines (layer streets, column class or highway).",
            "warning",
        )
    else:
        shapes = (
            "polygons of the communities" if name == "boundary" else "footprints or points with households"
        )
        log.add(
            code,
            name,
            what,
            f"Add the layer {name} ({shapes}), as its own file or in the container.",
            "error",
        )
