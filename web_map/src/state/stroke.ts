/** One movement of the hand: cells put into grids in many small steps, which end as one edit or as none. */

import type { Delta, LivePlan } from "../kernels/live";
import { sortCells } from "../kernels/order";

/** Stands for a cell that the stroke has not touched. */
const UNTOUCHED = -2;

export class Stroke {
  private readonly deltas: Delta[] = [];
  /** Grid that each cell had before the stroke, and the cells that were touched. */
  private readonly first: Int32Array;
  private readonly touched: number[] = [];

  constructor(private readonly live: LivePlan) {
    this.first = new Int32Array(live.graph.n).fill(UNTOUCHED);
  }

  /** Put cells into a grid (or each into its own); what changed. */
  add(cells: ArrayLike<number>, grids: number | ArrayLike<number>): Delta {
    const delta = this.live.apply(cells, grids);
    if (delta.cells.length > 0) this.deltas.push(delta);
    for (let i = 0; i < delta.cells.length; i++) {
      if (this.first[delta.cells[i]] !== UNTOUCHED) continue;
      this.first[delta.cells[i]] = delta.before[i];
      this.touched.push(delta.cells[i]);
    }
    return delta;
  }

  get isEmpty(): boolean {
    return this.deltas.length === 0;
  }

  /** All that changed since the beginning, as one delta. */
  delta(): Delta {
    if (this.deltas.length === 1) return this.deltas[0];
    const { first, live, touched } = this;
    const changed = sortCells(
      Uint32Array.from(touched).filter((cell) => live.gridOf[cell] !== first[cell]),
      live.graph.n,
    );
    const [before, after] = [new Int32Array(changed.length), new Int32Array(changed.length)];
    for (let i = 0; i < changed.length; i++) [before[i], after[i]] = [first[changed[i]], live.gridOf[changed[i]]];
    return { cells: changed, before, after };
  }

  /** Take everything back; the cells that had changed. */
  abort(): Delta {
    const whole = this.delta();
    for (const delta of this.deltas.reverse()) this.live.undo(delta);
    this.deltas.length = 0;
    return { cells: whole.cells, before: whole.after, after: whole.before };
  }
}
