import assert from "node:assert/strict";
import { test } from "node:test";
import { createCursor, neighbourTowards } from "../src/state/cursor";
import { commandOf } from "../src/state/shortcuts";
import { gridToSplit, type Place } from "../src/state/tools";
import { type Draft, openDraft } from "./draft";

const NO_KEYS = { shift: false, ctrl: false, alt: false };

const placeOf = ({ graph }: Draft, cell: number): Place => ({
  x: graph.anchor[2 * cell],
  y: graph.anchor[2 * cell + 1],
  cell,
});

test("painting extends the grid where the stroke begins when none is chosen, and Alt takes away", async () => {
  const draft = await openDraft(3, { columns: 12, rows: 10 });
  const { session, tools, live, state } = draft;
  session.tool.value = "paint";
  session.brushM.value = 2;
  const [start, over] = [0, 1];
  const grid = live.gridOf[start];
  session.applyRemote([over], [(grid + 1) % 8], []);
  tools.down(placeOf(draft, start), NO_KEYS);
  tools.move([placeOf(draft, over)]);
  tools.up();
  assert.equal(state.selected.value, grid);
  assert.equal(live.gridOf[over], grid);
  tools.down(placeOf(draft, over), { ...NO_KEYS, alt: true });
  tools.up();
  assert.equal(live.gridOf[over], -1);
  assert.equal(session.undoDepth.value, 2);
});

test("lasso, box and block give what they hold to the chosen grid; the filter keeps the rest out", async () => {
  const draft = await openDraft(3, { columns: 12, rows: 10 });
  const { session, tools, live, state, graph } = draft;
  state.selected.value = 2;
  const all = [-1e6, -1e6, 1e7, -1e6, 1e7, 1e7, -1e6, 1e7];
  const corners: Place[] = [];
  for (let at = 0; at < all.length; at += 2) corners.push({ x: all[at], y: all[at + 1], cell: -1 });
  session.filter.value = { kind: "grid", grid: 1 };
  const ones = [...live.cellsOf(1)];
  tools.down(corners[0], { ...NO_KEYS, shift: true });
  assert.equal(tools.sketch.value?.kind, "area");
  tools.move(corners.slice(1));
  tools.up();
  assert.equal(tools.sketch.value, null);
  assert.ok(ones.every((cell) => live.gridOf[cell] === 2));
  assert.equal(live.cellsOf(1).length, 0);
  session.undo();
  session.filter.value = { kind: "all" };
  tools.down(corners[0], { ...NO_KEYS, ctrl: true });
  tools.move([corners[2]]);
  tools.up();
  assert.equal(live.cellsOf(2).length, graph.n);
  session.undo();
  session.tool.value = "block";
  tools.down(placeOf(draft, 0), NO_KEYS);
  tools.up();
  graph.enclosureIx.forEach((block, cell) => block === graph.enclosureIx[0] && assert.equal(live.gridOf[cell], 2));
});

test("a split shows both halves while the line is drawn, and Escape leaves the grid whole", async () => {
  const draft = await openDraft(6, { columns: 12, rows: 10 }, 1);
  const { session, tools, live } = draft;
  session.tool.value = "split";
  const draw = (): void => {
    tools.down(placeOf(draft, 2), NO_KEYS);
    tools.move([placeOf(draft, 40), placeOf(draft, 80), placeOf(draft, 116)]);
  };
  draw();
  const view = session.split.value;
  assert.ok(view);
  const total = view.left.households + view.right.households;
  assert.equal(total, live.figures.households[0]);
  assert.equal(tools.cancel(), true);
  assert.equal(session.split.value, null);
  assert.equal(live.nGrids, 1);
  draw();
  tools.up();
  assert.equal(live.nGrids, 2);
  assert.equal(live.figures.households[0] + live.figures.households[1], total);
  assert.ok(live.figures.pieces[0] === 1 && live.figures.pieces[1] === 1);
});

test("moving takes one building to where the hand lets go, merging wants two clicks", async () => {
  const draft = await openDraft(3, { columns: 12, rows: 10 });
  const { session, tools, live, state } = draft;
  session.tool.value = "move";
  const [cell, target] = [0, live.neighbours(live.gridOf[0])[0].grid];
  tools.down(placeOf(draft, cell), NO_KEYS);
  tools.move([placeOf(draft, live.cellsOf(target)[0])]);
  tools.up();
  assert.equal(live.gridOf[cell], target);
  session.undo();
  session.tool.value = "merge";
  for (const grid of [live.gridOf[0], target]) {
    tools.down(placeOf(draft, live.cellsOf(grid)[0]), NO_KEYS);
    tools.up();
  }
  assert.equal(state.grids.value.filter((grid) => grid.retired).length, 1);
});

test("the cell of the keyboard walks over common borders and gives to the chosen grid", async () => {
  const draft = await openDraft(3, { columns: 12, rows: 10 });
  const { session, state, live, graph } = draft;
  const seen: number[] = [];
  const cursor = createCursor(state, session, (cell) => seen.push(cell));
  const start = placeOf(draft, 50);
  cursor.step("right", [start.x, start.y]);
  assert.equal(session.cursor.value, 50);
  for (const direction of ["right", "down", "left", "up"] as const) {
    const here = session.cursor.value as number;
    cursor.step(direction, [0, 0]);
    const there = session.cursor.value as number;
    assert.equal(there, neighbourTowards(graph, here, direction));
    assert.ok(graph.indices.subarray(graph.indptr[here], graph.indptr[here + 1]).includes(there));
  }
  assert.ok(seen.length >= 4);
  cursor.assign(false);
  assert.equal(session.message.value?.key, "edit.chooseGrid");
  state.selected.value = (live.gridOf[session.cursor.value as number] + 1) % 8;
  cursor.assign(false);
  assert.equal(live.gridOf[session.cursor.value as number], state.selected.value);
  assert.match(state.live.value, /Given to grid/);
  assert.equal(cursor.clear(), true);
});

test("keys mean what the table says, and nothing with other keys held", () => {
  const press = (key: string, more = {}): unknown =>
    commandOf({ key, code: "", ctrl: false, shift: false, alt: false, ...more });
  assert.deepEqual(press("p"), { do: "tool", tool: "paint" });
  assert.deepEqual(press("Z", { ctrl: true, shift: true }), { do: "redo" });
  assert.deepEqual(press("z", { ctrl: true }), { do: "undo" });
  assert.deepEqual(press("y", { ctrl: true }), { do: "redo" });
  assert.deepEqual(press("Enter", { alt: true }), { do: "assign", away: true, alt: true });
  assert.deepEqual(press("Enter", { shift: true }), { do: "assign", away: false, shift: true });
  assert.deepEqual(press("Delete"), { do: "assign", away: true });
  assert.deepEqual(press("ArrowLeft"), { do: "step", direction: "left" });
  assert.equal((press("【", { code: "BracketLeft" }) as { do: string }).do, "brush");
  for (const none of [press("p", { ctrl: true }), press("p", { alt: true }), press("s", { ctrl: true }), press("?", { shift: true })])
    assert.equal(none, null);
});

test("a line splits the grid in which most of it runs; the chosen one only where half as much runs in it", () => {
  const along = new Map([
    [3, 90],
    [5, 30],
    [7, 50],
  ]);
  assert.equal(gridToSplit(along, null), 3);
  assert.equal(gridToSplit(along, 5), 3);
  assert.equal(gridToSplit(along, 7), 7);
  assert.equal(gridToSplit(along, 1), 3);
  assert.equal(gridToSplit(new Map(), 1), undefined);
});
