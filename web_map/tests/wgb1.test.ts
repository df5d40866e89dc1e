import assert from "node:assert/strict";
import { test } from "node:test";
import { BadBundle, decodeBundle, takeArray } from "../src/api/wgb1";
import { boxesOf, undelta } from "../src/kernels/geometry";
import { deltaCode, encodeBundle, square } from "./bundles";

test("a bundle comes back as it was written, Chinese names too", () => {
  const bytes = Uint8Array.of(1, 2, 3);
  const buffer = encodeBundle({ names: ["和阳社区", "a"] }, { bytes, numbers: Int32Array.of(-7, 2 ** 30) });
  const bundle = decodeBundle<{ names: string[] }>(buffer);
  assert.deepEqual(bundle.meta.names, ["和阳社区", "a"]);
  assert.deepEqual([...takeArray(bundle, "bytes", Uint8Array)], [1, 2, 3]);
  assert.deepEqual([...takeArray(bundle, "numbers", Int32Array)], [-7, 2 ** 30]);
});

test("arrays are views, not copies", () => {
  const buffer = encodeBundle({}, { numbers: Int32Array.of(5) });
  const { buffer: seen } = takeArray(decodeBundle(buffer), "numbers", Int32Array);
  assert.equal(seen, buffer);
});

test("what is not a bundle is refused with a reason", () => {
  const good = new Uint8Array(encodeBundle({}, { numbers: Int32Array.of(1, 2, 3, 4) }));
  const spoil = (change: (bytes: Uint8Array) => Uint8Array | void): ArrayBuffer => {
    const copy = good.slice();
    return (change(copy) ?? copy).slice().buffer as ArrayBuffer;
  };
  assert.throws(() => decodeBundle(new ArrayBuffer(3)), BadBundle);
  assert.throws(() => decodeBundle(spoil((bytes) => void (bytes[0] = 88))), /begins with/);
  assert.throws(() => decodeBundle(spoil((bytes) => bytes.slice(0, -8))), /past the end/);
  assert.throws(() => decodeBundle(spoil((bytes) => void (bytes[7] = 120))), /header/);
});

test("a missing array or one of another type is named", () => {
  const bundle = decodeBundle(encodeBundle({}, { ix: Int32Array.of(1) }));
  assert.throws(() => takeArray(bundle, "coords", Int32Array), /coords/);
  assert.throws(() => takeArray(bundle, "ix", Uint32Array), /ix/);
});

test("delta coding begins anew with every ring", () => {
  const rings = [square(100, 200, 10), square(500, 40, 7)];
  const { coords, ringStart } = deltaCode(rings);
  assert.deepEqual([...undelta(coords, ringStart)], rings.flat(2));
  assert.deepEqual([...boxesOf(undelta(coords, ringStart), ringStart)], [100, 200, 110, 210, 500, 40, 507, 47]);
});
