"""How names sound: letters without tones, and initials; pypinyin is asked for what one letter does not decide."""

from __future__ import annotations

import re
from functools import lru_cache

from gis_core.locate.address_text import read_digits

__all__ = ["initials_of", "sound_of", "sounds_of"]

_HAN = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]")
_LU = re.compile(r"(?<=[ln])v")
_NUMBER = re.compile(r"[0-9]+")
_RUN = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]+|[^\u3400-\u9fff\U00020000-\U0003ffff]+")


@lru_cache(maxsize=32_768)
def _letter(han: str) -> tuple[str, bool]:
    """Return how one letter sounds, and whether it always does."""
    from pypinyin import Style, pinyin

    readings = [_plain(one) for one in pinyin(han, style=Style.NORMAL, heteronym=True)[0]]
    return readings[0], len(set(readings)) == 1


def _plain(sound: str) -> str:
    """Return a syllable as it is typed: lü and lv are lu here, whoever types either finds it."""
    sound = sound.casefold().replace("ü", "v")
    return sound.replace("v", "u") if sound[:1] in ("n", "l") else sound


def _syllables(run: str) -> list[str]:
    known = [_letter(han) for han in run]
    if len(run) == 1 or all(sure for _, sure in known):
        return [sound for sound, _ in known]
    from pypinyin import lazy_pinyin

    return [_plain(one) for one in lazy_pinyin(run)]


def sound_of(text: str) -> list[str]:
    """Return the sound of each letter of a folded text; what is not Chinese sounds as it is written.

    Examples
    --------
    >>> sound_of("重庆路A1")
    ['chong', 'qing', 'lu', 'A', '1']
    """
    result: list[str] = []
    for run in _RUN.findall(text):
        result.extend(_syllables(run) if _HAN.match(run) else _LU.sub("u", run))
    return result


def sounds_of(text: str) -> tuple[str, ...]:
    """Return how a name sounds: with its digits, and, where it has some, with them spoken.

    Examples
    --------
    >>> sounds_of("中山东1路"), sounds_of("绿地")
    (('zhongshandong1lu', 'zhongshandongyilu'), ('ludi',))
    """
    plain = "".join(sound_of(text))
    if not any(letter.isdigit() for letter in text) or not _HAN.search(text):
        return (plain,)
    spoken = "".join(sound_of(_NUMBER.sub(lambda match: read_digits(match[0]), text)))
    if not text.endswith("弄"):
        return plain, spoken
    # As a lane it is long; the dictionaries give nong first, and people type both.
    return tuple(
        head.removesuffix("nong").removesuffix("long") + end
        for head in (plain, spoken)
        for end in ("nong", "long")
    )


def initials_of(text: str) -> str:
    """Return the first letter of each syllable; empty where the text is not mostly Chinese.

    Examples
    --------
    >>> initials_of("清庆小区1区"), initials_of("Main")
    ('qqxq1q', '')
    """
    if 2 * len(_HAN.findall(text)) <= len(text):
        return ""
    return "".join(sound[:1] for sound in sound_of(text))
