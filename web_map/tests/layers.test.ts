import assert from "node:assert/strict";
import { test } from "node:test";
import type { PlanSummary } from "../src/api/types";
import { createCursor } from "../src/state/cursor";
import { unitToLonLat } from "../src/kernels/geometry";
import { connectForce, holdsAt, othersInForce } from "../src/state/force";
import { noteId, notesOf } from "../src/state/notes";
import { createState } from "../src/state/state";
import { createLines, type FromLines, type ToLines } from "../src/worker/lineswords";
import { openDraft } from "./draft";

const NOW = Date.parse("2026-06-01T00:00:00Z");
const plan = (id: string, more: Partial<PlanSummary> = {}): PlanSummary => ({
  id,
  dataset_id: "1",
  name: id,
  state: "draft",
  revision: 0,
  created_at: "2026-01-01T00:00:00Z",
  n_grids: 1,
  n_cells: 1,
  households: 1,
  bounds: [300, 500],
  bbox: [121, 31, 122, 32],
  ...more,
});

test("which plans hold at a moment", () => {
  const published = (from: string | null, to: string | null = null): boolean =>
    holdsAt(plan("p", { state: "published", valid_from: from, valid_to: to }), NOW);
  assert.equal(published("2026-05-01T00:00:00Z"), true);
  assert.equal(published("2026-07-01T00:00:00Z"), false);
  assert.equal(published("2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z"), false);
  assert.equal(published("2026-01-01T00:00:00Z", "2026-06-02T00:00:00Z"), true);
  assert.equal(published(null), false);
  assert.equal(holdsAt(plan("d", { valid_from: "2026-01-01T00:00:00Z" }), NOW), false);
});

test("other plans in force are those on the same ground, and none for one that holds itself", () => {
  const inForce = { state: "published", valid_from: "2026-01-01T00:00:00Z" } as const;
  const here = plan("here", inForce);
  const there = plan("there", { ...inForce, bbox: [100, 20, 101, 21] });
  const draft = plan("draft");
  assert.deepEqual(othersInForce(draft, [here, there, draft], NOW), [here]);
  assert.deepEqual(othersInForce(here, [here, there], NOW), []);
});

test("the plan in force is asked for once the plan is painted, once, and anew after a failure", () => {
  const state = createState("en");
  const asked: string[] = [];
  let answer: (plans: string[] | null) => void = () => undefined;
  const force = connectForce(state, (id, done) => {
    asked.push(id);
    answer = done;
  });
  state.plans.value = [plan("p", { state: "published", valid_from: "2026-01-01T00:00:00Z" }), plan("d")];
  state.plan.value = state.plans.value[1];
  assert.equal(state.force.value, "off");
  state.phase.value = "ready";
  assert.deepEqual(asked, []);
  state.painted.value = true;
  assert.deepEqual([asked, state.force.value], [["d"], "loading"]);
  answer(null);
  assert.equal(state.force.value, "failed");
  force.retry();
  answer(["p"]);
  assert.deepEqual([asked, state.force.value], [["d", "d"], "ready"]);
  state.forceShown.value = "none";
  state.forceShown.value = "all";
  assert.equal(asked.length, 2);
  state.plan.value = state.plans.value[0];
  assert.equal(state.force.value, "none");
});

test("of several views that are asked for only the last is answered, and none of an earlier plan", () => {
  const sent: ToLines[] = [];
  let closed = 0;
  const fake = { postMessage: (message: ToLines) => sent.push(message), onmessage: null, onerror: null };
  const worker = fake as unknown as Worker & { onmessage: (event: { data: FromLines }) => void };
  const lines = createLines(() => worker, "/");
  const bitmap = { close: () => closed++ } as unknown as ImageBitmap;
  const view = { x0: 0, y0: 0, step: 1, width: 1, height: 1, zoom: 3 };
  const got: string[] = [];
  lines.load("a", (plans) => got.push(`loaded ${plans}`));
  lines.draw(view, 1, "light", () => got.push("first"));
  lines.draw(view, 1, "light", () => got.push("second"));
  const tell = (data: FromLines): void => worker.onmessage({ data });
  tell({ type: "loaded", load: 1, plans: ["7"] });
  tell({ type: "drawn", load: 1, serial: 1, bitmap });
  tell({ type: "drawn", load: 1, serial: 2, bitmap });
  assert.deepEqual([got, closed], [["loaded 7", "second"], 1]);
  lines.load("b", (plans) => got.push(`loaded ${plans}`));
  tell({ type: "drawn", load: 1, serial: 2, bitmap });
  tell({ type: "loaded", load: 1, plans: [] });
  assert.deepEqual([got.length, closed], [2, 2]);
});

