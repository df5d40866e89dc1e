"""Options of `wangge partition` that say what is asked of a plan beside bounds: weights, locks, wishes, levels."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gis_core.errors import NotFoundError, ParameterError

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

    from gis_core.model import Dataset, Fabric, Fault
    from gis_core.partition.constraints.borders import Borders
    from gis_core.plan.asked import Asked
    from gis_core.plan.carry import CarryOver
    from gis_core.plan.file import PlanFile
    from gis_core.plan.levels import Level
    from gis_core.plan.wishes import Wish

__all__ = [
    "AskedFiles", "BordersOf", "Bound", "CodeCol", "From", "Grids", "Levels", "Lock", "Seeds", "Weight", "WishFiles",
    "parse_numbers", "read_asked", "read_levels",
]  # fmt: skip

Weight = Annotated[
    str | None,
    typer.Option(
        "--weight", metavar="COL", help="Balance this column or formula of buildings instead of households."
    ),
]
Bound = Annotated[
    list[str] | None,
    typer.Option(
        "--bound", metavar="COL:MIN:MAX", help="Hold a further weight inside bounds; may be repeated."
    ),
]
Grids = Annotated[
    str | None,
    typer.Option("--grids", metavar="N|A-B", help="Number of grids over all boundary polygons, or a range."),
]
Lock = Annotated[
    list[str] | None,
    typer.Option(
        "--lock",
        metavar="PLAN[:CODE,...]",
        help="Keep all or these grids of a plan as they are; may be repeated.",
    ),
]
From = Annotated[
    str | None,
    typer.Option("--from", metavar="LAYER", help="Existing grids to start from: a plan or polygons."),
]
CodeCol = Annotated[
    str, typer.Option("--code-col", metavar="COL", help="Column of the codes in the layer of --from.")
]
WishFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--wishes", metavar="FILE", help="What stays together or apart (CSV, JSON); may be repeated."
    ),
]
Seeds = Annotated[
    str | None,
    typer.Option(
        "--seeds",
        metavar="LAYER",
        help="Service points, at most one a grid: facilities:CATEGORY or a point layer.",
    ),
]
BordersOf = Annotated[
    list[str] | None,
    typer.Option(
        "--borders", metavar="LAYER", help="Lines, or outlines of a plan, that stay borders; may be repeated."
    ),
]
Levels = Annotated[
    str | None,
    typer.Option(
        "--levels", metavar="NAME:MIN:MAX,...", help="Several levels in one run, the coarsest first."
    ),
]

_FACILITIES = "facilities:"
_ENDINGS = (".gpkg", ".parquet", ".geojson", ".json", ".fgb", ".shp")


def parse_numbers(text: str | None) -> int | tuple[int, int] | None:
    """Read a number of grids, or a range `A-B` or `A:B` of it.

    Raises
    ------
    ParameterError
        Where it is neither, or leaves no room.

    Examples
    --------
    >>> parse_numbers("12"), parse_numbers("10-14"), parse_numbers("10:14")
    (12, (10, 14), (10, 14))
    """
    if text is None:
        return None
    match = re.fullmatch(r"\s*(-?\d{1,9})\s*(?:[-:]\s*(-?\d{1,9})\s*)?", text)
    if not match:
        raise ParameterError(f"--grids {text} cannot be read; give a number, or a range such as 10-14.")
    low, high = int(match[1]), int(match[2] or match[1])
    if low < 1:
        raise ParameterError(f"--grids {text} cannot be used; give more than 0.")
    if low > high:
        raise ParameterError(f"--grids {text} leaves no room; give the smaller number first.")
    return low if low == high else (low, high)


def read_levels(text: str | None, **others: object) -> tuple[Level, ...] | None:
    """Read `--levels`, and refuse options that it leaves no room for.

    Raises
    ------
    ParameterError
        Where the levels cannot be read, or one of `others` is given too.
    """
    if text is None:
        return None
    from gis_core.plan.levels import parse_levels

    for name, value in others.items():
        if value is not None:
            raise ParameterError(
                f"--{name} does not go with --levels, where each level has its own bounds and as many parts as fit; "
                "leave one of them out."
            )
    return parse_levels(text)


@dataclass
class AskedFiles:
    """What the options name, read before the long work begins.

    Attributes
    ----------
    inputs : list of Path
        Files that must not be written to.
    """

    weight: str | None
    bounds: list[tuple[str, float, float]]
    wishes: list[Wish]
    locks: list[tuple[str, PlanFile, list[str]]]
    start: tuple[str, PlanFile | GeoDataFrame, str] | None
    seeds: str | GeoDataFrame | None
    borders: list[tuple[str, PlanFile | GeoDataFrame]]
    inputs: list[Path] = field(default_factory=list)

    def require_usable(self, dataset: Dataset) -> None:
        """Refuse what the dataset cannot take before it is cut into cells, which is long work.

        Raises
        ------
        GisCoreError
            A formula names a column, a wish a building, or `--seeds` a category that is not there; a layer names no
            coordinate system, or has no column with codes.
        """
        from gis_core.plan.carry import require_code_column
        from gis_core.plan.file import PlanFile
        from gis_core.plan.wish_places import facilities_of, require_crs
        from gis_core.plan.wishes import require_wishes
        from gis_core.plan.workload import require_columns

        for formula in [
            *([] if self.weight is None else [self.weight]),
            *(text for text, _, _ in self.bounds),
        ]:
            require_columns(dataset, formula)
        require_wishes(dataset, self.wishes)
        if isinstance(self.seeds, str):
            facilities_of(dataset, self.seeds)
        elif self.seeds is not None:
            require_crs(self.seeds, "The layer of seeds")
        for name, lines in self.borders:
            if not isinstance(lines, PlanFile):
                require_crs(lines, f"The layer {name}")
        if self.start is not None and not isinstance(self.start[1], PlanFile):
            require_code_column(self.start[1], self.start[2])

    def gather(self, dataset: Dataset, fabric: Fabric) -> Asked:
        """Bring everything onto the cells; see `Asked`."""
        from gis_core.plan.asked import Asked, locks_of
        from gis_core.plan.carry import carry_plan
        from gis_core.plan.wishes import build_wishes
        from gis_core.plan.workload import build_workload

        weight = None if self.weight is None else build_workload(dataset, fabric, self.weight)
        further = [(build_workload(dataset, fabric, text), low, high) for text, low, high in self.bounds]
        carried = [(name, carry_plan(fabric, dataset, plan), codes) for name, plan, codes in self.locks]
        locked, codes = locks_of(fabric, carried)
        seeds, faults = self._seeds(dataset, fabric)
        wishes = build_wishes(
            dataset, fabric, self.wishes, seeds=seeds, borders=self._borders(dataset, fabric),
            locked=locked if codes else None, lock_codes=codes,
        )  # fmt: skip
        start = self._start(dataset, fabric)
        return Asked(
            weight=weight,
            further=tuple(further),
            constraints=wishes.constraints(),
            locked=locked if codes else None,
            lock_codes=codes,
            start=None if start is None else start.assignment.astype("int64"),
            start_codes=() if start is None else start.codes,
            reserved=tuple(code for _, plan, _ in carried for code in plan.codes),
            faults=(*faults, *wishes.faults),
        )

    def _start(self, dataset: Dataset, fabric: Fabric) -> CarryOver | None:
        if self.start is None:
            return None
        _, source, code_col = self.start
        return _carry(dataset, fabric, source, code_col)

    def _seeds(self, dataset: Dataset, fabric: Fabric) -> tuple[list[tuple[int, str]], list[Fault]]:
        from gis_core.plan.wish_places import facility_seeds, point_seeds

        if self.seeds is None:
            return [], []
        if isinstance(self.seeds, str):
            return facility_seeds(dataset, fabric, self.seeds)
        return point_seeds(dataset, fabric, self.seeds)

    def _borders(self, dataset: Dataset, fabric: Fabric) -> list[Borders]:
        from gis_core.plan.carry import carry_plan
        from gis_core.plan.file import PlanFile
        from gis_core.plan.wish_places import borders_of_lines, borders_of_plan

        return [
            borders_of_plan(fabric, carry_plan(fabric, dataset, source), f"The outlines of {name}")
            if isinstance(source, PlanFile)
            else borders_of_lines(dataset, fabric, source, f"The layer {name}")
            for name, source in self.borders
        ]


def _carry(dataset: Dataset, fabric: Fabric, source: PlanFile | GeoDataFrame, code_col: str) -> CarryOver:
    from gis_core.plan.carry import carry_plan, carry_polygons
    from gis_core.plan.file import PlanFile

    if isinstance(source, PlanFile):
        return carry_plan(fabric, dataset, source)
    return carry_polygons(fabric, dataset, source, code_col)


def read_asked(
    dataset: Path, *, weight: str | None, bounds: list[str], locks: list[str], start: str | None, code_col: str,
    wishes: list[Path], seeds: str | None, borders: list[str],
) -> AskedFiles:  # fmt: skip
    """Read everything that the options name.

    Raises
    ------
    GisCoreError
        Where a file is missing or cannot be read, or an option cannot be understood.
    """
    from gis_core.plan.asked import require_codes
    from gis_core.plan.wishes import read_wishes
    from gis_core.plan.workload import parse_bound

    found = AskedFiles(weight, [parse_bound(text) for text in bounds], [], [], None, None, [], list(wishes))
    for path in wishes:
        found.wishes += read_wishes(path)
    for text in locks:
        ref, codes = _split_lock(text)
        plan = _read_plan(ref, found.inputs)
        require_codes(Path(ref).name, [str(code) for code in plan.grids["code"]], codes)
        found.locks.append((Path(ref).name, plan, codes))
    if start is not None:
        found.start = (start, _read_plan_or_layer(start, dataset, found.inputs), code_col)
    for text in borders:
        found.borders.append((Path(text).name, _read_plan_or_layer(text, dataset, found.inputs)))
    if seeds is not None and seeds.startswith(_FACILITIES):
        found.seeds = seeds.removeprefix(_FACILITIES)
    elif seeds is not None:
        found.seeds = _read_layer(seeds, dataset, found.inputs)
    return found


def _split_lock(text: str) -> tuple[str, list[str]]:
    """Return the plan and the codes of `PLAN[:CODE,...]`; PLAN may be `plan:ID`."""
    stored = re.fullmatch(r"(plan:\d+)(?::(.*))?", text, flags=re.IGNORECASE)
    if stored:
        ref, codes = stored[1], stored[2]
    elif Path(text).exists() or ":" not in text:
        ref, codes = text, None
    else:
        ref, _, codes = text.rpartition(":")
    wanted = [] if codes is None else [code.strip() for code in codes.split(",") if code.strip()]
    if codes is not None and not wanted:
        raise ParameterError(
            f"--lock {text} names no grid after the colon; give codes by commas, or leave the colon out."
        )
    return ref, wanted


def _read_plan(ref: str, inputs: list[Path]) -> PlanFile:
    from gis_core.commands._plan_ref import read_plan_ref, stored_plan_id

    if stored_plan_id(ref) is None:
        inputs.append(Path(ref))
    return read_plan_ref(ref)


def _read_plan_or_layer(text: str, dataset: Path, inputs: list[Path]) -> PlanFile | GeoDataFrame:
    from gis_core.commands._plan_ref import is_plan_file, stored_plan_id

    if stored_plan_id(text) is not None or is_plan_file(Path(text)):
        return _read_plan(text, inputs)
    return _read_layer(text, dataset, inputs)


def _read_layer(text: str, dataset: Path, inputs: list[Path]) -> GeoDataFrame:
    """Read `FILE`, `FILE:LAYER`, or a layer of the dataset by its name."""
    from gis_core.layers import read_table

    path, layer = Path(text), None
    if not path.exists() and ":" in text and Path(text.rpartition(":")[0]).exists():
        path, layer = Path(text.rpartition(":")[0]), text.rpartition(":")[2]
    elif not path.exists() and dataset.is_dir():
        files = [dataset / f"{text}{ending}" for ending in _ENDINGS]
        path = next((file for file in files if file.exists()), path)
    elif not path.exists() and dataset.suffix.lower() == ".gpkg":
        from gis_core.commands._plan_ref import layers_of

        if text in layers_of(dataset):
            path, layer = dataset, text
    if not path.exists():
        raise NotFoundError(f"There is neither a file {text} nor a layer of that name in {dataset.name}.")
    inputs.append(path)
    return read_table(path, layer=layer)
