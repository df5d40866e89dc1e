/** What a change of the plan would come to, before it counts: the grids that take part, as they are and as they would be. */

import type { Graph } from "./adjacency";

export interface Side {
  /** Grids with cells that take part, and how many of them are inside the bounds. */
  grids: number;
  inBounds: number;
  /** Deviation of households from the mean of the boundary polygon, the greatest of those grids, signed; null where there are none. */
  deviation: number | null;
  /** Border of those grids with others. */
  borderM: number;
}

export interface Weighed {
  cells: number;
  /** Of those that have a grid now and get another one. */
  households: number;
  people: number;
  before: Side;
  after: Side;
}

/**
 * Weigh a change against the plan as it is. Grids that lose or gain cells take part. `boundaryOf` gives the boundary
 * polygon of a grid, new ones too; time goes with cells and links, so it is called once a proposal.
 */
export function weigh(
  graph: Graph,
  gridOf: Int32Array,
  change: { cells: ArrayLike<number>; grids: ArrayLike<number> },
  boundaryOf: (grid: number) => string,
  [min, max]: readonly [number, number],
): Weighed {
  const after = gridOf.slice();
  const part = new Set<number>();
  let [cells, households, people] = [0, 0, 0];
  for (let i = 0; i < change.cells.length; i++) {
    const cell = change.cells[i];
    const [from, to] = [gridOf[cell], change.grids[i]];
    if (from === to) continue;
    after[cell] = to;
    cells++;
    if (from >= 0) part.add(from);
    if (to >= 0) part.add(to);
    if (from < 0) continue;
    households += graph.households[cell];
    people += graph.population[cell];
  }
  const side = (plan: Int32Array): Side => sideOf(graph, plan, part, boundaryOf, min, max);
  return { cells, households, people, before: side(gridOf), after: side(after) };
}

function sideOf(
  graph: Graph,
  plan: Int32Array,
  part: ReadonlySet<number>,
  boundaryOf: (grid: number) => string,
  min: number,
  max: number,
): Side {
  const sums = new Map<number, number>();
  let borderM = 0;
  for (let cell = 0; cell < graph.n; cell++) {
    const grid = plan[cell];
    if (grid < 0) continue;
    sums.set(grid, (sums.get(grid) ?? 0) + graph.households[cell]);
    for (let at = graph.indptr[cell]; at < graph.indptr[cell + 1]; at++) {
      const neighbour = graph.indices[at];
      if (neighbour < cell) continue;
      const other = plan[neighbour];
      if (other >= 0 && other !== grid && (part.has(grid) || part.has(other))) borderM += graph.lengthM[at];
    }
  }
  const means = meansOf(sums, boundaryOf);
  const side: Side = { grids: 0, inBounds: 0, deviation: null, borderM };
  for (const grid of part) {
    const own = sums.get(grid);
    if (own === undefined) continue;
    side.grids++;
    side.inBounds += Number(own >= min && own <= max);
    const mean = means.get(boundaryOf(grid)) ?? 0;
    const deviation = mean > 0 ? own / mean - 1 : 0;
    if (side.deviation === null || Math.abs(deviation) > Math.abs(side.deviation)) side.deviation = deviation;
  }
  return side;
}

function meansOf(sums: ReadonlyMap<number, number>, boundaryOf: (grid: number) => string): Map<string, number> {
  const all = new Map<string, { households: number; grids: number }>();
  for (const [grid, households] of sums) {
    const code = boundaryOf(grid);
    const sum = all.get(code) ?? { households: 0, grids: 0 };
    all.set(code, { households: sum.households + households, grids: sum.grids + 1 });
  }
  return new Map([...all].map(([code, sum]) => [code, sum.households / sum.grids]));
}
