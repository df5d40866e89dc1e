/** The list of grids that the whole page reads, kept true after each edit. */

import { type GridProperties, retiredGrid } from "../api/types";
import type { LivePlan } from "../kernels/live";
import type { Attributes } from "./attributes";
import type { State } from "./state";

const COLOURS = 8;

/** Bring the touched grids up to date, and of the others what follows from them (mean, name, lock). */
export function refreshGrids(state: State, live: LivePlan, book: Attributes, touched: Iterable<number>): void {
  const grids = state.grids.peek().slice();
  const [min, max] = state.bounds.peek();
  while (grids.length < live.nGrids) grids.push(retiredGrid(book.codes[grids.length] ?? ""));
  const names = new Map(grids.map((grid) => [grid.boundary_code, grid.boundary_name]));
  for (const ix of touched) grids[ix] = describe(grids, live, book, ix, names, [min, max]);
  setDeviations(grids);
  state.grids.value = grids;
}

function describe(
  grids: readonly GridProperties[],
  live: LivePlan,
  book: Attributes,
  ix: number,
  names: ReadonlyMap<string | null, string | null>,
  [min, max]: [number, number],
): GridProperties {
  const { figures } = live;
  const grid = book.grid(ix);
  const households = figures.households[ix];
  const [area, perimeter] = [figures.areaM2[ix], figures.perimeterM[ix]];
  const old = grids[ix];
  return {
    code: grid.code,
    name: grid.name,
    boundary_code: grid.boundaryCode,
    boundary_name: names.get(grid.boundaryCode) ?? null,
    households,
    population: figures.people[ix],
    area_m2: area,
    perimeter_m: perimeter,
    polsby_popper: perimeter > 0 ? (4 * Math.PI * area) / perimeter ** 2 : 0,
    deviation: old?.deviation ?? null,
    in_bounds: households >= min && households <= max,
    colour: grid.colour ?? freeColour(grids, live, ix, old?.colour ?? null),
    label: old?.label ?? [0, 0],
    retired: grid.retired,
  };
}

// The colour that a grid has, or the first that none of its neighbours has.
function freeColour(grids: readonly GridProperties[], live: LivePlan, ix: number, has: number | null): number {
  const taken = new Set(live.neighbours(ix).map(({ grid }) => grids[grid]?.colour));
  if (has !== null && !taken.has(has)) return has;
  for (let colour = 0; colour < COLOURS; colour++) if (!taken.has(colour)) return colour;
  return has ?? 0;
}

function setDeviations(grids: GridProperties[]): void {
  const sums = new Map<string | null, { households: number; grids: number }>();
  for (const grid of grids) {
    if (grid.retired) continue;
    const sum = sums.get(grid.boundary_code) ?? { households: 0, grids: 0 };
    sum.households += grid.households;
    sum.grids += 1;
    sums.set(grid.boundary_code, sum);
  }
  grids.forEach((grid, ix) => {
    const sum = sums.get(grid.boundary_code);
    const mean = sum && !grid.retired ? sum.households / sum.grids : 0;
    const deviation = mean > 0 ? grid.households / mean - 1 : null;
    if (deviation !== grid.deviation) grids[ix] = { ...grid, deviation };
  });
}
