import assert from "node:assert/strict";
import { test } from "node:test";
import type { ServerEdit } from "../src/api/edits";
import { exactly, type Graph } from "../src/kernels/adjacency";
import { LivePlan } from "../src/kernels/live";
import type { Unsent } from "../src/state/outbox";
import { watchTogether } from "../src/state/together";

/** Two rows of cells: 0 to n - 1 above, n to 2n - 1 below. */
function ladder(n: number): Graph {
  const pairs: number[][] = Array.from({ length: 2 * n }, () => []);
  for (let cell = 0; cell < 2 * n; cell++)
    for (const other of [cell % n === 0 ? -1 : cell - 1, cell % n === n - 1 ? -1 : cell + 1, (cell + n) % (2 * n)])
      if (other >= 0) pairs[cell].push(other);
  for (const row of pairs) row.sort((a, b) => a - b);
  const whole = (value: number): Int32Array => new Int32Array(2 * n).fill(value);
  const metres = (value: number, count = 2 * n): Float32Array => exactly(new Float32Array(count).fill(value));
  const indices = Uint32Array.from(pairs.flat());
  let end = 0;
  return {
    n: 2 * n,
    indptr: Uint32Array.from([0, ...pairs.map((row) => (end += row.length))]),
    indices,
    lengthM: metres(10, indices.length),
    street: new Uint8Array(indices.length),
    areaM2: metres(100),
    outerM: metres(0),
    population: metres(2),
    households: whole(1),
    areaIx: whole(0),
    enclosureIx: whole(0),
    compoundIx: whole(-1),
    anchor: new Int32Array(4 * n),
  };
}

const theirs = (cells: number[], grid: number, before: number): ServerEdit[] => [
  { revision: 1, at: "", who: "Anna", kind: "paint", n_cells: cells.length, undoes: null, undone_by: null, changes: [], cells, grids: cells.map(() => grid), before: cells.map(() => before) } as unknown as ServerEdit,
];
const ours = (cells: number[], grid: number, before: number): Unsent[] => [
  { cells, grids: cells.map(() => grid), before: cells.map(() => before), changes: [] } as unknown as Unsent,
];

function after(live: LivePlan, mine: Unsent[], other: ServerEdit[]): number[] {
  live.apply(mine[0].cells, mine[0].grids);
  const torn = watchTogether(live, other, mine);
  live.apply(other[0].cells ?? [], other[0].grids ?? []);
  return torn();
}

test("two strokes that cut a grid only together are told of", () => {
  const live = new LivePlan(ladder(5), new Int32Array(10), 3);
  assert.deepEqual(after(live, ours([2], 1, 0), theirs([7], 2, 0)), [0]);
});

test("what one side did alone is not", () => {
  // They cut a grid that we did not touch, and we cut one before they came.
  const gridOf = Int32Array.from([0, 0, 0, 0, 0, 1, 1, 1, 1, 1]);
  const live = new LivePlan(ladder(5), gridOf, 4);
  assert.deepEqual(after(live, ours([2], 2, 0), theirs([7], 3, 1)), []);
});

test("what they mend is not, and a grid in three pieces in place of two is", () => {
  const live = new LivePlan(ladder(7), new Int32Array(14), 4);
  assert.deepEqual(after(live, ours([1, 8], 1, 0), theirs([1], 1, 0)), []);
  assert.deepEqual(after(live, ours([4], 1, 0), theirs([11], 2, 0)), [0]);
});
