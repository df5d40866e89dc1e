import assert from "node:assert/strict";
import { test } from "node:test";
import { COLOURS } from "../src/kernels/colouring";
import { openDraft } from "./draft";

test("after edits of every kind neighbours differ in colour, those chosen by hand stay, and few others change", async () => {
  const { random, graph, live, attributes, session, commands, state } = await openDraft(5, { columns: 40, rows: 30, areas: 2 }, 40);
  const pick = (n: number): number => Math.floor(random() * n);
  const colours = (): number[] => state.grids.value.map(({ colour }) => colour);
  const byHand = (grid: number): boolean => attributes.grid(grid).colour !== null;
  const living = (): number[] => [...live.figures.cells.keys()].filter((grid) => live.figures.cells[grid] > 0);
  let [edits, changes, kept] = [0, 0, 0];
  // The plan comes with colours that differ.
  session.applyRemote([], [], living().map((grid) => ({ path: `grid/${grid}/name`, value: `g${grid}` })));
  for (let i = 0; i < 300; i++) {
    const before = colours();
    const grid = living()[pick(living().length)];
    const cells = Array.from(live.cellsOf(grid));
    const near = live.neighbours(grid).map((each) => each.grid);
    const kind = pick(8);
    if (kind < 3 && near.length > 0) session.perform("paint", cells.slice(0, 1 + pick(cells.length)), near[pick(near.length)]);
    else if (kind === 3) session.perform("paint", cells.slice(0, 2), -1);
    else if (kind === 4) commands.newGrid(cells.slice(0, 1 + pick(6)));
    else if (kind === 5 && near.length > 0) commands.merge(grid, near[pick(near.length)]);
    else if (kind === 6) session.change("colour", [{ path: `grid/${grid}/colour`, value: random() < 0.7 ? pick(COLOURS) : null }]);
    else if (random() < 0.7) session.undo();
    else session.redo();
    const now = colours();
    for (const one of living()) {
      if (byHand(one)) {
        assert.equal(now[one], attributes.grid(one).colour);
        kept++;
      }
      assert.ok(now[one] < COLOURS);
      for (const { grid: other } of live.neighbours(one))
        if (!(byHand(one) && byHand(other))) assert.notEqual(now[one], now[other], `${one} and ${other} after edit ${i} of kind ${kind}`);
    }
    edits++;
    changes += now.filter((colour, ix) => ix < before.length && colour !== before[ix]).length;
  }
  assert.ok(kept > 100);
  assert.ok(changes < 2 * edits, `${changes} changes of colour in ${edits} edits`);
  assert.equal(graph.n, live.gridOf.length);
});
