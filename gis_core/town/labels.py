"""Names and addresses of what stands in a town: compounds, buildings, communities, facilities, parks."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gis_core.town.blocks import DISTRICT_NAMES, Blocks, Superblocks, ragged
from gis_core.town.communities import Communities
from gis_core.town.footprints import Footprints
from gis_core.town.kinds import KIND_NAMES
from gis_core.town.names import NameBook, chinese_number
from gis_core.town.streets import StreetNames

__all__ = [
    "BuildingLabels",
    "Spots",
    "building_labels",
    "community_names",
    "facility_points",
    "office_names",
    "park_names",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_OFFICE_STEMS = [
    "城关",
    "中心",
    "沿江",
    "北湖",
    "南苑",
    "东城",
    "西城",
    "新城",
    "老街",
    "桥头",
    "河东",
    "河西",
    "龙山",
    "花山",
    "青山",
    "梅岭",
    "石桥",
    "杨柳",
    "枫林",
    "高新",
]


@dataclass(frozen=True)
class BuildingLabels:
    """Texts of every building; None where there is none. `place` is the text by which people call a block."""

    name: list[str | None]
    address: list[str]
    compound: list[str | None]
    place: list[str]
    street: list[str]


@dataclass
class Spots:
    """Facilities as parallel lists: point in metres, category, name."""

    point: list[Floats] = field(default_factory=list)
    category: list[str] = field(default_factory=list)
    name: list[str] = field(default_factory=list)

    def add(self, point: Floats, category: str, name: str) -> None:
        """Append one facility."""
        self.point.append(point)
        self.category.append(category)
        self.name.append(name)


def building_labels(
    superblocks: Superblocks, blocks: Blocks, block: Ints, names: StreetNames, book: NameBook
) -> BuildingLabels:
    """Name compounds and villages, number the buildings in them, and give every building its address."""
    street = _front_streets(superblocks, blocks, names)
    place = _places(superblocks, blocks, names, book)
    kinds = [KIND_NAMES[k] for k in blocks.kind]
    number = 1 + 2 * (np.arange(len(kinds)) % 97)
    counts = np.bincount(block, minlength=len(kinds))
    order = ragged(counts)[1] + 1
    estate = [kind in ("slab", "tower") for kind in kinds]
    house = [kind in ("village", "lane", "court") for kind in kinds]
    head = [
        f"{street[k]}{number[k]}号{place[k]}"
        if estate[k]
        else (place[k] if house[k] else f"{street[k]}{number[k]}号")
        for k in range(len(kinds))
    ]
    name: list[str | None] = []
    address: list[str] = []
    compound: list[str | None] = []
    for k, turn in zip(block.tolist(), order.tolist(), strict=True):
        if estate[k]:
            name.append(f"{turn}栋")
            address.append(f"{head[k]}{turn}栋")
            compound.append(place[k])
        elif house[k]:
            name.append(f"{turn}号")
            address.append(f"{head[k]}{turn}号")
            compound.append(place[k] if kinds[k] == "village" else None)
        else:
            name.append(place[k] if turn == 1 else None)
            address.append(f"{head[k]}{turn}幢" if counts[k] > 1 else head[k])
            compound.append(None)
    return BuildingLabels(name, address, compound, place, street)


def _front_streets(superblocks: Superblocks, blocks: Blocks, names: StreetNames) -> list[str]:
    """Find the main street of every block: on its own greatest side, else on a side of the superblock."""
    lattice = superblocks.lattice
    row, col = lattice.row[blocks.owner], lattice.col[blocks.owner]
    wide, high = superblocks.parts[blocks.owner].T
    on_road = np.stack([blocks.b == 0, blocks.a == wide - 1, blocks.b == high - 1, blocks.a == 0], axis=1)
    side = np.argmax(blocks.side_rank + 20 * on_road, axis=1)
    result = []
    for k, (r, c) in enumerate(zip(row.tolist(), col.tolist(), strict=True)):
        axis, edge_row, edge_col = ((0, r, c), (1, r, c + 1), (0, r + 1, c), (1, r, c))[int(side[k])]
        result.append(names.edge(axis, edge_row, edge_col, int(lattice.ring[axis][edge_row, edge_col])))
    return result


def _places(superblocks: Superblocks, blocks: Blocks, names: StreetNames, book: NameBook) -> list[str]:
    """Name every block as people do: 翠苑新村二区, 张家湾, 锦溪里三弄."""
    result: list[str] = []
    estates: dict[tuple[int, int], tuple[str, int]] = {}
    villages: dict[int, str] = {}
    lanes: dict[int, int] = {}
    ends = {
        "shop": "商场",
        "office": "大厦",
        "market": "农贸市场",
        "school": "",
        "hospital": "医院",
        "industry": "工业园",
        "park": "公园",
    }
    counts = dict.fromkeys(zip(blocks.owner.tolist(), blocks.kind.tolist(), strict=True), 0)
    for q, kind in zip(blocks.owner.tolist(), blocks.kind.tolist(), strict=True):
        counts[q, kind] += 1
    for q, code in zip(blocks.owner.tolist(), blocks.kind.tolist(), strict=True):
        kind = KIND_NAMES[code]
        if kind in ("slab", "tower"):
            stem, turn = estates.get((q, code), ("", 0))
            stem = stem or book.compound(kind)
            estates[q, code] = (stem, turn + 1)
            result.append(
                f"{stem}{chinese_number(turn + 1)}{'区' if kind == 'slab' else '期'}"
                if counts[q, code] > 1
                else stem
            )
        elif kind == "village":
            villages.setdefault(q, book.village())
            result.append(villages[q])
        elif kind in ("lane", "court"):
            lanes[q] = lanes.get(q, 0) + 1
            result.append(f"{names.lane[q]}{'里' if kind == 'lane' else '胡同'}{chinese_number(lanes[q])}弄")
        elif kind == "school":
            result.append(
                names.lane[q] + ("中学" if DISTRICT_NAMES[superblocks.district[q]] == "campus" else "小学")
            )
        else:
            result.append(names.lane[q] + ends[kind])
    return result


def community_names(
    communities: Communities, block: Ints, labels: BuildingLabels, blocks: Blocks, book: NameBook
) -> list[str]:
    """Name communities after the place in them that most buildings with a name of their own belong to."""
    used: set[str] = set()
    result = []
    order = np.argsort(communities.of_building, kind="stable")
    bounds = np.searchsorted(communities.of_building[order], np.arange(len(communities.polygon) + 1))
    for k in range(len(communities.polygon)):
        inside = np.unique(block[order[bounds[k] : bounds[k + 1]]])
        stems = [
            _stem(labels.place[b])
            for b in inside.tolist()
            if KIND_NAMES[blocks.kind[b]] in ("slab", "tower", "village")
        ]
        stems += [_stem(labels.street[b]) for b in inside.tolist()]
        free = [stem for stem in stems if stem not in used]
        stem = free[0] if free else book.lane()
        used.add(stem)
        result.append(f"{stem}社区")
    return result


def _stem(place: str) -> str:
    for end in "区期":
        if place.endswith(end):
            place = place[:-1].rstrip("一二三四五六七八九十")
    for end in ("大道", "路"):
        place = place.removesuffix(end)
    return place


def office_names(count: int, rng: np.random.Generator) -> list[str]:
    """Name street offices: 沿江街道."""
    stems = [_OFFICE_STEMS[k] for k in rng.permutation(len(_OFFICE_STEMS))]
    heads = ["", *"东西南北上中下新大小"]
    names = [f"{head}{stem}街道" for head in heads for stem in stems]
    return [
        names[k] if k < len(names) else f"{stems[k % len(stems)]}第{k // len(stems)}街道"
        for k in range(count)
    ]


def park_names(superblocks: Superblocks, blocks: Blocks, parks: Ints, names: StreetNames) -> list[str]:
    """Name parks after the lanes around them."""
    return [f"{names.lane[q]}公园" for q in blocks.owner[parks].tolist()]


def facility_points(
    superblocks: Superblocks, blocks: Blocks, buildings: Footprints, gate_side: Ints, gate: Floats,
    labels: BuildingLabels, communities: Communities, community: list[str], rng: np.random.Generator,
) -> Spots:  # fmt: skip
    """Place what people go to: in blocks of that kind, at gates, and one centre and clinic a community."""
    spots = Spots()
    categories = {"school": "school", "hospital": "hospital", "market": "marketplace", "park": "park"}
    middle = blocks.quad.mean(axis=1)
    built = np.bincount(buildings.block, minlength=len(blocks.kind)) > 0
    for k, code in enumerate(blocks.kind.tolist()):
        category = categories.get(KIND_NAMES[code])
        if category and (built[k] or category == "park"):
            spots.add(middle[k], category, labels.place[k])
        if gate_side[k] >= 0 and built[k]:
            spots.add(gate[k], "gate", f"{labels.place[k]}大门")
    centre = buildings.quad.mean(axis=1)
    order = np.argsort(communities.of_building, kind="stable")
    bounds = np.searchsorted(communities.of_building[order], np.arange(len(community) + 1))
    draw = rng.random((len(community), 3))
    for k, name in enumerate(community):
        inside = order[bounds[k] : bounds[k + 1]]
        if len(inside) == 0:
            continue
        picks = inside[(draw[k] * len(inside)).astype(np.int64)]
        stem = name.removesuffix("社区")
        spots.add(centre[picks[0]], "community_centre", f"{name}党群服务中心")
        spots.add(centre[picks[1]], "clinic", f"{stem}社区卫生服务站")
        spots.add(centre[picks[2]], "kindergarten", f"{stem}幼儿园")
        if k == 0 or communities.office[k] != communities.office[k - 1]:
            spots.add(centre[inside[len(inside) // 2]], "police", f"{stem}派出所")
    return spots
