"""The rules by which a place handles its cases, from plain values: deadlines, calendar, responsibility."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gis_core.dispatch.deadlines import DeadlineTable
from gis_core.dispatch.duty import DutyTable
from gis_core.dispatch.machine import Policy
from gis_core.dispatch.offered import Offer, offer_from
from gis_core.dispatch.worktime import calendar_from
from gis_core.errors import ParameterError

__all__ = ["Rules", "rules_from"]

_NAMES = {"calendar", "deadlines", "duty", "max_returns", "max_extensions", "open311"}


@dataclass(frozen=True)
class Rules:
    """What holds, and the plain values that it was read from."""

    policy: Policy = field(default_factory=Policy)
    duty: DutyTable = field(default_factory=DutyTable)
    offer: Offer = field(default_factory=Offer)
    data: Mapping[str, Any] = field(default_factory=dict)


def rules_from(data: Mapping[str, Any]) -> Rules:
    """Read rules.

    Parameters
    ----------
    data : mapping
        `calendar` (as `calendar_from`), `deadlines` (rows as `DeadlineTable.from_rows`), `duty` (as
        `DutyTable.from_data`), `max_returns`, `max_extensions`, `open311` (as `offer_from`); what is not there holds as
        it is by default.

    Raises
    ------
    ParameterError
        Where something cannot be read.
    """
    unknown = set(data) - _NAMES
    if unknown:
        raise ParameterError(
            f"There is no rule {sorted(unknown)[0]!r} (there are: {', '.join(sorted(_NAMES))})."
        )
    numbers = {name: data.get(name, 2) for name in ("max_returns", "max_extensions")}
    for name, value in numbers.items():
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 100:
            raise ParameterError(f"{name} is a whole number from 0 to 100, not {value!r}.")
    try:
        policy = Policy(
            DeadlineTable.from_rows(data.get("deadlines", ())),
            calendar_from(data.get("calendar", {})),
            **numbers,
        )
        duty = DutyTable.from_data(data.get("duty", {}))
        offer = offer_from(data.get("open311", {}), _categories(data, duty))
    except (AttributeError, TypeError, ValueError) as error:
        if isinstance(error, ParameterError):
            raise
        raise ParameterError("The rules do not have the form that docs/dispatch.md describes.") from None
    return Rules(policy, duty, offer, dict(data))


def _categories(data: Mapping[str, Any], duty: DutyTable) -> list[str]:
    """Return the categories that deadlines and responsibility name, in their order."""
    named = [row["category"] for row in data.get("deadlines", ()) if row.get("category", "*") != "*"]
    return [*named, *(category for rule in duty.rules for category in rule.categories)]
