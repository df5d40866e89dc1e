/**
 * Outlines of groups of cells, from the exact coordinates that neighbours share: the edges on whose other side stands a
 * cell of another group. The cells are an edge-matched coverage, so every inner edge is in exactly two of them.
 */

import type { Polygons } from "./geometry";

const FREE = 0;
const MATCHED = -1;

/** Finds for each edge (from a vertex to the next one of its ring) the cell on its other side; some cells at a time. */
export class EdgeSides {
  /** By vertex where the edge begins: the cell on the other side, -1 where there is none. */
  readonly other: Int32Array;
  private readonly owner: Int32Array;
  private slots: Int32Array;
  private at = 0;

  constructor(private readonly cells: Polygons) {
    const vertices = cells.coords.length / 2;
    this.other = new Int32Array(vertices).fill(-1);
    this.owner = new Int32Array(vertices);
    this.slots = new Int32Array(2 ** Math.ceil(Math.log2(Math.max(2, vertices) * 1.6)));
  }

  get done(): boolean {
    return this.at >= this.cells.featureStart.length - 1;
  }

  /** Go on with the next `count` cells; whether all are done. */
  advance(count: number): boolean {
    const { featureStart, ringStart } = this.cells;
    const end = Math.min(featureStart.length - 1, this.at + count);
    for (; this.at < end; this.at++)
      for (let ring = featureStart[this.at]; ring < featureStart[this.at + 1]; ring++)
        for (let v = ringStart[ring]; v < ringStart[ring + 1]; v++) this.take(v, nextVertex(this.cells, ring, v));
    if (this.done) this.slots = new Int32Array(0);
    return this.done;
  }

  // Two edges of a coverage with one midpoint are one edge, seen from both sides.
  private take(v: number, next: number): void {
    const { coords } = this.cells;
    const { slots, owner, other, at: cell } = this;
    const x = coords[2 * v] + coords[2 * next];
    const y = coords[2 * v + 1] + coords[2 * next + 1];
    const mask = slots.length - 1;
    owner[v] = cell;
    let slot = (Math.imul(x, 0x9e3779b1) ^ Math.imul(y, 0x85ebca6b)) >>> 0;
    slot = (slot ^ (slot >>> 15)) & mask;
    for (; slots[slot] !== FREE; slot = (slot + 1) & mask) {
      const held = slots[slot];
      if (held === MATCHED) continue;
      const w = held - 1;
      const to = this.after(w);
      if (coords[2 * w] + coords[2 * to] !== x || coords[2 * w + 1] + coords[2 * to + 1] !== y) continue;
      other[v] = owner[w];
      other[w] = cell;
      slots[slot] = MATCHED;
      return;
    }
    slots[slot] = v + 1;
  }

  private after(v: number): number {
    const { featureStart, ringStart } = this.cells;
    let ring = featureStart[this.owner[v]];
    while (ringStart[ring + 1] <= v) ring++;
    return nextVertex(this.cells, ring, v);
  }
}

const nextVertex = ({ ringStart }: Polygons, ring: number, v: number): number =>
  v + 1 < ringStart[ring + 1] ? v + 1 : ringStart[ring];

/** The outline of the cells of one group as rings for even-odd filling; `members` are its cells. */
export function outlineOf(
  cells: Polygons,
  sides: EdgeSides,
  groupOf: Int32Array,
  group: number,
  members: ArrayLike<number>,
): Polygons {
  const edges: number[] = [];
  for (let i = 0; i < members.length; i++) {
    const cell = members[i];
    for (let ring = cells.featureStart[cell]; ring < cells.featureStart[cell + 1]; ring++) {
      for (let v = cells.ringStart[ring]; v < cells.ringStart[ring + 1]; v++) {
        const other = sides.other[v];
        if (other < 0 || groupOf[other] !== group) edges.push(v, nextVertex(cells, ring, v));
      }
    }
  }
  return chain(cells.coords, edges);
}

// Edges (pairs of vertices) to rings. Each vertex has an even number of ends: a way that goes in also goes out.
function chain(coords: Int32Array, edges: readonly number[]): Polygons {
  const ends = new Ends(coords, edges);
  const used = new Uint8Array(edges.length / 2);
  const out = new Int32Array(edges.length);
  const ringStart = [0];
  let at = 0;
  for (let first = 0; first < used.length; first++) {
    if (used[first]) continue;
    // Leave each edge by the end that was not come in by.
    for (let end = 2 * first; end >= 0; ) {
      used[end >> 1] = 1;
      out[at++] = coords[2 * edges[end]];
      out[at++] = coords[2 * edges[end] + 1];
      end = ends.firstAt(edges[end ^ 1]);
      while (end >= 0 && used[end >> 1]) end = ends.next[end];
    }
    ringStart.push(at / 2);
  }
  return { coords: out, ringStart: Uint32Array.from(ringStart), featureStart: Uint32Array.of(0, ringStart.length - 1) };
}

/** The ends of edges by the place where they are, each list in ascending order. */
class Ends {
  /** The following end at the same place, -1 after the last. */
  readonly next: Int32Array;
  private readonly slots: Int32Array;

  constructor(
    private readonly coords: Int32Array,
    private readonly edges: readonly number[],
  ) {
    this.next = new Int32Array(edges.length).fill(-1);
    this.slots = new Int32Array(2 ** Math.ceil(Math.log2(Math.max(2, 2 * edges.length)))).fill(-1);
    for (let end = edges.length - 1; end >= 0; end--) {
      const slot = this.slotOf(edges[end]);
      this.next[end] = this.slots[slot];
      this.slots[slot] = end;
    }
  }

  firstAt(vertex: number): number {
    return this.slots[this.slotOf(vertex)];
  }

  private slotOf(vertex: number): number {
    const { coords, edges, slots } = this;
    const [x, y] = [coords[2 * vertex], coords[2 * vertex + 1]];
    const mask = slots.length - 1;
    const mixed = (Math.imul(x, 0x9e3779b1) ^ Math.imul(y, 0x85ebca6b)) >>> 0;
    let slot = (mixed ^ (mixed >>> 15)) & mask;
    for (; slots[slot] >= 0; slot = (slot + 1) & mask) {
      const held = edges[slots[slot]];
      if (coords[2 * held] === x && coords[2 * held + 1] === y) break;
    }
    return slot;
  }
}
