/** Where a line that is drawn meets what is there: at the end or bend of a street, else beside it. Pure. */

import type { Position } from "../api/base";
import { type Feature, metresPerDegree, pathsOf } from "./baselist";

/** The place to take in place of one that lies within some metres of a line; null where none does. Vertices come first. */
export function snapTo(features: readonly Feature[], [x, y]: Position, metres: number): Position | null {
  const [east, north] = metresPerDegree(y);
  let vertex: Position | null = null;
  let beside: Position | null = null;
  let [leastVertex, leastBeside] = [metres, metres];
  for (const { geometry } of features) {
    if (geometry.type === "Point") continue;
    for (const path of pathsOf(geometry)) {
      for (let i = 0; i < path.length; i++) {
        const [px, py] = [(path[i][0] - x) * east, (path[i][1] - y) * north];
        const far = Math.hypot(px, py);
        if (far <= leastVertex) [leastVertex, vertex] = [far, path[i]];
        if (i === 0) continue;
        const [qx, qy] = [(path[i - 1][0] - x) * east, (path[i - 1][1] - y) * north];
        const [dx, dy] = [px - qx, py - qy];
        const length = dx * dx + dy * dy;
        const along = length > 0 ? Math.min(1, Math.max(0, -(qx * dx + qy * dy) / length)) : 0;
        const away = Math.hypot(qx + along * dx, qy + along * dy);
        if (away <= leastBeside) [leastBeside, beside] = [away, [x + (qx + along * dx) / east, y + (qy + along * dy) / north]];
      }
    }
  }
  return vertex ?? beside;
}
