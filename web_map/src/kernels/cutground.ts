/**
 * Dividing the ground of one cell along a drawn line, as it is shown before the server cuts it exactly: on a fine raster
 * of the cell, so that any outline (bays, courtyards) and any line give whole pieces.
 */

import type { Polygons } from "./geometry";

export interface Ground {
  /** Share of the whole ground. */
  share: number;
  /** A place well inside of it, in units. */
  x: number;
  y: number;
}

/** Pixels along the longer side of the cell. */
const FINE = 128;
/** Pieces with a smaller share than this are left to their neighbours. */
const LEAST_SHARE = 0.002;

const OUTSIDE = -1;
const FREE = -2;
const LINE = -3;

/**
 * The pieces of a polygon that a line (x0, y0, x1, y1, ... in units) makes of it, led on straight past its ends; from
 * west to east. One piece where the line does not divide it.
 */
export function cutGround(polygon: Polygons, line: ArrayLike<number>): Ground[] {
  const raster = new Raster(polygon.coords);
  raster.fill(polygon);
  const led = ledOn(line, 4 * FINE * raster.size);
  for (let at = 0; at + 3 < led.length; at += 2) raster.draw(led[at], led[at + 1], led[at + 2], led[at + 3]);
  const pieces = raster.pieces();
  const whole = pieces.reduce((sum, { pixels }) => sum + pixels, 0);
  const large = pieces.filter(({ pixels }) => pixels >= LEAST_SHARE * whole);
  const counted = large.reduce((sum, { pixels }) => sum + pixels, 0);
  return large
    .map(({ pixels, x, y }) => ({ share: pixels / counted, x, y }))
    .sort((a, b) => a.x - b.x || a.y - b.y);
}

/** The line as it divides the polygon: ends that stop inside are led on, straight, to its edge. */
export function toEdges(polygon: Polygons, line: ArrayLike<number>): number[] {
  const points = Array.from(line);
  const n = points.length;
  if (n < 4) return points;
  const head = edgePoint(polygon, points[0], points[1], points[0] - points[2], points[1] - points[3]);
  const tail = edgePoint(polygon, points[n - 2], points[n - 1], points[n - 2] - points[n - 4], points[n - 1] - points[n - 3]);
  return [...head, ...points, ...tail];
}

// Where a ray from a place inside first leaves the polygon; nothing for a place outside.
function edgePoint({ coords, ringStart }: Polygons, x: number, y: number, dx: number, dy: number): number[] {
  let nearest = Infinity;
  let crossings = 0;
  for (let ring = 0; ring + 1 < ringStart.length; ring++) {
    for (let v = ringStart[ring], end = ringStart[ring + 1]; v < end; v++) {
      const w = v + 1 < end ? v + 1 : ringStart[ring];
      const [ex, ey] = [coords[2 * w] - coords[2 * v], coords[2 * w + 1] - coords[2 * v + 1]];
      const [px, py] = [coords[2 * v] - x, coords[2 * v + 1] - y];
      const turn = dx * ey - dy * ex;
      if (turn === 0) continue;
      const along = (px * ey - py * ex) / turn;
      const share = (px * dy - py * dx) / turn;
      if (along <= 0 || share < 0 || share >= 1) continue;
      crossings++;
      nearest = Math.min(nearest, along);
    }
  }
  return crossings % 2 === 1 ? [x + nearest * dx, y + nearest * dy] : [];
}

/** A straight line across a polygon: at an angle (degrees, 0 upright, clockwise) and a share of the way across it. */
export function lineAcross({ coords }: Polygons, angle: number, share: number): number[] {
  const turn = (angle * Math.PI) / 180;
  const [dx, dy] = [Math.sin(turn), -Math.cos(turn)];
  let [near, far, low, high] = [Infinity, -Infinity, Infinity, -Infinity];
  for (let at = 0; at < coords.length; at += 2) {
    const off = -coords[at] * dy + coords[at + 1] * dx;
    const along = coords[at] * dx + coords[at + 1] * dy;
    [near, far] = [Math.min(near, off), Math.max(far, off)];
    [low, high] = [Math.min(low, along), Math.max(high, along)];
  }
  const off = near + share * (far - near);
  const beyond = 0.1 * (high - low);
  const point = (along: number): number[] => [along * dx - off * dy, along * dy + off * dx];
  return [...point(low - beyond), ...point(high + beyond)];
}

/** Whole numbers in proportion to shares that add up to a total, by largest remainders. */
export function apportion(total: number, shares: readonly number[]): number[] {
  const sum = shares.reduce((all, share) => all + share, 0) || 1;
  const quota = shares.map((share) => (total * share) / sum);
  const counts = quota.map(Math.floor);
  const order = quota.map((_, i) => i).sort((a, b) => quota[b] - counts[b] - (quota[a] - counts[a]) || a - b);
  let left = total - counts.reduce((all, count) => all + count, 0);
  for (let k = 0; left > 0.5; k++, left--) counts[order[k % order.length]]++;
  return counts;
}

function ledOn(line: ArrayLike<number>, reach: number): number[] {
  const points = Array.from(line);
  const n = points.length;
  if (n < 4) return points;
  const beyond = (x: number, y: number, fromX: number, fromY: number): number[] => {
    const length = Math.hypot(x - fromX, y - fromY) || 1;
    return [x + ((x - fromX) / length) * reach, y + ((y - fromY) / length) * reach];
  };
  return [
    ...beyond(points[0], points[1], points[2], points[3]),
    ...points,
    ...beyond(points[n - 2], points[n - 1], points[n - 4], points[n - 3]),
  ];
}

