/** Drawing flat geometry on the canvas of one tile. */

import type { Box, Lines, Polygons } from "../kernels/geometry";

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
}

/** What the tile shows in units, and `margin` pixels of the page around it. */
export function frameBox(pen: Pen, margin: number): Box {
  const more = (margin * pen.ratio) / pen.scale;
  const side = pen.size / pen.scale;
  return [pen.x0 - more, pen.y0 - more, pen.x0 + side + more, pen.y0 + side + more];
}

/** Add all rings of a feature to the path. */
export function traceFeature(pen: Pen, polygons: Polygons, feature: number): void {
  for (let ring = polygons.featureStart[feature]; ring < polygons.featureStart[feature + 1]; ring++) {
    trace(pen, polygons.coords, polygons.ringStart[ring], polygons.ringStart[ring + 1]);
    pen.context.closePath();
  }
}

export function traceLine(pen: Pen, lines: Lines, line: number): void {
  trace(pen, lines.coords, lines.lineStart[line], lines.lineStart[line + 1]);
}

// Vertices nearer than half a pixel to the one before are left out, the last one never.
function trace(pen: Pen, coords: Int32Array, first: number, end: number): void {
  const { context, x0, y0, scale } = pen;
  let lastX = Infinity;
  let lastY = Infinity;
  for (let v = first; v < end; v++) {
    const x = (coords[2 * v] - x0) * scale;
    const y = (coords[2 * v + 1] - y0) * scale;
    if (v === first) context.moveTo(x, y);
    else if (Math.abs(x - lastX) + Math.abs(y - lastY) < 0.5 && v < end - 1) continue;
    else context.lineTo(x, y);
    lastX = x;
    lastY = y;
  }
}
