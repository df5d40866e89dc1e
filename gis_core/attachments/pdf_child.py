"""Child process that writes a PDF of a stranger anew, without what it tells unasked; from standard input to output.

Started by `pdf.clean_pdf`, with limits, since who wrote the file may have meant harm. Imports nothing of the project.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from typing import Any

#: Exit codes that the parent turns into sentences.
EXIT_LOCKED, EXIT_BROKEN, EXIT_SIGNED, EXIT_MEMORY = 65, 66, 67, 70
#: Seconds of processor time, and bytes of memory.
_SECONDS, _MEMORY = 60, 3 << 30
#: What no page shows: XMP, data and dates of programs, small pictures of pages, and what would run by itself.
_HIDDEN = ("/Metadata", "/PieceInfo", "/LastModified", "/Thumb", "/AA", "/SpiderInfo")
_RUNS = ("/JavaScript", "/Launch")
#: Parts of a JPEG that are no picture: comments, and all of programs but size, colors (ICC, Adobe).
_COMMENT, _FIRST_APP, _LAST_APP, _KEPT_APPS = 0xFE, 0xE0, 0xEF, (0xE0, 0xE2, 0xEE)
_SCAN, _END, _FILL = 0xDA, 0xD9, 0xFF
#: Ends what stands behind the header of a scan.
_MARK = re.compile(b"\xff[^\x00\xd0-\xd7\xff]")


def main() -> int:
    """Read, clean and write; return the exit code."""
    _limit()
    try:
        out = cleaned(sys.stdin.buffer.read())
    except MemoryError:
        return EXIT_MEMORY
    except RecursionError:
        sys.stderr.write("it is nested too deeply")
        return EXIT_BROKEN
    except Exception as error:  # a reader may fail in any way on what a stranger wrote
        sys.stderr.write(str(error).strip() or type(error).__name__)
        return EXIT_BROKEN
    if isinstance(out, int):
        return out
    sys.stdout.buffer.write(out)
    return 0


def cleaned(data: bytes) -> bytes | int:
    """Return the PDF without what it hides; an exit code where it is locked or signed."""
    from pypdf import PdfReader, PdfWriter

    reader = PdfReader(io.BytesIO(data))
    if reader.is_encrypted:
        return EXIT_LOCKED
    if len(reader.pages) == 0:
        raise ValueError("it has no pages")
    writer = PdfWriter(clone_from=reader)
    if any(_is_signature(each) for each in _dictionaries(writer)):
        return EXIT_SIGNED
    writer.metadata = None
    root = writer.root_object
    root.pop("/OpenAction", None) if _runs(root.get("/OpenAction")) else None
    names = root.get("/Names")
    if names is not None:
        names.get_object().pop("/JavaScript", None)
    for each in list(_dictionaries(writer)):
        _clean(each)
    writer.compress_identical_objects(remove_duplicates=False)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def without_exif(jpeg: bytes) -> bytes:
    """Return a JPEG without what cameras and programs wrote beside and behind the picture.

    Examples
    --------
    >>> without_exif(bytes.fromhex("ffd8 ffe10004 4142 fffe0003 43 ffda0002 01ff00 ffd9 41")).hex(" ", -2)
    'ffd8 ffda 0002 01ff 00ff d9'
    """
    if not jpeg.startswith(b"\xff\xd8"):
        return jpeg  # no picture that anybody shows
    kept, at = [b"\xff\xd8"], 2
    while at + 4 <= len(jpeg) and jpeg[at] == 0xFF and jpeg[at + 1] != _END:
        mark, size = jpeg[at + 1], 2 + int.from_bytes(jpeg[at + 2 : at + 4])
        if mark == _FILL:
            at += 1
            continue
        end = at + size
        if mark == _SCAN:
            found = _MARK.search(jpeg, end)
            end = len(jpeg) if found is None else found.start()
        is_app = _FIRST_APP <= mark <= _LAST_APP
        if mark != _COMMENT and not (is_app and mark not in _KEPT_APPS):
            kept.append(jpeg[at:end])
        at = end
    is_whole = jpeg[at : at + 2] == b"\xff\xd9"
    return b"".join([*kept, b"\xff\xd9" if is_whole else jpeg[at:]])


def _limit() -> None:
    try:
        import resource
    except ImportError:  # not on Windows
        return
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))


def _dictionaries(writer: Any) -> Iterator[Any]:
    """Give every dictionary and stream, those inside others too."""
    from pypdf.generic import ArrayObject, DictionaryObject

    waiting = [each for each in writer._objects if each is not None]
    while waiting:
        each = waiting.pop()
        if isinstance(each, DictionaryObject):
            yield each
            waiting += [part for part in each.values() if isinstance(part, DictionaryObject | ArrayObject)]
        elif isinstance(each, ArrayObject):
            waiting += [part for part in each if isinstance(part, DictionaryObject | ArrayObject)]


def _is_signature(each: Any) -> bool:
    """Tell whether this is a seal over the bytes of the file."""
    return "/ByteRange" in each and "/Contents" in each


def _runs(action: Any) -> bool:
    action = None if action is None else action.get_object()
    return isinstance(action, dict) and action.get("/S") in _RUNS


def _clean(each: Any) -> None:
    """Take what is hidden out of a dictionary, and out of the picture that it may be."""
    from pypdf.generic import StreamObject

    for name in _HIDDEN:
        each.pop(name, None)
    if _runs(each.get("/A")):
        each.pop("/A")
    if isinstance(each, StreamObject) and each.get("/Filter") in ("/DCTDecode", ["/DCTDecode"]):
        each._data = without_exif(each._data)


if __name__ == "__main__":
    sys.exit(main())
