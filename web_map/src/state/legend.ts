/** What the legend says, for the panel and for the picture of the view. */

import { type ColourMode, classOf, DEVIATION_COLOURS, deviationClass, type Rgb } from "../kernels/palette";
import { formatNumber, formatPercent, type Key } from "../i18n";
import { classColour, columnOf, type Measure, NO_NUMBER, numberOf } from "./measures";
import type { State } from "./state";

/** A colour, what it means, and how many grids have it. */
export interface LegendRow {
  colour: Rgb;
  words: string;
  count: number;
}

/** A kind of line or pattern on the map. */
export type LegendMark = "hatch" | "line" | "dashes" | "locked" | "lockedBorder" | "moved" | "proposed";

export interface LegendLine {
  mark: LegendMark;
  words: string;
}

/** The classes of the colours; none where colours only tell neighbours apart. */
export function legendRows(state: State): LegendRow[] {
  const rows: Partial<Record<ColourMode, (state: State) => LegendRow[]>> = {
    deviation: deviationRows,
    number: numberRows,
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
  if (state.proposed.value) lines.push({ mark: "proposed", words: t("legend.proposed") });
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

/** What the colours show, in words with the unit. */
export function measureWords(state: State, measure: Measure): string {
  return columnOf(measure) ?? state.t(`measure.${measure}` as Key);
}

/** What the colours show at the moment, in words. */
export function modeWords(state: State): string {
  const mode = state.mode.value;
  return mode === "number" ? measureWords(state, state.measure.value) : state.t(`mode.${mode}`);
}

// As many digits as tell the classes apart.
function writerOf(measure: Measure, breaks: readonly number[]): (value: number) => string {
  if (measure === "deviation") return formatPercentSigned;
  if (measure === "streets") return (value) => `${Math.round(100 * value)} %`;
  const most = Math.max(...breaks.map(Math.abs), 0);
  const digits = breaks.every(Number.isInteger) ? 0 : most < 1 ? 3 : most < 10 ? 2 : most < 100 ? 1 : 0;
  return (value) => formatNumber(value, digits);
}

const formatPercentSigned = (value: number): string => `${formatPercent(value)} %`;

function numberRows(state: State): LegendRow[] {
  const breaks = state.breaks.value;
  const measure = state.measure.value;
  const counts = breaks.map(() => 0);
  const least = breaks.map(() => Infinity);
  let none = 0;
  state.grids.value.forEach((grid, i) => {
    if (grid.retired) return;
    const value = numberOf(measure, grid, state.extra.value?.[i]);
    if (value === null || breaks.length === 0) {
      none++;
      return;
    }
    const at = classOf(value, breaks);
    counts[at]++;
    least[at] = Math.min(least[at], value);
  });
  const write = writerOf(measure, breaks);
  const words = (most: number, i: number): string => {
    if (measure === "deviation" && i === 0) return `≤ ${write(most)}`;
    if (measure === "deviation") return most === Infinity ? `> ${write(breaks[i - 1])}` : `${write(breaks[i - 1])} … ${write(most)}`;
    const [from, to] = [write(Math.min(least[i], most)), write(most)];
    return from === to ? to : `${from}–${to}`;
  };
  const rows = breaks.map((most, i) => ({ colour: classColour(measure, i, breaks.length), words: words(most, i), count: counts[i] }));
  return none > 0 ? [...rows, { colour: NO_NUMBER, words: state.t("legend.noNumber"), count: none }] : rows;
}
