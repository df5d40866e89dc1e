/** Small towns for the tests: lattices with random diagonals, holes, ways, blocks and several areas. */

import { exactly, type Graph } from "../src/kernels/adjacency";

export interface TownOptions {
  columns: number;
  rows: number;
  /** Share of the places without a cell. */
  holes?: number;
  areas?: number;
  /** Cells a side of a block; streets run between blocks. */
  block?: number;
  /** Units between two anchors. */
  step?: number;
}

interface Link {
  a: number;
  b: number;
  length: number;
  street: number;
}

/** A planar graph: each square of four cells has at most one diagonal. */
export function makeTown(options: TownOptions, random: () => number): Graph {
  const { columns, rows, holes = 0, areas = 1, block = 5, step = 1000 } = options;
  const cellAt = new Int32Array(columns * rows).fill(-1);
  let n = 0;
  for (let place = 0; place < cellAt.length; place++) if (random() >= holes) cellAt[place] = n++;
  const links = linksOf(cellAt, columns, rows, block, random);
  const { indptr, indices, lengthM, street } = toCsr(n, links);
  const whole = (value: (column: number, row: number) => number): Int32Array => {
    const array = new Int32Array(n);
    for (let place = 0; place < cellAt.length; place++)
      if (cellAt[place] >= 0) array[cellAt[place]] = value(place % columns, Math.floor(place / columns));
    return array;
  };
  const xs = whole((column) => column * step + Math.round((random() - 0.5) * step * 0.6) + 100 * step);
  const ys = whole((_, row) => row * step + Math.round((random() - 0.5) * step * 0.6) + 100 * step);
  const anchor = new Int32Array(2 * n);
  for (let i = 0; i < n; i++) anchor.set([xs[i], ys[i]], 2 * i);
  const blocksAcross = Math.ceil(columns / block);
  return {
    n,
    indptr,
    indices,
    lengthM,
    street,
    areaM2: exactly(Float32Array.from({ length: n }, () => 100 + random() * 900)),
    outerM: exactly(Float32Array.from({ length: n }, () => (random() < 0.1 ? random() * 30 : 0))),
    population: exactly(Float32Array.from({ length: n }, () => random() * 40)),
    households: Int32Array.from({ length: n }, () => Math.floor(random() * 12)),
    areaIx: whole((column) => Math.floor((column * areas) / columns)),
    enclosureIx: whole((column, row) => Math.floor(row / block) * blocksAcross + Math.floor(column / block)),
    compoundIx: whole((column, row) => ((column + row) % 3 === 0 ? -1 : Math.floor(column / (2 * block)))),
    anchor,
  };
}

function linksOf(cellAt: Int32Array, columns: number, rows: number, block: number, random: () => number): Link[] {
  const links: Link[] = [];
  const add = (a: number, b: number, street: number, length: number): void => {
    if (a >= 0 && b >= 0) links.push({ a, b, length, street });
  };
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const at = (c: number, r: number): number => (c < columns && r < rows ? cellAt[r * columns + c] : -1);
      const here = at(column, row);
      const across = (column + 1) % block === 0 ? 3 : 0;
      const down = (row + 1) % block === 0 ? 2 : 0;
      add(here, at(column + 1, row), across, 5 + random() * 40);
      add(here, at(column, row + 1), down, 5 + random() * 40);
      const which = random();
      if (which < 0.35) add(here, at(column + 1, row + 1), Math.max(across, down), 1 + random() * 9);
      else if (which < 0.7) add(at(column + 1, row), at(column, row + 1), Math.max(across, down), 1 + random() * 9);
    }
  }
  return links;
}

function toCsr(n: number, links: Link[]): Pick<Graph, "indptr" | "indices" | "lengthM" | "street"> {
  const rows: { to: number; link: Link }[][] = Array.from({ length: n }, () => []);
  for (const link of links) {
    rows[link.a].push({ to: link.b, link });
    rows[link.b].push({ to: link.a, link });
  }
  const indptr = new Uint32Array(n + 1);
  rows.forEach((row, i) => (indptr[i + 1] = indptr[i] + row.sort((a, b) => a.to - b.to).length));
  const flat = rows.flat();
  return {
    indptr,
    indices: Uint32Array.from(flat, ({ to }) => to),
    lengthM: exactly(Float32Array.from(flat, ({ link }) => link.length)),
    street: Uint8Array.from(flat, ({ link }) => link.street),
  };
}

/** Grids grown from random cells, in each area its own; about one cell in fifty stays unassigned. */
export function growGrids(graph: Graph, nGrids: number, random: () => number): Int32Array {
  const gridOf = new Int32Array(graph.n).fill(-1);
  const queue: number[] = [];
  for (let grid = 0; grid < nGrids; grid++) {
    const cell = Math.floor(random() * graph.n);
    if (gridOf[cell] >= 0) continue;
    gridOf[cell] = grid;
    queue.push(cell);
  }
  for (let i = 0; i < queue.length; i++) {
    for (let at = graph.indptr[queue[i]]; at < graph.indptr[queue[i] + 1]; at++) {
      const other = graph.indices[at];
      if (gridOf[other] >= 0 || graph.areaIx[other] !== graph.areaIx[queue[i]]) continue;
      gridOf[other] = gridOf[queue[i]];
      queue.push(other);
    }
  }
  for (let i = 0; i < graph.n; i++) if (random() < 0.02) gridOf[i] = -1;
  return gridOf;
}
