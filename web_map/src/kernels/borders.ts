/** Borders as lines, each once: those of a set of areas, and the one that two areas have in common. */

import type { Lines, Polygons } from "./geometry";

const SPAN = 2 ** 26;

/** Numbers for places: equal places have the same one. */
class Places {
  private readonly known = new Map<number, number>();
  readonly x: number[] = [];
  readonly y: number[] = [];

  take(x: number, y: number): number {
    // Areas of one plan lie within a sixteenth of the world, so that a number holds both.
    const key = (x - (this.x[0] ?? x)) * SPAN + (y - (this.y[0] ?? y));
    let found = this.known.get(key);
    if (found === undefined) {
      found = this.x.length;
      this.known.set(key, found);
      this.x.push(x);
      this.y.push(y);
    }
    return found;
  }
}

/** All borders of some areas, each once though two areas share it, from junction to junction. */
export function bordersOf({ coords, ringStart }: Polygons): Lines {
  const places = new Places();
  const seen = new Set<number>();
  const ends: number[] = [];
  for (let ring = 0; ring + 1 < ringStart.length; ring++) {
    const last = ringStart[ring + 1] - 1;
    if (last <= ringStart[ring]) continue;
    let from = places.take(coords[2 * last], coords[2 * last + 1]);
    for (let v = ringStart[ring]; v <= last; v++) {
      const to = places.take(coords[2 * v], coords[2 * v + 1]);
      const key = Math.min(from, to) * SPAN + Math.max(from, to);
      if (from !== to && !seen.has(key)) {
        seen.add(key);
        ends.push(from, to);
      }
      from = to;
    }
  }
  return join(places, ends);
}

// Edges (pairs of places) end to end, as far as exactly two meet.
function join({ x, y }: Places, ends: number[]): Lines {
  const start = new Uint32Array(x.length + 1);
  for (const place of ends) start[place + 1]++;
  for (let place = 0; place < x.length; place++) start[place + 1] += start[place];
  const at = start.slice();
  const touching = new Uint32Array(ends.length);
  ends.forEach((place, end) => (touching[at[place]++] = end));
  const used = new Uint8Array(ends.length / 2);
  const coords: number[] = [];
  const lineStart = [0];

  const walk = (end: number): void => {
    coords.push(x[ends[end]], y[ends[end]]);
    for (;;) {
      used[end >> 1] = 1;
      const place = ends[end ^ 1];
      coords.push(x[place], y[place]);
      if (start[place + 1] - start[place] !== 2) break;
      const [one, two] = [touching[start[place]], touching[start[place] + 1]];
      const next = one >> 1 === end >> 1 ? two : one;
      if (used[next >> 1]) break;
      end = next;
    }
    lineStart.push(coords.length / 2);
  };

  for (let end = 0; end < ends.length; end++) {
    const place = ends[end];
    if (!used[end >> 1] && start[place + 1] - start[place] !== 2) walk(end);
  }
  for (let end = 0; end < ends.length; end += 2) if (!used[end >> 1]) walk(end);
  return { coords: Int32Array.from(coords), lineStart: Uint32Array.from(lineStart) };
}

/** Two roundings of one place differ by so many units at most. */
const NEAR = 1;
const BUCKET = 4;

/**
 * The border that two areas have in common. The areas may come from two sources whose rounding differs by a unit, and a
 * vertex may be missing in one of them.
 */
