import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeBundle } from "../src/api/wgb1";
import { exactly, type GraphMeta, readGraph } from "../src/kernels/adjacency";
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
  assert.throws(() => read({ area_m2: graph.areaM2.slice(1) }), /area_m2 has \d+ values, not/);
  assert.throws(() => read({ anchor: graph.anchor.slice(0, last) }), /anchor has/);
  assert.throws(() => read({ indices: graph.indices.map((cell) => cell + 1) }), /indices names cell/);
  assert.throws(() => read({ indptr: graph.indptr.map((at, i) => (i === last ? at + 1e6 : at)) }), /does not ascend/);
  assert.throws(() => read({ indptr: graph.indptr.map((at) => at + 1) }), /indptr does not fit array indices/);
  assert.throws(() => read({}, { ...META, n_cells: 3 }), /does not fit 3 cells/);
  assert.throws(() => read({ street: undefined as never }), Error);
});
