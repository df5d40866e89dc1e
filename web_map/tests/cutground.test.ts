import assert from "node:assert/strict";
import { test } from "node:test";
import { apportion, cutGround, lineAcross, toEdges } from "../src/kernels/cutground";
import type { Polygons } from "../src/kernels/geometry";

function polygon(...rings: number[][]): Polygons {
  const ringStart = new Uint32Array(rings.length + 1);
  rings.forEach((ring, i) => (ringStart[i + 1] = ringStart[i] + ring.length / 2));
  return { coords: Int32Array.from(rings.flat()), ringStart, featureStart: Uint32Array.of(0, rings.length) };
}
const square = polygon([0, 0, 1000, 0, 1000, 1000, 0, 1000]);
const near = (value: number, wanted: number, by = 0.015): void => assert.ok(Math.abs(value - wanted) < by, `${value} is not ${wanted}`);

test("a line through a square makes two pieces, from west to east, with a place inside of each", () => {
  const [west, east, ...more] = cutGround(square, [300, -50, 300, 1050]);
  assert.equal(more.length, 0);
  near(west.share, 0.3);
  near(east.share, 0.7);
  assert.ok(west.x > 50 && west.x < 250 && east.x > 400 && east.x < 900);
  assert.ok(west.y > 50 && west.y < 950);
});

test("a line is led on past its ends; one that misses leaves the ground whole", () => {
  assert.equal(cutGround(square, [500, 400, 500, 600]).length, 2);
  assert.equal(cutGround(square, [0, -200, 1000, -200]).length, 1);
  assert.equal(cutGround(square, [500, 500]).length, 1);
});

test("a line that stops inside is shown up to the edge; one that ends outside stays", () => {
  assert.deepEqual(toEdges(square, [500, 400, 500, 600]), [500, 0, 500, 400, 500, 600, 500, 1000]);
  assert.deepEqual(toEdges(square, [500, -20, 500, 1020]), [500, -20, 500, 1020]);
});

test("slanting and bent lines leave no gap to slip through", () => {
  for (let k = 0; k < 60; k++) {
    const angle = (k * Math.PI) / 60 + 0.013;
    const [dx, dy] = [900 * Math.cos(angle), 900 * Math.sin(angle)];
    const pieces = cutGround(square, [500 - dx, 500 - dy, 500 + dx, 500 + dy]);
    assert.equal(pieces.length, 2);
    near(pieces[0].share, 0.5, 0.02);
  }
  assert.equal(cutGround(square, [-50, 100, 500, 900, 1050, 100]).length, 2);
});

test("bays and courtyards make more pieces than two", () => {
  const comb = polygon([0, 0, 1000, 0, 1000, 1000, 700, 1000, 700, 300, 300, 300, 300, 1000, 0, 1000]);
  const pieces = cutGround(comb, [-50, 600, 1050, 600]);
  assert.equal(pieces.length, 3);
  near(pieces.reduce((sum, { share }) => sum + share, 0), 1, 1e-9);
  const court = polygon([0, 0, 1000, 0, 1000, 1000, 0, 1000], [300, 300, 700, 300, 700, 700, 300, 700]);
  assert.equal(cutGround(court, [500, -10, 500, 1010]).length, 2);
});

test("a line by angle and place", () => {
  for (const [angle, share, west] of [[0, 0.25, 0.25], [90, 0.5, 0.5], [180, 0.25, 0.75]]) {
    const pieces = cutGround(square, lineAcross(square, angle, share));
    assert.equal(pieces.length, 2);
    if (angle !== 90) near(pieces[0].share, west);
  }
});

test("whole numbers by shares keep the total", () => {
  assert.deepEqual(apportion(10, [1, 1, 1]), [4, 3, 3]);
  assert.deepEqual(apportion(0, [0.3, 0.7]), [0, 0]);
  assert.deepEqual(apportion(7, [0.5, 0.5]), [4, 3]);
  for (let total = 0; total < 50; total++)
    assert.equal(apportion(total, [0.123, 0.456, 0.421]).reduce((a, b) => a + b, 0), total);
});
