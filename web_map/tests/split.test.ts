import assert from "node:assert/strict";
import { test } from "node:test";
import type { Graph } from "../src/kernels/adjacency";
import { LivePlan } from "../src/kernels/live";
import { minimumCut } from "../src/kernels/mincut";
import { simplify } from "../src/kernels/polyline";
import { splitByLine } from "../src/kernels/split";
import { growGrids, makeTown } from "./planar";
import { randomFrom } from "./random";

/** How many connected pieces a set of cells has. */
function pieceCount(graph: Graph, cells: ArrayLike<number>): number {
  const left = new Set(Array.from(cells));
  let count = 0;
  for (const first of left) {
    count++;
    const open = [first];
    left.delete(first);
    for (let cell = open.pop(); cell !== undefined; cell = open.pop())
      for (const other of graph.indices.subarray(graph.indptr[cell], graph.indptr[cell + 1]))
        if (left.delete(other)) open.push(other);
  }
  return count;
}

test("the minimum cut costs as little as the best of all ways to part the nodes", () => {
  const random = randomFrom(11);
  for (let round = 0; round < 200; round++) {
    const nodes = 1 + Math.floor(random() * 9);
    const any = (most: number): number => Math.floor(random() * most);
    const links = Array.from({ length: any(20) }, () => [any(nodes), any(nodes), any(30)]).filter(([a, b]) => a !== b);
    const problem = {
      nodes,
      from: links.map(([a]) => a),
      to: links.map(([, b]) => b),
      cost: links.map(([, , c]) => c),
      costOf1: Array.from({ length: nodes }, () => any(25)),
      costOf0: Array.from({ length: nodes }, () => any(25)),
    };
    const price = (side: (node: number) => number): number => {
      let sum = 0;
      for (let node = 0; node < nodes; node++) sum += side(node) ? problem.costOf1[node] : problem.costOf0[node];
      for (const [a, b, c] of links) if (side(a) !== side(b)) sum += c;
      return sum;
    };
    let best = Infinity;
    for (let way = 0; way < 2 ** nodes; way++) best = Math.min(best, price((node) => (way >> node) & 1));
    const sides = minimumCut(problem);
    assert.equal(price((node) => sides[node]), best);
  }
});

test("both halves of any grid are connected, share no cell and leave none out", () => {
  const random = randomFrom(12);
  let parted = 0;
  for (let round = 0; round < 12; round++) {
    const graph = makeTown({ columns: 30, rows: 24, holes: 0.1 * (round % 4), block: 6 }, random);
    const live = new LivePlan(graph, growGrids(graph, 5, random), 5);
    for (let i = 0; i < 60; i++) {
      const grid = Math.floor(random() * 5);
      const cells = live.cellsOf(grid);
      if (cells.length === 0) continue;
      const wander = (from: number): number => from + (random() - 0.5) * 6000;
      const cell = cells[Math.floor(random() * cells.length)];
      const line = [wander(graph.anchor[2 * cell]), wander(graph.anchor[2 * cell + 1])];
      const points = 2 + Math.floor(random() * 6);
      while (line.length < 2 * points) line.push(wander(line[line.length - 2]), wander(line[line.length - 2]));
      const halves = splitByLine(graph, live, grid, line);
      if (!halves) continue;
      parted++;
      assert.ok(halves.left.length > 0 && halves.right.length > 0);
      assert.deepEqual([...halves.left, ...halves.right].sort((a, b) => a - b), [...cells]);
      const pieces = live.figures.pieces[grid];
      const after = pieceCount(graph, halves.left) + pieceCount(graph, halves.right);
      if (pieces === 1) assert.deepEqual([pieceCount(graph, halves.left), pieceCount(graph, halves.right)], [1, 1]);
      else assert.ok(after <= pieces + 1);
    }
  }
  assert.ok(parted > 300);
});

/** A lattice of 20 x 20 cells in one grid, streets after every fifth row and column; rows and columns are 1000 apart. */
function oneGrid(): { graph: Graph; live: LivePlan; rowOf: (cell: number) => number; columnOf: (cell: number) => number } {
  const graph = makeTown({ columns: 20, rows: 20, block: 5 }, () => 0.8);
  const live = new LivePlan(graph, new Int32Array(graph.n), 1);
  const [x0, y0] = [graph.anchor[0], graph.anchor[1]];
  const columnOf = (cell: number): number => Math.round((graph.anchor[2 * cell] - x0) / 1000);
  const rowOf = (cell: number): number => Math.round((graph.anchor[2 * cell + 1] - y0) / 1000);
  return { graph, live, rowOf, columnOf };
}

