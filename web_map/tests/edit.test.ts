import assert from "node:assert/strict";
import { test } from "node:test";
import { Attributes } from "../src/state/attributes";
import type { Edit } from "../src/state/edit";
import { type Draft, openDraft, snapshot } from "./draft";

/** A cell on the border of a grid that may go to a grid of its own area, and that grid. */
function borderMove({ graph, live }: Draft, from = -1): { cell: number; grid: number } {
  for (let cell = 0; cell < graph.n; cell++) {
    if (live.gridOf[cell] < 0 || (from >= 0 && live.gridOf[cell] !== from)) continue;
    for (let at = graph.indptr[cell]; at < graph.indptr[cell + 1]; at++) {
      const other = graph.indices[at];
      const grid = live.gridOf[other];
      if (grid >= 0 && grid !== live.gridOf[cell] && graph.areaIx[other] === graph.areaIx[cell]) return { cell, grid };
    }
  }
  throw new Error("no such cell");
}

test("an edit goes out once, with its inverse; undo and redo go out as edits that name it", async () => {
  const draft = await openDraft();
  const { session, live } = draft;
  const sent: Edit[] = [];
  session.onEdit((edit) => sent.push(edit));
  const before = snapshot(draft);
  const { cell, grid } = borderMove(draft);
  const was = live.gridOf[cell];
  const edit = session.perform("paint", [cell], grid);
  assert.ok(edit);
  assert.deepEqual([...edit.cells, ...edit.before, ...edit.after], [cell, was, grid]);
  const after = snapshot(draft);
  const undo = session.undo();
  assert.equal(undo?.undoesKey, edit.key);
  assert.equal(snapshot(draft), before);
  const redo = session.redo();
  assert.equal(redo?.undoesKey, undo?.key);
  assert.equal(snapshot(draft), after);
  session.undo();
  assert.deepEqual(sent.map(({ kind }) => kind), ["paint", "undo", "redo", "undo"]);
  assert.equal(new Set(sent.map(({ key }) => key)).size, 4);
  session.redo();
  session.perform("name", [], 0, [{ path: `grid/${grid}/name`, value: "North" }]);
  assert.equal(session.canRedo.value, false);
  assert.equal(session.undoDepth.value, 2);
});

test("hundreds of random edits of all kinds, undone, give the first plan bit for bit, and redone the last", async () => {
  const draft = await openDraft(5, { columns: 14, rows: 12, areas: 2, holes: 0.05 });
  const { session, commands, live, random, state } = draft;
  const first = snapshot(draft);
  const any = (count: number): number => Math.floor(random() * count);
  let made = 0;
  for (let i = 0; i < 400; i++) {
    const grid = any(live.nGrids);
    const cells = Array.from({ length: 1 + any(6) }, () => any(draft.graph.n));
    const kind = any(12);
    const edit =
      kind < 6
        ? session.perform("paint", cells, grid)
        : kind === 6
          ? session.perform("paint", cells, -1)
          : kind === 7
            ? commands.lockGrid(grid, random() < 0.3)
            : kind === 8
              ? commands.merge(grid, live.neighbours(grid)[0]?.grid ?? 0)
              : kind === 9
                ? commands.newGrid(cells)
                : kind === 10
                  ? commands.dissolve(grid)
                  : session.change("name", [{ path: `grid/${grid}/name`, value: `n${i}` }]);
    if (edit) made++;
  }
  assert.ok(made > 150, `only ${made} edits were made`);
  const last = snapshot(draft);
  for (let i = 0; i < made; i++) assert.ok(session.undo(), `undo ${i}`);
  assert.equal(session.canUndo.value, false);
  const sizes = JSON.parse(first) as number[][];
  const back = JSON.parse(snapshot(draft)) as number[][];
  assert.deepEqual(back[0], sizes[0]);
  assert.deepEqual(back[5], sizes[5]);
  for (const at of [1, 2, 3, 4]) assert.deepEqual(back[at].slice(0, sizes[at].length), sizes[at]);
  for (let i = 0; i < made; i++) assert.ok(session.redo(), `redo ${i}`);
  assert.equal(snapshot(draft), last);
  const total = state.grids.value.reduce((sum, grid) => sum + grid.households, 0);
  const held = draft.graph.households.reduce((sum, count, cell) => sum + (live.gridOf[cell] < 0 ? 0 : count), 0);
  assert.equal(total, held);
});

