import type { GridProperties } from "../api/types";
import { css, gridColour } from "../kernels/palette";
import { numberColour, numberOf } from "../state/measures";
import { useApp } from "./context";

/** The colour of a grid as the map shows it. */
export function Chip({ grid }: { grid: GridProperties }) {
  const { state } = useApp();
  const mode = state.mode.value;
  // Only for numbers the classes are asked for: they are found anew after every edit.
  const byNumber = () => {
    const extra = state.extra.value?.[state.positions.value.get(grid.code) ?? -1];
    return numberColour(state.measure.value, numberOf(state.measure.value, grid, extra), state.breaks.value);
  };
  const colour = mode === "number" ? byNumber() : gridColour(mode, grid, state.bounds.value);
  return <span class="chip" style={{ backgroundColor: css(colour, 0.6), borderColor: css(colour) }} />;
}
