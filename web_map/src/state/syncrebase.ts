/** What happens to edits that are not sent yet when somebody else's came first. Pure functions. */

import type { Change, ServerEdit } from "../api/edits";
import type { Unsent } from "./outbox";

/** Cells and attributes that both sides changed, to different ends. */
export interface Overlap {
  cells: number[];
  paths: string[];
}

/** Where a row of edits leaves its cells and attributes. */
interface Ends {
  cells: Map<number, number>;
  values: Map<string, unknown>;
}

interface Touches {
  cells?: ArrayLike<number>;
  grids?: ArrayLike<number>;
  changes: readonly Change[];
}

function endsOf(edits: readonly Touches[]): Ends {
  const ends: Ends = { cells: new Map(), values: new Map() };
  for (const { cells = [], grids = [], changes } of edits) {
    for (let i = 0; i < cells.length; i++) ends.cells.set(cells[i], grids[i]);
    for (const { path, value } of changes) ends.values.set(path, value);
  }
  return ends;
}

/** Same cell to another grid, same attribute to another value, or an attribute of a grid that the other side took away. */
export function overlapOf(remote: readonly ServerEdit[], mine: readonly Unsent[]): Overlap {
  const [theirs, ours] = [endsOf(remote), endsOf(mine)];
  const cells = [...ours.cells].filter(([cell, grid]) => (theirs.cells.get(cell) ?? grid) !== grid).map(([cell]) => cell);
  const paths = [...ours.values.keys()].filter((path) => {
    if (theirs.values.has(path)) return !same(theirs.values.get(path), ours.values.get(path));
    return goneWith(path, theirs.values);
  });
  const taken = [...theirs.values.keys()].filter((path) => goneWith(path, ours.values));
  return { cells: cells.sort((a, b) => a - b), paths: [...new Set([...paths, ...taken])].sort() };
}

// Whether `path` belongs to a grid that `values` take away.
function goneWith(path: string, values: Map<string, unknown>): boolean {
  const grid = gridPath(path);
  return grid !== null && grid !== path && values.has(grid) && values.get(grid) === null;
}

const gridPath = (path: string): string | null => /^grid\/\d+/.exec(path)?.[0] ?? null;
export const isEmpty = ({ cells, paths }: Overlap): boolean => cells.length === 0 && paths.length === 0;
export const same = (a: unknown, b: unknown): boolean => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);

/** Edits without what overlaps; for unsent ones those with nothing left fall away. */
export function without<T extends Touches & { before?: number[] }>(edits: readonly T[], overlap: Overlap): T[] {
  const cells = new Set(overlap.cells);
  const paths = new Set(overlap.paths);
  const left: T[] = [];
  for (const edit of edits) {
    const [from, to, was] = [Array.from(edit.cells ?? []), Array.from(edit.grids ?? []), edit.before];
    const kept = from.map((_, i) => i).filter((i) => !cells.has(from[i]));
    const changes = edit.changes.filter(({ path }) => !paths.has(path));
    if (kept.length === 0 && changes.length === 0) continue;
    const trimmed = { ...edit, cells: kept.map((i) => from[i]), grids: kept.map((i) => to[i]), changes };
    left.push(was ? { ...trimmed, before: kept.map((i) => was[i]) } : trimmed);
  }
  return left;
}

/** Grids that these edits bring into being. */
export function madeBy(edits: readonly Touches[]): number[] {
  const made = new Set<number>();
  for (const { changes } of edits)
    for (const { path, value } of changes) {
      const number = /^grid\/(\d+)$/.exec(path);
      if (number && value !== null) made.add(Number(number[1]));
    }
  return [...made].sort((a, b) => a - b);
}

/**
 * Two people may each make "the next grid" at the same time. Ours then take the next free numbers and codes.
 *
 * @param first the number after the last one that the server knows
 * @param codes all codes that were ever used by others
 * @returns null where no number was taken twice
 */
export function renumber(
  mine: readonly Unsent[],
  taken: readonly number[],
  first: number,
  codes: ReadonlySet<string>,
): Unsent[] | null {
  const others = new Set(taken);
  const made = madeBy(mine);
  if (!made.some((grid) => others.has(grid))) return null;
  const next = new Map(made.map((grid, i) => [grid, first + i]));
  const number = (grid: number): number => next.get(grid) ?? grid;
  const used = new Set(codes);
  const renamed = new Map<string, string>();
  const fresh = (code: string): string => {
    const known = renamed.get(code);
    if (known !== undefined) return known;
    const free = used.has(code) ? nextCode(code, used) : code;
    used.add(free);
    renamed.set(code, free);
    return free;
  };
  const path = (text: string): string =>
    text
      .replace(/^grid\/(\d+)/, (_, grid: string) => `grid/${number(Number(grid))}`)
      .replace(/^lock\/border\/(\d+)\/(\d+)$/, (_, a: string, b: string) => {
        const [low, high] = [number(Number(a)), number(Number(b))].sort((x, y) => x - y);
        return `lock/border/${low}/${high}`;
      });
  const changed = (change: Change): Change => {
    const grid = /^grid\/(\d+)(\/code)?$/.exec(change.path);
    let value = change.value;
    if (grid && next.has(Number(grid[1])) && value !== null) {
      if (grid[2]) value = fresh(String(value));
      else value = { ...(value as object), code: fresh(String((value as { code: string }).code)) };
    }
    return { ...change, path: path(change.path), value };
  };
  return mine.map((edit) => ({
    ...edit,
    grids: edit.grids.map(number),
    before: edit.before.map(number),
    changes: edit.changes.map(changed) as Unsent["changes"],
  }));
}

/** Codes that these edits give to grids. */
export function codesOf(edits: readonly Touches[]): Set<string> {
  const codes = new Set<string>();
  for (const { changes } of edits)
    for (const { path, value } of changes) {
      const code = /^grid\/\d+\/code$/.test(path) ? value : (value as { code?: unknown } | null)?.code;
      if (typeof code === "string") codes.add(code);
    }
  return codes;
}

/** The first free code after this one: its last digits go up. */
export function nextCode(code: string, used: ReadonlySet<string>): string {
  const [, head, digits] = /^(.*?)(\d*)$/.exec(code) as unknown as [string, string, string];
  for (let number = Number(digits || 0) + 1; ; number++) {
    const next = head + String(number).padStart(Math.max(digits.length, 1), "0");
    if (!used.has(next)) return next;
  }
}
