import assert from "node:assert/strict";
import { test } from "node:test";
import { createBaseClient, type Geometry, outlineType, sheetType } from "../src/api/base";
import type { ServerEdit } from "../src/api/edits";
import { ApiError, createAsk } from "../src/api/request";
import { readPoints, writePoints } from "../src/state/base";
import { refound } from "../src/state/basekept";
import { countOf, crossesItself, type Feature, featureAt, measure, moved, movedFeatures, nameOf, type Pending, type Step, stepOfChange, withChange, withPending } from "../src/state/baselist"; // prettier-ignore
import { snapTo } from "../src/state/basesnap";
import { baseSteps, editOfServer, stacksOf } from "../src/state/history";

const square = (x: number, y: number, side = 0.001): Geometry => ({
  type: "Polygon",
  coordinates: [[[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]]], // prettier-ignore
});
const house = (id: string, x: number, values: Record<string, unknown> = {}): Feature => ({
  layer: "buildings", id, ix: null, step: null, name: id, geometry: square(x, 31), values: { id, ...values },
}); // prettier-ignore
const street: Feature = {
  layer: "streets", id: null, ix: 4, step: null, name: "和平路", geometry: { type: "LineString", coordinates: [[121, 31.0005], [121.01, 31.0005]] }, values: {},
}; // prettier-ignore
let key = 0;
const step = (feature: Feature, change: Pending["change"]): Step => ({
  key: ++key, file: null, items: [{ change, name: feature.name, was: feature.geometry, before: feature.values }],
}); // prettier-ignore
const set = (feature: Feature, values: Record<string, unknown>): Step => step(feature, { op: "set", layer: "buildings", id: feature.id as string, values });
const move = (feature: Feature, to: Geometry): Step => step(feature, { op: "move", layer: "buildings", id: feature.id as string, geometry: to });
const retire = (feature: Feature): Step => step(feature, { op: "retire", layer: "buildings", id: feature.id as string });
const drawn = (geometry: Geometry, values = {}): Step => ({
  key: ++key, file: null, items: [{ change: { op: "add", layer: "buildings", geometry, values }, name: "", was: null, before: {} }],
}); // prettier-ignore

test("a second count or move of a thing takes the place of the first, and remembers what the data say", () => {
  const a = house("a", 121, { households: 10, population: 30 });
  let list = withChange([], set(a, { households: 12 }), a);
  list = withChange(list, move(a, square(121.5, 31)), a);
  const now = { ...a, values: { ...a.values, households: 12 }, geometry: square(121.5, 31) };
  list = withChange(list, set(now, { population: 40 }), now);
  list = withChange(list, move(now, square(121.7, 31)), now);
  assert.equal(countOf(list), 2);
  const [counts, place] = list.map(({ items }) => items[0]);
  assert.deepEqual(counts.change.values, { households: 12, population: 40 });
  assert.equal(counts.before.households, 10);
  assert.deepEqual([place.was, place.change.geometry], [a.geometry, square(121.7, 31)]);
  assert.deepEqual(withChange(list, retire(now), now).map(({ items }) => items[0].change.op), ["retire"]);
});

test("what was only drawn is changed where it was drawn, and goes with its step", () => {
  const first = drawn(square(121, 31), { households: 0 });
  const [feature] = withPending([], [first]);
  const named = withChange([first], set(feature, { name: "新楼", households: 24 }), feature);
  assert.deepEqual([named.length, named[0].items[0].name, named[0].items[0].change.op], [1, "新楼", "add"]);
  assert.deepEqual(named[0].items[0].change.values, { name: "新楼", households: 24 });
  assert.deepEqual(withChange(named, retire(feature), feature), []);
});

test("a file is one step, and its changes keep their place in the list that is sent", () => {
  const a = house("a", 121);
  const file: Step = { key: 90, file: "counts.csv", items: [set(a, { households: 1 }).items[0], set(house("b", 122), { households: 2 }).items[0]] };
  const list = [drawn(square(121, 32)), file, retire(a)];
  assert.deepEqual([countOf(list), stepOfChange(list, 2)?.item.name, stepOfChange(list, 3)?.step.key, stepOfChange(list, 4)], [4, "b", list[2].key, null]);
});

