"""Reasons as a report tells them: what is proved first, nothing twice, and cells by the names of their buildings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gis_core.errors import some_of
from gis_core.model import Dataset, Fabric, Infeasible

__all__ = ["building_name", "tell_reasons"]

#: Reasons of which a proof says more than what the plan at hand breaks.
_WISHES = ("together", "apart", "seeds", "weights")


def tell_reasons(
    dataset: Dataset,
    fabric: Fabric,
    found: Sequence[Infeasible],
    broken: Sequence[Infeasible],
    *,
    unit: str | None = None,
) -> list[dict[str, Any]]:
    """Put reasons into an order and into the words of planners.

    Parameters
    ----------
    dataset, fabric
    found : sequence of Infeasible
        Everything that is known, what `broken` holds included; the same sentence may come several times.
    broken : sequence of Infeasible
        What the plan at hand does not fulfil of what was asked, whether it could be or not.
    unit : str or None
        What is balanced instead of households.

    Returns
    -------
    list of dict
        As `Infeasible.as_dict`, with the ids of the `buildings` to blame.
    """
    codes = [str(code) for code in dataset.boundary["code"]]
    once = {(item.what, item.reason): item for item in (*found, *broken)}
    facts = {(item.what, item.reason) for item in broken}
    proofs = [item for key, item in once.items() if key not in facts]
    proofs = [
        item
        for i, item in enumerate(proofs)
        if not (_is_repeated(item, proofs[:i]) or _is_of_locks(item, proofs))
    ]
    told = [*proofs]
    for key, item in once.items():
        if key not in facts:
            continue
        home = codes[int(fabric.boundary_ix[item.cell_ix[0]])] if item.cell_ix else ""
        above = [proof for proof in proofs if _explains(proof, item, home)]
        if any(_names(proof, item) for proof in above) and (item.what != "weights" or len(codes) == 1):
            continue
        told.append(replace(item, mend="") if above else item)
    return [_in_words(dataset, fabric, item, unit) for item in told]


def _is_repeated(item: Infeasible, before: Sequence[Infeasible]) -> bool:
    """Tell whether another proof says of the same seeds, or the same group, what this one does."""
    return item.what in ("seeds", "together") and any(
        one.what == item.what and (_place(one) == item.where or _names(one, item)) for one in before
    )


def _is_of_locks(item: Infeasible, proofs: Sequence[Infeasible]) -> bool:
    """Tell whether a total is too small or too great because of locks that another proof names."""
    if item.what not in ("boundary-total", "piece-total"):
        return False
    locks = [one for one in proofs if one.what == "lock" and "a rest of" in one.reason]
    return any(
        bool(set(one.cell_ix) & set(item.cell_ix))
        or (_place(item) == one.where and "locked grid" in item.reason)
        for one in locks
    )


def _place(item: Infeasible) -> str:
    return item.where.partition(":")[0]


def _explains(proof: Infeasible, fact: Infeasible, home: str) -> bool:
    """Tell whether a proof is about the kind of thing, and the boundary polygon, that a fact is about."""
    return fact.what in _WISHES and proof.what in (fact.what, "wishes") and _place(proof) == home


def _names(proof: Infeasible, fact: Infeasible) -> bool:
    """Tell whether a proof names what a fact is about: a group or a weight by its label, all seeds of a polygon."""
    return fact.what == "seeds" or (fact.what != "apart" and fact.where[1:] in proof.reason)


def _in_words(dataset: Dataset, fabric: Fabric, item: Infeasible, unit: str | None) -> dict[str, Any]:
    """Add what planners know and the solver does not: names of the boundary polygon and of the buildings to blame."""
    at = np.flatnonzero(np.isin(fabric.building_cell_ix, np.array(item.cell_ix, dtype=np.int32)))
    said = [_with_buildings(dataset, fabric, item, text) for text in (item.reason, item.mend)]
    if unit is not None:
        said = [_in_unit(text, unit) for text in said]
    for code, name in zip(dataset.boundary["code"], dataset.boundary["name"], strict=True):
        if _place(item) == code and isinstance(name, str) and name != code:
            said = [text.replace(repr(code), f"{name} ({code})") for text in said]
    buildings = [str(id_) for id_ in dataset.buildings["id"].to_numpy()[at[:20]]]
    return {**item.as_dict(), "reason": said[0], "mend": said[1], "buildings": buildings}


def _in_unit(text: str, unit: str) -> str:
    """Say what is counted, where it is not households."""
    text = re.sub(r"(?<=\d) households?\b", f" of {unit}", text)
    return re.sub(r"\b(any|no) households\b", rf"\1 {unit}", text)


def _with_buildings(dataset: Dataset, fabric: Fabric, item: Infeasible, text: str) -> str:
    """Name the cells to blame by their buildings where the text has only their numbers."""
    ids = dataset.buildings["id"].to_numpy()

    def put(found: re.Match[str]) -> str:
        return name[:1].upper() + name[1:] if found[1] == "C" else name

    for cell in item.cell_ix:
        inside = np.flatnonzero(fabric.building_cell_ix == cell)
        if len(inside) == 0:
            continue
        name = f"building {building_name(dataset, int(inside[0]))}"
        if len(inside) > 1:
            name = f"the cell of buildings {some_of([str(ids[row]) for row in inside.tolist()], 3)}"
        text = re.sub(rf"(?<!['\w])([Cc])ell {cell}\b", put, text)
    return text


def building_name(dataset: Dataset, row: int) -> str:
    """Return the id of a building, with its name or address where it has one."""
    id_ = str(dataset.buildings["id"].iloc[row])
    for column in ("name", "address"):
        text = dataset.buildings[column].iloc[row] if column in dataset.buildings else None
        if isinstance(text, str) and text and text != id_:
            return f"{id_} ({text})"
    return id_
