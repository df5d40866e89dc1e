/** Where the anchors of all cells lie (a uniform grid of buckets in CSR form), and the cells of blocks and compounds. */

import type { Graph } from "./adjacency";

export interface CellLists {
  /** Cells of list i: `items[start[i]]` to `items[start[i + 1]]`, ascending. */
  start: Uint32Array;
  items: Uint32Array;
}

export interface AnchorIndex {
  x0: number;
  y0: number;
  step: number;
  columns: number;
  rows: number;
  /** Cells by bucket, row after row from the north. */
  buckets: CellLists;
  /** Anchors in the order of the buckets. */
  xs: Int32Array;
  ys: Int32Array;
  enclosures: CellLists;
  compounds: CellLists;
}

const PER_BUCKET = 4;
const MOST_ACROSS = 2000;

export function indexAnchors(graph: Graph): AnchorIndex {
  const { n, anchor } = graph;
  let [x0, y0, x1, y1] = n > 0 ? [anchor[0], anchor[1], anchor[0], anchor[1]] : [0, 0, 0, 0];
  for (let at = 0; at < 2 * n; at += 2) {
    if (anchor[at] < x0) x0 = anchor[at];
    if (anchor[at] > x1) x1 = anchor[at];
    if (anchor[at + 1] < y0) y0 = anchor[at + 1];
    if (anchor[at + 1] > y1) y1 = anchor[at + 1];
  }
  const [width, height] = [x1 - x0 + 1, y1 - y0 + 1];
  const fair = Math.sqrt((width * height * PER_BUCKET) / Math.max(1, n));
  const step = Math.max(1, fair, width / MOST_ACROSS, height / MOST_ACROSS);
  const columns = Math.floor((x1 - x0) / step) + 1;
  const rows = Math.floor((y1 - y0) / step) + 1;
  const bucketOf = new Int32Array(n);
  for (let i = 0; i < n; i++)
    bucketOf[i] = Math.floor((anchor[2 * i + 1] - y0) / step) * columns + Math.floor((anchor[2 * i] - x0) / step);
  const buckets = listsOf(bucketOf, columns * rows);
  return {
    x0,
    y0,
    step,
    columns,
    rows,
    buckets,
    xs: Int32Array.from(buckets.items, (cell) => anchor[2 * cell]),
    ys: Int32Array.from(buckets.items, (cell) => anchor[2 * cell + 1]),
    enclosures: listsOf(graph.enclosureIx),
    compounds: listsOf(graph.compoundIx),
  };
}

/** Positions by the list that each is in; those below 0 are in none. */
export function listsOf(listIx: Int32Array, nLists = 0): CellLists {
  for (const list of listIx) if (list >= nLists) nLists = list + 1;
  const start = new Uint32Array(nLists + 1);
  for (const list of listIx) if (list >= 0) start[list + 1]++;
  for (let list = 0; list < nLists; list++) start[list + 1] += start[list];
  const items = new Uint32Array(start[nLists]);
  const next = start.slice();
  for (let i = 0; i < listIx.length; i++) if (listIx[i] >= 0) items[next[listIx[i]]++] = i;
  return { start, items };
}
