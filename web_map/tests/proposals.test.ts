import assert from "node:assert/strict";
import { test } from "node:test";
import type { Reason } from "../src/api/edits";
import { ApiError } from "../src/api/request";
import type { DatasetBoundary, GridProperties, PlanDetail } from "../src/api/types";
import { dictionaries } from "../src/i18n";
import { bordersOf } from "../src/kernels/borders";
import { type Polygons } from "../src/kernels/geometry";
import { goneParts, Outlines } from "../src/kernels/oldborders";
import { weigh } from "../src/kernels/weigh";
import { historyRows } from "../src/state/history";
import { errorWords, problemWords, reasonWords } from "../src/state/problems";
import { createState } from "../src/state/state";
import { openDraft } from "./draft";

test("a proposal is weighed as the plan would be once it is accepted", async () => {
  const { live, graph, attributes, random } = await openDraft(3);
  const boundaryOf = (grid: number): string => attributes.boundaryOf(grid);
  const cells = Uint32Array.from([...live.cellsOf(0)].slice(0, 4));
  const grids = Int32Array.from(cells, () => live.neighbours(0)[0].grid);
  const target = grids[0];
  const before = live.gridOf.slice();
  const bounds = [10, 10 + Math.ceil(100 * random())] as const;
  const found = weigh(graph, live.gridOf, { cells, grids }, boundaryOf, bounds);
  assert.deepEqual(live.gridOf, before, "nothing is changed");
  const figures = (): [number, number] => [live.figures.households[0], live.figures.households[target]];
  const inside = (): number => figures().filter((own) => own >= bounds[0] && own <= bounds[1]).length;
  assert.equal(found.before.inBounds, inside());
  assert.equal(found.households, [...cells].reduce((sum, cell) => sum + graph.households[cell], 0));
  assert.ok(Math.abs(found.before.borderM - borderOf([0, target])) < 1e-6);
  live.apply(cells, grids);
  assert.deepEqual([found.after.grids, found.after.inBounds], [2, inside()]);
  assert.ok(Math.abs(found.after.borderM - borderOf([0, target])) < 1e-6);
  const mates = attributes.codes.map((_, ix) => ix).filter((ix) => boundaryOf(ix) === boundaryOf(0));
  const mean = mates.reduce((sum, ix) => sum + live.figures.households[ix], 0) / mates.length;
  const worst = figures().map((own) => own / mean - 1).sort((a, b) => Math.abs(b) - Math.abs(a))[0];
  assert.ok(Math.abs((found.after.deviation ?? NaN) - worst) < 1e-12);

  function borderOf(some: number[]): number {
    let sum = 0;
    for (const grid of some)
      for (const { grid: other, lengthM } of live.neighbours(grid)) sum += some.includes(other) ? lengthM / 2 : lengthM;
    return sum;
  }
});

test("what has no grid changes no hands, and a plan without grids is weighed too", async () => {
  const { live, graph } = await openDraft(5);
  const empty = new Int32Array(graph.n).fill(-1);
  const all = Uint32Array.from(empty.keys());
  const found = weigh(graph, empty, { cells: all, grids: live.gridOf }, () => "A0", [0, 1e9]);
  assert.deepEqual([found.households, found.cells, found.before.grids, found.before.deviation], [0, live.gridOf.filter((grid) => grid >= 0).length, 0, null]);
  assert.equal(found.after.inBounds, found.after.grids);
});

// Squares of 10 units in a row, one ring each.
function squares(...sides: [from: number, to: number][]): Polygons {
  const coords = sides.flatMap(([from, to]) => [from, 0, to, 0, to, 10, from, 10].map((value) => 100 + value));
  const ringStart = Uint32Array.from({ length: sides.length + 1 }, (_, i) => 4 * i);
  return { coords: Int32Array.from(coords), ringStart, featureStart: Uint32Array.from(ringStart.keys()) };
}

