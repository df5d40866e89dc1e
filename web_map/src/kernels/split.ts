/**
 * Splitting a grid along a line drawn by hand. The line decides the sides of the cells; near it the border is then
 * moved to where it costs least: its length, on streets a fifth of it, and a price for every cell by its distance from
 * the line. The least cost is exact (a minimum cut), so a line drawn beside a street follows the street.
 */

import type { Graph } from "./adjacency";
import type { LivePlan } from "./live";
import { minimumCut } from "./mincut";
import { CutLine, simplify } from "./polyline";

export interface Halves {
  /** Cells on the left of the line as it was drawn, and on its right; ascending, neither empty. */
  left: Uint32Array;
  right: Uint32Array;
}

/** What a metre of border on a street counts. */
const STREET_COST = 0.2;
/** How far from the line cells may change sides, and what it costs them, both by the usual step between cells. */
const REACH_STEPS = 2.5;
const COST_A_STEP = 0.4;

/** Links from the line beyond which no cell changes sides. */
const BAND_LINKS = 5;

const LEFT = 0;
const RIGHT = 1;
/** Positions of cells, kept from one preview to the next. */
const positions = new WeakMap<Graph, Int32Array>();

/** Costs are counted in sixteenths of a metre. */
const FINE = 16;

/**
 * Part a grid along a line (x0, y0, x1, y1, ... in units; led on past its ends). Both halves of a connected grid are
 * connected. Of a grid in pieces the largest piece that the line divides is parted, the others go whole to the side on
 * which most of them lies. Null where all cells lie on one side.
 */
export function splitByLine(graph: Graph, live: LivePlan, grid: number, line: ArrayLike<number>): Halves | null {
  const cells = live.cellsOf(grid);
  if (cells.length < 2) return null;
  const split = new Split(graph, live, grid, cells);
  return split.along(line) ? split.halves() : null;
}

class Split {
  /** Position of each cell in `cells`, for cells of the grid. */
  private readonly local: Int32Array;
  private readonly side: Uint8Array;
  private readonly step: number;

  constructor(
    private readonly graph: Graph,
    private readonly live: LivePlan,
    private readonly grid: number,
    private readonly cells: Uint32Array,
  ) {
    this.local = positions.get(graph) ?? new Int32Array(graph.n);
    positions.set(graph, this.local);
    for (let i = 0; i < cells.length; i++) this.local[cells[i]] = i;
    this.side = new Uint8Array(cells.length);
    this.step = this.usualStep();
  }

  along(line: ArrayLike<number>): boolean {
    const cut = CutLine.through(simplify(line, this.step / 4), this.circle(), this.step);
    if (!cut) return false;
    const { anchor } = this.graph;
    let right = 0;
    this.cells.forEach((cell, i) => {
      this.side[i] = cut.isLeft(anchor[2 * cell], anchor[2 * cell + 1]) ? LEFT : RIGHT;
      right += this.side[i];
    });
    if (right === 0 || right === this.cells.length) return false;
    const pieces = this.live.pieceCells(this.grid);
    const parted = pieces.find((piece) => this.isDivided(piece));
    for (const piece of pieces) if (piece !== parted) this.unite(piece);
    if (parted) {
      this.improve(parted, cut);
      this.connect(parted, LEFT);
      this.connect(parted, RIGHT);
    }
    return this.isDivided(this.cells);
  }

  halves(): Halves {
    const { cells, side } = this;
    return {
      left: cells.filter((_, i) => side[i] === LEFT),
      right: cells.filter((_, i) => side[i] === RIGHT),
    };
  }

  private isDivided(piece: Uint32Array): boolean {
    const first = this.side[this.local[piece[0]]];
    return piece.some((cell) => this.side[this.local[cell]] !== first);
  }

  private unite(piece: Uint32Array): void {
    const right = piece.reduce((sum, cell) => sum + this.side[this.local[cell]], 0);
    for (const cell of piece) this.side[this.local[cell]] = 2 * right > piece.length ? RIGHT : LEFT;
  }

  // Cells of a piece that a few links join to the other side, in the order of their distance in links.
  private nearCells(piece: Uint32Array): number[] {
    const { graph, local, side } = this;
    const seen = new Uint8Array(this.cells.length);
    const near: number[] = [];
    for (const cell of piece) {
      for (let at = graph.indptr[cell]; at < graph.indptr[cell + 1]; at++) {
        const other = graph.indices[at];
        if (!this.isMine(other) || side[local[other]] === side[local[cell]]) continue;
        near.push(cell);
        seen[local[cell]] = 1;
        break;
      }
    }
    for (let links = 1, from = 0; links < BAND_LINKS; links++) {
      const end = near.length;
      for (; from < end; from++) {
        for (let at = graph.indptr[near[from]]; at < graph.indptr[near[from] + 1]; at++) {
          const other = graph.indices[at];
          if (!this.isMine(other) || seen[local[other]] === 1) continue;
          seen[local[other]] = 1;
          near.push(other);
        }
      }
    }
    return near;
  }

