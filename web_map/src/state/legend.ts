/** What the legend says, for the panel and for the picture of the view. */

import { type ColourMode, classOf, DEVIATION_COLOURS, deviationClass, type Rgb, sequenceColour } from "../kernels/palette";
import { formatNumber } from "../i18n";
import type { State } from "./state";

/** A colour, what it means, and how many grids have it. */
export interface LegendRow {
  colour: Rgb;
  words: string;
  count: number;
}

/** A kind of line or pattern on the map. */
export type LegendMark = "hatch" | "line" | "dashes" | "locked" | "lockedBorder" | "moved";

export interface LegendLine {
  mark: LegendMark;
  words: string;
}

/** The classes of the colours; none where colours only tell neighbours apart. */
export function legendRows(state: State): LegendRow[] {
  const rows: Partial<Record<ColourMode, (state: State) => LegendRow[]>> = {
    deviation: deviationRows,
    households: householdRows,
  };
  return rows[state.mode.value]?.(state) ?? [];
}

/** Lines and patterns that are on the map. */
export function legendLines(state: State): LegendLine[] {
  const { t } = state;
  const { inBounds, grids } = state.totals.value;
  const lines: LegendLine[] = [
    { mark: "line", words: t("legend.border") },
    { mark: "dashes", words: t("legend.community") },
  ];
  if (inBounds < grids) lines.unshift({ mark: "hatch", words: t("legend.hatch") });
  if (state.locked.value.size > 0) lines.push({ mark: "locked", words: t("legend.locked") });
  if (state.lockedBorders.value) lines.push({ mark: "lockedBorder", words: t("legend.lockedBorder") });
  if (state.compared.value) lines.push({ mark: "moved", words: t("legend.moved") });
  return lines;
}

function deviationRows(state: State): LegendRow[] {
  const { t } = state;
  const [min, max] = state.bounds.value;
  const counts = [0, 0, 0, 0, 0];
  for (const grid of state.grids.value) if (!grid.retired) counts[deviationClass(grid.households, [min, max])]++;
  const words = [
    t("legend.farBelow", { min }),
    t("legend.below", { min }),
    t("legend.inside", { min, max }),
    t("legend.above", { max }),
    t("legend.farAbove", { max }),
  ];
  return words.map((word, i) => ({ colour: DEVIATION_COLOURS[i], words: word, count: counts[i] }));
}

function householdRows(state: State): LegendRow[] {
  const breaks = state.breaks.value;
  const counts = breaks.map(() => 0);
  const least = breaks.map(() => Infinity);
  for (const { households, retired } of state.grids.value) {
    if (retired) continue;
    const at = classOf(households, breaks);
    counts[at]++;
    least[at] = Math.min(least[at], households);
  }
  return breaks.map((most, i) => ({
    colour: sequenceColour(i, breaks.length),
    words: least[i] === most ? formatNumber(most) : `${formatNumber(least[i])}–${formatNumber(most)}`,
    count: counts[i],
  }));
}
