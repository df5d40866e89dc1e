/** The figures of every grid, by grid_ix, and how they change when one cell changes its grid. */

import type { Graph } from "./adjacency";

export interface Figures {
  households: Float64Array;
  people: Float64Array;
  cells: Int32Array;
  areaM2: Float64Array;
  /** The whole border: with other grids, with unassigned cells and on the outside. */
  perimeterM: Float64Array;
  /** Border with cells of the same area that are not in the grid, as the metrics of the server count it. */
  innerM: Float64Array;
  /** Part of `innerM` on streets. */
  streetM: Float64Array;
  /** Connected pieces; 0 where the grid has no cell. */
  pieces: Int32Array;
}

const REALS = ["households", "people", "areaM2", "perimeterM", "innerM", "streetM"] as const;
const COUNTS = ["cells", "pieces"] as const;

export function emptyFigures(nGrids: number): Figures {
  const figures = {} as Figures;
  for (const name of REALS) figures[name] = new Float64Array(nGrids);
  for (const name of COUNTS) figures[name] = new Int32Array(nGrids);
  return figures;
}

/** Replace the arrays by longer views, filled up with zeros; room for further grids is kept behind them. */
export function lengthen(figures: Figures, nGrids: number): void {
  for (const name of REALS) {
    const old = figures[name];
    const room = old.buffer.byteLength >= 8 * nGrids ? old.buffer : new ArrayBuffer(16 * nGrids);
    figures[name] = new Float64Array(room, 0, nGrids);
    if (room !== old.buffer) figures[name].set(old);
  }
  for (const name of COUNTS) {
    const old = figures[name];
    const room = old.buffer.byteLength >= 4 * nGrids ? old.buffer : new ArrayBuffer(8 * nGrids);
    figures[name] = new Int32Array(room, 0, nGrids);
    if (room !== old.buffer) figures[name].set(old);
  }
}

/** Count all figures from nothing, in one walk over all links: cells are joined to the neighbours before them. */
export function countAll(graph: Graph, gridOf: Int32Array, figures: Figures): void {
  const { n, indptr, indices, lengthM, street, areaIx, outerM } = graph;
  const { perimeterM, innerM, streetM, pieces, households, people, areaM2, cells } = figures;
  for (const name of [...REALS, ...COUNTS]) figures[name].fill(0);
  const parent = new Int32Array(n);
  for (let cell = 0; cell < n; cell++) {
    const grid = gridOf[cell];
    parent[cell] = cell;
    if (grid >= 0) {
      cells[grid]++;
      pieces[grid]++;
      households[grid] += graph.households[cell];
      people[grid] += graph.population[cell];
      areaM2[grid] += graph.areaM2[cell];
      perimeterM[grid] += outerM[cell];
    }
    let root = cell;
    for (let at = indptr[cell]; at < indptr[cell + 1]; at++) {
      let other = indices[at];
      if (other >= cell) continue;
      const beyond = gridOf[other];
      if (beyond !== grid) {
        const inner = areaIx[other] === areaIx[cell] ? lengthM[at] : 0;
        const onStreet = street[at] > 0 ? inner : 0;
        if (grid >= 0) {
          perimeterM[grid] += lengthM[at];
          innerM[grid] += inner;
          streetM[grid] += onStreet;
        }
        if (beyond >= 0) {
          perimeterM[beyond] += lengthM[at];
          innerM[beyond] += inner;
          streetM[beyond] += onStreet;
        }
      } else if (grid >= 0) {
        while (parent[other] !== other) other = parent[other] = parent[parent[other]];
        if (other === root) continue;
        // The smaller number becomes the root, so that ways stay short where cells are numbered from place to place.
        if (other < root) {
          parent[root] = other;
          root = other;
        } else parent[other] = root;
        pieces[grid]--;
      }
    }
  }
}

/** Put a cell into a grid (-1: none) and keep all figures but `pieces` true. */
export function moveCell(graph: Graph, figures: Figures, gridOf: Int32Array, cell: number, to: number): void {
  const from = gridOf[cell];
  if (from >= 0) count(graph, figures, cell, from, -1);
  if (to >= 0) count(graph, figures, cell, to, 1);
  const { indptr, indices, lengthM, street, areaIx } = graph;
  const { perimeterM, innerM, streetM } = figures;
  for (let at = indptr[cell]; at < indptr[cell + 1]; at++) {
    const grid = gridOf[indices[at]];
    const inner = areaIx[indices[at]] === areaIx[cell] ? lengthM[at] : 0;
    const onStreet = street[at] > 0 ? inner : 0;
    if (from !== grid) {
      if (from >= 0) {
        perimeterM[from] -= lengthM[at];
        innerM[from] -= inner;
        streetM[from] -= onStreet;
      }
      if (grid >= 0) {
        perimeterM[grid] -= lengthM[at];
        innerM[grid] -= inner;
        streetM[grid] -= onStreet;
      }
    }
    if (to !== grid) {
      if (to >= 0) {
        perimeterM[to] += lengthM[at];
        innerM[to] += inner;
        streetM[to] += onStreet;
      }
      if (grid >= 0) {
        perimeterM[grid] += lengthM[at];
        innerM[grid] += inner;
        streetM[grid] += onStreet;
      }
    }
  }
  gridOf[cell] = to;
}

function count(graph: Graph, figures: Figures, cell: number, grid: number, sign: 1 | -1): void {
  figures.cells[grid] += sign;
  figures.households[grid] += sign * graph.households[cell];
  figures.people[grid] += sign * graph.population[cell];
  figures.areaM2[grid] += sign * graph.areaM2[cell];
  figures.perimeterM[grid] += sign * graph.outerM[cell];
}

/** 4 pi A / P^2, 1 for a circle (Polsby and Popper 1991); 0 where there is no border. */
export function compactness(figures: Figures, grid: number): number {
  const border = figures.perimeterM[grid];
  return border > 0 ? (4 * Math.PI * figures.areaM2[grid]) / border ** 2 : 0;
}

/** Share of the border inside the area that is on streets; null where there is none. */
export function streetShare(figures: Figures, grid: number): number | null {
  return figures.innerM[grid] > 0 ? figures.streetM[grid] / figures.innerM[grid] : null;
}
