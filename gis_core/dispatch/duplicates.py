"""Cases that may be one: by place, time and words. They are proposed and linked, never thrown away."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from gis_core.layers.naming import fold

__all__ = ["Likeness", "Report", "find_duplicates", "metres_between"]

_NEAR_M = 60.0
_WITHIN = timedelta(days=7)
_EARTH_M = 6_371_008.8
_LEAST = 0.5


@dataclass(frozen=True, slots=True)
class Report:
    """What of a case is compared: its id, place in degrees with its accuracy, time, category and words."""

    id: str
    lon: float
    lat: float
    at: datetime
    category: str
    words: str = ""
    accuracy_m: float = 0.0


@dataclass(frozen=True, slots=True)
class Likeness:
    """A case that another may repeat, how far away it is, and how alike they are (0.5 to 1)."""

    id: str
    metres: float
    score: float


def find_duplicates(
    new: Report, others: Iterable[Report], *, near_m: float = _NEAR_M, within: timedelta = _WITHIN
) -> list[Likeness]:
    """Return the earlier cases that a new one may repeat, the likeliest first.

    Parameters
    ----------
    near_m : float
        How far apart two reports of one thing may be, besides the accuracy of both.
    within : timedelta
        How long before.

    Notes
    -----
    Half of the likeness is place and time, half category and words; a report of another category counts only where the
    words are alike.
    """
    found = []
    for other in others:
        if other.id == new.id or not timedelta(0) <= new.at - other.at <= within:
            continue
        metres = metres_between((new.lon, new.lat), (other.lon, other.lat))
        reach = near_m + new.accuracy_m + other.accuracy_m
        if metres > reach:
            continue
        place = 1.0 - 0.5 * metres / reach if reach > 0 else 1.0
        time = 1.0 - 0.5 * ((new.at - other.at) / within if within else 0.0)
        words = _words_alike(new.words, other.words)
        same = new.category == other.category
        if not same and words < 0.5:
            continue
        meaning = 0.5 * same + 0.5 * words if new.words and other.words else 0.7 * same
        score = 0.5 * place * time + 0.5 * meaning
        if score >= _LEAST:
            found.append(Likeness(other.id, metres, score))
    return sorted(found, key=lambda one: (-one.score, one.metres, one.id))


def metres_between(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Return metres between two places in degrees, on a sphere."""
    half_lat = math.radians(other[1] - one[1]) / 2
    half_lon = math.radians(other[0] - one[0]) / 2
    chord = (
        math.sin(half_lat) ** 2
        + math.cos(math.radians(one[1])) * math.cos(math.radians(other[1])) * math.sin(half_lon) ** 2
    )
    return 2 * _EARTH_M * math.asin(min(1.0, math.sqrt(chord)))


def _words_alike(one: str, other: str) -> float:
    """Compare pairs of neighboring letters, which suits Chinese and English alike; 0 to 1 (Dice)."""
    first, second = (_pairs(fold(text)) for text in (one, other))
    if not first or not second:
        return 0.0
    return 2 * len(first & second) / (len(first) + len(second))


def _pairs(text: str) -> set[str]:
    return {text[k : k + 2] for k in range(len(text) - 1)} or ({text} if text else set())
