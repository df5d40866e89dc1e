/** One movement of the hand: cells put into grids in many small steps, which end as one edit or as none. */

import type { Delta, LivePlan } from "../kernels/live";

export class Stroke {
  private readonly deltas: Delta[] = [];
  private readonly first = new Map<number, number>();

  constructor(private readonly live: LivePlan) {}

  /** Put cells into a grid (or each into its own); what changed. */
  add(cells: ArrayLike<number>, grids: number | ArrayLike<number>): Delta {
    const delta = this.live.apply(cells, grids);
    if (delta.cells.length > 0) this.deltas.push(delta);
    return delta;
  }

  get isEmpty(): boolean {
    return this.deltas.length === 0;
  }

  /** All that changed since the beginning, as one delta. */
  delta(): Delta {
    if (this.deltas.length === 1) return this.deltas[0];
    this.first.clear();
    for (const { cells, before } of this.deltas)
      for (let i = 0; i < cells.length; i++) if (!this.first.has(cells[i])) this.first.set(cells[i], before[i]);
    const changed = Uint32Array.from(
      [...this.first].filter(([cell, before]) => this.live.gridOf[cell] !== before).map(([cell]) => cell),
    ).sort();
    return {
      cells: changed,
      before: Int32Array.from(changed, (cell) => this.first.get(cell) as number),
      after: Int32Array.from(changed, (cell) => this.live.gridOf[cell]),
    };
  }

  /** Take everything back; the cells that had changed. */
  abort(): Delta {
    const whole = this.delta();
    for (const delta of this.deltas.reverse()) this.live.undo(delta);
    this.deltas.length = 0;
    return { cells: whole.cells, before: whole.after, after: whole.before };
  }
}
