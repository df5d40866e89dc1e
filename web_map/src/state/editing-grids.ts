/** The list of grids that the whole page reads, kept true after each edit. */

import { type GridProperties, retiredGrid } from "../api/types";
import { Beside, colourGrids, NO_COLOUR } from "../kernels/colouring";
import type { LivePlan } from "../kernels/live";
import type { Attributes } from "./attributes";
import type { State } from "./state";

interface Sum {
  households: number;
  grids: number;
}

/**
 * Brings the list up to date grid by grid; only where the mean of a boundary polygon changed, all of its grids. Colours
 * follow from the plan (kernels/colouring.ts); those chosen by hand stay.
 */
export class GridList {
  private sums: Map<string | null, Sum> | null = null;
  private beside: Beside | null = null;
  private readonly names: Map<string | null, string | null>;

  constructor(private readonly state: State, names: Iterable<[string, string]> = []) {
    this.names = new Map(names);
  }

  /** Do now what the first edit needs. */
  prepare(live: LivePlan): void {
    this.beside = new Beside(live);
  }

  /** Returns the grids beyond the touched ones that look different now. */
  refresh(live: LivePlan, book: Attributes, touched: Iterable<number>): number[] {
    const grids = this.state.grids.peek().slice();
    while (grids.length < live.nGrids) grids.push(retiredGrid(book.codes[grids.length] ?? ""));
    const fresh = this.sums === null;
    this.sums ??= this.count(grids);
    const means = new Map([...this.sums].map(([code, sum]) => [code, meanOf(sum)]));
    const bounds = this.state.bounds.peek();
    const changed = new Set(touched);
    const counted = peopleCounted(grids, live);
    for (const ix of changed) {
      this.add(grids[ix], -1);
      grids[ix] = describe(grids[ix], live, book, ix, this.names, bounds, counted);
      this.add(grids[ix], 1);
    }
    const recoloured = this.recolour(grids, live, book, changed);
    const moved = new Set([...this.sums].filter(([code, sum]) => means.get(code) !== meanOf(sum)).map(([code]) => code));
    grids.forEach((grid, ix) => {
      if (!fresh && !changed.has(ix) && !moved.has(grid.boundary_code)) return;
      const mean = grid.retired ? 0 : meanOf(this.sums?.get(grid.boundary_code));
      const deviation = mean > 0 ? grid.households / mean - 1 : null;
      if (deviation !== grid.deviation) grids[ix] = { ...grid, deviation };
    });
    this.state.grids.value = grids;
    return recoloured.filter((ix) => !changed.has(ix));
  }

  // Colours follow from the plan alone; those that changed.
  private recolour(grids: GridProperties[], live: LivePlan, book: Attributes, touched: Iterable<number>): number[] {
    if (this.beside) this.beside.renew(live, touched);
    else this.prepare(live);
    const colours = colourGrids(this.beside?.rows ?? [], chosenColours(grids, book));
    const changed: number[] = [];
    grids.forEach((grid, ix) => {
      if (grid.retired || grid.colour === colours[ix]) return;
      grids[ix] = { ...grid, colour: colours[ix] };
      changed.push(ix);
    });
    return changed;
  }

  private count(grids: readonly GridProperties[]): Map<string | null, Sum> {
    this.sums = new Map();
    for (const grid of grids) {
      this.add(grid, 1);
      if (grid.boundary_name !== null) this.names.set(grid.boundary_code, grid.boundary_name);
    }
    return this.sums;
  }

  private add(grid: GridProperties, sign: 1 | -1): void {
    if (grid.retired) return;
    const sum = this.sums?.get(grid.boundary_code) ?? { households: 0, grids: 0 };
    sum.households += sign * grid.households;
    sum.grids += sign;
    this.sums?.set(grid.boundary_code, sum);
  }
}

/** Colours that were chosen by hand, as `colourGrids` asks for them. */
export const chosenColours = (grids: readonly GridProperties[], book: Attributes): (number | null)[] =>
  grids.map(({ retired }, ix) => (retired ? NO_COLOUR : book.colourOf(ix)));

const meanOf = (sum: Sum | undefined): number => (sum && sum.grids > 0 ? sum.households / sum.grids : 0);

/** Whether people were counted: where they were not, no grid has a number of them, not even 0. */
function peopleCounted(grids: readonly GridProperties[], { graph }: LivePlan): boolean {
  const living = grids.filter(({ retired }) => !retired);
  return living.length === 0 ? graph.population.some((people) => people > 0) : living.some(({ population }) => population !== null);
}

function describe(
  old: GridProperties,
  live: LivePlan,
  book: Attributes,
  ix: number,
  names: ReadonlyMap<string | null, string | null>,
  [min, max]: [number, number],
  counted: boolean,
): GridProperties {
  const { figures } = live;
  const grid = book.grid(ix);
  const households = figures.households[ix];
  const [area, perimeter] = [figures.areaM2[ix], figures.perimeterM[ix]];
  return {
    code: grid.code,
    name: grid.name,
    boundary_code: grid.boundaryCode,
    boundary_name: names.get(grid.boundaryCode) ?? null,
    households,
    population: counted ? figures.people[ix] : null,
    area_m2: area,
    perimeter_m: perimeter,
    polsby_popper: perimeter > 0 ? (4 * Math.PI * area) / perimeter ** 2 : 0,
    deviation: old.deviation,
    in_bounds: households >= min && households <= max,
    colour: grid.colour ?? old.colour ?? NO_COLOUR,
    label: old.label,
    retired: grid.retired,
  };
}
