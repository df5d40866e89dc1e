"""What residents may report, as data: services with a code and questions, each of one category of cases.

Without such data every category that deadlines and responsibility name is a service without questions.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

from gis_core.errors import ParameterError

__all__ = ["ANY_CATEGORY", "DATATYPES", "Offer", "OfferedService", "Question", "offer_from", "read_answers"]

#: Category of what fits nowhere else, offered where the rules name no category at all.
ANY_CATEGORY = "其他"
#: Kinds of answers to a question.
DATATYPES: tuple[str, ...] = ("string", "number", "datetime", "text", "singlevaluelist", "multivaluelist")
#: Answers that are more than words: of the accuracy of the place, and of what it is about.
ACCURACY = "accuracy_m"

_CODE = re.compile(r"[^\s/,?#%&=\\.\[\]]{1,100}")
_NOT_CODE = re.compile(r"[\s/,?#%&=\\.\[\]]+")
_LONGEST = 1000
_LANGUAGES = ("zh-CN", "en")
_SHOWN = ("own", "all")
_NAMES = ("jurisdiction", "contact", "key_service", "url", "language", "show")
_SERVICE_TEXTS = ("name", "description", "keywords", "group", "grade", "notice")
_QUESTION_NAMES = {
    "code",
    "description",
    "datatype",
    "datatype_description",
    "required",
    "variable",
    "values",
}


@dataclass(frozen=True)
class Question:
    """What is asked besides place and words; `variable` False only tells something and takes no answer."""

    code: str
    description: str = ""
    datatype: str = "string"
    datatype_description: str = ""
    required: bool = False
    variable: bool = True
    values: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class OfferedService:
    """A kind of case that residents may report.

    Attributes
    ----------
    code : str
        As it is called by.
    category, grade : str
        Of the case that it makes.
    notice : str
        What is told on how it will be handled; empty: the deadline.
    """

    code: str
    category: str
    name: str
    description: str = ""
    keywords: str = ""
    group: str = ""
    grade: str = "general"
    notice: str = ""
    questions: tuple[Question, ...] = ()


@dataclass(frozen=True)
class Offer:
    """All that is offered, and to whom.

    Attributes
    ----------
    services : tuple of OfferedService
    jurisdiction : str
        Its id; empty: any that is asked for.
    contact, key_service, url : str
        Whom to ask, where to get a key, address that the outside knows; empty where nothing is told.
    language : {"zh-CN", "en"}
        Of words to residents, where they ask for none.
    show : {"own", "all"}
        Which cases are shown: those that came in this way, or all.
    """

    services: tuple[OfferedService, ...] = ()
    jurisdiction: str = ""
    contact: str = ""
    key_service: str = ""
    url: str = ""
    language: str = "zh-CN"
    show: str = "own"
    _by_code: Mapping[str, OfferedService] = field(default_factory=lambda: MappingProxyType({}), repr=False)

    def service(self, code: str) -> OfferedService | None:
        """Return the service of a code."""
        return self._by_code.get(code)

    def of_category(self, category: str) -> OfferedService:
        """Return the service of a category; one that is offered no more, or never was, by its name."""
        for service in self.services:
            if service.category == category:
                return service
        return OfferedService(code_of(category), category, category)

    def category_of(self, code: str) -> str:
        """Return the category that a code stands for; of an unknown one the code itself."""
        service = self.service(code)
        return code if service is None else service.category


def code_of(category: str) -> str:
    """Make a code of a category, without what an address or a list of codes cannot hold."""
    return _NOT_CODE.sub("-", category.strip()).strip("-")[:100] or "-"


def offer_from(data: Mapping[str, Any], categories: Iterable[str]) -> Offer:
    """Read what is offered.

    Parameters
    ----------
    data : mapping
        `services` (rows with the names of `OfferedService`, and `attributes` with those of `Question`), and the
        other names of `Offer`; what is not there holds as it is by default.
    categories : iterable of str
        Those that the rules name, which are offered where `services` is not given.

    Raises
    ------
    ParameterError
        Where something cannot be read, or two services have one code or category.
    """
    unknown = set(data) - {*_NAMES, "services"}
    if unknown:
        raise ParameterError(
            f"open311 has no {sorted(unknown)[0]!r} (there are: services, {', '.join(_NAMES)})."
        )
    texts = {name: _text(data, name, "open311") for name in _NAMES if data.get(name) is not None}
    if texts.get("language", "zh-CN") not in _LANGUAGES or texts.get("show", "own") not in _SHOWN:
        raise ParameterError("open311: language is zh-CN or en, show is own or all.")
    if texts.get("url") and not texts["url"].startswith(("http://", "https://")):
        raise ParameterError(
            "open311: url is the address that others call, such as https://city.example/open311/v2."
        )
    rows = data.get("services")
    services = (
        _derived(categories) if rows is None else tuple(_service(row) for row in _rows(rows, "services"))
    )
    for name in ("code", "category"):
        seen: set[str] = set()
        for service in services:
            value = getattr(service, name)
            if value in seen:
                raise ParameterError(f"open311: two services have the {name} {value!r}.")
            seen.add(value)
    return Offer(services, **texts, _by_code=MappingProxyType({one.code: one for one in services}))


def _derived(categories: Iterable[str]) -> tuple[OfferedService, ...]:
    services: dict[str, OfferedService] = {}
    for category in dict.fromkeys(categories):
        code, number = code_of(category), 2
        while code in services:
            code, number = f"{code_of(category)}-{number}", number + 1
        services[code] = OfferedService(code, category, category)
    return tuple(services.values()) or (OfferedService(ANY_CATEGORY, ANY_CATEGORY, f"{ANY_CATEGORY} Other"),)


def _service(row: Mapping[str, Any]) -> OfferedService:
    unknown = set(row) - {"code", "category", "attributes", *_SERVICE_TEXTS}
    if unknown:
        raise ParameterError(f"open311: a service has no {sorted(unknown)[0]!r}.")
    category = _text(row, "category", "a service of open311")
    if not 0 < len(category) <= 200:
        raise ParameterError("open311: each service needs its category, a text of at most 200 letters.")
    code = _text(row, "code", "a service of open311") or code_of(category)
    if not _CODE.fullmatch(code):
        raise ParameterError(f"open311: {code!r} is no code; leave out spaces and / , ? # % & = . [ ].")
    texts = {"name": category} | {
        name: _text(row, name, f"the service {code!r}") for name in _SERVICE_TEXTS if row.get(name)
    }
    questions = tuple(
        _question(one, code) for one in _rows(row.get("attributes", []), f"attributes of {code}")
    )
    codes = [question.code for question in questions]
    if len(set(codes)) < len(codes):
        raise ParameterError(f"open311: two attributes of the service {code!r} have one code.")
    return OfferedService(code, category, questions=questions, **texts)


def _question(row: Mapping[str, Any], service: str) -> Question:
    where = f"an attribute of the service {service!r}"
    unknown = set(row) - _QUESTION_NAMES
    if unknown:
        raise ParameterError(f"open311: {where} has no {sorted(unknown)[0]!r}.")
    code = _text(row, "code", where)
    datatype = _text(row, "datatype", where) or "string"
    if not _CODE.fullmatch(code) or datatype not in DATATYPES:
        raise ParameterError(
            f"open311: {where} needs a code, and one of the datatypes {', '.join(DATATYPES)}."
        )
    flags = {"required": row.get("required", False), "variable": row.get("variable", True)}
    if not all(isinstance(flag, bool) for flag in flags.values()) or (
        flags["required"] and not flags["variable"]
    ):
        raise ParameterError(
            f"open311: required and variable of {code!r} are true or false; what is required is variable."
        )
    values: list[tuple[str, str]] = []
    for value in _rows(row.get("values", []), f"values of {code}"):
        key = _text(value, "key", f"a value of {code!r}")
        if not key or set(value) - {"key", "name"} or key in {known for known, _ in values}:
            raise ParameterError(f"open311: the values of {code!r} have a key each, and a name.")
        values.append((key, _text(value, "name", f"a value of {code!r}") or key))
    if bool(values) != datatype.endswith("list"):
        raise ParameterError(f"open311: {code!r} needs values where its datatype is a list, and only there.")
    return Question(
        code,
        _text(row, "description", where),
        datatype,
        _text(row, "datatype_description", where),
        values=tuple(values),
        **flags,
    )


def read_answers(
    service: OfferedService, given: Mapping[str, Sequence[str]]
) -> tuple[dict[str, str | list[str]], list[tuple[str, str]]]:
    """Read what was answered to the questions of a service.

    Returns
    -------
    answers, faults
        Values by code, lists of several only; and (code, kind) of each that cannot be taken, kinds being `missing`,
        `unknown`, `number`, `datetime`, `text`, `value`, `several`.
    """
    answers: dict[str, str | list[str]] = {}
    faults = []
    questions = {question.code: question for question in service.questions if question.variable}
    questions.setdefault(ACCURACY, Question(ACCURACY, datatype="number"))
    for code, texts in given.items():
        values = [text.strip() for text in texts if text.strip()]
        question = questions.get(code)
        if question is None:
            faults.append((code, "unknown"))
        elif values:
            fault = _fault(question, values)
            if fault is None:
                answers[code] = values if question.datatype == "multivaluelist" else values[0]
            else:
                faults.append((code, fault))
    told = {code for code, _ in faults}
    faults += [
        (question.code, "missing")
        for question in questions.values()
        if question.required and question.code not in answers and question.code not in told
    ]
    return answers, faults


def _fault(question: Question, values: Sequence[str]) -> str | None:
    """Say why values cannot be taken as an answer; None where they can."""
    if question.datatype == "multivaluelist":
        known = {key for key, _ in question.values}
        return None if set(values) <= known and len(set(values)) == len(values) else "value"
    if len(values) > 1:
        return "several"
    (value,) = values
    if question.datatype == "singlevaluelist":
        return None if value in {key for key, _ in question.values} else "value"
    if question.datatype == "number":
        return None if _is_number(value) else "number"
    if question.datatype == "datetime":
        return None if _is_time(value) else "datetime"
    one_line = question.datatype == "text" or not any(letter in value for letter in "\r\n")
    return None if one_line and len(value) <= _LONGEST else "text"


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text)) and len(text) <= 40
    except ValueError:
        return False


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _rows(rows: Any, what: str) -> Sequence[Mapping[str, Any]]:
    if not isinstance(rows, list | tuple) or not all(isinstance(row, Mapping) for row in rows):
        raise ParameterError(f"open311: {what} is a list of rows.")
    return rows


def _text(row: Mapping[str, Any], name: str, of: str) -> str:
    value = row.get(name, "")
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise ParameterError(f"{name} of {of} is a text of at most {_LONGEST} letters.")
    return value.strip()
