import assert from "node:assert/strict";
import { test } from "node:test";
import { dissolve } from "../src/kernels/dissolve";
import { PairHeap } from "../src/kernels/heap";
import { LivePlan } from "../src/kernels/live";
import { growGrids, makeTown } from "./planar";
import { randomFrom } from "./random";

test("the cells of a dissolved grid join grids beside them, and no grid gets a piece more", () => {
  const random = randomFrom(31);
  for (let round = 0; round < 40; round++) {
    const holes = 0.1 * (round % 4);
    const graph = makeTown({ columns: 26, rows: 22, holes, areas: 1 + (round % 3) }, random);
    const live = new LivePlan(graph, growGrids(graph, 9, random), 9);
    const grid = Math.floor(random() * 9);
    const cells = live.cellsOf(grid);
    const refused = Math.floor(random() * 9);
    const result = dissolve(graph, live, grid, 400, (_, to) => to !== refused);
    assert.deepEqual([...result.cells, ...result.left].sort((a, b) => a - b), [...cells]);
    assert.ok(result.grids.every((to) => to >= 0 && to !== grid && to !== refused));
    const pieces = live.figures.pieces.slice();
    live.apply(result.cells, result.grids);
    assert.equal(live.figures.cells[grid], result.left.length);
    for (let other = 0; other < 9; other++)
      if (other !== grid) assert.ok(live.figures.pieces[other] <= pieces[other], `grid ${other} of round ${round}`);
    // What is left touches no grid of its area that would take it.
    for (const cell of result.left)
      for (const other of graph.indices.subarray(graph.indptr[cell], graph.indptr[cell + 1]))
        assert.ok(
          [-1, grid, refused].includes(live.gridOf[other]) || graph.areaIx[other] !== graph.areaIx[cell],
          `cell ${cell} could go to ${live.gridOf[other]}`,
        );
  }
});

/** Three columns of 6 x 9 cells side by side; the middle one is to be dissolved. */
function three(): { live: LivePlan; households: (grid: number) => number } {
  const graph = makeTown({ columns: 18, rows: 9, block: 100 }, () => 0.8);
  graph.households.fill(10);
  const column = (cell: number): number => Math.round((graph.anchor[2 * cell] - graph.anchor[0]) / 1000);
  const live = new LivePlan(graph, Int32Array.from({ length: graph.n }, (_, cell) => Math.floor(column(cell) / 6)), 3);
  return { live, households: (grid) => live.figures.households[grid] };
}

test("between equal borders the grid with fewer households takes more", () => {
  const { live, households } = three();
  const even = dissolve(live.graph, live, 1, 2000);
  assert.ok(Math.abs([...even.grids].filter((to) => to === 0).length - 27) <= 9);
  live.apply([...live.cellsOf(0)].slice(0, 30), -1);
  assert.deepEqual([households(0), households(2)], [240, 540]);
  const uneven = dissolve(live.graph, live, 1, 600);
  live.apply(uneven.cells, uneven.grids);
  assert.ok(households(0) > 600 && households(2) < 760, `${households(0)} and ${households(2)}`);
  assert.equal(uneven.left.length, 0);
});

test("a grid that touches no other keeps its cells", () => {
  const graph = makeTown({ columns: 5, rows: 5 }, randomFrom(1));
  const live = new LivePlan(graph, new Int32Array(25), 2);
  assert.deepEqual([...dissolve(graph, live, 0).left], [...live.cellsOf(0)]);
  assert.equal(dissolve(graph, live, 1).cells.length, 0);
});

test("the heap gives pairs by score, equal ones in ascending order", () => {
  const random = randomFrom(32);
  const heap = new PairHeap();
  const pairs = Array.from({ length: 500 }, () => [random, random, random].map((next) => Math.floor(next() * 9)));
  for (const [score, first, second] of pairs) heap.push(score, first, second);
  pairs.sort((a, b) => b[0] - a[0] || a[1] - b[1] || a[2] - b[2]);
  for (const [score, first, second] of pairs) assert.deepEqual(heap.pop(), { score, first, second });
  assert.equal(heap.pop(), undefined);
});
