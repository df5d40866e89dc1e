"""What stands where: kinds of ground between streets, how they are built up, and what a street takes of the ground."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["DISTRICTS", "HALF_WIDTH_M", "KINDS", "KIND_NAMES", "ROADS", "District", "Kind"]

#: Street classes from the least to the greatest; positions in it are used as ranks.
ROADS = ("footway", "service", "living_street", "residential", "tertiary", "secondary", "primary", "trunk")
#: Half of the width that a street keeps free, by rank.
HALF_WIDTH_M = (1.5, 2.5, 2.6, 5.0, 8.0, 12.0, 16.0, 22.0)


class Kind(NamedTuple):
    """How one kind of ground is built up; lengths in metres.

    `rows`: straight rows of equal buildings (width, depth, gap in the row, pitch of rows). `cells`: the ground is
    divided like a village, houses fill their plots (width and depth of a plot). `open`: nothing is built.
    """

    pattern: str
    width: float
    depth: float
    gap: float
    pitch: float
    margin: float
    use: str
    shapes: tuple[str, ...]


KINDS: dict[str, Kind] = {
    "slab": Kind("rows", 52.0, 11.5, 11.0, 26.0, 5.0, "residential", ("slab", "rect")),
    "tower": Kind("rows", 34.0, 17.0, 24.0, 50.0, 9.0, "residential", ("butterfly", "cross", "tee")),
    "village": Kind("cells", 11.5, 12.5, 1.0, 0.0, 0.8, "village", ("rect", "rect", "rect", "ell")),
    "lane": Kind("cells", 24.0, 12.0, 1.0, 0.0, 1.5, "lane", ("rect", "rect", "comb")),
    "court": Kind("cells", 17.0, 19.0, 1.2, 0.0, 1.2, "lane", ("u", "ell", "rect", "ring")),
    "shop": Kind("rows", 38.0, 20.0, 9.0, 31.0, 4.0, "commercial", ("rect", "ell", "rect")),
    "office": Kind("rows", 36.0, 30.0, 22.0, 54.0, 9.0, "office", ("rect", "cross", "tee")),
    "market": Kind("rows", 62.0, 34.0, 12.0, 46.0, 7.0, "market", ("rect",)),
    "school": Kind("rows", 56.0, 13.0, 18.0, 36.0, 10.0, "school", ("rect", "u", "ell")),
    "hospital": Kind("rows", 54.0, 18.0, 16.0, 40.0, 10.0, "hospital", ("rect", "tee", "ell")),
    "industry": Kind("rows", 76.0, 36.0, 14.0, 50.0, 8.0, "industrial", ("rect", "rect", "ell")),
    "park": Kind("open", 0.0, 0.0, 0.0, 0.0, 3.0, "park", ("rect",)),
}
KIND_NAMES = tuple(KINDS)


class District(NamedTuple):
    """A superblock between main roads: where it is likely, how it is cut, and the shares of ground in it.

    `centre` and `spread` are in fractions of the radius of the town, `weight` is the likelihood there; `cut_m` is the
    usual side of a block in it; `inner` the rank of its inner streets; `wobble` how far these stray, as a fraction
    of the side.
    """

    weight: float
    centre: float
    spread: float
    cut_m: float
    inner: int
    wobble: float
    shares: dict[str, float]


DISTRICTS: dict[str, District] = {
    "core": District(
        1.6, 0.0, 0.16, 95.0, 3, 0.04, {"shop": 5, "office": 3, "lane": 4, "court": 1, "market": 1, "park": 1}
    ),
    "old": District(
        1.5,
        0.14,
        0.22,
        82.0,
        2,
        0.07,
        {"lane": 6, "court": 4, "shop": 1, "slab": 3, "school": 1, "market": 1},
    ),
    "slab": District(
        1.5, 0.45, 0.28, 150.0, 3, 0.04, {"slab": 12, "school": 1, "market": 1, "shop": 1, "park": 1}
    ),
    "tower": District(1.3, 0.72, 0.30, 195.0, 3, 0.03, {"tower": 10, "shop": 1, "school": 1, "park": 1}),
    "village": District(1.2, 0.66, 0.30, 74.0, 2, 0.12, {"village": 20, "shop": 1, "school": 1, "park": 1}),
    "campus": District(0.3, 0.60, 0.25, 190.0, 1, 0.04, {"school": 6, "slab": 2, "park": 1, "hospital": 1}),
    "hospital": District(0.2, 0.35, 0.30, 150.0, 3, 0.03, {"hospital": 3, "slab": 4, "shop": 1, "lane": 1}),
    "park": District(0.25, 0.50, 0.35, 230.0, 0, 0.05, {"park": 1}),
    "industry": District(0.6, 0.98, 0.20, 180.0, 3, 0.03, {"industry": 8, "slab": 1, "village": 1}),
    "mixed": District(
        0.0,
        0.5,
        9.0,
        100.0,
        3,
        0.07,
        {
            "village": 5,
            "lane": 4,
            "slab": 7.5,
            "court": 2,
            "shop": 1,
            "market": 0.6,
            "school": 0.8,
            "park": 0.8,
            "hospital": 0.4,
        },
    ),
}
