/**
 * A plan under the hand: which grid each cell is in, and the figures of every grid, kept true by each edit in time
 * proportional to the cells that it touches. Numbers are read from `figures` when they are needed: adding a grid
 * replaces the arrays in it by longer ones.
 */

import type { Graph } from "./adjacency";
import { Contiguity } from "./contiguity";
import { countAll, emptyFigures, type Figures, lengthen, moveCell } from "./figures";
import { Groups } from "./groups";
import { islandSizes } from "./islands";
import { Members } from "./members";
import { concat, sortCells } from "./order";

export type { Figures } from "./figures";

/** Cells ascending, each once; before and after differ everywhere; -1 is unassigned. */
export interface Delta {
  cells: Uint32Array;
  before: Int32Array;
  after: Int32Array;
}

export interface Neighbour {
  grid: number;
  lengthM: number;
  streetM: number;
}

/** Cells, ascending, that a move would leave without contact to the rest of their grid. */
export interface CutOffPiece {
  grid: number;
  cells: Uint32Array;
}

const UNASSIGNED = -1;
/** Cells of a grid whose pieces take long to tell apart. */
const LARGE = 4000;
/** From this share of all cells on it takes less time to count everything anew than to follow each cell. */
const BULK = 1 / 8;

export class LivePlan {
  nGrids: number;
  readonly figures: Figures;
  private readonly members: Members;
  private readonly contiguity: Contiguity;
  private readonly leaving: Groups;
  private readonly joining: Groups;
  private readonly picked: Uint32Array;
  private islands: Uint32Array | null = null;
  /** What `isInPieces` has found; forgotten with every edit of the grid. */
  private readonly inPieces = new Map<number, boolean>();

  /** Takes `gridOf` over and changes it in place. */
  constructor(
    readonly graph: Graph,
    readonly gridOf: Int32Array,
    nGrids: number,
  ) {
    if (gridOf.length !== graph.n) throw new RangeError(`the plan has ${gridOf.length} cells, the graph ${graph.n}`);
    this.nGrids = nGrids;
    for (let cell = 0; cell < graph.n; cell++) this.requireGrid(gridOf[cell]);
    this.figures = emptyFigures(nGrids);
    this.members = new Members(gridOf, nGrids);
    this.contiguity = new Contiguity(graph, gridOf);
    this.leaving = new Groups(nGrids);
    this.joining = new Groups(nGrids);
    this.picked = new Uint32Array(graph.n);
    countAll(graph, gridOf, this.figures);
    if (this.figures.cells.some((count) => count > LARGE)) this.contiguity.prepare();
  }

  /** Make a grid without cells and return its number. */
  addGrid(): number {
    const grid = this.nGrids++;
    lengthen(this.figures, this.nGrids);
    this.members.lengthen(this.nGrids);
    this.leaving.lengthen(this.nGrids);
    this.joining.lengthen(this.nGrids);
    return grid;
  }

  /** Put cells into a grid (-1: none), or each into its own; of a cell named twice the last counts. */
  apply(cells: ArrayLike<number>, grid: number | ArrayLike<number>): Delta {
    const { contiguity, gridOf, picked } = this;
    const many = this.isMany(cells.length) ? this.applyMany(cells, grid) : null;
    if (many) return many;
    const { moved, after } = contiguity;
    const count = this.mark(cells, grid);
    let changed = 0;
    let sorted = true;
    for (let i = 0; i < count; i++) {
      const cell = picked[i];
      if (after[cell] === gridOf[cell]) {
        moved[cell] = 0;
        continue;
      }
      if (changed > 0 && picked[changed - 1] > cell) sorted = false;
      picked[changed++] = cell;
    }
    const delta = { cells: picked.slice(0, changed), before: new Int32Array(changed), after: new Int32Array(changed) };
    if (!sorted) sortCells(delta.cells, this.graph.n);
    for (let i = 0; i < changed; i++) {
      delta.before[i] = gridOf[delta.cells[i]];
      delta.after[i] = after[delta.cells[i]];
    }
    this.commit(delta);
    return delta;
  }

