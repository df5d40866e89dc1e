/** The borders of the grids and of the communities on one tile, crisp at every zoom. */

import { type BoxIndex, queryBoxIndex } from "../kernels/boxindex";
import type { Polygons } from "../kernels/geometry";
import { frameBox, type Pen, traceFeature } from "./pen";
import type { LineStyle } from "./protocol";
import type { GridShapes } from "./shapes";

export interface IndexedPolygons extends Polygons {
  index: BoxIndex;
}

/** Grids smaller than this many pixels of the page get one plain line: bands would fill them. */
const SMALL = 22;

/** Each grid gets a band of its own tone just inside its border, and a fine light line runs on the border itself. */
export function drawGridLines(pen: Pen, grids: GridShapes, style: LineStyle): void {
  const { context, ratio } = pen;
  const { boxes } = grids.index;
  const least = (SMALL * ratio) / pen.scale;
  const [found, small]: [number[], number[]] = [[], []];
  for (const grid of queryBoxIndex(grids.index, frameBox(pen, 4)))
    (boxes[4 * grid + 2] - boxes[4 * grid] + boxes[4 * grid + 3] - boxes[4 * grid + 1] < 2 * least ? small : found).push(grid);
  drawSmall(pen, grids, small, style);
  const band = ratio * (pen.zoom >= 15 ? 2 : pen.zoom >= 13 ? 1.5 : 1);
  context.lineJoin = "round";
  for (const grid of found) {
    context.save();
    context.beginPath();
    grids.trace(pen, grid);
    context.clip("evenodd");
    context.lineWidth = 2 * band + ratio * 0.6;
    context.strokeStyle = style.borders[grid] ?? "#666666";
    context.stroke();
    context.restore();
  }
  context.beginPath();
  for (const grid of found) grids.trace(pen, grid);
  context.lineWidth = ratio * (pen.zoom >= 15 ? 1 : 0.6);
  context.strokeStyle = style.theme === "dark" ? "rgba(20, 23, 27, 0.9)" : "rgba(255, 255, 255, 0.95)";
  context.stroke();
}

function drawSmall(pen: Pen, grids: GridShapes, small: number[], style: LineStyle): void {
  if (small.length === 0) return;
  pen.context.beginPath();
  for (const grid of small) grids.trace(pen, grid);
  pen.context.lineWidth = pen.ratio * 0.5;
  pen.context.strokeStyle = style.theme === "dark" ? "rgba(235, 232, 225, 0.55)" : "rgba(60, 60, 60, 0.55)";
  pen.context.stroke();
}

/** Community borders: a dark dashed line on a light bed, over the borders of the grids. */
export function drawAreaLines(pen: Pen, areas: IndexedPolygons, style: LineStyle): void {
  const { context, ratio, zoom } = pen;
  const found = queryBoxIndex(areas.index, frameBox(pen, 6));
  if (found.length === 0) return;
  context.lineJoin = "round";
  context.lineCap = "butt";
  const width = zoom >= 15 ? 2.6 : zoom >= 13 ? 2 : 1.4;
  context.beginPath();
  for (const area of found) traceFeature(pen, areas, area);
  context.lineWidth = ratio * (width + 2);
  context.strokeStyle = style.theme === "dark" ? "rgba(20, 23, 27, 0.75)" : "rgba(255, 255, 255, 0.85)";
  context.stroke();
  context.lineWidth = ratio * width;
  context.strokeStyle = style.theme === "dark" ? "#e6e2da" : "#43464c";
  if (zoom >= 14) context.setLineDash([14, 3].map((length) => length * ratio));
  context.stroke();
  context.setLineDash([]);
}
