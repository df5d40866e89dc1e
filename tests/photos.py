"""Photos as phones take them: on their side, with the place and whatever else in their metadata."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image, PngImagePlugin

__all__ = ["SECRET", "jpeg", "photo"]

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
