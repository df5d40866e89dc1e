/** What a plan says beside its assignment: a flat map from path to value, and what follows from it. */

import type { Change, PlanState, Staff } from "../api/edits";
import { shortCode } from "../kernels/codes";

export type { Change } from "../api/edits";

/** A value as JSON knows it; null is absent. */
export type Json = unknown;

/** A change and what stood there before. */
export interface DoneChange extends Change {
  before: Json;
}

/** A grid as the attributes describe it. */
export interface LiveGrid {
  ix: number;
  code: string;
  name: string | null;
  boundaryCode: string;
  colour: number | null;
  locked: boolean;
  retired: boolean;
  staff: Staff[];
}

const borderKey = (a: number, b: number): number => Math.min(a, b) * 2 ** 26 + Math.max(a, b);

export class Attributes {
  readonly map = new Map<string, Json>();
  readonly lockedGrids = new Set<number>();
  readonly lockedCells = new Set<number>();
  private readonly borders = new Set<number>();
  /** Codes by grid_ix, kept when a grid is dissolved, so that none is ever used again. */
  readonly codes: string[] = [];
  private readonly used = new Set<string>();
  private readonly boundaries: string[] = [];
  /** All that grids ever named as what they lie in. */
  readonly parts = new Set<string>();

  constructor(answer: PlanState) {
    for (const grid of answer.grids) {
      const path = `grid/${grid.grid_ix}`;
      const boundaryCode = grid.boundary_code ?? "";
      this.codes[grid.grid_ix] = grid.code;
      this.boundaries[grid.grid_ix] = boundaryCode;
      this.parts.add(boundaryCode);
      this.used.add(grid.code);
      if (grid.retired) continue;
      const { first_code: first = grid.code } = grid;
      this.put(path, { code: first, boundary_code: boundaryCode });
      if (first !== grid.code) this.put(`${path}/code`, grid.code);
      if (grid.name !== null) this.put(`${path}/name`, grid.name);
      if (grid.colour !== null) this.put(`${path}/colour`, grid.colour);
      if (grid.locked) this.put(`${path}/locked`, true);
      if (grid.staff.length > 0) this.put(`${path}/staff`, grid.staff);
    }
    for (const cell of answer.locked_cells) this.put(`lock/cell/${cell}`, true);
    for (const [a, b] of answer.locked_borders) this.put(`lock/border/${Math.min(a, b)}/${Math.max(a, b)}`, true);
    for (const { id, ...note } of answer.notes) this.put(`note/${id}`, note);
  }

  get(path: string): Json {
    return this.map.get(path) ?? null;
  }

  /** Make changes in their order; those that change nothing are left out of the answer. */
  apply(changes: readonly Change[]): DoneChange[] {
    const done: DoneChange[] = [];
    const ended = changes.flatMap(({ path, value }) => (value === null && /^grid\/\d+$/.test(path) ? [Number(path.slice(5))] : []));
    const carried = ended.map((ix): [number, string] => [ix, this.codes[ix]]);
    for (const { path, value } of changes) {
      const before = this.get(path);
      if (sameJson(before, value)) continue;
      this.put(path, value);
      done.push({ path, value, before });
    }
    // A dissolved grid keeps the code that it carried last.
    for (const [ix, code] of carried) if (code !== undefined) this.codes[ix] = code;
    return done;
  }

  /** The colour that was chosen by hand. */
  colourOf(ix: number): number | null {
    return (this.map.get(`grid/${ix}/colour`) as number | undefined) ?? null;
  }

  exists(ix: number): boolean {
    return this.map.has(`grid/${ix}`);
  }

  grid(ix: number): LiveGrid {
    const path = `grid/${ix}`;
    const colour = this.get(`${path}/colour`);
    const name = this.get(`${path}/name`);
    return {
      ix,
      code: this.codes[ix] ?? "",
      name: typeof name === "string" ? name : null,
      boundaryCode: this.boundaries[ix] ?? "",
      colour: typeof colour === "number" ? colour : null,
      locked: this.lockedGrids.has(ix),
      retired: !this.map.has(path),
      staff: (this.get(`${path}/staff`) as Staff[] | null) ?? [],
    };
  }

  boundaryOf(ix: number): string {
    return this.boundaries[ix] ?? "";
  }

  isBorderLocked(a: number, b: number): boolean {
    return this.borders.has(borderKey(a, b));
  }

  /** Pairs of grids (the smaller number first) whose border is locked. */
  lockedBorders(): [number, number][] {
    return [...this.borders].map((key) => [Math.floor(key / 2 ** 26), key % 2 ** 26]);
  }

  get anyBorderLocked(): boolean {
    return this.borders.size > 0;
  }

  /** A code for a new grid of a boundary polygon: the next number after all that were ever used there. */
  nextCode(boundaryCode: string): string {
    let best = "";
    let most = 0;
    this.codes.forEach((code, ix) => {
      if (this.boundaries[ix] !== boundaryCode) return;
      const digits = /\d+$/.exec(shortCode(code))?.[0] ?? "";
      if (best === "" || Number(digits) > most) [best, most] = [code, Number(digits)];
    });
    const digits = /\d+$/.exec(shortCode(best))?.[0] ?? "";
    const prefix = best === "" ? boundaryCode : best.slice(0, best.length - digits.length);
    for (let number = most + 1; ; number++) {
      const code = prefix + String(number).padStart(digits.length || 3, "0");
      if (!this.used.has(code)) return code;
    }
  }

  private put(path: string, value: Json): void {
    if (value === null) this.map.delete(path);
    else this.map.set(path, value);
    const parts = path.split("/");
    const ix = Number(parts[1]);
    if (parts[0] === "grid") this.noteGrid(ix, parts[2], value);
    else if (parts[0] === "lock" && parts[1] === "cell") toggle(this.lockedCells, Number(parts[2]), value !== null);
    else if (parts[0] === "lock" && parts[1] === "border")
      toggle(this.borders, borderKey(Number(parts[2]), Number(parts[3])), value !== null);
  }

  private noteGrid(ix: number, field: string | undefined, value: Json): void {
    if (field === "locked") toggle(this.lockedGrids, ix, value !== null);
    else if (field === "code") {
      const made = this.map.get(`grid/${ix}`) as { code: string } | undefined;
      const code = typeof value === "string" ? value : made?.code;
      if (code === undefined) return;
      this.codes[ix] = code;
      this.used.add(code);
    } else if (field === undefined && value !== null) {
      const made = value as { code: string; boundary_code: string | null };
      const renamed = this.map.get(`grid/${ix}/code`);
      this.codes[ix] = typeof renamed === "string" ? renamed : made.code;
      this.boundaries[ix] = made.boundary_code ?? "";
      this.parts.add(this.boundaries[ix]);
      this.used.add(made.code);
    }
  }
}

function toggle(set: Set<number>, item: number, on: boolean): void {
  if (on) set.add(item);
  else set.delete(item);
}

export function sameJson(a: Json, b: Json): boolean {
  return a === b || (typeof a === "object" && typeof b === "object" && JSON.stringify(a) === JSON.stringify(b));
}
