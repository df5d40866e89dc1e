import assert from "node:assert/strict";
import { test } from "node:test";
import type { Comparison } from "../src/api/edits";
import { ApiError } from "../src/api/request";
import type { PlanSummary } from "../src/api/types";
import { movedCells } from "../src/kernels/moved";
import { scaleBar } from "../src/kernels/scalebar";
import { comparable, createCompare, movedAsCsv, type MovedBuilding, pickBuildings } from "../src/state/compare";
import type { Desk } from "../src/state/desk";
import type { PlanActions } from "../src/state/deskplans";
import { createExports, exportAddress, fileNameOf } from "../src/state/exports";
import { createState } from "../src/state/state";
import { signal } from "@preact/signals";
import { randomFrom } from "./random";

test("moved cells are those whose grid has another code, as a plain comparison says", () => {
  const random = randomFrom(9);
  for (let round = 0; round < 50; round++) {
    const codes = [0, 1].map(() => Array.from({ length: 6 }, (_, i) => `G${(i * 7 + round) % 9}`).sort(() => random() - 0.5));
    const plans = [0, 1].map(() => Int32Array.from({ length: 40 }, () => Math.floor(random() * 7) - 1));
    const code = (plan: number, cell: number): string | undefined => codes[plan][plans[plan][cell]];
    const want = [...plans[0].keys()].filter((cell) => code(0, cell) !== code(1, cell));
    assert.deepEqual([...movedCells(plans[0], codes[0], plans[1], codes[1])], want);
  }
});

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

test("plans to compare with: the one in force first, then the one it came from, never another town", () => {
  const now = Date.parse("2026-06-01T00:00:00Z");
  const draft = plan("4", { based_on: 2 });
  const plans = [
    plan("5", { dataset_id: "2" }),
    draft,
    plan("3"),
    plan("2"),
    plan("1", { state: "published", valid_from: "2026-01-01T00:00:00Z" }),
    plan("9", { bbox: [100, 20, 101, 21] }),
  ];
  assert.deepEqual(comparable(draft, plans, now).map(({ id }) => id), ["1", "2", "3", "5"]);
  assert.deepEqual(comparable(null, plans, now), []);
});

const building = (id: string, more: Partial<MovedBuilding> = {}): MovedBuilding => ({
  id,
  name: null,
  address: null,
  households: 3,
  from: "A1",
  to: "A2",
  lon: 1,
  lat: 2,
  cell_from: 1,
  cell_to: 2,
  ...more,
});

test("buildings by their pair of grids and by a text", () => {
  const all = [building("B1", { name: "和阳里7号楼" }), building("B2", { address: "Main 3" }), building("B3", { to: null })];
  const ids = (...args: Parameters<typeof pickBuildings>): string[] => pickBuildings(...args).map(({ id }) => id);
  assert.deepEqual(ids(all, null, ""), ["B1", "B2", "B3"]);
  assert.deepEqual(ids(all, { from: "A1", to: null, households: 3, buildings: 1 }, ""), ["B3"]);
  assert.deepEqual(ids(all, null, " main"), ["B2"]);
  assert.deepEqual(ids(all, null, "7号"), ["B1"]);
});

test("the list as a sheet: quoted where needed, nothing in it a formula", () => {
  const rows = [building("B1", { name: '=1+"x"', address: "a, b", to: null }), building("B2", { households: -1 })];
  assert.equal(
    movedAsCsv(rows, ["id", "n", "a", "h", "from", "to"]),
    '\ufeffid,n,a,h,from,to\r\nB1,"\'=1+""x""","a, b",3,A1,\r\nB2,,,-1,A1,A2\r\n',
  );
});

function desk() {
  const state = createState("en");
  const said: unknown[] = [];
  const fake = {
    state,
    tab: signal("grids"),
    arrivals: signal(0),
    actions: { openHit: (hit: unknown) => said.push(hit) },
    say: (...args: unknown[]) => said.push(args),
  };
  return { state, said, desk: fake as unknown as Desk };
}

test("comparing begins with the likeliest plan, asks once for each, and ends with the plan", async () => {
  const { state, desk: fake } = desk();
  const asked: string[] = [];
  const answers: ((found: Comparison | null) => void)[] = [];
  const plans = {
    compare: (id: string) => (asked.push(id), new Promise<Comparison | null>((done) => answers.push(done))),
  } as unknown as PlanActions;
  const compare = createCompare(state, fake, plans);
  compare.open();
  assert.equal(compare.view.value, null);
  state.plans.value = [plan("1"), plan("2", { dataset_id: "7" }), plan("3")];
  state.plan.value = state.plans.value[0];
  compare.open();
  assert.deepEqual([compare.view.value, compare.other.value?.id, fake.tab.value, asked], ["swipe", "3", "compare", ["3"]]);
  compare.view.value = "side";
  compare.choose("2");
  assert.deepEqual([asked, compare.twoVersions.value, compare.standing.value], [["3", "2"], true, "busy"]);
  const found = { households_moved: 3, people_moved: 4, buildings: [building("B")], pairs: [] };
  answers[0]({ ...found, households_moved: 99 });
  answers[1](found);
  await Promise.resolve();
  await Promise.resolve();
  assert.equal(compare.found.value?.households_moved, 3);
  assert.deepEqual(compare.buildings.value.map(({ id }) => id), ["B"]);
  compare.choose("3");
  answers[2](null);
  await new Promise((done) => setTimeout(done));
  assert.equal(compare.standing.value, "failed");
  state.plan.value = state.plans.value[1];
  assert.deepEqual([compare.view.value, compare.found.value, fake.tab.value], [null, null, "grids"]);
});

