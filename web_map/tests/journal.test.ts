import assert from "node:assert/strict";
import { test } from "node:test";
import { BadJournal, EditStack, Journal } from "../src/kernels/journal";
import { type Delta, LivePlan } from "../src/kernels/live";
import { brush, indexAnchors } from "../src/kernels/pick";
import { growGrids, makeTown } from "./planar";
import { randomFrom } from "./random";

interface Edit extends Delta {
  key: string;
  kind: string;
  changes: { path: string; value: unknown; before: unknown }[];
  undoesKey: string | null;
}

function makeEdit(random: () => number, key: string): Edit {
  const cells = [...new Set(Array.from({ length: Math.floor(random() * 40) }, () => Math.floor(random() * 4e9)))];
  const any = (): number => Math.floor(random() ** 4 * 2 ** 31) - 1;
  return {
    key,
    kind: "paint",
    cells: Uint32Array.from(cells).sort(),
    before: Int32Array.from(cells, any),
    after: new Int32Array(cells.length).fill(any()),
    changes: random() < 0.3 ? [{ path: "grid/3/name", value: "和阳里 “北”", before: null }] : [],
    undoesKey: random() < 0.5 ? null : "x",
  };
}

test("undo and redo through the journal bring back every plan bit for bit, also after it was stored", () => {
  const random = randomFrom(21);
  const graph = makeTown({ columns: 40, rows: 30, holes: 0.1 }, random);
  const live = new LivePlan(graph, growGrids(graph, 9, random), 9);
  const index = indexAnchors(graph);
  let journal = new Journal<Delta>();
  const plans = [live.gridOf.slice()];
  let position = 0;
  for (let i = 0; i < 1500; i++) {
    const which = random();
    if (which < 0.5) {
      const [x, y] = [100000 + random() * 40000, 100000 + random() * 30000];
      const delta = live.apply(brush(graph, index, x, y, 3000), Math.floor(random() * 10) - 1);
      if (delta.cells.length === 0) continue;
      journal.push(delta);
      plans.length = ++position;
      plans.push(live.gridOf.slice());
    } else if (which < 0.8) {
      const delta = journal.undo();
      assert.equal(delta !== undefined, position > 0);
      if (!delta) continue;
      live.undo(delta);
      position--;
    } else {
      const delta = journal.redo();
      assert.equal(delta !== undefined, position + 1 < plans.length);
      if (!delta) continue;
      live.redo(delta);
      position++;
    }
    assert.deepEqual(live.gridOf, plans[position]);
    assert.deepEqual([journal.done.length, journal.undone.length], [position, plans.length - 1 - position]);
    if (i % 250 === 0) journal = Journal.fromBuffer(journal.toBuffer());
  }
});

test("edits come out as they went in", () => {
  const random = randomFrom(22);
  const edits = Array.from({ length: 300 }, (_, i) => makeEdit(random, `key-${i}`));
  const journal = new Journal<Edit>();
  for (const edit of edits) journal.push(edit);
  for (let i = 0; i < 120; i++) journal.undo();
  const copy = Journal.fromBuffer<Edit>(journal.toBuffer());
  for (const each of [journal, copy]) {
    for (let i = 0; i < 180; i++) assert.deepEqual(each.done.at(i), edits[i]);
    assert.deepEqual([each.done.length, each.undone.length], [180, 120]);
    assert.deepEqual(each.redo(), edits[180]);
    assert.equal(each.done.at(-1) ?? each.done.at(181), undefined);
  }
});

test("an edit may be kept under another key, or not at all, when it is taken back", () => {
  const edit = makeEdit(randomFrom(23), "first");
  const journal = new Journal<Edit>();
  journal.push(edit);
  assert.deepEqual(journal.undo({ ...edit, key: "second" }), edit);
  assert.equal(journal.undone.peek()?.key, "second");
  journal.redo(null);
  assert.deepEqual([journal.done.length, journal.undone.length], [0, 0]);
  assert.equal(journal.undo(), undefined);
  journal.push(edit);
  journal.clear();
  assert.equal(journal.redo(), undefined);
});

test("strokes of 200 cells take less than 1000 bytes each", () => {
  const random = randomFrom(24);
  const graph = makeTown({ columns: 200, rows: 100 }, random);
  const live = new LivePlan(graph, growGrids(graph, 200, random), 200);
  const index = indexAnchors(graph);
  const stack = new EditStack<Edit>();
  let cells = 0;
  for (let i = 0; i < 1000; i++) {
    const [x, y] = [108000 + random() * 184000, 108000 + random() * 84000];
    const delta = live.apply(brush(graph, index, x, y, 8300), Math.floor(random() * 200));
    cells += delta.cells.length;
    const key = "0b9f7a6e-5d1c-4a57-9c3e-6f2f6f0d8a11";
    stack.push({ key, kind: "paint", ...delta, changes: [], undoesKey: null });
  }
  assert.ok(cells / 1000 > 190);
  assert.ok(stack.byteLength / 1000 < 1000, `${stack.byteLength / 1000} bytes a stroke`);
});

test("what is not a journal is refused", () => {
  const journal = new Journal<Edit>();
  for (let i = 0; i < 3; i++) journal.push(makeEdit(randomFrom(25 + i), "k"));
  const whole = new Uint8Array(journal.toBuffer());
  assert.throws(() => Journal.fromBuffer(new ArrayBuffer(0)), BadJournal);
  assert.throws(() => Journal.fromBuffer(whole.slice(1).buffer), BadJournal);
  for (let length = 0; length < whole.length; length++)
    assert.throws(() => Journal.fromBuffer(whole.slice(0, length).buffer), BadJournal);
  assert.throws(() => Journal.fromBuffer(Uint8Array.of(...whole, 0).buffer), BadJournal);
  const twice = { ...makeEdit(randomFrom(1), "k"), cells: Uint32Array.of(3, 3) };
  assert.throws(() => new Journal<Edit>().push(twice), /ascend/);
});
