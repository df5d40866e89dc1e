"""Search of addresses, buildings, streets and whatever else has a name, as people type them.

A question is answered in two ways, and the better counts: as a part of a text, which finds codes and ids too; and
taken apart into names and numbers, in any order, with a letter wrong, in pinyin or initials.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from gis_core.layers.naming import fold
from gis_core.locate.address_names import NameHit, Names
from gis_core.locate.address_places import Places
from gis_core.locate.address_text import KINDS, Numeral, Parsed, parse_address

__all__ = ["AddressIndex", "Entry", "Found"]

#: Numbers of an entry that are kept, and parts of texts that are looked at.
_NUMBERS = 4
_PARTS = 2000
#: What stands around texts, as a number.
_LINE = 10
_KINDS = {kind: k for k, kind in enumerate(KINDS)}
#: Share of a point for a number of one kind where another was asked for.
_CREDIT = {
    ("bare", "house"): 0.95,
    ("bare", "building"): 0.95,
    ("bare", "lane"): 0.5,
    ("house", "bare"): 0.97,
    ("house", "building"): 0.8,
    ("house", "lane"): 0.4,
    ("building", "house"): 0.8,
    ("building", "bare"): 0.9,
    ("lane", "house"): 0.4,
    ("lane", "bare"): 0.5,
    ("lane", "building"): 0.3,
    ("section", "building"): 0.3,
}
#: Share of what a name gives that is given by a name without its lane or section, and by the name of an area.
_BASE, _AREA = 0.96, 0.9
#: What a letter counts that stands before the place (上海市黄浦区), or behind the last number.
_BEFORE, _BEHIND = 0.15, 0.3
#: Least share of a question that a hit answers, and least that it answers of itself, without its area.
_LEAST, _LEAST_OWN = 0.5, 0.3
_TYPED_KINDS = {"d": "building", "z": "building", "h": "house", "l": "lane", "n": "lane"}
#: The last number of an address that is written plainly.
_LAST = re.compile(r"(?P<head>.*[\u4e00-\u9fff])(?<!第)(?P<value>[1-9][0-9]{0,4})(?P<unit>号楼|号|栋|幢)")
_LAST_KINDS = {"号楼": "building", "栋": "building", "幢": "building", "号": "house"}
_ZEROS = re.compile(r"(?<![0-9])0+(?=[0-9])")
_PROVINCE = re.compile(
    r"(?:中国)?(?:[^省市区县]{2,3}省)?(?:[^市区县]{2,4}市)?(?:[^区县]{1,5}?(?:新区|(?<![小园校城厂院社景库])区|县))?"
    r"(?:[^街镇乡]{1,6}?(?:街道|镇|乡)(?:办事处)?)?(?:[^社居村]{1,8}?(?:社区|居委会|村委会))?"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """What can be found: its texts (name, address, compound), what is found only by its letters, its area."""

    texts: tuple[str, ...]
    codes: tuple[str, ...] = ()
    area: int = -1


@dataclass(frozen=True, slots=True)
class Found:
    """An entry that was found, by its position, and how well it answers (about 0.5 to 1.2)."""

    entry: int
    score: float


class AddressIndex:
    """Entries by their texts; never changes, so threads may share it.

    Parameters
    ----------
    entries : sequence of Entry
    areas : sequence of str
        Names of areas, as `Entry.area` counts them; they may stand before an address.

    Notes
    -----
    Built in about 40 microseconds an entry. A question takes time that grows slowly with the entries: 100,000
    buildings answer in about 5 ms.
    """

    def __init__(self, entries: Sequence[Entry], areas: Sequence[str] = ()) -> None:
        self.n = len(entries)
        building = _Building()
        for at, entry in enumerate(entries):
            building.add(at, entry)
        building.add_areas(areas, [entry.area for entry in entries])
        text, starts = building.text()
        self._places, self._starts = Places(text), np.array(starts, dtype=np.int64)
        self._names = Names(list(building.name_ix))
        self._post_start, self._post_entry, self._post_share = building.postings()
        self._is_area = building.is_area()
        self._value_ix = building.value_ix
        self._value, self._kind, self._number = building.numerals(self.n)
        first = self._number[:, 0] if self.n else np.zeros(0, np.int64)
        self._first = np.where(first < 2**30, first, 0)
        self._credit = np.zeros((len(_KINDS), len(_KINDS) + 1), np.float32)
        for kind, k in _KINDS.items():
            self._credit[k, k] = 1.0
            for other, j in _KINDS.items():
                self._credit[k, j] = max(self._credit[k, j], _CREDIT.get((kind, other), 0.0))

    def find(self, question: str, *, limit: int = 20) -> list[Found]:
        """Return the entries that answer a question, best first; equal ones by their first number.

        Parameters
        ----------
        question : str
            As it was typed: 学府路15号3栋, xuefulu 15, xfl15, 12 Main St.
        limit : int
        """
        parsed = parse_address(question)
        if not parsed.key or self.n == 0 or limit <= 0:
            return []
        score = np.maximum(self._by_parts(parsed), self._by_part_of_text(parsed.key))
        found = np.flatnonzero(score >= _LEAST)
        value = score[found] - 1e-6 * np.clip(self._first[found], 0, 9999)
        if len(found) > limit:
            best = np.argpartition(-value, limit - 1)[:limit]
            # All that equal the last one stay in, so that it does not depend on the partition which is taken.
            best = np.flatnonzero(value >= value[best].min())
            found, value = found[best], value[best]
        order = np.lexsort((found, -value))[:limit]
        return [Found(int(entry), float(score[entry])) for entry in found[order]]

    def _by_part_of_text(self, key: str) -> NDArray[np.float32]:
        score = np.zeros(self.n, np.float32)
        start = self._places.of(key, _PARTS if len(key) > 1 else _PARTS // 4)
        before, behind = self._places.letter[start - 1], self._places.letter[start + len(key)]
        begins, ends = before == _LINE, behind == _LINE
        value = np.where(begins, 0.95, 0.8)
        cut = (key[-1].isdigit() & _is_digit(behind)) | (key[0].isdigit() & _is_digit(before))
        value[cut] -= 0.15
        if len(key) == 1 and key.isascii():
            value[:] = 0.0
        value[begins & ends] = 1.2
        np.maximum.at(score, np.searchsorted(self._starts, start, side="right") - 1, value.astype(np.float32))
        return score

    def _by_parts(self, parsed: Parsed) -> NDArray[np.float32]:
        wanted, others = _sorted_out(parsed)
        if not parsed.names:
            if not wanted or wanted[0].kind == "bare":
                return np.zeros(self.n, np.float32)
            score = np.zeros(self.n, np.float32)
            code = self._value_ix.get(wanted[0].value, -2)
            having = np.flatnonzero((self._value == code).any(axis=1))
            if len(having):
                numbers = self._numbers(having, wanted, others, parsed.key)
                score[having] = np.where(numbers >= 0.8, 0.75 * numbers, 0.0)
            return score
        text, own = self._by_names(parsed)
        score = np.zeros(self.n, np.float32)
        candidates = np.flatnonzero((text >= _LEAST) & (own >= _LEAST_OWN))
        if len(candidates):
            share = np.ones(len(candidates), np.float32)
            if wanted:
                share = 0.65 + 0.35 * self._numbers(candidates, wanted, others, parsed.key)
            spare = np.maximum((self._value[candidates] >= 0).sum(axis=1) - len(wanted), 0)
            score[candidates] = text[candidates] * share - 0.015 * np.minimum(spare, 3)
        return score

    def _by_names(self, parsed: Parsed) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the share of the names of a question that each entry answers, with its area and without."""
        text, own = np.zeros(self.n, np.float32), np.zeros(self.n, np.float32)
        total = 0.0
        for k, name in enumerate(parsed.names):
            last = len(parsed.numerals) > 0 and k > 0 and not parsed.key.endswith(_end_of(parsed))
            weight = np.full(len(name), _BEHIND if last and k == len(parsed.names) - 1 else 1.0)
            hits = self._names.find(name, also=parsed.also if len(parsed.names) == 1 else ())
            if k == 0:
                _discount(weight, name, hits)
            total += float(weight.sum())
            for cluster in _clusters(hits):
                mine, without = np.zeros(self.n, np.float32), np.zeros(self.n, np.float32)
                for hit in cluster:
                    span = slice(self._post_start[hit.name], self._post_start[hit.name + 1])
                    entries = self._post_entry[span]
                    worth = hit.score * float(weight[hit.start : hit.end].sum()) * self._post_share[span]
                    mine[entries] = np.maximum(mine[entries], worth)
                    if not self._is_area[hit.name]:
                        without[entries] = np.maximum(without[entries], worth)
                text += mine
                own += without
        return text / max(total, 1e-9), own / max(total, 1e-9)

    def _numbers(
        self, entries: NDArray[np.intp], wanted: Sequence[Numeral], others: Sequence[Numeral], key: str
    ) -> NDArray[np.float32]:
        """Return how well the numbers of entries answer those of a question, 0 to 1."""
        value, kind = self._value[entries], self._kind[entries]
        none = (value < 0).all(axis=1)
        total = np.zeros(len(entries), np.float32)
        for numeral in wanted:
            best = np.zeros(len(entries), np.float32)
            for text, reading, worth in _readings(numeral, key):
                code = self._value_ix.get(text, -2)
                if code >= 0:
                    credit = np.where(value == code, self._credit[_KINDS[reading]][kind], 0.0)
                    best = np.maximum(best, worth * credit.max(axis=1))
            if numeral.value.isdigit():
                far = np.abs(self._number[entries] - min(int(numeral.value[:9]), 10**8)).min(axis=1)
                best = np.maximum(best, 0.1 / (1.0 + far))
            total += best
        result = total / len(wanted)
        for numeral in others:
            code, asked = self._value_ix.get(numeral.value, -2), _KINDS[numeral.kind]
            result = np.where(((kind == asked) & (value != code)).any(axis=1), 0.5 * result, result)
        return np.where(none, 0.25, result).astype(np.float32)


