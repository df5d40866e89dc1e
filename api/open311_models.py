"""What Open311 answers as JSON; XML has the same names in the same order."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from api.models import Model

__all__ = [
    "ERRORS",
    "FORM",
    "Answer311",
    "Definition311",
    "Discovery311",
    "Request311",
    "Service311",
    "Token311",
    "ok",
]

Text = str | None


class Fault311(Model):
    """What is wrong."""

    code: int
    description: str


class Endpoint311(Model):
    """Where requests go."""

    specification: str
    url: str
    changeset: str
    type: Literal["production", "test"]
    formats: list[str]


class Discovery311(Model):
    """Where this is, and who answers for it."""

    changeset: str
    contact: str
    key_service: str
    endpoints: list[Endpoint311]


class Service311(Model):
    """What can be reported."""

    service_code: str
    service_name: str
    description: Text
    metadata: bool
    type: Literal["realtime", "batch", "blackbox"]
    keywords: Text
    group: Text


class Value311(Model):
    """One of the answers to choose from."""

    key: str
    name: str


class Attribute311(Model):
    """A question."""

    variable: bool
    code: str
    datatype: str
    required: bool
    datatype_description: Text
    order: int = Field(ge=1)
    description: Text
    values: list[Value311]


class Definition311(Model):
    """What is asked besides place and words."""

    service_code: str
    attributes: list[Attribute311]


class Answer311(Model):
    """Number of a report, or a token where somebody has to look at the place first."""

    service_request_id: str | None = None
    token: str | None = None
    service_notice: Text
    account_id: Text


class Token311(Model):
    """Number of the report of a token; none as long as its place is looked at."""

    service_request_id: Text
    token: str


class Request311(Model):
    """A report and how it stands."""

    service_request_id: str
    status: Literal["open", "closed"]
    status_notes: Text
    service_name: str
    service_code: str
    description: Text
    agency_responsible: Text
    service_notice: Text
    requested_datetime: str
    updated_datetime: str
    expected_datetime: Text
    address: Text
    address_id: Text
    zipcode: Text
    lat: float | None
    long: float | None
    media_url: Text


Described = dict[int | str, dict[str, Any]]


def ok(model: Any, words: str) -> Described:
    """Describe an answer in both formats, and the errors beside it."""
    xml = {"schema": {"type": "string"}}
    return {200: {"description": words, "model": model, "content": {"text/xml": xml}}, **ERRORS}


def _error(words: str) -> dict[str, Any]:
    xml = {"schema": {"type": "string"}}
    return {"description": words, "model": list[Fault311], "content": {"text/xml": xml}}


#: Errors of all paths of Open311, in the form of the specification.
ERRORS: Described = {
    400: _error("What was asked cannot be read or used; each fault in a sentence"),
    403: _error("The api_key is missing or not known"),
    404: _error("No such jurisdiction, service, request, token or format"),
    "default": _error("The server or its store failed; ask again later"),
}
_STRING: dict[str, Any] = {"type": "string"}
_FIELDS = {
    "api_key": "Needed as soon as the server has any.",
    "jurisdiction_id": "Optional; another one than that of this server is refused.",
    "service_code": "Needed.",
    "lat": "Degrees of WGS 84; with long, or address_id, or address_string.",
    "long": "Degrees of WGS 84.",
    "address_string": "From most specific to most general, or as it is written in Chinese.",
    "address_id": "Id of a building.",
    "description": "At most 4,000 characters.",
    "media_url": "Address of a picture; kept as a text and never fetched.",
    "email": "Not kept.",
    "device_id": "Not kept.",
    "account_id": "Not kept.",
    "first_name": "Not kept.",
    "last_name": "Not kept.",
    "phone": "Not kept.",
}
#: The body of a report; attribute[CODE] and attribute[CODE][] besides.
FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "properties": {
                        name: {**_STRING, "description": words} for name, words in _FIELDS.items()
                    },
                    "additionalProperties": _STRING,
                    "required": ["service_code"],
                }
            }
        },
    }
}
