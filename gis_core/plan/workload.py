"""Weights of cells from the columns of buildings: one column, or a formula over several.

A formula holds names of numeric columns, numbers, + - * / and parentheses, as in
`households + 2*elderly + 0.5*cases_last_year`. It is parsed and walked here; nothing of it is ever executed.
"""

from __future__ import annotations

import ast
import math
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeGuard

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis_core.errors import ParameterError, some_of
from gis_core.model import Dataset, Fabric

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

__all__ = ["Workload", "build_workload", "parse_bound", "workload_columns"]

_LONGEST = 500
_TINY = 1e-9
_NO_WORKLOAD = ("row",)
_OPERATORS = {ast.Add: np.add, ast.Sub: np.subtract, ast.Mult: np.multiply, ast.Div: np.divide}


@dataclass(frozen=True, eq=False)
class Workload:
    """A weight of every cell.

    Attributes
    ----------
    name : str
        The formula as it was written.
    cells : float64, shape (n_cells,)
        Sums over the buildings of each cell, 0 or more.
    missing : dict
        Column -> how many buildings inside the boundary have no number there; they count as 0.
    """

    name: str
    cells: NDArray[np.float64]
    missing: Mapping[str, int]


def workload_columns(buildings: GeoDataFrame) -> list[str]:
    """List the columns of buildings that a formula may name."""
    return [
        str(name)
        for name in buildings.columns
        if name not in _NO_WORKLOAD
        and name != buildings.geometry.name
        and pd.api.types.is_numeric_dtype(buildings[name])
    ]


def build_workload(dataset: Dataset, fabric: Fabric, formula: str) -> Workload:
    """Work out a formula for every building inside the boundary and sum it for every cell.

    Parameters
    ----------
    dataset : Dataset
    fabric : Fabric
        Built from `dataset`.
    formula : str
        Column names, numbers, + - * / and parentheses; a name with blanks or signs in it stands in backquotes.

    Returns
    -------
    Workload

    Raises
    ------
    ParameterError
        Where the formula cannot be read, names a column that is not there, or gives a building no number of 0 or
        more; the message names the columns or the buildings.
    """
    inside = fabric.building_cell_ix >= 0
    source = dataset.buildings[inside]
    missing: dict[str, int] = {}
    columns = {_plain(name): name for name in workload_columns(dataset.buildings)}

    def column(name: str) -> NDArray[np.float64]:
        if _plain(name) not in columns:
            raise _no_column(name, formula, list(columns.values()))
        values = source[columns[_plain(name)]].to_numpy(dtype=np.float64, na_value=np.nan)
        empty = ~np.isfinite(values)
        if empty.any():
            missing[columns[_plain(name)]] = int(empty.sum())
        return np.where(empty, 0.0, values)

    if _plain(formula) in columns:
        values = column(formula)
    else:
        with np.errstate(all="ignore"):
            values = np.broadcast_to(_value(_parse(formula), formula, column), len(source)).astype(np.float64)
    _require_weights(values, source["id"].to_numpy(), formula)
    cells = np.bincount(
        fabric.building_cell_ix[inside], weights=np.maximum(values, 0.0), minlength=fabric.n_cells
    )
    return Workload(formula, cells.astype(np.float64), missing)


def require_columns(dataset: Dataset, formula: str) -> None:
    """Refuse a formula that cannot be read or names a column that is not there; needs no cells.

    Raises
    ------
    ParameterError
    """
    have = workload_columns(dataset.buildings)
    known = {_plain(name) for name in have}

    def column(name: str) -> NDArray[np.float64]:
        if _plain(name) not in known:
            raise _no_column(name, formula, have)
        return np.ones(1)

    if _plain(formula) not in known:
        with np.errstate(all="ignore"):
            _value(_parse(formula), formula, column)


def _no_column(name: str, formula: str, columns: Sequence[str]) -> ParameterError:
    return ParameterError(
        f"The buildings have no numeric column {name!r} for the weight {formula!r}; there are "
        f"{some_of(columns, limit=30)}.",
        case="weight-column",
        name=name,
        columns=some_of(columns, limit=30),
    )


