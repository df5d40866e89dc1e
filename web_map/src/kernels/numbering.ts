/**
 * Codes of grids as they are given at first division: the boundary's code and a sequence, in rows from north to south,
 * in each row from west to east. The same grids get the same codes here and on the server.
 */

import type { LivePlan } from "./live";

/** `{boundary}` is the code of the boundary polygon, `{sequence}` the number of the grid in it. */
export const DEFAULT_TEMPLATE = "{boundary}{sequence}";

const DIGITS = 3;

/** A template that cannot be filled, or that would give two grids one code. */
export class BadTemplate extends Error {
  constructor(
    readonly reason: "field" | "duplicate",
    /** The template, or the code that two grids would get. */
    readonly what: string,
  ) {
    super(reason === "field" ? `the template ${what} cannot be filled` : `two grids would get the code ${what}`);
  }
}

export interface GridsToNumber {
  /** Boundary polygon of each grid, and the codes of the boundary polygons. */
  areaIx: ArrayLike<number>;
  areaCodes: readonly string[];
  /** A point of each grid; y grows northwards. */
  x: ArrayLike<number>;
  y: ArrayLike<number>;
  template?: string;
  /** Grids (by position) that keep a code that they have. */
  kept?: ReadonlyMap<number, string>;
  /** Codes that were given before; no grid gets one of them. */
  reserved?: Iterable<string>;
}

export interface Numbered {
  /** Positions of the grids in the order of their codes within each boundary polygon. */
  order: number[];
  /** Codes in that order. */
  codes: string[];
}

/** Put grids in order and give each its code. */
export function numberGrids(grids: GridsToNumber): Numbered {
  const { areaIx, areaCodes, x, y, template = DEFAULT_TEMPLATE, kept = new Map<number, string>() } = grids;
  const taken = new Set([...kept.values(), ...(grids.reserved ?? [])]);
  const areas = new Map<number, number[]>();
  for (let grid = 0; grid < areaIx.length; grid++) {
    const members = areas.get(areaIx[grid]);
    if (members) members.push(grid);
    else areas.set(areaIx[grid], [grid]);
  }
  const order: number[] = [];
  const codes: string[] = [];
  for (const [area, members] of [...areas].sort(([a], [b]) => a - b)) {
    const sorted = inRows(members, x, y);
    const fresh = freshCodes(template, areaCodes[area], sorted.filter((grid) => !kept.has(grid)).length, taken);
    let next = 0;
    const named = sorted.map((grid): [number, string] => [grid, kept.get(grid) ?? fresh[next++]]);
    if (kept.size > 0) named.sort(([, a], [, b]) => (a < b ? -1 : a > b ? 1 : 0));
    for (const [grid, code] of named) {
      order.push(grid);
      codes.push(code);
    }
  }
  const seen = new Set<string>();
  for (const code of [...codes].sort()) {
    if (seen.has(code)) throw new BadTemplate("duplicate", code);
    seen.add(code);
  }
  return { order, codes };
}

/** Centre of gravity of each of the grids by the anchors and areas of its cells, y growing northwards. */
export function gridCentres(live: LivePlan, grids: ArrayLike<number>): { x: Float64Array; y: Float64Array } {
  const { anchor, areaM2 } = live.graph;
  const x = new Float64Array(grids.length);
  const y = new Float64Array(grids.length);
  for (let i = 0; i < grids.length; i++) {
    let area = 0;
    for (const cell of live.cellsOf(grids[i])) {
      area += areaM2[cell];
      x[i] += areaM2[cell] * anchor[2 * cell];
      y[i] -= areaM2[cell] * anchor[2 * cell + 1];
    }
    if (area === 0) continue;
    x[i] /= area;
    y[i] /= area;
  }
  return { x, y };
}

// About as many rows as columns, the northern row first; what is equal stays in its order.
function inRows(members: number[], x: ArrayLike<number>, y: ArrayLike<number>): number[] {
  const perRow = Math.max(1, Math.round(Math.sqrt(members.length)));
  const sorted = [...members].sort((a, b) => y[b] - y[a] || a - b);
  const row = new Map(sorted.map((grid, i) => [grid, Math.floor(i / perRow)]));
  return sorted.sort((a, b) => (row.get(a) as number) - (row.get(b) as number) || x[a] - x[b] || a - b);
}

function freshCodes(template: string, boundary: string, count: number, taken: ReadonlySet<string>): string[] {
  const bare = fill(template, boundary, "");
  const alike = [...taken].filter((code) => code.startsWith(bare)).length;
  const width = Math.max(DIGITS, String(count + alike).length);
  const found: string[] = [];
  for (let number = 1; found.length < count; number++) {
    const code = fill(template, boundary, String(number).padStart(width, "0"));
    // A template without sequence gives one code only.
    if (!taken.has(code) || code === bare) found.push(code);
  }
  return found;
}

function fill(template: string, boundary: string, sequence: string): string {
  return template.replace(/\{\{|\}\}|\{boundary\}|\{sequence\}|[{}]/g, (part) => {
    if (part === "{boundary}") return boundary;
    if (part === "{sequence}") return sequence;
    if (part.length === 1) throw new BadTemplate("field", template);
    return part[0];
  });
}
