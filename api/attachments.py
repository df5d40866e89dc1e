"""Files of cases between the wire, the store and the place where they are kept."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from fastapi import Response

from gis_core.attachments import clean_file, plain_name
from gis_core.dispatch import Event, EventKind
from gis_core.errors import NotFoundError
from gis_core.store.case_files import NewFile

if TYPE_CHECKING:
    from api.services import Services
    from gis_core.store.case_files import AttachmentRecord
    from gis_core.store.cases import CaseRecord

__all__ = ["attach", "attachment_row", "file_response"]

_THUMB_TYPE = "image/jpeg"


def attach(
    services: Services,
    case_id: int,
    data: bytes,
    *,
    name: str,
    key: str | None,
    who: str,
    why: str = "",
    where: str = "",
) -> tuple[AttachmentRecord, CaseRecord]:
    """Keep a file with a case, without what it hides; the same key again changes nothing.

    The file is kept before the case says so: a case never names a file that is not there.

    Raises
    ------
    NotFoundError
        Where there is no such case.
    ParameterError
        Where the file is of no kind that is kept.
    """
    services.store.case(case_id)
    clean = clean_file(data)
    file = NewFile(
        plain_name(name, clean.media_type),
        clean.media_type,
        len(clean.data),
        services.shelf.put(clean.data),
        None if clean.thumb is None else services.shelf.put(clean.thumb),
        clean.width,
        clean.height,
    )
    event = Event(EventKind.NOTE, _now(), who, why, where, key=key)
    added = services.store.attach_to_case(case_id, file, event)
    services.case_hub.wake()
    return added


def attachment_row(record: AttachmentRecord) -> dict[str, Any]:
    """Write a file of a case as the wire has it."""
    file = record.file
    url = f"/api/incidents/{record.case_id}/attachments/{record.number}"
    return {
        "number": record.number,
        "step": record.step,
        "name": file.name,
        "type": file.media_type,
        "bytes": file.n_bytes,
        "width": file.width,
        "height": file.height,
        "sha256": file.digest,
        "url": url,
        "thumb": None if file.thumb is None else f"{url}?size=thumb",
        "at": record.at,
        "who": record.who,
        "why": record.why,
        "where": record.where,
    }


def file_response(
    services: Services, record: AttachmentRecord, *, thumb: bool, known: str | None
) -> Response:
    """Send a file, or its small picture; 304 where the caller has it.

    Raises
    ------
    NotFoundError
        Where it has no small picture, or is not there any more.
    """
    file = record.file
    digest = file.thumb if thumb else file.digest
    if digest is None:
        raise NotFoundError(f"{file.name} is no photo and has no small picture; ask for it without size.")
    etag = f'"{digest[:32]}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if known is not None and etag in {part.strip().removeprefix("W/") for part in known.split(",")}:
        return Response(status_code=304, headers=headers)
    media_type = _THUMB_TYPE if thumb else file.media_type
    way = "inline" if media_type.startswith("image/") else "attachment"
    headers["Content-Disposition"] = f"{way}; filename*=UTF-8''{quote(file.name, safe='')}"
    # Nothing in a file may do anything, wherever it is opened.
    headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    if media_type == "text/plain":
        media_type = "text/plain; charset=utf-8"
    return Response(services.shelf.get(digest), headers=headers, media_type=media_type)


def _now() -> datetime:
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