def _plain(name: str) -> str:
    """Return a name as Python reads it: without outer blanks, in the composed form of its characters."""
    return unicodedata.normalize("NFKC", name.strip())


class _Named(ast.NodeTransformer):
    """Puts the names that stood in backquotes back in their places."""

    def __init__(self, names: list[str]) -> None:
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.Name:
        match = re.fullmatch(r"_quoted_(\d{1,3})_", node.id)
        if match and int(match[1]) < len(self.names):
            node.id = self.names[int(match[1])]
        return node


def _parse(formula: str) -> ast.expr:
    """Return the tree of a formula; names in backquotes are kept whole."""
    names: list[str] = []

    def keep(match: re.Match[str]) -> str:
        names.append(match[1])
        return f" _quoted_{len(names) - 1}_ "

    text = re.sub(r"`([^`]+)`", keep, formula).strip()
    if not text or len(text) > _LONGEST:
        raise ParameterError(f"A weight needs 1 to {_LONGEST} characters, such as 'households + 2*elderly'.")
    try:
        tree = ast.parse(text, mode="eval").body
        named: ast.expr = _Named(names).visit(tree)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ParameterError(
            f"The weight {formula!r} cannot be read; write columns, numbers, + - * / and parentheses, such as "
            "'households + 2*elderly', and names with blanks in backquotes.",
            case="weight-form",
        ) from None
    return named


def _value(node: ast.expr, formula: str, column: Callable[[str], NDArray[np.float64]]) -> NDArray[np.float64]:
    """Work out one node of the tree; anything but names, numbers and + - * / is refused."""
    if isinstance(node, ast.Name):
        return column(node.id)
    if isinstance(node, ast.Constant) and _is_number(node.value):
        try:
            return np.array(float(node.value))
        except OverflowError:
            pass
    elif isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        left, right = _value(node.left, formula, column), _value(node.right, formula, column)
        return np.asarray(_OPERATORS[type(node.op)](left, right), dtype=np.float64)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        value = _value(node.operand, formula, column)
        return -value if isinstance(node.op, ast.USub) else value
    raise ParameterError(
        f"The weight {formula!r} may hold columns, numbers, + - * / and parentheses only; "
        f"{ast.unparse(node)!r} is none of these.",
        case="weight-form",
    )


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _require_weights(values: NDArray[np.float64], ids: NDArray[np.object_], formula: str) -> None:
    """Refuse a formula that gives a building no number, or one below 0."""
    for bad, what in (
        (~np.isfinite(values), "no finite number (a division by 0?)"),
        (values < -_TINY, "a number below 0"),
    ):
        if bad.any():
            raise ParameterError(
                f"The weight {formula!r} is {what} for {int(bad.sum())} buildings ({some_of(ids[bad].tolist())}); "
                "every building needs 0 or more.",
                case="weight-number",
                count=int(bad.sum()),
                buildings=some_of(ids[bad].tolist()),
            )


def parse_bound(text: str) -> tuple[str, float, float]:
    """Read `FORMULA:MIN:MAX`, where an empty side is free.

    Returns
    -------
    formula : str
    minimum, maximum : float
        0 and infinity where free.

    Raises
    ------
    ParameterError
        Where it has another form, or the bounds leave no room.

    Examples
    --------
    >>> parse_bound("population:800:1200"), parse_bound("population::1200")
    (('population', 800.0, 1200.0), ('population', 0.0, 1200.0))
    """
    formula, *sides = text.rsplit(":", 2)
    if len(sides) != 2 or not formula.strip() or not "".join(sides).strip():
        raise ParameterError(
            f"The bound {text!r} must have the form COL:MIN:MAX, such as population:800:1200."
        )
    low, high = (_side(side, text, free) for side, free in zip(sides, (0.0, math.inf), strict=True))
    if not 0 <= low <= high or high == 0:
        raise ParameterError(f"The bound {text!r} leaves no room: give 0 <= MIN <= MAX and MAX above 0.")
    return formula.strip(), low, high


def _side(text: str, whole: str, free: float) -> float:
    if not text.strip():
        return free
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ParameterError(f"{text!r} in the bound {whole!r} is no number; write COL:MIN:MAX.")
    return value