export function commonBorder(one: Polygons, other: Polygons): Lines {
  const there = new Vertices(other);
  const coords: number[] = [];
  const lineStart = [0];
  for (let ring = 0; ring + 1 < one.ringStart.length; ring++) {
    const [first, end] = [one.ringStart[ring], one.ringStart[ring + 1]];
    const count = end - first;
    const shared: boolean[] = [];
    for (let i = 0; i < count; i++) {
      const [v, w] = [first + i, first + ((i + 1) % count)];
      shared.push(there.hasEdge(one.coords[2 * v], one.coords[2 * v + 1], one.coords[2 * w], one.coords[2 * w + 1]));
    }
    // Begin where a run begins; a ring that is shared all round begins anywhere.
    const begin = Math.max(0, shared.findIndex((is, i) => is && !shared[(i + count - 1) % count]));
    let open = false;
    for (let step = 0; step < count; step++) {
      const i = (begin + step) % count;
      if (shared[i]) {
        if (!open) coords.push(one.coords[2 * (first + i)], one.coords[2 * (first + i) + 1]);
        const next = first + ((i + 1) % count);
        coords.push(one.coords[2 * next], one.coords[2 * next + 1]);
      } else if (open) lineStart.push(coords.length / 2);
      open = shared[i];
    }
    if (open) lineStart.push(coords.length / 2);
  }
  return { coords: Int32Array.from(coords), lineStart: Uint32Array.from(lineStart) };
}

/** The vertices of areas, to be found by where they are, give or take a unit. */
export class Vertices {
  private readonly buckets = new Map<number, number[]>();
  private readonly ringOf: Uint32Array;

  constructor(private readonly areas: Polygons) {
    const { coords, ringStart } = areas;
    this.ringOf = new Uint32Array(coords.length / 2);
    for (let ring = 0; ring + 1 < ringStart.length; ring++) this.ringOf.fill(ring, ringStart[ring], ringStart[ring + 1]);
    for (let v = 0; v < this.ringOf.length; v++) {
      const key = this.keyOf(Math.floor(coords[2 * v] / BUCKET), Math.floor(coords[2 * v + 1] / BUCKET));
      const found = this.buckets.get(key);
      if (found) found.push(v);
      else this.buckets.set(key, [v]);
    }
  }

  private keyOf(column: number, row: number): number {
    const [x, y] = this.areas.coords;
    return (column - Math.floor(x / BUCKET)) * SPAN + row - Math.floor(y / BUCKET);
  }

  /** Whether an edge from a to b stands in a ring that counts. */
  hasEdge(ax: number, ay: number, bx: number, by: number, counts: (ring: number) => boolean = () => true): boolean {
    const to = this.near(bx, by);
    if (to.length === 0) return false;
    return this.near(ax, ay).some((v) => counts(this.ringOf[v]) && to.some((w) => this.areNeighbours(v, w)));
  }

  // Next to each other in their ring, or with one vertex between them that lies on the way.
  private areNeighbours(v: number, w: number): boolean {
    const ring = this.ringOf[v];
    if (ring !== this.ringOf[w] || v === w) return false;
    const [first, end] = [this.areas.ringStart[ring], this.areas.ringStart[ring + 1]];
    const count = end - first;
    const apart = (w - v + count) % count;
    if (apart === 1 || apart === count - 1) return true;
    if (apart !== 2 && apart !== count - 2) return false;
    return this.isBetween(first + ((apart === 2 ? v : w) - first + 1) % count, v, w);
  }

  private isBetween(between: number, v: number, w: number): boolean {
    const { coords } = this.areas;
    const [dx, dy] = [coords[2 * w] - coords[2 * v], coords[2 * w + 1] - coords[2 * v + 1]];
    const [ex, ey] = [coords[2 * between] - coords[2 * v], coords[2 * between + 1] - coords[2 * v + 1]];
    const length = Math.hypot(dx, dy);
    const along = (ex * dx + ey * dy) / length;
    return along > 0 && along < length && Math.abs(ex * dy - ey * dx) / length <= 2 * NEAR;
  }

  private near(x: number, y: number): number[] {
    const { coords } = this.areas;
    const found: number[] = [];
    const columns = new Set([Math.floor((x - NEAR) / BUCKET), Math.floor((x + NEAR) / BUCKET)]);
    const rows = new Set([Math.floor((y - NEAR) / BUCKET), Math.floor((y + NEAR) / BUCKET)]);
    for (const column of columns)
      for (const row of rows)
        for (const v of this.buckets.get(this.keyOf(column, row)) ?? [])
          if (Math.abs(coords[2 * v] - x) <= NEAR && Math.abs(coords[2 * v + 1] - y) <= NEAR) found.push(v);
    return found;
  }
}
