/** Messages between the page and the worker that reads, indexes and draws. */

import type { GridProperties } from "../api/types";
import type { Polygons } from "../kernels/geometry";
import type { PixelBox } from "../kernels/palette";

export type Theme = "light" | "dark";
export type TileLayer = "base" | "grids";

export interface TileRequest {
  type: "tile";
  load: number;
  key: string;
  layer: TileLayer;
  /** Zoom; quarters are allowed: the world is 2^z usual tiles wide. */
  z: number;
  x: number;
  y: number;
  /** Sides of this tile in those of a usual one. */
  side: number;
  /** Pixels of the device a side. */
  size: number;
  /** Pixels of the device for one of the page. */
  ratio: number;
  /** Whether the raster of cell ids is wanted too, or only the lines. */
  ids: boolean;
  /** The part that is to be drawn, in pixels of the device. */
  part: PixelBox;
}

export interface LineStyle {
  theme: Theme;
  /** One colour a grid, in the order of the grids. */
  borders: string[];
}

export interface ViewRequest {
  type: "labels";
  load: number;
  view: LabelView;
}

/** A rectangle of the map in units of the world and in pixels of the page. */
export interface View {
  x0: number;
  y0: number;
  step: number;
  width: number;
  height: number;
  zoom: number;
}

/** A view whose labels are drawn. */
export interface LabelView extends View {
  /** Pixels of the device for one of the page. */
  ratio: number;
  /** Grids whose label shows a padlock. */
  locked: ReadonlySet<number>;
}

/** How a grid looks now, for its label. */
export interface GridLook {
  grid: number;
  code: string;
  households: number;
  area_m2: number;
  in_bounds: boolean;
}

/** Cells that changed their grid. */
export interface Assigned {
  type: "assign";
  load: number;
  cells: Uint32Array;
  grids: Int32Array;
  looks: GridLook[];
  /** Whether the hand has let go: then labels find their place again. */
  done: boolean;
}

export interface GridShape {
  grid: number;
  polygon: Polygons;
  /** Where its label goes, once the hand has let go. */
  label: [lon: number, lat: number] | null;
}

export type ToWorker =
  /** `behind`: what is shown stays until `swap`, and its tiles are still drawn. */
  | { type: "load"; load: number; root: string; planId: string; datasetId: string; behind: boolean }
  | { type: "swap"; load: number }
  | { type: "style"; style: LineStyle }
  | { type: "cancel"; key: string }
  | { type: "outline"; load: number; cellIx: number }
  | { type: "edit"; load: number }
  | Assigned
  | TileRequest
  | ViewRequest;

export interface GridsLoaded {
  type: "grids";
  load: number;
  properties: GridProperties[];
  polygons: Polygons;
}

export interface CellsLoaded {
  type: "cells";
  load: number;
  /** Number of the grid (position in the list sent before), -1 where a cell has none. */
  gridIx: Int32Array;
  revision: number;
  timings: Record<string, number>;
}

export type LabelKind = "grid" | "street" | "number" | "area" | "facility";

export interface PlacedLabel {
  kind: LabelKind;
  text: string;
  /** Second line, whether the grid is out of its bounds, and which it is (grids only). */
  detail?: string;
  alert?: boolean;
  grid?: number;
  /** Units of the world. */
  x: number;
  y: number;
  angle: number;
  font: number;
}

export type FromWorker =
  | { type: "progress"; load: number; received: number }
  | { type: "base"; load: number }
  | GridsLoaded
  | CellsLoaded
  | { type: "failed"; load: number; what: "base" | "plan"; code: string; status: number; detail: string }
  | { type: "tile"; load: number; key: string; bitmap: ImageBitmap; ids: Int32Array | null }
  | { type: "outline"; load: number; cellIx: number; polygon: Polygons }
  | { type: "boxes"; load: number; boxes: Int32Array }
  | { type: "shapes"; load: number; shapes: GridShape[] }
  | { type: "labels"; load: number; view: LabelView; bitmap: ImageBitmap };
