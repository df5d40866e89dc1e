"""The trade of even grids against short borders: one fabric solved at several prices of unevenness.

Every point is a whole plan, made as `make_plan` makes it, so that all that was asked holds in each of them. Only
the numbers of the plans that were not chosen are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any

import numpy as np

from gis_core.model import Dataset, Fabric
from gis_core.partition.objective import Objective, border_cost, preset
from gis_core.plan.make import Plan, PresetName, make_plan

__all__ = ["FACTORS", "Front", "front_svg", "front_table", "trace_front"]

Progress = Callable[[str, int, int], None]

#: Prices of unevenness that are tried, from borders alone upward; after them evenness comes before all borders. Dearer
#: ones gain little: compounds are brought together after the search, whatever that does to evenness.
FACTORS = (0.0, 0.5, 2.0, 6.0, 12.0, 20.0)
#: Steps of the progress bar for each plan.
_STEPS = 1000


@dataclass(frozen=True, slots=True)
class Front:
    """What each price of unevenness gives, and the plan of the one that was chosen.

    Attributes
    ----------
    plan : Plan
        Of the chosen objective; its report has the rows under `front`.
    rows : tuple of dict
        From borders alone to evenness first: `deviation_factor` (None: evenness first), `max_deviation` (fraction),
        `inner_border_km`, `border_price_km` (a metre on a street counts less, as the objective prices it),
        `street_share`, `in_bounds`, `grids`, `best` (no other row is both more even and cheaper), `chosen`.
    """

    plan: Plan
    rows: tuple[dict[str, Any], ...]


def trace_front(
    dataset: Dataset,
    fabric: Fabric,
    *,
    objective: PresetName = "plan",
    factors: Sequence[float] = FACTORS,
    time_limit_s: float | None = None,
    progress: Progress | None = None,
    **how: Any,
) -> Front:
    """Make a plan for each price of unevenness, and keep that of the chosen objective.

    Parameters
    ----------
    dataset : Dataset
    fabric : Fabric
        Built from `dataset`; used for every plan.
    objective : {"plan", "street", "border", "balance"}
        What the plan that is kept is drawn with. Its prices of borders hold for all plans.
    factors : sequence of float, 0 or more
        Prices of unevenness to try beside that of the objective (see `Objective.deviation_factor`).
    time_limit_s : float or None
        Shared evenly by the plans.
    progress : callable or None
        Called with ("front", done, total).
    **how
        Further parameters of `make_plan`.

    Returns
    -------
    Front

    Raises
    ------
    ParameterError
        As `make_plan`.
    """
    chosen = preset(objective)
    tried = _objectives(chosen, factors)
    limit = None if time_limit_s is None else time_limit_s / len(tried)
    kept: Plan | None = None
    rows, solve_s = [], 0.0
    for i, each in enumerate(tried):
        told = None if progress is None else _part_of(progress, i, len(tried))
        plan = make_plan(dataset, fabric, objective=each, time_limit_s=limit, progress=told, **how)
        rows.append(_row(plan, each, chosen=each == chosen))
        solve_s += plan.report["seconds"]["solve"]
        if each == chosen:
            kept = plan
    assert kept is not None
    for row in rows:
        row["best"] = not any(_beats(other, row) for other in rows)
    kept.report["front"] = rows
    kept.report["seconds"]["solve"] = round(solve_s, 3)
    if progress is not None:
        progress("front", len(tried) * _STEPS, len(tried) * _STEPS)
    return Front(kept, tuple(rows))


def _objectives(chosen: Objective, factors: Sequence[float]) -> list[Objective]:
    """Return the objectives from borders alone to evenness first, the chosen one among them."""
    priced = {*factors} if chosen.balance_first else {*factors, chosen.deviation_factor}
    first = replace(chosen, deviation_factor=0.0, balance_first=True)
    return [*(replace(first, deviation_factor=each, balance_first=False) for each in sorted(priced)), first]


def _part_of(progress: Progress, place: int, n_plans: int) -> Progress:
    """Show the search for one of several plans as its share of the whole."""

    def told(step: str, done: int, total: int) -> None:
        share = min(1.0, done / total) if step == "partition" and total > 0 else 0.0
        if step == "partition":
            progress("front", int((place + share) * _STEPS), n_plans * _STEPS)

    return told


def _row(plan: Plan, objective: Objective, *, chosen: bool) -> dict[str, Any]:
    """Collect the numbers of one plan."""
    report = plan.report
    return {
        "deviation_factor": None if objective.balance_first else objective.deviation_factor,
        "max_deviation": report["max_deviation"],
        "inner_border_km": report["inner_border_km"],
        "border_price_km": round(_price_m(plan, objective) / 1000, 3),
        "street_share": report["street_share"],
        "in_bounds": report["in_bounds"],
        "grids": report["grids"],
        "best": True,
        "chosen": chosen,
    }


def _price_m(plan: Plan, objective: Objective) -> float:
    """Price the borders between grids of one boundary polygon."""
    graph, home = plan.fabric.graph, plan.fabric.boundary_ix
    owner = np.repeat(np.arange(graph.n_cells), np.diff(graph.indptr))
    cut = (plan.assignment[owner] != plan.assignment[graph.indices]) & (home[owner] == home[graph.indices])
    return float(border_cost(graph, objective)[cut].sum()) / 2


def _beats(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Tell whether one plan is better than another in evenness or price, in bounds too, and worse in none."""
    mine, its = (
        (row["grids"] - row["in_bounds"], row["max_deviation"], row["border_price_km"])
        for row in (one, other)
    )
    return mine != its and all(a <= b for a, b in zip(mine, its, strict=True))


