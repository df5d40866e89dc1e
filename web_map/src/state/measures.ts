/** The numbers that grids can be coloured by, their classes and colours. Pure functions. */

import type { GridProperties } from "../api/types";
import { naturalBreaks } from "../kernels/classes";
import { compactness, type Figures } from "../kernels/figures";
import { classOf, DEVIATION_COLOURS, type Rgb, sequenceColour } from "../kernels/palette";

/** What is known of every grid; a column of the buildings is `column:` and its name. */
export const MEASURES = ["households", "people", "density", "area", "deviation", "compact", "streets"] as const;
export type Measure = (typeof MEASURES)[number] | `column:${string}`;

/** A numeric column of the buildings. */
export interface Column {
  name: string;
  total: number;
}

/** The numbers of a grid that the list of grids has. */
export type Numbers = Pick<GridProperties, "households" | "population" | "area_m2" | "polsby_popper" | "deviation">;

/** Numbers of a grid as they are while the hand moves; people only where they were counted. */
export function liveNumbers(figures: Figures, grid: number, known: Pick<Numbers, "deviation" | "population">): Numbers {
  return {
    households: figures.households[grid],
    population: known.population === null ? null : figures.people[grid],
    area_m2: figures.areaM2[grid],
    polsby_popper: compactness(figures, grid),
    deviation: known.deviation,
  };
}

/** Name of the column that a measure shows, null where it shows none. */
export const columnOf = (measure: Measure): string | null => (measure.startsWith("column:") ? measure.slice(7) : null);

/** The number of a grid; null where there is none. `extra` is what was worked out from the cells. */
export function numberOf(measure: Measure, grid: Numbers, extra: number | undefined): number | null {
  const known = extra === undefined || Number.isNaN(extra) ? null : extra;
  switch (measure) {
    case "households":
      return grid.households;
    case "people":
      return grid.population;
    case "density":
      return grid.population === null || grid.area_m2 <= 0 ? null : grid.population / (grid.area_m2 / 1e6);
    case "area":
      return grid.area_m2 / 1e4;
    case "deviation":
      return grid.deviation;
    case "compact":
      return grid.area_m2 > 0 ? grid.polsby_popper : null;
    default:
      return known;
  }
}

/** Upper limits of the classes of the deviation from the mean. */
const DEVIATIONS = [-0.2, -0.05, 0.05, 0.2, Infinity];
const DIGITS = 3;

/** Upper limits of at most `wanted` classes; other numbers than counts are rounded up to three digits. */
export function breaksOf(measure: Measure, values: readonly number[], wanted: number): number[] {
  if (measure === "deviation") return DEVIATIONS;
  const breaks = naturalBreaks([...values], wanted);
  if (values.every(Number.isInteger)) return breaks;
  return [...new Set(breaks.map(roundedUp))];
}

function roundedUp(value: number): number {
  if (value === 0) return 0;
  const step = 10 ** (Math.floor(Math.log10(Math.abs(value))) - DIGITS + 1);
  return Number((Math.ceil(value / step - 1e-9) * step).toPrecision(DIGITS + 1));
}

/** Colour of a grid without a number. */
export const NO_NUMBER: Rgb = [196, 193, 186];

export function classColour(measure: Measure, at: number, count: number): Rgb {
  return measure === "deviation" ? DEVIATION_COLOURS[at] : sequenceColour(at, count);
}

/** Colour of a number in its classes. */
export function numberColour(measure: Measure, value: number | null, breaks: readonly number[]): Rgb {
  if (value === null || breaks.length === 0) return NO_NUMBER;
  return classColour(measure, classOf(value, breaks), breaks.length);
}
