/** Codes of a first division: from west to east and from north to south in each boundary polygon. */

import type { Change } from "../api/edits";
import type { LivePlan } from "../kernels/live";
import { gridCentres, numberGrids } from "../kernels/numbering";
import type { Attributes } from "./attributes";

/** What has to change so that all living grids have their codes in order; codes of dissolved grids are not used again. */
export function numberingChanges(live: LivePlan, book: Attributes, areas: ReadonlyMap<string, number>): Change[] {
  const isCounted = (ix: number): boolean =>
    book.exists(ix) && live.figures.cells[ix] > 0 && areas.has(book.boundaryOf(ix));
  const grids = book.codes.map((_, ix) => ix).filter(isCounted);
  const reserved = book.codes.filter((_, ix) => !isCounted(ix));
  const areaCodes = [...areas.keys()];
  const areaIx = grids.map((ix) => areaCodes.indexOf(book.boundaryOf(ix)));
  const { order, codes } = numberGrids({ areaIx, areaCodes, ...gridCentres(live, grids), reserved });
  return order.flatMap((position, i) => {
    const ix = grids[position];
    return book.grid(ix).code === codes[i] ? [] : [{ path: `grid/${ix}/code`, value: codes[i] }];
  });
}
