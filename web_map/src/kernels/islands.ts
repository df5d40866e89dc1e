/** Areas that are themselves in pieces: what no grid can be blamed for. */

import type { Graph } from "./adjacency";

/** For each cell, of how many cells of its area the connected piece consists that it is in. */
export function islandSizes(graph: Graph): Uint32Array {
  const { n, indptr, indices, areaIx } = graph;
  const sizes = new Uint32Array(n);
  const queue = new Uint32Array(n);
  for (let first = 0; first < n; first++) {
    if (sizes[first] > 0) continue;
    let count = 1;
    queue[0] = first;
    sizes[first] = 1;
    for (let i = 0; i < count; i++) {
      for (let at = indptr[queue[i]]; at < indptr[queue[i] + 1]; at++) {
        const other = indices[at];
        if (sizes[other] > 0 || areaIx[other] !== areaIx[first]) continue;
        sizes[other] = 1;
        queue[count++] = other;
      }
    }
    for (let i = 0; i < count; i++) sizes[queue[i]] = count;
  }
  return sizes;
}
