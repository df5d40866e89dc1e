import assert from "node:assert/strict";
import { test } from "node:test";
import { createCursor } from "../src/state/cursor";
import { createKeyHand } from "../src/state/keyhand";
import { openDraft } from "./draft";

async function openKeys() {
  const draft = await openDraft(3, { columns: 12, rows: 10 });
  const { state, session, tools } = draft;
  const hand = createKeyHand(state, session, tools);
  const cursor = createCursor(state, session, () => undefined, undefined, hand);
  const enter = (cell: number, keys: { shift?: boolean; alt?: boolean } = {}): void => {
    session.cursor.value = cell;
    cursor.assign(keys.alt ?? false, keys);
  };
  return { ...draft, hand, enter };
}

test("Enter locks a grid, with Shift a cell, with Alt a border, and every one is said", async () => {
  const { session, state, live, attributes, enter } = await openKeys();
  session.tool.value = "lock";
  const grid = live.gridOf[0];
  enter(0);
  assert.ok(attributes.lockedGrids.has(grid));
  assert.match(state.live.value, /^Grid \w+ is locked/);
  enter(0);
  assert.match(state.live.value, /^Grid \w+ is not locked any more/);
  enter(0, { shift: true });
  assert.ok(attributes.lockedCells.has(0));
  enter(0, { alt: true });
  assert.equal(attributes.lockedBorders().length, 1);
  assert.match(state.live.value, /^The border between/);
  assert.equal(live.gridOf[0], grid);
});

test("Enter merges two grids, and Shift+Enter gives nothing away with another tool", async () => {
  const { session, state, live, enter } = await openKeys();
  session.tool.value = "merge";
  const other = live.neighbours(live.gridOf[0])[0].grid;
  enter(0);
  enter(live.cellsOf(other)[0]);
  assert.equal(state.grids.value.filter((grid) => grid.retired).length, 1);
  session.tool.value = "paint";
  const before = [...live.gridOf];
  state.selected.value = live.neighbours(live.gridOf[0])[0]?.grid ?? 0;
  enter(0, { shift: true });
  assert.deepEqual([...live.gridOf], before);
});

test("boxes have two corners, rings as many as one likes, and their corners belong to them", async () => {
  const { session, state, live, graph, enter } = await openKeys();
  const grid = live.gridOf[0];
  const cells = live.cellsOf(live.neighbours(grid)[0].grid);
  state.selected.value = grid;
  session.tool.value = "box";
  enter(cells[0]);
  assert.match(state.live.value, /^Begun here/);
  assert.equal(session.holding.value, true);
  enter(cells[1]);
  assert.deepEqual([live.gridOf[cells[0]], live.gridOf[cells[1]], session.holding.value], [grid, grid, false]);
  assert.match(state.live.value, /^Given to grid/);
  session.undo();
  session.tool.value = "draw";
  const corners = [cells[0], cells[1], cells[2]];
  for (const corner of corners) enter(corner);
  assert.match(state.live.value, /^Corner 3/);
  enter(corners[2]);
  const made = live.nGrids - 1;
  assert.ok(corners.every((cell) => live.gridOf[cell] === made));
  assert.equal(graph.n, live.gridOf.length);
});

test("a line between two cells splits their grid, and another tool breaks off what was begun", async () => {
  const { session, tools, live, state, hand, enter } = await openKeys();
  state.selected.value = live.gridOf[0];
  const cells = live.cellsOf(live.gridOf[0]);
  session.tool.value = "split";
  enter(cells[0]);
  hand.leave();
  assert.equal(session.holding.value, false);
  assert.equal(tools.sketch.value, null);
  enter(cells[0]);
  enter(cells[cells.length - 1]);
  assert.equal(live.nGrids, 9);
  assert.match(state.live.value, /^New grid/);
});
