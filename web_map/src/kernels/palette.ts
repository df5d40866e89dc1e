/** Colours as numbers: which colour a cell has in each mode, and the painting of a raster of ids with them. */

import { NOTHING } from "./raster";

export type Rgb = [red: number, green: number, blue: number];
export type ColourMode = "grid" | "deviation" | "number";

/** Eight of Paul Tol's muted colours: distinct for colour-blind eyes. */
const GRID_COLOURS: Rgb[] = [
  [136, 204, 238],
  [221, 204, 119],
  [68, 170, 153],
  [204, 102, 119],
  [51, 34, 136],
  [153, 153, 51],
  [170, 68, 153],
  [17, 119, 51],
];

/** Below the minimum (far, near), inside the bounds, above the maximum (near, far). */
export const DEVIATION_COLOURS: Rgb[] = [
  [33, 102, 172],
  [103, 169, 207],
  [168, 164, 156],
  [244, 165, 92],
  [201, 84, 12],
];

/** From few to many; the lightness falls evenly. */
const SEQUENCE_COLOURS: Rgb[] = [
  [222, 235, 226],
  [168, 214, 201],
  [101, 180, 178],
  [54, 138, 155],
  [36, 95, 128],
  [30, 54, 94],
];

export interface GridNumbers {
  households: number;
  colour: number;
}

/** Share of the bound by which a count may miss it and still count as near. */
const NEAR = 0.1;

/** Position in DEVIATION_COLOURS. */
export function deviationClass(households: number, [min, max]: [number, number]): number {
  if (households < min) return households < min * (1 - NEAR) ? 0 : 1;
  if (households > max) return households > max * (1 + NEAR) ? 4 : 3;
  return 2;
}

/** Colour of one grid by itself or by its bounds; for numbers see state/measures.ts. */
export function gridColour(mode: Exclude<ColourMode, "number">, grid: GridNumbers, bounds: [number, number]): Rgb {
  if (mode === "deviation") return DEVIATION_COLOURS[deviationClass(grid.households, bounds)];
  return GRID_COLOURS[((grid.colour % 8) + 8) % 8];
}

/** Colour of class `at` of `count`, spread over the whole sequence. */
export function sequenceColour(at: number, count: number): Rgb {
  const last = SEQUENCE_COLOURS.length - 1;
  return SEQUENCE_COLOURS[count <= 1 ? 2 : Math.round((at * last) / (count - 1))];
}

/** Position of the first class whose upper limit is not below the value. */
export function classOf(value: number, breaks: readonly number[]): number {
  const at = breaks.findIndex((limit) => value <= limit);
  return at < 0 ? breaks.length - 1 : at;
}

/** A darker tone of a colour, for borders and text on the map. */
export function darker([red, green, blue]: Rgb, share = 0.45): Rgb {
  const scale = (value: number): number => Math.round(value * (1 - share));
  return [scale(red), scale(green), scale(blue)];
}

/** A lighter tone, for the dark theme. */
export function lighter([red, green, blue]: Rgb, share = 0.35): Rgb {
  const scale = (value: number): number => Math.round(value + (255 - value) * share);
  return [scale(red), scale(green), scale(blue)];
}

export const css = ([red, green, blue]: Rgb, alpha = 1): string => `rgba(${red}, ${green}, ${blue}, ${alpha})`;

/** One colour as a little-endian pixel (alpha, blue, green, red from the high byte down). */
export function pixel([red, green, blue]: Rgb, alpha: number): number {
  return ((Math.round(alpha * 255) << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

/** How the lines of a hatch run. */
export const HATCH = { falling: 0, rising: 1, crossed: 2, dense: 3 } as const;

/** In place of a style where nothing is hatched: a bit that no pixel has. */
const PLAIN = 4;

/** Colours of the pixels of all cells: position 0 is "no cell", position i + 1 is cell i. */
export interface CellPalette {
  /** Two each: the ground, then the lines on it. */
  colours: Uint32Array;
  style: Uint8Array;
}

/** Colours of one grid or cell; hatch 0 means none. */
export interface GridPixels {
  fill: number;
  hatch: number;
  style?: number;
}

const styleOf = ({ hatch, style = HATCH.falling }: GridPixels): number => (hatch === 0 ? PLAIN : style);

/** Spread the colours of grids over their cells; `none` colours what no cell covers, `unassigned` cells without grid. */
export function buildPalette(
  gridIx: Int32Array,
  grids: GridPixels[],
  none: GridPixels,
  unassigned: GridPixels,
): CellPalette {
  const length = gridIx.length + 1;
  const [colours, style] = [new Uint32Array(2 * length), new Uint8Array(length)];
  // Row 0 is for cells without a grid, row g + 1 for grid g.
  const rows = [unassigned, ...grids];
  const [fills, lines] = [Uint32Array.from(rows, (row) => row.fill), Uint32Array.from(rows, (row) => row.hatch)];
  const styles = Uint8Array.from(rows, styleOf);
  for (let i = 0; i < gridIx.length; i++) {
    const row = gridIx[i] < grids.length ? gridIx[i] + 1 : 0;
    colours[2 * i + 2] = fills[row];
    colours[2 * i + 3] = lines[row];
    style[i + 1] = styles[row];
  }
  const palette = { colours, style };
  setPixels(palette, -1, none);
  return palette;
}

/** Give a cell (-1: what no cell covers) its colours. */
export function setPixels({ colours, style }: CellPalette, cell: number, look: GridPixels): void {
  colours[2 * cell + 2] = look.fill;
  colours[2 * cell + 3] = look.hatch;
  style[cell + 1] = styleOf(look);
}

/** A rectangle of pixels; the right and the lower edge are outside. */
export interface PixelBox {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** Paint a raster of ids, or a rectangle of it; hatches run on from tile to tile. */
export function paint(
  ids: Int32Array,
  size: number,
  { colours, style }: CellPalette,
  out: Uint32Array,
  ratio = 1,
  { left, top, right, bottom }: PixelBox = { left: 0, top: 0, right: size, bottom: size },
): void {
  const { lines, period } = hatchesFor(size, ratio);
  for (let y = top; y < bottom; y++) {
    let line = (y % period) * size + left;
    const end = y * size + right;
    // No branch within: where hatches are it would be guessed wrongly at every line.
    for (let at = y * size + left; at < end; at++, line++) {
      const key = ids[at] - NOTHING;
      out[at] = colours[2 * key + ((lines[line] >> style[key]) & 1)];
    }
  }
}

interface Hatches {
  size: number;
  ratio: number;
  /** Rows after which everything comes again. */
  period: number;
  /** Which styles have a line on a pixel, a bit each; so many rows of `size`. */
  lines: Uint8Array;
}

let hatches: Hatches | null = null;

// Tiles are a multiple of the period wide and high, so that size can stand for any greater multiple of it.
function hatchesFor(size: number, ratio: number): Hatches {
  if (hatches?.size === size && hatches.ratio === ratio) return hatches;
  const half = Math.max(1, Math.round(4 * ratio));
  const period = 2 * half;
  const width = 1.25 * ratio;
  const lines = new Uint8Array(period * size);
  for (let y = 0; y < period; y++) {
    for (let x = 0; x < size; x++) {
      const falling = (x + y) % period < width;
      const rising = (x + size - y + period * size) % period < width;
      const dense = (x + y) % half < width;
      lines[y * size + x] =
        (Number(falling) << HATCH.falling) |
        (Number(rising) << HATCH.rising) |
        (Number(falling || rising) << HATCH.crossed) |
        (Number(dense) << HATCH.dense);
    }
  }
  return (hatches = { size, ratio, period, lines });
}