def _is_digit(letter: NDArray[np.uint32]) -> NDArray[np.bool_]:
    return (letter >= 48) & (letter <= 57)


class _Building:
    """What an index is made of, while it is made."""

    def __init__(self) -> None:
        self.name_ix: dict[str, int] = {}
        self.value_ix: dict[str, int] = {}
        self._numerals: list[tuple[int, int, int, int, int]] = []
        self._lines: list[str] = []
        self._pairs: list[tuple[int, int, float]] = []
        self._areas: set[int] = set()
        self._area_pairs: list[tuple[int, NDArray[np.intp]]] = []
        self._known: dict[str, Parsed] = {}

    def add(self, at: int, entry: Entry) -> None:
        """Take one entry apart."""
        parsed = [self._parse(text) for text in entry.texts if text]
        numerals = dict.fromkeys(one for each in parsed for one in each.numerals)
        for slot, numeral in enumerate(numerals):
            if slot == _NUMBERS:
                break
            value = self.value_ix.setdefault(numeral.value, len(self.value_ix))
            kind = _KINDS["building" if numeral.kind == "floor" else numeral.kind]
            number = min(int(numeral.value[:9]), 10**8) if numeral.value.isdigit() else 2**30
            self._numerals.append((at, slot, value, kind, number))
        shares: dict[str, float] = {}
        for each in parsed:
            for name, base in zip(each.names, each.bases, strict=True):
                if base != name:
                    shares.setdefault(base, _BASE)
                shares[name] = 1.0
        for name, share in shares.items():
            self._pairs.append((self.name_ix.setdefault(name, len(self.name_ix)), at, share))
        keys = dict.fromkeys([*(each.key for each in parsed), *(_code(code) for code in entry.codes if code)])
        self._lines.append("\n" + "\n".join(key for key in keys if key))

    def numerals(self, n: int) -> tuple[NDArray[np.int32], NDArray[np.int8], NDArray[np.int64]]:
        """Return value, kind and size of the first numbers of each entry."""
        value = np.full((n, _NUMBERS), -1, np.int32)
        kind = np.full((n, _NUMBERS), len(_KINDS), np.int8)
        number = np.full((n, _NUMBERS), 2**30, np.int64)
        if self._numerals:
            at, slot, values, kinds, numbers = np.array(self._numerals, dtype=np.int64).T
            value[at, slot], kind[at, slot], number[at, slot] = values, kinds, numbers
        return value, kind, number

    def add_areas(self, areas: Sequence[str], of: Sequence[int]) -> None:
        """Let the names of areas stand for all that lies in them."""
        area = np.asarray(of, dtype=np.int64)
        for k, text in enumerate(areas):
            inside = np.flatnonzero(area == k)
            for name in dict.fromkeys([*parse_address(text).names, *parse_address(_bare(text)).names]):
                if len(inside) and name not in self.name_ix:
                    self.name_ix[name] = len(self.name_ix)
                    self._areas.add(self.name_ix[name])
                    self._area_pairs.append((self.name_ix[name], inside))

    def text(self) -> tuple[str, list[int]]:
        """Return all texts in one, and where each entry begins."""
        return "".join(self._lines) + "\n", [0, *accumulate(map(len, self._lines))][: len(self._lines)]

    def is_area(self) -> NDArray[np.bool_]:
        """Tell which names are of areas."""
        result = np.zeros(len(self.name_ix), dtype=bool)
        result[list(self._areas)] = True
        return result

    def postings(self) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]:
        """Return which entries have which name, as CSR, and the share that it counts there."""
        name = [np.array([pair[0] for pair in self._pairs], dtype=np.int64)]
        entry = [np.array([pair[1] for pair in self._pairs], dtype=np.int64)]
        share = [np.array([pair[2] for pair in self._pairs], dtype=np.float32)]
        for area, inside in self._area_pairs:
            name.append(np.full(len(inside), area, dtype=np.int64))
            entry.append(inside)
            share.append(np.full(len(inside), _AREA, dtype=np.float32))
        names = np.concatenate(name)
        order = np.argsort(names, kind="stable")
        start = np.searchsorted(names[order], np.arange(len(self.name_ix) + 1)).astype(np.int64)
        return start, np.concatenate(entry)[order].astype(np.int32), np.concatenate(share)[order]

    def _parse(self, text: str) -> Parsed:
        """Take a text apart; what stands before the last number is done once for all its neighbors."""
        known = self._known.get(text)
        if known is not None:
            return known
        match = _LAST.fullmatch(text)
        if match is None:
            known = self._known[text] = parse_address(text)
            return known
        head, kind = self._parse(match["head"]), _LAST_KINDS[match["unit"]]
        last = Numeral(match["value"], kind)
        return replace(head, numerals=(*head.numerals, last), key=head.key + last.value + KINDS[kind])


