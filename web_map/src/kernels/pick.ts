/**
 * Which cells a movement of the hand means. A cell is in a shape if its anchor is. Positions and radii are in units of
 * 2^-30 of the web mercator square; every answer lists cells in ascending order, each once.
 */

import type { Graph } from "./adjacency";
import type { AnchorIndex, CellLists } from "./anchors";
import type { Box } from "./geometry";
import { markedCells } from "./order";

export { type AnchorIndex, indexAnchors } from "./anchors";

/** Which of the picked cells count. */
export type Source = { kind: "all" | "unassigned" | "unlocked" } | { kind: "grid"; grid: number };

const NO_CELL = -1;

/** Cells in a circle, and `under`, the cell under the pointer, wherever its anchor lies (-1: none). */
export function brush(
  graph: Graph,
  index: AnchorIndex,
  x: number,
  y: number,
  radius: number,
  under = NO_CELL,
): Uint32Array {
  return brushAlong(graph, index, [x, y, x, y], radius, under);
}

/** The same for a circle that is drawn from one position to another. */
export function brushAlong(
  graph: Graph,
  index: AnchorIndex,
  [ax, ay, bx, by]: readonly [ax: number, ay: number, bx: number, by: number],
  radius: number,
  under = NO_CELL,
): Uint32Array {
  const [west, north] = [Math.min(ax, bx) - radius, Math.min(ay, by) - radius];
  const [east, south] = [Math.max(ax, bx) + radius, Math.max(ay, by) + radius];
  const dx = bx - ax;
  const dy = by - ay;
  const squared = dx * dx + dy * dy;
  const found: number[] = [];
  const { xs, ys } = index;
  eachRow(index, [west, north, east, south], (from, to) => {
    for (let at = from; at < to; at++) {
      const px = xs[at] - ax;
      const py = ys[at] - ay;
      const along = squared > 0 ? Math.min(1, Math.max(0, (px * dx + py * dy) / squared)) : 0;
      const ox = px - along * dx;
      const oy = py - along * dy;
      if (ox * ox + oy * oy <= radius * radius) found.push(index.buckets.items[at]);
    }
  });
  if (under >= 0 && under < graph.n && !found.includes(under)) found.push(under);
  return Uint32Array.from(found).sort();
}

/** Cells with their anchor in a box. */
export function box(graph: Graph, index: AnchorIndex, shape: Box): Uint32Array {
  const marks = new Uint8Array(graph.n);
  const [x0, y0, x1, y1] = shape;
  const { xs, ys } = index;
  eachRow(index, shape, (from, to) => {
    for (let at = from; at < to; at++)
      if (xs[at] >= x0 && xs[at] <= x1 && ys[at] >= y0 && ys[at] <= y1) marks[index.buckets.items[at]] = 1;
  });
  return markedCells(marks);
}

/** Cells in a ring (x0, y0, x1, y1, ..., closed by itself), even-odd where it crosses itself. */
export function lasso(graph: Graph, index: AnchorIndex, ring: ArrayLike<number>): Uint32Array {
  const marks = new Uint8Array(graph.n);
  if (ring.length >= 6) new Lasso(index, ring).mark(marks);
  return markedCells(marks);
}

/** All cells of an enclosure (street block). */
export function block(index: AnchorIndex, enclosure: number): Uint32Array {
  return listAt(index.enclosures, enclosure);
}

/** All cells of a compound. */
export function compound(index: AnchorIndex, compoundIx: number): Uint32Array {
  return listAt(index.compounds, compoundIx);
}

/** Those of the cells that the source admits; `isFree` says whether a cell may leave its grid. */
export function admit(
  cells: Uint32Array,
  source: Source,
  gridOf: Int32Array,
  isFree: (cell: number) => boolean = () => true,
): Uint32Array {
  if (source.kind === "all") return cells;
  if (source.kind === "unassigned") return cells.filter((cell) => gridOf[cell] < 0);
  if (source.kind === "grid") return cells.filter((cell) => gridOf[cell] === source.grid);
  return cells.filter(isFree);
}

function listAt({ start, items }: CellLists, list: number): Uint32Array {
  return list >= 0 && list + 1 < start.length ? items.slice(start[list], start[list + 1]) : new Uint32Array(0);
}

/** Visit, for each row of buckets that meets the box, the range of positions in it that may lie in the box. */
function eachRow(index: AnchorIndex, [x0, y0, x1, y1]: Box, visit: (from: number, to: number) => void): void {
  const { columns, rows, step, buckets } = index;
  const c0 = Math.max(0, Math.floor((x0 - index.x0) / step));
  const c1 = Math.min(columns - 1, Math.floor((x1 - index.x0) / step));
  const r0 = Math.max(0, Math.floor((y0 - index.y0) / step));
  const r1 = Math.min(rows - 1, Math.floor((y1 - index.y0) / step));
  if (c0 > c1) return;
  for (let row = r0; row <= r1; row++)
    visit(buckets.start[row * columns + c0], buckets.start[row * columns + c1 + 1]);
}

