/** Which cells may go where: locks and nesting, as the server checks them too. Pure. */

import type { Graph } from "../kernels/adjacency";
import type { AnchorIndex } from "../kernels/anchors";
import type { Attributes } from "./attributes";

export interface Ground {
  graph: Graph;
  gridOf: Int32Array;
  attributes: Attributes;
  anchors: AnchorIndex;
  /** Position in the boundary polygons by their code. */
  areas: ReadonlyMap<string, number>;
  /** Names of the boundary polygons by their code, as far as they have one. */
  areaNames?: ReadonlyMap<string, string>;
}

export interface Allowed {
  cells: Uint32Array;
  grids: Int32Array;
  /** Cells left out because they, their grid, the target or their border is locked. */
  locked: number;
  /** Cells left out because the target belongs to another boundary polygon. */
  foreign: number;
  /** Cells left out because the target belongs to another part of the level above (plans with levels). */
  apart: number;
  /** Cells left out because the target does not exist. */
  unknown: number;
}

/** Boundary polygon of a grid, -1 where it has none and takes cells of any. */
export function areaOfGrid(ground: Pick<Ground, "attributes" | "areas">, grid: number): number {
  return ground.areas.get(ground.attributes.boundaryOf(grid)) ?? -1;
}

/** Whether a cell may leave its grid. */
export function isCellFree(ground: Ground, cell: number): boolean {
  const { graph, gridOf, attributes } = ground;
  const grid = gridOf[cell];
  if (attributes.lockedCells.has(cell) || attributes.lockedGrids.has(grid)) return false;
  if (!attributes.anyBorderLocked || grid < 0) return true;
  for (let at = graph.indptr[cell]; at < graph.indptr[cell + 1]; at++) {
    const other = gridOf[graph.indices[at]];
    if (other >= 0 && other !== grid && attributes.isBorderLocked(grid, other)) return false;
  }
  return true;
}

interface Target {
  exists: boolean;
  locked: boolean;
  area: number;
  /** Boundary polygon, or part of the level above; "" of none, and of a grid that is made by the same edit. */
  part: string;
}

/** Whether grids name parts of a level above the boundary polygons, that is below them. */
export function hasLevels({ attributes, areas }: Pick<Ground, "attributes" | "areas">): boolean {
  for (const part of attributes.parts) if (part !== "" && !areas.has(part)) return true;
  return false;
}

function look(ground: Ground, grid: number, made: ReadonlySet<number>): Target {
  if (grid < 0) return { exists: true, locked: false, area: -1, part: "" };
  const { attributes } = ground;
  const exists = attributes.exists(grid) || made.has(grid);
  return { exists, locked: attributes.lockedGrids.has(grid), area: areaOfGrid(ground, grid), part: attributes.boundaryOf(grid) };
}

/** Those of the cells that change their grid and may; `made` are grids that the same edit makes. */
export function allowedCells(
  ground: Ground,
  cells: ArrayLike<number>,
  grids: number | ArrayLike<number>,
  made: ReadonlySet<number> = new Set(),
): Allowed {
  const { graph, gridOf, attributes } = ground;
  const plain = plainlyAllowed(ground, cells, grids, made);
  if (plain) return plain;
  const [free, to] = [new Uint32Array(cells.length), new Int32Array(cells.length)];
  const targets = new Map<number, Target>();
  const anyLock = attributes.lockedGrids.size + attributes.lockedCells.size > 0 || attributes.anyBorderLocked;
  const levels = hasLevels(ground);
  let [count, locked, foreign, apart, unknown] = [0, 0, 0, 0, 0];
  let known: Target | undefined;
  let last = NaN;
  for (let i = 0; i < cells.length; i++) {
    const cell = cells[i];
    const target = typeof grids === "number" ? grids : grids[i];
    if (cell >= graph.n || gridOf[cell] === target) continue;
    if (target !== last || !known) {
      known = targets.get(target) ?? look(ground, target, made);
      targets.set(target, known);
      last = target;
    }
    if (!known.exists) unknown++;
    else if (known.locked || (anyLock && !isCellFree(ground, cell))) locked++;
    else if (known.area >= 0 && graph.areaIx[cell] !== known.area) foreign++;
    else if (levels && known.part !== "" && isApart(ground, gridOf[cell], known.part)) apart++;
    else {
      free[count] = cell;
      to[count++] = target;
    }
  }
  if (attributes.anyBorderLocked) {
    const kept = offLockedBorders(ground, free.subarray(0, count), to.subarray(0, count));
    locked += count - kept;
    count = kept;
  }
  return { cells: free.slice(0, count), grids: to.slice(0, count), locked, foreign, apart, unknown };
}

// The same where one grid takes the cells and nothing is locked: one short walk over however many they are.
function plainlyAllowed(ground: Ground, cells: ArrayLike<number>, grid: number | ArrayLike<number>, made: ReadonlySet<number>): Allowed | null {
  const { graph, gridOf, attributes } = ground;
  if (typeof grid !== "number" || !(cells instanceof Uint32Array)) return null;
  if (attributes.lockedGrids.size + attributes.lockedCells.size > 0 || attributes.anyBorderLocked) return null;
  const { exists, area, part } = look(ground, grid, made);
  if (!exists || (part !== "" && hasLevels(ground))) return null;
  const { areaIx, n } = graph;
  const free = new Uint32Array(cells.length);
  let [count, foreign] = [0, 0];
  for (let i = 0; i < cells.length; i++) {
    const cell = cells[i];
    if (cell >= n || gridOf[cell] === grid) continue;
    if (area >= 0 && areaIx[cell] !== area) foreign++;
    else free[count++] = cell;
  }
  const to = new Int32Array(count).fill(grid);
  return { cells: free.subarray(0, count), grids: to, locked: 0, foreign, apart: 0, unknown: 0 };
}

/**
 * Leave out moves that would put a cell on a locked border, anywhere: as a lock holds before an edit, it holds after it.
 * The moves that stay are brought to the front; how many they are.
 */
function offLockedBorders({ graph, gridOf, attributes }: Ground, cells: Uint32Array, grids: Int32Array): number {
  const concerned = new Set(attributes.lockedBorders().flat());
  if (!grids.some((grid) => concerned.has(grid))) return cells.length;
  const becomes = new Map<number, number>();
  cells.forEach((cell, i) => becomes.set(cell, grids[i]));
  const isOn = (cell: number, grid: number): boolean => {
    if (!concerned.has(grid)) return false;
    for (let at = graph.indptr[cell]; at < graph.indptr[cell + 1]; at++) {
      const other = becomes.get(graph.indices[at]) ?? gridOf[graph.indices[at]];
      if (other >= 0 && other !== grid && attributes.isBorderLocked(grid, other)) return true;
    }
    return false;
  };
  let count = cells.length;
  // What stays behind may be the border for others: until nothing changes.
  for (let last = -1; last !== count; ) {
    last = count;
    let kept = 0;
    for (let i = 0; i < last; i++) {
      const [cell, grid] = [cells[i], grids[i]];
      if (isOn(cell, grid)) becomes.delete(cell);
      else [cells[kept], grids[kept++]] = [cell, grid];
    }
    count = kept;
  }
  return count;
}

// A cell without grid belongs to no part of the level above.
function isApart({ attributes }: Ground, grid: number, part: string): boolean {
  if (grid < 0) return false;
  const own = attributes.boundaryOf(grid);
  return own !== "" && own !== part;
}
