/** Figures of single grids and of all, read from the plan under the hand. Pure functions. */

import type { Figures } from "../kernels/figures";
import type { LivePlan } from "../kernels/live";

export interface RowFigures {
  households: number;
  people: number;
  areaM2: number;
  perimeterM: number;
  /** Polsby–Popper. */
  compactness: number;
  /** Share of the border with other grids that runs along streets; null where there is no such border. */
  streetShare: number | null;
  pieces: number;
  /** Whether these are more than they must be. */
  inPieces: boolean;
  cells: number;
}

export function rowFigures(live: Pick<LivePlan, "figures" | "isInPieces">, ix: number): RowFigures {
  const { figures } = live;
  const [areaM2, perimeterM, innerM] = [figures.areaM2[ix], figures.perimeterM[ix], figures.innerM[ix]];
  return {
    households: figures.households[ix],
    people: figures.people[ix],
    areaM2,
    perimeterM,
    compactness: perimeterM > 0 ? (4 * Math.PI * areaM2) / perimeterM ** 2 : 0,
    streetShare: innerM > 0 ? figures.streetM[ix] / innerM : null,
    pieces: figures.pieces[ix],
    inPieces: live.isInPieces(ix),
    cells: figures.cells[ix],
  };
}

export interface LiveTotals {
  grids: number;
  households: number;
  inBounds: number;
  unassignedHouseholds: number;
  unassignedCells: number;
  /** Mean households of the living grids of each boundary polygon, by its code. */
  means: Map<string, number>;
}

export function liveTotals(
  figures: Pick<Figures, "households" | "cells">,
  living: readonly { ix: number; boundaryCode: string }[],
  all: { households: number; cells: number },
  [min, max]: [number, number],
): LiveTotals {
  let [households, cells, inBounds] = [0, 0, 0];
  const sums = new Map<string, { households: number; grids: number }>();
  for (const { ix, boundaryCode } of living) {
    const own = figures.households[ix];
    households += own;
    cells += figures.cells[ix];
    inBounds += Number(own >= min && own <= max);
    const sum = sums.get(boundaryCode);
    if (sum) {
      sum.households += own;
      sum.grids += 1;
    } else sums.set(boundaryCode, { households: own, grids: 1 });
  }
  const means = new Map([...sums].map(([code, sum]) => [code, sum.households / sum.grids]));
  return {
    grids: living.length,
    households,
    inBounds,
    unassignedHouseholds: all.households - households,
    unassignedCells: all.cells - cells,
    means,
  };
}
