"""What the routes share: the settings, the open store, answers and plans kept in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request, Response

from api.cache import Body, Lru, compress
from api.case_hub import CaseHub
from api.exports import Exports
from api.force import ForceKeeper
from api.hub import Hub, is_shared
from api.job_book import JobBook, MemoryBook
from api.jobs import Jobs
from api.open_cases import LiveCases
from api.settings import Settings
from api.webhooks import Webhooks
from gis_core.errors import NotFoundError, StoreUnavailableError

if TYPE_CHECKING:
    from api.cells import Outlines
    from api.desk import Desk
    from api.nearby import TownRoads
    from api.town import Town
    from api.views import PlanView
    from gis_core.attachments import Shelf
    from gis_core.store import Store
    from gis_core.store.records import DatasetRecord, PlanRecord

__all__ = ["Services", "ServicesDep", "body_response", "not_modified", "tag_of", "takes_gzip"]

#: Part of every tag; a new one makes browsers fetch again after the form of an answer changed.
FORMAT = "1"


class _Slot:
    """Where the newest view of one plan is kept; the next one takes over from it what did not change."""

    def __init__(self) -> None:
        self._gate = threading.Lock()
        self._view: PlanView | None = None

    def view(self, store: Store, record: PlanRecord) -> PlanView:
        """Give the view of what a record says, or of what is newer by now."""
        from api.views import load_plan_view

        with self._gate:
            known = self._view
            if known is None or known.record != record:
                self._view = known = load_plan_view(store, record.id, known)
            return known


class Services:
    """One per app; made when it starts, closed when it stops."""

    def __init__(self, settings: Settings, store: Store | None = None) -> None:
        self.settings = settings
        self._given = store
        self._store: Store | None = store
        self.hub = Hub(lambda: self.store)
        self.webhooks = Webhooks(lambda: self.store, settings.webhook_networks)
        self.case_hub = CaseHub(lambda: self.store, also=self.webhooks.wake)
        self.force = ForceKeeper(lambda: self.store)
        self.open_cases = LiveCases(lambda: self.store)
        self._shelf: Shelf | None = None
        self._own_book = MemoryBook()
        self.jobs = Jobs(settings.max_jobs, self.hub.tell_job, self._book)
        self.exports = Exports()
        self._desks: Lru[Desk] = Lru(settings.cache_plans)
        self._plans: Lru[_Slot] = Lru(settings.cache_plans)
        self._outlines: Lru[Outlines] = Lru(settings.cache_plans)
        self._towns: Lru[Town] = Lru(settings.cache_plans)
        self._roads: Lru[TownRoads] = Lru(settings.cache_plans)
        self._bodies: Lru[Body] = Lru(settings.cache_mb * 1_000_000, lambda body: len(body.packed))

    @property
    def store(self) -> Store:
        """The open store.

        Raises
        ------
        StoreUnavailableError
            Before the app has started or after it has stopped.
        """
        if self._store is None:
            raise StoreUnavailableError("The store is not open; the server is starting or stopping.")
        return self._store

    @property
    def kept(self) -> Lru[Body]:
        """Answers that are ready to send."""
        return self._bodies

    def open(self) -> None:
        """Open the store, unless the caller gave one."""
        if self._store is None:
            from gis_core.store import open_store

            self._store = open_store(self.settings.db)

    def close(self) -> None:
        """End all jobs, and close the store unless it was given by the caller."""
        self.jobs.close()
        if self._store is not None:
            self.hub.say_goodbye()
        if self._store is not None and self._given is None:
            self._store.close()
        self._store = None

    @property
    def shelf(self) -> Shelf:
        """Where files of cases are kept.

        Raises
        ------
        ParameterError
            Where the setting names no such place.
        """
        if self._shelf is None:
            from gis_core.attachments import default_folder, open_shelf

            settings = self.settings
            self._shelf = open_shelf(
                settings.attachments,
                default=default_folder(self.store.file),
                endpoint=settings.s3_endpoint or None,
            )
        return self._shelf

    def _book(self) -> JobBook:
        """Give the book of jobs: the store, where other server processes read it too."""
        return self.store if is_shared(self.store) else self._own_book

    def plan(self, plan_id: int) -> PlanView:
        """Give the newest revision of a plan, read once and kept."""
        record = self.store.plan(plan_id)
        return self._plans.get((plan_id, record.created_at), _Slot).view(self.store, record)

    def town(self, record: DatasetRecord) -> Town:
        """Give the arrays of a data version, read once and kept."""
        from api.town import load_town

        return self._towns.get((record.id, record.imported_at), lambda: load_town(self.store, record))

    def roads(self, record: DatasetRecord) -> TownRoads:
        """Give the streets of a data version with its facilities, read once and kept."""
        from api.nearby import load_roads

        return self._roads.get((record.id, record.imported_at), lambda: load_roads(self.store, record))

    def has_roads(self, record: DatasetRecord) -> bool:
        """Tell whether the streets of a data version are in memory."""
        return (record.id, record.imported_at) in self._roads

    def outlines(self, record: DatasetRecord) -> Outlines:
        """Give the packed polygons of the cells of a data version, read once and kept."""
        from api.cells import read_outlines

        return self._outlines.get(
            (record.id, record.imported_at), lambda: read_outlines(self.store, record.id)
        )

    def desk(self, plan_id: int) -> Desk:
        """Give a draft on the table, laid once and moved on by its edits."""
        from api.desk import Desk, require_draft
        from api.views import DEFAULT_BOUNDS

        record = self.store.plan(plan_id)
        require_draft(record)
        town = self.town(self.store.dataset(record.dataset_id))
        bounds = record.bounds or DEFAULT_BOUNDS
        return self._desks.get(
            (plan_id, record.created_at, record.dataset_id, bounds),
            lambda: Desk(self.store, record, town, bounds),
        )

    def newest_plan_id(self) -> int:
        """Name the plan that came into force last, else the newest.

        Raises
        ------
        NotFoundError
            Where the store has no plan.
        """
        in_force = self.store.plans_in_force()
        if in_force:
            return in_force[0].plan.id
        plans = self.store.plans(limit=1)
        if not plans:
            raise NotFoundError(
                "There is no plan in this store yet; `wangge load` brings one, `wangge demo` an example."
            )
        return plans[0].id

    def body(self, tag: str, media_type: str, build: Callable[[], bytes]) -> Body:
        """Give the compressed bytes for a tag, building them once."""
        return self._bodies.get(tag, lambda: compress(build(), media_type, tag))


def get_services(request: Request) -> Services:
    """Give the routes what they share."""
    services = request.app.state.services
    assert isinstance(services, Services)
    return services


ServicesDep = Annotated[Services, Depends(get_services)]


def tag_of(kind: str, number: int, revision: int, stamp: object) -> str:
    """Name one state of an answer; the time of making tells two stores with the same numbers apart."""
    import hashlib

    digest = hashlib.blake2b(f"{FORMAT}|{stamp}".encode(), digest_size=6).hexdigest()
    return f'"{kind}-{number}-{revision}-{digest}"'


def not_modified(request: Request, etag: str) -> Response | None:
    """Give a 304 where the caller has this state already."""
    known = request.headers.get("if-none-match", "")
    tags = {part.strip().removeprefix("W/") for part in known.split(",")}
    if etag in tags or "*" in tags:
        return Response(status_code=304, headers=_headers(etag))
    return None


def body_response(request: Request, body: Body) -> Response:
    """Send kept bytes, packed where the caller takes gzip."""
    headers = _headers(body.etag)
    if takes_gzip(request.headers.get("accept-encoding", "")):
        return Response(
            body.packed, headers={**headers, "Content-Encoding": "gzip"}, media_type=body.media_type
        )
    return Response(body.plain(), headers=headers, media_type=body.media_type)


def _headers(etag: str) -> dict[str, str]:
    return {"ETag": f"W/{etag}", "Cache-Control": "private, no-cache", "Vary": "Accept-Encoding"}


def takes_gzip(accepted: str) -> bool:
    """Read an Accept-Encoding header."""
    for part in accepted.lower().split(","):
        name, _, weight = part.strip().partition(";")
        if name.strip() in {"gzip", "*"}:
            return weight.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False
