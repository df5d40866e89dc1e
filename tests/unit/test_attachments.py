"""Files of cases: told by their content, without what they hide, kept whole under their hash."""

from __future__ import annotations

import hashlib
import io
from datetime import UTC, datetime
from pathlib import Path

import pypdf
import pytest
from PIL import Image, ImageCms

from gis_core.attachments import FolderShelf, clean_file, default_folder, open_shelf, plain_name
from gis_core.attachments.s3 import Keys, signed_headers
from gis_core.errors import NotFoundError, ParameterError, StoreUnavailableError
from tests.photos import SECRET, jpeg, paper, photo


@pytest.mark.parametrize(
    ("kind", "media_type"), [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp")]
)
def test_a_photo_tells_nothing_but_its_picture(kind, media_type):
    dirty = photo(kind)
    assert SECRET in dirty
    clean = clean_file(dirty)
    assert clean.media_type == media_type
    for data in (clean.data, clean.thumb):
        assert SECRET not in data
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            assert len(image.getexif()) == 0
            assert set(image.info) <= {
                "jfif",
                "jfif_version",
                "jfif_unit",
                "jfif_density",
                "loop",
                "background",
                "duration",
                "timestamp",
            }
    # It was taken on its side: 60 wide, 40 high in the file, and to be turned by a quarter.
    assert (clean.width, clean.height) == (40, 60)
    with Image.open(io.BytesIO(clean.data)) as image:
        red, blue = image.convert("RGB").getpixel((20, 5)), image.convert("RGB").getpixel((20, 55))
    assert red[0] > 200 > 60 > red[2]
    assert blue[2] > 200 > 60 > blue[0]


def test_the_small_picture_is_small():
    clean = clean_file(jpeg(Image.new("RGB", (1600, 400), "green")))
    with Image.open(io.BytesIO(clean.thumb)) as image:
        assert (image.format, image.size) == ("JPEG", (320, 80))
    see_through = io.BytesIO()
    Image.new("RGBA", (10, 10), (255, 0, 0, 0)).save(see_through, "PNG")
    clean = clean_file(see_through.getvalue())
    with Image.open(io.BytesIO(clean.thumb)) as image:
        assert min(image.getpixel((5, 5))) > 250
    with Image.open(io.BytesIO(clean.data)) as image:
        assert image.mode == "RGBA"


def test_colors_of_a_camera_become_everybody_s():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    clean = clean_file(jpeg(Image.new("RGB", (8, 8), (200, 100, 50)), icc_profile=profile))
    with Image.open(io.BytesIO(clean.data)) as image:
        assert "icc_profile" not in image.info
        assert all(abs(a - b) < 6 for a, b in zip(image.getpixel((4, 4)), (200, 100, 50), strict=True))
    broken = clean_file(jpeg(Image.new("RGB", (8, 8), (200, 100, 50)), icc_profile=b"no profile at all"))
    assert b"no profile" not in broken.data


@pytest.mark.parametrize(
    "image", [Image.new(mode, (9, 7)) for mode in ("L", "P", "1", "CMYK", "RGB")], ids=lambda i: i.mode
)
def test_every_kind_of_pixels_is_read(image):
    out = io.BytesIO()
    image.save(out, "JPEG" if image.mode == "CMYK" else "PNG")
    assert (clean_file(out.getvalue()).width, clean_file(out.getvalue()).height) == (9, 7)


def test_text_and_documents():
    assert clean_file("井盖松动\r\n".encode("gb18030")).data == "井盖松动\r\n".encode()
    assert clean_file(b"\xef\xbb\xbfplain").data == b"plain"
    assert clean_file("utf-16 文".encode("utf-16")).data == "utf-16 文".encode()
    html = clean_file(b"<script>alert(1)</script>")
    assert (html.media_type, html.thumb) == ("text/plain", None)


def test_a_paper_tells_nothing_but_its_pages():
    dirty = paper()
    assert dirty.count(SECRET) > 4
    clean = clean_file(dirty)
    assert (clean.media_type, clean.thumb) == ("application/pdf", None)
    for hidden in (SECRET, b"alert", b"Exif", b"pypdf"):
        assert hidden not in clean.data
    (page,) = pypdf.PdfReader(io.BytesIO(clean.data)).pages
    assert page.images[0].image.getpixel((2, 2))[0] > 200
    signed = paper(signed=True)
    assert clean_file(signed).data == signed  # its seal holds for these bytes alone


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"PK\x03\x04\x00\x00zip", "not known"),
        (b"GIF89a\x01\x00\x01\x00\x00\x00\x00;", "not known"),
        (b"\x00\x00\x00\x18ftypheic", "HEIC"),
        (b"\xff\xd8\xff\xe0 no photo", "cannot be read"),
        (b"\x89PNG\r\n\x1a\nno photo", "cannot be read"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "cannot be read"),
        (b"%PDF-1.7\n...", "PDF cannot be read .*: open it, print it"),
        (paper(password="x"), "locked"),
    ],
)
def test_what_is_not_kept(data, says):
    with pytest.raises(ParameterError, match=says):
        clean_file(data)


