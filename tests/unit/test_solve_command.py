"""`wangge solve`: what it reads and refuses, what it writes, and graphs of every awkward shape."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cell_graphs import chain, lattice, star
from typer.testing import CliRunner, Result

from gis_core.cli import app
from gis_core.errors import DatasetError
from gis_core.graph import component_labels, graph_from_pairs
from gis_core.graph.links import change_adjacencies
from gis_core.graph.reference import part_component_labels_slowly
from gis_core.model import AdjacencyGraph
from gis_core.partition import Bounds
from gis_core.partition.bare import measure
from gis_core.partition.instance import Instance, read_instance
from gis_core.partition.join import bridges_between, bridges_needed


def arrays_of(graph: AdjacencyGraph, weight: Any, k: int, lo: float, hi: float) -> dict[str, Any]:
    """Return a graph as the arrays of an instance."""
    owner = np.repeat(np.arange(graph.n_cells), np.diff(graph.indptr))
    once = owner < graph.indices
    return {
        "w": np.asarray(weight), "l": owner[once].astype(np.int32), "r": graph.indices[once],
        "S": graph.shared_length_m[once], "street": graph.street_length_m[once] > 0, "area": graph.area_m2,
        "per": graph.perimeter_m, "x": graph.x, "y": graph.y, "eid": np.zeros(graph.n_cells, np.int64),
        "k": np.int64(k), "lo": np.float64(lo), "hi": np.float64(hi),
    }  # fmt: skip


def good() -> dict[str, Any]:
    return arrays_of(lattice(6, 8, street_every=3), np.full(48, 10), 4, 100, 140)


def saved(folder: Path, arrays: dict[str, Any]) -> Path:
    path = folder / "town.npz"
    np.savez(path, **arrays)
    return path


def wangge(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["solve", *map(str, arguments)])


def solved(folder: Path, arrays: dict[str, Any], *options: str) -> tuple[int, dict[str, Any], np.ndarray]:
    """Solve, read the answer back, and check what must hold for every answer."""
    done = wangge(saved(folder, arrays), "--out", folder / "part.npy", "--json", *options)
    assert done.exit_code in (0, 1), done.output
    values = json.loads(done.stdout)
    part = np.load(folder / "part.npy", allow_pickle=False)
    assert (part.dtype, part.shape) == (np.int32, arrays["w"].shape)
    assert set(part.tolist()) == set(range(values["parts"]))
    total = np.bincount(part, weights=arrays["w"])
    inside = int(((total >= arrays["lo"]) & (total <= arrays["hi"])).sum())
    assert values["in_bounds"] == inside
    assert values["contiguous"]
    assert pieces_within_pieces(arrays, part) == 0
    assert (done.exit_code == 0) == (inside == values["parts"] == int(np.ravel(arrays["k"])[0]))
    assert bool(values["infeasible"]) == (done.exit_code == 1)
    if total.sum():
        assert values["deviation_lower_bound"] <= np.abs(total / total.mean() - 1).max() + 1e-6
    return done.exit_code, values, part


def pieces_within_pieces(arrays: dict[str, Any], part: np.ndarray) -> int:
    """Count the parts that are in more than one piece within one piece of the graph."""
    graph = graph_from_pairs(arrays["l"], arrays["r"], n_cells=len(arrays["w"]))
    own = part_component_labels_slowly(graph, part.tolist())
    whole = component_labels(graph).tolist()
    seen = {(int(p), w): set[int]() for p, w in zip(part, whole, strict=True)}
    for p, w, piece in zip(part.tolist(), whole, own, strict=True):
        seen[p, w].add(piece)
    return sum(len(pieces) > 1 for pieces in seen.values())


def islands(*sides: int) -> AdjacencyGraph:
    """Square lattices of these sides, side by side with 50 m of water between them."""
    left, right, x, y, n, at = [], [], [], [], 0, 0.0
    for side in sides:
        one = lattice(side, side)
        owner = np.repeat(np.arange(one.n_cells), np.diff(one.indptr))
        once = owner < one.indices
        left.append(owner[once] + n)
        right.append(one.indices[once] + n)
        x.append(one.x + at)
        y.append(one.y)
        n, at = n + one.n_cells, at + 10 * side + 50
    size = np.full(n, 100.0)
    return graph_from_pairs(
        np.concatenate(left), np.concatenate(right), n_cells=n, x=np.concatenate(x), y=np.concatenate(y),
        shared_length_m=np.full(sum(map(len, left)), 10.0), area_m2=size, perimeter_m=size * 0.4,
    )  # fmt: skip


@pytest.mark.parametrize("objective", ["border", "street", "balance"])
def test_a_lattice_is_cut_inside_the_bounds(tmp_path: Path, objective: str) -> None:
    code, values, _ = solved(tmp_path, good(), "--objective", objective)
    assert code == 0
    assert values["objective"] == objective
    if objective == "balance":
        assert (values["max_deviation"], values["deviation_is_optimal"]) == (0, True)


def test_one_seed_one_plan(tmp_path: Path) -> None:
    parts = [solved(tmp_path, good(), "--seed", "3")[2].tolist() for _ in range(2)]
    assert parts[0] == parts[1]


def test_the_summary_names_what_was_reached(tmp_path: Path) -> None:
    done = wangge(saved(tmp_path, good()), "--out", tmp_path / "part.npy")
    assert (done.exit_code, done.stderr) == (0, "")
    for words in ("4 of 4 inside 100 to 140", "inner border", "Polsby-Popper", "stopped by"):
        assert words in done.stdout


def test_optional_arrays_may_be_left_out(tmp_path: Path) -> None:
    arrays = {key: good()[key] for key in ("w", "l", "r", "S", "k", "lo", "hi")}
    code, values, _ = solved(tmp_path, arrays)
    assert code == 0
    assert (values["polsby_popper_mean"], values["street_share"]) == (None, 0)


def test_other_arrays_and_kinds_of_numbers_do_not_matter(tmp_path: Path) -> None:
    arrays = good()
    plain = solved(tmp_path, arrays)[2]
    arrays |= {
        "l": arrays["l"].astype(np.uint64), "w": arrays["w"].astype(">f4"), "k": np.array([4.0]),
        "street": arrays["street"].astype(np.uint8), "note": np.array(["any text"]),
        "odd": np.array([{"a": 1}], dtype=object),
    }  # fmt: skip
    assert solved(tmp_path, arrays)[2].tolist() == plain.tolist()


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "no borders": ({"S": None}, "lacks S (the shared border of each adjacency in metres)"),
    "no bounds": ({"lo": None, "hi": None}, "lacks lo (the least weight of a part); hi"),
    "table of weights": ({"w": np.ones((48, 1))}, "w has the shape (48, 1)"),
    "short area": ({"area": np.ones(47)}, "area has 47 values for 48 cells"),
    "short r": ({"r": np.zeros(3, np.int32)}, "r has 3 values"),
    "several k": ({"k": np.array([4, 5])}, "k has the shape (2,)"),
    "negative weight": ({"w": np.r_[np.ones(46), -1.0, -2.0]}, "w is negative at 46, 47"),
    "missing weight": ({"w": np.r_[np.nan, np.ones(47)]}, "w is no finite number at 0"),
    "endless weight": ({"w": np.full(48, 1e300)}, "values above 2^53"),
    "heavy sum": ({"w": np.full(48, 2.0**52)}, "add up to more than 2^53"),
    "light sum": ({"w": np.full(48, 1e-200)}, "add up to less than 1e-9"),
    "true weights": ({"w": np.ones(48, bool)}, "w holds true and false"),
    "text weights": ({"w": np.full(48, "10")}, "w holds str"),
    "complex weights": ({"w": np.ones(48, complex)}, "w holds complex128 values"),
    "objects": ({"w": np.array([1] * 48, dtype=object)}, "w holds object values"),
    "no cells": ({"w": np.zeros(0)}, "has no cells"),
    "negative border": ({"S": np.full(82, -1.0)}, "S is negative at 0, 1, 2, 3, 4 and 77 more"),
    "missing place": ({"x": np.full(48, np.inf)}, "x is no finite number"),
    "one coordinate": ({"y": None}, "has x but not the other coordinate"),
    "negative area": ({"area": np.full(48, -1)}, "area is negative"),
    "street class": ({"street": np.full(82, 3)}, "street must hold true and false"),
    "float enclosures": ({"eid": np.ones(48)}, "eid must hold integers"),
    "no parts": ({"k": np.int64(0)}, "k is 0"),
    "half a part": ({"k": np.float64(2.5)}, "k is 2.5"),
    "bounds the wrong way": ({"lo": np.int64(150)}, "lo 150 is above hi 140"),
    "nothing allowed": ({"lo": np.int64(0), "hi": np.int64(0)}, "hi is 0"),
    "bound missing": ({"hi": np.float64(np.nan)}, "hi is no finite number"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_one_sentence(tmp_path: Path, fault: str) -> None:
    change, words = FAULTS[fault]
    arrays = {key: value for key, value in (good() | change).items() if value is not None}
    refused(saved(tmp_path, arrays), words)


def refused(path: Path, words: str) -> None:
    out = path.parent / "part.npy"
    done = wangge(path, "--out", out)
    assert (done.exit_code, done.stdout) == (2, ""), done.output
    assert done.stderr.startswith("Error: ")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert not out.exists()


@pytest.mark.parametrize(
    ("l_end", "r_end", "words"),
    [
        (5, 5, "l and r name the same cell at row 82"),
        (1, 0, "rows 0 and 82 of l and r are the same adjacency, of cells 0 and 1"),
        (0, 48, "r names cell 48 at row 82, but cells are numbered 0 to 47"),
        (-1, 3, "l names cell -1 at row 82"),
    ],
)
def test_faults_of_adjacencies(tmp_path: Path, l_end: int, r_end: int, words: str) -> None:
    arrays = good()
    arrays["l"], arrays["r"] = np.append(arrays["l"], l_end), np.append(arrays["r"], r_end)
    arrays["S"], arrays["street"] = np.append(arrays["S"], 1.0), np.append(arrays["street"], False)
    refused(saved(tmp_path, arrays), words)


def test_float_ids_are_refused(tmp_path: Path) -> None:
    arrays = good()
    refused(saved(tmp_path, arrays | {"l": arrays["l"].astype(float)}), "l holds float64 values")


def header(shape: str, descr: str = "'<f8'") -> bytes:
    """Return the beginning of a `.npy` file that says it has this shape."""
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode("latin1")


@pytest.mark.parametrize(
    "member",
    [header("(10**12,)"), header("(1000000000000,)"), header("(-5,)"), header("(3,)", "'<f"),
     header("(2,)") + b"\0" * 8, header("(1,)") + b"\0" * 99, b"", b"\x93NUMPY\x09\x00", header("('a',)")],
)  # fmt: skip
def test_broken_members_are_one_sentence(tmp_path: Path, member: bytes) -> None:
    path = tmp_path / "town.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("w.npy", member)
    refused(path, "is no .npz file that can be read, or is damaged")


class Trap:
    """Leaves a mark where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return Path.touch, (self.mark,)


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    arrays = good()
    arrays["w"] = np.array([Trap(mark)] * 48, dtype=object)
    refused(saved(tmp_path, arrays), "w holds object values")
    raw = tmp_path / "raw.npz"
    raw.write_bytes(pickle.dumps(Trap(mark)))
    refused(raw, "is no .npz file")
    assert not mark.exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"not an archive", b"\x93NUMPY"])
