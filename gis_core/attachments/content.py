"""What a file is by its content, and the same file without what it tells unasked.

Photos are drawn anew from their pixels, turned upright, in sRGB: place, device, time, comments and whatever else stood
in the file beside the picture are gone, and so is what only pretended to be one. PDF is written anew, text as UTF-8.
"""

from __future__ import annotations

import io
import re
import threading
import unicodedata
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from gis_core.attachments.pdf import clean_pdf
from gis_core.errors import ParameterError

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["MEDIA_TYPES", "THUMB_PX", "CleanFile", "clean_file", "plain_name"]

#: Media type of each kind that is kept -> ending of its name.
MEDIA_TYPES: dict[str, str] = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "application/pdf": "pdf",
    "text/plain": "txt",
}
#: Longer side of the small picture.
THUMB_PX = 320
#: Pixels of a photo that is kept as large as it is; a JPEG above it is read at half the size, others are refused.
_MOST_PIXELS = 64_000_000
_MOST_JPEG_PIXELS = 4 * _MOST_PIXELS
_QUALITY, _THUMB_QUALITY = 90, 80
_LONGEST_NAME = 120
_BOM16 = (b"\xff\xfe", b"\xfe\xff")
#: Control characters that text does not hold.
_CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f]")
_WHAT = "Photos (JPEG, PNG, WebP), PDF and plain text are kept"
# Each photo takes up to half a gigabyte while it is drawn anew, a PDF some.
_at_once = threading.BoundedSemaphore(2)


@dataclass(frozen=True)
class CleanFile:
    """A file as it is kept.

    Attributes
    ----------
    media_type : str
        One of `MEDIA_TYPES`.
    data : bytes
    thumb : bytes or None
        Of photos: a JPEG of at most 320 pixels a side.
    width, height : int or None
        Of photos, pixels.
    """

    media_type: str
    data: bytes
    thumb: bytes | None = None
    width: int | None = None
    height: int | None = None


def clean_file(data: bytes) -> CleanFile:
    """Tell what a file is, and take out what it tells unasked.

    Raises
    ------
    ParameterError
        Where it is of no kind that is kept, broken, or too large a picture.
    """
    if not data:
        raise ParameterError(f"The file is empty. {_WHAT}.")
    if data.startswith(b"\xff\xd8\xff"):
        return _photo(data, "image/jpeg", ("JPEG", "MPO"))
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return _photo(data, "image/png", ("PNG",))
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _photo(data, "image/webp", ("WEBP",))
    if data.startswith(b"%PDF-"):
        with _at_once:
            return CleanFile("application/pdf", clean_pdf(data))
    if data[4:8] == b"ftyp":
        raise ParameterError(
            f"This is a HEIC photo or a video, which is not kept. {_WHAT}; let the camera save JPEG."
        )
    text = _text(data)
    if text is None:
        raise ParameterError(f"What this file holds is not known. {_WHAT}, whatever the file is called.")
    return CleanFile("text/plain", text.encode())


def plain_name(name: str, media_type: str) -> str:
    """Return the name of a file without folders and control characters, with the ending of what it is.

    Examples
    --------
    >>> plain_name("../照片 1.PNG.exe", "image/jpeg")
    '照片 1.PNG.jpg'
    >>> plain_name("", "text/plain")
    'attachment.txt'
    """
    ending = MEDIA_TYPES[media_type]
    last = PurePosixPath(name.replace("\\", "/")).name
    last = "".join(letter for letter in last if unicodedata.category(letter)[0] != "C")
    stem = PurePosixPath(last).stem if PurePosixPath(last).suffix else last
    stem = re.sub(r'[<>:"|?*]+', "_", stem).strip(" .")[:_LONGEST_NAME]
    return f"{stem or 'attachment'}.{ending}"


def _text(data: bytes) -> str | None:
    """Read plain text in the encodings of usual editors; None where it is none."""
    encodings = ("utf-16",) if data.startswith(_BOM16) else ("utf-8-sig", "gb18030")
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        return None if _CONTROL.search(text) else text
    return None


def _photo(data: bytes, media_type: str, formats: tuple[str, ...]) -> CleanFile:
    with _at_once:
        try:
            return _drawn_anew(data, media_type, formats)
        except ParameterError:
            raise
        except Exception as error:  # a decoder may fail in any way on what a stranger wrote
            reason = str(error).strip().rstrip(".")[:200] or type(error).__name__
            raise ParameterError(f"The picture cannot be read: {reason}. Take or save it again.") from None


def _drawn_anew(data: bytes, media_type: str, formats: tuple[str, ...]) -> CleanFile:
    from PIL import Image, ImageOps

    with Image.open(io.BytesIO(data), formats=formats) as opened:
        width, height = opened.size
        pixels = width * height
        if pixels > (_MOST_JPEG_PIXELS if media_type == "image/jpeg" else _MOST_PIXELS):
            raise ParameterError(f"The picture of {width} x {height} pixels is too large; make it smaller.")
        if pixels > _MOST_PIXELS:
            opened.draft("RGB", (width // 2, height // 2))
        opened.load()
        profile = opened.info.get("icc_profile")
        upright = ImageOps.exif_transpose(opened)
    image = _plain(_in_srgb(upright, profile), media_type)
    thumb = _flat(image)
    thumb.thumbnail((THUMB_PX, THUMB_PX))
    return CleanFile(
        media_type,
        _saved(image, media_type, _QUALITY),
        _saved(thumb, "image/jpeg", _THUMB_QUALITY),
        *image.size,
    )


def _in_srgb(image: Image, profile: bytes | None) -> Image:
    """Turn colors of a camera's own kind into those that everybody shows; as they are where that cannot be."""
    from PIL import ImageCms

    if not profile or image.mode not in ("RGB", "RGBA", "L", "CMYK"):
        return image
    mode = "RGBA" if image.mode == "RGBA" else "RGB"
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        turned = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode=mode)
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image
    return image if turned is None else turned


def _plain(image: Image, media_type: str) -> Image:
    """Return the pixels alone, in a mode that the format holds."""
    has_alpha = image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info
    if media_type == "image/jpeg":
        mode = "L" if image.mode in ("L", "1") else "RGB"
    else:
        mode = "RGBA" if has_alpha else "RGB"
    plain = image.convert(mode) if image.mode != mode else image.copy()
    plain.info = {}
    return plain


def _flat(image: Image) -> Image:
    """Return a picture on white, without transparency."""
    from PIL import Image as Images

    if image.mode != "RGBA":
        return image.convert("RGB")
    white = Images.new("RGB", image.size, "white")
    white.paste(image, mask=image.getchannel("A"))
    return white


def _saved(image: Image, media_type: str, quality: int) -> bytes:
    out = io.BytesIO()
    if media_type == "image/png":
        image.save(out, "PNG")
    elif media_type == "image/webp":
        image.save(out, "WEBP", quality=quality)
    else:
        image.save(out, "JPEG", quality=quality, optimize=image.width * image.height < 16_000_000)
    return out.getvalue()