test("addresses and names of exports", () => {
  assert.equal(exportAddress("a b", { format: "gpkg", layer: "grids" }), "api/plans/a%20b/export?format=gpkg&layer=grids");
  const sheets = exportAddress("3", { format: "pdf", paper: "a3", lang: "zh-CN", grids: ["1", "2"] });
  assert.equal(sheets, "api/plans/3/export?format=pdf&paper=a3&lang=zh-CN&grid=1&grid=2");
  assert.equal(fileNameOf("attachment; filename*=utf-8''%E7%BD%91.pdf", "x"), "网.pdf");
  assert.equal(fileNameOf('attachment; filename="a b.pdf"', "x"), "a b.pdf");
  assert.equal(fileNameOf("attachment; filename*=utf-8''%E7%", "x"), "x");
  assert.equal(fileNameOf(null, "x"), "x");
});

test("an export tells how far it is, hands the file over, and can be ended", async () => {
  const { state, said, desk: fake } = desk();
  state.plan.value = plan("7");
  const asked: string[] = [];
  const saved: string[] = [];
  let finish: (answer: Response | Error) => void = () => undefined;
  let tick: () => void = () => undefined;
  let now = 0;
  const ask = (path: string, init: RequestInit = {}): Promise<Response> => {
    asked.push(`${init.method ?? "GET"} ${path.replace(/[0-9a-f-]{36}/, "KEY")}`);
    if (path.startsWith("api/exports")) return Promise.resolve(Response.json({ done: 5, total: 20 }));
    return new Promise((done, fail) => {
      finish = (answer) => (answer instanceof Error ? fail(answer) : done(answer));
      init.signal?.addEventListener("abort", () => fail(new DOMException("", "AbortError")));
    });
  };
  const clock = { now: () => now, every: (_: number, work: () => void) => ((tick = work), () => (tick = () => undefined)) };
  const exports = createExports(fake, ask, (_, name) => saved.push(name), clock);
  const first = exports.fetch({ format: "pdf", paper: "a4" }, "export.pdfA4");
  now = 4000;
  tick();
  await new Promise((done) => setTimeout(done));
  assert.deepEqual(exports.running.value, { words: "export.pdfA4", done: 5, total: 20, seconds: 4, left: 12 });
  await exports.fetch({ format: "html" }, "export.html");
  assert.deepEqual(said.pop(), ["export.busy"]);
  finish(new Response("x", { headers: { "Content-Disposition": "attachment; filename*=utf-8''a.pdf" } }));
  await first;
  assert.deepEqual([saved, exports.running.value, said.pop()], [["a.pdf"], null, ["export.done", { name: "a.pdf" }]]);
  const second = exports.fetch({ format: "html" }, "export.html");
  exports.cancel();
  await second;
  assert.deepEqual([saved.length, exports.running.value, said.pop()], [1, null, ["export.cancelled"]]);
  assert.deepEqual(asked, [
    "GET api/plans/7/export?format=pdf&paper=a4&key=KEY",
    "GET api/exports/KEY",
    "GET api/plans/7/export?format=html&key=KEY",
    "DELETE api/exports/KEY",
  ]);
  const third = exports.fetch({ format: "html" }, "export.html");
  finish(new ApiError("not-found", 404, "There is no plan 7."));
  await third;
  // Said in the page's language; the server's own words are English.
  const gone = "It is no longer there. Somebody may have deleted it; load the page again.";
  assert.deepEqual(said.pop(), ["error.refused", { detail: gone }, true]);
});

test("the scale bar is the longest round length that fits", () => {
  assert.deepEqual(scaleBar(1, 140), { metres: 100, pixels: 100 });
  assert.deepEqual(scaleBar(0.3, 140), { metres: 20, pixels: 20 / 0.3 });
  assert.deepEqual(scaleBar(100, 140), { metres: 10000, pixels: 100 });
  for (let i = 0; i < 100; i++) {
    const { metres, pixels } = scaleBar(1.17 ** i / 1000, 140);
    assert.ok(pixels <= 140 && pixels > 55 && [1, 2, 5].includes(Number(metres.toExponential()[0])));
  }
});
