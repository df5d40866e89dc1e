/** Which cells are in another grid in another plan of the same cells. Grids of two plans are one where their codes are. */

/** Cells, ascending, whose grid has another code; a cell without a grid has none. */
export function movedCells(
  before: Int32Array,
  codesBefore: readonly string[],
  after: Int32Array,
  codesAfter: readonly string[],
): Uint32Array {
  const numberOf = new Map(codesAfter.map((code, ix) => [code, ix]));
  const translated = Int32Array.from(codesBefore, (code) => numberOf.get(code) ?? -2);
  const moved: number[] = [];
  const count = Math.min(before.length, after.length);
  for (let cell = 0; cell < count; cell++) {
    const was = before[cell] < 0 ? -1 : translated[before[cell]];
    if (was !== (after[cell] < 0 ? -1 : after[cell])) moved.push(cell);
  }
  return Uint32Array.from(moved);
}
