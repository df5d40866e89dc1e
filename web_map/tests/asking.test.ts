import assert from "node:assert/strict";
import { test } from "node:test";
import { blankAsking, countOf, faultsOf, formulasOf, numberOf, roomFor, scaledBounds, wishOf } from "../src/state/asking";

test("numbers and ranges as people type them", () => {
  assert.deepEqual([numberOf(""), numberOf(" 300 "), numberOf("0.5")], [null, 300, 0.5]);
  for (const text of ["-1", "x", "1e999"]) assert.ok(Number.isNaN(numberOf(text)));
  assert.deepEqual([countOf(""), countOf("12"), countOf("10-14"), countOf("10 : 14"), countOf("10至14"), countOf("7–7")], [null, 12, [10, 14], [10, 14], [10, 14], 7]);
  for (const text of ["0", "14-10", "1.5", "-3", "ten"]) assert.ok(Number.isNaN(countOf(text) as number), text);
});

test("faults are told at their fields, without the server", () => {
  const good = blankAsking([300, 500]);
  assert.equal(faultsOf(good).size, 0);
  const bad = {
    ...good, weight: " ", min: "600", maxWalk: "0",
    further: [{ weight: "population", min: "", max: "" }, { weight: "", min: "1", max: "" }, { weight: "dogs", min: "3", max: "2" }, { weight: "dogs", min: "", max: "20" }],
  }; // prettier-ignore
  assert.deepEqual([...faultsOf(bad)], [
    ["weight", "asked.noWeight"], ["bounds", "partition.wrong"], ["maxWalk", "asked.noMetres"],
    ["further/0", "asked.noBound"], ["further/1", "asked.noWeight"], ["further/2", "partition.wrong"],
  ]); // prettier-ignore
});

test("what is sent, and which formulas the server is to read", () => {
  const asking = { ...blankAsking([300, 500]), weight: "households + 2*elderly", maxWalk: "800", further: [{ weight: " population ", min: "", max: "1200" }] };
  assert.deepEqual(wishOf(asking), {
    min: 300, max: 500, weight: "households + 2*elderly", further: [{ weight: "population", min: null, max: 1200 }],
    barriers: "cost", pieces: "alone", max_walk: 800, locks: true,
  }); // prettier-ignore
  assert.deepEqual(formulasOf(asking), [{ field: "weight", formula: "households + 2*elderly" }, { field: "further/0", formula: "population" }]);
  assert.equal(wishOf(blankAsking([1, 2])).weight, null);
  assert.deepEqual(formulasOf(blankAsking([1, 2])), []);
});

test("how many grids fit is said only where some do", () => {
  assert.deepEqual(roomFor({ min: "300", max: "500" }, 1100), [3, 3]);
  assert.deepEqual(roomFor({ min: "0", max: "500" }, 1100), [3, Infinity]);
  assert.equal(roomFor({ min: "300", max: "500" }, 543), null);
  assert.equal(roomFor({ min: "600", max: "500" }, 9000), null);
});

test("bounds follow the unit in round numbers", () => {
  assert.deepEqual(scaledBounds({ min: "300", max: "500" }, 4261, 11_305), { min: "800", max: "1300" });
  assert.deepEqual(scaledBounds({ min: "300", max: "500" }, 0, 5), { min: "300", max: "500" });
});