def _code(code: str) -> str:
    """Return a code as `fold` would, which takes longer."""
    return _ZEROS.sub("", code.lower()) if code.isascii() and code.isalnum() else fold(code)


def _bare(area: str) -> str:
    for end in ("社区居委会", "社区居民委员会", "社区", "街道办事处", "街道", "居委会", "村委会"):
        if area.endswith(end) and len(area) > len(end) + 1:
            return area.removesuffix(end)
    return area


def _end_of(parsed: Parsed) -> str:
    """Return the last number of a question as its common form has it."""
    last = parsed.numerals[-1]
    return last.value + KINDS[last.kind]


def _sorted_out(parsed: Parsed) -> tuple[list[Numeral], list[Numeral]]:
    """Return the numbers that a hit must have, and those of units, floors and rooms, which few data know."""
    inner = {"unit", "room", "floor"}
    wanted: list[Numeral] = []
    others: list[Numeral] = []
    for numeral in parsed.numerals:
        room = numeral.kind == "bare" and any(one.kind in ("house", "building", "bare") for one in wanted)
        (others if numeral.kind in inner or room else wanted).append(numeral)
    if not wanted and others and others[0].kind == "floor":
        return [Numeral(others[0].value, "building")], others[1:]
    return wanted, [one for one in others if one.kind in inner]


