import assert from "node:assert/strict";
import { test } from "node:test";
import type { Client } from "../src/api/client";
import type { GridProperties, PlanSummary } from "../src/api/types";
import { createActions, type Target } from "../src/state/actions";
import { looksLikePlace, parseCoordinates } from "../src/state/coordinates";
import { nextSort, rowsOf, totalsOf, worstGrids } from "../src/state/rows";
import { createState } from "../src/state/state";
import { createTimings } from "../src/state/timings";
import type { Engine, EngineEvents } from "../src/worker/engine";

function grid(code: string, households: number, more: Partial<GridProperties> = {}): GridProperties {
  return {
    code,
    name: null,
    boundary_code: "1",
    boundary_name: "和阳社区",
    households,
    population: null,
    area_m2: 1000 * households,
    perimeter_m: 400,
    polsby_popper: 0.5,
    deviation: 0,
    in_bounds: households >= 300 && households <= 500,
    colour: 0,
    label: [121, 31],
    ...more,
  };
}

const grids = [grid("10", 531), grid("9", 412), grid("11", 290, { boundary_name: "Riverside" }), grid("12", 620)];

test("rows sort by number, not by text, and filter by code, community and bounds", () => {
  const codes = (rows: number[]): string[] => rows.map((i) => grids[i].code);
  const byCode = { key: "code", ascending: true } as const;
  assert.deepEqual(codes(rowsOf(grids, "", false, byCode)), ["9", "10", "11", "12"]);
  assert.deepEqual(codes(rowsOf(grids, "", false, { key: "households", ascending: false })), ["12", "10", "9", "11"]);
  assert.deepEqual(codes(rowsOf(grids, " riverSIDE ", false, byCode)), ["11"]);
  assert.deepEqual(codes(rowsOf(grids, "和阳", true, byCode)), ["10", "12"]);
  assert.deepEqual(codes(rowsOf(grids, "1", false, byCode)), ["10", "11", "12"]);
});

test("totals and the worst grids", () => {
  assert.deepEqual(totalsOf(grids, [300, 500]), { grids: 4, households: 1853, inBounds: 1, over: 2, under: 1 });
  assert.deepEqual(worstGrids(grids, [300, 500]), { kind: "over", grids: [3, 0] });
  assert.deepEqual(worstGrids(grids, [300, 700]), { kind: "under", grids: [2] });
  assert.equal(worstGrids(grids, [200, 700]), null);
});

test("a header begins with the useful direction, then turns round", () => {
  const first = nextSort({ key: "code", ascending: true }, "households");
  assert.deepEqual(first, { key: "households", ascending: false });
  assert.deepEqual(nextSort(first, "households"), { key: "households", ascending: true });
});

test("what the server should read as a place", () => {
  for (const text of ["121.49, 31.24", "31°14′24″N 121°29′24″E", "北纬31.24 东经121.49", "POINT (1 2)", "geo:1,2", "https://x.cn/?q=1,2",
    "31,24 121,49", "31:14:24N 121:29:24E", "31d14m24sN 121d29m24sE", "31 deg 14 min 24 sec N, 121 deg 29 min 24 sec E", "X=121.49 Y=31.24",
    "31。24，121。49", "amapuri://route/plan/?dlat=1&dlon=2", "8FVC2222+22"])
    assert.equal(looksLikePlace(text), true, text);
  for (const text of ["", "3号楼", "渔人码头3号楼2单元", "人民路12弄3号", "12 Main Street 5", "1203"])
    assert.equal(looksLikePlace(text), false, text);
});

test("pasted coordinates in either order", () => {
  const shanghai: [number, number, number, number] = [121.4, 31.1, 121.6, 31.3];
  assert.deepEqual(parseCoordinates("121.49, 31.24", shanghai), [121.49, 31.24]);
  assert.deepEqual(parseCoordinates("31.24，121.49", shanghai), [121.49, 31.24]);
  assert.deepEqual(parseCoordinates(" 9.52 47.14 ", [9.4, 47, 9.6, 47.3]), [9.52, 47.14]);
  assert.deepEqual(parseCoordinates("47.14 9.52", [9.4, 47, 9.6, 47.3]), [9.52, 47.14]);
  for (const text of ["12", "Main street 12", "12,", "200, 200", "31.24 121.49 5", "007"])
    assert.equal(parseCoordinates(text, shanghai), null);
});

