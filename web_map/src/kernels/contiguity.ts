/** What a move does to the pieces of the grids that it touches: how many there are after it, and what it cuts off. */

import type { Graph } from "./adjacency";
import { sortCells } from "./order";
import { FrontSearch, nextTurn } from "./pieces";
import { UnionFind } from "./unionfind";

const FEW = 16;

export class Contiguity {
  /** Cells of the move at hand are those whose stamp is `turn`; `after` holds the grid that each goes to. */
  readonly moved: Uint32Array;
  readonly after: Int32Array;
  turn = 0;

  private readonly search: FrontSearch;
  private readonly nodeOf: Int32Array;
  private readonly sets = new UnionFind();
  private readonly walked: Uint32Array;
  private walk = 0;

  constructor(
    private readonly graph: Graph,
    private readonly gridOf: Int32Array,
  ) {
    this.moved = new Uint32Array(graph.n);
    this.after = new Int32Array(graph.n);
    this.nodeOf = new Int32Array(graph.n);
    this.walked = new Uint32Array(graph.n);
    this.search = new FrontSearch(graph);
  }

  /** Do now what the first search through a large grid needs. */
  prepare(): void {
    this.search.prepare();
  }

  beginMove(): void {
    this.turn = nextTurn(this.turn, this.moved);
  }

  /** By how many the pieces of a grid change when `leaving` leave it and `joining` join it; both are marked. */
  change(grid: number, leaving: Uint32Array, joining: Uint32Array): number {
    this.explore(grid, leaving, joining);
    const kept = this.countSets();
    return this.bridge(grid, joining, this.after, kept) - this.bridge(grid, leaving, this.gridOf, kept);
  }

  /**
   * Pieces that lose contact with the largest piece of what they hung together with, when marked cells leave; `marks`
   * holds the grid of the marked cells before that.
   */
  cutOff(grid: number, leaving: Uint32Array, marks: Int32Array): Uint32Array[] {
    const { search, sets } = this;
    this.explore(grid, leaving, leaving.subarray(0, 0));
    this.bridge(grid, leaving, marks, this.countSets());
    const together = new Map<number, number[]>();
    for (let k = 0; k < search.nSeeds; k++) {
      if (!search.sets.isRoot(k)) continue;
      const whole = together.get(sets.find(k));
      if (whole) whole.push(k);
      else together.set(sets.find(k), [k]);
    }
    const found: Uint32Array[] = [];
    for (const parts of together.values()) if (parts.length > 1) found.push(...this.allButLargest(grid, parts));
    return found.sort(largestFirst);
  }

  /** Connected pieces of the given cells of one grid, largest first, each ascending. */
  pieces(grid: number, cells: Uint32Array): Uint32Array[] {
    this.beginMove();
    this.walk = nextTurn(this.walk, this.walked);
    const pieces: Uint32Array[] = [];
    for (const cell of cells) if (this.walked[cell] !== this.walk) pieces.push(this.flood(grid, cell, cells.length));
    return pieces.sort(largestFirst);
  }

  /** Whether at least two pieces of a grid have fewer cells than the island they lie on (`islands`, by cell). */
  isPartOfTwo(grid: number, cells: Uint32Array, islands: Uint32Array): boolean {
    const { indptr, indices } = this.graph;
    const { gridOf, walked, nodeOf: queue } = this;
    const walk = (this.walk = nextTurn(this.walk, walked));
    let partly = 0;
    for (let i = 0; i < cells.length; i++) {
      if (walked[cells[i]] === walk) continue;
      walked[cells[i]] = walk;
      queue[0] = cells[i];
      let count = 1;
      let first = cells[i];
      for (let at = 0; at < count; at++) {
        const cell = queue[at];
        if (cell < first) first = cell;
        for (let link = indptr[cell]; link < indptr[cell + 1]; link++) {
          const other = indices[link];
          if (gridOf[other] !== grid || walked[other] === walk) continue;
          walked[other] = walk;
          queue[count++] = other;
        }
      }
      if (count < islands[first] && ++partly > 1) return true;
    }
    return false;
  }

