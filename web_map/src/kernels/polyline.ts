/** A line drawn by hand as a cut through a place: made simple, led on past both ends, with two sides. */

/** Points x0, y0, x1, y1, ... without those that lie within `tolerance` of the line without them. */
export function simplify(points: ArrayLike<number>, tolerance: number): number[] {
  const last = Math.floor(points.length / 2) - 1;
  if (last < 1) return Array.from(points).slice(0, 2 * (last + 1));
  const keep = new Uint8Array(last + 1);
  keep[0] = keep[last] = 1;
  const open = [[0, last]];
  for (let range = open.pop(); range; range = open.pop()) {
    const [from, to] = range;
    let worst = tolerance;
    let at = -1;
    for (let i = from + 1; i < to; i++) {
      const off = distanceToSegment(points[2 * i], points[2 * i + 1], points, from, to);
      if (off > worst) [worst, at] = [off, i];
    }
    if (at < 0) continue;
    keep[at] = 1;
    open.push([from, at], [at, to]);
  }
  const kept: number[] = [];
  for (let i = 0; i <= last; i++) if (keep[i]) kept.push(points[2 * i], points[2 * i + 1]);
  return kept;
}

/** Distance of a position to the segment between two vertices. */
function distanceToSegment(x: number, y: number, points: ArrayLike<number>, a: number, b: number): number {
  const [ax, ay] = [points[2 * a], points[2 * a + 1]];
  const dx = points[2 * b] - ax;
  const dy = points[2 * b + 1] - ay;
  const squared = dx * dx + dy * dy;
  const along = squared > 0 ? Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / squared)) : 0;
  return Math.hypot(x - ax - along * dx, y - ay - along * dy);
}

export interface Circle {
  x: number;
  y: number;
  radius: number;
}

/** A line that divides a circle; null where all points of the line are one. */
export class CutLine {
  /** The line led on in its own direction until it has left the circle. */
  private readonly points: number[];
  /** The same closed along the circle on its left side (seen with y downwards). */
  private readonly ring: number[];

  static through(line: number[], place: Circle, endLength: number): CutLine | null {
    if (line.length < 4 || line.every((value, i) => value === line[i % 2])) return null;
    return new CutLine(line, place, endLength);
  }

  private constructor(line: number[], place: Circle, endLength: number) {
    const backwards: number[] = [];
    for (let at = line.length - 2; at >= 0; at -= 2) backwards.push(line[at], line[at + 1]);
    let far = place.radius;
    for (let at = 0; at < line.length; at += 2)
      far = Math.max(far, Math.hypot(line[at] - place.x, line[at + 1] - place.y));
    const first = leadOn(line, endLength, 4 * far);
    const last = leadOn(backwards, endLength, 4 * far);
    this.points = [...first, ...line, ...last];
    this.ring = [...this.points, ...arc(last, first, place, 4 * far)];
  }

  isLeft(x: number, y: number): boolean {
    const { ring } = this;
    let inside = false;
    let bx = ring[ring.length - 2];
    let by = ring[ring.length - 1];
    for (let at = 0; at < ring.length; at += 2) {
      const ax = ring[at];
      const ay = ring[at + 1];
      if (ay > y !== by > y && x < ax + ((bx - ax) * (y - ay)) / (by - ay)) inside = !inside;
      bx = ax;
      by = ay;
    }
    return inside;
  }

  distance(x: number, y: number): number {
    let least = Infinity;
    for (let i = 0; 2 * i + 2 < this.points.length; i++)
      least = Math.min(least, distanceToSegment(x, y, this.points, i, i + 1));
    return least;
  }
}

// A point far from the start of a line, in the direction from what lies `endLength` along it to its start.
function leadOn(line: number[], endLength: number, far: number): [x: number, y: number] {
  const [x, y] = line;
  let [dx, dy] = [0, 0];
  for (let at = 2; at < line.length; at += 2) {
    const [ex, ey] = [x - line[at], y - line[at + 1]];
    if (ex === 0 && ey === 0) continue;
    [dx, dy] = [ex, ey];
    if (Math.hypot(ex, ey) >= endLength) break;
  }
  const scale = far / Math.hypot(dx, dy);
  return [x + dx * scale, y + dy * scale];
}

// Points on a circle from one direction to another, against the clock as one sees it with y downwards.
function arc([ax, ay]: number[], [bx, by]: number[], place: Circle, radius: number): number[] {
  const from = Math.atan2(ay - place.y, ax - place.x);
  let turn = from - Math.atan2(by - place.y, bx - place.x);
  if (turn < 0) turn += 2 * Math.PI;
  const points: number[] = [];
  const steps = Math.ceil(turn / (Math.PI / 12));
  for (let i = 1; i < steps; i++) {
    const angle = from - (turn * i) / steps;
    points.push(place.x + radius * Math.cos(angle), place.y + radius * Math.sin(angle));
  }
  return points;
}
