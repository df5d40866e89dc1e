/** Numbers of the grids that come from their cells: the share of streets, and any column of the buildings. */

import { batch, effect, untracked } from "@preact/signals";
import { type Client, columnsPath, numbersPath } from "../api/client";
import { decodeBundle, takeArray } from "../api/wgb1";
import { streetShare } from "../kernels/figures";
import type { EditSession } from "./edit";
import { type Column, columnOf, type Measure } from "./measures";
import type { State } from "./state";

/** Sums of the values of all cells by grid; cells without a grid are left out. */
export function sumsOf(values: ArrayLike<number>, gridOf: ArrayLike<number>, nGrids: number): Float64Array {
  const sums = new Float64Array(nGrids);
  for (let cell = 0; cell < gridOf.length; cell++) if (gridOf[cell] >= 0) sums[gridOf[cell]] += values[cell];
  return sums;
}

/** Keep `state.extra` true for the chosen measure: after every edit, and in the middle of a stroke. */
export function connectNumbers(state: State, session: EditSession, client: Pick<Client, "binary" | "json">): void {
  let values: Float32Array | null = null;
  let listed = "";
  let turn = 0;

  const count = (): Float64Array | null => {
    const measure = state.measure.peek();
    const gridIx = state.gridIx.peek();
    const { live } = session;
    const nGrids = Math.max(live?.nGrids ?? 0, state.grids.peek().length);
    if (measure === "streets" && live)
      return Float64Array.from({ length: nGrids }, (_, grid) => streetShare(live.figures, grid) ?? NaN);
    return values && gridIx && values.length === gridIx.length ? sumsOf(values, gridIx, nGrids) : null;
  };

  // Which columns there are; asked for once a data version, when somebody wants to see a number.
  effect(() => {
    const dataset = state.plan.value?.dataset_id;
    if (state.mode.value !== "number" || !dataset || dataset === listed) return;
    listed = dataset;
    state.columns.value = [];
    client
      .json<{ columns: Column[] }>(columnsPath(dataset))
      .then(({ columns }) => dataset === listed && (state.columns.value = columns))
      .catch(() => (listed = ""));
  });

  effect(() => {
    const measure: Measure = state.measure.value;
    const column = columnOf(measure);
    const dataset = state.plan.value?.dataset_id;
    const wanted = state.mode.value === "number";
    void [state.gridIx.value, session.phase.value];
    const mine = ++turn;
    values = null;
    untracked(() => (state.extra.value = wanted ? count() : null));
    if (!wanted || column === null || !dataset) return;
    client
      .binary(numbersPath(dataset, column))
      .then((buffer) => {
        if (mine !== turn) return;
        values = takeArray(decodeBundle(buffer), "values", Float32Array);
        state.extra.value = count();
      })
      .catch(() => mine === turn && batch(() => (state.measure.value = "households")));
  });

  session.onDirty(({ grids, done }) => {
    const { live } = session;
    const known = state.extra.peek();
    if (!live || !known) return;
    if (done || known.length < live.nGrids) {
      state.extra.value = count();
      return;
    }
    const measure = state.measure.peek();
    for (const grid of grids) {
      if (measure === "streets") known[grid] = streetShare(live.figures, grid) ?? NaN;
      else if (values) known[grid] = live.cellsOf(grid).reduce((sum, cell) => sum + (values as Float32Array)[cell], 0);
    }
  });
}
