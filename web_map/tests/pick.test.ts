import assert from "node:assert/strict";
import { test } from "node:test";
import type { Graph } from "../src/kernels/adjacency";
import { admit, block, box, brush, brushAlong, compound, indexAnchors, lasso } from "../src/kernels/pick";
import { makeTown } from "./planar";
import { randomFrom } from "./random";

const TOWNS: [Graph, () => number][] = [
  [{ columns: 40, rows: 25, holes: 0.1 }, 1],
  [{ columns: 9, rows: 60, holes: 0.3, step: 7 }, 2],
  [{ columns: 70, rows: 60, holes: 0, step: 3000 }, 3],
].map(([options, start]) => {
  const random = randomFrom(start as number);
  return [makeTown(options as { columns: number; rows: number }, random), random];
});

const cellsWhere = (graph: Graph, test: (x: number, y: number, cell: number) => boolean): number[] =>
  Array.from({ length: graph.n }, (_, i) => i).filter((i) => test(graph.anchor[2 * i], graph.anchor[2 * i + 1], i));

function frameOf(graph: Graph): { at: (random: () => number) => [number, number]; width: number } {
  const xs = [...graph.anchor].filter((_, i) => i % 2 === 0);
  const ys = [...graph.anchor].filter((_, i) => i % 2 === 1);
  const [x0, y0, x1, y1] = [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
  return {
    at: (random) => [x0 + (random() * 1.2 - 0.1) * (x1 - x0), y0 + (random() * 1.2 - 0.1) * (y1 - y0)],
    width: x1 - x0,
  };
}

test("a brush takes the anchors in its circle and the cell under the pointer", () => {
  for (const [graph, random] of TOWNS) {
    const index = indexAnchors(graph);
    const { at, width } = frameOf(graph);
    for (let i = 0; i < 150; i++) {
      const [x, y] = at(random);
      const radius = random() ** 2 * width;
      const under = random() < 0.5 ? -1 : Math.floor(random() * graph.n);
      const expected = cellsWhere(graph, (cx, cy, cell) => Math.hypot(cx - x, cy - y) <= radius || cell === under);
      assert.deepEqual([...brush(graph, index, x, y, radius, under)], expected);
    }
  }
});

test("a brush that is drawn along leaves no gap between two positions", () => {
  for (const [graph, random] of TOWNS) {
    const index = indexAnchors(graph);
    const { at, width } = frameOf(graph);
    for (let i = 0; i < 60; i++) {
      const [ax, ay] = at(random);
      const [bx, by] = at(random);
      const radius = random() * width * 0.2;
      const found = new Set(brushAlong(graph, index, [ax, ay, bx, by], radius));
      for (let k = 0; k <= 40; k++) {
        const [x, y] = [ax + ((bx - ax) * k) / 40, ay + ((by - ay) * k) / 40];
        for (const cell of brush(graph, index, x, y, radius)) assert.ok(found.has(cell));
      }
      const [dx, dy] = [bx - ax, by - ay];
      for (const cell of found) {
        const [px, py] = [graph.anchor[2 * cell] - ax, graph.anchor[2 * cell + 1] - ay];
        const along = Math.min(1, Math.max(0, (px * dx + py * dy) / (dx * dx + dy * dy)));
        assert.ok(Math.hypot(px - along * dx, py - along * dy) <= radius * (1 + 1e-9));
      }
    }
  }
});

test("a lasso takes what an even-odd test of every anchor takes, whatever its shape", () => {
  for (const [graph, random] of TOWNS) {
    const index = indexAnchors(graph);
    const { at } = frameOf(graph);
    let most = 0;
    for (let i = 0; i < 120; i++) {
      const corners = 3 + Math.floor(random() ** 2 * 60);
      // Some corners lie exactly on anchors, some edges are level.
      const ring = Array.from({ length: corners }, () => {
        const cell = Math.floor(random() * graph.n);
        return random() < 0.2 ? [graph.anchor[2 * cell], graph.anchor[2 * cell + 1]] : at(random).map(Math.round);
      });
      if (corners > 5) ring[1][1] = ring[0][1];
      const inside = (x: number, y: number): boolean => {
        let odd = false;
        for (let v = 0, w = corners - 1; v < corners; w = v++) {
          const [a, b] = ring[v][1] <= ring[w][1] ? [ring[v], ring[w]] : [ring[w], ring[v]];
          if (a[1] <= y && b[1] > y && x < a[0] + ((b[0] - a[0]) * (y - a[1])) / (b[1] - a[1])) odd = !odd;
        }
        return odd;
      };
      const found = lasso(graph, index, ring.flat());
      assert.deepEqual([...found], cellsWhere(graph, inside));
      most = Math.max(most, found.length);
    }
    assert.ok(most > graph.n / 3);
    assert.equal(lasso(graph, index, [0, 0, 1, 1]).length, 0);
  }
});

test("a box, a block and a compound take all of their cells", () => {
  for (const [graph, random] of TOWNS) {
    const index = indexAnchors(graph);
    const { at } = frameOf(graph);
    for (let i = 0; i < 60; i++) {
      const [[ax, ay], [bx, by]] = [at(random), at(random)];
      const [x0, y0, x1, y1] = [Math.min(ax, bx), Math.min(ay, by), Math.max(ax, bx), Math.max(ay, by)];
      const expected = cellsWhere(graph, (x, y) => x >= x0 && x <= x1 && y >= y0 && y <= y1);
      assert.deepEqual([...box(graph, index, [x0, y0, x1, y1])], expected);
    }
    for (const enclosure of new Set(graph.enclosureIx)) {
      const expected = cellsWhere(graph, (_x, _y, cell) => graph.enclosureIx[cell] === enclosure);
      assert.deepEqual([...block(index, enclosure)], expected);
    }
    assert.deepEqual([...compound(index, 1)], cellsWhere(graph, (_x, _y, cell) => graph.compoundIx[cell] === 1));
    assert.equal(compound(index, -1).length + compound(index, 1e6).length + block(index, 1e6).length, 0);
  }
});

test("a source filter leaves out what it does not admit", () => {
  const gridOf = Int32Array.of(0, 1, -1, 1, 2);
  const cells = Uint32Array.of(0, 1, 2, 3, 4);
  const isFree = (cell: number): boolean => cell !== 3 && gridOf[cell] !== 0;
  assert.deepEqual([...admit(cells, { kind: "all" }, gridOf, isFree)], [0, 1, 2, 3, 4]);
  assert.deepEqual([...admit(cells, { kind: "unassigned" }, gridOf, isFree)], [2]);
  assert.deepEqual([...admit(cells, { kind: "grid", grid: 1 }, gridOf, isFree)], [1, 3]);
  assert.deepEqual([...admit(cells, { kind: "unlocked" }, gridOf, isFree)], [1, 2, 4]);
  assert.deepEqual([...admit(cells, { kind: "unlocked" }, gridOf)], [0, 1, 2, 3, 4]);
});

test("an empty dataset gives empty answers", () => {
  const graph = makeTown({ columns: 0, rows: 0 }, randomFrom(1));
  const index = indexAnchors(graph);
  assert.equal(brush(graph, index, 0, 0, 10).length + lasso(graph, index, [0, 0, 9, 0, 9, 9]).length, 0);
});