  private explore(grid: number, leaving: Uint32Array, joining: Uint32Array): void {
    const { moved, turn, search, gridOf } = this;
    search.begin();
    this.seedAround(grid, leaving);
    this.seedAround(grid, joining);
    search.run({ marks: gridOf, mark: grid, moved, turn });
  }

  private seedAround(grid: number, cells: Uint32Array): void {
    const { indptr, indices } = this.graph;
    const { gridOf, moved, turn, search } = this;
    for (let i = 0; i < cells.length; i++) {
      const cell = cells[i];
      for (let at = indptr[cell]; at < indptr[cell + 1]; at++) {
        const other = indices[at];
        if (gridOf[other] === grid && moved[other] !== turn) search.seed(other);
      }
    }
  }

  private countSets(): number {
    let count = 0;
    for (let k = 0; k < this.search.nSeeds; k++) if (this.search.sets.isRoot(k)) count++;
    return count;
  }

  /** Pieces of the explored sets and of the moved cells of the grid (before or after the move) taken together. */
  private bridge(grid: number, cells: Uint32Array, marks: Int32Array, kept: number): number {
    const { indptr, indices } = this.graph;
    const { gridOf, moved, turn, search, sets, nodeOf } = this;
    sets.copy(search.sets);
    for (let i = 0; i < cells.length; i++) nodeOf[cells[i]] = sets.add();
    let count = kept + cells.length;
    for (let i = 0; i < cells.length; i++) {
      const cell = cells[i];
      let root = sets.find(nodeOf[cell]);
      for (let at = indptr[cell]; at < indptr[cell + 1]; at++) {
        const other = indices[at];
        const isMoved = moved[other] === turn;
        if ((isMoved ? marks : gridOf)[other] !== grid) continue;
        const met = sets.find(isMoved ? nodeOf[other] : search.setOf(other));
        if (met === root) continue;
        root = sets.union(root, met);
        count--;
      }
    }
    return count;
  }

  private allButLargest(grid: number, parts: number[]): Uint32Array[] {
    const { search, gridOf, moved, turn } = this;
    const open = parts.find((root) => !search.done[root]);
    if (open !== undefined) {
      const others = Math.max(...parts.map((root) => (root === open ? 0 : search.size[root])));
      search.outgrow(open, others, { marks: gridOf, mark: grid, moved, turn });
    }
    const isRest = open !== undefined && !search.done[open];
    this.walk = nextTurn(this.walk, this.walked);
    const pieces = parts
      .filter((root) => !(isRest && root === open))
      .map((root) => this.cellsOfSet(grid, root));
    return isRest ? pieces : pieces.sort(largestFirst).slice(1);
  }

  // Large sets are read off what the search has seen, small ones walked through once more.
  private cellsOfSet(grid: number, root: number): Uint32Array {
    const { search, graph } = this;
    const size = search.size[root];
    return size * FEW < graph.n ? this.flood(grid, search.seeds[root], size) : search.cellsOf(root);
  }

  private flood(grid: number, from: number, atMost: number): Uint32Array {
    const { indptr, indices } = this.graph;
    const { gridOf, moved, turn, walked, walk } = this;
    const found = new Uint32Array(atMost);
    let count = 1;
    found[0] = from;
    walked[from] = walk;
    for (let i = 0; i < count; i++) {
      for (let at = indptr[found[i]]; at < indptr[found[i] + 1]; at++) {
        const other = indices[at];
        if (gridOf[other] !== grid || moved[other] === turn || walked[other] === walk) continue;
        walked[other] = walk;
        found[count++] = other;
      }
    }
    return sortCells(found.slice(0, count), this.graph.n);
  }
}

function largestFirst(a: Uint32Array, b: Uint32Array): number {
  return b.length - a.length || a[0] - b[0];
}