const at = (graph: Graph, column: number, row: number): number[] => [
  graph.anchor[0] + 1000 * column,
  graph.anchor[1] + 1000 * row,
];

test("the cut follows a street that runs beside the line, and the line where there is none", () => {
  const { graph, live, rowOf, columnOf } = oneGrid();
  // A wavering line within the row above the street between rows 9 and 10; its ends stop short of the border.
  const wavering = [2, 5, 9, 13, 17].flatMap((column, i) => at(graph, column, 8.8 + 0.4 * (i % 2)));
  const along = splitByLine(graph, live, 0, wavering);
  assert.ok(along);
  assert.deepEqual(new Set([...along.left].map(rowOf)), new Set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
  assert.equal(along.left.length, 200);
  const between = splitByLine(graph, live, 0, [...at(graph, 11.6, 19), ...at(graph, 11.6, 1)]);
  assert.ok(between);
  assert.deepEqual(new Set([...between.left].map(columnOf)), new Set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]));
  assert.equal(between.right.length, 160);
});

test("left is left of the hand, whichever way it goes, also in a loop that is open to one side", () => {
  const { graph, live, columnOf, rowOf } = oneGrid();
  const down = splitByLine(graph, live, 0, [...at(graph, 9.5, 3), ...at(graph, 9.5, 16)]);
  assert.ok(down && [...down.left].every((cell) => columnOf(cell) > 9));
  const up = splitByLine(graph, live, 0, [...at(graph, 9.5, 16), ...at(graph, 9.5, 3)]);
  assert.deepEqual([up?.left, up?.right], [down.right, down.left]);
  const bowl = [at(graph, 4.5, 2), at(graph, 4.5, 14.5), at(graph, 14.5, 14.5), at(graph, 14.5, 2)].flat();
  const loop = splitByLine(graph, live, 0, bowl);
  assert.ok(loop && loop.left.length === 150);
  assert.ok([...loop.left].every((cell) => columnOf(cell) > 4 && columnOf(cell) < 15 && rowOf(cell) < 15));
});

test("a line that divides nothing gives nothing", () => {
  const { graph, live } = oneGrid();
  assert.equal(splitByLine(graph, live, 0, [...at(graph, -3, 0), ...at(graph, -3, 9)]), null);
  assert.equal(splitByLine(graph, live, 0, [...at(graph, 9, 9), ...at(graph, 9, 9)]), null);
  assert.equal(splitByLine(graph, live, 0, at(graph, 9, 9)), null);
  assert.equal(splitByLine(graph, live, 0, []), null);
  live.apply([...live.cellsOf(0)].slice(1), -1);
  assert.equal(splitByLine(graph, live, 0, [...at(graph, 0, -3), ...at(graph, 0.1, 9)]), null);
});

test("of a grid in pieces only one is parted, and two pieces may be parted from each other", () => {
  const { graph, live, columnOf } = oneGrid();
  live.apply(live.cellsOf(0).filter((cell) => columnOf(cell) === 12), -1);
  const line = [...at(graph, 3, 6.5), ...at(graph, 8, 6.5)];
  const across = splitByLine(graph, live, 0, line);
  assert.ok(across);
  assert.equal(pieceCount(graph, across.left) + pieceCount(graph, across.right), 3);
  const apart = splitByLine(graph, live, 0, [...at(graph, 12, 3), ...at(graph, 12.2, 8)]);
  assert.ok(apart && apart.left.length === 140 && apart.right.length === 240);
});

test("a simplified line keeps its ends and stays near the drawn one", () => {
  const random = randomFrom(5);
  const line = Array.from({ length: 400 }, (_, i) => (i % 2 === 0 ? i * 10 : 300 * Math.sin(i / 40) + random() * 8));
  const simple = simplify(line, 12);
  assert.ok(simple.length < 80);
  assert.deepEqual([simple.slice(0, 2), simple.slice(-2)], [line.slice(0, 2), line.slice(-2)]);
  for (let at = 0; at < line.length; at += 2) {
    let near = Infinity;
    for (let v = 0; v + 3 < simple.length; v += 2) {
      const [ax, ay, bx, by] = simple.slice(v, v + 4);
      const along = ((line[at] - ax) * (bx - ax) + (line[at + 1] - ay) * (by - ay)) / ((bx - ax) ** 2 + (by - ay) ** 2);
      const share = Math.min(1, Math.max(0, along));
      near = Math.min(near, Math.hypot(line[at] - ax - share * (bx - ax), line[at + 1] - ay - share * (by - ay)));
    }
    assert.ok(near <= 12 + 1e-9);
  }
});
