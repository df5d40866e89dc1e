"""Places as people paste them."""

import pytest

from gis_core.locate.place import read_place

SHANGHAI = (121.0, 31.0, 122.0, 31.5)


@pytest.mark.parametrize(
    "text",
    [
        "121.49 31.24", "121.49,31.24", "(121.49, 31.24)", "[121.49,31.24]", "１２１．４９，３１．２４",
        "121.49°,31.24°",
        "121.49E 31.24N", "E121.49, N31.24", "31.24N 121.49E", "31.24° N, 121.49° E", "31.24; 121.49", "31.24 / 121.49",
        "31°14'24\"N 121°29'24\"E", "31°14′24″N, 121°29′24″E", "北纬31度14分24秒，东经121度29分24秒",
        "N31°14.4' E121°29.4'",
        "31 14 24 N 121 29 24 E", "31 14.4N, 121 29.4E", "东经121.49，北纬31.24", "lat: 31.24, lon: 121.49",
        "经度:121.49 纬度:31.24", "lng=121.49,lat=31.24", "POINT (121.49 31.24)", "point z(121.49 31.24 7)",
        '{"type":"Point","coordinates":[121.49,31.24]}',
        '{"type":"Feature","properties":{},"geometry":{"type":"Point","coordinates":[121.49,31.24,3]}}',
        "geo:31.24,121.49?z=15", "https://www.google.com/maps/@31.24,121.49,17z",
        "https://www.google.com/maps/place/X/@31.0,121.0,17z/data=!3m1!4b1!4m6!3m5!8m2!3d31.24!4d121.49",
        "https://maps.google.com/?q=31.24,121.49", "https://www.bing.com/maps?cp=31.24~121.49&lvl=16",
        "https://maps.apple.com/?ll=31.24,121.49",
    ],
)  # fmt: skip
def test_one_place_in_every_form(text: str) -> None:
    (reading,) = read_place(text)
    assert (reading.x, reading.y) == pytest.approx((121.49, 31.24), abs=1e-12)
    assert reading.crs in (None, "wgs84")


@pytest.mark.parametrize(
    ("text", "crs"),
    [
        ("https://www.openstreetmap.org/#map=17/31.24/121.49", "wgs84"),
        ("https://www.openstreetmap.org/?mlat=31.24&mlon=121.49#map=5/0/0", "wgs84"),
        ("https://uri.amap.com/marker?position=121.49,31.24&name=x", "gcj02"),
        ("https://uri.amap.com/marker?position=121.49,31.24&coordinate=wgs84", "wgs84"),
        ("http://api.map.baidu.com/marker?location=31.24,121.49&title=x&output=html", "bd09"),
        ("http://api.map.baidu.com/marker?location=31.24,121.49&coord_type=gcj02", "gcj02"),
        ("https://apis.map.qq.com/uri/v1/marker?marker=coord:31.24,121.49;title:x", "gcj02"),
        ("https://evil-amap.com/?q=31.24,121.49", None),
        ("SRID=4490;POINT(121.49 31.24)", "EPSG:4490"),
    ],
)
def test_the_datum_is_what_the_text_says(text: str, crs: str | None) -> None:
    (reading,) = read_place(text)
    assert (reading.x, reading.y, reading.crs) == (121.49, 31.24, crs)


def test_both_orders_are_offered_where_both_are_possible() -> None:
    assert [(r.x, r.y, r.order) for r in read_place("9.52 47.14")] == [
        (9.52, 47.14, "lon-lat"),
        (47.14, 9.52, "lat-lon"),
    ]
    first = read_place("47.14 9.52", (9.4, 47.0, 9.6, 47.3))[0]
    assert (first.x, first.y, first.order) == (9.52, 47.14, "lat-lon")
    assert [r.order for r in read_place("31.24 121.49", SHANGHAI)] == ["lat-lon"]


def test_the_south_and_the_west() -> None:
    for text in ("33°51'S 70°40'W", "-33.85, -70.66667", "33.85S 70.66667W", "南纬33.85 西经70.66667"):
        readings = read_place(text, (-71.0, -34.0, -70.0, -33.0))
        assert (readings[0].x, readings[0].y) == pytest.approx((-70.66667, -33.85), abs=1e-5)


@pytest.mark.parametrize(
    "text",
    [
        "", "121.49", "渔人码头3号楼", "12 Main Street 5", "1,2,3", "200 100", "95N 10E", "31.24N 121.49N",
        "31°75'N 121°E",
        "N31.24N 121", "https://example.org/", "https://map.baidu.com/@12958160,4825907,13z", "{", "{}",
        '{"coordinates":[1,"a"]}',
        "POINT EMPTY", "POINT(500000 3300000)", "3-502, 12", "http://[", "9" * 3000,
    ],
)  # fmt: skip
def test_what_is_no_place(text: str) -> None:
    assert read_place(text) == []
