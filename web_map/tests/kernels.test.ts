import assert from "node:assert/strict";
import { test } from "node:test";
import { buildBoxIndex, queryBoxIndex } from "../src/kernels/boxindex";
import { joinByName } from "../src/kernels/chains";
import { naturalBreaks } from "../src/kernels/classes";
import { compareCodes, shortCode } from "../src/kernels/codes";
import { flattenGeoJson, lonLatToUnit, type Polygons, takeFeature, unitToLonLat } from "../src/kernels/geometry";
import { boxesAlong, type LabelBox, LabelSpace, placeAlong } from "../src/kernels/labels";
import { buildPalette, classOf, deviationClass, paint, pixel, setPixels } from "../src/kernels/palette";
import { poleOf } from "../src/kernels/pole";
import { NOTHING, rasterise } from "../src/kernels/raster";
import { randomFrom } from "./random";

function polygonsOf(features: number[][][][]): Polygons {
  const rings = features.flat();
  const ringStart = Uint32Array.from([0, ...rings.map((ring) => ring.length)]);
  const featureStart = Uint32Array.from([0, ...features.map((feature) => feature.length)]);
  for (const start of [ringStart, featureStart]) for (let i = 1; i < start.length; i++) start[i] += start[i - 1];
  return { coords: Int32Array.from(rings.flat(2)), ringStart, featureStart };
}

function contains(polygons: Polygons, feature: number, x: number, y: number): boolean {
  let inside = false;
  for (let ring = polygons.featureStart[feature]; ring < polygons.featureStart[feature + 1]; ring++) {
    const [first, end] = [polygons.ringStart[ring], polygons.ringStart[ring + 1]];
    for (let v = first, w = end - 1; v < end; w = v++) {
      const [ax, ay, bx, by] = [2 * v, 2 * v + 1, 2 * w, 2 * w + 1].map((at) => polygons.coords[at]);
      if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
    }
  }
  return inside;
}

/** Quadrilaterals that share all edges: a lattice whose corners are moved at random. */
function crookedLattice(side: number, step: number, random: () => number): Polygons {
  const corner = Array.from({ length: (side + 1) ** 2 }, (_, i) => [
    (i % (side + 1)) * step + Math.round((random() - 0.5) * step * 0.6),
    Math.floor(i / (side + 1)) * step + Math.round((random() - 0.5) * step * 0.6),
  ]);
  const at = (column: number, row: number): number[] => corner[row * (side + 1) + column];
  return polygonsOf(
    Array.from({ length: side * side }, (_, i) => {
      const [c, r] = [i % side, Math.floor(i / side)];
      return [[at(c, r), at(c + 1, r), at(c + 1, r + 1), at(c, r + 1)]];
    }),
  );
}

test("positions survive the way to the unit square and back", () => {
  for (const [lon, lat] of [
    [121.5, 31.2],
    [-74, 40.7],
    [0, 0],
  ]) {
    const [x, y] = unitToLonLat(...lonLatToUnit(lon, lat));
    assert.ok(Math.abs(x - lon) < 1e-9 && Math.abs(y - lat) < 1e-9);
  }
});

test("every pixel goes to the polygon that holds its centre, and to one only", () => {
  const polygons = crookedLattice(7, 1000, randomFrom(1));
  const frame = { x0: -600, y0: -600, step: 91.7, size: 90 };
  const all = Array.from({ length: 49 }, (_, i) => i);
  const ids = rasterise(polygons, all, frame);
  const backwards = rasterise(polygons, [...all].reverse(), frame);
  assert.deepEqual(backwards, ids, "the order of drawing must not matter");
  let covered = 0;
  for (let i = 0; i < ids.length; i++) {
    const x = frame.x0 + ((i % 90) + 0.5) * frame.step;
    const y = frame.y0 + (Math.floor(i / 90) + 0.5) * frame.step;
    const owners = all.filter((feature) => contains(polygons, feature, x, y));
    assert.equal(ids[i], owners[0] ?? NOTHING);
    covered += owners.length;
  }
  assert.ok(covered > 4000);
});

