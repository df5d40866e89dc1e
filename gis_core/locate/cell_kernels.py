"""Compiled kernels of the cell index: filling it, checking that areas are a coverage, and asking it.

See `cells.py` for what the arrays hold. An edge in `words` is
    0: direction of its line, x in the low and y in the high 16 bits (the normal, times 16384)
    1: distance of its line (times 16384), and the height where it begins
    2: the height where it ends, and flags
    3: what it changes labels by: that on its left, exclusive or that on its right
    4: its number in `Borders`
with heights in 32760ths of the cell.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from gis_core._compat import njit, prefetch
from gis_core.locate.exact import on_edge, side

__all__ = [
    "DOUBT",
    "are_apart",
    "are_single",
    "count_edges",
    "label_cells",
    "locate_many",
    "locate_one",
    "locate_surely",
    "place_cells",
    "write_edges",
]

Floats = NDArray[np.float64]
Ixs = NDArray[np.int32]
Bytes = NDArray[np.uint8]

#: Answer of the quick test where 16 bits cannot tell.
DOUBT = -1
_HEADER, _EDGE = 2, 5
_CHANGE, _NUMBER = 3, 4
_ABOVE, _IDLE, _FIRST = 1, 2, 4
_UNIT = 32760.0
_NORMAL = 16384.0
_NEVER, _ALWAYS = 32767, -8
#: Five roundings of half a unit to one unit each, in units of the line's value, and one more for safety.
_LINE_DOUBT = 6 * 16384
#: Cells are filled a little beyond their sides.
_MARGIN = 1e-6
_BLOCK = 1 << 17
_BUCKETS = 2048
#: How many points ahead cells are fetched.
_AHEAD = 12
#: More pairs of edges in one cell than this for each edge are not compared.
_MAX_PAIRS = 200


@njit
def _columns(
    ax: float, ay: float, bx: float, by: float, row: float, first_col: float, n_cols: int
) -> tuple[int, int]:
    """Return the first and last column that an edge touches in a row; all numbers are in cells."""
    west, east = min(ax, bx), max(ax, bx)
    low, high = min(ay, by), max(ay, by)
    if low < row or high > row + 1.0:
        s = min(max((row - _MARGIN - ay) / (by - ay), 0.0), 1.0)
        t = min(max((row + 1.0 + _MARGIN - ay) / (by - ay), 0.0), 1.0)
        u, v = ax + (bx - ax) * s, ax + (bx - ax) * t
        west, east = max(west, min(u, v)), min(east, max(u, v))
    first = int(math.floor(west - _MARGIN) - first_col)
    last = int(math.floor(east + _MARGIN) - first_col)
    return min(max(first, 0), n_cols - 1), min(max(last, 0), n_cols - 1)


@njit
def count_edges(vertices: Floats, run_start: Ixs, frame: Floats, counts: Ixs) -> None:
    """Count the edges of each cell."""
    per_x, per_y, col0, row0 = frame[0], frame[1], frame[2], frame[3]
    n_cols, n_rows = int(frame[4]), int(frame[5])
    for run in range(len(run_start) - 1):
        for e in range(run_start[run], run_start[run + 1] - 1):
            ax, ay = vertices[e, 0] * per_x, vertices[e, 1] * per_y
            bx, by = vertices[e + 1, 0] * per_x, vertices[e + 1, 1] * per_y
            low = max(int(math.floor(min(ay, by) - _MARGIN) - row0), 0)
            high = min(int(math.floor(max(ay, by) + _MARGIN) - row0), n_rows - 1)
            for r in range(low, high + 1):
                first, last = _columns(ax, ay, bx, by, row0 + r, col0, n_cols)
                for c in range(first, last + 1):
                    counts[r * n_cols + c] += 1


@njit
def place_cells(counts: Ixs, table: Ixs) -> int:
    """Give every cell with edges its place in `words`; return the number of words."""
    size = np.int64(0)
    for cell in range(len(counts)):
        if counts[cell] > 0:
            table[cell] = ~np.int32(size)
            size += _HEADER + _EDGE * counts[cell]
    return int(size)


@njit
def _pack(low: int, high: int) -> int:
    return (low & 0xFFFF) | (high << 16)


@njit
def _write_edge(
    ax: float, ay: float, bx: float, by: float, col: float, row: float, flags: int, words: Ixs, at: int
) -> None:
    """Write an edge into a cell; all numbers are in cells, `col` and `row` are the corner of this one."""
    if ax > bx:
        ax, ay, bx, by = bx, by, ax, ay
    rises = by >= ay
    low, high = min(ay, by) - row, max(ay, by) - row
    dx, dy = bx - ax, by - ay
    length = math.sqrt(dx * dx + dy * dy)
    # The normal points to the side on which the label is changed: the right one of an edge that lies all in the
    # cell, else (the edge comes in from the left) the upper one.
    nx, ny = -dy / length, dx / length
    if bx <= col:
        flags |= _IDLE
    elif ax <= col:
        flags |= _ABOVE
        wall = min(max(ay + dy * ((col - ax) / dx), min(ay, by)), max(ay, by)) - row
        if rises:
            low = wall
        else:
            high = wall
    elif rises:
        nx, ny = -nx, -ny
    at_x, at_y = ax - col, ay - row
    # Of both ends the one nearer to the cell loses less by rounding.
    if abs(bx - col) + abs(by - row) < abs(at_x) + abs(at_y):
        at_x, at_y = bx - col, by - row
    distance = -(nx * at_x + ny * at_y)
    distance = min(max(distance, -1.9), 1.9)
    begin = _ALWAYS if low < 0.0 else _NEVER if low >= 1.0 else int(low * _UNIT)
    end = _ALWAYS if high < 0.0 else _NEVER if high >= 1.0 else int(high * _UNIT)
    words[at] = _pack(round(nx * _NORMAL), round(ny * _NORMAL))
    words[at + 1] = _pack(round(distance * _NORMAL), begin)
    words[at + 2] = _pack(end, flags)


@njit
def write_edges(
    vertices: Floats, run_start: Ixs, left: Ixs, right: Ixs, frame: Floats, table: Ixs, words: Ixs
) -> None:
    """Write every edge into its cells, and what changes the label there."""
    per_x, per_y, col0, row0 = frame[0], frame[1], frame[2], frame[3]
    n_cols, n_rows = int(frame[4]), int(frame[5])
    for run in range(len(left)):
        change = (left[run] + 1) ^ (right[run] + 1)
        for e in range(run_start[run], run_start[run + 1] - 1):
            ax, ay = vertices[e, 0] * per_x, vertices[e, 1] * per_y
            bx, by = vertices[e + 1, 0] * per_x, vertices[e + 1, 1] * per_y
            low = max(int(math.floor(min(ay, by) - _MARGIN) - row0), 0)
            high = min(int(math.floor(max(ay, by) + _MARGIN) - row0), n_rows - 1)
            for r in range(low, high + 1):
                first, last = _columns(ax, ay, bx, by, row0 + r, col0, n_cols)
                for c in range(first, last + 1):
                    head = ~table[r * n_cols + c]
                    at = head + _HEADER + _EDGE * words[head + 1]
                    flags = _FIRST if c == first else 0
                    _write_edge(ax, ay, bx, by, col0 + c, row0 + r, flags, words, at)
                    words[at + _CHANGE] = change
                    words[at + _NUMBER] = e
                    words[head + 1] += 1


@njit
def _meet(vertices: Floats, e: int, f: int) -> bool:
    """Tell whether two edges have more in common than an end."""
    ax, ay, bx, by = vertices[e, 0], vertices[e, 1], vertices[e + 1, 0], vertices[e + 1, 1]
    cx, cy, dx, dy = vertices[f, 0], vertices[f, 1], vertices[f + 1, 0], vertices[f + 1, 1]
    if max(ax, bx) < min(cx, dx) or max(cx, dx) < min(ax, bx):
        return False
    if max(ay, by) < min(cy, dy) or max(cy, dy) < min(ay, by):
        return False
    shared = 0
    if (ax == cx and ay == cy) or (ax == dx and ay == dy):
        shared += 1
    elif on_edge(cx, cy, dx, dy, ax, ay):
        return True
    if (bx == cx and by == cy) or (bx == dx and by == dy):
        shared += 1
    elif on_edge(cx, cy, dx, dy, bx, by):
        return True
    if shared == 2:
        return True
    if not ((cx == ax and cy == ay) or (cx == bx and cy == by)) and on_edge(ax, ay, bx, by, cx, cy):
        return True
    if not ((dx == ax and dy == ay) or (dx == bx and dy == by)) and on_edge(ax, ay, bx, by, dx, dy):
        return True
    if shared:
        return False
    c_left, d_left = side(ax, ay, bx, by, cx, cy) > 0.0, side(ax, ay, bx, by, dx, dy) > 0.0
    a_left, b_left = side(cx, cy, dx, dy, ax, ay) > 0.0, side(cx, cy, dx, dy, bx, by) > 0.0
    return c_left != d_left and a_left != b_left


@njit
def are_apart(vertices: Floats, table: Ixs, words: Ixs) -> bool:
    """Tell whether no two edges have more in common than an end; False also where that would take too long."""
    left_to_do = _MAX_PAIRS * len(vertices)
    for cell in range(len(table) - 1):
        if table[cell] >= 0:
            continue
        head = ~table[cell]
        left_to_do -= words[head + 1] * (words[head + 1] - 1) // 2
        if left_to_do < 0:
            return False
        stop = head + _HEADER + _EDGE * words[head + 1]
        for i in range(head + _HEADER + _NUMBER, stop, _EDGE):
            for j in range(i + _EDGE, stop, _EDGE):
                if _meet(vertices, words[i], words[j]):
                    return False
    return True


@njit
def _flips(vertices: Floats, e: int, py: float) -> bool:
    return (vertices[e, 1] > py) != (vertices[e + 1, 1] > py)


@njit
def _is_west(vertices: Floats, e: int, px: float, py: float) -> bool:
    """Tell whether an edge that crosses the height of a point does so west of it."""
    ax, bx = vertices[e, 0], vertices[e + 1, 0]
    if ax < px and bx < px:
        return True
    if ax >= px and bx >= px:
        return False
    s = side(ax, vertices[e, 1], bx, vertices[e + 1, 1], px, py)
    return s < 0.0 if vertices[e + 1, 1] > vertices[e, 1] else s > 0.0


@njit
def _run_of(run_start: Ixs, e: int) -> int:
    """Return the run of an edge."""
    low, high = 0, len(run_start) - 1
    while high - low > 1:
        middle = (low + high) // 2
        if run_start[middle] <= e:
            low = middle
        else:
            high = middle
    return low


@njit
def _gain(vertices: Floats, run_start: Ixs, right: Ixs, e: int) -> int:
    """Return by how many areas the ground just east of an edge has more than that just west of it."""
    if right[_run_of(run_start, e)] >= 0:
        return 0
    return -1 if vertices[e + 1, 1] > vertices[e, 1] else 1


@njit
def _walk(
    px: float, py: float, skip: int, vertices: Floats, run_start: Ixs, right: Ixs, frame: Floats, table: Ixs,
    words: Ixs, row: int, col: int,
) -> tuple[int, int]:  # fmt: skip
    """Return the label of a point that is on no edge, and how many areas cover it, from the whole row west of it."""
    n_cols = int(frame[4])
    label, count = 0, 0
    while col >= 0:
        value = table[row * n_cols + col]
        if value >= 0:
            label ^= value
            count += 1 if value > 0 else 0
            break
        at = ~value + _HEADER
        for _ in range(words[~value + 1]):
            e, flags = words[at + _NUMBER], words[at + 2] >> 16
            if flags & _FIRST and e != skip and _flips(vertices, e, py) and _is_west(vertices, e, px, py):
                label ^= words[at + _CHANGE]
                count += _gain(vertices, run_start, right, e)
            at += _EDGE
        col -= 1
    return label, count


@njit
def label_cells(vertices: Floats, run_start: Ixs, right: Ixs, frame: Floats, table: Ixs, words: Ixs) -> bool:
    """Label every cell; False where areas lie in one another."""
    per_x, per_y, col0, row0 = frame[0], frame[1], frame[2], frame[3]
    n_cols, n_rows = int(frame[4]), int(frame[5])
    for r in range(n_rows):
        label, count = 0, 0
        py = (row0 + r + 0.5) / per_y
        for c in range(n_cols):
            value = table[r * n_cols + c]
            if value >= 0:
                if count < 0 or count > 1 or (count == 1) != (label > 0):
                    return False
                table[r * n_cols + c] = label
                continue
            at = ~value + _HEADER
            for _ in range(words[~value + 1]):
                e, flags = words[at + _NUMBER], words[at + 2] >> 16
                if flags & _FIRST and _flips(vertices, e, py):
                    label ^= words[at + _CHANGE]
                    count += _gain(vertices, run_start, right, e)
                at += _EDGE
    for r in range(n_rows):
        for c in range(n_cols):
            if table[r * n_cols + c] >= 0:
                continue
            head = ~table[r * n_cols + c]
            words[head] = DOUBT
            for k in range(16):
                # Fractions that avoid the lines which people draw: halves, quarters, diagonals.
                u, v = (0.4142 + 0.6180 * k) % 1.0, (0.7321 + 0.7549 * k) % 1.0
                changed = _changes(int(u * _UNIT), int(v * _UNIT), head, words)
                if changed >= 0:
                    px, py = (col0 + c + u) / per_x, (row0 + r + v) / per_y
                    label, count = _walk(px, py, -1, vertices, run_start, right, frame, table, words, r, c)
                    if count < 0 or count > 1:
                        return False
                    words[head] = label ^ changed
                    break
    return True


@njit
def are_single(vertices: Floats, run_start: Ixs, right: Ixs, frame: Floats, table: Ixs, words: Ixs) -> bool:
    """Tell whether edges with an area on one side only have none on the other, also none around both."""
    n_cols, n_rows = int(frame[4]), int(frame[5])
    for run in range(len(right)):
        if right[run] >= 0:
            continue
        for e in range(run_start[run], run_start[run + 1] - 1):
            px = 0.5 * (vertices[e, 0] + vertices[e + 1, 0])
            py = 0.5 * (vertices[e, 1] + vertices[e + 1, 1])
            rise = vertices[e + 1, 1] - vertices[e, 1]
            if rise != 0.0 and not _flips(vertices, e, py):
                continue  # so flat that its middle is not between its ends
            c = min(max(int(math.floor(px * frame[0]) - frame[2]), 0), n_cols - 1)
            r = min(max(int(math.floor(py * frame[1]) - frame[3]), 0), n_rows - 1)
            count = _walk(px, py, e, vertices, run_start, right, frame, table, words, r, c)[1]
            # A level edge counts as lying just below its middle.
            in_area = rise > 0.0 or (rise == 0.0 and vertices[e + 1, 0] > vertices[e, 0])
            if count != (1 if in_area else 0):
                return False
    return True


@njit
def _changes(u: int, v: int, head: int, words: Ixs) -> int:
    """Return what changes the label of a cell on the way to a place in it; DOUBT where 16 bits cannot tell.

    Nothing in here branches on where the place lies: a wrong guess of the processor costs more than an edge.
    """
    total, doubt = np.int32(0), False
    at = np.uint64(head + _HEADER)
    for _ in range(words[np.uint64(head + 1)]):
        direction, begins, ends = words[at], words[at + np.uint64(1)], words[at + np.uint64(2)]
        change = words[at + np.uint64(_CHANGE)]
        low, high, flags = begins >> 16, np.int16(ends), ends >> 16
        value = np.int16(direction) * u + (direction >> 16) * v + np.int16(begins) * np.int32(_UNIT)
        is_beside = (v > low) & (v <= high)
        doubt |= (abs(v - low) <= 1) | (abs(v - high) <= 1) | (is_beside & (abs(value) <= _LINE_DOUBT))
        crosses = ((v > high) & (flags & _ABOVE != 0)) | (is_beside & (value > 0) & (flags & _IDLE == 0))
        total ^= change if crosses else np.int32(0)
        at += np.uint64(_EDGE)
    return DOUBT if doubt else int(total)


@njit
def locate_surely(
    px: float, py: float, vertices: Floats, run_start: Ixs, left: Ixs, right: Ixs, frame: Floats, table: Ixs,
    words: Ixs,
) -> int:  # fmt: skip
    """Return the label of any finite point, negated where a border runs through it (then never 0)."""
    n_cols, n_rows = int(frame[4]), int(frame[5])
    x, y = np.floor(px * frame[0]) - frame[2], np.floor(py * frame[1]) - frame[3]
    if not (x >= 0.0 and x < n_cols and y >= 0.0 and y < n_rows):
        return 0
    c, r = int(x), int(y)
    value = table[r * n_cols + c]
    if value >= 0:
        return value
    at = ~value + _HEADER + _NUMBER
    lowest = 0
    for _ in range(words[~value + 1]):
        e = words[at]
        if on_edge(vertices[e, 0], vertices[e, 1], vertices[e + 1, 0], vertices[e + 1, 1], px, py):
            run = _run_of(run_start, e)
            for area in (left[run], right[run]):
                if area >= 0 and (lowest == 0 or area + 1 < lowest):
                    lowest = area + 1
        at += _EDGE
    if lowest > 0:
        return -lowest
    return _walk(px, py, -1, vertices, run_start, right, frame, table, words, r, c)[0]


@njit
def locate_one(px: float, py: float, frame: Floats, table: Ixs, words: Ixs) -> int:
    """Return the label of a point, DOUBT where the exact test must decide or the labels need `Borders`."""
    x, y = px * frame[0], py * frame[1]
    col, row = np.floor(x), np.floor(y)
    c, r = col - frame[2], row - frame[3]
    if not (c >= 0.0 and c < frame[4] and r >= 0.0 and r < frame[5]):
        return 0
    value = table[int(r) * int(frame[4]) + int(c)]
    if value >= 0:
        return value
    head = ~value
    if words[head] < 0:
        return DOUBT
    changed = _changes(int((x - col) * _UNIT), int((y - row) * _UNIT), head, words)
    return DOUBT if changed < 0 else words[head] ^ changed


@njit
def _find_cells(x: Floats, y: Floats, frame: Floats, around: int, cells: Ixs, places: Ixs) -> None:
    """Write the cell of each point, and where in it the point lies: 15 bits of x above 15 bits of y."""
    per_x, per_y, col0, row0, n_cols, n_rows = frame[0], frame[1], frame[2], frame[3], frame[4], frame[5]
    width = np.int32(n_cols)
    for i in range(len(x)):
        px, py = x[i] * per_x, y[i] * per_y
        col, row = np.floor(px), np.floor(py)
        c, r = col - col0, row - row0
        within = (c >= 0.0) & (c < n_cols) & (r >= 0.0) & (r < n_rows)
        cells[i] = np.int32(r) * width + np.int32(c) if within else np.int32(around)
        places[i] = (np.int32((px - col) * _UNIT) << 15) | np.int32((py - row) * _UNIT)


@njit
def _look_up(cells: Ixs, table: Ixs, values: Ixs) -> None:
    for i in range(len(cells)):
        values[i] = table[np.uint32(cells[i])]


@njit
def _split(values: Ixs, area_ix: Ixs, status: Bytes, waiting: Ixs) -> int:
    """Answer for points in cells without a border; list the others and return their number."""
    for i in range(len(values)):
        area_ix[i] = values[i] - 1
        status[i] = 2 if values[i] == 0 else 0
    n_waiting = 0
    for i in range(len(values)):
        waiting[np.uint32(n_waiting)] = i
        n_waiting += values[i] < 0
    return n_waiting


@njit
def _by_place(waiting: Ixs, n_waiting: int, values: Ixs, shift: int, starts: Ixs, ordered: Ixs) -> None:
    """Put the points that wait in the order of their cells, roughly: by what shares a few pages of `words`."""
    starts[:] = 0
    for k in range(n_waiting):
        starts[np.uint32(~values[waiting[k]] >> shift) + 1] += 1
    for k in range(1, len(starts)):
        starts[k] += starts[k - 1]
    for k in range(n_waiting):
        i = waiting[k]
        bucket = np.uint32(~values[i] >> shift)
        ordered[np.uint32(starts[bucket])] = i
        starts[bucket] += 1


@njit
def locate_many(
    x: Floats, y: Floats, vertices: Floats, run_start: Ixs, left: Ixs, right: Ixs, frame: Floats, table: Ixs,
    words: Ixs, area_ix: Ixs, status: Bytes,
) -> None:  # fmt: skip
    """Write for each finite point its area, the lowest on a border, and 0 inside, 1 on a border, 2 outside.

    Points are taken in blocks, and those beside a border in the order of their cells, so that the processor finds
    in its cache what it needs and can fetch many cells at once.
    """
    shift = 0
    while len(words) >> shift >= _BUCKETS:
        shift += 1
    block = min(_BLOCK, max(len(x), 1))
    cells, places, values = np.empty(block, np.int32), np.empty(block, np.int32), np.empty(block, np.int32)
    waiting, ordered = np.empty(block + 1, np.int32), np.empty(block, np.int32)
    starts = np.empty(_BUCKETS + 1, np.int32)
    for start in range(0, len(x), block):
        stop = min(start + block, len(x))
        n = stop - start
        _find_cells(x[start:stop], y[start:stop], frame, len(table) - 1, cells, places)
        _look_up(cells[:n], table, values)
        n_waiting = _split(values[:n], area_ix[start:stop], status[start:stop], waiting)
        _by_place(waiting, n_waiting, values, shift, starts, ordered)
        for k in range(n_waiting):
            ahead = np.int64(~values[ordered[min(k + _AHEAD, n_waiting - 1)]])
            prefetch(words, ahead)
            prefetch(words, ahead + 16)
            i = ordered[k]
            head = ~values[i]
            label = words[head]
            changed = DOUBT
            if label >= 0:
                changed = _changes(places[i] >> 15, places[i] & 0x7FFF, head, words)
            j = start + i
            if changed >= 0:
                label ^= changed
                area_ix[j] = label - 1
                status[j] = 2 if label == 0 else 0
            else:
                label = locate_surely(x[j], y[j], vertices, run_start, left, right, frame, table, words)
                area_ix[j] = abs(label) - 1
                status[j] = 1 if label < 0 else 2 if label == 0 else 0
