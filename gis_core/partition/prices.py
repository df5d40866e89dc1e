"""What a metre of border costs: by the class of the street that it runs on, and inside compounds.

Pure functions from an adjacency graph to one price for each adjacency. Whoever crosses a trunk road pays more than
whoever crosses a lane, so that a greater street is the better, and here the cheaper, border.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from gis_core.errors import ParameterError
from gis_core.model import STREET_CLASSES, AdjacencyGraph

__all__ = ["CLASS_FACTORS", "WHOLE_FACTOR", "class_factors", "class_prices", "compound_prices"]

#: Price of a metre of border on a street of each class, against 1 for a metre between two buildings.
CLASS_FACTORS: Mapping[str, float] = MappingProxyType(
    {
        "none": 1.0,
        "minor": 0.2,
        "living_street": 0.17,
        "residential": 0.15,
        "tertiary": 0.13,
        "secondary": 0.1,
        "primary": 0.09,
        "trunk": 0.08,
        "motorway": 0.06,
        "barrier": 0.04,
    }
)
#: Price of a metre of border inside a compound, against 1 for a metre between two buildings elsewhere.
WHOLE_FACTOR, SPLIT_FACTOR = 10.0, 4.0


def class_factors(changed: Mapping[str, float] | None = None) -> NDArray[np.float64]:
    """Return the factor of each street class, by position in `STREET_CLASSES`.

    Parameters
    ----------
    changed : mapping
        Street class -> factor of 0 or more, in place of the default of that class.

    Raises
    ------
    ParameterError
        Where a class does not exist or a factor is negative or not finite.
    """
    table = dict(CLASS_FACTORS)
    for name, factor in (changed or {}).items():
        if name not in table:
            raise ParameterError(f"There is no street class {name!r}; choose of {', '.join(STREET_CLASSES)}.")
        if not 0 <= factor < np.inf:
            raise ParameterError(f"The factor {factor:g} of {name} cannot be used; give 0 or more.")
        table[name] = float(factor)
    return np.array([table[name] for name in STREET_CLASSES])


def class_prices(graph: AdjacencyGraph, factors: Mapping[str, float] | None = None) -> NDArray[np.float64]:
    """Price every adjacency as a border, by the class of the street on it.

    Parameters
    ----------
    graph : AdjacencyGraph
    factors : mapping
        Changes to `CLASS_FACTORS`; see `class_factors`.

    Returns
    -------
    float64, shape (2 m,), metres
        Metres off streets, plus the metres on one times its factor; in the order of `graph.indices`. Where a street
        runs along less than half of a border, its class is not known and counts as residential.

    Raises
    ------
    ParameterError
        As `class_factors`.
    """
    table = class_factors(factors)
    rank = np.where(graph.street_rank > 0, graph.street_rank, STREET_CLASSES.index("residential"))
    on_street = np.minimum(graph.street_length_m, graph.shared_length_m)
    off_street = graph.shared_length_m - on_street
    return np.ascontiguousarray(table[0] * off_street + table[rank] * on_street)


def compound_prices(
    graph: AdjacencyGraph,
    compound_ix: NDArray[np.integer],
    weight: NDArray[np.float64],
    maximum: float,
    price: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Raise the price of borders through compounds.

    Parameters
    ----------
    graph : AdjacencyGraph
    compound_ix : int, shape (n_cells,)
        Compound of each cell; -1 where it is in none.
    weight : float64, shape (n_cells,)
        Households.
    maximum : float
        A compound up to this weight fits into one grid: a border through it costs `WHOLE_FACTOR` times its full length,
        streets or not. A greater one must be split: a border along its inner ways keeps its price, any other costs
        `SPLIT_FACTOR` times its full length.
    price : float64, shape (2 m,), metres
        Prices so far.

    Returns
    -------
    float64, shape (2 m,), metres
        A copy.
    """
    compound = np.asarray(compound_ix, dtype=np.int64)
    owner = np.repeat(np.arange(graph.n_cells), np.diff(graph.indptr))
    inside = (compound[owner] >= 0) & (compound[owner] == compound[graph.indices])
    total = np.bincount(compound[compound >= 0], weights=weight[compound >= 0], minlength=1)
    fits = inside & (total[np.maximum(compound[owner], 0)] <= maximum)
    way = (graph.street_rank > 0) & (graph.street_length_m > 0)
    result = price.copy()
    result[fits] = WHOLE_FACTOR * graph.shared_length_m[fits]
    split = inside & ~fits & ~way
    result[split] = SPLIT_FACTOR * graph.shared_length_m[split]
    return result
