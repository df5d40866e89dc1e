import assert from "node:assert/strict";
import { test } from "node:test";
import type { ServerEdit } from "../src/api/edits";
import type { Unsent } from "../src/state/outbox";
import { afterBase } from "../src/state/syncbase";

const unsent = (cells: number[], paths: string[] = []): Unsent =>
  ({
    key: "k", plan: "1", client: "c", order: 1, at: 0, kind: "paint", cells, grids: cells.map((_, i) => i), before: cells.map(() => -1),
    changes: paths.map((path) => ({ path, value: true, before: null })), undoes: null, undoesKey: null,
  }) as Unsent;
const base = (value: object): ServerEdit => ({ revision: 1, kind: "base", changes: [{ path: "base", value, before: null }] }) as unknown as ServerEdit;

test("edits of others that leave base data alone change no number", () => {
  const paint = { revision: 1, kind: "paint", changes: [{ path: "grid/1/name", value: "x", before: null }] } as unknown as ServerEdit;
  assert.equal(afterBase([unsent([1])], [paint]), null);
});

test("cells get the numbers that they have now, and those that are gone are left out", () => {
  const first = base({ recut: true, cells: [[0, 0, 3], [3, 9, 1], [4, 3, 6]] });
  const [entry] = afterBase([unsent([1, 3, 4, 9, 40], ["lock/cell/4", "grid/4/locked"])], [first])!;
  assert.deepEqual(entry.cells, [1, 9, 3, 8]);
  assert.deepEqual(entry.grids, [0, 1, 2, 3]);
  assert.deepEqual(entry.before, [-1, -1, -1, -1]);
  assert.deepEqual(entry.changes.map(({ path }) => path), ["lock/cell/3", "grid/4/locked"]);
});

test("changes that follow each other are followed one by one; counts alone move nothing", () => {
  const steps = [base({ recut: true, cells: [[0, 1, 2], [2, 0, 1]] }), base({ recut: false }), base({ recut: true, cells: [[0, 2, 1], [1, 0, 2]] })];
  assert.deepEqual(afterBase([unsent([0, 1, 2])], steps)![0].cells, [0, 1, 2]);
  assert.deepEqual(afterBase([unsent([0, 1])], [base({ recut: false })])![0].cells, [0, 1]);
});
