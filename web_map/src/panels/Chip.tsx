import type { GridProperties } from "../api/types";
import { css, gridColour } from "../kernels/palette";
import { useApp } from "./context";

/** The colour of a grid as the map shows it. */
export function Chip({ grid }: { grid: GridProperties }) {
  const { state } = useApp();
  const colour = gridColour(state.mode.value, grid, state.bounds.value, state.breaks.value);
  return <span class="chip" style={{ backgroundColor: css(colour, 0.6), borderColor: css(colour) }} />;
}
