"""What residents may report, as data: what is derived, what is refused, and how answers are read."""

from __future__ import annotations

from typing import Any

import pytest

from gis_core.dispatch.offered import ANY_CATEGORY, code_of, offer_from, read_answers
from gis_core.dispatch.rules import rules_from
from gis_core.errors import ParameterError

LISTED = {"code": "q", "datatype": "singlevaluelist", "values": [{"key": "a"}, {"key": "b", "name": "B"}]}


def service(**more: Any) -> dict[str, Any]:
    return {"services": [{"category": "漏水", **more}]}


def test_categories_of_the_rules_are_offered() -> None:
    rules = rules_from(
        {
            "deadlines": [{"category": "漏水"}, {"grade": "major"}],
            "duty": {"rules": [{"name": "x", "unit": "y", "categories": ["占道 停车", "漏水", "占道/停车"]}]},
        }
    )
    assert [(one.code, one.category) for one in rules.offer.services] == [
        ("漏水", "漏水"),
        ("占道-停车", "占道 停车"),
        ("占道-停车-2", "占道/停车"),
    ]
    assert rules.offer.of_category("路灯").code == "路灯"
    assert rules.offer.category_of("占道-停车-2") == "占道/停车"
    assert [one.category for one in rules_from({}).offer.services] == [ANY_CATEGORY]
    assert rules_from({"open311": {"services": []}}).offer.services == ()
    assert code_of(" a.b/c ") == "a-b-c" and code_of("//") == "-"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"colour": "red"}, "no 'colour'"),
        ({"show": "some"}, "own or all"),
        ({"language": "fr"}, "zh-CN or en"),
        ({"url": "ftp://x"}, "https://"),
        ({"contact": 5}, "contact"),
        ({"services": {}}, "list of rows"),
        ({"services": [{"code": "a"}]}, "needs its category"),
        (service(code="a b"), "no code"),
        (service(price="1"), "no 'price'"),
        ({"services": [{"category": "a"}, {"category": "a", "code": "b"}]}, "category 'a'"),
        ({"services": [{"category": "a", "code": "x"}, {"category": "b", "code": "x"}]}, "code 'x'"),
        (service(attributes=[LISTED, LISTED]), "two attributes"),
        (service(attributes=[{**LISTED, "values": []}]), "needs values"),
        (service(attributes=[{"code": "q", "values": [{"key": "a"}]}]), "needs values"),
        (service(attributes=[{"code": "q", "datatype": "colour"}]), "datatypes"),
        (service(attributes=[{"code": "q", "required": "yes"}]), "true or false"),
        (service(attributes=[{"code": "q", "required": True, "variable": False}]), "variable"),
        (service(attributes=[{**LISTED, "values": [{"key": "a"}, {"key": "a"}]}]), "a key each"),
        (service(attributes=[{"code": "q", "order": 1}]), "no 'order'"),
    ],
)
def test_what_cannot_be_read_is_refused(data: dict[str, Any], says: str) -> None:
    with pytest.raises(ParameterError, match=says):
        offer_from(data, [])
    with pytest.raises(ParameterError):
        rules_from({"open311": data})


def test_answers() -> None:
    rows = [
        {**LISTED, "required": True},
        {"code": "n", "datatype": "number"},
        {"code": "t", "datatype": "text"},
    ]
    (one,) = offer_from(service(attributes=rows), []).services
    assert read_answers(one, {"q": ["", " b "], "n": [""], "t": ["x\ny"], "accuracy_m": ["5"]}) == (
        {"q": "b", "t": "x\ny", "accuracy_m": "5"},
        [],
    )
    assert read_answers(one, {})[1] == [("q", "missing")]
    assert read_answers(one, {"q": ["c"], "n": ["inf"], "z": ["1"]})[1] == [
        ("q", "value"), ("n", "number"), ("z", "unknown"),
    ]  # fmt: skip