test("notes are attributes: made by a click, changed, undone", async () => {
  const { state, session, tools } = await openDraft(4);
  const notes = (): unknown[] => notesOf(session.attributes).map(({ id, text }) => [id, text]);
  session.change("note", [{ path: "note/a", value: { lon: 1, lat: 2, text: "one" } }]);
  session.change("note", [{ path: "note/b", value: { lon: 1, lat: 2, text: "two" } }]);
  session.change("note", [{ path: "note/a", value: { lon: 3, lat: 2, text: "one, changed" } }]);
  assert.deepEqual(notes(), [["a", "one, changed"], ["b", "two"]]);
  session.undo();
  assert.deepEqual(notes(), [["a", "one"], ["b", "two"]]);
  session.change("note", [{ path: "note/b", value: null }]);
  assert.deepEqual(notes(), [["a", "one"]]);
  session.tool.value = "note";
  const keys = { shift: true, ctrl: false, alt: false };
  assert.equal(tools.toolFor(keys), "note");
  tools.down({ x: 2 ** 29, y: 2 ** 29, cell: 3 }, keys);
  tools.up();
  assert.deepEqual(state.newNote.value, { lon: 0, lat: 0 });
});

test("notes stand in the order in which they were made, also after a reload", () => {
  const ids = [5, 1_700_000_000_000, 1_700_000_000_001, 2_900_000_000_000].map(noteId);
  assert.ok(ids.every((id) => /^[A-Za-z0-9_-]{1,64}$/.test(id)));
  const mixed = [2, 0, 3, 1].map((i) => [`note/${ids[i]}`, { lon: 1, lat: 2, text: "x" }] as const);
  assert.deepEqual(notesOf(new Map<string, unknown>([...mixed, ["grid/1", {}]])).map(({ id }) => id), ids);
});

test("the cell of the keyboard begins a note with the tool for notes, and gives to a grid with any other", async () => {
  const { state, session, ground } = await openDraft(6);
  const cursor = createCursor(state, session, () => undefined);
  session.tool.value = "note";
  cursor.step("up", [ground.graph.anchor[0], ground.graph.anchor[1]]);
  cursor.assign(false);
  assert.equal(session.cursor.value, 0);
  const [lon, lat] = unitToLonLat(ground.graph.anchor[0], ground.graph.anchor[1]);
  assert.deepEqual(state.newNote.value, { lon, lat });
  assert.equal(session.undoDepth.value, 0);
});

test("locked borders are pairs of grids", async () => {
  const { session, commands, live } = await openDraft(2);
  const [{ grid: other }] = live.neighbours(3);
  commands.lockBorder(3, other, true);
  assert.deepEqual(session.book?.lockedBorders(), [[Math.min(3, other), Math.max(3, other)]]);
  commands.lockBorder(other, 3, false);
  assert.deepEqual(session.book?.lockedBorders(), []);
});

test("no edit puts a cell on a locked border, before it or after it, as the server counts", async () => {
  let [done, held] = [0, 0];
  for (let seed = 1; seed < 12; seed++) {
    const { session, commands, live, graph, random } = await openDraft(seed, { columns: 12, rows: 10, areas: 1 }, 7);
    const pairs = [0, 1].flatMap(() => {
      const a = Math.floor(random() * 7);
      const b = live.neighbours(a)[0]?.grid;
      if (b !== undefined) commands.lockBorder(a, b, true);
      return b === undefined ? [] : [[a, b]];
    });
    const isOn = (gridOf: Int32Array, cell: number): boolean =>
      [...graph.indices.subarray(graph.indptr[cell], graph.indptr[cell + 1])].some((other) =>
        pairs.some(([a, b]) => (gridOf[cell] === a && gridOf[other] === b) || (gridOf[cell] === b && gridOf[other] === a)),
      );
    for (let round = 0; round < 30; round++) {
      const before = live.gridOf.slice();
      const target = Math.floor(random() * 7);
      const wanted = Uint32Array.from(new Set(Array.from({ length: 12 }, () => Math.floor(random() * graph.n)))).sort();
      const edit = session.perform("lasso", wanted, target);
      held += wanted.filter((cell) => before[cell] !== target).length - (edit?.cells.length ?? 0);
      for (const cell of edit?.cells ?? []) {
        done++;
        assert.ok(!isOn(before, cell) && !isOn(live.gridOf, cell));
      }
      // What is allowed can be taken back.
      if (edit && random() < 0.3) {
        assert.ok(session.undo());
        assert.deepEqual(live.gridOf, before);
      }
    }
  }
  assert.ok(done > 300 && held > 50, `${done} ${held}`);
});