def test_half_a_photo_and_a_bomb_are_refused():
    with pytest.raises(ParameterError, match="cannot be read"):
        clean_file(photo("JPEG")[:-200])
    out = io.BytesIO()
    Image.new("1", (9_000, 9_000)).save(out, "PNG")
    with pytest.raises(ParameterError, match="too large"):
        clean_file(out.getvalue())


@pytest.mark.parametrize(
    ("name", "media_type", "plain"),
    [
        ("C:\\photos\\井盖.jpeg", "image/jpeg", "井盖.jpg"),
        ("../../etc/passwd", "text/plain", "passwd.txt"),
        ("a\r\nSet-Cookie: x\u202egpj.exe", "image/png", "aSet-Cookie_ xgpj.png"),
        (".png", "image/png", "png.png"),
        ("x" * 300, "application/pdf", "x" * 120 + ".pdf"),
        ("  ", "image/webp", "attachment.webp"),
    ],
)
def test_names(name, media_type, plain):
    assert plain_name(name, media_type) == plain


def test_a_folder_keeps_each_file_once_and_whole(tmp_path: Path):
    shelf = FolderShelf(tmp_path / "files")
    digest = shelf.put(b"photo")
    assert digest == shelf.put(b"photo") == hashlib.sha256(b"photo").hexdigest()
    files = [path for path in shelf.folder.rglob("*") if path.is_file()]
    assert [path.read_bytes() for path in files] == [b"photo"]
    files[0].write_bytes(b"ph")  # a disk that was full
    assert shelf.get(shelf.put(b"photo")) == b"photo"
    for missing in ("0" * 64, "../../etc/passwd"):
        with pytest.raises(NotFoundError):
            shelf.get(missing)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreUnavailableError, match="WANGGE_ATTACHMENTS"):
        FolderShelf(tmp_path / "file").put(b"photo")


def test_where_files_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert default_folder(Path("a/town.gpkg")) == Path("a/town-attachments")
    assert default_folder(None) == Path("var/wangge-attachments")
    assert open_shelf("", default=tmp_path).where == f"The folder {tmp_path}"
    assert open_shelf(str(tmp_path / "x"), default=tmp_path).where.endswith("x")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    for named, says in (
        ("ftp://x/y", "is a folder or s3://"),
        ("s3://", "is a folder or s3://"),
        ("s3://a", "AWS_ACC"),
    ):
        with pytest.raises(ParameterError, match=says):
            open_shelf(named, default=tmp_path)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cret")
    shelf = open_shelf("s3://bucket/pre/fix", default=tmp_path)
    assert "s3cret" not in repr(vars(shelf))
    with pytest.raises(ParameterError, match="WANGGE_S3_ENDPOINT"):
        open_shelf("s3://bucket", default=tmp_path, endpoint="localhost:9000")


def test_a_signature_is_the_one_that_amazon_publishes():
    """The example of a GET of an object in Amazon's description of the signature."""
    keys = Keys("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    headers = signed_headers(
        "GET",
        "examplebucket.s3.amazonaws.com",
        "/test.txt",
        keys=keys,
        at=datetime(2013, 5, 24, tzinfo=UTC),
        digest=hashlib.sha256(b"").hexdigest(),
        more={"range": "bytes=0-9"},
    )
    assert headers["Authorization"].endswith(
        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    )
