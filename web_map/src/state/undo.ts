/** What can be taken back and done again, in few bytes (kernels/journal.ts). */

import { type ReadonlySignal, signal } from "@preact/signals";
import type { Change } from "../api/edits";
import { EditStack } from "../kernels/journal";
import type { Edit } from "./edit";

/** What an undo or a redo has to do. */
export interface TakeBack {
  key: string;
  cells: Uint32Array;
  grids: Int32Array;
  changes: Change[];
}

export class UndoStacks {
  private done = new EditStack<Edit>();
  private undone = new EditStack<Edit>();
  private readonly depths = { undo: signal(0), redo: signal(0) };

  get undoDepth(): ReadonlySignal<number> {
    return this.depths.undo;
  }

  get redoDepth(): ReadonlySignal<number> {
    return this.depths.redo;
  }

  /** A new edit: what was undone cannot be done again after it. */
  push(edit: Edit): void {
    this.done.push(edit);
    this.undone.truncate(0);
    this.count();
  }

  /** The inverse of the last edit, without the cells that somebody else has put elsewhere since. */
  next(way: "undo" | "redo", gridOf: Int32Array): TakeBack | null {
    const last = (way === "undo" ? this.done : this.undone).peek();
    if (!last) return null;
    const isOurs = (_: number, i: number): boolean => gridOf[last.cells[i]] === last.after[i];
    const [cells, grids] = [last.cells.filter(isOurs), last.before.filter(isOurs)];
    const changes = last.changes.map(({ path, before }) => ({ path, value: before })).reverse();
    return { key: last.key, cells, grids, changes };
  }

  /** The last edit was taken back by `by` (null: there was nothing left of it); it goes to the other stack. */
  turn(way: "undo" | "redo", by: Edit | null): void {
    const [from, to] = way === "undo" ? [this.done, this.undone] : [this.undone, this.done];
    const last = from.pop();
    if (last && by) to.push({ ...by, kind: last.kind });
    this.count();
  }

  /** Take over what an earlier page has done, oldest first. */
  restore(done: readonly Edit[], undone: readonly Edit[]): void {
    this.done = new EditStack();
    this.undone = new EditStack();
    for (const edit of done) this.done.push(edit);
    for (const edit of undone) this.undone.push(edit);
    this.count();
  }

  private count(): void {
    this.depths.undo.value = this.done.length;
    this.depths.redo.value = this.undone.length;
  }
}
