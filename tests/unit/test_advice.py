"""What is advised mends: numbers of grids follow the wishes, bounds that are only needed are called so, no noise."""

from __future__ import annotations

import re
from itertools import combinations

import numpy as np
import pytest
from cell_graphs import from_edges, lattice, star

from gis_core.commands._common import compound_lines, reason_lines
from gis_core.errors import DatasetError, counted
from gis_core.fabric.ground import Compounds
from gis_core.graph.components import component_labels, subgraph
from gis_core.model import Infeasible
from gis_core.partition import Bounds, PartitionResult, partition_fabric
from gis_core.partition.certify.joined import joined_weight
from gis_core.partition.constraints.apart import Apart
from gis_core.partition.constraints.together import Together
from gis_core.partition.constraints.weights import WeightBounds
from gis_core.partition.instance import read_instance
from gis_core.plan.ground import _compounds
from gis_core.plan.make import _Timer
from gis_core.plan.rebalance_levels import _on_level
from gis_core.plan.rebalance_reasons import mend_without_number


def cut(graph, weight, low, high, *constraints):
    """Cut one boundary polygon 'A' into as many grids as the bounds and wishes suggest."""
    home = np.zeros(graph.n_cells, int)
    return partition_fabric(
        graph, home, np.asarray(weight, float), boundary_codes=["A"], bounds=Bounds(low, high), constraints=constraints
    )  # fmt: skip


def apart(*cells: int) -> Apart:
    left, right = np.array(list(combinations(cells, 2)), np.int64).T
    return Apart(left, right, tuple(f"Buildings {a} and {b}" for a, b in combinations(cells, 2)))


class TestNumberOfGrids:
    def test_it_goes_up_to_what_cells_that_stay_apart_need(self) -> None:
        # 1,200 households of which the bounds alone would make 4 grids.
        wish = apart(0, 4, 9, 50, 54, 59)
        found = cut(lattice(6, 10), [20] * 60, 100, 500, wish)
        assert found.n_parts >= 6
        assert found.infeasible == ()

    def test_bounds_come_before_a_wish_that_leaves_no_number(self) -> None:
        found = cut(lattice(6, 10), [20] * 60, 300, 500, apart(0, 4, 9, 50, 54, 59))
        total = np.bincount(found.assignment) * 20
        assert 300 <= total.min() <= total.max() <= 500
        (proof, *_) = found.infeasible
        assert proof.mend == "Take 2 or more of them out, or lower the minimum to 200 or less."

    def test_it_goes_down_where_a_group_needs_a_large_grid(self) -> None:
        # The middle of the bounds would make 2 grids.
        everything = Together(np.zeros(60, np.int64), ("The together group 'all'",))
        found = cut(lattice(6, 10), [20] * 60, 300, 1200, everything)
        assert (found.n_parts, found.infeasible) == (1, ())


