/**
 * How a grid hangs together after cells have left or joined it, without walking the whole grid: from the neighbours of
 * the moved cells fronts grow in turns and join where they meet; one front that is left needs no further proof.
 */

import type { Graph } from "./adjacency";
import { type Blocks, findBlocks } from "./blocks";
import { UnionFind } from "./unionfind";

const NO_CELL = -1;
const LONGEST_TURN = 256;
/** Cells a turn from which on whole blocks are taken at once; small searches end before that. */
const BLOCKS_FROM = 64;

const LAST_TURN = 0xffffffff;

/** What may be walked on: cells with `marks[cell] === mark` that are not stamped as moved. */
export interface Ground {
  marks: Int32Array;
  mark: number;
  moved: Uint32Array;
  turn: number;
}

/** Fronts of one search: sets of cells known to hang together, each begun by at least one seed. */
export class FrontSearch {
  /** Sets of seeds; seed k is the k-th distinct cell that was given to `seed`. */
  readonly sets = new UnionFind();
  /** Cells in a set so far, by root; all of them where the set is `done`. */
  size = new Int32Array(64);
  done = new Uint8Array(64);
  seeds = new Int32Array(64);
  nSeeds = 0;

  private readonly label: Int32Array;
  private readonly stamp: Uint32Array;
  private readonly next: Int32Array;
  private turn = 0;
  private head = new Int32Array(64);
  private tail = new Int32Array(64);
  private active = new Int32Array(64);
  private live = 0;
  private blocks: Blocks | null = null;
  private byBlock = false;
  /** Stamps of the enclosures that were looked at, and of those that were taken as a whole. */
  private tried = new Uint32Array(0);
  private taken = new Uint32Array(0);

  constructor(private readonly graph: Graph) {
    this.label = new Int32Array(graph.n);
    this.stamp = new Uint32Array(graph.n);
    this.next = new Int32Array(graph.n);
  }

  begin(): void {
    if (this.turn === LAST_TURN) {
      this.tried.fill(0);
      this.taken.fill(0);
    }
    this.turn = nextTurn(this.turn, this.stamp);
    this.byBlock = false;
    this.nSeeds = 0;
    this.live = 0;
    this.sets.clear();
  }

  /** Begin a front at a cell; a cell that is in one already keeps it. */
  seed(cell: number): void {
    if (this.stamp[cell] === this.turn) return;
    const k = this.nSeeds++;
    if (k === this.seeds.length) this.grow();
    this.sets.add();
    this.seeds[k] = cell;
    this.stamp[cell] = this.turn;
    this.label[cell] = k;
    this.next[cell] = NO_CELL;
    this.head[k] = this.tail[k] = cell;
    this.size[k] = 1;
    this.done[k] = 0;
    this.live++;
  }

  /** Set that a reached cell belongs to, -1 where no front has come. */
  setOf(cell: number): number {
    return this.stamp[cell] === this.turn ? this.sets.find(this.label[cell]) : -1;
  }

  /** Grow the fronts in turns until at most one is neither done nor joined to another. */
  run(ground: Ground): void {
    const { active, sets } = this;
    let count = this.nSeeds;
    for (let k = 0; k < count; k++) active[k] = k;
    for (let steps = 1; this.live > 1; steps = Math.min(2 * steps, LONGEST_TURN)) {
      if (steps >= BLOCKS_FROM && !this.byBlock) {
        this.prepare();
        this.byBlock = true;
      }
      let kept = 0;
      for (let i = 0; i < count && this.live > 1; i++) {
        const k = active[i];
        if (!sets.isRoot(k) || this.done[k]) continue;
        this.expand(k, steps, ground);
        active[kept++] = k;
      }
      count = kept;
    }
  }

  /** Go on with one set until it has more than `least` cells or is done. */
  outgrow(root: number, least: number, ground: Ground): void {
    while (!this.done[root] && this.size[root] <= least) this.expand(root, LONGEST_TURN, ground);
  }

  /** All cells of a set that is done, ascending. */
  cellsOf(root: number): Uint32Array {
    const { stamp, label, turn, sets } = this;
    const cells = new Uint32Array(this.size[root]);
    for (let cell = 0, at = 0; at < cells.length; cell++)
      if (stamp[cell] === turn && (label[cell] === root || sets.find(label[cell]) === root)) cells[at++] = cell;
    return cells;
  }

