/** Which parts of some borders the plan on the page has no longer, while it is edited. */

import { Vertices } from "./borders";
import { type Box, boxesOf, type Lines, type Polygons } from "./geometry";

/** The outlines of a plan's grids: as they were loaded, and anew where they were edited. */
export class Outlines {
  private readonly base: Vertices;
  /** Feature of each ring that was loaded. */
  private readonly featureOf: Uint32Array;
  private readonly own = new Map<number, { vertices: Vertices; box: Box | null }>();

  constructor(private readonly loaded: Polygons) {
    this.base = new Vertices(loaded);
    this.featureOf = new Uint32Array(loaded.ringStart.length - 1);
    const { featureStart } = loaded;
    for (let feature = 0; feature + 1 < featureStart.length; feature++)
      this.featureOf.fill(feature, featureStart[feature], featureStart[feature + 1]);
  }

  /** Give a grid another outline; the boxes in which borders may have come or gone. */
  set(grid: number, shape: Polygons): Box[] {
    const before = this.own.get(grid)?.box ?? this.loadedBox(grid);
    const after = boxOf(shape, 0, shape.ringStart.length - 1);
    this.own.set(grid, { vertices: new Vertices(shape), box: after });
    return [before, after].filter((box) => box !== null);
  }

  /** Whether a border runs from one place to another. */
  hasEdge(ax: number, ay: number, bx: number, by: number): boolean {
    if (this.base.hasEdge(ax, ay, bx, by, (ring) => !this.own.has(this.featureOf[ring]))) return true;
    for (const { vertices, box } of this.own.values())
      if (box && ax >= box[0] - 1 && ay >= box[1] - 1 && ax <= box[2] + 1 && ay <= box[3] + 1 && vertices.hasEdge(ax, ay, bx, by))
        return true;
    return false;
  }

  private loadedBox(grid: number): Box | null {
    const { featureStart } = this.loaded;
    return grid + 1 < featureStart.length ? boxOf(this.loaded, featureStart[grid], featureStart[grid + 1]) : null;
  }
}

function boxOf({ coords, ringStart }: Polygons, first: number, end: number): Box | null {
  if (ringStart[first] === ringStart[end]) return null;
  const [x0, y0, x1, y1] = boxesOf(coords, Uint32Array.of(ringStart[first], ringStart[end]));
  return [x0, y0, x1, y1];
}

/** Vertices, from and to, of the parts of one line that are no border of the plan. */
export function goneParts({ coords, lineStart }: Lines, line: number, now: Outlines): [from: number, to: number][] {
  const parts: [number, number][] = [];
  for (let v = lineStart[line]; v + 1 < lineStart[line + 1]; v++) {
    if (now.hasEdge(coords[2 * v], coords[2 * v + 1], coords[2 * v + 2], coords[2 * v + 3])) continue;
    const last = parts[parts.length - 1];
    if (last && last[1] === v) last[1] = v + 1;
    else parts.push([v, v + 1]);
  }
  return parts;
}
