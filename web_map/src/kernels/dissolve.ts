/** Dissolving a grid: each of its cells goes to a grid beside it, from the border inwards. */

import type { Graph } from "./adjacency";
import { PairHeap } from "./heap";
import type { LivePlan } from "./live";

export interface Dissolved {
  /** Cells that found a grid, ascending, and the grid of each. */
  cells: Uint32Array;
  grids: Int32Array;
  /** Cells that no admitted grid of their area can be reached from. */
  left: Uint32Array;
}

/** What a metre of border on a street counts. */
const STREET_WEIGHT = 0.2;

/**
 * Share out the cells of a grid. A cell goes to a grid that it touches, so no grid gets a piece more than it had; the
 * longest part of its border decides (streets count little), and how far the grid is below `max` households.
 * `mayTake` says whether a cell may go to a grid; grids of other areas never take one.
 */
export function dissolve(
  graph: Graph,
  live: LivePlan,
  grid: number,
  max: number | null = null,
  mayTake: (cell: number, grid: number) => boolean = () => true,
): Dissolved {
  const sharing = new Sharing(graph, live, grid, max, mayTake);
  sharing.run();
  return sharing.result();
}

class Sharing {
  private readonly cells: Uint32Array;
  /** Grid that a cell of the dissolved grid has been given to. */
  private readonly given = new Map<number, number>();
  private readonly gained = new Map<number, number>();
  private readonly heap = new PairHeap();

  constructor(
    private readonly graph: Graph,
    private readonly live: LivePlan,
    private readonly grid: number,
    private readonly max: number | null,
    private readonly mayTake: (cell: number, grid: number) => boolean,
  ) {
    this.cells = live.cellsOf(grid);
    for (const cell of this.cells) this.offer(cell);
  }

  run(): void {
    for (let best = this.heap.pop(); best; best = this.heap.pop()) {
      const { first: cell, second: to } = best;
      if (this.given.has(cell)) continue;
      // The grid may have filled up since; a longer border has been offered anew.
      const score = this.share(cell, to) * this.room(cell, to);
      if (score < best.score) {
        this.heap.push(score, cell, to);
        continue;
      }
      this.given.set(cell, to);
      this.gained.set(to, (this.gained.get(to) ?? 0) + this.graph.households[cell]);
      const { indptr, indices } = this.graph;
      for (let at = indptr[cell]; at < indptr[cell + 1]; at++) {
        const other = indices[at];
        if (this.isOpen(other) && this.admits(other, cell, to)) this.push(other, to);
      }
    }
  }

  result(): Dissolved {
    const cells = this.cells.filter((cell) => this.given.has(cell));
    return {
      cells,
      grids: Int32Array.from(cells, (cell) => this.given.get(cell) as number),
      left: this.cells.filter((cell) => !this.given.has(cell)),
    };
  }

  private offer(cell: number): void {
    const { indptr, indices } = this.graph;
    const seen = new Set<number>();
    for (let at = indptr[cell]; at < indptr[cell + 1]; at++) {
      const to = this.live.gridOf[indices[at]];
      if (to < 0 || to === this.grid || seen.has(to) || !this.admits(cell, indices[at], to)) continue;
      seen.add(to);
      this.push(cell, to);
    }
  }

  private push(cell: number, to: number): void {
    this.heap.push(this.share(cell, to) * this.room(cell, to), cell, to);
  }

  private isOpen(cell: number): boolean {
    return this.live.gridOf[cell] === this.grid && !this.given.has(cell);
  }

  private admits(cell: number, beside: number, to: number): boolean {
    return this.graph.areaIx[cell] === this.graph.areaIx[beside] && this.mayTake(cell, to);
  }

  /** Part of the border of a cell that it has with a grid as it stands now. */
  private share(cell: number, to: number): number {
    const { indptr, indices, lengthM, street } = this.graph;
    let sum = 0;
    let all = 0;
    for (let at = indptr[cell]; at < indptr[cell + 1]; at++) {
      const weight = lengthM[at] * (street[at] > 0 ? STREET_WEIGHT : 1);
      const other = indices[at];
      const owner = this.given.get(other) ?? this.live.gridOf[other];
      all += weight;
      if (owner === to) sum += weight;
    }
    return all > 0 ? sum / all : 0;
  }

  /** From 2 for an empty grid down to 1 for one that the cell fills, below 1/2 where it would be too many. */
  private room(cell: number, to: number): number {
    if (this.max === null || this.max <= 0) return 1;
    const households = this.live.figures.households[to] + (this.gained.get(to) ?? 0) + this.graph.households[cell];
    return households <= this.max ? 2 - households / this.max : (0.5 * this.max) / households;
  }
}
