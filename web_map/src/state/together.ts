/** Whether strokes of two people, neither of which did so alone, have left a grid in more pieces. */

import type { ServerEdit } from "../api/edits";
import type { LivePlan } from "../kernels/live";
import type { Unsent } from "./outbox";

/** Grids that an edit takes cells from or gives cells to; where it does not say from which, what stands there now. */
function touchedBy(edits: readonly (ServerEdit | Unsent)[], gridOf: Int32Array): Set<number> {
  const touched = new Set<number>();
  for (const { cells = [], grids = [], before = [] } of edits)
    for (let i = 0; i < cells.length; i++) for (const grid of [grids[i], before[i] ?? gridOf[cells[i]]]) if (grid >= 0) touched.add(grid);
  return touched;
}

/**
 * Call before the edits of others are put on the page, under edits of ours that the server does not have; what it gives
 * is called after, and names the grids that both sides touched and that are in more pieces now.
 */
export function watchTogether(live: LivePlan, theirs: readonly ServerEdit[], ours: readonly Unsent[]): () => number[] {
  const mine = touchedBy(ours, live.gridOf);
  const both = [...touchedBy(theirs, live.gridOf)].filter((grid) => mine.has(grid) && grid < live.nGrids);
  const before = both.map((grid) => live.figures.pieces[grid]);
  return () => both.filter((grid, i) => live.figures.pieces[grid] > before[i] && live.isInPieces(grid)).sort((a, b) => a - b);
}
