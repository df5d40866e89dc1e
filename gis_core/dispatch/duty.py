"""Whose a case is: rules as data, by grid, category, hours, asset or road, and the territory where none of them fits.

The answer says why, in the words of the rule that gave it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from gis_core.dispatch.worktime import WorkCalendar, calendar_from
from gis_core.errors import ParameterError

__all__ = ["Duty", "DutyRule", "DutyTable", "Place"]

#: What a rule may ask for, the weightiest first: an asset is its owner's wherever it lies, a road is its keeper's.
_CONDITIONS = ("assets", "owners", "roads", "grids", "categories", "hours")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a case is, and what it is about.

    Attributes
    ----------
    grid, community, street_office : str or None
        Codes of the territory, from the least to the greatest.
    road : str or None
        Name of the road that it is on.
    asset : str or None
        Category of the asset that it is about (manhole, street_lamp).
    owner : str or None
        Who owns that asset, where the data say so.
    """

    grid: str | None = None
    community: str | None = None
    street_office: str | None = None
    road: str | None = None
    asset: str | None = None
    owner: str | None = None


@dataclass(frozen=True)
class DutyRule:
    """One rule: all of its conditions must hold; one that is empty always does.

    Attributes
    ----------
    name : str
        As it is cited.
    unit : str
        Who is responsible; `{owner}` is the owner of the asset.
    grids : tuple of str
        Codes of grids, communities or street offices, or their beginnings.
    categories, assets, owners, roads : tuple of str
    hours : WorkCalendar or None
        When it holds.
    """

    name: str
    unit: str
    grids: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    assets: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    roads: tuple[str, ...] = ()
    hours: WorkCalendar | None = None

    def reasons(self, place: Place, category: str, at: datetime) -> tuple[str, ...] | None:
        """Return what of the rule a case meets, in words; None where it does not meet all."""
        told = []
        asked = (
            (self.assets, place.asset, "it is about {}"),
            (self.owners, place.owner, "that belongs to {}"),
            (self.roads, place.road, "it is on {}"),
            (self.categories, category, "it is {}"),
        )
        for wanted, value, words in asked:
            if wanted and value not in wanted:
                return None
            if wanted:
                told.append(words.format(value))
        if self.grids:
            codes = [code for code in (place.grid, place.community, place.street_office) if code]
            found = [start for start in self.grids if any(code.startswith(start) for code in codes)]
            if not found:
                return None
            told.append(f"it lies in {max(found, key=len)}")
        if self.hours is not None:
            if not self.hours.is_open(at):
                return None
            told.append("it is within the hours of the rule")
        if "{owner}" in self.unit and not place.owner:
            return None
        return tuple(told)

    def rank(self, place: Place) -> tuple[int, ...]:
        """Return how closely the rule is drawn, for comparing rules that a case meets; greater is closer."""
        codes = [code for code in (place.grid, place.community, place.street_office) if code]
        length = max((len(s) for s in self.grids if any(code.startswith(s) for code in codes)), default=0)
        said = [1 if getattr(self, name) else 0 for name in _CONDITIONS]
        return (*said[:3], length, *said[4:])


@dataclass(frozen=True)
class Duty:
    """Whose a case is.

    Attributes
    ----------
    unit : str or None
        None only where no rule fits and no territory is known.
    because : str
        One sentence.
    rule : str or None
        Name of the rule; None: it falls to the territory.
    also : tuple of str
        Rules as closely drawn that name somebody else: the data contradict themselves.
    """

    unit: str | None
    because: str
    rule: str | None = None
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class DutyTable:
    """All rules of a place.

    Attributes
    ----------
    rules : tuple of DutyRule
        Of two that are as closely drawn the first holds.
    units : mapping of str to str
        Unit of a territory by its code; else the code itself is the unit.
    """

    rules: tuple[DutyRule, ...] = ()
    units: Mapping[str, str] = field(default_factory=dict)

    def find(self, place: Place, category: str, at: datetime, *, without: Iterable[str] = ()) -> Duty:
        """Say whose a case is.

        Parameters
        ----------
        without : iterable of str
            Units that gave it back: it goes to the next rule, in the end to the territory.
        """
        refused = set(without)
        met = []
        for order, rule in enumerate(self.rules):
            told = rule.reasons(place, category, at)
            unit = rule.unit.replace("{owner}", place.owner or "")
            if told is not None and unit not in refused:
                met.append((rule.rank(place), -order, rule, unit, told))
        if not met:
            return self._territory(place, refused)
        best = max(met, key=lambda one: one[:2])
        also = tuple(rule.name for rank, _, rule, unit, _ in met if rank == best[0] and unit != best[3])
        words = ", ".join(best[4]) or "it holds for all cases"
        return Duty(best[3], f"{best[3]}, because {words} (rule “{best[2].name}”).", best[2].name, also)

    def territory(self, place: Place, level: str) -> str | None:
        """Return the unit of the grid, community or street office that a place lies in."""
        code: str | None = getattr(place, level)
        return None if code is None else self.units.get(code, code)

    def _territory(self, place: Place, refused: set[str]) -> Duty:
        first = "no rule names it" if not refused else "nobody else whom a rule names is left"
        for level, words in (
            ("grid", "grid"),
            ("community", "community"),
            ("street_office", "street office"),
        ):
            unit = self.territory(place, level)
            if unit is not None and unit not in refused:
                code = getattr(place, level)
                return Duty(unit, f"{unit}, because {first}, and it lies in the {words} {code}.")
        return Duty(None, f"Nobody: {first}, and the place lies in no territory that is left.")

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> DutyTable:
        """Read a table from plain values: `rules` with the names of `DutyRule`, `units`.

        Raises
        ------
        ParameterError
            Where a rule has no name or unit, or a name that is not known.
        """
        known = {each.name for each in fields(DutyRule)}
        rules = []
        for row in data.get("rules", ()):
            if set(row) - known:
                raise ParameterError(f"A rule of responsibility has no {sorted(set(row) - known)[0]!r}.")
            if not all(isinstance(row.get(key), str) and row[key] for key in ("name", "unit")):
                raise ParameterError("Each rule of responsibility needs a name and a unit.")
            lists = {key: _texts(row, key) for key in _CONDITIONS if key != "hours"}
            hours = calendar_from(row["hours"]) if row.get("hours") else None
            rules.append(DutyRule(row["name"], row["unit"], hours=hours, **lists))
        names = [rule.name for rule in rules]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ParameterError(f"Two rules of responsibility are called {twice!r}.")
        units = data.get("units", {})
        if not isinstance(units, Mapping) or not all(
            isinstance(one, str) for pair in units.items() for one in pair
        ):
            raise ParameterError("The units of territories are texts by code.")
        return cls(tuple(rules), dict(units))


def _texts(row: Mapping[str, Any], key: str) -> tuple[str, ...]:
    values = row.get(key, [])
    if not isinstance(values, list | tuple) or not all(isinstance(value, str) and value for value in values):
        raise ParameterError(f"{key} of the rule {row['name']!r} is a list of texts.")
    return tuple(values)
