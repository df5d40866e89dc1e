import assert from "node:assert/strict";
import { test } from "node:test";
import { bordersOf, commonBorder } from "../src/kernels/borders";
import type { Lines, Polygons } from "../src/kernels/geometry";
import { randomFrom } from "./random";

const STEP = 1000;

function polygons(rings: [number, number][][]): Polygons {
  const ringStart = [0];
  for (const ring of rings) ringStart.push(ringStart[ringStart.length - 1] + ring.length);
  return {
    coords: Int32Array.from(rings.flat(2)),
    ringStart: Uint32Array.from(ringStart),
    featureStart: Uint32Array.from({ length: rings.length + 1 }, (_, i) => i),
  };
}

/** A square with a vertex every STEP, from any vertex, either way round. */
function square(column: number, row: number, side: number, random: () => number): [number, number][] {
  const ring: [number, number][] = [];
  for (let i = 0; i < side; i++) ring.push([column + i, row]);
  for (let i = 0; i < side; i++) ring.push([column + side, row + i]);
  for (let i = side; i > 0; i--) ring.push([column + i, row + side]);
  for (let i = side; i > 0; i--) ring.push([column, row + i]);
  const turned = ring.map(([x, y]): [number, number] => [x * STEP + 2 ** 29, y * STEP + 2 ** 28]);
  if (random() < 0.5) turned.reverse();
  const first = Math.floor(random() * turned.length);
  return [...turned.slice(first), ...turned.slice(0, first)];
}

const edgesOf = ({ coords, lineStart }: Lines): string[] => {
  const edges: string[] = [];
  for (let line = 0; line + 1 < lineStart.length; line++)
    for (let v = lineStart[line]; v + 1 < lineStart[line + 1]; v++) {
      const ends = [`${coords[2 * v]},${coords[2 * v + 1]}`, `${coords[2 * v + 2]},${coords[2 * v + 3]}`];
      edges.push(ends.sort().join(" "));
    }
  return edges.sort();
};

test("every border once, from junction to junction", () => {
  for (let seed = 1; seed < 20; seed++) {
    const random = randomFrom(seed);
    const squares = [0, 1, 2].flatMap((c) => [0, 1].map((r) => square(3 * c, 3 * r, 3, random)));
    const lines = bordersOf(polygons(squares));
    const edges = edgesOf(lines);
    assert.equal(new Set(edges).size, edges.length);
    // 4 lines of 6 edges upright, 3 of 9 across.
    assert.equal(edges.length, 4 * 6 + 3 * 9);
    // 7 borders between two squares, 4 corners and 6 more pieces of the rim: two squares at each corner of the whole.
    assert.equal(lines.lineStart.length - 1, 7 + 6);
  }
});

test("an area alone is one closed line, nothing is none", () => {
  const lines = bordersOf(polygons([square(0, 0, 4, randomFrom(3))]));
  assert.equal(lines.lineStart.length, 2);
  assert.deepEqual([...lines.coords.subarray(0, 2)], [...lines.coords.subarray(-2)]);
  assert.equal(edgesOf(lines).length, 16);
  assert.equal(bordersOf(polygons([])).lineStart.length, 1);
  assert.equal(bordersOf(polygons([[], [[5, 5]]])).lineStart.length, 1);
});

test("the common border of two areas, whichever way they run and wherever they begin", () => {
  for (let seed = 1; seed < 30; seed++) {
    const random = randomFrom(seed);
    const [one, other] = [square(0, 0, 4, random), square(4, 1, 2, random)];
    const border = commonBorder(polygons([one]), polygons([other]));
    assert.equal(border.lineStart.length, 2);
    const want = [1, 2].map((y) => [`${4 * STEP + 2 ** 29},${y * STEP + 2 ** 28}`, `${4 * STEP + 2 ** 29},${(y + 1) * STEP + 2 ** 28}`].sort().join(" "));
    assert.deepEqual(edgesOf(border), want.sort());
    assert.deepEqual(edgesOf(commonBorder(polygons([other]), polygons([one]))), edgesOf(border));
  }
});

test("a unit of rounding and a vertex that one of them lacks make no gap; a corner is no border", () => {
  const random = randomFrom(5);
  const one = square(0, 0, 6, random);
  const other = square(6, 0, 6, random)
    .filter(([x, y]) => !(x === 6 * STEP + 2 ** 29 && y === 3 * STEP + 2 ** 28))
    .map(([x, y]): [number, number] => [x + Math.round(random() * 2 - 1), y + Math.round(random() * 2 - 1)]);
  const border = commonBorder(polygons([other]), polygons([one]));
  assert.equal(border.lineStart.length, 2);
  assert.equal(edgesOf(border).length, 5);
  assert.equal(commonBorder(polygons([one]), polygons([square(6, 6, 2, random)])).lineStart.length, 1);
  // One ring in a hole of the other: closed all round.
  const inner = square(1, 1, 2, random);
  const whole = commonBorder(polygons([inner]), polygons([one, [...inner].reverse()]));
  assert.equal(edgesOf(whole).length, 8);
});
