/** Grids in pieces, for the map: which, and the lines that join their pieces. */

import type { LivePlan } from "../kernels/live";

/**
 * Lines from the middle of the largest piece of a grid to the middle of each other one: x0, y0, x1, y1 in units. None
 * where the grid takes islands of its area that it cannot be blamed for.
 */
export function linksOf(live: LivePlan, grid: number): number[] {
  if (!live.isInPieces(grid)) return [];
  const [first, ...others] = live.pieceCells(grid).map((cells) => middleOf(live.graph.anchor, cells));
  return others.flatMap((other) => [...first, ...other]);
}

/** The anchor nearest to the mean of the anchors: a place inside of the piece. */
function middleOf(anchor: Int32Array, cells: Uint32Array): [x: number, y: number] {
  let [x, y] = [0, 0];
  for (const cell of cells) {
    x += anchor[2 * cell] / cells.length;
    y += anchor[2 * cell + 1] / cells.length;
  }
  let best = cells[0];
  let least = Infinity;
  for (const cell of cells) {
    const distance = Math.hypot(anchor[2 * cell] - x, anchor[2 * cell + 1] - y);
    if (distance < least) [best, least] = [cell, distance];
  }
  return [anchor[2 * best], anchor[2 * best + 1]];
}
