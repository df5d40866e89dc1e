"""`scripts/make_town`: generate a town and write it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Literal

from gis_core.errors import GisCoreError


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; 0 when the town is written, 2 for wrong use."""
    parser = argparse.ArgumentParser(
        prog="scripts/make_town",
        description="Generate a fictitious Chinese town. Nothing in it is a real place.",
        epilog="Example: scripts/make_town 3000 town.gpkg --seed 7",
    )
    parser.add_argument("n_buildings", type=int, metavar="N", help="number of buildings, 300 to 1000000")
    parser.add_argument("out", type=Path, metavar="OUT", help="GeoPackage, or folder for --format parquet")
    parser.add_argument("--seed", type=int, default=0, help="which town of that size (default 0)")
    parser.add_argument(
        "--format", choices=("gpkg", "parquet"), help="default: parquet where OUT has no ending"
    )
    options = parser.parse_args(arguments)
    form: Literal["gpkg", "parquet"] = options.format or ("gpkg" if options.out.suffix else "parquet")
    from gis_core.town import ATTRIBUTION, make_town, write_town

    try:
        layers = make_town(options.n_buildings, options.seed)
        write_town(layers, options.out, form=form, attribution=ATTRIBUTION)
    except GisCoreError as error:
        sys.stderr.write(f"Error: {error.message}\n")
        return 2
    except OSError as error:
        sys.stderr.write(f"Error: cannot write {options.out}: {error.strerror or error}.\n")
        return 2
    rows = ", ".join(f"{name} {len(frame):,}" for name, frame in layers.items())
    households = int(layers["buildings"]["households"].sum())
    sys.stdout.write(f"Wrote {options.out} ({form}): {rows}; {households:,} households. {ATTRIBUTION}.\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