class Raster {
  /** Units a pixel. */
  readonly size: number;
  private x0: number;
  private y0: number;
  private readonly width: number;
  private readonly height: number;
  private readonly marks: Int32Array;
  private readonly steps: number[];

  constructor(coords: ArrayLike<number>) {
    let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity];
    for (let at = 0; at < coords.length; at += 2) {
      [x0, x1] = [Math.min(x0, coords[at]), Math.max(x1, coords[at])];
      [y0, y1] = [Math.min(y0, coords[at + 1]), Math.max(y1, coords[at + 1])];
    }
    this.size = Math.max((x1 - x0) / FINE, (y1 - y0) / FINE, 1e-9);
    this.x0 = x0;
    this.y0 = y0;
    // A frame of pixels outside, so that every other pixel has four beside it.
    this.x0 -= this.size;
    this.y0 -= this.size;
    this.width = Math.ceil((x1 - x0) / this.size) + 3;
    this.height = Math.ceil((y1 - y0) / this.size) + 3;
    this.marks = new Int32Array(this.width * this.height).fill(OUTSIDE);
    this.steps = [-1, 1, -this.width, this.width];
  }

  /** Pixels whose middle lies in the polygon, even-odd. */
  fill({ coords, ringStart }: Polygons): void {
    for (let row = 0; row < this.height; row++) {
      const y = this.y0 + (row + 0.5) * this.size;
      const crossings: number[] = [];
      for (let ring = 0; ring + 1 < ringStart.length; ring++) {
        const [first, end] = [ringStart[ring], ringStart[ring + 1]];
        for (let v = first; v < end; v++) {
          const w = v + 1 < end ? v + 1 : first;
          const [ya, yb] = [coords[2 * v + 1], coords[2 * w + 1]];
          if (ya > y === yb > y) continue;
          crossings.push(coords[2 * v] + ((y - ya) / (yb - ya)) * (coords[2 * w] - coords[2 * v]));
        }
      }
      crossings.sort((a, b) => a - b);
      for (let k = 0; k + 1 < crossings.length; k += 2) {
        const from = Math.max(0, Math.ceil((crossings[k] - this.x0) / this.size - 0.5));
        const to = Math.min(this.width - 1, Math.floor((crossings[k + 1] - this.x0) / this.size - 0.5));
        for (let column = from; column <= to; column++) this.marks[row * this.width + column] = FREE;
      }
    }
  }

  /** Mark the pixels that a stretch of the line runs through; no way leads past them sideways. */
  draw(xa: number, ya: number, xb: number, yb: number): void {
    const [ax, ay] = [(xa - this.x0) / this.size, (ya - this.y0) / this.size];
    const [bx, by] = [(xb - this.x0) / this.size, (yb - this.y0) / this.size];
    const steps = Math.max(1, Math.ceil(2 * Math.max(Math.abs(bx - ax), Math.abs(by - ay))));
    let [column, row] = [Math.floor(ax), Math.floor(ay)];
    this.mark(column, row);
    for (let k = 1; k <= steps; k++) {
      const x = Math.floor(ax + ((bx - ax) * k) / steps);
      const y = Math.floor(ay + ((by - ay) * k) / steps);
      if (x !== column && y !== row) this.mark(x, row);
      [column, row] = [x, y];
      this.mark(column, row);
    }
  }

  private mark(column: number, row: number): void {
    if (column < 0 || row < 0 || column >= this.width || row >= this.height) return;
    const at = row * this.width + column;
    if (this.marks[at] === FREE) this.marks[at] = LINE;
  }

  pieces(): { pixels: number; x: number; y: number }[] {
    const found: { pixels: number; x: number; y: number }[] = [];
    const { marks, steps } = this;
    const queue = new Int32Array(marks.length);
    const seen = new Uint8Array(marks.length);
    for (let first = 0; first < marks.length; first++) {
      if (marks[first] !== FREE) continue;
      const piece = found.length;
      let count = 1;
      queue[0] = first;
      marks[first] = piece;
      for (let k = 0; k < count; k++)
        for (const step of steps) {
          const other = queue[k] + step;
          if (marks[other] !== FREE) continue;
          marks[other] = piece;
          queue[count++] = other;
        }
      found.push({ pixels: count, ...this.inside(queue.slice(0, count), piece, seen) });
    }
    return found;
  }

  // The pixel of a piece that is peeled off last.
  private inside(pixels: Int32Array, piece: number, seen: Uint8Array): { x: number; y: number } {
    const { marks, steps } = this;
    const order = new Int32Array(pixels.length);
    let count = 0;
    for (const at of pixels) {
      if (steps.every((step) => marks[at + step] === piece)) continue;
      seen[at] = 1;
      order[count++] = at;
    }
    for (let k = 0; k < count; k++)
      for (const step of steps) {
        const other = order[k] + step;
        if (marks[other] !== piece || seen[other] === 1) continue;
        seen[other] = 1;
        order[count++] = other;
      }
    const last = order[count - 1];
    const [column, row] = [last % this.width, Math.floor(last / this.width)];
    return { x: this.x0 + (column + 0.5) * this.size, y: this.y0 + (row + 0.5) * this.size };
  }
}
