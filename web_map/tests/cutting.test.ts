import assert from "node:assert/strict";
import { test } from "node:test";
import { type CutPart, type CutView, excess, withNumber } from "../src/state/cutting";

const part = (households: number, people: number | null = null): CutPart => ({ share: 0.5, x: 0, y: 0, households, people });
const building = { id: "b", name: null, address: null, households: 48, population: 130.5, levels: null, use: null, source_id: null };
const view = (parts: CutPart[]): CutView => ({
  cell: 0, line: [], parts, buildings: [building], building, straight: null, sending: false, fault: null,
}); // prettier-ignore

test("of two parts the other one takes the rest; of more each is said", () => {
  const two = withNumber([part(24, 65), part(24, 65.5)], 0, "households", 40, 48);
  assert.deepEqual(two.map(({ households }) => households), [40, 8]);
  assert.deepEqual(withNumber(two, 1, "households", 60, 48).map(({ households }) => households), [0, 60]);
  assert.deepEqual(withNumber(two, 0, "people", 30.5, 130.5).map(({ people }) => people), [30.5, 100]);
  const three = withNumber([part(16), part(16), part(16)], 1, "households", 20, 48);
  assert.deepEqual(three.map(({ households }) => households), [16, 20, 16]);
});

test("what is said must be what the building has", () => {
  assert.equal(excess(view([part(24, 65), part(24, 65.5)])), null);
  assert.deepEqual(excess(view([part(0, 65), part(60, 65.5)])), { households: 12, people: 0 });
  assert.deepEqual(excess(view([part(24, 65), part(24, 60.5)])), { households: 0, people: -5 });
  assert.equal(excess(view([part(24), part(24)])), null);
});