  undo(delta: Delta): void {
    this.apply(delta.cells, delta.before);
  }

  redo(delta: Delta): void {
    this.apply(delta.cells, delta.after);
  }

  /** Cells that would be cut off from the rest of their grid if `cells` went to `target`, ascending. */
  cutOff(cells: ArrayLike<number>, target: number): Uint32Array {
    const pieces = this.cutOffPieces(cells, target);
    if (pieces.length === 1) return pieces[0].cells;
    return sortCells(concat(pieces.map((piece) => piece.cells)), this.graph.n);
  }

  /** The same piece by piece; the piece with the most cells counts as the rest and is not among them. */
  cutOffPieces(cells: ArrayLike<number>, target: number): CutOffPiece[] {
    const { contiguity, gridOf, picked } = this;
    const count = this.mark(cells, target);
    let gone = 0;
    for (let i = 0; i < count; i++) {
      const cell = picked[i];
      if (gridOf[cell] === target || gridOf[cell] === UNASSIGNED) contiguity.moved[cell] = 0;
      else picked[gone++] = cell;
    }
    return this.piecesWithout(picked.subarray(0, gone), gridOf);
  }

  /** What an edit that has been made has cut off, as `cutOffPieces` would have said before it. */
  cutOffBy({ cells, before }: Delta): CutOffPiece[] {
    const { contiguity } = this;
    contiguity.beginMove();
    for (let i = 0; i < cells.length; i++) {
      contiguity.moved[cells[i]] = contiguity.turn;
      contiguity.after[cells[i]] = before[i];
    }
    return this.piecesWithout(cells, contiguity.after);
  }

  /** Cells of a grid (-1: unassigned), ascending. */
  cellsOf(grid: number): Uint32Array {
    this.requireGrid(grid);
    return this.members.of(grid);
  }

  /** Connected pieces of a grid, largest first, each ascending. */
  pieceCells(grid: number): Uint32Array[] {
    return this.contiguity.pieces(grid, this.cellsOf(grid));
  }

  /**
   * Whether a grid is in more pieces than it must be: it may take whole islands of its area and one part of a further
   * one. The same rule decides on the server whether a plan may be published.
   */
  isInPieces(grid: number): boolean {
    if (this.figures.pieces[grid] < 2) return false;
    const known = this.inPieces.get(grid);
    if (known !== undefined) return known;
    this.islands ??= islandSizes(this.graph);
    const verdict = this.contiguity.isPartOfTwo(grid, this.members.unsorted(grid), this.islands);
    this.inPieces.set(grid, verdict);
    return verdict;
  }

  /** Grids that touch a grid, by number, with the border between the two and its part on streets. */
  neighbours(grid: number): Neighbour[] {
    const { indptr, indices, lengthM, street } = this.graph;
    const { gridOf } = this;
    const found = new Map<number, Neighbour>();
    let neighbour: Neighbour | undefined;
    this.requireGrid(grid);
    for (const cell of this.members.unsorted(grid)) {
      for (let at = indptr[cell]; at < indptr[cell + 1]; at++) {
        const other = gridOf[indices[at]];
        if (other === grid || other === UNASSIGNED) continue;
        if (neighbour?.grid !== other) neighbour = found.get(other);
        if (!neighbour) found.set(other, (neighbour = { grid: other, lengthM: 0, streetM: 0 }));
        neighbour.lengthM += lengthM[at];
        if (street[at] > 0) neighbour.streetM += lengthM[at];
      }
    }
    return [...found.values()].sort((a, b) => a.grid - b.grid);
  }

  private piecesWithout(cells: Uint32Array, marks: Int32Array): CutOffPiece[] {
    const { contiguity, leaving } = this;
    leaving.sort(cells, marks);
    const found: CutOffPiece[] = [];
    for (const grid of [...leaving.touched].sort((a, b) => a - b))
      for (const piece of contiguity.cutOff(grid, leaving.of(grid), marks)) found.push({ grid, cells: piece });
    return found;
  }

