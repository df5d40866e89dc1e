/** Greedy placing of labels: the important first, none over another. */

/** A box in pixels: centre, half width, half height. */
export interface LabelBox {
  x: number;
  y: number;
  halfWidth: number;
  halfHeight: number;
}

/** Remembers what is taken, in buckets, so that a test looks only at what is near. */
export class LabelSpace {
  private readonly buckets = new Map<number, LabelBox[]>();

  constructor(private readonly bucket = 128) {}

  /** Whether no box of `boxes` meets a taken one. */
  isFree(boxes: LabelBox[]): boolean {
    return boxes.every((box) => {
      let free = true;
      this.each(box, (key) => {
        for (const other of this.buckets.get(key) ?? []) if (meets(box, other)) free = false;
      });
      return free;
    });
  }

  take(boxes: LabelBox[]): void {
    for (const box of boxes) {
      this.each(box, (key) => {
        const list = this.buckets.get(key);
        if (list) list.push(box);
        else this.buckets.set(key, [box]);
      });
    }
  }

  /** Take the boxes if all are free; say whether they were. */
  place(boxes: LabelBox[]): boolean {
    if (!this.isFree(boxes)) return false;
    this.take(boxes);
    return true;
  }

  private each(box: LabelBox, visit: (key: number) => void): void {
    const c1 = Math.floor((box.x + box.halfWidth) / this.bucket);
    const r1 = Math.floor((box.y + box.halfHeight) / this.bucket);
    for (let r = Math.floor((box.y - box.halfHeight) / this.bucket); r <= r1; r++)
      for (let c = Math.floor((box.x - box.halfWidth) / this.bucket); c <= c1; c++) visit(r * 65536 + c);
  }
}

function meets(a: LabelBox, b: LabelBox): boolean {
  return Math.abs(a.x - b.x) < a.halfWidth + b.halfWidth && Math.abs(a.y - b.y) < a.halfHeight + b.halfHeight;
}

/** Boxes that cover a text of a given length that lies along an angle. */
export function boxesAlong(x: number, y: number, length: number, height: number, angle: number): LabelBox[] {
  const half = height / 2 + 1;
  const count = Math.max(1, Math.ceil(length / height));
  const boxes: LabelBox[] = [];
  for (let i = 0; i < count; i++) {
    const along = ((i + 0.5) / count - 0.5) * length;
    boxes.push({ x: x + along * Math.cos(angle), y: y + along * Math.sin(angle), halfWidth: half, halfHeight: half });
  }
  return boxes;
}

/** Where text of `length` fits along a line: the straightest place, or null. `points` are x0, y0, x1, y1 ... in pixels. */
export function placeAlong(
  points: ArrayLike<number>,
  length: number,
): { x: number; y: number; angle: number } | null {
  const n = points.length / 2;
  let best: { x: number; y: number; angle: number } | null = null;
  let bestChord = 0.97 * length;
  const travelled = new Float64Array(n);
  for (let i = 1; i < n; i++)
    travelled[i] =
      travelled[i - 1] + Math.hypot(points[2 * i] - points[2 * i - 2], points[2 * i + 1] - points[2 * i - 1]);
  const total = travelled[n - 1] ?? 0;
  for (let from = 0; from + length <= total; from += Math.max(8, length / 4)) {
    const [ax, ay] = pointAt(points, travelled, from);
    const [bx, by] = pointAt(points, travelled, from + length);
    const [mx, my] = pointAt(points, travelled, from + length / 2);
    const chord = Math.hypot(bx - ax, by - ay);
    if (chord <= bestChord) continue;
    bestChord = chord;
    const angle = Math.atan2(by - ay, bx - ax);
    const upright = angle > Math.PI / 2 ? angle - Math.PI : angle < -Math.PI / 2 ? angle + Math.PI : angle;
    best = { x: (ax + bx + 2 * mx) / 4, y: (ay + by + 2 * my) / 4, angle: upright };
  }
  return best;
}

function pointAt(points: ArrayLike<number>, travelled: Float64Array, at: number): [number, number] {
  let i = 1;
  while (i < travelled.length - 1 && travelled[i] < at) i++;
  const share = (at - travelled[i - 1]) / (travelled[i] - travelled[i - 1] || 1);
  return [
    points[2 * i - 2] + share * (points[2 * i] - points[2 * i - 2]),
    points[2 * i - 1] + share * (points[2 * i + 1] - points[2 * i - 1]),
  ];
}
