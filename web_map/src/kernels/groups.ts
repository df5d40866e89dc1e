/** Cells sorted by the grid that a mark gives each, without a look at grids that have none. */
export class Groups {
  /** Grids that have cells, in the order in which they were met. */
  touched: number[] = [];
  private count: Int32Array;
  private end: Int32Array;
  private sorted = new Uint32Array(256);

  constructor(nGrids: number) {
    this.count = new Int32Array(nGrids);
    this.end = new Int32Array(nGrids);
  }

  lengthen(nGrids: number): void {
    if (nGrids <= this.count.length) return;
    this.clear();
    this.count = new Int32Array(2 * nGrids);
    this.end = new Int32Array(2 * nGrids);
  }

  /** Sort cells by `marks[cell]`, keeping their order within a grid; cells marked -1 are left out. */
  sort(cells: Uint32Array, marks: Int32Array): void {
    this.clear();
    const { count, end, touched } = this;
    if (this.sorted.length < cells.length) this.sorted = new Uint32Array(2 * cells.length);
    for (let i = 0; i < cells.length; i++) {
      const grid = marks[cells[i]];
      if (grid >= 0 && count[grid]++ === 0) touched.push(grid);
    }
    let at = 0;
    for (const grid of touched) {
      end[grid] = at;
      at += count[grid];
    }
    for (let i = 0; i < cells.length; i++) {
      const grid = marks[cells[i]];
      if (grid >= 0) this.sorted[end[grid]++] = cells[i];
    }
  }

  /** Cells of a grid, as a view that holds until the next sort. */
  of(grid: number): Uint32Array {
    const count = this.count[grid];
    return count === 0 ? this.sorted.subarray(0, 0) : this.sorted.subarray(this.end[grid] - count, this.end[grid]);
  }

  private clear(): void {
    for (const grid of this.touched) this.count[grid] = 0;
    this.touched = [];
  }
}