test("things are found where they are with the changes that wait", () => {
  const [a, b] = [house("a", 121), house("b", 121.002)];
  const list = [move(a, square(121.004, 31)), retire(b)];
  const there = withPending([a, b], list);
  assert.equal(featureAt(there, [121.0005, 31.0008], 2), null);
  assert.equal(featureAt(there, [121.0045, 31.0005], 2)?.id, "a");
  assert.equal(featureAt(there, [121.0025, 31.0008], 2), null);
  assert.deepEqual(withPending(movedFeatures(list), list).map(({ id, geometry }) => [id, geometry]), [["a", square(121.004, 31)]]);
  // A building before a street under it; beside it the street within reach.
  assert.equal(featureAt([street, a], [121.0005, 31.0005], 5)?.id, "a");
  assert.equal(featureAt([street, a], [121.003, 31.00053], 5)?.ix, 4);
  assert.equal(featureAt([street, a], [121.003, 31.0007], 5), null);
});

test("outlines are measured, moved, and told where they cross themselves", () => {
  assert.ok(crossesItself([[0, 0], [1, 1], [1, 0], [0, 1]])); // prettier-ignore
  assert.ok(!crossesItself([[0, 0], [1, 0], [1, 1], [0.2, 0.5]])); // prettier-ignore
  assert.ok(Math.abs(measure([[121, 31], [121.001, 31], [121.001, 31.001], [121, 31.001]], true) - 10_551) < 20); // prettier-ignore
  assert.ok(Math.abs(measure([[121, 31], [121, 31.001]], false) - 110.6) < 0.1); // prettier-ignore
  const shape: Geometry = { type: "MultiPolygon", coordinates: [[[[1, 2], [3, 4], [5, 6], [1, 2]]]] }; // prettier-ignore
  assert.deepEqual(moved(shape, 0.5, -0.25).coordinates, [[[[1.5, 1.75], [3.5, 3.75], [5.5, 5.75], [1.5, 1.75]]]]);
  assert.equal(nameOf("buildings", { name: "3号楼", compound: "和阳里", id: "B3" }), "和阳里 3号楼");
  assert.equal(nameOf("buildings", { name: null, address: null, id: "B3" }), "B3");
});

test("points are read as people type them", () => {
  assert.deepEqual(readPoints("121.5, 31.25\n121.6，31.3；121.7 31.4\n\n"), [[121.5, 31.25], [121.6, 31.3], [121.7, 31.4]]);
  for (const text of ["121.5", "a, b", "31, 121", "1, 2, 3"]) assert.equal(readPoints(text), null, text);
  assert.deepEqual(readPoints(""), []);
  assert.deepEqual(readPoints(writePoints([[121.1234567, 31.7]])), [[121.1234567, 31.7]]);
});

test("in another data version streets are found again by their line", async () => {
  const gone: Step = step(street, { op: "retire", layer: "streets", ix: 4 });
  const counted = set(house("a", 121), { households: 3 });
  const ask = (geometry: Geometry | null) => async () => [{ id: 9, geometry, properties: {} }];
  const again = await refound([gone, counted], ask(street.geometry));
  assert.deepEqual([again.lost, again.steps[0].items[0].change.ix, again.steps[1]], [0, 9, counted]);
  const lost = await refound([gone, counted], ask(square(121, 31)));
  assert.deepEqual([lost.lost, lost.steps], [1, [counted]]);
});

const logged = (revision: number, undoes: number | null, more: Partial<ServerEdit> = {}): ServerEdit => ({
  revision, at: "", who: "", kind: undoes === null ? "base" : "undo", n_cells: 0, undoes, undone_by: null, cells: [], grids: [], before: [],
  changes: [{ path: "base", value: { inverse: [] }, before: { dataset: 1 } }], ...more,
}); // prettier-ignore