test("holes and parts are even-odd, and what lies outside of the frame is cut off", () => {
  const box = (a: number, b: number): number[][] => [[a, a], [b, a], [b, b], [a, b]];
  const polygons = polygonsOf([[box(0, 100), box(30, 70)], [box(40, 60)]]);
  const ids = rasterise(polygons, [0, 1], { x0: 0, y0: 0, step: 10, size: 8 });
  assert.equal(ids[0], 0);
  assert.equal(ids[3 * 8 + 3], NOTHING);
  assert.equal(ids[4 * 8 + 4], 1);
  assert.equal(ids[7 * 8 + 7], 0);
});

test("a polygon with many crossings in one row is drawn whole", () => {
  const comb: number[][] = [];
  for (let i = 0; i < 3000; i++) comb.push([i * 10, i % 2 ? 500 : 0]);
  comb.push([30000, 1000], [0, 1000]);
  const polygons = polygonsOf([[comb]]);
  const ids = rasterise(polygons, [0], { x0: 0, y0: 0, step: 100, size: 300 });
  for (let column = 0; column < 299; column++) assert.equal(ids[7 * 300 + column], 0);
});

test("the index finds exactly the boxes that meet a query, in order", () => {
  const random = randomFrom(7);
  const boxes = new Int32Array(4 * 500);
  for (let i = 0; i < 500; i++) {
    const [x, y] = [Math.floor(random() * 1e6), Math.floor(random() * 1e6)];
    boxes.set([x, y, x + Math.floor(random() ** 4 * 4e5), y + Math.floor(random() * 3e4)], 4 * i);
  }
  boxes.set([5, 5, 4, 4], 4 * 17);
  const index = buildBoxIndex(boxes);
  for (let turn = 0; turn < 60; turn++) {
    const [x, y, side] = [random() * 1.2e6 - 1e5, random() * 1.2e6 - 1e5, random() * 3e5];
    const naive: number[] = [];
    for (let i = 0; i < 500; i++) {
      const [x0, y0, x1, y1] = boxes.subarray(4 * i, 4 * i + 4);
      if (i !== 17 && x0 <= x + side && x1 >= x && y0 <= y + side && y1 >= y) naive.push(i);
    }
    assert.deepEqual(queryBoxIndex(index, [x, y, x + side, y + side]), naive);
  }
  assert.deepEqual(queryBoxIndex(buildBoxIndex(new Int32Array(0)), [0, 0, 9, 9]), []);
});

test("GeoJSON of any nesting becomes flat polygons, and one can be taken out", () => {
  const ring = (lon: number): number[][] => [[lon, 1], [lon + 1, 1], [lon + 1, 2], [lon, 1]];
  const flat = flattenGeoJson([
    { type: "Polygon", coordinates: [ring(10)] },
    null,
    { type: "MultiPolygon", coordinates: [[ring(20)], [ring(30), ring(40)]] },
  ]);
  assert.deepEqual([...flat.featureStart], [0, 1, 1, 4]);
  assert.deepEqual([...flat.ringStart], [0, 3, 6, 9, 12]);
  const taken = takeFeature(flat, 2);
  assert.deepEqual([...taken.ringStart], [0, 3, 6, 9]);
  assert.equal(taken.coords[0], Math.round(lonLatToUnit(20, 1)[0]));
  assert.equal(takeFeature(flat, 1).coords.length, 0);
});

