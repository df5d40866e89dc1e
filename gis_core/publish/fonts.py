"""The Chinese font of printed sheets: widths of texts, and the few glyphs that a document needs.

The font is Noto Sans SC of the package `pylopdf-fonts-zh-cn` (SIL Open Font License 1.1, which allows embedding). It is
a CID-keyed OpenType font: a glyph is named by its CID, and a subset keeps the CIDs, so that text can be written before
it is known which glyphs there will be.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

__all__ = ["EmbeddedFont", "Typesetter", "clean_text"]

#: Above the baseline, as a fraction of the size: what capitals need.
CAP_HEIGHT = 0.733


@dataclass(frozen=True)
class _Face:
    """What is read of the font once: CID and width (thousandths of the size) of each character."""

    path: str
    cid: dict[int, int]
    width: dict[int, int]
    bbox: tuple[int, int, int, int]


@dataclass(frozen=True)
class EmbeddedFont:
    """A subset as a PDF takes it.

    Attributes
    ----------
    name : str
        PostScript name with the tag of a subset.
    cff : bytes
        The bare CFF table.
    widths : dict of int to int
        CID -> advance in thousandths of the size.
    unicode : dict of int to int
        CID -> character.
    bbox : tuple of int
        Box around all glyphs.
    """

    name: str
    cff: bytes
    widths: dict[int, int]
    unicode: dict[int, int]
    bbox: tuple[int, int, int, int]


def clean_text(text: object) -> str:
    r"""Return a text as it is set: one line, composed, without control characters.

    Examples
    --------
    >>> clean_text("a\tb\n")
    'a b'
    """
    whole = unicodedata.normalize("NFC", str(text))
    kept = "".join(" " if unicodedata.category(each) in ("Cc", "Zl", "Zp") else each for each in whole)
    return " ".join("".join(each for each in kept if unicodedata.category(each) not in ("Cf", "Cs")).split())


@dataclass
class Typesetter:
    """Measures and encodes texts, and remembers which characters were used.

    Attributes
    ----------
    missing : set of str
        Characters that the font does not have; an empty box is printed for each.
    """

    missing: set[str] = field(default_factory=set)
    _used: set[int] = field(default_factory=set)

    def width(self, text: str, size: float) -> float:
        """Return the width of a text in the unit of `size`."""
        face = _face()
        return sum(face.width[face.cid.get(ord(each), 0)] for each in text) * size / 1000.0

    def encode(self, text: str) -> str:
        """Return a text as the hexadecimal string of a PDF, two bytes a character."""
        face = _face()
        for each in text:
            if ord(each) in face.cid:
                self._used.add(ord(each))
            else:
                self.missing.add(each)
        return "".join(f"{face.cid.get(ord(each), 0):04X}" for each in text)

    def fit(self, text: str, size: float, room: float) -> str:
        """Cut a text that is wider than `room` and end it with an ellipsis."""
        if self.width(text, size) <= room:
            return text
        while text and self.width(text + "…", size) > room:
            text = text[:-1]
        return text.rstrip() + "…" if text else ""

    def lines(self, text: str, size: float, room: float, *, limit: int) -> list[str]:
        """Break a text into at most `limit` lines: at spaces, between Chinese characters; the last one is cut."""
        lines: list[str] = []
        rest = text
        while rest and len(lines) < limit - 1 and self.width(rest, size) > room:
            end = self._break(rest, size, room)
            lines.append(rest[:end].rstrip())
            rest = rest[end:].lstrip()
        return [*lines, self.fit(rest, size, room)] if rest else lines

    def _break(self, text: str, size: float, room: float) -> int:
        end = 1
        while end < len(text) and self.width(text[: end + 1], size) <= room:
            end += 1
        place = end
        while place > 0 and not (text[place - 1].isspace() or _wide(text[place - 1]) or _wide(text[place])):
            place -= 1
        return place or end

    def embed(self) -> EmbeddedFont:
        """Cut the font down to what was used."""
        from fontTools import subset
        from fontTools.ttLib import TTFont

        face = _face()
        options = subset.Options(
            layout_features=[], hinting=True, name_IDs=[], notdef_outline=True, glyph_names=False
        )
        options.drop_tables += ["GPOS", "GSUB", "GDEF", "BASE", "VORG", "vhea", "vmtx"]
        with TTFont(face.path, lazy=True) as font:
            cutter = subset.Subsetter(options)
            cutter.populate(unicodes=sorted(self._used))
            cutter.subset(font)
            table: Any = font["CFF "]
            data: bytes = table.compile(font)
        cids = {face.cid[each]: each for each in sorted(self._used, reverse=True)}
        return EmbeddedFont(
            name="WANGGE+NotoSansSC-Regular",
            cff=data,
            widths={cid: face.width[cid] for cid in sorted({0, *cids})},
            unicode=dict(sorted(cids.items())),
            bbox=face.bbox,
        )


def _wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in ("W", "F")


@lru_cache(maxsize=1)
def _face() -> _Face:
    """Read the font's tables; about 0.2 s, once a process."""
    import pylopdf_fonts_zh_cn
    from fontTools.ttLib import TTFont

    path = str(pylopdf_fonts_zh_cn.sans_path())
    with TTFont(path, lazy=True) as font:
        cmap: dict[int, str] = font.getBestCmap()
        metrics: dict[str, tuple[int, int]] = font["hmtx"].metrics
        head: Any = font["head"]
        bbox = (head.xMin, head.yMin, head.xMax, head.yMax)
        cid = {character: int(name.removeprefix("cid")) for character, name in cmap.items()}
        width = {int(name.removeprefix("cid")): metrics[name][0] for name in cmap.values()}
        width[0] = metrics[".notdef"][0]
    return _Face(path, cid, width, bbox)
