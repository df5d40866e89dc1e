/** What stands between a draft and its publishing, from the figures under the hand. Pure functions. */

import type { CheckKind } from "../api/edits";
import type { LivePlan } from "../kernels/live";
import type { LiveGrid } from "./attributes";

export interface Check {
  kind: CheckKind;
  /** Null for cells that belong to no grid. */
  grid: number | null;
  /** Households over (positive) or under (negative) a bound, number of pieces (0: no cell), or of unassigned cells. */
  amount: number;
}

/** Kinds that publishing never lets pass come first. */
export const KINDS: readonly CheckKind[] = ["unassigned", "in_pieces", "out_of_bounds", "unnamed", "without_staff"];
/** What publishing lets pass where it is named. */
export const EXCUSABLE: readonly CheckKind[] = ["out_of_bounds", "unnamed", "without_staff"];

/** What of a plan under the hand is looked at. */
export interface Checked {
  figures: Pick<LivePlan["figures"], "households" | "cells" | "pieces">;
  isInPieces: LivePlan["isInPieces"];
}

/**
 * All that is open, the gravest kind first, within a kind the worst first. What is in pieces, and that a grid without
 * cells counts as such, is decided as on the server (tests/pieces.json).
 */
export function checksOf(
  live: Checked,
  grids: Iterable<LiveGrid>,
  nCells: number,
  [min, max]: [number, number],
): Check[] {
  const found = new Map<CheckKind, Check[]>(KINDS.map((kind) => [kind, []]));
  const add = (kind: CheckKind, grid: number | null, amount: number): void =>
    void found.get(kind)?.push({ kind, grid, amount });
  const { figures } = live;
  let assigned = 0;
  for (const { ix, name, staff, retired } of grids) {
    if (retired) continue;
    assigned += figures.cells[ix];
    const households = figures.households[ix];
    if (households > max) add("out_of_bounds", ix, households - max);
    else if (households < min) add("out_of_bounds", ix, households - min);
    if (figures.cells[ix] === 0 || live.isInPieces(ix)) add("in_pieces", ix, figures.pieces[ix]);
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
