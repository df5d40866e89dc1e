"""How Chinese names and numbers of buildings are written, brought to one form; sheets and the search share it."""

from __future__ import annotations

import re
import unicodedata

from gis_core.layers.traditional import simplified

__all__ = ["building_key", "compound_key", "fold"]

_DIGITS = {
    letter: value
    for value, letters in enumerate(
        ("〇零", "一壹", "二贰两", "三叁", "四肆", "五伍", "六陆", "七柒", "八捌", "九玖")
    )
    for letter in letters
}
_STEPS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
_CHINESE = re.compile(f"[{''.join(_DIGITS)}{''.join(_STEPS)}]+")
#: Alone and without a unit behind they are a part of a name: 陆家嘴, 百花路, 十里河.
_NAMES_TOO = frozenset("壹贰叁肆伍陆柒捌玖两十拾百佰千仟")
_UNITS = frozenset("号栋幢座楼单弄室层区期组村巷#户人")
_BEFORE = re.compile(r"^(第|building|bldg|block|no|#)+")
_BEHIND = re.compile(r"(号楼|栋楼|幢楼|座楼|#楼|号栋|号幢|号座|栋|幢|座|楼|号|#|building|bldg|block)$")
_ROMAN = {
    "i": 1,
    "ii": 2,
    "iii": 3,
    "iv": 4,
    "v": 5,
    "vi": 6,
    "vii": 7,
    "viii": 8,
    "ix": 9,
    "x": 10,
    "xi": 11,
    "xii": 12,
}


def fold(text: str) -> str:
    """Return a name for comparison: one width, one case, simplified characters, numerals as digits, no spaces or marks.

    Examples
    --------
    >>> fold("月庭 二村（南區）"), fold("第 十二 栋"), fold("陸家嘴")
    ('月庭2村南区', '第12栋', '陆家嘴')
    """
    folded = simplified(unicodedata.normalize("NFKC", text).casefold())
    folded = re.sub(r"[\s·・.,，。、()（）\[\]【】_\"'“”]+", "", folded)
    return re.sub(r"0*(\d+)", r"\1", _CHINESE.sub(_as_digits, folded))


def _as_digits(match: re.Match[str]) -> str:
    behind = match.string[match.end() : match.end() + 1]
    if match[0] in _NAMES_TOO and behind and behind not in _UNITS:
        return match[0]
    return str(_chinese(match[0]))


def _chinese(text: str) -> int:
    """Read a Chinese numeral; digits in a row are a number as they are spoken.

    Examples
    --------
    >>> [_chinese(text) for text in ("三", "十二", "二十", "一百零五", "一〇三")]
    [3, 12, 20, 105, 103]
    """
    if not any(letter in _STEPS for letter in text):
        return int("".join(str(_DIGITS[letter]) for letter in text))
    total, digit = 0, 0
    for letter in text:
        if letter in _STEPS:
            total += max(digit, 1) * _STEPS[letter]
            digit = 0
        else:
            digit = _DIGITS[letter]
    return total + digit


def compound_key(text: str | None) -> str:
    """Return the name of a compound for comparison; a 小区 behind it says nothing.

    Examples
    --------
    >>> compound_key("阳光花园小区") == compound_key("阳光 花园")
    True
    """
    key = fold(text or "")
    return key.removesuffix("小区") or key


def building_key(text: str | None, compound: str = "") -> str:
    """Return the number of a building for comparison, however it is written.

    Parameters
    ----------
    compound : str
        Key of its compound, which may stand before the number.

    Examples
    --------
    >>> {building_key(text) for text in ("3栋", "３幢", "三号楼", "第三座", "03", "3#楼", "Block 3", "Ⅲ栋")}
    {'3'}
    >>> building_key("和阳里12号楼", compound_key("和阳里小区")), building_key("A座")
    ('12', 'a')
    """
    key = fold(text or "")
    for start in (compound + "小区", compound):
        if compound and key.startswith(start) and key != start:
            key = key.removeprefix(start)
            break
    bare = _BEFORE.sub("", _BEHIND.sub("", key)) or key
    return str(_ROMAN.get(bare, bare))