/** A ring cut into the rows of the index: only edges that meet a row are looked at in it. */
class Lasso {
  /** Ends of the edges that meet each row, the upper end first; four numbers an edge. */
  private readonly edges: Float64Array;
  private readonly rowStart: Uint32Array;

  constructor(
    private readonly index: AnchorIndex,
    ring: ArrayLike<number>,
  ) {
    const { rows } = index;
    this.rowStart = new Uint32Array(rows + 1);
    this.eachEdge(ring, (row) => this.rowStart[row + 1]++);
    for (let row = 0; row < rows; row++) this.rowStart[row + 1] += this.rowStart[row];
    this.edges = new Float64Array(4 * this.rowStart[rows]);
    const next = this.rowStart.slice();
    this.eachEdge(ring, (row, a, b) => {
      const at = 4 * next[row]++;
      this.edges[at] = ring[2 * a];
      this.edges[at + 1] = ring[2 * a + 1];
      this.edges[at + 2] = ring[2 * b];
      this.edges[at + 3] = ring[2 * b + 1];
    });
  }

  mark(marks: Uint8Array): void {
    const { columns, rows, buckets } = this.index;
    const { start, items } = buckets;
    const crossed = new Uint8Array(columns);
    for (let row = 0; row < rows; row++) {
      if (this.rowStart[row] === this.rowStart[row + 1]) continue;
      this.markCrossed(row, crossed);
      for (let column = 0; column < columns; ) {
        const from = start[row * columns + column];
        if (crossed[column++] === 1) {
          const to = start[row * columns + column];
          for (let at = from; at < to; at++) if (this.holds(row, at)) marks[items[at]] = 1;
          continue;
        }
        // No edge comes into these buckets: what holds for one anchor in them holds for all.
        while (column < columns && crossed[column] === 0) column++;
        const to = start[row * columns + column];
        if (from < to && this.holds(row, from)) for (let at = from; at < to; at++) marks[items[at]] = 1;
      }
    }
  }

  private eachEdge(ring: ArrayLike<number>, visit: (row: number, upper: number, lower: number) => void): void {
    const { rows, y0, step } = this.index;
    const count = Math.floor(ring.length / 2);
    for (let v = 0, w = count - 1; v < count; w = v++) {
      const upper = ring[2 * v + 1] <= ring[2 * w + 1] ? v : w;
      const lower = v + w - upper;
      const last = Math.min(rows - 1, Math.floor((ring[2 * lower + 1] - y0) / step));
      for (let row = Math.max(0, Math.floor((ring[2 * upper + 1] - y0) / step)); row <= last; row++)
        visit(row, upper, lower);
    }
  }

  // Columns that the part of an edge in this row meets, with a little to spare for rounding.
  private markCrossed(row: number, crossed: Uint8Array): void {
    const { x0, y0, step, columns } = this.index;
    const { edges } = this;
    crossed.fill(0);
    for (let at = 4 * this.rowStart[row]; at < 4 * this.rowStart[row + 1]; at += 4) {
      const rise = edges[at + 3] - edges[at + 1];
      const slope = rise > 0 ? (edges[at + 2] - edges[at]) / rise : 0;
      const top = Math.max(edges[at + 1], y0 + row * step);
      const bottom = Math.min(edges[at + 3], y0 + (row + 1) * step);
      const xa = rise > 0 ? edges[at] + (top - edges[at + 1]) * slope : edges[at];
      const xb = rise > 0 ? edges[at] + (bottom - edges[at + 1]) * slope : edges[at + 2];
      const last = Math.min(columns - 1, Math.floor((Math.max(xa, xb) - x0) / step + 1e-6));
      for (let c = Math.max(0, Math.floor((Math.min(xa, xb) - x0) / step - 1e-6)); c <= last; c++) crossed[c] = 1;
    }
  }

  /** Whether the anchor at a position of the index lies inside. */
  private holds(row: number, position: number): boolean {
    const x = this.index.xs[position];
    const y = this.index.ys[position];
    const { edges } = this;
    let inside = false;
    for (let at = 4 * this.rowStart[row]; at < 4 * this.rowStart[row + 1]; at += 4) {
      const top = edges[at + 1];
      const bottom = edges[at + 3];
      if (top > y || bottom <= y) continue;
      if (x < edges[at] + ((edges[at + 2] - edges[at]) * (y - top)) / (bottom - top)) inside = !inside;
    }
    return inside;
  }
}