  // Near cells that may change sides; the furthest of each side never does.
  private bandOf(piece: Uint32Array, near: number[], off: Float64Array): number[] {
    const { local, side } = this;
    const furthest = [0, 0];
    const open = [0, 0];
    for (const cell of piece) open[side[local[cell]]]++;
    near.forEach((cell, i) => {
      open[side[local[cell]]]--;
      furthest[side[local[cell]]] = Math.max(furthest[side[local[cell]]], off[i]);
    });
    const reach = [LEFT, RIGHT].map((which) => (open[which] > 0 ? Infinity : furthest[which]));
    return near.map((_, i) => i).filter((i) => off[i] <= REACH_STEPS * this.step && off[i] < reach[side[local[near[i]]]]);
  }

  // Moves the border of a piece within its band along the line to where it costs least.
  private improve(piece: Uint32Array, cut: CutLine): void {
    const { graph, local, side } = this;
    const near = this.nearCells(piece);
    const off = Float64Array.from(near, (cell) => cut.distance(graph.anchor[2 * cell], graph.anchor[2 * cell + 1]));
    const inBand = this.bandOf(piece, near, off);
    const band = inBand.map((i) => near[i]);
    const node = new Int32Array(this.cells.length).fill(-1);
    band.forEach((cell, i) => (node[local[cell]] = i));
    const [from, to, cost]: number[][] = [[], [], []];
    const leave = [new Float64Array(band.length), new Float64Array(band.length)];
    const price = this.usualLength(band) * COST_A_STEP;
    band.forEach((cell, i) => {
      leave[side[local[cell]]][i] += Math.round(FINE * price * (off[inBand[i]] / this.step));
      for (let at = graph.indptr[cell]; at < graph.indptr[cell + 1]; at++) {
        const other = graph.indices[at];
        if (!this.isMine(other)) continue;
        const border = Math.round(FINE * graph.lengthM[at] * (graph.street[at] > 0 ? STREET_COST : 1));
        if (node[local[other]] < 0) leave[side[local[other]]][i] += border;
        else if (other > cell) {
          from.push(i);
          to.push(node[local[other]]);
          cost.push(border);
        }
      }
    });
    const sides = minimumCut({ nodes: band.length, from, to, cost, costOf1: leave[LEFT], costOf0: leave[RIGHT] });
    band.forEach((cell, i) => (side[local[cell]] = sides[i]));
  }

  // Of the connected parts of one side the one with the most cells stays; the others, which it encloses, go over.
  private connect(piece: Uint32Array, which: number): void {
    const { graph, local, side } = this;
    const partOf = new Int32Array(this.cells.length).fill(-1);
    const sizes: number[] = [];
    const queue = new Uint32Array(piece.length);
    for (const first of piece) {
      if (side[local[first]] !== which || partOf[local[first]] >= 0) continue;
      const part = sizes.length;
      let count = 1;
      queue[0] = first;
      partOf[local[first]] = part;
      for (let i = 0; i < count; i++) {
        for (let at = graph.indptr[queue[i]]; at < graph.indptr[queue[i] + 1]; at++) {
          const other = graph.indices[at];
          if (!this.isMine(other) || side[local[other]] !== which || partOf[local[other]] >= 0) continue;
          partOf[local[other]] = part;
          queue[count++] = other;
        }
      }
      sizes.push(count);
    }
    const largest = sizes.indexOf(Math.max(...sizes));
    for (const cell of piece)
      if (side[local[cell]] === which && partOf[local[cell]] !== largest) side[local[cell]] = 1 - which;
  }

  private isMine(cell: number): boolean {
    return this.live.gridOf[cell] === this.grid;
  }

  /** Mean length of the borders inside the grid that these cells have. */
  private usualLength(cells: number[]): number {
    const { indptr, indices, lengthM } = this.graph;
    let [sum, count] = [0, 0];
    for (const cell of cells) {
      for (let at = indptr[cell]; at < indptr[cell + 1]; at++) {
        if (!this.isMine(indices[at])) continue;
        sum += lengthM[at];
        count++;
      }
    }
    return sum / Math.max(1, count);
  }

  /** Mean distance between anchors of cells of the grid that touch. */
  private usualStep(): number {
    const { indptr, indices, anchor } = this.graph;
    let sum = 0;
    let count = 0;
    for (const cell of this.cells) {
      for (let at = indptr[cell]; at < indptr[cell + 1]; at++) {
        const other = indices[at];
        if (!this.isMine(other)) continue;
        sum += Math.hypot(anchor[2 * cell] - anchor[2 * other], anchor[2 * cell + 1] - anchor[2 * other + 1]);
        count++;
      }
    }
    return Math.max(1, sum / Math.max(1, count));
  }

  private circle(): { x: number; y: number; radius: number } {
    const { anchor } = this.graph;
    let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity];
    for (const cell of this.cells) {
      x0 = Math.min(x0, anchor[2 * cell]);
      y0 = Math.min(y0, anchor[2 * cell + 1]);
      x1 = Math.max(x1, anchor[2 * cell]);
      y1 = Math.max(y1, anchor[2 * cell + 1]);
    }
    return { x: (x0 + x1) / 2, y: (y0 + y1) / 2, radius: Math.hypot(x1 - x0, y1 - y0) / 2 + this.step };
  }
}