test("of the borders in force those are dotted that the plan has no longer", () => {
  const force = bordersOf(squares([0, 10], [10, 20], [20, 30]));
  const now = new Outlines(squares([0, 10], [10, 20], [20, 30]));
  const gone = (): number[][] => {
    const found: number[][] = [];
    for (let line = 0; line + 1 < force.lineStart.length; line++)
      for (const [from, to] of goneParts(force, line, now)) found.push([...force.coords.slice(2 * from, 2 * to + 2)].map((value) => value - 100));
    return found.map((line) => (line[1] > line[3] ? [line[2], line[3], line[0], line[1]] : line));
  };
  assert.deepEqual(gone(), []);
  // The middle grid takes the whole of the first: the border between the two is no more.
  const boxes = [...now.set(0, squares()), ...now.set(1, { ...squares([0, 20]), coords: Int32Array.from([100, 100, 110, 100, 120, 100, 120, 110, 110, 110, 100, 110]), ringStart: Uint32Array.of(0, 6) })];
  assert.equal(boxes.length, 3);
  assert.deepEqual(gone(), [[10, 0, 10, 10]]);
  now.set(0, squares([0, 10]));
  now.set(1, squares([10, 20]));
  assert.deepEqual(gone(), []);
});

const reason = (what: string, kind: string, numbers: Record<string, number | string> = {}): Reason => ({
  what, where: "0", reason: "An English sentence.", cell_ix: [3], mend: "", case: kind, numbers,
});

test("what the server refuses is said in the language of the page, else in its own words", () => {
  const state = createState("zh-CN");
  state.grids.value = [{ code: "110101001001" }, { code: "110101001002" }] as GridProperties[];
  const words = (told: Parameters<typeof problemWords>[1]): string => problemWords(state, told);
  assert.equal(words({ code: "job-running", detail: "Work is under way." }), dictionaries["zh-CN"]["problem.job-running"]);
  assert.equal(words({ code: "bad-edit", detail: "x", case: "code-used", params: { code: "B7" } }), "编码 B7 已使用过，编码不重复使用。");
  assert.equal(words({ code: "bad-edit", detail: "Something new.", case: "of-a-newer-server" }), "此次修改无法执行。Something new.");
  assert.equal(words({ code: "of-a-newer-server", detail: "Something new." }), "Something new.");
  assert.equal(words({ code: "locked", detail: "x", grids: [1], cells: [4, 5], borders: [[0, 1]] }), "已锁定：网格 002, 2 个单元, 边界 001–002。请先解锁（Q）。");
  const error = new ApiError("conflict", 409, "Plan 3 is published.", { case: "no-draft", params: { state: "published" } });
  assert.equal(errorWords(state, error), dictionaries["zh-CN"]["problem.conflict.no-draft"]);
  state.lang.value = "en";
  assert.equal(words({ code: "bad-dataset", detail: "The file has 3 faults." }), "The file has 3 faults.");
});

test("reasons are said with their numbers and the name of the community", () => {
  const state = createState("zh-CN");
  state.detail.value = { boundaries: [{ code: "0", name: "浦东" }] as unknown as DatasetBoundary[] } as unknown as PlanDetail;
  const heavy = reason("heavy-cell", "one", { code: "0", total: 1593, max: 500, parts: 4 });
  assert.equal(reasonWords(state, heavy), "浦东 有一个单元 1,593 户，超过上限 500。请把该楼切分为 4 部分或更多。");
  assert.equal(reasonWords(state, reason("seeds", "")), "说明（英文）：An English sentence.");
});

test("the history says what was undone or done again, through every turn", () => {
  const at = "2026-01-01T08:00:00Z";
  const edit = (revision: number, kind: string, undoes: number | null) => ({ revision, kind, undoes, at, who: "Li", n_cells: 1, undone_by: null, changes: [] });
  const rows = historyRows([edit(4, "merge", null), edit(5, "undo", 4), edit(6, "redo", 5), edit(7, "undo", 6), edit(8, "undo", 2)]);
  assert.deepEqual(rows.map(({ kind, of }) => [kind, of]), [["undo", null], ["undo", "merge"], ["redo", "merge"], ["undo", "merge"], ["merge", null]]);
  // Changes of base data are done again by an undo of their undo; locking and freeing are told apart.
  const lock = (revision: number, ...values: (true | null)[]) => ({ ...edit(revision, "lock", null), changes: values.map((value, cell) => ({ path: `lock/cell/${cell}`, value })) });
  const more = historyRows([edit(1, "base", null), edit(2, "undo", 1), edit(3, "undo", 2), lock(4, true, true), lock(5, null), lock(6, true, null)]);
  assert.deepEqual(more.map(({ kind }) => kind), ["lock", "freed", "locked", "redo", "undo", "base"]);
});
