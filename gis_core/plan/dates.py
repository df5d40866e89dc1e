"""The day from which a plan holds, as people write it."""

from __future__ import annotations

from datetime import date, datetime, time

from gis_core.errors import ParameterError

__all__ = ["begin_of"]


def begin_of(text: str | None, *, option: str = "valid_from") -> datetime | None:
    """Give the moment that a day begins: midnight where the program runs, or the time as it was given.

    Parameters
    ----------
    text : str or None
        None is given back.
    option : str
        What the value is called in the sentence that refuses it.

    Raises
    ------
    ParameterError
        Where it is neither a day nor a time with an offset.

    Examples
    --------
    >>> begin_of("2026-12-01T08:00:00+08:00").isoformat()
    '2026-12-01T08:00:00+08:00'
    """
    if text is None:
        return None
    try:
        if len(text) == len("2026-12-01"):
            return datetime.combine(date.fromisoformat(text), time.min).astimezone()
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        moment = None
    if moment is None or moment.utcoffset() is None:
        raise ParameterError(
            f"{option} is a day, such as 2026-12-01, or a time with its offset, not {text!r}.",
            valid_from=text,
        )
    return moment