class TestTogether:
    def test_what_lies_between_is_counted_from_the_start(self) -> None:
        # A row of seven: both ends and the middle, with 90 on each cell between.
        weight = [100, 90, 90, 100, 90, 90, 100]
        group = np.array([0, -1, -1, 0, -1, -1, 0], np.int64)
        label = ("The together group 'towers'",)
        row = from_edges(7, [(i, i + 1) for i in range(6)])
        (proof, *_) = cut(row, weight, 80, 250, Together(group, label)).infeasible
        assert "its 3 cells have 300 households, 660 with what lies between them at least" in proof.reason
        assert proof.mend == (
            "Take buildings with 50 or more out of the group; with all of it a grid needs a maximum of 660 or more."
        )
        (proof, *_) = cut(row, weight, 80, 650, Together(group, label)).infeasible
        assert "660 households at least, more than the maximum of 650" in proof.reason
        assert "660 or more" in proof.mend

    @pytest.mark.parametrize("seed", range(6))
    def test_the_bound_is_true_and_mostly_reached(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        graph, weight = lattice(3, 4), rng.integers(0, 20, 12).astype(float)
        own = rng.choice(12, 4, replace=False).tolist()
        others = [cell for cell in range(12) if cell not in own]
        least = min(
            float(weight[[*own, *more]].sum())
            for count in range(len(others) + 1)
            for more in combinations(others, count)
            if component_labels(subgraph(graph, np.array(sorted([*own, *more])))).max() == 0
        )
        bound = joined_weight(graph, weight, own)
        assert weight[own].sum() <= bound <= least + 1e-6
        assert bound >= 0.8 * least

    def test_strays_are_all_that_is_advised_without_a_plan_in_hand(self) -> None:
        wish = Together(np.zeros(4, np.int64), ("The together group 'g'",))
        (fact,) = wish.broken(lattice(2, 2), np.array([0, 0, 0, 1]))
        assert "1 of its 4 cells is outside" in fact.reason
        assert fact.mend.startswith("Take the strays out of the group")
        assert "maximum" not in fact.mend and "fewer" not in fact.mend


class TestLines:
    def test_of_many_long_ways_the_hardest_is_told_and_the_others_counted(self) -> None:
        rows = [{"what": "max-walk", "reason": f"Grid {i}.", "mend": "Allow more."} for i in range(11)]
        rows.insert(4, {"what": "lock", "reason": "A lock."})
        assert reason_lines(rows) == [
            "Grid 0. Allow more.", "... and 10 more like it; the report (--report FILE) has them all.", "A lock.",
        ]  # fmt: skip

    def test_a_few_reasons_are_all_told(self) -> None:
        rows = [{"what": "apart", "reason": str(i), "mend": ""} for i in range(5)]
        assert reason_lines(rows) == list("01234")

    def test_a_compound_above_the_maximum_is_named(self) -> None:
        compounds = Compounds(np.array([0, 0, 0, 1, 1, -1], np.int32), ("大院", "小院"))
        part = np.array([0, 0, 1, 1, 1, 1], np.int32)
        row = _compounds(compounds, part, np.array([300.0, 200, 113, 90, 90, 10]), Bounds(300, 500))
        assert row["too_large"] == [{"name": "大院", "weight": 613.0, "grids": 2}]
        (line,) = compound_lines(
            {"compounds": row, "weights": [{"name": "households"}], "bounds": [300, 500]}
        )
        assert line.startswith("The compound 大院 has 613 households, more than the maximum of 500")

    def test_one_thing_is_not_several(self) -> None:
        assert counted(1, "building") == "1 building"
        assert counted(0, "seed") == "0 seeds"
        wish = WeightBounds("people", np.array([9.0, 1.0]), 0, 5)
        (fact,) = wish.broken(lattice(1, 2), np.array([0, 1]))
        assert fact.mend.startswith("1 cell alone holds more than the maximum")


class TestStar:
    def test_a_second_way_in_comes_before_bounds_that_nobody_would_choose(self) -> None:
        (reason,) = cut(star(200), [1] * 200, 40, 60).infeasible
        assert reason.what == "pocket"
        assert reason.mend.startswith("Give it a second way in")
        assert not re.search(r"\d", reason.mend)


class TestRebalance:
    def test_the_level_is_named_and_its_parts_are_not_called_grids(self) -> None:
        few = {"what": "max-moved", "reason": "2 grids stay outside the bounds.", "mend": "Let more."}
        other = {"what": "weights", "reason": "3 of 24 grids are outside.", "mend": ""}
        said = [row["reason"] for row in _on_level("community", [few, other], finest=False)]
        assert said == [
            "2 parts (level community) stay outside the bounds.", "Level community: 3 of 24 grids are outside.",
        ]  # fmt: skip
        (own,) = _on_level("grid", [few], finest=True)
        assert own["reason"] == "2 grids (level grid) stay outside the bounds."

    def test_no_number_of_grids_is_asked_for_where_none_can_be_given(self) -> None:
        wish = WeightBounds("people", np.full(6, 10.0), 0, 20)
        rows = [item.as_dict() for item in wish.broken(lattice(1, 6), np.array([0, 0, 0, 1, 1, 1]))]
        assert "ask for more of them" in rows[0]["mend"]
        (free,) = mend_without_number(rows, None)
        assert free["mend"] == (
            "The total of 60 needs at least 3 grids; raise that maximum, or lower --min so that there can be as many."
        )
        (held,) = mend_without_number(rows, 300)
        assert held["mend"].startswith("Let more of them change hands")
        other = [Infeasible("apart", "", "They share a grid.", mend="Take one out.").as_dict()]
        assert mend_without_number(other, 300) == other


class TestTimeLimit:
    def test_all_searches_together_keep_it(self) -> None:
        given: list[float | None] = []

        def search(*, time_limit_s: float | None) -> PartitionResult:
            given.append(time_limit_s)
            none = np.zeros(0, np.int32)
            return PartitionResult(none, none, (), np.zeros(0), "time-limit", time_limit_s or 9.0)

        timer = _Timer(10.0)
        timer.timed(search, share=0.6)
        while not timer.over:
            timer.timed(search, share=0.3)
        assert given == [6.0, 3.0, pytest.approx(1.0)]
        free = _Timer(None)
        free.timed(search, share=0.6)
        assert (given[-1], free.over) == (None, False)


class TestInstance:
    def written(self, path, **changed):
        arrays = {
            "w": np.ones(4), "l": np.array([0, 1, 2]), "r": np.array([1, 2, 3]), "S": np.ones(3),
            "k": 2, "lo": 1.0, "hi": 3.0,
        }  # fmt: skip
        np.savez(path / "g.npz", **(arrays | changed))
        return path / "g.npz"

    @pytest.mark.parametrize(
        ("changed", "said"),
        [
            ({"k": -1}, "k is negative; give a whole number of parts, 1 or more."),
            ({"k": 0}, "k is 0; give a whole number of parts, 1 or more."),
            ({"lo": np.nan}, "lo is no finite number; give 0 or more (0: no minimum)."),
            ({"hi": np.nan}, "hi is no finite number; give a number above 0 (inf: no maximum)."),
            ({"w": np.array([1, 1, -1, 1.0])}, "w is negative at 2; give numbers of 0 or more."),
        ],
    )
    def test_a_number_that_cannot_be_used_is_followed_by_one_that_can(self, tmp_path, changed, said) -> None:
        with pytest.raises(DatasetError) as told:
            read_instance(self.written(tmp_path, **changed))
        assert str(told.value) == f"g.npz: {said}"

    def test_an_infinite_maximum_is_none(self, tmp_path) -> None:
        bounds = read_instance(self.written(tmp_path, hi=np.inf)).bounds
        assert (bounds.minimum, bounds.maximum) == (1.0, 4.0)
