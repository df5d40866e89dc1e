"""Fictitious Chinese names for streets, compounds, villages and communities; the same seed gives the same names."""

from __future__ import annotations

import numpy as np

__all__ = ["CHINESE_DIGITS", "COUNTY_CODE", "NameBook", "chinese_number"]

#: County codes that begin with 99 are not given to any real county (GB/T 2260).
COUNTY_CODE = 990100
CHINESE_DIGITS = "零一二三四五六七八九"

_MAIN = [
    "解放",
    "建设",
    "中山",
    "人民",
    "和平",
    "新华",
    "胜利",
    "友谊",
    "文化",
    "青年",
    "团结",
    "光明",
    "工农",
    "前进",
    "振兴",
    "迎宾",
    "科技",
    "学府",
    "创业",
    "兴业",
    "东风",
    "红旗",
    "朝阳",
    "长安",
    "江汉",
    "珞南",
    "民主",
    "复兴",
    "向阳",
    "南湖",
    "北湖",
    "东湖",
    "西湖",
    "翠微",
    "金桥",
    "银河",
    "龙泉",
    "凤凰",
    "玉带",
    "紫阳",
    "清江",
    "楚雄",
    "云岭",
    "春晖",
    "永安",
    "永乐",
    "太平",
    "安定",
    "崇文",
    "宣德",
    "丰收",
    "健康",
    "体育",
    "园林",
    "花园",
    "机场",
    "车站",
    "港口",
    "码头",
    "工业",
    "矿山",
    "纺织",
    "机械",
    "化工",
    "轻工",
]
_FIRST = [
    "翠",
    "锦",
    "金",
    "银",
    "玉",
    "紫",
    "碧",
    "兰",
    "桂",
    "梅",
    "竹",
    "松",
    "荷",
    "柳",
    "枫",
    "桃",
    "杏",
    "云",
    "月",
    "星",
    "晨",
    "春",
    "秋",
    "明",
    "清",
    "和",
    "瑞",
    "福",
    "祥",
    "康",
    "安",
    "宁",
    "泰",
    "嘉",
    "文",
    "书",
    "学",
    "雅",
    "南",
    "北",
]
_SECOND = [
    "苑",
    "湖",
    "江",
    "河",
    "溪",
    "泉",
    "山",
    "岭",
    "林",
    "园",
    "庭",
    "桥",
    "塘",
    "洲",
    "湾",
    "港",
    "城",
    "阳",
    "光",
    "华",
    "景",
    "秀",
    "香",
    "波",
    "涛",
    "云",
    "霞",
    "辉",
    "庆",
    "兴",
    "盛",
    "源",
    "海",
    "滨",
    "岸",
    "台",
    "阁",
    "轩",
]
_COMPOUND_ENDS = {
    "slab": ["新村", "小区", "家园", "里", "苑"],
    "tower": ["花园", "名都", "华府", "国际", "公馆", "雅苑", "御景", "天城"],
}
_SURNAMES = [
    "张",
    "李",
    "王",
    "刘",
    "陈",
    "杨",
    "黄",
    "赵",
    "周",
    "吴",
    "徐",
    "孙",
    "马",
    "朱",
    "胡",
    "林",
    "郭",
    "何",
    "高",
    "罗",
    "郑",
    "梁",
    "谢",
    "宋",
    "唐",
    "许",
    "邓",
    "冯",
    "韩",
    "曹",
    "曾",
    "彭",
    "萧",
    "蔡",
    "潘",
    "田",
    "董",
    "袁",
    "于",
    "余",
]
_VILLAGE_ENDS = [
    "家湾",
    "家墩",
    "家村",
    "家塘",
    "家岭",
    "家嘴",
    "家店",
    "家桥",
    "家咀",
    "家集",
    "家畈",
    "家寨",
    "家河",
    "家坡",
    "家冲",
    "家大湾",
    "家新村",
    "家老屋",
]


def chinese_number(value: int) -> str:
    """Write 1 to 99 in Chinese.

    Examples
    --------
    >>> chinese_number(7), chinese_number(12), chinese_number(30)
    ('七', '十二', '三十')
    """
    tens, ones = divmod(value, 10)
    head = "" if tens == 0 else ("十" if tens == 1 else CHINESE_DIGITS[tens] + "十")
    return head + (CHINESE_DIGITS[ones] if ones else "")


class NameBook:
    """Hands out names; no name is given twice for one kind of thing."""

    def __init__(self, rng: np.random.Generator) -> None:
        pairs = [a + b for a in _FIRST for b in _SECOND if a != b]
        self._pairs = [pairs[k] for k in rng.permutation(len(pairs))]
        self._main = [_MAIN[k] for k in rng.permutation(len(_MAIN))]
        villages = [a + b for b in _VILLAGE_ENDS for a in _SURNAMES]
        self._villages = [villages[k] for k in rng.permutation(len(villages))]
        self._used: dict[str, int] = {}

    def _next(self, kind: str) -> int:
        count = self._used.get(kind, 0)
        self._used[kind] = count + 1
        return count

    def street(self, *, east_west: bool) -> str:
        """Give a main street its name: 解放大道, 翠湖路."""
        count = self._next("street")
        stem = self._main[count] if count < len(self._main) else self._stem(count - len(self._main), 0)
        return stem + ("大道" if east_west and count % 3 == 0 else "路")

    def lane(self) -> str:
        """Give the stem of the lanes of one block: 锦溪 for 锦溪一巷."""
        return self._stem(self._next("lane"), 400)

    def compound(self, kind: str) -> str:
        """Give a compound of slab blocks or of towers its name: 翠苑新村, 金桥花园."""
        count = self._next("compound")
        ends = _COMPOUND_ENDS[kind]
        return self._stem(count, 800) + ends[count % len(ends)]

    def village(self) -> str:
        """Give a village in the city its name: 张家湾."""
        count = self._next("village")
        turn, place = divmod(count, len(self._villages))
        return ("" if turn == 0 else "东西南北上下新老"[(turn - 1) % 8]) + self._villages[place]

    def _stem(self, count: int, start: int) -> str:
        turn, place = divmod(count + start, len(self._pairs))
        stem = self._pairs[place]
        return stem if turn == 0 else "东西南北上中下新"[(turn - 1) % 8] + stem