def _label(row: dict[str, Any]) -> str:
    factor = row["deviation_factor"]
    if factor is None:
        return "evenness first"
    return "borders alone" if factor == 0 else f"factor {factor:g}"


def front_table(rows: Sequence[dict[str, Any]]) -> str:
    """Return the rows as a table of plain text, the chosen one marked with `>`."""
    head = ("", "objective", "greatest deviation", "border km", "priced km", "on streets", "in bounds")
    body = [
        (
            ">" if row["chosen"] else "",
            _label(row),
            f"{row['max_deviation']:.2%}",
            f"{row['inner_border_km']:,.2f}",
            f"{row['border_price_km']:,.2f}",
            "" if row["street_share"] is None else f"{row['street_share']:.0%}",
            f"{row['in_bounds']} of {row['grids']}" + ("" if row["best"] else "  (beaten)"),
        )
        for row in rows
    ]
    width = [max(len(line[i]) for line in (head, *body)) for i in range(len(head))]
    lines = []
    for line in (head, *body):
        left = f"{line[0]:<1} {line[1]:<{width[1]}}"
        lines.append("  ".join([left, *(f"{line[i]:>{width[i]}}" for i in range(2, 6)), line[6]]).rstrip())
    return "\n".join(lines)


def front_svg(rows: Sequence[dict[str, Any]], title: str) -> str:
    """Draw the rows: greatest deviation to the right, price of the borders upward, the best ones joined by a line.

    Parameters
    ----------
    rows : sequence of dict
        As in `Front`.
    title : str

    Returns
    -------
    str
        An SVG document of 640 by 420, without scripts and without anything from outside.
    """
    left, top, width, height = 70.0, 50.0, 540.0, 300.0
    x_ticks = _ticks(max(100 * row["max_deviation"] for row in rows))
    y_ticks = _ticks(max(row["border_price_km"] for row in rows))

    def place(row: dict[str, Any]) -> tuple[float, float]:
        across = 100 * row["max_deviation"] / x_ticks[-1]
        return left + width * across, top + height * (1 - row["border_price_km"] / y_ticks[-1])

    out = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 420" font-family="sans-serif" font-size="12">',
        '<rect width="640" height="420" fill="#fff"/>',
        f'<text x="{left:g}" y="28" font-size="15">{escape(title)}</text>',
    ]
    for tick in x_ticks:
        x = left + width * tick / x_ticks[-1]
        out.append(f'<path d="M{x:.1f} {top:g}v{height:g}" stroke="#e3e3e3"/>')
        out.append(f'<text x="{x:.1f}" y="{top + height + 18:g}" text-anchor="middle">{tick:g} %</text>')
    for tick in y_ticks:
        y = top + height * (1 - tick / y_ticks[-1])
        out.append(f'<path d="M{left:g} {y:.1f}h{width:g}" stroke="#e3e3e3"/>')
        out.append(f'<text x="{left - 8:g}" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>')
    out.append(
        f'<text x="{left + width / 2:g}" y="{top + height + 42:g}" text-anchor="middle">'
        "greatest deviation of a grid from the mean</text>"
    )
    out.append(
        f'<text transform="translate(20 {top + height / 2:g}) rotate(-90)" text-anchor="middle">'
        "price of the borders, km</text>"
    )
    line = sorted(place(row) for row in rows if row["best"])
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in line)
    out.append(f'<polyline points="{points}" fill="none" stroke="#2b6cb0" stroke-width="1.5"/>')
    taken: list[tuple[float, float, float]] = []
    for row in rows:
        x, y = place(row)
        out.append(_dot(row, x, y, _free_label(_label(row), x, y, left + width, taken)))
    return "\n".join([*out, "</svg>", ""])


def _free_label(
    text: str, x: float, y: float, right: float, taken: list[tuple[float, float, float]]
) -> tuple[float, float]:
    """Return where a label begins so that it hides none of those before; `taken` gets its two ends and its line."""
    long = 7.0 * len(text)
    start = x - 11 - long if x + 11 + long > right else x + 11
    shifts = (4, -10, 18, -24, 32, -38, 46)
    free = (
        y + shift
        for shift in shifts
        if all(
            start > end or start + long < begin or abs(y + shift - line) > 12 for begin, end, line in taken
        )
    )
    line = next(free, y + shifts[0])
    taken.append((start, start + long, line))
    return start, line


def _dot(row: dict[str, Any], x: float, y: float, label: tuple[float, float]) -> str:
    """Draw one plan: full where it is among the best, ringed where it is the chosen one."""
    fill = "#2b6cb0" if row["best"] else "#fff"
    ring = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="8" fill="none" stroke="#c05621"/>' if row["chosen"] else ""
    share = "" if row["street_share"] is None else f", {row['street_share']:.0%} on streets"
    said = f"{_label(row)}: {row['max_deviation']:.2%}, {row['inner_border_km']:,.2f} km{share}"
    return (
        f'<g><title>{said}</title><circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{fill}" stroke="#2b6cb0"/>{ring}'
        f'<text x="{label[0]:.1f}" y="{label[1]:.1f}">{_label(row)}</text></g>'
    )


def _ticks(most: float) -> list[float]:
    """Return round numbers from 0 to `most` or just above, four to eight of them."""
    if not most > 0:
        return [0.0, 1.0]
    power = 10.0 ** np.floor(np.log10(most))
    step = next(float(each * power) for each in (0.1, 0.2, 0.25, 0.5, 1.0, 2.0) if most <= 6 * each * power)
    return [round(i * step, 12) for i in range(int(np.ceil(most / step - 1e-9)) + 1)]
