/** Enclosures (street blocks) as a whole, so that a walk over a large grid goes block by block where it can. */

import type { Graph } from "./adjacency";
import { type CellLists, listsOf } from "./anchors";

export interface Blocks {
  cells: CellLists;
  /** Whether the cells of an enclosure hang together without those around it. */
  whole: Uint8Array;
  /** Cells around each enclosure, each once. */
  around: CellLists;
}

export function findBlocks(graph: Graph): Blocks {
  const { n, indptr, indices, enclosureIx } = graph;
  const cells = listsOf(enclosureIx);
  const count = cells.start.length - 1;
  const whole = new Uint8Array(count);
  const start = new Uint32Array(count + 1);
  const around: number[] = [];
  // Position in `seen` is the cell, the value the enclosure (plus one) that it was met from.
  const seen = new Uint32Array(n);
  const queue = new Uint32Array(n);
  for (let block = 0; block < count; block++) {
    const [from, end] = [cells.start[block], cells.start[block + 1]];
    let reached = 0;
    if (from < end) {
      queue[reached++] = cells.items[from];
      seen[cells.items[from]] = block + 1;
    }
    for (let i = 0; i < reached; i++) {
      for (let at = indptr[queue[i]]; at < indptr[queue[i] + 1]; at++) {
        const other = indices[at];
        if (seen[other] === block + 1) continue;
        seen[other] = block + 1;
        if (enclosureIx[other] === block) queue[reached++] = other;
        else around.push(other);
      }
    }
    whole[block] = reached === end - from ? 1 : 0;
    start[block + 1] = around.length;
  }
  return { cells, whole, around: { start, items: Uint32Array.from(around) } };
}