const summary: PlanSummary = {
  id: "p1",
  dataset_id: "d1",
  name: "Town",
  state: "draft",
  revision: 1,
  created_at: "2026-01-01T00:00:00Z",
  n_grids: 4,
  n_cells: 2,
  households: 1853,
  bounds: [300, 500],
  bbox: [121, 31, 122, 32],
};

function world(plans: PlanSummary[] | Error) {
  const state = createState("en");
  const seen: { fits: unknown[]; events: EngineEvents | null } = { fits: [], events: null };
  const client = {
    plans: async () => {
      if (plans instanceof Error) throw plans;
      return plans;
    },
    datasets: async () => [{ id: "1", name: "town", counts: { buildings: 9 } }],
    plan: async () => ({ ...summary, attribution: "©", boundaries: [] }),
    cell: async (_: string, cellIx: number) => ({ cell_ix: cellIx, households: 3, area_m2: 9, grid: null, buildings: [] }),
    locate: async () => ({
      status: "outside", grid_code: null, border_m: 12.5, nearest_code: "9", cell_ix: null, lon: 0, lat: 0,
    }),
  } as unknown as Client;
  const engine = {
    load: (_root: string, _plan: string, _dataset: string, events: EngineEvents) => (seen.events = events),
    outline: () => undefined,
  } as unknown as Engine;
  const target: Target = { fit: (...all) => seen.fits.push(all), reveal: () => undefined, baseReady: () => undefined, clear: () => undefined, prepare: (done) => done() };
  const actions = createActions(state, client, engine, target, createTimings(performance), "http://host/");
  const fill = (): void => {
    const none = new Uint32Array(5);
    seen.events?.grids({
      type: "grids", load: 1, properties: grids, polygons: { coords: new Int32Array(0), ringStart: none, featureStart: none },
    });
    seen.events?.cells({ type: "cells", revision: 0, load: 1, gridIx: Int32Array.of(0, 2, -1), timings: {} });
  };
  return { state, actions, seen, fill };
}

test("without plans the page says so; when asking fails it can be tried again", async () => {
  const empty = world([]);
  await empty.actions.start(null);
  assert.equal(empty.state.phase.value, "empty");
  assert.deepEqual(empty.state.datasets.value.map(({ name }) => name), ["town"]);
  const broken = world(new Error("gone"));
  await broken.actions.start(null);
  assert.equal(broken.state.phase.value, "failed");
  assert.equal(broken.state.failure.value?.detail, "gone");
});

test("the plan of the address is opened, else the one in force, else the first", async () => {
  const plans = [summary, { ...summary, id: "p2", state: "published" as const }, { ...summary, id: "p3" }];
  for (const [wanted, opened] of [["p3", "p3"], ["gone", "p2"], [null, "p2"]] as const) {
    const { state, actions } = world(plans);
    await actions.start(wanted);
    assert.equal(state.plan.value?.id, opened);
  }
});

test("a cell selects its grid and loads its buildings; an unassigned one selects none", async () => {
  const { state, actions, fill } = world([summary]);
  await actions.start(null);
  fill();
  assert.equal(state.phase.value, "ready");
  actions.selectCell(1, 121.5, 31.5);
  assert.equal(state.selected.value, 2);
  assert.match(state.live.value, /Grid 11 .*290 households, 10 households under/);
  await new Promise((done) => setTimeout(done));
  assert.equal(state.spot.value?.info?.households, 3);
  actions.selectCell(2, 121.5, 31.5);
  assert.equal(state.selected.value, null);
  assert.ok(state.spot.value);
  actions.clear();
  assert.equal(state.spot.value, null);
});

test("a point outside of all grids tells the nearest", async () => {
  const { state, actions, fill } = world([summary]);
  await actions.start(null);
  fill();
  await actions.locate(120, 30);
  assert.equal(state.selected.value, null);
  assert.equal(state.spot.value?.nearestCode, "9");
  assert.equal(state.spot.value?.borderM, 12.5);
});

test("opening another plan forgets the first and its late answers", async () => {
  const { state, actions, fill } = world([summary, { ...summary, id: "p2" }]);
  await actions.start(null);
  fill();
  actions.selectGrid(1);
  state.filter.value = "9";
  const opening = actions.openPlan("p2");
  assert.equal(state.phase.value, "loading");
  assert.equal(state.selected.value, null);
  assert.equal(state.grids.value.length, 0);
  assert.equal(state.filter.value, "");
  await opening;
});

test("timings can be read and not written", () => {
  const timings = createTimings(performance);
  timings.mark("painted");
  assert.ok(timings.view.painted > 0);
  assert.throws(() => {
    (timings.view as Record<string, number>).painted = 1;
  }, TypeError);
});
