/** The colours of all cells: by grid in the chosen mode, and over that what is locked, proposed or about to be cut off. */

import { buildPalette, type CellPalette, darker, gridColour, type GridPixels, HATCH, lighter, pixel, setPixels } from "../kernels/palette"; // prettier-ignore
import type { EditSession } from "../state/edit";
import { liveNumbers, numberColour, numberOf } from "../state/measures";
import type { State } from "../state/state";
import type { Theme } from "../worker/protocol";

const OUTSIDE: Record<Theme, GridPixels> = {
  light: { fill: pixel([208, 205, 198], 0.28), hatch: 0 },
  dark: { fill: pixel([12, 14, 17], 0.55), hatch: 0 },
};
const UNASSIGNED: GridPixels = { fill: pixel([255, 255, 255], 0.35), hatch: pixel([90, 90, 90], 0.6) };
const LOCK_LINE: Record<Theme, number> = { light: pixel([60, 60, 60], 0.3), dark: pixel([240, 238, 232], 0.28) };
const CUT: GridPixels = { fill: pixel([200, 30, 30], 0.35), hatch: pixel([179, 20, 20], 0.95), style: HATCH.dense };
const MARKED: Record<Theme, number> = { light: pixel([29, 33, 38], 0.8), dark: pixel([255, 255, 255], 0.85) };
const WISHED = pixel([255, 255, 255], 0.95);

export class Paintbox {
  private palette: CellPalette | null = null;
  private fills: GridPixels[] = [];
  private proposed = new Map<number, number>();
  private cut = new Set<number>();
  private marked = new Set<number>();

  constructor(
    private readonly state: State,
    private readonly session: EditSession,
  ) {}

  /** All colours anew: another mode, theme or plan. */
  build(gridIx: Int32Array): CellPalette {
    const { state } = this;
    this.fills = state.grids.peek().map((_, grid) => this.fillOf(grid));
    this.palette = buildPalette(gridIx, this.fills, OUTSIDE[state.theme.peek()], UNASSIGNED);
    for (const cell of this.special()) setPixels(this.palette, cell, this.lookOf(cell));
    return this.palette;
  }

  /** The cells that look different now that some have changed their grid, and some grids their figures. */
  update(cells: ArrayLike<number>, grids: Iterable<number>): ArrayLike<number> {
    const { live } = this.session;
    if (!this.palette) return [];
    const recoloured: Uint32Array[] = [];
    for (const grid of grids) {
      const fill = this.fillOf(grid);
      const old = this.fills[grid];
      this.fills[grid] = fill;
      if (!live || (old?.fill === fill.fill && old.hatch === fill.hatch && old.style === fill.style)) continue;
      recoloured.push(live.cellsOf(grid));
    }
    const changed = recoloured.length === 0 ? cells : joined(cells, ...recoloured);
    for (let i = 0; i < changed.length; i++) setPixels(this.palette, changed[i], this.lookOf(changed[i]));
    return changed;
  }

  /** Show these cells as going to those grids (-2: only as marked); the cells that look different. */
  propose(cells: ArrayLike<number>, grids: ArrayLike<number>): ArrayLike<number> {
    const before = [...this.proposed.keys()];
    this.proposed = new Map();
    for (let i = 0; i < cells.length; i++) this.proposed.set(cells[i], grids[i]);
    return this.update(joined(before, cells), []);
  }

  /** Show these cells as cut off; the cells that look different. */
  warn(cells: ArrayLike<number>): ArrayLike<number> {
    const before = [...this.cut];
    this.cut = new Set(Array.from(cells));
    return this.update(joined(before, cells), []);
  }

  /** Stripe these cells: they are in another grid in the plan that this one is compared with. All colours, to be painted. */
  mark(cells: ArrayLike<number>): CellPalette | null {
    const before = [...this.marked];
    this.marked = new Set(Array.from(cells));
    this.update(joined(before, cells), []);
    return this.palette;
  }

  private special(): Iterable<number> {
    return new Set([...this.marked, ...this.proposed.keys(), ...this.cut, ...(this.session.book?.lockedCells ?? [])]);
  }

  private lookOf(cell: number): GridPixels {
    if (this.cut.has(cell)) return CUT;
    const own = this.state.gridIx.peek()?.[cell] ?? -1;
    const wish = this.proposed.get(cell);
    if (wish !== undefined)
      return { ...(this.fills[wish < -1 ? own : wish] ?? UNASSIGNED), hatch: WISHED, style: HATCH.rising };
    const look = this.fills[own] ?? UNASSIGNED;
    if (this.marked.has(cell)) return { ...look, hatch: MARKED[this.state.theme.peek()], style: HATCH.rising };
    if (!this.session.book?.lockedCells.has(cell)) return look;
    return { ...look, hatch: look.hatch || LOCK_LINE[this.state.theme.peek()], style: HATCH.crossed };
  }

  private fillOf(grid: number): GridPixels {
    const { state, session } = this;
    const mode = state.mode.peek();
    const properties = state.grids.peek()[grid];
    if (!properties) return UNASSIGNED;
    const figures = session.live?.figures;
    const numbers = figures ? liveNumbers(figures, grid, properties) : properties;
    const { households } = numbers;
    const [min, max] = state.bounds.peek();
    const measure = state.measure.peek();
    const colour =
      mode === "number"
        ? numberColour(measure, numberOf(measure, numbers, state.extra.peek()?.[grid]), state.breaks.peek())
        : gridColour(mode, { households, colour: properties.colour }, [min, max]);
    const alpha = mode === "grid" ? 0.36 : mode === "deviation" ? 0.5 : 0.58;
    const dark = state.theme.peek() === "dark";
    const line = pixel(dark ? lighter(colour) : darker(colour, 0.4), 0.62);
    const out = households < min || households > max;
    const locked = session.book?.lockedGrids.has(grid) === true;
    const quiet = locked ? LOCK_LINE[state.theme.peek()] : 0;
    return { fill: pixel(colour, alpha), hatch: out ? line : quiet, style: locked ? HATCH.crossed : HATCH.falling };
  }
}

function joined(...lists: ArrayLike<number>[]): Uint32Array {
  const all = new Uint32Array(lists.reduce((sum, list) => sum + list.length, 0));
  let at = 0;
  for (const list of lists) {
    all.set(list, at);
    at += list.length;
  }
  return all;
}
