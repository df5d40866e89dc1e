/** What the live region says of an edit that was just made here; null where whoever made it says so. */

import type { Key, Values } from "../i18n";
import { shortCode } from "../kernels/codes";
import type { Edit } from "./edit";

export interface Telling {
  key: Key;
  values: Values;
}

const OF_CELLS: ReadonlySet<string> = new Set(["paint", "move", "lasso", "box", "block", "compound"]);

export function tellEdit(
  { kind, after, changes }: Pick<Edit, "kind" | "after" | "changes">,
  grids: readonly { code: string; households: number }[],
): Telling | null {
  if (kind === "undo") return { key: "edit.undone", values: {} };
  if (kind === "redo") return { key: "edit.redone", values: {} };
  const codeOf = (ix: number): string => shortCode(grids[ix]?.code ?? "");
  if (OF_CELLS.has(kind) && after.length > 0) {
    const to = after[0];
    if (after.some((grid) => grid !== to)) return null;
    if (to < 0) return { key: "edit.takenAway", values: {} };
    return { key: "edit.assigned", values: { code: codeOf(to), households: grids[to]?.households ?? 0 } };
  }
  if (kind !== "lock" || changes.length === 0) return null;
  const [{ path, value }] = changes;
  const on = value !== null;
  const [, first, second, third] = path.split("/");
  if (changes.length > 1) return { key: on ? "edit.lockedAll" : "edit.freedAll", values: {} };
  if (path.startsWith("grid/")) return { key: on ? "edit.lockedGrid" : "edit.freedGrid", values: { code: codeOf(Number(first)) } };
  if (first === "border")
    return { key: on ? "edit.lockedBorder" : "edit.freedBorder", values: { a: codeOf(Number(second)), b: codeOf(Number(third)) } };
  return { key: on ? "edit.lockedCell" : "edit.freedCell", values: {} };
}
