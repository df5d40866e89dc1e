import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeBundle } from "../src/api/wgb1";
import { BadGraph, exactly, type GraphMeta, readGraph } from "../src/kernels/adjacency";
import { encodeBundle } from "./bundles";
import { makeTown } from "./planar";
import { randomFrom } from "./random";

const graph = makeTown({ columns: 9, rows: 7, holes: 0.1, areas: 2 }, randomFrom(61));
const META = { dataset: "d", n_cells: graph.n, areas: [{ code: "1", name: "东" }], compounds: [] };
const ARRAYS = {
  indptr: graph.indptr,
  indices: graph.indices,
  length_m: graph.lengthM,
  street: graph.street,
  area_m2: graph.areaM2,
  outer_m: graph.outerM,
  population: graph.population,
  households: graph.households,
  area_ix: graph.areaIx,
  enclosure_ix: graph.enclosureIx,
  compound_ix: graph.compoundIx,
  anchor: graph.anchor,
};

const read = (changes: Partial<typeof ARRAYS>, meta: GraphMeta = META): unknown =>
  readGraph(decodeBundle<GraphMeta>(encodeBundle(meta, { ...ARRAYS, ...changes })));

test("a graph comes out of its bundle as it went in", () => {
  assert.deepEqual(read({}), graph);
});

test("lengths are rounded so that their sums are exact in any order", () => {
  const random = randomFrom(62);
  const values = exactly(Float32Array.from({ length: 3000 }, () => random() * 10 ** (6 * random())));
  const forwards = values.reduce((sum, value) => sum + value, 0);
  const backwards = values.reduceRight((sum, value) => sum + value, 0);
  assert.equal(forwards, backwards);
  assert.ok(values.every((value) => Number.isInteger(value * 1024)));
  assert.ok(Math.abs(exactly(Float32Array.of(12.3456789))[0] - 12.3456789) < 1 / 2048);
});

test("a bundle whose arrays do not fit together is refused", () => {
  const last = graph.n - 1;
  const refused = (changes: Partial<typeof ARRAYS>, message: RegExp, meta?: GraphMeta): void =>
    assert.throws(() => read(changes, meta), (error) => error instanceof BadGraph && message.test(error.message));
  refused({ area_m2: graph.areaM2.slice(1) }, /area_m2 has \d+ values, not/);
  refused({ anchor: graph.anchor.slice(0, last) }, /anchor has/);
  refused({ indices: graph.indices.map((cell) => cell + 1) }, /indices names cell/);
  refused({ indptr: graph.indptr.map((at, i) => (i === last ? at + 1e6 : at)) }, /does not ascend/);
  refused({ indptr: graph.indptr.map((at, i) => (i === 0 ? 1 : at)) }, /does not begin with 0/);
  refused({ indptr: graph.indptr.map((at) => at + 1) }, /indices has \d+ values/);
  refused({}, /indptr has/, { ...META, n_cells: 3 });
  refused({ street: graph.households as never }, /street is missing or of another type/);
});
