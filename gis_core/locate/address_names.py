"""The names of a town, found however they are typed: exactly, in part, by sound, by initials, with a letter wrong."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from gis_core.locate.address_sound import initials_of, sound_of, sounds_of

__all__ = ["NameHit", "Names"]

#: Names looked at one by one where letters are wrong, and found by a part at most.
_NEAR = 120
_PARTS = 400
#: Least likeness of a name with letters wrong: by its letters, by its sound.
_LIKE, _SOUNDS_LIKE = 0.66, 0.8
#: Ends that say little, and how like the rest must be all the same.
_ENDS = re.compile(r"(大道|路|街|巷|小区|花园|新村|家园|社区|大厦|大楼|公寓|广场|中心|street|road|avenue)$")
_STEM_LIKE = 0.6
_LONGEST = 40
_LETTERS = 38


@dataclass(frozen=True, slots=True)
class NameHit:
    """A name found in a question: which, how surely (0-1), and which of its letters are told by it."""

    name: int
    score: float
    start: int
    end: int


class Names:
    """All names of a town, each once.

    Parameters
    ----------
    names : sequence of str
        As `parse_address` gives them; each once.

    Notes
    -----
    A question costs a few look-ups a letter, one pass over the text of all names, and a comparison with the
    `_NEAR` names that share most runs of three letters with it.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = list(names)
        self._exact = {name: k for k, name in enumerate(self.names)}
        self._text = "\n".join(self.names)
        self._starts = [0, *accumulate(len(name) + 1 for name in self.names)][:-1]
        sounds = [sounds_of(name) for name in self.names]
        self._sounds = [each[0] for each in sounds]
        self._by_sound: dict[str, list[int]] = {}
        for k, each in enumerate(sounds):
            for sound in each:
                self._by_sound.setdefault(sound, []).append(k)
        self._spoken = "\n".join("\n".join(each) for each in sounds)
        self._spoken_starts, self._spoken_of = _places(sounds)
        self._by_initials: dict[str, list[int]] = {}
        initials = [initials_of(name) for name in self.names]
        for k, letters in enumerate(initials):
            if len(letters) > 1:
                self._by_initials.setdefault(letters, []).append(k)
        self._runs = _Runs(self._sounds)

    def find(self, text: str, *, also: Sequence[str] = ()) -> list[NameHit]:
        """Return the names that a piece of a question may mean, none twice for one place.

        Parameters
        ----------
        text : str
            A name as `parse_address` gives it.
        also : sequence of str
            Other readings of it, in letters.
        """
        best: dict[tuple[int, int, int], float] = {}

        def add(hits: Iterator[NameHit]) -> None:
            for hit in hits:
                place = (hit.name, hit.start, hit.end)
                best[place] = max(best.get(place, 0.0), hit.score)

        text = text[:_LONGEST]
        sound = sound_of(text)
        add(self._inside(text))
        add(self._part_of(text))
        add(self._by_the_sound(text, sound))
        for reading in also:
            add(self._whole_sounds(reading, len(text)))
        if text.isascii():
            add(self._initials(text))
        if not any(score >= 0.9 and end - start == len(text) for (_, start, end), score in best.items()):
            add(self._nearly(text, sound))
        return [NameHit(name, score, start, end) for (name, start, end), score in best.items()]

    def _inside(self, text: str) -> Iterator[NameHit]:
        """Names that stand in the text."""
        least = 1 if len(text) == 1 else 2
        for start in range(len(text)):
            for end in range(start + least, len(text) + 1):
                name = self._exact.get(text[start:end])
                if name is not None and (end - start > 2 or not text.isascii() or len(text) <= 2):
                    yield NameHit(name, 1.0, start, end)

    def _part_of(self, text: str) -> Iterator[NameHit]:
        """Names that the text is a part of."""
        for k, at in _occurrences(self._text, text, self._starts):
            share = len(text) / len(self.names[k])
            yield NameHit(k, 0.72 + 0.2 * share + (0.06 if at == self._starts[k] else 0.0), 0, len(text))

    def _by_the_sound(self, text: str, sound: Sequence[str]) -> Iterator[NameHit]:
        """Names that sound as a part of the text does, or a part of which the text sounds as."""
        typed = text.isascii()
        sure = 0.97 if typed else 0.9
        ends = [0, *accumulate(map(len, sound))]
        whole = "".join(sound)
        least = 3 if typed else 4
        for i in range(len(sound)):
            for j in range(i + 1, len(sound) + 1):
                piece = whole[ends[i] : ends[j]]
                if len(piece) >= least or len(piece) == len(whole):
                    for k in self._by_sound.get(piece, ()):
                        yield NameHit(k, sure, i, j)
        if len(whole) >= least:
            for place, at in _occurrences(self._spoken, whole, self._spoken_starts):
                k = self._spoken_of[place]
                share = len(whole) / max(len(self._sounds[k]), 1)
                first = at == self._spoken_starts[place]
                yield NameHit(k, (0.68 if first else 0.5) + 0.2 * share, 0, len(text))

    def _whole_sounds(self, reading: str, length: int) -> Iterator[NameHit]:
        for k in self._by_sound.get(reading, ()):
            yield NameHit(k, 0.92, 0, length)

    def _initials(self, text: str) -> Iterator[NameHit]:
        for start in range(len(text)):
            for end in range(start + 2, len(text) + 1):
                whole = end - start == len(text)
                if whole or end - start >= 3:
                    for k in self._by_initials.get(text[start:end], ()):
                        yield NameHit(k, 0.86 if whole else 0.7, start, end)
        if len(text) >= 3:
            for each, names in self._by_initials.items():
                if each.startswith(text) and each != text:
                    for k in names:
                        yield NameHit(k, 0.6 + 0.2 * len(text) / len(each), 0, len(text))

    def _nearly(self, text: str, sound: Sequence[str]) -> Iterator[NameHit]:
        """Names that are nearly the text, or nearly a part of it."""
        from rapidfuzz import fuzz

        whole = "".join(sound)
        if len(whole) < 4:
            return
        ends = [0, *accumulate(map(len, sound))]
        typed = text.isascii()
        for k in self._runs.most_alike(whole, _NEAR):
            name, spoken = self.names[k], self._sounds[k]
            if len(spoken) < 4:
                continue
            if len(name) <= len(text):
                found = fuzz.partial_ratio_alignment(spoken, whole, score_cutoff=100 * _SOUNDS_LIKE)
                score = 0.0 if found is None else found.score / 100
                span = (0, len(text)) if found is None else _letters(ends, found.dest_start, found.dest_end)
            else:
                score, span = fuzz.ratio(spoken, whole) / 100, (0, len(text))
            likes = score if score >= _SOUNDS_LIKE else 0.0
            if not typed:
                written = fuzz.partial_ratio_alignment(name, text) if len(name) <= len(text) else None
                like = fuzz.ratio(name, text) / 100 if written is None else written.score / 100
                if like >= _LIKE and like > likes and len(name) > 2:
                    likes = like
                    span = (0, len(text)) if written is None else (written.dest_start, written.dest_end)
            if likes and _stems_alike(name, text, whole) and span[1] > span[0]:
                yield NameHit(int(k), 0.88 * likes, *span)


