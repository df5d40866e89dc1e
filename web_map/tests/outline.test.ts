import assert from "node:assert/strict";
import { test } from "node:test";
import type { Polygons } from "../src/kernels/geometry";
import { EdgeSides, outlineOf } from "../src/kernels/outline";
import { NOTHING, rasterise } from "../src/kernels/raster";
import { randomFrom } from "./random";

const SIDE = 9;
const STEP = 1000;

/** A crooked lattice in which each cell may run either way round and begin anywhere. */
function lattice(random: () => number): Polygons {
  const corners = Array.from({ length: (SIDE + 1) ** 2 }, (_, i) => [
    (i % (SIDE + 1)) * STEP + Math.round((random() - 0.5) * 600) + 2 ** 29,
    Math.floor(i / (SIDE + 1)) * STEP + Math.round((random() - 0.5) * 600) + 2 ** 28,
  ]);
  const at = (column: number, row: number): number[] => corners[row * (SIDE + 1) + column];
  const coords: number[] = [];
  for (let i = 0; i < SIDE * SIDE; i++) {
    const [c, r] = [i % SIDE, Math.floor(i / SIDE)];
    const ring = [at(c, r), at(c + 1, r), at(c + 1, r + 1), at(c, r + 1)];
    if (random() < 0.5) ring.reverse();
    const first = Math.floor(random() * 4);
    coords.push(...[...ring.slice(first), ...ring.slice(0, first)].flat());
  }
  return {
    coords: Int32Array.from(coords),
    ringStart: Uint32Array.from({ length: SIDE * SIDE + 1 }, (_, i) => 4 * i),
    featureStart: Uint32Array.from({ length: SIDE * SIDE + 1 }, (_, i) => i),
  };
}

test("the other side of every edge is found, however many cells are taken at a time", () => {
  const cells = lattice(randomFrom(3));
  const whole = new EdgeSides(cells);
  assert.equal(whole.advance(SIDE * SIDE), true);
  const pieces = new EdgeSides(cells);
  let steps = 0;
  while (!pieces.advance(7)) steps++;
  assert.ok(steps > 5);
  assert.deepEqual(pieces.other, whole.other);
  for (let cell = 0; cell < SIDE * SIDE; cell++) {
    const [c, r] = [cell % SIDE, Math.floor(cell / SIDE)];
    const around = [[c - 1, r], [c + 1, r], [c, r - 1], [c, r + 1]]
      .map(([x, y]) => (x < 0 || y < 0 || x >= SIDE || y >= SIDE ? -1 : y * SIDE + x))
      .sort((a, b) => a - b);
    const found = [...whole.other.subarray(4 * cell, 4 * cell + 4)].sort((a, b) => a - b);
    assert.deepEqual(found, around);
  }
});

test("an outline covers the pixels of its cells and no others: pieces, holes and corners too", () => {
  const random = randomFrom(8);
  const cells = lattice(random);
  const sides = new EdgeSides(cells);
  sides.advance(SIDE * SIDE);
  const frame = { x0: 2 ** 29 - 900, y0: 2 ** 28 - 900, step: 87, size: 130 };
  const all = Array.from({ length: SIDE * SIDE }, (_, i) => i);
  const truth = rasterise(cells, all, frame);
  for (let round = 0; round < 20; round++) {
    const groupOf = Int32Array.from(all, () => Math.floor(random() * 3) - 1);
    for (const group of [0, 1]) {
      const members = all.filter((cell) => groupOf[cell] === group);
      const outline = outlineOf(cells, sides, groupOf, group, members);
      const drawn = rasterise(outline, [0], frame);
      const wanted = truth.map((cell) => (cell !== NOTHING && groupOf[cell] === group ? 0 : NOTHING));
      assert.deepEqual(drawn, wanted, `round ${round}, group ${group}`);
    }
  }
});

test("a group without cells has an empty outline", () => {
  const cells = lattice(randomFrom(1));
  const sides = new EdgeSides(cells);
  sides.advance(SIDE * SIDE);
  const outline = outlineOf(cells, sides, new Int32Array(SIDE * SIDE), 5, []);
  assert.equal(outline.coords.length, 0);
  assert.deepEqual([...outline.featureStart], [0, 0]);
});
