import assert from "node:assert/strict";
import { test } from "node:test";
import type { ServerEdit } from "../src/api/edits";
import type { Unsent } from "../src/state/outbox";
import { afterBase, hasBase } from "../src/state/syncbase";

const unsent = (cells: number[], paths: string[] = []): Unsent =>
  ({
    key: "k", plan: "1", client: "c", order: 1, revision: 0, at: 0, kind: "paint", cells, grids: cells.map((_, i) => i), before: cells.map(() => -1),
    changes: paths.map((path) => ({ path, value: true, before: null })), undoes: null, undoesKey: null,
  }) as Unsent;
const base = (value: object, revision = 1): ServerEdit => ({ revision, kind: "base", changes: [{ path: "base", value, before: null }] }) as unknown as ServerEdit;

test("edits of others that leave base data alone change no number", () => {
  const paint = { revision: 1, kind: "paint", changes: [{ path: "grid/1/name", value: "x", before: null }] } as unknown as ServerEdit;
  const entry = unsent([1]);
  assert.equal(afterBase([entry], [paint], 1)[0], entry);
  assert.deepEqual([hasBase([paint]), hasBase([paint, base({ recut: false })])], [false, true]);
});

test("cells get the numbers that they have now, those that are gone are left out, two that are one are one", () => {
  const first = base({ recut: true, cells: [[0, 0, 3], [3, 9, 1], [4, 3, 6], [10, 9, 1]] });
  const [entry] = afterBase([unsent([1, 3, 4, 9, 10, 40], ["lock/cell/4", "grid/4/locked"])], [first], 1);
  assert.deepEqual(entry.cells, [1, 9, 3, 8]);
  assert.deepEqual(entry.grids, [0, 1, 2, 3]);
  assert.deepEqual(entry.before, [-1, -1, -1, -1]);
  assert.deepEqual(entry.changes.map(({ path }) => path), ["lock/cell/3", "grid/4/locked"]);
});

test("changes that follow each other are followed one by one; counts alone move nothing", () => {
  const steps = [base({ recut: true, cells: [[0, 1, 2], [2, 0, 1]] }), base({ recut: false }, 2), base({ recut: true, cells: [[0, 2, 1], [1, 0, 2]] }, 3)];
  assert.deepEqual(afterBase([unsent([0, 1, 2])], steps, 3)[0].cells, [0, 1, 2]);
  assert.deepEqual(afterBase([unsent([0, 1])], [base({ recut: false })], 1)[0].cells, [0, 1]);
});

test("only what came after an edit was made is followed, once, and as far as the plan was loaded", () => {
  const steps = [base({ recut: true, cells: [[0, 1, 3]] }, 4), base({ recut: true, cells: [[0, 10, 4]] }, 6), base({ recut: true, cells: [[0, 100, 50]] }, 9)];
  const at = (revision: number): Unsent => ({ ...unsent([0, 1]), revision });
  assert.deepEqual(afterBase([at(3), at(4), at(6)], steps, 7).map(({ cells, revision }) => [cells, revision]), [[[11, 12], 7], [[10, 11], 7], [[0, 1], 6]]);
  const again = afterBase([at(3)], steps, 7);
  assert.deepEqual(afterBase(again, steps, 7), again);
});
