"""An address as people write it, taken apart: names, and numbers with what they number.

Documents and questions are read by the same function, so that 3栋, ３幢, 三号楼, 3#楼 and Block 3 are one thing.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from gis_core.layers.naming import fold
from gis_core.layers.traditional import simplified

__all__ = ["Numeral", "Parsed", "parse_address", "read_digits"]

#: What a number may number, the letter that stands for it in the common form.
KINDS = {
    "building": "栋",
    "house": "号",
    "lane": "弄",
    "section": "区",
    "unit": "单元",
    "floor": "楼",
    "room": "室",
    "bare": "",
}
_WRITTEN = {
    "building": "号楼 栋楼 幢楼 座楼 #楼 号栋 号幢 号座 栋 幢 座 棟 #",
    "unit": "单元 门洞 梯",
    "house": "号院 号门牌 号",
    "room": "号房 室 房",
    "lane": "支弄 弄 巷 胡同",
    "section": "区 期 组 村 队 里",
    "floor": "楼 层",
}
_KIND_OF = {word: kind for kind, words in _WRITTEN.items() for word in words.split()}
#: The same in the letters that people type, behind a number only.
_LATIN = {
    "haolou": "building",
    "dong": "building",
    "zhuang": "building",
    "zuo": "building",
    "danyuan": "unit",
    "hao": "house",
    "shi": "room",
    "long": "lane",
    "nong": "lane",
    "xiang": "lane",
    "qu": "section",
    "qi": "section",
    "cun": "section",
    "lou": "floor",
    "ceng": "floor",
}
_BY_LENGTH = sorted(_KIND_OF, key=len, reverse=True)
_NUMBER = re.compile(
    r"(?P<value>第?[0-9]+(?:-[0-9]+)*(?:[a-z](?![a-z]))?|(?<![a-z])[a-z](?=[栋幢座号#楼])|[甲乙丙丁戊](?=[栋幢座号楼]))"
    rf"(?P<unit>{'|'.join(map(re.escape, _BY_LENGTH))}|(?:{'|'.join(sorted(_LATIN, key=len, reverse=True))}))?"
)
_ENGLISH = {
    "st": "street",
    "str": "street",
    "rd": "road",
    "ave": "avenue",
    "av": "avenue",
    "blvd": "boulevard",
    "ln": "lane",
    "dr": "drive",
    "hwy": "highway",
    "sq": "square",
    "n": "north",
    "s": "south",
    "e": "east",
    "w": "west",
}
_WHICH = r"(?:[\s.]*(?:no\b\.?\s*)?#?\s*(?=[0-9])|[\s.]+(?=[a-z]\b))([0-9]+[a-z]?|[a-z])\b"
_BUILDING_WORD = re.compile(rf"\b(?:building|bldg|block|tower){_WHICH}")
_ROOM_WORD = re.compile(rf"\b(?:apt|apartment|unit|flat|room|rm|suite|ste){_WHICH}")
_NO_WORD = re.compile(r"\bno\.?\s*(?=[0-9])")
_WORD = re.compile(r"(?<![\w'])[a-z]+(?![\w'])")
#: Directions, numbers and kinds of English names of Chinese streets, and where they stand in the Chinese name.
_DIRECTIONS = {
    "east": "dong",
    "west": "xi",
    "south": "nan",
    "north": "bei",
    "middle": "zhong",
    "central": "zhong",
    "ring": "huan",
    "first": "yi",
    "second": "er",
    "third": "san",
    "fourth": "si",
    "fifth": "wu",
}
_ORDINALS = {"1st": "first", "2nd": "second", "3rd": "third", "4th": "fourth", "5th": "fifth"}
_ORDINAL = re.compile(r"\b(?:1st|2nd|3rd|[45]th)\b")
_STREETS = {"road": "lu", "street": "jie", "avenue": "dadao", "lane": "xiang", "bridge": "qiao"}
_TENS = 10


@dataclass(frozen=True, slots=True)
class Numeral:
    """A number of an address: its digits (or letter) and what it numbers, a key of `KINDS`."""

    value: str
    kind: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """An address taken apart.

    Attributes
    ----------
    names : tuple of str
        Names in the order in which they stand; a number inside of a name belongs to it (51路, 月庭2村).
    bases : tuple of str
        The same without a lane or section behind (月庭), where it has one; else the name again.
    numerals : tuple of Numeral
        Numbers in the order in which they stand.
    key : str
        All in the common form, for finding a part of it.
    also : tuple of str
        Other readings of the names: a Chinese street that was named in English.
    """

    names: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()
    numerals: tuple[Numeral, ...] = ()
    key: str = ""
    also: tuple[str, ...] = ()


def parse_address(text: str) -> Parsed:
    """Take an address, or a part of one, apart.

    Examples
    --------
    >>> parsed = parse_address("学府路十五号 清庆小区一区３幢2单元501")
    >>> parsed.names, [(one.value, one.kind) for one in parsed.numerals]
    (('学府路', '清庆小区1区'), [('15', 'house'), ('3', 'building'), ('2', 'unit'), ('501', 'bare')])
    >>> {parse_address(text).key for text in ("三号楼", "3幢", "３＃楼", "Block 3", "第叁栋")}
    {'3栋'}
    """
    folded, also = _one_form(text)
    names: list[tuple[str, str]] = []
    numerals: list[Numeral] = []
    key: list[str] = []
    name, base, at = "", "", 0

    def close() -> None:
        nonlocal name, base
        if name:
            names.append((name, base or name))
        name, base = "", ""

    for match in _NUMBER.finditer(folded):
        before = folded[at : match.start()]
        at = match.end()
        for k, piece in enumerate(before.split(";")):
            if k:
                close()
            name, base = name + piece, "" if piece else base
            key.append(piece)
        kind = _kind(match, folded)
        said = match["value"] + (match["unit"] or "")
        if kind is None or (kind in ("lane", "section") and name):
            base = "" if kind is None else (base or name)
            common = (
                said if kind is None else match["value"].removeprefix("第") + KINDS_IN_NAMES.get(kind, "")
            )
            common = common if kind is None or match["unit"] in _LATIN else match["value"] + match["unit"]
            name += common
            key.append(common)
            continue
        close()
        for value, one in _values(match["value"].removeprefix("第"), kind):
            numerals.append(Numeral(value, one))
            key.append(value + KINDS[one])
    for k, piece in enumerate(folded[at:].split(";")):
        if k:
            close()
        name, base = name + piece, "" if piece else base
        key.append(piece)
    close()
    return Parsed(
        tuple(name for name, _ in names),
        tuple(base for _, base in names),
        tuple(numerals),
        "".join(key),
        also,
    )


#: How a lane or section that was typed in letters is written inside of a name.
KINDS_IN_NAMES = {"lane": "弄", "section": "区"}


def _kind(match: re.Match[str], folded: str) -> str | None:
    """Say what a number numbers; None where it is part of a name."""
    unit, end = match["unit"], match.end()
    behind = folded[end : end + 1]
    if unit is not None:
        kind = _KIND_OF.get(unit) or _LATIN[unit]
        # 10号线, 3里屯, 2区块: the unit is the beginning of a word.
        if unit in ("号", "里", "组", "队", "村", "楼") and behind in ("线", "屯", "织", "伍", "庄", "梯"):
            return None
        if unit == "里" and behind and not behind.isdigit():
            return None
        return kind
    if match["value"].startswith("第"):
        return None
    if not behind or behind == ";" or behind.isdigit():
        return "bare"
    at_start = match.start() == 0 or folded[match.start() - 1] == ";"
    return (
        "bare" if at_start and folded[end : end + 2].isascii() and folded[end : end + 2].isalpha() else None
    )


def _values(value: str, kind: str) -> list[tuple[str, str]]:
    """Read 3-2-501 as building, unit and room, 12-14号 as both house numbers."""
    parts = value.split("-")
    if len(parts) == 1:
        return [(value, kind)]
    if kind != "bare" and len(parts) == 2 and kind != "room":
        return [(part, kind) for part in parts]
    order = ("bare", "room") if len(parts) == 2 else ("bare", "unit", "room")
    return list(zip(parts, order, strict=False))


def _one_form(text: str) -> tuple[str, tuple[str, ...]]:
    """Return a text in one width, case and set of numerals, and other readings of English names."""
    plain = simplified(_without_accents(unicodedata.normalize("NFKC", text).casefold()))
    plain = re.sub(r"(?<=[a-z])['’](?=[a-z])", "", plain)
    also: tuple[str, ...] = ()
    if any("a" <= letter <= "z" for letter in plain):
        plain = _ORDINAL.sub(lambda match: _ORDINALS[match[0]], plain)
        plain = _NO_WORD.sub("", _ROOM_WORD.sub(r";\1室", _BUILDING_WORD.sub(r";\1栋", plain)))
        words = [_ENGLISH.get(word, word) for word in _WORD.findall(plain)]
        plain = _WORD.sub(lambda match: _ENGLISH.get(match[0], match[0]), plain)
        plain = re.sub(r"\b([0-9]+[a-z]?)[\s,]+(?=[a-z])", r"\1;", plain)
        also = _in_chinese_order(words)
    plain = re.sub(r"(?<=[0-9])[\s,.、/\\—–~_]+(?=[0-9])", "-", plain)
    plain = re.sub(r"[^\w;#\s-]+|_", " ", plain)
    plain = re.sub(r"(?<![0-9])-+|-+(?![0-9])", " ", plain)
    plain = re.sub(r"#\s*([0-9]+)(?![0-9]*[#楼])", r"\1#", plain)
    return fold(plain), also


def _without_accents(text: str) -> str:
    if text.isascii():
        return text
    kept: list[str] = []
    for letter in unicodedata.normalize("NFD", text):
        if not (unicodedata.combining(letter) and kept and kept[-1].isascii()):
            kept.append(letter)
    return unicodedata.normalize("NFC", "".join(kept))


def _in_chinese_order(words: list[str]) -> tuple[str, ...]:
    """Read `east yanan road` as yanandonglu."""
    if not words or not any(word in _STREETS for word in words):
        return ()
    end = next(k for k, word in enumerate(words) if word in _STREETS)
    stem = [word for word in words[:end] if word not in _DIRECTIONS]
    where = [_DIRECTIONS[word] for word in words[:end] if word in _DIRECTIONS]
    return ("".join([*stem, *where, _STREETS[words[end]]]),) if stem else ()


def read_digits(value: str) -> str:
    """Write a number of at most two digits as it is spoken, in Chinese numerals.

    Examples
    --------
    >>> read_digits("1"), read_digits("12"), read_digits("20"), read_digits("318")
    ('一', '十二', '二十', '三一八')
    """
    letters = "零一二三四五六七八九"
    number = int(value)
    if len(value) > 2 or number < _TENS:
        return "".join(letters[int(digit)] for digit in value)
    tens, ones = divmod(number, _TENS)
    return ("" if tens == 1 else letters[tens]) + "十" + (letters[ones] if ones else "")
