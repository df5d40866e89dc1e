"""A small writer of PDF 1.7: vector pages, one embedded Chinese font, links between pages, bookmarks.

Text stays text (it can be searched and copied), and the same pages give the same bytes.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from gis_core.publish.fonts import EmbeddedFont

__all__ = ["ALPHAS", "Link", "Page", "write_pdf"]

#: Opacities that a page may use; the name of each is `/A` and its percentage.
ALPHAS = (10, 15, 20, 35, 45, 55, 75, 85, 100)


@dataclass(frozen=True)
class Link:
    """A place on a page (points from the lower left corner) that leads to another page."""

    box: tuple[float, float, float, float]
    page_ix: int


@dataclass
class Page:
    """A page: its size in points, its drawing, its links, and its title among the bookmarks."""

    width: float
    height: float
    content: bytes
    title: str
    links: list[Link] = field(default_factory=list)


class _Objects:
    """The numbered objects of a file."""

    def __init__(self) -> None:
        self._bodies: list[bytes] = []

    def reserve(self) -> int:
        self._bodies.append(b"")
        return len(self._bodies)

    def put(self, number: int, body: str | bytes) -> int:
        self._bodies[number - 1] = body.encode("ascii") if isinstance(body, str) else body
        return number

    def add(self, body: str | bytes) -> int:
        return self.put(self.reserve(), body)

    def stream(self, data: bytes, entries: str = "") -> int:
        packed = zlib.compress(data, 6)
        head = f"<< {entries}/Length {len(packed)} /Filter /FlateDecode >>\nstream\n".encode("ascii")
        return self.add(head + packed + b"\nendstream")

    def write(self, root: int, info: int) -> bytes:
        out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
        offsets = []
        for number, body in enumerate(self._bodies, start=1):
            offsets.append(len(out))
            out += f"{number} 0 obj\n".encode("ascii") + body + b"\nendobj\n"
        start = len(out)
        out += f"xref\n0 {len(offsets) + 1}\n0000000000 65535 f \n".encode("ascii")
        out += b"".join(f"{offset:010d} 00000 n \n".encode("ascii") for offset in offsets)
        size = len(offsets) + 1
        out += f"trailer\n<< /Size {size} /Root {root} 0 R /Info {info} 0 R >>\n".encode("ascii")
        return bytes(out) + f"startxref\n{start}\n%%EOF\n".encode("ascii")


def write_pdf(pages: list[Page], font: EmbeddedFont, *, title: str, language: str, made: datetime) -> bytes:
    """Put pages together into a file.

    Parameters
    ----------
    pages : list of Page
        At least one; their contents name the font `/F1` and the opacities `/A10` to `/A100`.
    font : EmbeddedFont
        With every glyph that the pages use.
    title, language : str
        Title of the document; language of its texts (`zh-CN`, `en`).
    made : datetime
        Date in the file's properties.

    Returns
    -------
    bytes
    """
    objects = _Objects()
    tree = objects.reserve()
    resources = objects.add(_resources(_font(objects, font)))
    numbers = [objects.reserve() for _ in pages]
    for number, page in zip(numbers, pages, strict=True):
        content = objects.stream(page.content)
        links = " ".join(_link(each, numbers) for each in page.links)
        objects.put(
            number,
            f"<< /Type /Page /Parent {tree} 0 R /MediaBox [0 0 {page.width:.2f} {page.height:.2f}] "
            f"/Resources {resources} 0 R /Contents {content} 0 R /Annots [{links}] "
            "/Group << /S /Transparency /CS /DeviceRGB >> >>",
        )
    kids = " ".join(f"{number} 0 R" for number in numbers)
    objects.put(tree, f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>")
    outlines = _outlines(objects, [page.title for page in pages], numbers)
    root = objects.add(
        f"<< /Type /Catalog /Pages {tree} 0 R /Outlines {outlines} 0 R /PageMode /UseOutlines "
        f"/Lang {_text(language)} /ViewerPreferences << /DisplayDocTitle true >> >>"
    )
    stamp = made.strftime("%Y%m%d%H%M%S")
    info = objects.add(f"<< /Title {_text(title)} /Creator {_text('Wangge')} /CreationDate (D:{stamp}Z) >>")
    return objects.write(root, info)


def _text(text: str) -> str:
    """Return a text string of the file: UTF-16 with its mark, in hexadecimal."""
    return f"<FEFF{text.encode('utf-16-be').hex().upper()}>"


def _resources(font: int) -> str:
    states = " ".join(f"/A{each} << /ca {each / 100} /CA {each / 100} >>" for each in ALPHAS)
    return f"<< /Font << /F1 {font} 0 R >> /ExtGState << {states} >> >>"


def _link(link: Link, numbers: list[int]) -> str:
    box = " ".join(f"{value:.2f}" for value in link.box)
    return f"<< /Type /Annot /Subtype /Link /Rect [{box}] /Border [0 0 0] /Dest [{numbers[link.page_ix]} 0 R /Fit] >>"


def _outlines(objects: _Objects, titles: list[str], pages: list[int]) -> int:
    root = objects.reserve()
    items = [objects.reserve() for _ in titles]
    for place, (item, title, page) in enumerate(zip(items, titles, pages, strict=True)):
        before = f"/Prev {items[place - 1]} 0 R " if place else ""
        after = f"/Next {items[place + 1]} 0 R " if place + 1 < len(items) else ""
        objects.put(
            item,
            f"<< /Title {_text(title)} /Parent {root} 0 R {before}{after}/Dest [{page} 0 R /Fit] >>",
        )
    ends = f"/First {items[0]} 0 R /Last {items[-1]} 0 R " if items else ""
    return objects.put(root, f"<< /Type /Outlines {ends}/Count {len(items)} >>")


def _font(objects: _Objects, font: EmbeddedFont) -> int:
    """Write the font as a composite font whose codes are its CIDs (Identity-H)."""
    program = objects.stream(font.cff, "/Subtype /CIDFontType0C ")
    box = " ".join(map(str, font.bbox))
    descriptor = objects.add(
        f"<< /Type /FontDescriptor /FontName /{font.name} /Flags 4 /FontBBox [{box}] /ItalicAngle 0 /Ascent 880 "
        f"/Descent -120 /CapHeight 733 /StemV 80 /FontFile3 {program} 0 R >>"
    )
    widths = " ".join(f"{cid} [{width}]" for cid, width in font.widths.items())
    descendant = objects.add(
        f"<< /Type /Font /Subtype /CIDFontType0 /BaseFont /{font.name} "
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> "
        f"/FontDescriptor {descriptor} 0 R /DW 1000 /W [{widths}] >>"
    )
    unicode = objects.stream(_to_unicode(font.unicode.items()))
    return objects.add(
        f"<< /Type /Font /Subtype /Type0 /BaseFont /{font.name}-Identity-H /Encoding /Identity-H "
        f"/DescendantFonts [{descendant} 0 R] /ToUnicode {unicode} 0 R >>"
    )


def _to_unicode(pairs: Iterable[tuple[int, int]]) -> bytes:
    """Write the table that turns codes back into characters, a hundred a block as the format demands."""
    rows = [f"<{cid:04X}> <{chr(each).encode('utf-16-be').hex().upper()}>" for cid, each in pairs]
    blocks = [rows[i : i + 100] for i in range(0, len(rows), 100)]
    body = "\n".join(f"{len(each)} beginbfchar\n" + "\n".join(each) + "\nendbfchar" for each in blocks)
    text = (
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
        "/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
        f"1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n{body}\n"
        "endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n"
    )
    return text.encode("ascii")
