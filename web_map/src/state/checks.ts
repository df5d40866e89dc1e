/** What stands between a draft and its publishing, from the figures under the hand. Pure functions. */

import type { CheckKind } from "../api/edits";
import type { Figures } from "../kernels/figures";
import type { LiveGrid } from "./attributes";

export interface Check {
  kind: CheckKind;
  /** Null for cells that belong to no grid. */
  grid: number | null;
  /** Households over (positive) or under (negative) a bound, number of pieces, or of unassigned cells. */
  amount: number;
}

/** Kinds that publishing never lets pass come first. */
export const KINDS: readonly CheckKind[] = ["unassigned", "in_pieces", "out_of_bounds", "unnamed", "without_staff"];
/** What publishing lets pass where it is named. */
export const EXCUSABLE: readonly CheckKind[] = ["out_of_bounds", "unnamed", "without_staff"];

/** All that is open, the gravest kind first, within a kind the worst first. */
export function checksOf(
  figures: Pick<Figures, "households" | "cells" | "pieces">,
  grids: Iterable<LiveGrid>,
  nCells: number,
  [min, max]: [number, number],
): Check[] {
  const found = new Map<CheckKind, Check[]>(KINDS.map((kind) => [kind, []]));
  const add = (kind: CheckKind, grid: number | null, amount: number): void =>
    void found.get(kind)?.push({ kind, grid, amount });
  let assigned = 0;
  for (const { ix, name, staff, retired } of grids) {
    if (retired) continue;
    assigned += figures.cells[ix];
    const households = figures.households[ix];
    if (households > max) add("out_of_bounds", ix, households - max);
    else if (households < min) add("out_of_bounds", ix, households - min);
    if (figures.pieces[ix] > 1) add("in_pieces", ix, figures.pieces[ix]);
    if (!name) add("unnamed", ix, 0);
    if (staff.length === 0) add("without_staff", ix, 0);
  }
  if (assigned < nCells) add("unassigned", null, nCells - assigned);
  // Those over the maximum before those under the minimum.
  found.get("out_of_bounds")?.sort((a, b) => Number(b.amount > 0) - Number(a.amount > 0) || Math.abs(b.amount) - Math.abs(a.amount));
  return KINDS.flatMap((kind) => found.get(kind) ?? []);
}

/** Number of each kind. */
export function countsOf(checks: readonly Check[]): Map<CheckKind, number> {
  const counts = new Map<CheckKind, number>();
  for (const { kind, amount } of checks) counts.set(kind, (counts.get(kind) ?? 0) + (kind === "unassigned" ? amount : 1));
  return counts;
}
