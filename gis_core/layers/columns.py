"""Which column of a source is which column of the dataset contract: the documented list, and `--map`.

Names are compared without case, spaces, `-`, `_` and `:`, full-width letters as plain ones. The first name
of a list that the source has wins; columns marked in `FILLED` are filled up from the later ones where the
first is blank.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from gis_core.errors import ParameterError, some_of
from gis_core.layers.sources import LAYER_ALIASES, plain

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["COLUMNS", "COUNT_COLUMNS", "FILLED", "check_mapping", "parse_mapping", "recognise", "text_column"]

_NAME = ("name", "name_zh", "name:zh", "名称", "name_en")

#: Layer -> column of the contract -> names that it may have in the source.
COLUMNS: dict[str, dict[str, tuple[str, ...]]] = {
    "boundary": {
        "code": (
            "code",
            "id",
            "key_code",
            "ntacode",
            "village_id",
            "precid",
            "geoid",
            "geoid20",
            "adcode",
            "编码",
            "代码",
            "编号",
            "社区编码",
            "社区代码",
            "社区编号",
            "行政区划代码",
            "区划代码",
            "区划编码",
            "osm_id",
        ),
        "name": (
            "name",
            "name_zh",
            "name:zh",
            "ntaname",
            "chome",
            "village",
            "community",
            "名称",
            "社区名称",
            "社区",
            "村居",
            "居委会",
            "行政村",
            "name_en",
        ),
        "parent": (
            "parent",
            "parent_code",
            "parent_name",
            "street_office",
            "街道",
            "街道名称",
            "所属街道",
            "街道办",
            "乡镇",
            "district",
            "ward",
            "commune",
            "boro_name",
        ),
    },
    "buildings": {
        "id": (
            "id",
            "building_id",
            "bldg_id",
            "编号",
            "楼栋编号",
            "楼栋编码",
            "楼幢编号",
            "建筑编号",
            "建筑编码",
            "房屋编号",
            "标识码",
        ),
        "households": (
            "households",
            "household",
            "n_households",
            "num_households",
            "household_count",
            "户数",
            "总户数",
            "住户数",
            "居民户数",
            "家庭户数",
            "实有户数",
        ),
        "population": (
            "population",
            "pop",
            "persons",
            "residents",
            "人口",
            "人口数",
            "总人口",
            "常住人口",
            "居住人数",
            "实有人口",
        ),
        "levels": (
            "levels",
            "building:levels",
            "levels_used",
            "floors",
            "storeys",
            "num_floors",
            "楼层",
            "楼层数",
            "层数",
            "总层数",
            "总楼层",
            "地上层数",
        ),
        "use": (
            "use",
            "usage",
            "building_use",
            "function",
            "用途",
            "建筑用途",
            "房屋用途",
            "使用性质",
            "房屋类型",
            "use_tag",
            "building",
        ),
        "name": (*_NAME[:-1], "楼名", "楼栋名称", "建筑名称", "楼栋", "楼栋号", "幢号", "name_en"),
        "address": (
            "address",
            "addr",
            "addr_full",
            "addr:full",
            "full_address",
            "地址",
            "详细地址",
            "门牌地址",
            "门牌",
            "坐落",
        ),
        "compound": (
            "compound",
            "estate",
            "residential_area",
            "小区",
            "小区名称",
            "所属小区",
            "小区名",
            "院落",
            "楼盘",
        ),
        "households_recorded": ("households_recorded", "户籍户数", "在册户数", "登记户数"),
        "households_planned": ("households_planned", "规划户数", "设计户数"),
        "floating_population": ("floating_population", "流动人口", "外来人口"),
    },
    "streets": {
        "class": (
            "class",
            "street_class",
            "highway",
            "fclass",
            "road_class",
            "道路等级",
            "道路类型",
            "等级",
            "类型",
            "技术等级",
        ),
        "name": (*_NAME[:-1], "道路名称", "路名", "街道名称", "name_en"),
    },
    "barriers": {
        "kind": ("kind", "type", "barrier", "waterway", "railway", "类型", "类别", "种类"),
        "class": ("class", "fclass", "highway", "等级"),
        "name": _NAME,
    },
    "facilities": {
        "id": ("id", "facility_id", "编号", "设施编号", "标识码"),
        "category": (
            "category",
            "amenity",
            "fclass",
            "type",
            "kind",
            "类别",
            "类型",
            "设施类型",
            "分类",
            "main_type",
            "shop",
        ),
        "name": (*_NAME[:-1], "设施名称", "name_en"),
    },
    "water": {"name": _NAME},
    "green": {"kind": ("landuse", "kind", "leisure", "natural", "class", "用地类型", "类型"), "name": _NAME},
    "assets": {
        "id": ("id", "asset_id", "编号", "部件编号", "部件编码", "部件标识码", "标识码"),
        "category": ("category", "kind", "type", "类别", "类型", "部件类别", "部件名称", "小类名称", "小类"),
        "owner": ("owner", "operator", "权属", "权属单位", "产权单位", "主管部门", "养护单位"),
        "name": _NAME,
    },
    "staff": {
        "id": ("id", "staff_id", "编号", "工号", "人员编号"),
        "name": ("name", "姓名", "名字", "人员姓名", "网格员姓名"),
        "role": ("role", "角色", "职务", "岗位", "人员类型", "类别"),
        "grid_code": ("grid_code", "grid", "网格编码", "网格编号", "网格代码", "所属网格", "网格"),
        "building_id": ("building_id", "building", "楼栋编号", "楼栋编码", "建筑编号", "楼栋"),
        "phone": ("phone", "tel", "mobile", "电话", "联系电话", "手机", "手机号", "联系方式"),
        "hours": ("hours", "duty_hours", "工作时间", "值班时间", "上班时间", "在岗时间"),
    },
}

#: Columns whose blanks are filled from the other recognised names.
FILLED = frozenset({"name", "levels", "address", "category"})

#: Columns that say how a way runs: used by `streets.py` under these names only.
WAY_COLUMNS: dict[str, tuple[str, ...]] = {
    "bridge": ("bridge", "桥梁", "是否桥梁"),
    "tunnel": ("tunnel", "隧道", "是否隧道"),
    "layer": ("layer",),
    "indoor": ("indoor", "indoor_or_underground", "underground"),
}

#: What a sheet of counts may say, as `--map counts.COLUMN=NAME` names it.
COUNT_COLUMNS = ("id", "compound", "building", "address", "unit", "households", "population", "levels")

_ADDRESS_PARTS = (
    (("addr_street", "addr:street", "street"), ("addr_housenumber", "addr:housenumber", "housenumber")),
    (("街路巷", "街路", "路名"), ("门牌号", "门牌号码")),
)


def parse_mapping(items: Iterable[str]) -> dict[str, str]:
    """Read `--map` options of the form `buildings.households=HU_CNT`.

    Raises
    ------
    ParameterError
        An item has another form, or names a layer or column that the contract does not have.

    Examples
    --------
    >>> parse_mapping(["buildings.households=HU_CNT"])
    {'buildings.households': 'HU_CNT'}
    """
    mapping = {}
    for item in items:
        target, sign, column = item.partition("=")
        if not sign or not column.strip():
            raise ParameterError(
                f"--map {item!r} is not of the form LAYER.COLUMN=NAME, as in buildings.households=HU_CNT."
            )
        mapping[target.strip()] = column.strip()
    check_mapping(mapping)
    return mapping


def check_mapping(mapping: Mapping[str, str]) -> None:
    """Raise ParameterError where a mapping names a layer or column that the contract does not have."""
    known = [f"{layer}.{column}" for layer in LAYER_ALIASES for column in COLUMNS[layer]]
    known += [f"counts.{column}" for column in COUNT_COLUMNS]
    for target in mapping:
        if target not in known:
            near = difflib.get_close_matches(target, known, n=3) or known[:6]
            raise ParameterError(
                f"--map {target}: there is no such layer and column; did you mean {some_of(near)}?"
            )


def recognise(
    layer: str, table: pd.DataFrame, mapping: Mapping[str, str]
) -> tuple[dict[str, list[str]], list[str]]:
    """Find the columns of the contract in one layer.

    Returns
    -------
    dict of str to list of str
        Contract column -> source columns, best first; missing columns are left out.
    list of str
        Mapped targets (`layer.column`) whose source column is not there.
    """
    by_plain: dict[str, str] = {}
    for name in table.columns:
        by_plain.setdefault(plain(str(name)), str(name))
    found: dict[str, list[str]] = {}
    missing = []
    for target, aliases in COLUMNS[layer].items():
        wanted = mapping.get(f"{layer}.{target}")
        if wanted is not None:
            source = wanted if wanted in table.columns else by_plain.get(plain(wanted))
            if source is None:
                missing.append(f"{layer}.{target}")
            else:
                found[target] = [source]
            continue
        names = list(dict.fromkeys(by_plain[plain(alias)] for alias in aliases if plain(alias) in by_plain))
        if names:
            found[target] = names if target in FILLED else names[:1]
    return found, missing


def way_columns(table: pd.DataFrame) -> dict[str, str]:
    """Find the columns that say whether a way is a bridge, in a tunnel, indoor, and on which level."""
    by_plain = {plain(str(name)): str(name) for name in table.columns}
    return {
        target: by_plain[plain(alias)]
        for target, aliases in WAY_COLUMNS.items()
        for alias in aliases
        if plain(alias) in by_plain
    }


def as_text(values: pd.Series) -> pd.Series:
    """Return values as text objects: blanks become None, whole numbers lose their `.0`."""
    import pandas as pd

    if pd.api.types.is_float_dtype(values.dtype):
        whole = values.notna() & (values == values.round())
        text = values.astype(object).where(
            ~whole, values.where(whole).fillna(0).astype("int64").astype(object)
        )
        result = text.astype(str)
    else:
        result = values.astype(object).astype(str)
    result = result.astype(object).str.strip()
    blank = values.isna() | result.isin(["", "nan", "None", "NaN", "<NA>", "null"])
    return result.astype(object).where(~blank, None)


def text_column(table: pd.DataFrame, names: Iterable[str]) -> pd.Series:
    """Return the first of `names` as text, blanks filled from the others; None where all are blank."""
    import pandas as pd

    result = pd.Series([None] * len(table), index=table.index, dtype=object)
    for name in names:
        rest = result.isna()
        if not rest.any():
            break
        result = result.where(~rest, as_text(table[name]))
    return result.where(result.notna(), None)


def address_column(table: pd.DataFrame, names: Iterable[str]) -> tuple[pd.Series, list[str]]:
    """Return addresses (blanks filled with street and house number) and the columns they were made from."""
    import pandas as pd

    used = list(names)
    result = text_column(table, used)
    by_plain = {plain(str(name)): str(name) for name in table.columns}
    for streets, numbers in _ADDRESS_PARTS:
        street = next((by_plain[plain(name)] for name in streets if plain(name) in by_plain), None)
        number = next((by_plain[plain(name)] for name in numbers if plain(name) in by_plain), None)
        if street is None or number is None:
            continue
        used += [street, number]
        pairs = zip(text_column(table, [street]), text_column(table, [number]), strict=True)
        joined = pd.Series([_join_address(*pair) for pair in pairs], index=table.index, dtype=object)
        result = result.where(result.notna(), joined)
    return result.where(result.notna(), None), used


def _join_address(street: str | None, number: str | None) -> str | None:
    """Put street and number together; Chinese addresses have no space between them."""
    if street is None or number is None:
        return street
    return f"{street}{number}" if ord(street[-1]) > 0x2E7F else f"{street} {number}"
