import assert from "node:assert/strict";
import { test } from "node:test";
import { streetShare } from "../src/kernels/figures";
import { DEVIATION_COLOURS, sequenceColour } from "../src/kernels/palette";
import { legendRows, measureWords, modeWords } from "../src/state/legend";
import { breaksOf, liveNumbers, MEASURES, NO_NUMBER, numberColour, numberOf } from "../src/state/measures";
import { connectNumbers, sumsOf } from "../src/state/numbers";
import { encodeBundle } from "./bundles";
import { openDraft } from "./draft";
import { randomFrom } from "./random";

const GRID = { households: 400, population: 1000, area_m2: 250_000, polsby_popper: 0.6, deviation: 0.1 };

test("each measure gives its number, and null where there is none", () => {
  const of = MEASURES.map((measure) => numberOf(measure, GRID, 0.25));
  assert.deepEqual(of, [400, 1000, 4000, 25, 0.1, 0.6, 0.25]);
  const empty = { households: 0, population: null, area_m2: 0, polsby_popper: 0, deviation: null };
  assert.deepEqual(MEASURES.map((measure) => numberOf(measure, empty, NaN)), [0, null, null, 0, null, null, null]);
  assert.equal(numberOf("column:elderly", GRID, undefined), null);
  assert.equal(numberOf("column:elderly", GRID, 12), 12);
});

test("classes hold every number; counts keep their limits, others are rounded up", () => {
  const random = randomFrom(5);
  assert.deepEqual(breaksOf("households", [1, 2, 100], 3), [1, 2, 100]);
  for (let round = 0; round < 50; round++) {
    const values = Array.from({ length: 1 + Math.floor(random() * 60) }, () => (random() - 0.2) * 10 ** (round % 7 - 2));
    const breaks = breaksOf("density", values, 5);
    assert.ok(breaks.length >= 1 && breaks.length <= 5);
    assert.ok(breaks.every((limit, i) => i === 0 || limit > breaks[i - 1]));
    assert.ok(Math.max(...values) <= breaks[breaks.length - 1]);
    for (const limit of breaks) assert.ok(String(Math.abs(limit)).replace(/e.*|^0\.0*|\D/g, "").replace(/0+$/, "").length <= 3, `${limit}`);
  }
  assert.deepEqual(breaksOf("area", [], 5), []);
});

test("numbers get the colour of their class, the deviation two-sided ones, no number its own", () => {
  assert.deepEqual(numberColour("people", 5, [4, 9]), sequenceColour(1, 2));
  assert.deepEqual(numberColour("deviation", -0.5, breaksOf("deviation", [], 5)), DEVIATION_COLOURS[0]);
  assert.deepEqual(numberColour("deviation", 0, breaksOf("deviation", [], 5)), DEVIATION_COLOURS[2]);
  assert.deepEqual(numberColour("deviation", 3, breaksOf("deviation", [], 5)), DEVIATION_COLOURS[4]);
  assert.deepEqual(numberColour("column:x", null, [1]), NO_NUMBER);
});

test("numbers from cells follow every edit, and the legend counts every grid once", async () => {
  const draft = await openDraft(4, { columns: 14, rows: 12, areas: 1 }, 6);
  const { state, session, live, graph } = draft;
  const values = Float32Array.from({ length: graph.n }, (_, cell) => cell % 7);
  state.plan.value = { id: "1", dataset_id: "9", bounds: [10, 99] } as never;
  const asked: string[] = [];
  connectNumbers(state, session, {
    json: async <T>(path: string) => (asked.push(path), { columns: [{ name: "elderly", total: 3 }] } as T),
    binary: async (path) => (asked.push(path), encodeBundle({}, { values })),
  });
  const living = state.grids.value.filter((grid) => !grid.retired).length;
  const check = (): void => {
    const share = Float64Array.from({ length: live.nGrids }, (_, grid) => streetShare(live.figures, grid) ?? NaN);
    const wanted = state.measure.value === "streets" ? share : sumsOf(values, live.gridOf, live.nGrids);
    assert.deepEqual(state.extra.value, wanted);
    assert.equal(legendRows(state).reduce((sum, row) => sum + row.count, 0), living);
  };
  assert.equal(state.extra.value, null);
  assert.equal(asked.length, 0);
  state.mode.value = "number";
  await new Promise((done) => setTimeout(done));
  assert.deepEqual(state.columns.value, [{ name: "elderly", total: 3 }]);
  for (const measure of ["streets", "column:elderly"] as const) {
    state.measure.value = measure;
    await new Promise((done) => setTimeout(done));
    check();
    session.perform("paint", [3, 4, 5, 20, 21], 2);
    check();
    const hand = session.begin("paint");
    hand.add([40, 41, 42], 1);
    check();
    hand.finish();
    check();
    session.undo();
    check();
  }
  assert.ok(asked.some((path) => path.endsWith("numbers.bin?formula=elderly")));
  assert.equal(measureWords(state, "column:elderly"), "elderly");
  for (const measure of MEASURES) {
    state.measure.value = measure;
    assert.equal(legendRows(state).reduce((sum, row) => sum + row.count, 0), living, measure);
    assert.ok(legendRows(state).every(({ words }) => words.length > 0 && !words.includes("NaN") && !words.includes("Infinity")));
  }
  assert.equal(modeWords(state), "Border along streets");
  const numbers = liveNumbers(live.figures, 1, { deviation: null, population: 0 });
  assert.equal(numbers.households, state.grids.value[1].households);
  assert.equal(numbers.population, live.figures.people[1]);
  // Nobody counted people: there is no number of them, not 0.
  assert.equal(liveNumbers(live.figures, 1, { deviation: null, population: null }).population, null);
});