  // Notes where each cell is to go; returns how many distinct cells there are, which stand in `picked`.
  private mark(cells: ArrayLike<number>, grid: number | ArrayLike<number>): number {
    const { contiguity, picked, graph } = this;
    const one = typeof grid === "number" ? grid : null;
    if (one !== null) this.requireGrid(one);
    else if ((grid as ArrayLike<number>).length !== cells.length) throw new RangeError("the grids are not as many as the cells");
    contiguity.beginMove();
    const { moved, after, turn } = contiguity;
    let count = 0;
    for (let i = 0; i < cells.length; i++) {
      const cell = cells[i];
      if (!(cell >= 0 && cell < graph.n)) throw new RangeError(`cell ${cell} is not one of ${graph.n}`);
      const to = one ?? (grid as ArrayLike<number>)[i];
      if (one === null) this.requireGrid(to);
      after[cell] = to;
      if (moved[cell] === turn) continue;
      moved[cell] = turn;
      picked[count++] = cell;
    }
    return count;
  }

  private commit(delta: Delta): void {
    const { contiguity, figures, members, leaving, joining, graph, gridOf } = this;
    const { cells, before, after } = delta;
    if (this.isMany(cells.length)) return this.commitMany(cells, after);
    leaving.sort(cells, gridOf);
    joining.sort(cells, contiguity.after);
    for (const grid of leaving.touched) this.inPieces.delete(grid);
    for (const grid of joining.touched) this.inPieces.delete(grid);
    for (const grid of leaving.touched)
      figures.pieces[grid] += contiguity.change(grid, leaving.of(grid), joining.of(grid));
    for (const grid of joining.touched)
      if (leaving.of(grid).length === 0)
        figures.pieces[grid] += contiguity.change(grid, leaving.of(grid), joining.of(grid));
    for (let i = 0; i < cells.length; i++) {
      moveCell(graph, figures, gridOf, cells[i], after[i]);
      members.move(cells[i], before[i], after[i]);
    }
  }

  private isMany(count: number): boolean {
    return count > BULK * this.graph.n && count > LARGE;
  }

  // The same for many cells that ascend, without a mark on each; null where it is not that.
  private applyMany(cells: ArrayLike<number>, grid: number | ArrayLike<number>): Delta | null {
    const { gridOf, graph, picked, nGrids } = this;
    const one = typeof grid === "number";
    if (!(cells instanceof Uint32Array) || !(one || grid instanceof Int32Array)) return null;
    if (one) this.requireGrid(grid);
    else if (grid.length !== cells.length) return null;
    const [before, after] = [new Int32Array(cells.length), new Int32Array(cells.length)];
    let changed = 0;
    let last = -1;
    for (let i = 0; i < cells.length; i++) {
      const cell = cells[i];
      if (cell <= last || cell >= graph.n) return null;
      last = cell;
      const from = gridOf[cell];
      const to = one ? grid : grid[i];
      if (from === to) continue;
      if (to < UNASSIGNED || to >= nGrids) return null;
      picked[changed] = cell;
      before[changed] = from;
      after[changed++] = to;
    }
    if (!this.isMany(changed)) return null;
    const delta = { cells: picked.slice(0, changed), before: before.slice(0, changed), after: after.slice(0, changed) };
    this.commitMany(delta.cells, delta.after);
    return delta;
  }

  private commitMany(cells: Uint32Array, after: Int32Array): void {
    const { figures, graph, gridOf, members } = this;
    if (cells.length === graph.n) gridOf.set(after);
    else for (let i = 0; i < cells.length; i++) gridOf[cells[i]] = after[i];
    countAll(graph, gridOf, figures);
    members.refill(gridOf);
    this.inPieces.clear();
  }

  private requireGrid(grid: number): void {
    if (grid >= UNASSIGNED && grid < this.nGrids) return;
    throw new RangeError(`grid ${grid} is not one of ${this.nGrids}`);
  }
}