def _stems_alike(name: str, text: str, sound: str) -> bool:
    """Tell whether two names are alike in more than the end that half of all names have."""
    from rapidfuzz import fuzz

    stem = _ENDS.sub("", name)
    if stem == name or len(stem) < 2:
        return True
    if fuzz.partial_ratio(stem, text) >= 100 * _STEM_LIKE:
        return True
    return bool(fuzz.partial_ratio("".join(sound_of(stem)), sound) >= 100 * _SOUNDS_LIKE)


class _Runs:
    """Which texts hold which runs of three letters, as CSR."""

    def __init__(self, texts: Sequence[str]) -> None:
        letters, owner = _coded(texts)
        if len(letters) < 3:
            letters, owner = np.zeros(3, np.int64), np.array([0, 1, 2])
        key = (letters[:-2] * _LETTERS + letters[1:-1]) * _LETTERS + letters[2:]
        own = owner[:-2]
        whole = own == owner[2:]
        key, own = key[whole], own[whole]
        order = np.argsort(key, kind="stable")
        self._owner = own[order].astype(np.int32)
        self._start = np.searchsorted(key[order], np.arange(_LETTERS**3 + 1)).astype(np.int32)
        self._length = np.array([max(len(text) - 2, 1) for text in texts] or [1], dtype=np.float32)

    def most_alike(self, text: str, count: int) -> list[int]:
        """Return the texts that share most runs with this one, for their length."""
        letters, _ = _coded([text])
        if len(letters) < 3:
            return []
        keys = np.unique((letters[:-2] * _LETTERS + letters[1:-1]) * _LETTERS + letters[2:])
        found = [self._owner[self._start[key] : self._start[key + 1]] for key in keys.tolist()]
        shared = np.bincount(np.concatenate(found), minlength=len(self._length)).astype(np.float32)
        alike = shared / np.sqrt(np.minimum(self._length, 2.0 * len(keys)) + 2.0)
        candidates = np.flatnonzero(shared >= 1)
        if len(candidates) > count:
            candidates = candidates[np.argpartition(-alike[candidates], count)[:count]]
        return sorted(candidates.tolist(), key=lambda k: (-alike[k], k))


def _coded(texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the letters of all texts as small numbers, and whose each is."""
    joined = "".join(texts)
    points = np.frombuffer(joined.encode("utf-32-le"), dtype=np.uint32).astype(np.int64)
    letters = np.where(
        (points >= 97) & (points <= 122),
        points - 96,
        np.where((points >= 48) & (points <= 57), points - 21, points % 37 + 1),
    )
    return letters, np.repeat(np.arange(len(texts)), [len(text) for text in texts])


def _places(sounds: Sequence[tuple[str, ...]]) -> tuple[list[int], list[int]]:
    """Return where each sound begins in the joined text, and whose it is."""
    flat = [(len(sound), k) for k, each in enumerate(sounds) for sound in each]
    return [0, *accumulate(length + 1 for length, _ in flat)][:-1], [k for _, k in flat]


def _occurrences(text: str, wanted: str, starts: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the entries of a joined text that hold a part, and where; each entry once."""
    last, count = -1, 0
    for match in re.finditer(re.escape(wanted), text):
        entry = bisect_right(starts, match.start()) - 1
        if entry != last:
            last, count = entry, count + 1
            yield entry, match.start()
            if count >= _PARTS:
                return


def _letters(ends: Sequence[int], start: int, end: int) -> tuple[int, int]:
    """Return which letters a stretch of their sound covers."""
    return bisect_right(ends, start) - 1, min(bisect_right(ends, max(end - 1, 0)), len(ends) - 1)
