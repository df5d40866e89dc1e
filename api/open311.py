"""Open311 GeoReport v2 between the wire and the cases: what is offered, and what residents reported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from api.open311_form import Open311Error
from api.open311_words import language_of, say, state_words
from gis_core.dispatch import EventKind, State

if TYPE_CHECKING:
    from api.services import Services
    from gis_core.dispatch import Case
    from gis_core.dispatch.offered import Offer, OfferedService, Question
    from gis_core.dispatch.rules import Rules
    from gis_core.store.cases import CaseRecord

__all__ = ["SOURCE", "UNKNOWN", "Desk311", "Query311", "key_of", "open_desk"]

#: Where cases that were reported this way come from, as their first step says.
SOURCE = "open311"
#: Status of a place of which nothing is known but the town.
UNKNOWN = "unknown"
SPECIFICATION = "http://wiki.open311.org/GeoReport_v2"
FORMATS = ["text/xml", "application/json"]
_MOST_DAYS = timedelta(days=90)
_MOST_ROWS = 1000
_YEARS = (1900, 2200)
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_ID = 2**31


@dataclass(frozen=True)
class Desk311:
    """One request of Open311: what holds while it is answered, and in which language.

    Attributes
    ----------
    services : Services
    rules : Rules
    language : {"zh-CN", "en"}
    """

    services: Services
    rules: Rules
    language: str

    @property
    def offer(self) -> Offer:
        """What is offered."""
        return self.rules.offer

    def fault(self, status: int, key: str, **values: object) -> Open311Error:
        """Make an error of one sentence."""
        return Open311Error(status, self.say(key, **values))

    def say(self, key: str, **values: object) -> str:
        """Return a sentence in the language of the request."""
        return say(self.language, key, **values)

    def require_jurisdiction(self, asked: str | None) -> None:
        """Refuse what is meant for another jurisdiction; without one of its own all are taken."""
        own = self.offer.jurisdiction
        if asked and own and asked.strip() != own:
            raise self.fault(404, "jurisdiction", value=asked.strip(), known=own)

    def require_service(self, code: str) -> OfferedService:
        """Return the service of a code."""
        found = self.offer.service(code)
        if found is None:
            raise self.fault(404, "service", value=code)
        return found

    def discovery(self, base_url: str) -> dict[str, Any]:
        """Say where this is, who answers for it and what it speaks."""
        since = self.services.store.rules_since() or _BEGINNING
        changed = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        endpoint = {
            "specification": SPECIFICATION,
            "url": self.offer.url.rstrip("/") or f"{base_url.rstrip('/')}/open311/v2",
            "changeset": changed,
            "type": "production" if self.services.settings.open311_keys else "test",
            "formats": list(FORMATS),
        }
        return {
            "changeset": changed,
            "contact": self.offer.contact or self.say("contact"),
            "key_service": self.offer.key_service or self.say("key-service"),
            "endpoints": [endpoint],
        }

    def service_rows(self) -> list[dict[str, Any]]:
        """List what can be reported."""
        return [
            {
                "service_code": service.code,
                "service_name": service.name,
                "description": service.description,
                "metadata": bool(service.questions),
                "type": "realtime",
                "keywords": service.keywords,
                "group": service.group,
            }
            for service in self.offer.services
        ]

    def definition(self, code: str) -> dict[str, Any]:
        """Say what is asked besides place and words."""
        service = self.require_service(code)
        rows = [_question_row(order, one) for order, one in enumerate(service.questions, 1)]
        return {"service_code": service.code, "attributes": rows}

    def notice(self, service: OfferedService) -> str:
        """Say how cases of a service are handled."""
        if service.notice:
            return service.notice
        deadline = self.rules.policy.deadlines.find(service.category, service.grade)
        key = "notice-clock" if deadline.around_the_clock else "notice"
        return self.say(
            key, accept=self._span(deadline.accept_minutes), handle=self._span(deadline.handle_minutes)
        )

    def _span(self, minutes: float) -> str:
        if minutes < 120:
            return self.say("minutes", n=minutes)
        return self.say("hours", n=round(minutes / 60, 1))

    def answer_row(self, record: CaseRecord) -> dict[str, Any]:
        """Answer a report: its number, or a token where somebody has to look at the place first."""
        service = self.offer.of_category(record.case.category)
        if is_pending(record):
            return {"token": token_of(record), "service_notice": self.say("notice-token"), "account_id": None}
        return {
            "service_request_id": str(record.id),
            "service_notice": self.notice(service),
            "account_id": None,
        }

    def token_rows(self, token: str) -> list[dict[str, Any]]:
        """Give the number of a case by its token; none as long as its place is looked at."""
        record = self.services.store.case_by_key(key_of(token)) if len(token) <= 50 else None
        if record is None:
            raise self.fault(404, "token", value=token)
        return [{"service_request_id": None if is_pending(record) else str(record.id), "token": token}]

    def requests(self, asked: Query311) -> list[dict[str, Any]]:
        """List cases: by number, or by what they are, since when, and whether they are open."""
        source = None if self.offer.show == "all" else SOURCE
        store = self.services.store
        if asked.ids is not None:
            return [self.request_row(one) for one in store.cases_reported(ids=asked.ids, source=source)]
        found = store.cases_reported(
            categories=None
            if asked.codes is None
            else [self.offer.category_of(code) for code in asked.codes],
            since=asked.since,
            until=asked.until,
            is_open=asked.is_open,
            source=source,
            limit=asked.page_size,
            offset=(asked.page - 1) * asked.page_size,
        )
        return [self.request_row(one) for one in found]

    def request(self, number: str) -> list[dict[str, Any]]:
        """Give one case."""
        ids = _numbers([number])
        source = None if self.offer.show == "all" else SOURCE
        found = self.services.store.cases_reported(ids=ids, source=source) if ids else []
        if not found:
            raise self.fault(404, "request", value=number)
        return [self.request_row(found[0])]

    def request_row(self, record: CaseRecord) -> dict[str, Any]:
        """Write a case as residents see it: no names, no words of staff but why it was not taken up."""
        case, new, details = record.case, record.new, record.new.details
        service = self.offer.of_category(case.category)
        own = details.get(SOURCE, {})
        placed = details.get("status") != UNKNOWN
        return {
            "service_request_id": str(record.id),
            "status": "closed" if case.has_ended else "open",
            "status_notes": self._notes(record),
            "service_name": service.name,
            "service_code": service.code,
            "description": new.words,
            "agency_responsible": case.unit,
            "service_notice": self.notice(service),
            "requested_datetime": self._time(record.reported_at),
            "updated_datetime": self._time(_changed_at(case)),
            "expected_datetime": None if case.due_at is None else self._time(case.due_at),
            "address": details.get("address"),
            "address_id": own.get("address_id"),
            "zipcode": None,
            "lat": new.lat if placed else None,
            "long": new.lon if placed else None,
            "media_url": own.get("media_url"),
        }

    def _notes(self, record: CaseRecord) -> str:
        case = record.case
        if case.state == State.DUPLICATE and case.duplicate_of is not None:
            return self.say("duplicate-of", other=case.duplicate_of)
        if case.state == State.CANCELLED:
            why = next((s.event.why for s in reversed(case.steps) if s.event.kind == EventKind.CANCEL), "")
            if why:
                return self.say("cancelled-because", why=why)
        if is_pending(record):
            return self.say("place-open")
        return state_words(self.language, case.state)

    def _time(self, at: datetime) -> str:
        zone = ZoneInfo(self.rules.policy.calendar.zone)
        return at.astimezone(zone).isoformat(timespec="seconds")

    def read_query(
        self,
        *,
        ids: Sequence[str],
        codes: Sequence[str],
        states: Sequence[str],
        start: str | None,
        end: str | None,
        page: str | None,
        page_size: str | None,
    ) -> Query311:
        """Read what is asked for; an empty value counts as none."""
        wanted = _parts(states)
        if any(state not in {"open", "closed"} for state in wanted):
            raise self.fault(400, "status")
        since, until = self._range(start, end)
        return Query311(
            ids=_numbers(_parts(ids)) if _parts(ids) else None,
            codes=_parts(codes) or None,
            is_open=wanted[0] == "open" if len(set(wanted)) == 1 else None,
            since=since,
            until=until,
            page=self._count(page, 1, most=10**6),
            page_size=self._count(page_size, _MOST_ROWS, most=_MOST_ROWS),
        )

    def _range(self, start: str | None, end: str | None) -> tuple[datetime, datetime]:
        since, until = self._moment(start, "start_date"), self._moment(end, "end_date")
        if until is None:
            until = datetime.now(UTC) if since is None else since + _MOST_DAYS
        if since is None:
            since = until - _MOST_DAYS
        if not timedelta(0) <= until - since <= _MOST_DAYS:
            raise self.fault(400, "range")
        return since, until

    def _moment(self, text: str | None, name: str) -> datetime | None:
        if text is None or not text.strip():
            return None
        try:  # a plus that was not encoded arrives as a space
            at = datetime.fromisoformat(text.strip().replace(" ", "+" if "T" in text else "T"))
        except ValueError:
            raise self.fault(400, "date", name=name) from None
        if not _YEARS[0] <= at.year <= _YEARS[1]:
            raise self.fault(400, "date", name=name)
        return at if at.tzinfo is not None else at.replace(tzinfo=ZoneInfo(self.rules.policy.calendar.zone))

    def _count(self, text: str | None, default: int, *, most: int) -> int:
        if text is None or not text.strip():
            return default
        value = int(text) if text.strip().isascii() and text.strip().isdigit() and len(text) < 10 else 0
        if not 1 <= value <= most:
            raise self.fault(400, "page")
        return value


@dataclass(frozen=True)
class Query311:
    """Which cases are asked for; `ids` override all others."""

    ids: list[int] | None
    codes: list[str] | None
    is_open: bool | None
    since: datetime
    until: datetime
    page: int
    page_size: int


def open_desk(services: Services, accepted: str | None, jurisdiction: str | None) -> Desk311:
    """Take a request: the rules that hold, and the language that the caller asks for.

    Raises
    ------
    Open311Error
        404 where it is meant for another jurisdiction.
    """
    rules = services.store.dispatch_rules()
    desk = Desk311(services, rules, language_of(accepted, rules.offer.language))
    desk.require_jurisdiction(jurisdiction)
    return desk


def key_of(token: str) -> str:
    """Return the key under which the case of a token is kept."""
    return f"{SOURCE}-{token}"


def token_of(record: CaseRecord) -> str:
    """Return the token of a case."""
    return (record.new.key or "").removeprefix(f"{SOURCE}-")


def is_pending(record: CaseRecord) -> bool:
    """Tell whether somebody still has to say where a case belongs."""
    waits = record.case.state in (State.REPORTED, State.VERIFIED, State.OPENED)
    return waits and record.new.grid_code is None and record.case.round == 1


def _question_row(order: int, question: Question) -> dict[str, Any]:
    return {
        "variable": question.variable,
        "code": question.code,
        "datatype": question.datatype,
        "required": question.required,
        "datatype_description": question.datatype_description,
        "order": order,
        "description": question.description,
        "values": [{"key": key, "name": name} for key, name in question.values],
    }


def _changed_at(case: Case) -> datetime:
    """Return when a case last changed; of one that is closed, when it was closed."""
    if not case.has_ended:
        return case.last_at
    ended = {State.CLOSED, State.EVALUATED, State.CANCELLED, State.DUPLICATE}
    at = case.last_at
    for step in reversed(case.steps):
        if step.after not in ended:
            break
        at = step.event.at
    return at


def _parts(texts: Sequence[str]) -> list[str]:
    """Split values that are declared several times, or with commas."""
    return [part for text in texts for one in text.split(",") if (part := one.strip())]


def _numbers(texts: Sequence[str]) -> list[int]:
    """Return the numbers among texts that cases can have, at most as many as one answer holds."""
    digits = [text for text in texts if text.isascii() and text.isdigit() and len(text) < 11]
    return [number for text in digits if 0 < (number := int(text)) < _MOST_ID][:_MOST_ROWS]