test("locked cells, grids and borders stay, and so do cells of another community", async () => {
  const draft = await openDraft();
  const { session, commands, live, graph, attributes } = draft;
  const { cell, grid } = borderMove(draft);
  const from = live.gridOf[cell];
  commands.lockCells([cell], true);
  assert.equal(session.perform("paint", [cell], grid), null);
  assert.equal(session.message.value?.key, "edit.locked");
  commands.lockCells([cell], false);
  commands.lockGrid(grid, true);
  assert.equal(session.perform("paint", [cell], grid), null);
  commands.lockGrid(grid, false);
  commands.lockBorder(grid, from, true);
  assert.ok(attributes.isBorderLocked(from, grid));
  assert.equal(session.perform("paint", [cell], grid), null);
  commands.lockBorder(from, grid, false);
  const foreign = Array.from(graph.areaIx).findIndex((area) => area !== graph.areaIx[cell]);
  const edit = session.perform("paint", [cell, foreign], grid);
  assert.deepEqual([...(edit?.cells ?? [])], [cell]);
  assert.deepEqual(session.message.value, { key: "edit.foreign", values: { count: 1 }, alert: true });
  assert.equal(session.perform("paint", [cell], 99), null);
});

test("a stroke of many steps is one edit; one that is broken off leaves nothing", async () => {
  const draft = await openDraft();
  const { session, live } = draft;
  let edits = 0;
  let bumps = 0;
  session.onEdit(() => edits++);
  session.version.subscribe(() => bumps++);
  const before = snapshot(draft);
  const { cell, grid } = borderMove(draft);
  const from = live.gridOf[cell];
  const cells = [...live.cellsOf(from)].slice(0, 4);
  const hand = session.begin("paint");
  for (const each of cells) hand.add([each], grid);
  assert.ok(bumps > cells.length);
  hand.abort();
  assert.equal(snapshot(draft), before);
  assert.equal(edits, 0);
  const again = session.begin("paint");
  for (const each of cells) again.add([each], grid);
  const edit = again.finish();
  assert.deepEqual([...(edit?.cells ?? [])], cells);
  assert.equal(edits, 1);
  session.undo();
  assert.equal(snapshot(draft), before);
});

test("what a stroke cuts off is shown, and goes along, elsewhere, or back", async () => {
  const draft = await openDraft(2, { columns: 9, rows: 1 }, 2);
  const { session, live, graph } = draft;
  const cutOff = () => session.cutOff.value;
  // A row of cells: 0-5 in grid 0, the others in grid 1; cell 4 given away cuts cell 5 off from the rest.
  session.applyRemote([...Array(9).keys()], [0, 0, 0, 0, 0, 0, 1, 1, 1], []);
  assert.equal(session.canUndo.value, false);
  const hand = session.begin("paint");
  hand.add([2], 1);
  assert.deepEqual(session.cutOff.value?.pending, true);
  hand.finish();
  const cut = session.cutOff.value;
  assert.deepEqual([...(cut?.cells ?? [])], [0, 1]);
  assert.deepEqual([cut?.grid, cut?.target, cut?.choices, cut?.pending], [0, 1, [1], false]);
  session.takeAlong();
  assert.deepEqual([...live.gridOf], [1, 1, 1, 0, 0, 0, 1, 1, 1]);
  assert.equal(session.cutOff.value, null);
  session.undo();
  session.undo();
  session.perform("paint", [4], 1);
  assert.deepEqual([...(cutOff()?.cells ?? [])], [5]);
  session.giveTo(1);
  assert.deepEqual([...live.gridOf], [0, 0, 0, 0, 1, 1, 1, 1, 1]);
  session.perform("paint", [2], 1);
  session.cancelStroke();
  assert.deepEqual([...live.gridOf], [0, 0, 0, 0, 1, 1, 1, 1, 1]);
  assert.equal(session.cutOff.value, null);
  assert.equal(graph.n, 9);
});