  /** Find the blocks, which the first large search does otherwise. */
  prepare(): void {
    if (this.blocks) return;
    this.blocks = findBlocks(this.graph);
    this.tried = new Uint32Array(this.blocks.whole.length);
    this.taken = new Uint32Array(this.blocks.whole.length);
  }

  // Takes the block of a cell into a set if none of its cells is off the ground or in a set; how many cells that were.
  private takeBlock(blocks: Blocks, cell: number, root: number, { marks, mark, moved, turn }: Ground): number {
    const block = this.graph.enclosureIx[cell];
    if (block < 0 || this.tried[block] === this.turn) return 0;
    this.tried[block] = this.turn;
    if (blocks.whole[block] === 0) return 0;
    const { start, items } = blocks.cells;
    for (let at = start[block]; at < start[block + 1]; at++) {
      const other = items[at];
      if (marks[other] !== mark || moved[other] === turn || this.stamp[other] === this.turn) return 0;
    }
    for (let at = start[block]; at < start[block + 1]; at++) {
      this.stamp[items[at]] = this.turn;
      this.label[items[at]] = root;
    }
    this.taken[block] = this.turn;
    return start[block + 1] - start[block];
  }

  private expand(from: number, steps: number, ground: Ground): void {
    const { indptr, indices, enclosureIx } = this.graph;
    const { marks, mark, moved, turn } = ground;
    const blocks = this.byBlock ? this.blocks : null;
    const taken = this.taken;
    const { stamp, label, next, head, tail, sets, turn: now } = this;
    let root = from;
    for (let step = 0; step < steps; step++) {
      const cell = head[root];
      if (cell === NO_CELL) {
        this.done[root] = 1;
        this.live--;
        return;
      }
      head[root] = next[cell];
      let joined = false;
      let fresh = 0;
      // A cell stands for its whole block where that was taken.
      const asBlock = blocks !== null && taken[enclosureIx[cell]] === now;
      const links = asBlock ? blocks.around.items : indices;
      const first = asBlock ? blocks.around.start[enclosureIx[cell]] : indptr[cell];
      const end = asBlock ? blocks.around.start[enclosureIx[cell] + 1] : indptr[cell + 1];
      for (let at = first; at < end; at++) {
        const other = links[at];
        if (stamp[other] === now) {
          if (label[other] === root) continue;
          const met = sets.find(label[other]);
          if (met === root) continue;
          this.size[root] += fresh;
          fresh = 0;
          root = this.join(root, met);
          joined = true;
        } else if (marks[other] === mark && moved[other] !== turn) {
          const whole = blocks === null ? 0 : this.takeBlock(blocks, other, root, ground);
          stamp[other] = now;
          label[other] = root;
          next[other] = NO_CELL;
          if (head[root] === NO_CELL) head[root] = other;
          else next[tail[root]] = other;
          tail[root] = other;
          fresh += whole || 1;
        }
      }
      this.size[root] += fresh;
      // Only between two cells, so that the front can go on from here.
      if (joined && this.live <= 1) return;
    }
  }

  private join(a: number, b: number): number {
    const { head, tail, next } = this;
    const root = this.sets.union(a, b);
    const gone = root === a ? b : a;
    this.size[root] += this.size[gone];
    if (head[root] === NO_CELL) {
      head[root] = head[gone];
      tail[root] = tail[gone];
    } else if (head[gone] !== NO_CELL) {
      next[tail[root]] = head[gone];
      tail[root] = tail[gone];
    }
    this.live--;
    return root;
  }

  private grow(): void {
    const longer = <T extends Int32Array | Uint8Array>(old: T, make: (length: number) => T): T => {
      const array = make(2 * old.length);
      array.set(old);
      return array;
    };
    const ints = (length: number): Int32Array<ArrayBuffer> => new Int32Array(length);
    this.size = longer(this.size, ints);
    this.seeds = longer(this.seeds, ints);
    this.head = longer(this.head, ints);
    this.tail = longer(this.tail, ints);
    this.active = longer(this.active, ints);
    this.done = longer(this.done, (length) => new Uint8Array(length));
  }
}

/** The next value of a stamp; after 2^32 of them the stamps begin anew. */
export function nextTurn(turn: number, stamps: Uint32Array): number {
  if (turn < LAST_TURN) return turn + 1;
  stamps.fill(0);
  return 1;
}
