"""What Open311 tells residents and those who write clients, in two languages."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gis_core.dispatch import State

__all__ = ["language_of", "say", "state_words"]

_WORDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "key": (
            "The api_key is missing or not known; {how}",
            "缺少 api_key 或 api_key 无效；{how}",
        ),
        "no-keys": (
            "This server has no api keys yet, so it takes no reports from outside; WANGGE_OPEN311_KEYS names them.",
            "本服务尚未设置 api_key，暂不受理外部上报；请设置 WANGGE_OPEN311_KEYS。",
        ),
        "ask-for-key": ("ask whoever runs this service for one.", "请向本服务的管理者索取。"),
        "jurisdiction": (
            "The jurisdiction_id {value!r} was not found; this one is {known!r}.",
            "未找到 jurisdiction_id“{value}”；本服务为“{known}”。",
        ),
        "service-missing": ("service_code was not provided.", "未提供 service_code。"),
        "service": (
            "The service_code {value!r} was not found; services.xml lists those that there are.",
            "未找到 service_code“{value}”；可用代码见 services.xml。",
        ),
        "request": ("There is no service request {value}.", "没有编号为 {value} 的案件。"),
        "token": ("There is no token {value}.", "没有令牌 {value}。"),
        "location": (
            "The place was not provided: send lat and long, or address_string, or address_id.",
            "未提供位置：请提供 lat 和 long，或 address_string，或 address_id。",
        ),
        "lat-long": (
            "lat and long must both be given, as degrees of WGS 84: lat -90 to 90, long -180 to 180.",
            "lat 和 long 须同时提供，为 WGS 84 经纬度：lat -90 至 90，long -180 至 180。",
        ),
        "outside": (
            "The place is {km:.0f} km outside the area that this service covers.",
            "该位置在服务范围之外 {km:.0f} 公里。",
        ),
        "no-grids": ("This service has no grids yet.", "本服务尚无网格。"),
        "address-id": (
            "The address_id {value!r} was not found.",
            "未找到 address_id“{value}”。",
        ),
        "too-long": (
            "{name} is longer than {limit} characters.",
            "{name} 超过 {limit} 个字符。",
        ),
        "media": (
            "media_url must be one address that begins with http:// or https://.",
            "media_url 须是以 http:// 或 https:// 开头的一个网址。",
        ),
        "form": (
            "The body cannot be read as a form in UTF-8 (application/x-www-form-urlencoded).",
            "请求体无法按 UTF-8 表单（application/x-www-form-urlencoded）读取。",
        ),
        "body": ("A value cannot be used: {detail}.", "参数无法使用：{detail}。"),
        "attribute-missing": ("attribute[{code}] is required.", "缺少必填项 attribute[{code}]。"),
        "attribute-unknown": (
            "The service has no attribute {code!r}; its definition lists those that there are.",
            "该服务没有属性“{code}”；请查看服务定义。",
        ),
        "attribute-number": ("attribute[{code}] must be a number.", "attribute[{code}] 须为数字。"),
        "attribute-datetime": (
            "attribute[{code}] must be a time such as 2026-01-31T08:00:00+08:00.",
            "attribute[{code}] 须为时间，如 2026-01-31T08:00:00+08:00。",
        ),
        "attribute-text": (
            "attribute[{code}] must be at most 1,000 characters, in one line unless it is a text.",
            "attribute[{code}] 不得超过 1000 个字符；除长文本外须为一行。",
        ),
        "attribute-value": (
            "attribute[{code}] must be one of the keys in the service definition.",
            "attribute[{code}] 须为服务定义中的选项。",
        ),
        "attribute-several": ("attribute[{code}] takes one value.", "attribute[{code}] 只能有一个值。"),
        "accuracy": (
            "attribute[accuracy_m] must be 0 to 10000 metres.",
            "attribute[accuracy_m] 须为 0 至 10000 米。",
        ),
        "date": (
            "{name} must be a time such as 2026-01-31T00:00:00Z.",
            "{name} 须为时间，如 2026-01-31T00:00:00Z。",
        ),
        "range": (
            "start_date must not be after end_date, and they may span at most 90 days.",
            "start_date 不得晚于 end_date，且间隔不得超过 90 天。",
        ),
        "status": ("status must be open or closed.", "status 须为 open 或 closed。"),
        "page": (
            "page must be 1 or more, page_size 1 to 1000.",
            "page 须不小于 1，page_size 须为 1 至 1000。",
        ),
        "format": ("The format must be .xml or .json.", "格式须为 .xml 或 .json。"),
        "contact": (
            "Nobody was named; the operator of this service sets open311.contact in the rules.",
            "尚未填写联系方式；由管理者在规则的 open311.contact 中设置。",
        ),
        "key-service": (
            "Ask the operator of this service for a key.",
            "请向本服务的管理者索取 api_key。",
        ),
        "notice": (
            "Accepted within {accept} and handled within {handle} of working time after it is dispatched.",
            "派遣后按工作时间计：{accept}内受理，{handle}内处理完毕。",
        ),
        "notice-clock": (
            "Accepted within {accept} and handled within {handle} after it is dispatched, day and night.",
            "派遣后昼夜计时：{accept}内受理，{handle}内处理完毕。",
        ),
        "notice-token": (
            "Written down. Whose it is must be looked at first; the token gives the number as soon as that is done.",
            "已登记。归属需要人工确认，确认后可用令牌查询案件编号。",
        ),
        "minutes": ("{n:g} minutes", "{n:g} 分钟"),
        "hours": ("{n:g} hours", "{n:g} 小时"),
        "duplicate-of": ("Repeats service request {other}.", "与案件 {other} 重复。"),
        "cancelled-because": ("Not taken up: {why}", "不予立案：{why}"),
        "place-open": (
            "Received; where it lies is being looked at.",
            "已收到，正在人工确认位置归属。",
        ),
    }
)
_STATES: Mapping[State, tuple[str, str]] = MappingProxyType(
    {
        State.REPORTED: ("Received.", "已收到。"),
        State.VERIFIED: ("Verified.", "已核实。"),
        State.OPENED: ("A case was opened.", "已立案。"),
        State.DISPATCHED: ("Sent to whoever is responsible.", "已派遣。"),
        State.ACCEPTED: ("Being handled.", "处理中。"),
        State.PARKED: ("Waiting; it will be gone on with.", "已挂账，待条件具备后处理。"),
        State.DONE: ("Handled; to be checked on the spot.", "已处理，待现场核查。"),
        State.CHECKED: ("Handled and checked on the spot.", "已处理，现场核查通过。"),
        State.CLOSED: ("Handled, checked and closed.", "已结案。"),
        State.EVALUATED: ("Handled, checked and closed.", "已结案。"),
        State.CANCELLED: ("Not taken up.", "不予立案。"),
        State.DUPLICATE: ("Repeats another service request.", "与其他案件重复。"),
    }
)


def language_of(accepted: str | None, default: str) -> str:
    """Return `zh-CN` or `en`: the first of them that an Accept-Language header names, else the default."""
    for part in (accepted or "").lower().split(","):
        tag = part.strip().partition(";")[0].partition("-")[0]
        if tag in {"zh", "en"}:
            return "zh-CN" if tag == "zh" else "en"
    return default


def say(language: str, key: str, **values: object) -> str:
    """Return a sentence in a language."""
    english, chinese = _WORDS[key]
    return (chinese if language == "zh-CN" else english).format(**values)


def state_words(language: str, state: State) -> str:
    """Say how a case stands."""
    return _STATES[state][1 if language == "zh-CN" else 0]
