"""A report that came in through Open311: read, placed, and written down as a case.

Who reported it is not kept: names, addresses, telephone numbers, accounts and devices are read past.
"""

from __future__ import annotations

import hashlib
import math
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from pydantic import ValidationError

from api.case_place import place_case
from api.incident_models import ReportBody
from api.incidents import report_incident
from api.open311 import SOURCE, UNKNOWN, Desk311, key_of
from api.open311_form import Open311Error
from api.open311_keys import require_key
from gis_core.dispatch.offered import ACCURACY, read_answers
from gis_core.layers.naming import fold

if TYPE_CHECKING:
    from gis_core.dispatch.offered import OfferedService
    from gis_core.store.records import PlanRecord, SearchHit

__all__ = ["read_form", "report"]

Form = Mapping[str, Sequence[str]]

_ATTRIBUTE = re.compile(r"attribute\[([^\[\]]{1,100})\](?:\[\])?")
_MOST_FIELDS = 200
_LONGEST, _LONGEST_URL = 4000, 2000
_MOST_ACCURACY_M = 10_000.0
#: Farther than this from every grid, a place is not of this town.
_FARTHEST_M = 20_000.0
#: Answers that say whose a case is, as the rules of responsibility read them.
_ABOUT = ("road", "asset", "owner")
#: Least accuracy of a place that was guessed from an address, and hits that are looked at.
_GUESSED_M, _HITS = 50.0, 5
_M_PER_DEGREE = 111_195.0


@dataclass(frozen=True)
class _Place:
    """Where a report is, in degrees, how sure that is, and why somebody has to look at it."""

    lon: float
    lat: float
    accuracy_m: float = 0.0
    unsure: str | None = None
    more: dict[str, Any] = field(default_factory=dict)


