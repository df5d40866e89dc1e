/** Cells in ascending order, without the cost of sorting where they are many. */

const FEW = 64;

/** The marked cells in ascending order. */
export function markedCells(marks: Uint8Array): Uint32Array {
  const cells = new Uint32Array(marks.length);
  let count = 0;
  for (let cell = 0; cell < marks.length; cell++) if (marks[cell] === 1) cells[count++] = cell;
  return cells.slice(0, count);
}

/** Lists one after the other. */
export function concat(lists: readonly ArrayLike<number>[]): Uint32Array {
  const all = new Uint32Array(lists.reduce((sum, list) => sum + list.length, 0));
  let at = 0;
  for (const list of lists) {
    all.set(list, at);
    at += list.length;
  }
  return all;
}

/** Sort distinct cells out of `n` in place; many of them by a walk over all cells. */
export function sortCells(cells: Uint32Array, n: number): Uint32Array {
  if (cells.length * FEW < n) return cells.sort();
  const marks = new Uint8Array(n);
  for (let i = 0; i < cells.length; i++) marks[cells[i]] = 1;
  for (let cell = 0, at = 0; at < cells.length; cell++) if (marks[cell] === 1) cells[at++] = cell;
  return cells;
}
