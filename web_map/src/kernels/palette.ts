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

/** Colours of the pixels of all cells: position 0 is "no cell", position i + 1 is cell i; hatch 0 means none. */
export interface CellPalette {
  fill: Uint32Array;
  hatch: Uint32Array;
  style: Uint8Array;
}

export interface GridPixels {
  fill: number;
  hatch: number;
  style?: number;
}

/** Spread the colours of grids over their cells; `none` colours what no cell covers, `unassigned` cells without grid. */
export function buildPalette(
  gridIx: Int32Array,
  grids: GridPixels[],
  none: GridPixels,
  unassigned: GridPixels,
): CellPalette {
  const length = gridIx.length + 1;
  const palette = { fill: new Uint32Array(length), hatch: new Uint32Array(length), style: new Uint8Array(length) };
  // Row 0 is for cells without a grid, row g + 1 for grid g.
  const rows = [unassigned, ...grids];
  const [fill, hatch] = [Uint32Array.from(rows, (row) => row.fill), Uint32Array.from(rows, (row) => row.hatch)];
  const style = Uint8Array.from(rows, (row) => row.style ?? HATCH.falling);
  setPixels(palette, -1, none);
  for (let i = 0; i < gridIx.length; i++) {
    const row = gridIx[i] < grids.length ? gridIx[i] + 1 : 0;
    palette.fill[i + 1] = fill[row];
    palette.hatch[i + 1] = hatch[row];
    palette.style[i + 1] = style[row];
  }
  return palette;
}

/** Give a cell (-1: what no cell covers) its colours. */
export function setPixels(palette: CellPalette, cell: number, { fill, hatch, style = HATCH.falling }: GridPixels): void {
  palette.fill[cell + 1] = fill;
  palette.hatch[cell + 1] = hatch;
  palette.style[cell + 1] = style;
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
  palette: CellPalette,
  out: Uint32Array,
  ratio = 1,
  { left, top, right, bottom }: PixelBox = { left: 0, top: 0, right: size, bottom: size },
): void {
  const { fill, hatch, style } = palette;
  const half = Math.max(1, Math.round(4 * ratio));
  const period = 2 * half;
  const width = 1.25 * ratio;
  for (let y = top; y < bottom; y++) {
    // Tiles are a multiple of the period wide and high, so that size can stand for any greater multiple of it.
    const [falling, rising] = [y % period, (size - y + period * size) % period];
    for (let x = left, at = y * size + left; x < right; x++, at++) {
      const key = ids[at] - NOTHING;
      const line = hatch[key];
      if (line === 0) {
        out[at] = fill[key];
        continue;
      }
      const kind = style[key];
      let isLine = false;
      if (kind === HATCH.rising) isLine = (x + rising) % period < width;
      else if (kind === HATCH.dense) isLine = (x + y) % half < width;
      else isLine = (x + falling) % period < width || (kind === HATCH.crossed && (x + rising) % period < width);
      out[at] = isLine ? line : fill[key];
    }
  }
}
