/** The polygons of the grids as the worker draws them: as they were loaded, and anew where they were edited. */

import { type BoxIndex, buildBoxIndex } from "../kernels/boxindex";
import { type Box, boxesOf, featureVertexStart, type Polygons, takeFeature } from "../kernels/geometry";
import { type Pen, traceFeature } from "./pen";

export class GridShapes {
  private boxes: Int32Array;
  private readonly own = new Map<number, Polygons>();
  private known: BoxIndex | null = null;

  constructor(private readonly loaded: Polygons) {
    this.boxes = boxesOf(loaded.coords, featureVertexStart(loaded));
  }

  get index(): BoxIndex {
    this.known ??= buildBoxIndex(this.boxes);
    return this.known;
  }

  /** Box of a grid; inside out where it has no ground. */
  boxOf(grid: number): Box {
    const at = 4 * grid;
    if (at >= this.boxes.length) return [0x7fffffff, 0x7fffffff, -1, -1];
    return [this.boxes[at], this.boxes[at + 1], this.boxes[at + 2], this.boxes[at + 3]];
  }

  /** Give a grid another outline. */
  set(grid: number, outline: Polygons): void {
    this.own.set(grid, outline);
    if (4 * grid >= this.boxes.length) {
      const longer = new Int32Array(4 * (grid + 1));
      for (let at = 0; at < longer.length; at += 4) longer.set([0x7fffffff, 0x7fffffff, -1, -1], at);
      longer.set(this.boxes);
      this.boxes = longer;
    }
    const whole = Uint32Array.of(0, outline.coords.length / 2);
    this.boxes.set(boxesOf(outline.coords, whole), 4 * grid);
    this.known = null;
  }

  /** The outline of a grid that was set before. */
  take(grid: number): Polygons {
    return this.own.get(grid) ?? takeFeature(this.loaded, grid);
  }

  trace(pen: Pen, grid: number): void {
    const own = this.own.get(grid);
    if (own) traceFeature(pen, own, 0);
    else traceFeature(pen, this.loaded, grid);
  }
}
