import assert from "node:assert/strict";
import { test } from "node:test";
import { LivePlan } from "../src/kernels/live";
import { BadTemplate, gridCentres, type GridsToNumber, numberGrids } from "../src/kernels/numbering";
import shared from "./numbering.json";
import { makeTown } from "./planar";

interface Case extends Omit<GridsToNumber, "kept"> {
  kept?: [number, string][];
  order?: number[];
  codes?: string[];
  fails?: string;
}

test("the page gives the codes that the server gives (tests/unit/test_numbering_shared.py checks the same answers)", () => {
  for (const { kept, order, codes, fails, ...grids } of shared.cases as Case[]) {
    const number = (): unknown => numberGrids({ ...grids, kept: new Map(kept) });
    if (fails === undefined) assert.deepEqual(number(), { order, codes });
    else assert.throws(number, (error) => error instanceof BadTemplate && error.reason === fails);
  }
});

test("more than 999 grids get longer codes", () => {
  const count = Array.from({ length: 1003 }, (_, i) => i);
  const x = count.map((i) => (i * 7919) % 1009);
  const y = count.map((i) => (i * 104729) % 997);
  const { order, codes } = numberGrids({ areaIx: count.map(() => 0), areaCodes: ["5"], x, y });
  const sum = order.reduce((total, grid, place) => total + (place + 1) * grid, 0);
  assert.deepEqual({ sum, first: codes[0], last: codes[codes.length - 1] }, shared.many);
});

test("grids of a plan are numbered from the north-west", () => {
  const graph = makeTown({ columns: 30, rows: 30, block: 10 }, () => 0.8);
  const live = new LivePlan(graph, Int32Array.from(graph.enclosureIx, (block) => 8 - block), 9);
  const grids = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  const centres = gridCentres(live, grids);
  assert.ok(centres.y[8] > centres.y[0] && centres.x[8] < centres.x[0]);
  const { order, codes } = numberGrids({ areaIx: new Int32Array(9), areaCodes: ["1-"], ...centres });
  assert.deepEqual(order, [8, 7, 6, 5, 4, 3, 2, 1, 0]);
  assert.deepEqual([codes[0], codes[8]], ["1-001", "1-009"]);
  assert.deepEqual(gridCentres(new LivePlan(graph, live.gridOf, 10), [9]), { x: Float64Array.of(0), y: Float64Array.of(0) });
});
