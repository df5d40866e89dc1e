"""Photos as phones take them: on their side, with the place and whatever else in their metadata; papers with such."""

from __future__ import annotations

import io
from typing import Any

import pypdf
from PIL import Image, PngImagePlugin
from pypdf import generic

__all__ = ["SECRET", "jpeg", "paper", "photo"]

#: Stands in the metadata of every photo here.
SECRET = b"at home in Lane 7"
_TURN_RIGHT = 6


def jpeg(image: Image.Image, **more: Any) -> bytes:
    """Write a picture as JPEG."""
    out = io.BytesIO()
    image.save(out, "JPEG", quality=95, **more)
    return out.getvalue()


def photo(kind: str = "JPEG") -> bytes:
    """Take a photo, red on its left, blue on its right, to be turned by a quarter; upright it is red on top."""
    image = Image.new("RGB", (60, 40), "red")
    image.paste("blue", (30, 0, 60, 40))
    exif = Image.Exif()
    exif[0x0112] = _TURN_RIGHT
    exif[0x010E] = SECRET.decode()
    place = exif.get_ifd(0x8825)
    place.update({1: "N", 2: (31.0, 13.0, 7.0), 3: "E", 4: (121.0, 29.0, 2.0)})
    out = io.BytesIO()
    more: dict[str, Any] = {"exif": exif.tobytes()}
    if kind == "JPEG":
        more |= {"comment": SECRET, "quality": 95, "xmp": b"<x>" + SECRET + b"</x>"}
    elif kind == "PNG":
        more["pnginfo"] = PngImagePlugin.PngInfo()
        more["pnginfo"].add_text("Author", SECRET.decode())
    else:
        more |= {"xmp": b"<x>" + SECRET + b"</x>", "lossless": True}
    image.save(out, kind, **more)
    # What is appended to a photo (a film, an archive) goes too.
    return out.getvalue() + SECRET


def _named(**values: Any) -> Any:
    return generic.DictionaryObject({generic.NameObject(f"/{name}"): each for name, each in values.items()})


def _stream(data: bytes, **values: Any) -> Any:
    made = generic.StreamObject()
    made.set_data(data)
    made.update(_named(**values))
    return made


def paper(*, signed: bool = False, password: str | None = None) -> bytes:
    """Write a PDF of one page that shows a photo, with its author, data of programs, and a script."""
    name, number = generic.NameObject, generic.NumberObject
    writer = pypdf.PdfWriter()
    page, root = writer.add_blank_page(200, 200), writer.root_object
    picture = _stream(
        photo(), Type=name("/XObject"), Subtype=name("/Image"), Width=number(60), Height=number(40),
        ColorSpace=name("/DeviceRGB"), BitsPerComponent=number(8), Filter=name("/DCTDecode"),
    )  # fmt: skip
    page.update(
        _named(
            Resources=_named(XObject=_named(I=writer._add_object(picture))),
            Contents=writer._add_object(_stream(b"q 60 0 0 40 10 10 cm /I Do Q")),
            PieceInfo=_named(P=_named(Private=generic.TextStringObject(SECRET.decode()))),
        )
    )
    writer.add_metadata({"/Author": SECRET.decode()})
    script = _named(S=name("/JavaScript"), JS=generic.TextStringObject("app.alert(1)"))
    root.update(_named(Metadata=writer._add_object(_stream(b"<x>" + SECRET + b"</x>")), OpenAction=script))
    if signed:
        seal = _named(
            ByteRange=generic.ArrayObject([number(0)] * 4), Contents=generic.ByteStringObject(b"00")
        )
        root.update(_named(AcroForm=_named(Fields=generic.ArrayObject([_named(V=writer._add_object(seal))]))))
    if password is not None:
        writer.encrypt(password, algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()