test("edits of others come in without going out, and undo leaves alone what they have taken", async () => {
  const draft = await openDraft();
  const { session, live } = draft;
  const { cell, grid } = borderMove(draft);
  const from = live.gridOf[cell];
  let edits = 0;
  session.perform("paint", [cell], grid);
  session.onEdit(() => edits++);
  const made = live.nGrids;
  session.applyRemote([cell], [made], [{ path: `grid/${made}`, value: { code: "A0100", boundary_code: "A0" } }]);
  assert.equal(live.gridOf[cell], made);
  assert.equal(draft.state.grids.value[made].code, "A0100");
  assert.equal(edits, 0);
  assert.equal(session.undo(), null);
  assert.equal(live.gridOf[cell], made);
  assert.notEqual(live.gridOf[cell], from);
  assert.equal(session.canUndo.value, false);
});

test("merging keeps the larger grid, splitting keeps its code, dissolving leaves no cell behind; no code comes twice", async () => {
  const draft = await openDraft(4, { columns: 12, rows: 10 }, 6);
  const { session, commands, live, attributes, state } = draft;
  const unassigned = (): number => live.gridOf.filter((grid) => grid < 0).length;
  const loose = unassigned();
  const codes = new Set(attributes.codes);
  const [a, b] = [0, live.neighbours(0)[0].grid];
  const keep = live.figures.households[a] >= live.figures.households[b] ? a : b;
  const gone = a + b - keep;
  commands.merge(a, b);
  assert.equal(state.selected.value, keep);
  assert.equal(state.grids.value[gone].retired, true);
  assert.equal(live.cellsOf(gone).length, 0);
  const cells = live.cellsOf(keep);
  commands.split(keep, cells.slice(0, 3), cells.slice(3));
  const made = live.nGrids - 1;
  assert.equal(state.selected.value, made);
  assert.ok(live.figures.households[made] <= live.figures.households[keep]);
  assert.ok(!codes.has(attributes.grid(made).code), "a new grid has a new code");
  session.undo();
  assert.equal(attributes.exists(made), false);
  commands.newGrid([cells[0]]);
  assert.notEqual(attributes.grid(live.nGrids - 1).code, attributes.codes[made]);
  commands.dissolve(keep);
  assert.equal(live.cellsOf(keep).length, 0);
  assert.equal(unassigned(), loose);
});

test("a code that was changed before the page was loaded is taken back and done again", () => {
  const grid = { boundary_code: "A0", name: null, colour: null, locked: false, staff: [], retired: false };
  const book = new Attributes({
    plan: "1",
    revision: 9,
    state: "draft",
    grids: [{ ...grid, grid_ix: 0, code: "A0010", first_code: "A0009" }],
    locked_cells: [],
    locked_borders: [],
    notes: [],
  });
  const path = "grid/0/code";
  assert.equal(book.grid(0).code, "A0010");
  const undone = book.apply([{ path, value: null }]);
  assert.equal(book.grid(0).code, "A0009");
  assert.deepEqual(undone, [{ path, value: null, before: "A0010" }]);
  const redone = book.apply([{ path, value: "A0010" }]);
  assert.equal(book.grid(0).code, "A0010");
  assert.deepEqual(redone, [{ path, value: "A0010", before: null }]);
  const ended = book.apply([{ path, value: null }, { path: "grid/0", value: null }]);
  assert.equal(book.grid(0).code, "A0010");
  assert.equal(book.grid(0).retired, true);
  book.apply(ended.map(({ path: where, before }) => ({ path: where, value: before })).reverse());
  assert.deepEqual([book.grid(0).code, book.grid(0).retired], ["A0010", false]);
});
