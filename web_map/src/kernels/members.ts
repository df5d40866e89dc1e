import { sortCells } from "./order";

/** The cells of each grid as linked lists: a cell changes its list in constant time. */
export class Members {
  private readonly next: Int32Array;
  private readonly previous: Int32Array;
  /** First cell of each list, -1 for none; list 0 holds the unassigned cells, list g + 1 those of grid g. */
  private first: Int32Array;

  constructor(gridOf: Int32Array, nGrids: number) {
    this.next = new Int32Array(gridOf.length);
    this.previous = new Int32Array(gridOf.length);
    this.first = new Int32Array(nGrids + 1);
    this.refill(gridOf);
  }

  /** Begin anew with this assignment. */
  refill(gridOf: Int32Array): void {
    this.first.fill(-1);
    for (let cell = gridOf.length - 1; cell >= 0; cell--) this.insert(cell, gridOf[cell]);
  }

  lengthen(nGrids: number): void {
    if (nGrids + 1 <= this.first.length) return;
    const longer = new Int32Array(2 * (nGrids + 1)).fill(-1);
    longer.set(this.first);
    this.first = longer;
  }

  move(cell: number, from: number, to: number): void {
    const { next, previous } = this;
    if (previous[cell] >= 0) next[previous[cell]] = next[cell];
    else this.first[from + 1] = next[cell];
    if (next[cell] >= 0) previous[next[cell]] = previous[cell];
    this.insert(cell, to);
  }

  /** Cells of a grid (-1: unassigned) in ascending order. */
  of(grid: number): Uint32Array {
    return sortCells(this.unsorted(grid), this.next.length);
  }

  /** The same in any order, which takes less time. */
  unsorted(grid: number): Uint32Array {
    let count = 0;
    for (let cell = this.first[grid + 1]; cell >= 0; cell = this.next[cell]) count++;
    const cells = new Uint32Array(count);
    for (let cell = this.first[grid + 1], i = 0; cell >= 0; cell = this.next[cell]) cells[i++] = cell;
    return cells;
  }

  private insert(cell: number, grid: number): void {
    const { next, previous, first } = this;
    next[cell] = first[grid + 1];
    previous[cell] = -1;
    if (next[cell] >= 0) previous[next[cell]] = cell;
    first[grid + 1] = cell;
  }
}
