/** The worker's part in editing: the assignment as it changes, and the outlines of the grids that it changes. */

import type { GridProperties } from "../api/types";
import { type BoxIndex, queryBoxIndex } from "../kernels/boxindex";
import { type Box, type Polygons, unitToLonLat } from "../kernels/geometry";
import { EdgeSides, outlineOf } from "../kernels/outline";
import { poleOf } from "../kernels/pole";
import type { GridLook, GridShape } from "./protocol";
import type { GridShapes } from "./shapes";

/** Cells whose edges are matched between two tiles: some milliseconds of work. */
const AT_ONCE = 1500;

export interface Ground {
  cells: Polygons & { index: BoxIndex };
  gridOf: Int32Array;
  shapes: GridShapes;
  properties: GridProperties[];
}

export class Editing {
  private readonly sides: EdgeSides;
  /** Grids to be outlined anew, with the box in which their cells are. */
  private readonly dirty = new Map<number, Box>();
  /** Grids whose label has to find its place again once the hand lets go. */
  private readonly unlabelled = new Set<number>();
  private letGo = true;

  constructor(private readonly ground: Ground) {
    this.sides = new EdgeSides(ground.cells);
  }

  /** Whether there is something to do beside tiles. */
  get busy(): boolean {
    return !this.sides.done || this.dirty.size > 0 || (this.letGo && this.unlabelled.size > 0);
  }

  /** Whether outlines are out of date and can be drawn. */
  get urgent(): boolean {
    return this.sides.done && (this.dirty.size > 0 || (this.letGo && this.unlabelled.size > 0));
  }

  assign(cells: Uint32Array, grids: Int32Array, looks: GridLook[], done: boolean): void {
    const { gridOf, properties } = this.ground;
    const { boxes } = this.ground.cells.index;
    for (let i = 0; i < cells.length; i++) {
      const box = boxes.subarray(4 * cells[i], 4 * cells[i] + 4);
      this.spoil(gridOf[cells[i]], box);
      this.spoil(grids[i], box);
      gridOf[cells[i]] = grids[i];
    }
    for (const { grid, ...look } of looks) properties[grid] = { ...properties[grid], ...look };
    this.letGo = done;
  }

  /** One step: the outlines that are out of date, else some more edges. */
  work(): GridShape[] {
    if (!this.sides.done) {
      this.sides.advance(AT_ONCE);
      return [];
    }
    const renewed = new Map<number, GridShape>();
    for (const [grid, box] of this.dirty) {
      this.unlabelled.add(grid);
      renewed.set(grid, { grid, polygon: this.outline(grid, box), label: null });
    }
    this.dirty.clear();
    if (this.letGo) this.placeLabels(renewed);
    return [...renewed.values()];
  }

  private spoil(grid: number, cell: ArrayLike<number>): void {
    if (grid < 0) return;
    const box = this.dirty.get(grid) ?? this.ground.shapes.boxOf(grid);
    const [x0, y0, x1, y1] = box;
    this.dirty.set(grid, [
      Math.min(x0, cell[0]),
      Math.min(y0, cell[1]),
      Math.max(x1, cell[2]),
      Math.max(y1, cell[3]),
    ]);
  }

  private outline(grid: number, box: Box): Polygons {
    const { cells, gridOf, shapes } = this.ground;
    const members = queryBoxIndex(cells.index, box).filter((cell) => gridOf[cell] === grid);
    const outline = outlineOf(cells, this.sides, gridOf, grid, members);
    shapes.set(grid, outline);
    return outline;
  }

  private placeLabels(renewed: Map<number, GridShape>): void {
    const { shapes, properties } = this.ground;
    for (const grid of this.unlabelled) {
      const shape = renewed.get(grid) ?? { grid, polygon: shapes.take(grid), label: null };
      renewed.set(grid, shape);
      if (shape.polygon.coords.length === 0) continue;
      shape.label = unitToLonLat(...poleOf(shape.polygon, 0, shapes.boxOf(grid)));
      if (properties[grid]) properties[grid] = { ...properties[grid], label: shape.label };
    }
    this.unlabelled.clear();
  }
}