def test_other_files_are_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "town.npz"
    path.write_bytes(content)
    refused(path, "is no .npz file that can be read")


def test_a_damaged_file_is_noticed(tmp_path: Path) -> None:
    stream = io.BytesIO()
    np.savez(stream, **good())
    content = bytearray(stream.getvalue())
    with zipfile.ZipFile(stream) as archive:
        at = archive.getinfo("w.npy").header_offset + 250
    content[at] ^= 0xFF
    path = tmp_path / "town.npz"
    path.write_bytes(content)
    refused(path, "is damaged")


def test_an_archive_that_unpacks_to_too_much_is_not_unpacked(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("gis_core.partition.instance._MOST_BYTES", 1000)
    refused(saved(tmp_path, good()), "would unpack to more than")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere.npz", "--out", "part.npy"], "There is no file nowhere.npz"),
        ([".", "--out", "part.npy"], ". is no file"),
        (["town.npz", "--out", "part.csv"], "part.csv must end in .npy"),
        (["town.npz", "--out", "nowhere/part.npy"], "There is no folder nowhere"),
        (["town.npz", "--out", "part.npy", "--time-limit", "0"], "--time-limit 0 cannot be used"),
        (["town.npz", "--out", "part.npy", "--time-limit", "nan"], "--time-limit nan cannot be used"),
        (["town.npz", "--out", "part.npy", "--objective", "best"], "best"),
    ],
)
def test_wrong_use(tmp_path: Path, monkeypatch, arguments: list[str], words: str) -> None:
    monkeypatch.chdir(tmp_path)
    saved(tmp_path, good())
    done = wangge(*arguments)
    assert done.exit_code == 2
    assert words in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["town.npz"]


