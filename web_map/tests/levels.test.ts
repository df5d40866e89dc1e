import assert from "node:assert/strict";
import { test } from "node:test";
import { openDraft } from "./draft";

/** A draft of one boundary polygon with four grids a community. */
const leveled = (seed: number) => openDraft(seed, { columns: 12, rows: 10, areas: 1 }, 8, (grid) => (grid < 4 ? "A0001" : "A0002"));

test("a cell does not go straight to a grid of another community, but may once it was taken out", async () => {
  const { live, session, graph, attributes } = await leveled(3);
  const part = (cell: number): string => attributes.boundaryOf(live.gridOf[cell]);
  const cell = [...live.gridOf.keys()].find((each) =>
    Array.from(graph.indices.subarray(graph.indptr[each], graph.indptr[each + 1])).some((other) => part(other) !== part(each)),
  ) as number;
  const beside = Array.from(graph.indices.subarray(graph.indptr[cell], graph.indptr[cell + 1])).find((other) => part(other) !== part(cell)) as number;
  const [from, to] = [live.gridOf[cell], live.gridOf[beside]];
  assert.equal(session.perform("paint", [cell], to), null);
  assert.deepEqual(session.message.value, { key: "edit.apart", values: { count: 1 }, alert: true });
  assert.equal(live.gridOf[cell], from);
  assert.ok(session.perform("paint", [cell], -1));
  assert.ok(session.perform("paint", [cell], to));
  session.undo();
  session.undo();
  assert.equal(live.gridOf[cell], from);
});

test("new grids, dissolving and what was cut off stay in the community", async () => {
  for (let seed = 1; seed < 6; seed++) {
    const { live, session, graph, attributes, commands } = await leveled(seed);
    const made = commands.newGrid(Array.from({ length: graph.n }, (_, cell) => cell).filter((cell) => cell % 3 > 0));
    assert.ok(made);
    const parts = new Set(Array.from(made.before, (grid) => attributes.boundaryOf(grid)));
    assert.equal(parts.size, 1);
    assert.equal(attributes.boundaryOf(8), [...parts][0]);
    for (const choice of session.cutOff.value?.choices ?? []) assert.equal(attributes.boundaryOf(choice), [...parts][0]);
    session.undo();
    const gone = commands.dissolve(2);
    for (const grid of gone?.after ?? []) if (grid >= 0) assert.equal(attributes.boundaryOf(grid), attributes.boundaryOf(0));
    assert.equal(live.cellsOf(2).length, 0);
  }
});
