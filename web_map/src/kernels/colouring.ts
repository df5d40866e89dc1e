/**
 * Colours of grids: no two with a common border have one colour, and the same plan has the same colours on every page and
 * after every reload. Each grid wishes for a colour by its number alone and gives way to lower numbers beside it, so that an
 * edit changes colours near it at most. gis_core/publish/steady.py does the same; tests/colouring.json holds both together.
 */

import type { LivePlan } from "./live";

export const COLOURS = 8;
/** A grid without colour. */
export const NO_COLOUR = 255;

/** Which grids have a common border, kept true from edit to edit; a bridge is none. */
export class Beside {
  /** Grids beside each grid, ascending. */
  readonly rows: number[][];

  constructor(live: LivePlan) {
    const { graph, gridOf, nGrids } = live;
    const found = Array.from({ length: nGrids }, () => new Set<number>());
    for (let cell = 0; cell < graph.n; cell++) {
      const grid = gridOf[cell];
      if (grid < 0) continue;
      for (let at = graph.indptr[cell]; at < graph.indptr[cell + 1]; at++) {
        const other = gridOf[graph.indices[at]];
        if (other >= 0 && other !== grid && graph.lengthM[at] > 0) found[grid].add(other);
      }
    }
    this.rows = found.map((row) => [...row].sort(ascending));
  }

  /** Call after cells came to these grids or left them. */
  renew(live: LivePlan, touched: Iterable<number>): void {
    const { rows } = this;
    while (rows.length < live.nGrids) rows.push([]);
    for (const grid of touched) {
      const row = live.neighbours(grid).flatMap(({ grid: other, lengthM }) => (lengthM > 0 ? [other] : []));
      for (const other of rows[grid]) if (!row.includes(other)) rows[other] = rows[other].filter((each) => each !== grid);
      for (const other of row) if (!rows[other].includes(grid)) rows[other] = [...rows[other], grid].sort(ascending);
      rows[grid] = row;
    }
  }
}

const ascending = (a: number, b: number): number => a - b;

/**
 * Colours of all grids; `chosen` gives the colour that was chosen by hand, which stays, null where there is none, and
 * `NO_COLOUR` for a grid that is dissolved. Where all eight are taken around a grid, those beside it make room if they
 * can; else it takes the colour that the fewest of them have.
 */
export function colourGrids(rows: readonly (readonly number[])[], chosen: readonly (number | null)[]): Uint8Array {
  const colours = Uint8Array.from(chosen, (colour) => colour ?? NO_COLOUR);
  for (let grid = 0; grid < colours.length; grid++) {
    if (chosen[grid] !== null) continue;
    const wishes = wishesOf(grid);
    colours[grid] =
      wishes.find((colour) => isFree(rows, colours, grid, colour)) ??
      wishes.find((colour) => makeRoom(rows, colours, chosen, grid, colour)) ??
      fewest(wishes, rows[grid], colours);
  }
  return colours;
}

// Eight grids in a row wish for eight colours.
const WISHES = Array.from({ length: COLOURS }, (_, first) => Array.from({ length: COLOURS }, (_, step) => (first + step) % COLOURS));
const wishesOf = (grid: number): readonly number[] => WISHES[(grid + 3 * Math.floor(grid / COLOURS)) % COLOURS];

function isFree(rows: readonly (readonly number[])[], colours: Uint8Array, grid: number, colour: number): boolean {
  for (const other of rows[grid]) if (colours[other] === colour) return false;
  return true;
}

// Gives the grids beside one that have a colour other ones, where all of them can; whether they could.
function makeRoom(
  rows: readonly (readonly number[])[],
  colours: Uint8Array,
  chosen: readonly (number | null)[],
  grid: number,
  colour: number,
): boolean {
  const holders = rows[grid].filter((other) => colours[other] === colour);
  if (holders.some((holder) => chosen[holder] !== null)) return false;
  for (const holder of holders) {
    const other = wishesOf(holder).find((wish) => wish !== colour && isFree(rows, colours, holder, wish));
    if (other === undefined) {
      for (const each of holders) colours[each] = colour;
      return false;
    }
    colours[holder] = other;
  }
  return true;
}

// The first of those that the fewest of some grids have.
function fewest(wishes: readonly number[], grids: readonly number[], colours: Uint8Array): number {
  const uses = new Uint32Array(COLOURS);
  for (const grid of grids) if (colours[grid] < COLOURS) uses[colours[grid]]++;
  return wishes.reduce((best, colour) => (uses[colour] < uses[best] ? colour : best));
}
