/** What an edit cuts off from the rest of its grid, and who could take it. */

import type { Graph } from "../kernels/adjacency";
import type { Delta, LivePlan } from "../kernels/live";
import { concat, sortCells } from "../kernels/order";

/** Cells that an edit has cut off, all of them, and where they could go. */
export interface CutOff {
  cells: Uint32Array;
  /** The grid that is in pieces; the first where there are several. */
  grid: number;
  target: number;
  /** Grids that touch the cells, those with the longest common border first. */
  choices: number[];
  /** Whether the hand is still down. */
  pending: boolean;
}

/** From one cell in this many on a stroke is of many cells. */
const MOST = 8;

/** Remembers in how many pieces the grids were that cells are taken from. */
export class PieceWatch {
  private readonly before = new Map<number, number>();

  constructor(private readonly live: LivePlan) {}

  /** Call before the cells change their grid. */
  note(cells: ArrayLike<number>): void {
    const { gridOf, figures, nGrids, graph } = this.live;
    if (cells.length > nGrids && cells.length * MOST > graph.n) {
      // From many cells they are taken from most grids: all are remembered in less time.
      for (let grid = 0; grid < nGrids; grid++) if (!this.before.has(grid)) this.before.set(grid, figures.pieces[grid]);
      return;
    }
    let last = -1;
    for (let i = 0; i < cells.length; i++) {
      const grid = gridOf[cells[i]];
      if (grid !== last && grid >= 0 && !this.before.has(grid)) this.before.set(grid, figures.pieces[grid]);
      last = grid;
    }
  }

  isCut(): boolean {
    for (const [grid, pieces] of this.before) if (this.live.figures.pieces[grid] > pieces) return true;
    return false;
  }
}

/** What `delta`, already made, has cut off; null where it was nothing. */
export function findCutOff(graph: Graph, live: LivePlan, delta: Delta, target: number): CutOff | null {
  const pieces = live.cutOffBy(delta);
  if (pieces.length === 0) return null;
  const cells = sortCells(concat(pieces.map((piece) => piece.cells)), graph.n);
  const { grid } = pieces[0];
  return { cells, grid, target, choices: takersOf(graph, live.gridOf, cells), pending: false };
}

/** Grids around cells by the length of the border, longest first, those left out that the cells belong to. */
export function takersOf(graph: Graph, gridOf: Int32Array, cells: ArrayLike<number>): number[] {
  const metres = new Map<number, number>();
  const own = new Set<number>();
  const area = cells.length > 0 ? graph.areaIx[cells[0]] : -1;
  for (let i = 0; i < cells.length; i++) {
    const cell = cells[i];
    own.add(gridOf[cell]);
    for (let at = graph.indptr[cell]; at < graph.indptr[cell + 1]; at++) {
      const other = graph.indices[at];
      if (gridOf[other] < 0 || graph.areaIx[other] !== area) continue;
      metres.set(gridOf[other], (metres.get(gridOf[other]) ?? 0) + graph.lengthM[at]);
    }
  }
  return [...metres.keys()]
    .filter((grid) => !own.has(grid))
    .sort((a, b) => (metres.get(b) ?? 0) - (metres.get(a) ?? 0) || a - b);
}
