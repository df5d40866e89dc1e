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
        "31,24 121,49", "31,24; 121,49", "31,24, 121,49", "121,49° E 31,24° N", "31。24，121。49",
        "３１。２４，１２１。４９",
        "31º14’24”N 121º29’24”E", "31°14´24´´N 121°29´24´´E", "31°14`24\"N, 121°29`24\"E",
        "31°14'24,0\"N 121°29'24,0\"E",
        "31-14-24N 121-29-24E", "N31-14-24 E121-29-24", "31:14:24N 121:29:24E", "31:14:24 121:29:24",
        "31d14m24sN 121d29m24sE", "31d14m24s N, 121d29m24s E", "31d 14' 24\" N 121d 29' 24\" E",
        "31 deg 14 min 24 sec N, 121 deg 29 min 24 sec E", "N 31 14 24 E 121 29 24", "N31 14.400 E121 29.400",
        "N31 14.4, E121 29.4", "lat=31.24&lon=121.49", "latitude 31.24 longitude 121.49", "Lat 31.24 Long 121.49",
        '{"lat":31.24,"lng":121.49}', '{"latitude": 31.24, "longitude": 121.49}', "{lng: 121.49, lat: 31.24}",
        '{"x":121.49,"y":31.24}', "X=121.49 Y=31.24", "MULTIPOINT((121.49 31.24))", "geo:0,0?q=31.24,121.49(Here)",
        "geo:31.24,121.49;u=35", "https://www.google.com/maps/search/31.24,+121.49?entry=tts",
        "https://www.google.com/maps/place/31%C2%B014'24.0%22N+121%C2%B029'24.0%22E/@31,121,17z",
        "https://www.google.com/maps/dir/31.1,121.1/31.24,121.49/@31.2,121.4,12z",
        "https://www.google.com/maps/search/?api=1&query=31.24%2C121.49", "https://yandex.com/maps/?ll=121.49,31.24&z=15",
        "https://share.here.com/l/31.24,121.49,X", "https://wego.here.com/?map=31.24,121.49,15,normal",
        "https://waze.com/ul?ll=31.24%2C121.49&navigate=yes",
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
        ("https://www.amap.com/?p=B00155L3CJ,31.24,121.49,name,road", "gcj02"),
        ("https://uri.amap.com/navigation?to=121.49,31.24,end&mode=car", "gcj02"),
        ("amapuri://route/plan/?dlat=31.24&dlon=121.49&dname=B&dev=0", "gcj02"),
        ("androidamap://viewMap?poiname=p&lat=31.24&lon=121.49&dev=1", "wgs84"),
        ("https://api.map.baidu.com/direction?destination=name:b|latlng:31.24,121.49&mode=driving", "bd09"),
        ("baidumap://map/marker?location=31.24,121.49&coord_type=wgs84", "wgs84"),
        ("https://apis.map.qq.com/uri/v1/routeplan?type=drive&to=x&tocoord=31.24,121.49", "gcj02"),
        ("https://map.qq.com/?type=marker&pointx=121.49&pointy=31.24&name=x", "gcj02"),
        ("https://map.tianditu.gov.cn/?center=121.49,31.24&zoom=9", "cgcs2000"),
        ("https://www.openstreetmap.org/directions?to=31.24%2C121.49", "wgs84"),
        ("https://www.google.cn/maps/@31.24,121.49,15z", "gcj02"),
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


def test_open_location_codes() -> None:
    for text, y, x in (("8FVC2222+22", 47.0000625, 8.0000625), ("7fg49qcj+2vx", 20.3701125, 2.782234375)):
        (reading,) = read_place(text)
        assert (reading.x, reading.y, reading.crs) == (
            pytest.approx(x, abs=1e-8),
            pytest.approx(y, abs=1e-8),
            "wgs84",
        )


def test_long_texts_are_read_at_once() -> None:
    for text in (
        "1 " * 999,
        " " * 2000,
        "1:" * 999,
        "N " * 999,
        "1°" * 999,
        "1-" * 999,
        "1," * 999,
        "d1m" * 600,
    ):
        assert read_place(text) == []


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
        "POINT EMPTY", "09:30 10:45", "1-2-3 4-5-6", "https://example.org/2024/12,5", "2,5 m", "GRID+22",
 "POINT(500000 3300000)", "3-502, 12", "http://[", "9" * 3000,
    ],
)  # fmt: skip
def test_what_is_no_place(text: str) -> None:
    assert read_place(text) == []
