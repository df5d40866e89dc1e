/**
 * Coordinates and flat geometry. A unit is 2^-30 of the width of the world in web mercator: x from 180 W, y from
 * 85.05 N down. Polygons are flat arrays: `coords` (x0, y0, x1, y1 ...), `ringStart` in vertices, `featureStart` in rings.
 */

export const WORLD = 2 ** 30;

export interface Polygons {
  coords: Int32Array;
  ringStart: Uint32Array;
  featureStart: Uint32Array;
}

export interface Lines {
  coords: Int32Array;
  lineStart: Uint32Array;
}

/** [x0, y0, x1, y1] in units. */
export type Box = [number, number, number, number];

export function lonLatToUnit(lon: number, lat: number): [x: number, y: number] {
  const sine = Math.sin((lat * Math.PI) / 180);
  return [((lon + 180) / 360) * WORLD, (0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI)) * WORLD];
}

export function unitToLonLat(x: number, y: number): [lon: number, lat: number] {
  const n = Math.PI * (1 - (2 * y) / WORLD);
  return [(x / WORLD) * 360 - 180, (Math.atan(Math.sinh(n)) * 180) / Math.PI];
}

/** Circumference of the earth at the equator, as web mercator takes it. */
const EQUATOR_M = 40_075_016.686;

/** Units that a metre on the ground takes at a place. */
export function unitsPerMetre(y: number): number {
  const [, lat] = unitToLonLat(0, y);
  return WORLD / (EQUATOR_M * Math.cos((lat * Math.PI) / 180));
}

/** Undo the delta coding: the first vertex of each part is absolute, each further one a difference. */
export function undelta(coords: Int32Array, partStart: Uint32Array): Int32Array {
  const out = new Int32Array(coords.length);
  for (let part = 0; part + 1 < partStart.length; part++) {
    let x = 0;
    let y = 0;
    for (let at = 2 * partStart[part]; at < 2 * partStart[part + 1]; at += 2) {
      out[at] = x += coords[at];
      out[at + 1] = y += coords[at + 1];
    }
  }
  return out;
}

/** Boxes of consecutive vertex ranges, four numbers each; an empty range gives an inside-out box. */
export function boxesOf(coords: Int32Array, vertexStart: Uint32Array): Int32Array {
  const boxes = new Int32Array(4 * Math.max(0, vertexStart.length - 1));
  for (let i = 0; 4 * i < boxes.length; i++) {
    let x0 = 0x7fffffff;
    let y0 = 0x7fffffff;
    let x1 = -1;
    let y1 = -1;
    for (let at = 2 * vertexStart[i]; at < 2 * vertexStart[i + 1]; at += 2) {
      const x = coords[at];
      const y = coords[at + 1];
      if (x < x0) x0 = x;
      if (x > x1) x1 = x;
      if (y < y0) y0 = y;
      if (y > y1) y1 = y;
    }
    boxes.set([x0, y0, x1, y1], 4 * i);
  }
  return boxes;
}

/** Where the vertices of each feature begin. */
export function featureVertexStart(polygons: Polygons): Uint32Array {
  return polygons.featureStart.map((ring) => polygons.ringStart[ring]);
}

/** Turn GeoJSON polygons (any nesting, null allowed) into flat ones; row i is geometry i. */
export function flattenGeoJson(geometries: ({ type: string; coordinates: unknown } | null)[]): Polygons {
  const rings: number[][][] = [];
  const featureStart = new Uint32Array(geometries.length + 1);
  geometries.forEach((geometry, i) => {
    const coordinates = geometry?.coordinates;
    if (geometry?.type === "Polygon") rings.push(...(coordinates as number[][][]));
    if (geometry?.type === "MultiPolygon") for (const part of coordinates as number[][][][]) rings.push(...part);
    featureStart[i + 1] = rings.length;
  });
  const ringStart = new Uint32Array(rings.length + 1);
  rings.forEach((ring, i) => (ringStart[i + 1] = ringStart[i] + Math.max(0, ring.length - 1)));
  const coords = new Int32Array(2 * ringStart[rings.length]);
  rings.forEach((ring, i) => {
    for (let v = 0; v + 1 < ring.length; v++) {
      const [x, y] = lonLatToUnit(ring[v][0], ring[v][1]);
      coords[2 * (ringStart[i] + v)] = Math.round(x);
      coords[2 * (ringStart[i] + v) + 1] = Math.round(y);
    }
  });
  return { coords, ringStart, featureStart };
}

/** One feature as polygons of its own. */
export function takeFeature(polygons: Polygons, feature: number): Polygons {
  const { coords, ringStart, featureStart } = polygons;
  const rings = ringStart.slice(featureStart[feature], featureStart[feature + 1] + 1);
  const first = rings[0] ?? 0;
  const last = rings[rings.length - 1] ?? 0;
  return {
    coords: coords.slice(2 * first, 2 * last),
    ringStart: rings.map((vertex) => vertex - first),
    featureStart: Uint32Array.of(0, Math.max(0, rings.length - 1)),
  };
}