test("painting colours by cell, hatches only where asked, and runs on over tile edges", () => {
  const [red, blue, line, none] = [pixel([255, 0, 0], 1), pixel([0, 0, 255], 1), pixel([0, 0, 0], 1), pixel([9, 9, 9], 1)];
  const palette = buildPalette(
    Int32Array.of(1, 0, -1),
    [{ fill: red, hatch: 0 }, { fill: blue, hatch: line }],
    { fill: none, hatch: 0 },
    { fill: 5, hatch: 0 },
  );
  const size = 16;
  const ids = new Int32Array(size * size).fill(1);
  ids.fill(0, 0, 8 * size);
  ids[size * size - 1] = NOTHING;
  ids[size * size - 2] = 2;
  const out = new Uint32Array(size * size);
  paint(ids, size, palette, out);
  assert.equal(out[size * size - 1], none);
  assert.equal(out[size * size - 2], 5);
  assert.ok(out.subarray(8 * size, 15 * size).every((value) => value === red));
  const row = [...out.subarray(0, size)];
  assert.deepEqual(row.slice(0, 8), row.slice(8), "the period divides the tile");
  assert.equal(row.filter((value) => value === line).length, 4);
  assert.ok(row.includes(blue));
});

test("any part of a tile is painted as a look at each pixel for itself says", () => {
  const random = randomFrom(8);
  const cells = 40;
  const looks = Array.from({ length: cells + 1 }, (_, i) => ({
    fill: 1000 + i,
    hatch: random() < 0.3 ? 0 : 5000 + i,
    style: Math.floor(random() * 4),
  }));
  const palette = buildPalette(new Int32Array(cells), [], looks[0], looks[0]);
  looks.forEach((look, key) => setPixels(palette, key - 1, look));
  for (const ratio of [1, 1.5, 2]) {
    const size = 48 * ratio;
    const period = 8 * ratio;
    const ids = Int32Array.from({ length: size * size }, () => Math.floor(random() * (cells + 1)) - 1);
    const part = { left: 5, top: 9, right: size - 3, bottom: size - 1 };
    const out = new Uint32Array(size * size);
    paint(ids, size, palette, out, ratio, part);
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) {
        const key = ids[y * size + x] + 1;
        const falling = (x + y) % period < 1.25 * ratio;
        const rising = (x - y + period * size) % period < 1.25 * ratio;
        const dense = (x + y) % (period / 2) < 1.25 * ratio;
        const { fill, hatch, style } = looks[key];
        const onLine = [falling, rising, falling || rising, dense][style];
        const inside = x >= part.left && x < part.right && y >= part.top && y < part.bottom;
        const wanted = onLine && hatch > 0 ? hatch : fill;
        assert.equal(out[y * size + x], inside ? wanted : 0, `${x} ${y} at ${ratio}`);
      }
    }
  }
});

test("pixels are little-endian RGBA", () => {
  const bytes = new Uint8Array(Uint32Array.of(pixel([1, 2, 3], 0.5)).buffer);
  assert.deepEqual([...bytes], [1, 2, 3, 128]);
});

test("deviation classes tell near from far, and the bounds belong inside", () => {
  const classes = [269, 270, 299, 300, 500, 501, 550, 551].map((count) => deviationClass(count, [300, 500]));
  assert.deepEqual(classes, [0, 1, 1, 2, 2, 3, 3, 4]);
});

test("natural breaks are optimal: no other cutting has less variance within the classes", () => {
  const random = randomFrom(3);
  const values = Array.from({ length: 14 }, () => Math.floor(random() * 60));
  const spread = (breaks: number[]): number => {
    const groups = breaks.map(() => [] as number[]);
    for (const value of values) groups[classOf(value, breaks)].push(value);
    return groups.reduce((total, group) => {
      const mean = group.reduce((sum, value) => sum + value, 0) / (group.length || 1);
      return total + group.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    }, 0);
  };
  const distinct = [...new Set(values)].sort((a, b) => a - b);
  const last = distinct[distinct.length - 1];
  let best = Infinity;
  for (let i = 0; i < distinct.length - 2; i++)
    for (let j = i + 1; j < distinct.length - 1; j++) best = Math.min(best, spread([distinct[i], distinct[j], last]));
  assert.ok(Math.abs(spread(naturalBreaks(values, 3)) - best) < 1e-6);
  assert.deepEqual(naturalBreaks([4, 4, 4], 5), [4]);
  assert.deepEqual(naturalBreaks([], 5), []);
});