def read_form(desk: Desk311, body: bytes, query: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    """Read the fields of a form; those of the address count where the body has none of that name.

    Raises
    ------
    Open311Error
        Where the body is no form in UTF-8.
    """
    try:
        pairs = parse_qsl(
            body.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS
        )
    except ValueError:
        raise desk.fault(400, "form") from None
    form: dict[str, list[str]] = {}
    for name, value in pairs:
        form.setdefault(name, []).append(value)
    further: dict[str, list[str]] = {}
    for name, value in query:
        if name not in form:
            further.setdefault(name, []).append(value)
    return {**form, **further}


def report(desk: Desk311, form: Form, *, again: str | None) -> dict[str, Any]:
    """Write down what was reported and answer with its number or a token.

    Parameters
    ----------
    again : str or None
        Made by the caller; a report that comes again with the same is answered the same and written once.

    Raises
    ------
    Open311Error
        403 without a key, 404 for an unknown service, 400 with every fault of the rest.
    """
    name = require_key(desk.services.settings, _text(form, "api_key"), desk.offer, desk.language)
    desk.require_jurisdiction(_text(form, "jurisdiction_id"))
    code = _text(form, "service_code")
    if not code:
        raise desk.fault(400, "service-missing")
    service = desk.require_service(code)
    answers, faults = _answers(desk, service, form)
    faults += _text_faults(desk, form)
    accuracy_m = float(str(answers.pop(ACCURACY, "0")))
    place = None
    try:
        place = _find_place(desk, form, accuracy_m)
    except Open311Error as error:
        faults += error.descriptions
    if faults or place is None:
        raise Open311Error(400, *faults)
    own = {
        "service_code": code,
        "address_id": _text(form, "address_id"),
        "media_url": _text(form, "media_url"),
    }
    about = {key: answers[key] for key in _ABOUT if key in answers}
    more = {
        SOURCE: {key: value for key, value in {**own, "attributes": answers}.items() if value},
        **place.more,
    }
    try:
        body = ReportBody(
            key=key_of(_token(name, again)),
            x=place.lon,
            y=place.lat,
            accuracy_m=place.accuracy_m,
            category=service.category,
            grade=service.grade,
            words=_text(form, "description"),
            address=_text(form, "address_string"),
            where=SOURCE,
            **about,
        )
    except ValidationError as error:
        first = error.errors()[0]
        detail = f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
        raise desk.fault(400, "body", detail=detail) from None
    record = report_incident(desk.services, body, name, more=more, unsure=place.unsure)
    return desk.answer_row(record)


def _token(name: str, again: str | None) -> str:
    if not again:
        return secrets.token_hex(12)
    return hashlib.blake2b(f"{name}\0{again}".encode(), digest_size=12).hexdigest()


def _text(form: Form, name: str) -> str:
    """Return the first value of a field that is not empty."""
    return next((text for value in form.get(name, ()) if (text := value.strip())), "")


def _answers(
    desk: Desk311, service: OfferedService, form: Form
) -> tuple[dict[str, str | list[str]], list[str]]:
    given: dict[str, list[str]] = {}
    for name, values in form.items():
        match = _ATTRIBUTE.fullmatch(name)
        if match:
            given.setdefault(match[1], []).extend(values)
    answers, faults = read_answers(service, given)
    words = [desk.say(f"attribute-{kind}", code=code) for code, kind in faults]
    if ACCURACY in answers and not 0 <= float(str(answers[ACCURACY])) <= _MOST_ACCURACY_M:
        answers[ACCURACY] = "0"
        words.append(desk.say("accuracy"))
    return answers, words


def _text_faults(desk: Desk311, form: Form) -> list[str]:
    faults = [
        desk.say("too-long", name=name, limit=limit)
        for name, limit in (("description", _LONGEST), ("address_string", 500), ("address_id", 200))
        if len(_text(form, name)) > limit
    ]
    url = _text(form, "media_url")
    if url and (len(url) > _LONGEST_URL or not re.fullmatch(r"https?://[^\s<>\"']+", url, re.IGNORECASE)):
        faults.append(desk.say("media"))
    return faults


def _find_place(desk: Desk311, form: Form, accuracy_m: float) -> _Place:
    """Find where a report is: by its position, else by the building of its address_id, else by its address."""
    lat, long = _text(form, "lat"), _text(form, "long")
    if lat or long:
        lon, at = _degrees(desk, long, 180.0), _degrees(desk, lat, 90.0)
        return _near(desk, _Place(lon, at, accuracy_m))
    address_id, address = _text(form, "address_id"), _text(form, "address_string")
    if address_id:
        return _near(desk, _building(desk, address_id, accuracy_m))
    if address:
        return _addressed(desk, address)
    raise desk.fault(400, "location")


def _degrees(desk: Desk311, text: str, most: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not abs(value) <= most:
        raise desk.fault(400, "lat-long")
    return value


def _near(desk: Desk311, place: _Place) -> _Place:
    """Refuse a place that is nowhere near the town."""
    found = place_case(desk.services, place.lon, place.lat, accuracy_m=place.accuracy_m)
    if not math.isfinite(found.border_m):
        raise desk.fault(400, "no-grids")
    if found.is_outside and not found.border_m <= _FARTHEST_M + place.accuracy_m:
        raise desk.fault(400, "outside", km=found.border_m / 1000)
    return place


def _plans(desk: Desk311) -> list[PlanRecord]:
    """Return the plans whose data know the addresses: those in force, else the newest."""
    store = desk.services.store
    found = [one.plan for one in store.plans_in_force()] or [store.plan(desk.services.newest_plan_id())]
    return list({plan.dataset_id: plan for plan in reversed(found)}.values())[::-1]


def _building(desk: Desk311, address_id: str, accuracy_m: float) -> _Place:
    for plan in _plans(desk):
        point = desk.services.store.building_point(plan.dataset_id, address_id)
        if point is not None:
            return _Place(*point, accuracy_m)
    raise desk.fault(400, "address-id", value=address_id)


def _addressed(desk: Desk311, address: str) -> _Place:
    """Find an address; what is not a building called exactly so is for somebody to look at, and is never refused."""
    plans = _plans(desk)
    for plan in plans:
        hits = desk.services.store.search(plan.id, address, limit=_HITS)
        if hits:
            return _from_hits(address, hits)
    west, south, east, north = plans[0].bbox or desk.services.store.dataset(plans[0].dataset_id).bbox
    across = math.hypot((east - west) * math.cos(math.radians(south)), north - south) * _M_PER_DEGREE
    reach = min(across / 2, _MOST_ACCURACY_M)
    return _Place((west + east) / 2, (south + north) / 2, reach, UNKNOWN, {"candidates": []})


def _from_hits(address: str, hits: Sequence[SearchHit]) -> _Place:
    wanted = fold(address)
    exact = [
        hit
        for hit in hits
        if hit.kind in {"building", "facility"}
        and wanted in {fold(text) for text in (hit.title, *hit.detail.split(" · "))}
    ]
    best = exact[0] if exact else hits[0]
    if len(exact) == 1:
        return _Place(best.lon, best.lat)
    spread = [_metres(best, hit.lon, hit.lat) for hit in (exact or hits)]
    west, south, east, north = best.bbox
    spread += [_metres(best, lon, lat) for lon, lat in ((west, south), (east, north))]
    accuracy_m = min(max(_GUESSED_M, *spread), _MOST_ACCURACY_M)
    return _Place(best.lon, best.lat, accuracy_m, "address")


def _metres(hit: SearchHit, lon: float, lat: float) -> float:
    east = (lon - hit.lon) * math.cos(math.radians(hit.lat))
    return math.hypot(east, lat - hit.lat) * _M_PER_DEGREE
