import type { GridProperties } from "../api/types";
import { css, gridColour } from "../kernels/palette";
import { useApp } from "./context";

/** The colour of a grid as the map shows it. */
export function Chip({ grid }: { grid: GridProperties }) {
  const { state } = useApp();
  // Only this mode asks for the classes: they are found anew after every edit.
  const breaks = state.mode.value === "households" ? state.breaks.value : [];
  const colour = gridColour(state.mode.value, grid, state.bounds.value, breaks);
  return <span class="chip" style={{ backgroundColor: css(colour, 0.6), borderColor: css(colour) }} />;
}