test("labels that were placed never overlap", () => {
  const random = randomFrom(11);
  const space = new LabelSpace(64);
  const placed: LabelBox[] = [];
  for (let i = 0; i < 600; i++) {
    const boxes =
      i % 3 === 0
        ? boxesAlong(random() * 900 - 50, random() * 700 - 50, 80, 13, random() * 3)
        : [{ x: random() * 900 - 50, y: random() * 700 - 50, halfWidth: 10 + random() * 60, halfHeight: 8 }];
    const before = placed.length;
    if (!space.place(boxes)) continue;
    for (const box of boxes)
      for (const other of placed.slice(0, before))
        assert.ok(
          Math.abs(box.x - other.x) >= box.halfWidth + other.halfWidth ||
            Math.abs(box.y - other.y) >= box.halfHeight + other.halfHeight,
        );
    placed.push(...boxes);
  }
  assert.ok(placed.length > 30);
});

test("a street's name lies on its straight part, upright, and not where it does not fit", () => {
  const bent = [0, 0, 0, 60, 0, 120, 200, 120];
  const place = placeAlong(bent, 150);
  assert.ok(place && Math.abs(place.angle) < 0.05 && place.y > 115 && place.x > 60);
  const leftwards = placeAlong([300, 10, 0, 10], 100);
  assert.ok(leftwards && Math.abs(leftwards.angle) < 1e-9);
  assert.equal(placeAlong([0, 0, 50, 0], 60), null);
  assert.equal(placeAlong([0, 0, 40, 0, 40, 40, 0, 40], 90), null);
});

test("pieces of one street join end to end; other names and crossings of three do not", () => {
  const lines = {
    coords: Int32Array.of(10, 0, 20, 0, /**/ 10, 0, 0, 0, /**/ 20, 0, 30, 5, /**/ 30, 5, 40, 5, /**/ 30, 5, 30, 50),
    lineStart: Uint32Array.of(0, 2, 4, 6, 8, 10),
  };
  const named = joinByName(lines, Int32Array.of(4, 4, 4, 9, -1), Uint8Array.of(3, 3, 3, 5, 1));
  assert.deepEqual([...named.name], [4, 9]);
  assert.deepEqual([...named.coords.subarray(0, 8)], [0, 0, 10, 0, 20, 0, 30, 5]);
  const star = { ...lines, coords: Int32Array.of(0, 0, 9, 0, /**/ 0, 0, 0, 9, /**/ 0, 0, -9, 0), lineStart: Uint32Array.of(0, 2, 4, 6) };
  assert.equal(joinByName(star, Int32Array.of(1, 1, 1), Uint8Array.of(1, 1, 1)).name.length, 3);
  const ring = { coords: Int32Array.of(0, 0, 9, 0, /**/ 9, 0, 9, 9, /**/ 9, 9, 0, 0), lineStart: Uint32Array.of(0, 2, 4, 6) };
  assert.equal(joinByName(ring, Int32Array.of(1, 1, 1), Uint8Array.of(1, 1, 1)).coords.length, 8);
});

test("the name of an L-shaped area lies inside of it", () => {
  const shape = polygonsOf([[[[0, 0], [100, 0], [100, 900], [1000, 900], [1000, 1000], [0, 1000]]]]);
  const [x, y] = poleOf(shape, 0, [0, 0, 1000, 1000]);
  assert.ok(contains(shape, 0, x, y));
});

test("codes: long ones show three digits, and order is by number", () => {
  assert.equal(shortCode("331002001007012"), "012");
  assert.equal(shortCode("A-7"), "A-7");
  assert.deepEqual(["10", "9", "A2", "A10"].sort(compareCodes), ["9", "10", "A2", "A10"]);
});
