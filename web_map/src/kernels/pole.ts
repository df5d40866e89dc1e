/** A good place for the name of a polygon: its inner point farthest from its border, on a coarse raster. */

import type { Polygons } from "./geometry";
import { NOTHING, rasterise } from "./raster";

const SIDE = 64;

/** The place in units; the middle of the box where the polygon is too thin for the raster. */
export function poleOf(polygons: Polygons, feature: number, box: ArrayLike<number>): [x: number, y: number] {
  const step = (Math.max(box[2] - box[0], box[3] - box[1]) || 1) / (SIDE - 2);
  const frame = { x0: box[0] - step, y0: box[1] - step, step, size: SIDE };
  const ids = rasterise(polygons, [feature], frame);
  // Distance to the border in two passes, along rows, columns and diagonals.
  const depth = Float32Array.from(ids, (id) => (id === NOTHING ? 0 : Infinity));
  const lower = (at: number, from: number, by: number): void => {
    if (depth[from] + by < depth[at]) depth[at] = depth[from] + by;
  };
  const inner = (visit: (at: number) => void, reverse: boolean): void => {
    for (let i = SIDE; i < SIDE * (SIDE - 1); i++) visit(reverse ? SIDE * SIDE - 1 - i : i);
  };
  for (const [reverse, sign] of [
    [false, -1],
    [true, 1],
  ] as const) {
    inner((at) => {
      lower(at, at + sign, 1);
      lower(at, at + sign * SIDE, 1);
      lower(at, at + sign * (SIDE + 1), Math.SQRT2);
      lower(at, at + sign * (SIDE - 1), Math.SQRT2);
    }, reverse);
  }
  let best = 0;
  for (let at = 0; at < depth.length; at++) if (depth[at] > depth[best]) best = at;
  if (depth[best] === 0) return [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
  return [frame.x0 + ((best % SIDE) + 0.5) * step, frame.y0 + (Math.floor(best / SIDE) + 0.5) * step];
}
