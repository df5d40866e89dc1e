/** Scanline rasteriser: which feature owns the centre of each pixel. */

import type { Polygons } from "./geometry";

export interface Frame {
  /** Left and upper edge in units. */
  x0: number;
  y0: number;
  /** Units a pixel. */
  step: number;
  /** Pixels a side. */
  size: number;
}

export const NOTHING = -1;

/**
 * Draw features into a raster of ids (NOTHING where none is). Even-odd, so holes stay open; a pixel belongs to a
 * feature if its centre does. Where features share an edge exactly, every pixel goes to exactly one of them.
 */
export function rasterise(polygons: Polygons, features: ArrayLike<number>, frame: Frame): Int32Array {
  const ids = new Int32Array(frame.size * frame.size).fill(NOTHING);
  const scan = new Scanlines(frame.size);
  for (let f = 0; f < features.length; f++) {
    const feature = features[f];
    const last = polygons.featureStart[feature + 1];
    scan.clear();
    for (let ring = polygons.featureStart[feature]; ring < last; ring++)
      addRing(scan, polygons.coords, polygons.ringStart[ring], polygons.ringStart[ring + 1], frame);
    scan.fill(ids, feature);
  }
  return ids;
}

function addRing(scan: Scanlines, coords: Int32Array, first: number, end: number, frame: Frame): void {
  const { x0, y0, step } = frame;
  let ax = (coords[2 * (end - 1)] - x0) / step;
  let ay = (coords[2 * (end - 1) + 1] - y0) / step;
  for (let v = first; v < end; v++) {
    const bx = (coords[2 * v] - x0) / step;
    const by = (coords[2 * v + 1] - y0) / step;
    // The same end always comes first, so that both neighbours of an edge compute the same crossing.
    if (ay < by) scan.addEdge(ax, ay, bx, by);
    else if (by < ay) scan.addEdge(bx, by, ax, ay);
    ax = bx;
    ay = by;
  }
}

/** Crossings of one feature with the pixel rows, as short sorted lists in one growing array. */
class Scanlines {
  private rowOf = new Int32Array(1024);
  private xOf = new Float64Array(1024);
  private count = 0;
  private low: number;
  private high = -1;
  private readonly start: Int32Array;
  private sorted = new Float64Array(1024);

  constructor(private readonly size: number) {
    this.low = size;
    this.start = new Int32Array(size + 1);
  }

  clear(): void {
    this.count = 0;
    this.low = this.size;
    this.high = -1;
  }

  /** Add the crossings of an edge with ay < by. */
  addEdge(ax: number, ay: number, bx: number, by: number): void {
    const first = Math.max(0, Math.ceil(ay - 0.5));
    const end = Math.min(this.size, Math.ceil(by - 0.5));
    if (first >= end) return;
    while (this.count + end - first > this.rowOf.length) this.grow();
    const slope = (bx - ax) / (by - ay);
    for (let row = first; row < end; row++) {
      this.rowOf[this.count] = row;
      this.xOf[this.count++] = ax + (row + 0.5 - ay) * slope;
    }
    if (first < this.low) this.low = first;
    if (end - 1 > this.high) this.high = end - 1;
  }

  /** Write `id` between the odd and even crossings of every row. */
  fill(ids: Int32Array, id: number): void {
    const { low, high, size, start } = this;
    if (high < low) return;
    start.fill(0, low, high + 2);
    for (let i = 0; i < this.count; i++) start[this.rowOf[i] + 1]++;
    for (let row = low; row <= high; row++) start[row + 1] += start[row];
    this.sortIntoRows();
    for (let row = low, from = 0; row <= high; row++) {
      const end = start[row];
      for (let i = from; i + 1 < end; i += 2) {
        const left = Math.max(0, Math.ceil(this.sorted[i] - 0.5));
        const right = Math.min(size, Math.ceil(this.sorted[i + 1] - 0.5));
        if (left < right) ids.fill(id, row * size + left, row * size + right);
      }
      from = end;
    }
  }

  // After this, start[row] is the end of a row's crossings, and each row is in ascending order.
  private sortIntoRows(): void {
    const { sorted, start, low } = this;
    for (let i = 0; i < this.count; i++) sorted[start[this.rowOf[i]]++] = this.xOf[i];
    for (let row = low, from = 0; row <= this.high; from = start[row++]) {
      for (let i = from + 1; i < start[row]; i++) {
        const x = sorted[i];
        let at = i;
        for (; at > from && sorted[at - 1] > x; at--) sorted[at] = sorted[at - 1];
        sorted[at] = x;
      }
    }
  }

  private grow(): void {
    const [rows, xs] = [this.rowOf, this.xOf];
    this.rowOf = new Int32Array(2 * rows.length);
    this.xOf = new Float64Array(2 * xs.length);
    this.sorted = new Float64Array(2 * xs.length);
    this.rowOf.set(rows);
    this.xOf.set(xs);
  }
}