test("changes of base data are steps that can be taken back, done again and taken back", () => {
  const mine = new Set([1, 2, 3, 4]);
  const log = [logged(1, null, { undone_by: 2 }), logged(2, 1, { undone_by: 3 }), logged(3, 2, { undone_by: 4 }), logged(4, 3)];
  const stacks = (upTo: number) => {
    const { done, undone } = stacksOf(baseSteps(log.slice(0, upTo).map((edit, i) => ({ ...edit, undone_by: i + 1 < upTo ? edit.undone_by : null })), mine).map((edit) => editOfServer(edit)!));
    return [done.map((edit) => edit.key), undone.map((edit) => edit.key)];
  };
  assert.deepEqual(stacks(1), [["revision:1"], []]);
  assert.deepEqual(stacks(2), [[], ["revision:2"]]);
  assert.deepEqual(stacks(3), [["revision:3"], []]);
  assert.deepEqual(stacks(4), [[], ["revision:4"]]);
  // What somebody else, or a return to an earlier point, took back is none of our steps.
  assert.deepEqual(baseSteps([logged(1, null, { undone_by: 7 })], new Set([1])), []);
});

const answering = (...parts: string[]) =>
  createBaseClient(
    createAsk("http://host/", async () => {
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          for (const part of parts) controller.enqueue(new TextEncoder().encode(part));
          controller.close();
        },
      });
      return new Response(body, { status: 200 });
    }),
  );
const apply = (client: ReturnType<typeof answering>, progress: (share: number) => void = () => undefined) =>
  client.apply("1", 3, { key: "k", changes: [], undoes: null }, progress, new AbortController().signal);

test("lines of progress are told up to the answer, wherever they are cut", async () => {
  const seen: number[] = [];
  const client = answering('{"progress":0.1}\n{"prog', 'ress":0.5}\n', '{"answer":{"revision":4}}\n');
  assert.equal((await apply(client, (share) => seen.push(share))).revision, 4);
  assert.deepEqual(seen, [0.1, 0.5]);
});

test("a problem in the lines is thrown with all that it says; lines that end are no answer", async () => {
  const problem = { status: 422, code: "bad-edit", detail: "Change 2: no.", errors: [{ where: "change", message: "1" }] };
  await assert.rejects(apply(answering(`{"problem":${JSON.stringify(problem)}}\n`)), (error: ApiError) => {
    assert.deepEqual([error.status, error.code, error.body.errors], [422, "bad-edit", problem.errors]);
    return true;
  });
  await assert.rejects(apply(answering('{"progress":0.1}\n')), (error: ApiError) => error.status === 0);
});

test("files are known by their endings", () => {
  assert.deepEqual(["a.CSV", "b.xlsx", "c.xls", "d"].map((name) => sheetType(name) !== null), [true, true, false, false]);
  assert.equal(outlineType("楼.KML"), "application/vnd.google-earth.kml+xml");
  assert.equal(outlineType("楼.dwg"), null);
});

test("the points of a line go onto what is near: its ends and bends first, else the place beside it", () => {
  const street = (...points: [number, number][]): Feature => ({ layer: "streets", id: null, ix: 0, step: null, name: "", geometry: { type: "LineString", coordinates: points }, values: {} });
  const metre = 1 / 111_320;
  const features = [street([0, 0], [100 * metre, 0]), street([50 * metre, 50 * metre], [50 * metre, 90 * metre])];
  const near = (x: number, y: number, reach: number): number[] | undefined => snapTo(features, [x * metre, y * metre], reach)?.map((value) => Math.round(value / metre));
  assert.deepEqual(near(30, 3, 5), [30, 0]);
  assert.deepEqual(near(3, 3, 5), [0, 0]);
  assert.deepEqual(near(52, 47, 5), [50, 50]);
  assert.equal(near(30, 20, 5), undefined);
  assert.equal(snapTo([], [0, 0], 5), null);
});
