/** Drawing flat geometry on the canvas of one tile. */

import type { Box, Lines, Polygons } from "../kernels/geometry";
import type { PixelBox } from "../kernels/palette";

export type Context = OffscreenCanvasRenderingContext2D;

export interface Pen {
  context: Context;
  /** Left and upper edge in units. */
  x0: number;
  y0: number;
  /** Pixels of the device a unit. */
  scale: number;
  size: number;
  ratio: number;
  zoom: number;
  /** The part of the tile that is drawn, in pixels of the device. */
  part: PixelBox;
}

/** What is drawn, in units, and `margin` pixels of the page around it. */
export function frameBox({ part, ratio, scale, x0, y0 }: Pen, margin: number): Box {
  const more = margin * ratio;
  return [
    x0 + (part.left - more) / scale,
    y0 + (part.top - more) / scale,
    x0 + (part.right + more) / scale,
    y0 + (part.bottom + more) / scale,
  ];
}

/**
 * Add all rings of a feature to the path. What is only filled needs no `closed` rings: the browser takes time in proportion
 * to the whole path for each ring that it closes, seconds for a tile of many buildings.
 */
export function traceFeature(pen: Pen, polygons: Polygons, feature: number, closed = true): void {
  for (let ring = polygons.featureStart[feature]; ring < polygons.featureStart[feature + 1]; ring++) {
    trace(pen, polygons.coords, polygons.ringStart[ring], polygons.ringStart[ring + 1]);
    if (closed) pen.context.closePath();
  }
}

export function traceLine(pen: Pen, lines: Lines, line: number): void {
  trace(pen, lines.coords, lines.lineStart[line], lines.lineStart[line + 1]);
}

/** How far beyond the tile lines are followed, in pixels of the device: more than half of the widest stroke. */
const MARGIN = 128;

// Left out are vertices nearer than half a pixel to the one before, and those beyond the same edge of the tile as
// both of their neighbours: neither changes what the tile shows.
function trace(pen: Pen, coords: Int32Array, first: number, end: number): void {
  const { context, x0, y0, scale } = pen;
  const far = pen.size + MARGIN;
  let [lastX, lastY, lastSide] = [Infinity, Infinity, 0];
  let x = (coords[2 * first] - x0) * scale;
  let y = (coords[2 * first + 1] - y0) * scale;
  let side = sideOf(x, y, far);
  for (let v = first; v < end; v++) {
    const last = v === end - 1;
    const nextX = last ? x : (coords[2 * v + 2] - x0) * scale;
    const nextY = last ? y : (coords[2 * v + 3] - y0) * scale;
    const nextSide = last ? 0 : sideOf(nextX, nextY, far);
    if (v === first) context.moveTo(x, y);
    if (v === first || last || (!(lastSide & side & nextSide) && Math.abs(x - lastX) + Math.abs(y - lastY) >= 0.5)) {
      if (v !== first) context.lineTo(x, y);
      [lastX, lastY, lastSide] = [x, y, side];
    }
    [x, y, side] = [nextX, nextY, nextSide];
  }
}

// Bits: left, right, above, below the tile and its margin.
function sideOf(x: number, y: number, far: number): number {
  return (x < -MARGIN ? 1 : 0) | (x > far ? 2 : 0) | (y < -MARGIN ? 4 : 0) | (y > far ? 8 : 0);
}
