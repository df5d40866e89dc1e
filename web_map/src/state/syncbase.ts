/** Unsent edits when somebody changed the base data: ground was cut anew, and cells have other numbers. */

import type { ServerEdit } from "../api/edits";
import type { Unsent } from "./outbox";

/** What the log keeps of a change of base data; `cells` are runs [first old cell, first new cell, how many]. */
interface BaseValue {
  recut: boolean;
  cells?: [number, number, number][];
}

const basesOf = ({ changes }: ServerEdit): BaseValue[] =>
  changes.flatMap(({ path, value }) => (path === "base" ? [value as BaseValue] : []));

/** Whether any of these edits changed base data. */
export const hasBase = (edits: readonly ServerEdit[]): boolean => edits.some((edit) => basesOf(edit).length > 0);

/**
 * Unsent edits with the numbers that their cells have at revision `now`: changes of base data that came after each of
 * them are followed. Cells that are gone are left out.
 */
export function afterBase(queue: readonly Unsent[], log: readonly ServerEdit[], now: number): Unsent[] {
  const changes = log.filter((edit) => edit.revision <= now && hasBase([edit])).sort((a, b) => a.revision - b.revision);
  return queue.map((entry) => {
    const since = entry.revision ?? now;
    const steps = changes.filter(({ revision }) => revision > since).flatMap(basesOf).filter(({ recut }) => recut);
    return steps.length > 0 ? { ...renumbered(entry, steps), revision: now } : entry;
  });
}

function renumbered(entry: Unsent, steps: readonly BaseValue[]): Unsent {
  const placeOf = (cell: number): number => steps.reduce((at, { cells }) => (at < 0 ? at : placed(at, cells ?? [])), cell);
  const cells = entry.cells.map(placeOf);
  // Two cells may be one now.
  const met = new Set<number>();
  const there = cells.map((cell) => cell >= 0 && met.size < met.add(cell).size);
  return {
    ...entry,
    cells: cells.filter((_, i) => there[i]),
    grids: entry.grids.filter((_, i) => there[i]),
    before: entry.before.filter((_, i) => there[i]),
    changes: entry.changes.flatMap((change) => {
      if (!change.path.startsWith("lock/cell/")) return [change];
      const cell = placeOf(Number(change.path.slice("lock/cell/".length)));
      return cell < 0 ? [] : [{ ...change, path: `lock/cell/${cell}` }];
    }),
  };
}

/** Where a cell is now, by runs in ascending order of the old cells; -1 where no run holds it. */
function placed(cell: number, runs: readonly [number, number, number][]): number {
  let low = 0;
  let high = runs.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (runs[middle][0] <= cell) low = middle;
    else high = middle - 1;
  }
  const run = runs[low];
  return run && cell >= run[0] && cell < run[0] + run[2] ? run[1] + cell - run[0] : -1;
}
