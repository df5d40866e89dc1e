/** Colours of grids: no two that touch have one colour, and an edit changes as few as it can. */

import type { Graph } from "./adjacency";
import type { LivePlan } from "./live";

export const COLOURS = 8;
/** A grid without colour; anything from `COLOURS` on counts as none. */
export const NO_COLOUR = 255;

/** Which grids touch, with the length of border that they share, as rows like those of `Graph`. */
interface Touching {
  start: Uint32Array;
  grids: Uint32Array;
  lengthM: Float64Array;
}

/** Whether the colour of a grid was chosen by hand, and so stays. */
export type IsFixed = (grid: number) => boolean;
const NONE_FIXED: IsFixed = () => false;

/**
 * Colours of all grids. A grid keeps its present colour unless a larger one beside it has kept the same. Where eight
 * colours do not suffice for that, all are given anew, but those chosen by hand; grids without cells get a colour too.
 */
export function colourGrids(graph: Graph, live: LivePlan, present: ArrayLike<number> = [], isFixed: IsFixed = NONE_FIXED): Uint8Array {
  const touching = touchingGrids(graph, live);
  const chosen = new Uint8Array(live.nGrids).fill(NO_COLOUR);
  for (let grid = 0; grid < live.nGrids; grid++) if (isFixed(grid) && present[grid] < COLOURS) chosen[grid] = present[grid];
  const colours = chosen.slice();
  const { cells } = live.figures;
  const bySize = Array.from(colours.keys()).sort((a, b) => cells[b] - cells[a] || a - b);
  for (const grid of bySize) {
    if (colours[grid] < COLOURS) continue;
    const wish = grid < present.length ? present[grid] : NO_COLOUR;
    if (wish < COLOURS && borderByColour(touching, colours, grid)[wish] === 0) colours[grid] = wish;
  }
  const order = smallestLast(touching);
  if (fillIn(touching, colours, order)) return colours;
  const anew = chosen.slice();
  return fillIn(touching, anew, order) ? anew : colours;
}

/**
 * After an edit: give the touched grids, or those beside them, colours that differ, changing `colours` (one a grid) in
 * place; those chosen by hand stay. Returns the grids whose colour changed, ascending.
 */
export function mendColours(
  graph: Graph,
  live: LivePlan,
  colours: Uint8Array,
  touched: Iterable<number>,
  isFixed: IsFixed = NONE_FIXED,
): number[] {
  const { cells } = live.figures;
  const changed = new Set<number>();
  const recolour = (grid: number): boolean => {
    if (isFixed(grid)) return false;
    const beside = new Set(live.neighbours(grid).map(({ grid: other }) => colours[other]));
    const free = leastUsed(usesOf(colours), (colour) => !beside.has(colour));
    if (free < 0) return false;
    colours[grid] = free;
    changed.add(grid);
    return true;
  };
  for (const grid of [...new Set(touched)].sort((a, b) => cells[b] - cells[a] || a - b)) {
    if (colours[grid] >= COLOURS && recolour(grid)) continue;
    for (const { grid: other } of live.neighbours(grid)) {
      if (colours[other] !== colours[grid] || (isFixed(other) && isFixed(grid))) continue;
      const smaller = cells[other] < cells[grid] || (cells[other] === cells[grid] && other > grid) ? other : grid;
      if (recolour(smaller) || recolour(smaller === grid ? other : grid)) continue;
      return replaceAll(colours, colourGrids(graph, live, colours, isFixed), changed);
    }
    if (colours[grid] >= COLOURS) return replaceAll(colours, colourGrids(graph, live, colours, isFixed), changed);
  }
  return [...changed].sort((a, b) => a - b);
}

function replaceAll(colours: Uint8Array, anew: Uint8Array, changed: Set<number>): number[] {
  for (let grid = 0; grid < colours.length; grid++) if (colours[grid] !== anew[grid]) changed.add(grid);
  colours.set(anew);
  return [...changed].sort((a, b) => a - b);
}

/** Colour the grids that have none; false where one found no free colour (it gets the one with the least border). */
function fillIn(touching: Touching, colours: Uint8Array, order: number[]): boolean {
  let clean = true;
  const uses = usesOf(colours);
  for (const grid of order) {
    if (colours[grid] < COLOURS) continue;
    const border = borderByColour(touching, colours, grid);
    const free = leastUsed(uses, (colour) => border[colour] === 0);
    if (free < 0) clean = false;
    colours[grid] = free < 0 ? border.indexOf(Math.min(...border)) : free;
    uses[colours[grid]]++;
  }
  return clean;
}

function borderByColour({ start, grids, lengthM }: Touching, colours: Uint8Array, grid: number): Float64Array {
  const border = new Float64Array(COLOURS);
  for (let at = start[grid]; at < start[grid + 1]; at++)
    if (colours[grids[at]] < COLOURS) border[colours[grids[at]]] += lengthM[at];
  return border;
}

function usesOf(colours: Uint8Array): Uint32Array {
  const uses = new Uint32Array(COLOURS);
  for (const colour of colours) if (colour < COLOURS) uses[colour]++;
  return uses;
}

/** The colour that the fewest grids have among those that may be, the lowest of several; -1 where none may. */
function leastUsed(uses: Uint32Array, mayBe: (colour: number) => boolean): number {
  let best = -1;
  for (let colour = 0; colour < COLOURS; colour++)
    if (mayBe(colour) && (best < 0 || uses[colour] < uses[best])) best = colour;
  return best;
}

// Each grid stands after those that it has few of beside it: on a plane six colours are always enough in this order.
function smallestLast({ start, grids }: Touching): number[] {
  const n = start.length - 1;
  const degree = Int32Array.from({ length: n }, (_, grid) => start[grid + 1] - start[grid]);
  const buckets: number[][] = [];
  const put = (grid: number): void => void (buckets[degree[grid]] ??= []).push(grid);
  for (let grid = n - 1; grid >= 0; grid--) put(grid);
  const order: number[] = [];
  const gone = new Uint8Array(n);
  for (let least = 0; order.length < n; ) {
    const grid = buckets[least]?.pop();
    if (grid === undefined) least++;
    else if (gone[grid] === 0 && degree[grid] === least) {
      gone[grid] = 1;
      order.push(grid);
      for (let at = start[grid]; at < start[grid + 1]; at++) {
        if (gone[grids[at]] === 1) continue;
        degree[grids[at]]--;
        put(grids[at]);
      }
      least = Math.max(0, least - 1);
    }
  }
  return order.reverse();
}

function touchingGrids(graph: Graph, live: LivePlan): Touching {
  const { indptr, indices, lengthM } = graph;
  const { gridOf, nGrids } = live;
  const rows: Map<number, number>[] = Array.from({ length: nGrids }, () => new Map<number, number>());
  for (let cell = 0; cell < graph.n; cell++) {
    const grid = gridOf[cell];
    if (grid < 0) continue;
    for (let at = indptr[cell]; at < indptr[cell + 1]; at++) {
      const other = gridOf[indices[at]];
      // A border without length counts as well.
      if (other >= 0 && other !== grid) rows[grid].set(other, (rows[grid].get(other) ?? 1e-6) + lengthM[at]);
    }
  }
  const start = new Uint32Array(nGrids + 1);
  rows.forEach((row, grid) => (start[grid + 1] = start[grid] + row.size));
  const entries = rows.map((row) => [...row].sort(([a], [b]) => a - b)).flat();
  return {
    start,
    grids: Uint32Array.from(entries, ([grid]) => grid),
    lengthM: Float64Array.from(entries, ([, length]) => length),
  };
}
