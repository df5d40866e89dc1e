/** The table of grids: which rows, in which order, and what they add up to. Pure functions. */

import type { GridProperties } from "../api/types";
import { compareCodes, shortCode } from "../kernels/codes";

export type SortKey = "code" | "households" | "people" | "deviation" | "area" | "compact";

export interface Sort {
  key: SortKey;
  ascending: boolean;
}

export interface Totals {
  grids: number;
  households: number;
  inBounds: number;
  over: number;
  under: number;
}

const value: Record<Exclude<SortKey, "code">, (grid: GridProperties) => number> = {
  households: (grid) => grid.households,
  people: (grid) => grid.population ?? 0,
  deviation: (grid) => grid.deviation ?? 0,
  area: (grid) => grid.area_m2,
  compact: (grid) => grid.polsby_popper,
};

/** Positions of the grids that match the text (code, name, community), sorted; equal ones by code. */
export function rowsOf(grids: GridProperties[], text: string, outOnly: boolean, sort: Sort): number[] {
  const wanted = text.trim().toLowerCase();
  const rows = grids.map((_, i) => i).filter((i) => !grids[i].retired && (!outOnly || !grids[i].in_bounds) && matches(grids[i], wanted));
  const sign = sort.ascending ? 1 : -1;
  const ranks = ranksOf(grids);
  const byCode = (a: number, b: number): number => ranks[a] - ranks[b];
  if (sort.key === "code") return rows.sort((a, b) => sign * byCode(a, b));
  const of = value[sort.key];
  return rows.sort((a, b) => sign * (of(grids[a]) - of(grids[b])) || byCode(a, b));
}

let ranked: { codes: string[]; ranks: Int32Array } = { codes: [], ranks: new Int32Array(0) };

// The place of each grid in the order of codes; kept from edit to edit, as codes seldom change.
function ranksOf(grids: GridProperties[]): Int32Array {
  const { codes, ranks } = ranked;
  if (codes.length === grids.length && grids.every((grid, i) => grid.code === codes[i])) return ranks;
  const order = grids.map((_, i) => i).sort((a, b) => compareCodes(grids[a].code, grids[b].code) || a - b);
  const fresh = new Int32Array(grids.length);
  order.forEach((grid, rank) => (fresh[grid] = rank));
  ranked = { codes: grids.map((grid) => grid.code), ranks: fresh };
  return fresh;
}

function matches(grid: GridProperties, wanted: string): boolean {
  if (wanted === "") return true;
  if (/^\d{1,3}$/.test(wanted)) return shortCode(grid.code).includes(wanted);
  return [grid.code, grid.name, grid.boundary_name].some((text) => text?.toLowerCase().includes(wanted));
}

export function totalsOf(grids: GridProperties[], [min, max]: [number, number]): Totals {
  const totals = { grids: 0, households: 0, inBounds: 0, over: 0, under: 0 };
  for (const grid of grids) {
    if (grid.retired) continue;
    totals.grids += 1;
    totals.households += grid.households;
    totals.inBounds += Number(grid.in_bounds);
    totals.over += Number(grid.households > max);
    totals.under += Number(grid.households < min);
  }
  return totals;
}

/** What most needs mending: the grids over the maximum, else those under the minimum; the worst first. */
export function worstGrids(grids: GridProperties[], [min, max]: [number, number]): { kind: "over" | "under"; grids: number[] } | null {
  const positions = grids.map((_, i) => i).filter((i) => !grids[i].retired);
  const over = positions.filter((i) => grids[i].households > max);
  if (over.length > 0) return { kind: "over", grids: over.sort((a, b) => grids[b].households - grids[a].households) };
  const under = positions.filter((i) => grids[i].households < min);
  if (under.length > 0) return { kind: "under", grids: under.sort((a, b) => grids[a].households - grids[b].households) };
  return null;
}

/** Next sorting when a header is pressed: turn round, or begin with the most useful direction. */
export function nextSort(sort: Sort, key: SortKey): Sort {
  if (sort.key === key) return { key, ascending: !sort.ascending };
  return { key, ascending: key === "code" || key === "compact" };
}