def _readings(numeral: Numeral, key: str) -> list[tuple[str, str, float]]:
    """Return what a number may mean: 3d is 3d, or in letters typed in a hurry 3栋."""
    readings = [(numeral.value, numeral.kind, 1.0)]
    head, end = numeral.value[:-1], numeral.value[-1]
    if head and end.isalpha():
        typed = key.isascii() and end in _TYPED_KINDS
        readings.append((head, _TYPED_KINDS[end] if typed else numeral.kind, 0.95 if typed else 0.6))
    return readings


def _discount(weight: NDArray[np.float64], name: str, hits: Sequence[NameHit]) -> None:
    """Let province, city, district and community before a place count little, unless they are what was found."""
    match = _PROVINCE.match(name)
    end = 0 if match is None else match.end()
    if end == 0 or end == len(name):
        return
    told = np.zeros(len(name), dtype=bool)
    for hit in hits:
        if hit.score >= 0.9:
            told[hit.start : hit.end] = True
    if any(hit.start >= end and hit.score >= 0.8 for hit in hits):
        told[:] = False
    weight[:end][~told[:end]] = _BEFORE


def _clusters(hits: Sequence[NameHit]) -> list[list[NameHit]]:
    """Group hits whose letters overlap; of one group an entry counts its best."""
    groups: list[list[NameHit]] = []
    for hit in sorted(hits, key=lambda hit: (hit.score < 0.85, hit.start - hit.end, hit.start)):
        home = next((group for group in groups if _overlap(group[0], hit)), None)
        if home is None:
            groups.append([hit])
        else:
            home.append(hit)
    return groups


def _overlap(one: NameHit, other: NameHit) -> bool:
    return one.start < other.end and other.start < one.end