SHAPES: dict[str, tuple[AdjacencyGraph, list[float], int, float, float, int]] = {
    "one cell": (chain(1), [350], 1, 300, 500, 0),
    "one light cell": (chain(1), [20], 1, 300, 500, 1),
    "one part": (lattice(5, 5), [16] * 25, 1, 300, 500, 0),
    "a part a cell": (chain(4), [300, 310, 320, 330], 4, 300, 500, 0),
    "more parts than cells": (chain(4), [400] * 4, 7, 300, 500, 1),
    "chain": (chain(60), [20] * 60, 3, 300, 500, 0),
    "star": (star(40), [10] * 40, 2, 5, 395, 0),
    "star that cannot be shared": (star(40), [10] * 40, 2, 190, 210, 1),
    "heavy cell": (lattice(6, 6), [620] + [20] * 35, 3, 300, 500, 1),
    "too little for so many": (lattice(6, 6), [10] * 36, 3, 300, 500, 1),
    "too much for so few": (lattice(6, 6), [100] * 36, 3, 300, 500, 1),
    "no weight": (lattice(6, 6), [0] * 36, 3, 300, 500, 1),
    "no weight needed": (lattice(6, 6), [0] * 36, 3, 0, 500, 0),
    "mostly no weight": (lattice(6, 6), [400] + [0] * 34 + [400], 2, 300, 500, 0),
    "no minimum": (lattice(6, 6), [10] * 36, 9, 0, 100, 0),
    "fractions": (lattice(6, 6), [0.25] * 36, 3, 2.5, 3.5, 0),
    "no adjacency": (graph_from_pairs(np.zeros(0, int), np.zeros(0, int), n_cells=3), [400] * 3, 3, 300, 500, 0),
    "scattered cells in one part": (
        graph_from_pairs(np.zeros(0, int), np.zeros(0, int), n_cells=9), [50] * 9, 1, 300, 500, 0,
    ),
    "islands alone": (islands(5, 5, 5), [16] * 75, 3, 300, 500, 0),
    "islands with two parts each": (islands(6, 6), [20] * 72, 4, 300, 500, 0),
    "small island joins": (islands(5, 2), [16] * 25 + [10] * 4, 1, 300, 500, 0),
    "fewer parts than islands": (islands(3, 3, 3, 3), [20] * 36, 2, 300, 500, 0),
    "island without weight": (islands(5, 3), [16] * 25 + [0] * 9, 1, 300, 500, 0),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_awkward_graphs(tmp_path: Path, shape: str) -> None:
    graph, weight, k, lo, hi, wanted_code = SHAPES[shape]
    code, values, part = solved(tmp_path, arrays_of(graph, weight, k, lo, hi))
    assert values["parts"] == min(k, graph.n_cells)
    assert code == wanted_code, (values, np.bincount(part, weights=weight))


def test_islands_share_parts_only_where_they_must(tmp_path: Path) -> None:
    graph = islands(5, 5, 2)
    weight = [16] * 50 + [10] * 4
    _, values, part = solved(tmp_path, arrays_of(graph, weight, 2, 300, 500))
    assert values["parts_over_several_pieces"] == 1
    assert len(set(part[:25].tolist())) == len(set(part[25:50].tolist())) == 1
    assert part[25] == part[-1] != part[0]  # the small island goes to the nearest, in the middle


def test_more_parts_than_cells_says_how_many_can_be(tmp_path: Path) -> None:
    graph, weight, k, lo, hi, _ = SHAPES["more parts than cells"]
    _, values, _ = solved(tmp_path, arrays_of(graph, weight, k, lo, hi))
    assert "7 parts cannot be made of 4 cells" in values["infeasible"][0]["reason"]


def test_reasons_say_which_cell(tmp_path: Path) -> None:
    graph, weight, k, lo, hi, _ = SHAPES["heavy cell"]
    done = wangge(saved(tmp_path, arrays_of(graph, weight[::-1], k, lo, hi)), "--out", tmp_path / "part.npy")
    assert done.exit_code == 1
    assert "2 of 3 inside 300 to 500" in done.stdout
    assert "ell 35 " in done.stderr
    assert "620" in done.stderr


@pytest.mark.parametrize("seed", range(5))
def test_bridges_are_a_shortest_tree_of_the_pieces(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 24
    pairs = rng.integers(0, n, (14, 2))
    pairs = np.unique(np.sort(pairs[pairs[:, 0] != pairs[:, 1]], axis=1), axis=0)
    x, y = rng.integers(0, 6, (2, n)).astype(float)  # many share a place or a line
    graph = graph_from_pairs(pairs[:, 0], pairs[:, 1], n_cells=n, x=x, y=y)
    bridges = bridges_between(graph)
    label = component_labels(graph)
    assert len(bridges) == label.max()
    assert component_labels(change_adjacencies(graph, left=bridges[:, 0], right=bridges[:, 1])).max() == 0
    group = label.tolist()
    best = 0.0
    length = {(i, j): np.hypot(x[i] - x[j], y[i] - y[j]) for i in range(n) for j in range(i)}
    for (i, j), distance in sorted(length.items(), key=lambda item: item[1]):  # Kruskal over all pairs
        if group[i] != group[j]:
            best += distance
            group = [group[i] if g == group[j] else g for g in group]
    reached = np.hypot(*(np.stack([x, y])[:, bridges[:, 0]] - np.stack([x, y])[:, bridges[:, 1]])).sum()
    assert reached == pytest.approx(best)


def test_only_needed_bridges() -> None:
    graph = islands(5, 5, 2, 5)
    weight = np.r_[np.full(50, 16.0), np.full(4, 10.0), np.full(25, 16.0)]
    bridges = bridges_between(graph)
    needed = bridges_needed(graph, weight, bridges, 3, Bounds(300, 500))
    label = component_labels(graph)
    assert needed.sum() == 1
    assert 2 in label[bridges[needed]].ravel()
    assert bridges_needed(graph, weight, bridges, 1, Bounds(300, 5000)).all()


def test_measures_equal_a_plain_count(tmp_path: Path) -> None:
    question = read_instance(saved(tmp_path, good()))
    part = (np.arange(48) // 12).astype(np.int32)  # rows of 8 cells: each part one row and a half
    found = measure(question, part)
    arrays = good()
    cut = [(a, b) for a, b in zip(arrays["l"], arrays["r"], strict=True) if part[a] != part[b]]
    street = [
        s for a, b, s in zip(arrays["l"], arrays["r"], arrays["street"], strict=True) if part[a] != part[b]
    ]
    assert found.border_m == 10 * len(cut)
    assert found.street_border_m == 10 * sum(street)
    assert (found.parts, found.in_bounds, found.in_pieces, found.max_deviation) == (4, 4, 0, 0)
    # Twelve cells in rows of 8 and 4: the outline is 2 * (80 + 20) m long.
    assert found.polsby_popper_mean == pytest.approx(4 * np.pi * 1200 / 200**2)
    assert measure(question, np.arange(48, dtype=np.int32) % 2).in_pieces == 2


def test_reading_keeps_every_value(tmp_path: Path) -> None:
    arrays = good()
    question = read_instance(saved(tmp_path, arrays))
    assert isinstance(question, Instance)
    again = arrays_of(
        question.graph, question.weight, question.n_parts, question.bounds.minimum, question.bounds.maximum
    )
    assert all(np.array_equal(arrays[key], again[key]) for key in arrays)
    with pytest.raises(DatasetError):
        read_instance(tmp_path)


def test_reasons_speak_of_a_graph_and_keep_the_name(tmp_path: Path) -> None:
    arrays = arrays_of(chain(6), np.array([200.0, 5, 5, 5, 5, 5]), 2, 10, 60)
    file = saved(tmp_path, arrays)
    renamed = file.rename(tmp_path / "grid households.npz")
    result = wangge(renamed, "--out", tmp_path / "part.npy", "--json")
    assert result.exit_code == 1
    reasons = json.loads(result.stdout)["infeasible"]
    said = " ".join(item["reason"] + " " + item["mend"] for item in reasons)
    assert "Cell 0 of 'grid households' holds 200, more than the maximum of 60." in said
    rest = said.replace("'grid households'", "")
    assert not any(word in rest for word in ("household", "grid", "building", "boundary"))
